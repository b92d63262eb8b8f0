//! The rules in force: the documents of the config centers, read and put together. Of each document the last good text counts.
//!
//! ```text
//!  documents of every registry ─ another text? ─ parse ─▶ taken ─┬─▶ Rules of this moment ─▶ Snapshot
//!                                                  │             └─▶ Kept, for whoever has where to keep it
//!                                                  └ broken: said in the log and shown; what was taken before stays
//! ```
//!
//! Whoever keeps what was taken obeys it also where he starts while his registry is away. Nothing here reads a config center, a clock or a
//! file, and nothing is on the path of a call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::compiled::{Rules, TooMany};
use super::difference::difference;
use super::document::Document;
use super::read::{RULES_MAX, parse};
use super::warnings::Surroundings;
use crate::snapshot::{Snapshot, View};

/// Oddities of a document that the status page names.
const WARNINGS_SHOWN: usize = 20;

/// Every document that is obeyed, and what is wrong with the others.
#[derive(Debug, Default)]
pub struct Rulebook {
    taken: BTreeMap<String, Taken>,
    /// Texts that stand in a config center and are not obeyed, by name.
    refused: BTreeMap<String, Refused>,
    rules: Arc<Rules>,
}

#[derive(Debug)]
struct Taken {
    /// The registry whose document it is.
    registry: String,
    text: String,
    document: Arc<Document>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused {
    /// Which is not read again; empty where it is not the text that is wrong.
    text: String,
    why: String,
}

/// What is kept of a document that is obeyed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Kept {
    registry: String,
    text: String,
}

/// The config center of a registry, as it was last seen.
#[derive(Debug, Clone)]
pub struct Center<'a> {
    /// The registry's name.
    pub registry: &'a str,
    /// Whether it was ever read. Before that it is not known which documents there are.
    pub is_read: bool,
    /// Whether the folder of documents was ever there. Before that, silence may mean that the tree was lost.
    pub has_folder: bool,
    /// Names of documents that are there and have no text that can be read.
    pub unsound: &'a BTreeSet<String>,
    /// Name and text of all others.
    pub texts: Vec<(&'a str, &'a str)>,
}

/// What came of a look at the config centers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// Nothing that a decision depends on.
    Same,
    /// Other rules hold now, though the documents are the same: it is another time.
    OtherRules,
    /// Other documents are obeyed: what was kept of them is outdated too.
    OtherDocuments,
}

