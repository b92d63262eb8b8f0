//! Whether texts are rule documents that do what they expect of themselves: by the very code of the gateways.
//!
//! Asks no registry; whoever has read other documents gives them along, since rules of several documents stand beside each other. `check` asks an
//! egress gateway, where one is named, what looks odd beside what it knows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Result;
use route::rules::{self, Document, Mistake, Rules, TooMany, Unmet, Warning};
use serde_json::{Value, json};

use super::file::Wanted;
use super::gateway::Gateway;
use super::{End, Form, show};
use crate::output;
use crate::terminal::shown;
use crate::wrong::wrong;

/// Warnings of one text that people read.
const WARNINGS_SHOWN: usize = 50;

/// What there is to say of one text.
pub struct Judged {
    place: String,
    name: String,
    /// Lines of its file before the text.
    lines_before: usize,
    /// None where it is broken.
    document: Option<Arc<Document>>,
    mistakes: Vec<Mistake>,
    unmet: Vec<Unmet>,
    /// What looks odd; it stops nothing.
    warnings: Vec<Warning>,
}

/// `highway rules check`: every file, beside the others, and beside what a gateway knows.
pub async fn check(files: &[Wanted], gateway: &Gateway, form: Form) -> Result<End> {
    let mut names = BTreeSet::new();
    if let Some(twice) = files.iter().find(|file| !names.insert(file.name.as_str())) {
        let what = format!("found two files for document {}, wanted a name of its own for each", twice.name);
        return Err(wrong(what));
    }
    let mut judged = judge(files, Vec::new(), SystemTime::now()).map_err(too_many)?;
    let mut unasked = None;
    for (judged, file) in judged.iter_mut().zip(files).filter(|(judged, _)| judged.document.is_some()) {
        match gateway.warnings(file).await {
            Ok(warnings) => judged.warnings.extend(warnings),
            Err(error) => {
                unasked = Some(error);
                break;
            }
        }
        judged.warnings.sort_by_key(|warning| warning.line);
    }
    match form {
        Form::Programs => show::print_json(&judged.iter().map(Judged::json).collect())?,
        Form::People => {
            for judged in &judged {
                output::line(judged.sentences().join("\n"))?;
            }
        }
    }
    let worst = judged.iter().map(Judged::end).max().unwrap_or(End::Good);
    match unasked {
        None => Ok(worst),
        Some(error) if worst == End::Good => Err(error),
        // What is wrong with a text weighs more than that nobody could be asked about another.
        Some(error) => {
            output::say(format_args!("highway: {error:#}"));
            Ok(worst)
        }
    }
}

/// Judges texts beside each other and beside other documents.
///
/// # Errors
/// There are more rules than gateways take.
pub fn judge(files: &[Wanted], others: Vec<Arc<Document>>, now: SystemTime) -> Result<Vec<Judged>, TooMany> {
    let mut judged: Vec<Judged> = files.iter().map(Judged::of).collect();
    let good = judged.iter().filter_map(|judged| judged.document.clone());
    let all: Vec<Arc<Document>> = good.chain(others).collect();
    let rules = Rules::new(all.iter().cloned(), now)?;
    for judged in &mut judged {
        if let Some(document) = &judged.document {
            judged.unmet = rules::check(document, &all, now)?;
            judged.warnings = rules::shadowed(document, &rules);
        }
    }
    Ok(judged)
}

/// More rules in what was given than gateways take are a mistake of it.
pub fn too_many(too_many: TooMany) -> anyhow::Error {
    wrong(too_many.to_string())
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
        let (place, name, lines_before) = (file.place.clone(), file.name.clone(), file.lines_before);
        Self { place, name, lines_before, document, mistakes, unmet: Vec::new(), warnings: Vec::new() }
    }

    /// How a command ends that stops over it.
    pub fn end(&self) -> End {
        match () {
            () if !self.mistakes.is_empty() => End::Broken,
            () if !self.unmet.is_empty() => End::No,
            () => End::Good,
        }
    }

    /// The same without what it expects: that was tried alone, and with which others it will be obeyed cannot be known.
    pub fn untried(mut self) -> Self {
        self.unmet.clear();
        self
    }

    /// Rules and switches.
    pub fn rules_len(&self) -> usize {
        self.document.as_ref().map_or(0, |document| document.len())
    }

    /// One line each, as compilers write them.
    pub fn sentences(&self) -> Vec<String> {
        let place = shown(&self.place);
        let in_file = |line: &usize| line + self.lines_before;
        let mistakes = self.mistakes.iter();
        let mistakes = mistakes.map(|Mistake { line, column, what }| format!("{}:{column}: {what}", in_file(line)));
        let unmet = self.unmet.iter().map(|Unmet { line, wanted, found }| {
            format!("{}: not as expected: found the call {found}, wanted it {wanted}", in_file(line))
        });
        let told = mistakes.chain(unmet).map(|what| format!("{place}:{}", shown(&what)));
        let mut said: Vec<String> = told.chain(self.warned()).collect();
        if let (Some(document), End::Good) = (&self.document, self.end()) {
            said.push(format!("{place}: good, {} rules and switches", document.len()));
        }
        said
    }

    /// What looks odd alone.
    pub fn warned(&self) -> Vec<String> {
        let place = shown(&self.place);
        let said = |Warning { line, what }: &Warning| {
            format!("{place}:{}: warning: {}", line + self.lines_before, shown(what))
        };
        let more = self.warnings.len().saturating_sub(WARNINGS_SHOWN);
        let rest = (more > 0).then(|| format!("{place}: and {more} more warnings"));
        self.warnings.iter().take(WARNINGS_SHOWN).map(said).chain(rest).collect()
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let in_file = |line: &usize| line + self.lines_before;
        let mistakes = self
            .mistakes
            .iter()
            .map(|Mistake { line, column, what }| json!({ "line": in_file(line), "column": column, "what": what }));
        let unmet = self
            .unmet
            .iter()
            .map(|Unmet { line, wanted, found }| json!({ "line": in_file(line), "wanted": wanted, "found": found }));
        let warnings =
            self.warnings.iter().map(|Warning { line, what }| json!({ "line": in_file(line), "what": what }));
        json!({
            "file": self.place,
            "name": self.name,
            "good": self.end() == End::Good,
            "mistakes": mistakes.collect::<Vec<_>>(),
            "unmet": unmet.collect::<Vec<_>>(),
            "warnings": warnings.collect::<Vec<_>>(),
        })
    }
}
