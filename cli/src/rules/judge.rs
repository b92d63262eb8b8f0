//! Whether texts are rule documents that do what they expect of themselves: by the very code of the gateways.
//!
//! Asks nobody; whoever has read other documents gives them along, since rules of several documents stand beside each other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Result, bail};
use route::rules::{self, Document, Mistake, Rules, Unmet};
use serde_json::{Value, json};

use super::file::Wanted;
use super::{End, Form, show};
use crate::terminal::shown;

/// What there is to say of one text.
pub struct Judged {
    place: String,
    name: String,
    /// None where it is broken.
    document: Option<Arc<Document>>,
    mistakes: Vec<Mistake>,
    unmet: Vec<Unmet>,
}

/// `highway rules check`: every file, beside the others.
pub fn check(files: &[Wanted], form: Form) -> Result<End> {
    let mut names = BTreeSet::new();
    if let Some(twice) = files.iter().find(|file| !names.insert(file.name.as_str())) {
        bail!("found two files for document {}, wanted a name of its own for each", twice.name);
    }
    let judged = judge(files, Vec::new())?;
    match form {
        Form::Programs => show::print_json(&judged.iter().map(Judged::json).collect())?,
        Form::People => {
            for judged in &judged {
                println!("{}", judged.sentences().join("\n"));
            }
        }
    }
    let worst = judged.iter().map(Judged::end).max();
    Ok(worst.unwrap_or(End::Good))
}

/// Judges texts beside each other and beside other documents.
///
/// # Errors
/// There are more rules than gateways take.
pub fn judge(files: &[Wanted], others: Vec<Arc<Document>>) -> Result<Vec<Judged>> {
    let mut judged: Vec<Judged> = files.iter().map(Judged::of).collect();
    let good = judged.iter().filter_map(|judged| judged.document.clone());
    let rules = Arc::new(Rules::new(good.chain(others), SystemTime::now())?);
    for judged in &mut judged {
        if let Some(document) = &judged.document {
            judged.unmet = rules::check(document, &rules);
        }
    }
    Ok(judged)
}

/// The documents of a config center that are none of those named; broken ones are left out, as gateways do.
pub fn parsed<'t>(texts: impl IntoIterator<Item = (&'t str, &'t str)>) -> Vec<Arc<Document>> {
    texts.into_iter().filter_map(|(name, text)| rules::parse(name, text).ok()).map(Arc::new).collect()
}

/// What a change means, a sentence each; none where the texts mean the same, or one of them is broken.
pub fn meaning(name: &str, before: Option<&str>, after: Option<&str>) -> Vec<String> {
    let read = |text: &str| rules::parse(name, text);
    match (before.map(read).transpose(), after.map(read).transpose()) {
        (Ok(before), Ok(after)) => rules::difference(before.as_ref(), after.as_ref()),
        _ => Vec::new(),
    }
}

impl Judged {
    fn of(file: &Wanted) -> Self {
        let (document, mistakes) = match rules::parse(&file.name, &file.text) {
            Ok(document) => (Some(Arc::new(document)), Vec::new()),
            Err(broken) => (None, broken.mistakes),
        };
        Self { place: file.place.clone(), name: file.name.clone(), document, mistakes, unmet: Vec::new() }
    }

    /// How a command ends that stops over it.
    pub fn end(&self) -> End {
        match () {
            () if !self.mistakes.is_empty() => End::Broken,
            () if !self.unmet.is_empty() => End::No,
            () => End::Good,
        }
    }

    /// One line each, as compilers write them.
    pub fn sentences(&self) -> Vec<String> {
        let place = shown(&self.place);
        let mistakes = self.mistakes.iter().map(|Mistake { line, column, what }| format!("{line}:{column}: {what}"));
        let unmet = self.unmet.iter().map(|Unmet { line, wanted, found }| {
            format!("{line}: not as expected: found the call {found}, wanted it {wanted}")
        });
        let mut said: Vec<String> = mistakes.chain(unmet).map(|what| format!("{place}:{}", shown(&what))).collect();
        if let (Some(document), true) = (&self.document, said.is_empty()) {
            said.push(format!("{place}: good, {} rules and switches", document.len()));
        }
        said
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let unmet = self
            .unmet
            .iter()
            .map(|Unmet { line, wanted, found }| json!({ "line": line, "wanted": wanted, "found": found }));
        json!({
            "file": self.place,
            "name": self.name,
            "good": self.end() == End::Good,
            "mistakes": self.mistakes,
            "unmet": unmet.collect::<Vec<_>>(),
        })
    }
}