/// One document, for the status page.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ShownDocument {
    /// Its name.
    pub name: String,
    /// Rules and switches in it, `None` where no text of it was ever taken.
    pub rules: Option<usize>,
    /// Why the text in the config center is not obeyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What looks odd about the text that is obeyed, beside what this gateway knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Rulebook {
    /// What [`Rulebook::kept`] said of an earlier one, as it holds at `now`. A text that is not understood any more is left out, and said.
    #[must_use]
    pub fn again(kept: BTreeMap<String, Kept>, now: SystemTime) -> Self {
        let mut book = Self::default();
        for (name, Kept { registry, text }) in kept {
            if let Err(refused) = book.take(&name, &registry, &text) {
                book.refuse(&name, refused);
            }
        }
        book.put_together(now);
        book
    }

    /// The texts that are obeyed, by name.
    #[must_use]
    pub fn kept(&self) -> BTreeMap<String, Kept> {
        let kept = |taken: &Taken| Kept { registry: taken.registry.clone(), text: taken.text.clone() };
        self.taken.iter().map(|(name, taken)| (name.clone(), kept(taken))).collect()
    }

    /// Takes in what stands in the config centers at `now`, the one that counts first. A document is gone when the center that it came from
    /// was read, has a folder of documents, and has it no more: a tree that was lost takes no rule away.
    pub fn observe(&mut self, centers: &[Center<'_>], now: SystemTime) -> Observed {
        let mut observed = Observed::Same;
        let mut refused = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for Center { registry, texts, .. } in centers {
            for (name, text) in texts.iter().copied() {
                if !seen.insert(name) {
                    if self.taken.get(name).is_some_and(|taken| taken.text != text) {
                        let why = "it stands in several registries with different texts; that of the first one is obeyed, remove the others";
                        refused.insert(name.to_owned(), Refused { text: String::new(), why: why.to_owned() });
                    }
                } else if let Some(taken) = self.taken.get_mut(name).filter(|taken| taken.text == text) {
                    (*registry).clone_into(&mut taken.registry);
                } else if let Some(before) = self.refused.get(name).filter(|before| before.text == text) {
                    refused.insert(name.to_owned(), before.clone());
                } else {
                    match self.take(name, registry, text) {
                        Ok(()) => observed = Observed::OtherDocuments,
                        Err(why) => drop(refused.insert(name.to_owned(), why)),
                    }
                }
            }
        }
        let gone: Vec<String> =
            self.taken.iter().filter(|(name, _)| !seen.contains(name.as_str())).map(|(name, _)| name.clone()).collect();
        for name in gone {
            match self.why_kept(&name, centers) {
                Some(why) => drop(refused.insert(name, Refused { text: String::new(), why })),
                None => {
                    let taken = self.taken.remove(&name);
                    tell(&name, taken.as_ref().map(|taken| &*taken.document), None);
                    observed = Observed::OtherDocuments;
                }
            }
        }
        for (name, why) in &refused {
            if self.refused.get(name) != Some(why) {
                tracing::error!(document = name, why = why.why, "a document of rules is not obeyed as it stands");
            }
        }
        self.refused = refused;
        if observed == Observed::Same && !self.is_due(now) {
            return Observed::Same;
        }
        self.put_together(now);
        if observed == Observed::Same { Observed::OtherRules } else { observed }
    }

    /// Why a document that stands nowhere is obeyed all the same; `None` where it is gone.
    fn why_kept(&self, name: &str, centers: &[Center<'_>]) -> Option<String> {
        let registry = &self.taken.get(name)?.registry;
        let Some(center) = centers.iter().find(|center| center.registry == registry) else {
            // Its registry is in the configuration no more.
            let unread = centers.iter().find(|center| !center.is_read);
            return unread
                .map(|unread| format!("registry {} was not read yet, so the document stays", unread.registry));
        };
        match (center.is_read, center.has_folder) {
            (false, _) => Some(format!("registry {registry} was not read yet, so the document stays as it was")),
            (true, false) => Some(format!(
                "registry {registry} has no folder of rule documents, as if it had lost its tree: the document stays as it was; write it \
                 again, or make the folder without it where it is to go"
            )),
            (true, true) if center.unsound.contains(name) => {
                Some(format!("its text in registry {registry} cannot be read, so the document stays as it was"))
            }
            (true, true) => None,
        }
    }

    /// Reads one text, which is obeyed from now on, or says why not; the one before stays then.
    fn take(&mut self, name: &str, registry: &str, text: &str) -> Result<(), Refused> {
        let stays = match self.taken.contains_key(name) {
            true => "the last good text of it is obeyed",
            false => "none of it is obeyed",
        };
        let refused = |why: String| Refused { text: text.to_owned(), why: format!("{why}; {stays}") };
        let document = Arc::new(parse(name, text).map_err(|broken| refused(broken.to_string()))?);
        let others = self.taken.iter().filter(|(other, _)| *other != name).map(|(_, taken)| taken.document.len());
        let found = others.sum::<usize>() + document.len();
        if found > RULES_MAX {
            return Err(refused(TooMany { found }.to_string()));
        }
        let (registry, text) = (registry.to_owned(), text.to_owned());
        let before = self.taken.insert(name.to_owned(), Taken { registry, text, document: document.clone() });
        tell(name, before.as_ref().map(|taken| &*taken.document), Some(&document));
        Ok(())
    }

    fn refuse(&mut self, name: &str, refused: Refused) {
        tracing::error!(document = name, why = refused.why, "a document of rules is not obeyed");
        self.refused.insert(name.to_owned(), refused);
    }

    fn put_together(&mut self, now: SystemTime) {
        let documents = self.taken.values().map(|taken| taken.document.clone());
        match Rules::new(documents, now) {
            Ok(rules) => self.rules = Arc::new(rules),
            // What is taken is never too much.
            Err(too_many) => tracing::error!(%too_many, "the documents of rules are not obeyed"),
        }
    }

    /// Whether time alone makes other rules.
    #[must_use]
    pub fn is_due(&self, now: SystemTime) -> bool {
        self.rules.next_change().is_some_and(|at| at <= now)
    }

    /// How long until time alone makes other rules; `None`: it never does.
    #[must_use]
    pub fn due_in(&self, now: SystemTime) -> Option<Duration> {
        self.rules.next_change().map(|at| at.duration_since(now).unwrap_or_default())
    }

    /// The rules that hold.
    #[must_use]
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// Every document, for the status page.
    #[must_use]
    pub fn shown(&self) -> Vec<ShownDocument> {
        let names: BTreeSet<&String> = self.taken.keys().chain(self.refused.keys()).collect();
        let shown = names.into_iter().map(|name| ShownDocument {
            name: name.clone(),
            rules: self.taken.get(name).map(|taken| taken.document.len()),
            refused: self.refused.get(name).map(|refused| refused.why.clone()),
            warnings: Vec::new(),
        });
        shown.collect()
    }

    /// The same with what looks odd beside what is known.
    #[must_use]
    pub fn shown_beside(&self, snapshot: &Snapshot) -> Vec<ShownDocument> {
        let mut shown = self.shown();
        // Asked every second: tens of thousands of services are not gone through for nothing.
        if self.taken.is_empty() || snapshot.view() != View::Complete {
            return shown;
        }
        let surroundings = Surroundings::of(snapshot);
        for document in &mut shown {
            let Some(taken) = self.taken.get(&document.name) else { continue };
            let warnings = surroundings.nobody_offers(&taken.document);
            let more = warnings.len().saturating_sub(WARNINGS_SHOWN);
            document.warnings = warnings.iter().take(WARNINGS_SHOWN).map(ToString::to_string).collect();
            document.warnings.extend((more > 0).then(|| format!("and {more} more")));
        }
        shown
    }
}

/// Says in the log what is otherwise now.
fn tell(name: &str, before: Option<&Document>, now: Option<&Document>) {
    for change in difference(before, now) {
        tracing::info!(document = name, change, "rules have changed");
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
