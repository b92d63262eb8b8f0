//! The rules in force: the documents of the config centers, read and put together. Of each document the last good text counts.
//!
//! ```text
//!  documents of every registry ─ another text? ─ parse ─▶ taken ─┬─▶ Rules of this moment ─▶ Snapshot
//!                                                  │             └─▶ state directory
//!                                                  └ broken: said in the log and shown; what was taken before stays
//! ```
//!
//! What was taken is kept in the state directory, so that a gateway that starts while its registry is away obeys it. It writes
//! nothing into a config center, and is not on the path of a call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use route::rules::{self, Document, Rules};
use zk_bridge::Documents;

/// The file with the texts that were taken.
pub const FILE: &str = "rules.json";
/// A file can hold what a config center can, escaped.
pub const FILE_MAX_LEN: u64 = 64 << 20;

/// Every document that is obeyed, and what is wrong with the others.
#[derive(Debug, Default)]
pub struct Rulebook {
    taken: BTreeMap<String, Taken>,
    /// By name: why the text that stands in the config center is not obeyed.
    refused: BTreeMap<String, String>,
    rules: Arc<Rules>,
    /// Why `rules` are not those of `taken`.
    too_many: Option<String>,
}

#[derive(Debug)]
struct Taken {
    text: String,
    document: Arc<Document>,
}

/// What came of a look at the config centers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// Nothing that a decision depends on.
    Same,
    /// Other rules hold now, though the documents are the same: it is another time.
    OtherRules,
    /// Other documents are obeyed: the file is outdated too.
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
}

impl Rulebook {
    /// What [`Rulebook::encode`] made of an earlier one, as it holds at `now`. A text that is not understood any more is left out, and said.
    ///
    /// # Errors
    /// The bytes are no such file.
    pub fn decode(bytes: &[u8], now: SystemTime) -> serde_json::Result<Self> {
        let texts: BTreeMap<String, String> = serde_json::from_slice(bytes)?;
        let mut book = Self::default();
        for (name, text) in texts {
            book.take(&name, &text);
        }
        book.put_together(now);
        Ok(book)
    }

    /// The texts that are obeyed, to be kept in a file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let texts: BTreeMap<&str, &str> =
            self.taken.iter().map(|(name, taken)| (name.as_str(), taken.text.as_str())).collect();
        serde_json::to_vec(&texts).unwrap_or_default()
    }

    /// Takes in what stands in the config centers at `now`, the one that counts first. A document that none of them has is gone only
    /// when all of them were read.
    pub fn observe(&mut self, centers: &[Arc<Documents>], now: SystemTime) -> Observed {
        let mut seen = BTreeSet::new();
        let mut observed = Observed::Same;
        let twice = |name: &str| {
            format!(
                "document `{name}` stands in several registries with different texts; that of the first registry is obeyed, remove the others"
            )
        };
        let all = centers.iter().flat_map(|center| center.all());
        for document in all {
            if !seen.insert(document.name.as_str()) {
                if self.taken.get(&document.name).is_some_and(|taken| taken.text != document.text) {
                    self.refuse(&document.name, twice(&document.name));
                }
            } else if self.taken.get(&document.name).is_some_and(|taken| taken.text == document.text) {
                self.refused.remove(&document.name);
            } else if self.take(&document.name, &document.text) {
                observed = Observed::OtherDocuments;
            }
        }
        if centers.iter().all(|center| center.is_read()) && !centers.is_empty() {
            self.refused.retain(|name, _| seen.contains(name.as_str()));
            let gone: Vec<String> = self.taken.keys().filter(|name| !seen.contains(name.as_str())).cloned().collect();
            for name in gone {
                let taken = self.taken.remove(&name);
                tell(&name, taken.as_ref().map(|taken| &*taken.document), None);
                observed = Observed::OtherDocuments;
            }
        }
        if observed == Observed::Same && !self.is_due(now) {
            return Observed::Same;
        }
        self.put_together(now);
        if observed == Observed::Same { Observed::OtherRules } else { observed }
    }

    /// Reads one text; whether it is obeyed from now on.
    fn take(&mut self, name: &str, text: &str) -> bool {
        match rules::parse(name, text) {
            Ok(document) => {
                let document = Arc::new(document);
                let before =
                    self.taken.insert(name.to_owned(), Taken { text: text.to_owned(), document: document.clone() });
                tell(name, before.as_ref().map(|taken| &*taken.document), Some(&document));
                self.refused.remove(name);
                true
            }
            Err(broken) => {
                let stays = match self.taken.contains_key(name) {
                    true => "the last good text of it is obeyed",
                    false => "none of it is obeyed",
                };
                self.refuse(name, format!("{broken}; {stays}"));
                false
            }
        }
    }

    fn refuse(&mut self, name: &str, why: String) {
        if self.refused.get(name) != Some(&why) {
            tracing::error!(document = name, why, "a document of rules is not obeyed");
            self.refused.insert(name.to_owned(), why);
        }
    }

    fn put_together(&mut self, now: SystemTime) {
        let documents = self.taken.values().map(|taken| taken.document.clone());
        match Rules::new(documents, now) {
            Ok(rules) => {
                self.rules = Arc::new(rules);
                self.too_many = None;
            }
            Err(too_many) => {
                let why = format!("{too_many}; the rules before the last change are obeyed");
                tracing::error!(why, "the documents of rules are not obeyed");
                self.too_many = Some(why);
            }
        }
    }

    /// Whether time alone makes other rules.
    #[must_use]
    pub fn is_due(&self, now: SystemTime) -> bool {
        self.rules.next_change().is_some_and(|at| at <= now)
    }

    /// The rules that hold.
    #[must_use]
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// What is wrong with all documents together.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.too_many.as_deref()
    }

    /// Every document, for the status page.
    #[must_use]
    pub fn shown(&self) -> Vec<ShownDocument> {
        let names: BTreeSet<&String> = self.taken.keys().chain(self.refused.keys()).collect();
        let shown = names.into_iter().map(|name| ShownDocument {
            name: name.clone(),
            rules: self.taken.get(name).map(|taken| taken.document.len()),
            refused: self.refused.get(name).cloned(),
        });
        shown.collect()
    }
}

/// Says in the log what is otherwise now.
fn tell(name: &str, before: Option<&Document>, now: Option<&Document>) {
    for change in rules::difference(before, now) {
        tracing::info!(document = name, change, "rules have changed");
    }
}

#[cfg(test)]
#[path = "rulebook_tests.rs"]
mod tests;
