//! What has changed between two texts of a document, in sentences for the log.

use std::collections::BTreeMap;

use super::document::{Document, Rule, short};

/// So many sentences are enough for one change.
const SENTENCES_MAX: usize = 100;

/// What is otherwise in `new` than in `old`; `None` stands for a document that is not there. Empty where they mean the same.
#[must_use]
pub fn difference(old: Option<&Document>, new: Option<&Document>) -> Vec<String> {
    let mut said = Vec::new();
    match (old, new) {
        (Some(old), Some(new)) if old.scope != new.scope => {
            said.push(format!("the document was about {}, is about {}", old.scope, new.scope));
        }
        (None, Some(new)) => said.push(format!("the document is new, about {}", new.scope)),
        (Some(old), None) => said.push(format!("the document is gone, it was about {}", old.scope)),
        _ => {}
    }
    let described =
        |of: Option<&Document>, what: fn(&Document) -> BTreeMap<String, String>| of.map(what).unwrap_or_default();
    compare("switch", &described(old, switches), &described(new, switches), &mut said);
    compare("rule", &described(old, rules), &described(new, rules), &mut said);
    moved(old, new, &mut said);
    if let (Some(old), Some(new)) = (old, new)
        && let (before, now) = (old.expectations.len(), new.expectations.len())
        && before != now
    {
        said.push(format!("it had {before} expectations, has {now}"));
    }
    let more = said.len().saturating_sub(SENTENCES_MAX);
    said.truncate(SENTENCES_MAX);
    if more > 0 {
        said.push(format!("and {more} more differences"));
    }
    said
}

fn compare(kind: &str, old: &BTreeMap<String, String>, new: &BTreeMap<String, String>, said: &mut Vec<String>) {
    for (name, text) in new {
        match old.get(name) {
            None => said.push(format!("{kind} `{name}` is new: {text}")),
            Some(before) if before != text => said.push(format!("{kind} `{name}` was: {before}; is: {text}")),
            Some(_) => {}
        }
    }
    for (name, text) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
        said.push(format!("{kind} `{name}` is gone, it was: {text}"));
    }
}

/// Rules of one priority that stand in another order to each other.
fn moved(old: Option<&Document>, new: Option<&Document>, said: &mut Vec<String>) {
    let (Some(old), Some(new)) = (old, new) else { return };
    let common = |of: &Document, other: &Document| -> Vec<String> {
        let both = of.rules.iter().filter(|rule| other.rules.iter().any(|twin| twin.name == rule.name));
        both.map(|rule| format!("`{}`", short(&rule.name))).collect()
    };
    let (before, now) = (common(old, new), common(new, old));
    if before != now {
        said.push(format!("the order of rules was {}, is {}", before.join(", "), now.join(", ")));
    }
}

fn rules(of: &Document) -> BTreeMap<String, String> {
    let text = |rule: &Rule| {
        let off = if rule.enabled { "" } else { "off, " };
        format!("{off}priority {}, {}: {}{}", rule.priority, rule.when, rule.act, rule.validity)
    };
    of.rules.iter().map(|rule| (short(&rule.name).to_owned(), text(rule))).collect()
}

fn switches(of: &Document) -> BTreeMap<String, String> {
    let off = |enabled| if enabled { "" } else { "off, " };
    of.switches
        .iter()
        .map(|switch| (short(&switch.name).to_owned(), format!("{}{switch}", off(switch.enabled))))
        .collect()
}
