//! Takes typed values out of a tree and writes down every mistake on the way, each with its place.
//!
//! A value that is wrong is left out and reading goes on, so that all mistakes of a document are told at once. What was read is
//! worth nothing while there is one.

use std::fmt::Display;
use std::str::FromStr;

use super::document::Mistake;
use super::yaml::{At, Node, Value};
use crate::text::shown;

/// More mistakes help nobody.
const MISTAKES_MAX: usize = 50;

/// The mistakes so far.
#[derive(Debug, Default)]
pub struct Reader {
    mistakes: Vec<Mistake>,
}

/// A mapping whose keys are all known.
#[derive(Clone, Copy)]
pub struct Fields<'n> {
    pub at: At,
    entries: &'n [(Node, Node)],
}

impl<'n> Fields<'n> {
    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries().find(|(name, _)| *name == key).map(|(_, node)| node)
    }

    /// All entries with a value.
    pub fn entries(self) -> impl Iterator<Item = (&'n str, &'n Node)> {
        self.entries.iter().filter_map(|(key, node)| match (&key.value, &node.value) {
            (_, Value::Nothing) => None,
            (Value::Text(name), _) => Some((&**name, node)),
            _ => None,
        })
    }
}

impl Reader {
    /// Notes a mistake.
    pub fn wrong(&mut self, at: At, what: impl Into<String>) {
        if self.mistakes.len() < MISTAKES_MAX {
            self.mistakes.push(Mistake { line: at.line, column: at.column, what: what.into() });
        }
    }

    /// All mistakes in the order of the text.
    pub fn mistakes(mut self) -> Vec<Mistake> {
        self.mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        self.mistakes
    }

    /// A mapping with no other keys than `known`.
    pub fn fields<'n>(&mut self, node: &'n Node, known: &[&str]) -> Option<Fields<'n>> {
        let fields = self.mapping(node, &format!("a mapping with {}", known.join(", ")))?;
        for (key, _) in fields.entries {
            if let Value::Text(name) = &key.value
                && !known.contains(&&**name)
            {
                self.wrong(key.at, format!("found the key `{}`, wanted one of {}", shown(name), known.join(", ")));
            }
        }
        Some(fields)
    }

    /// A mapping with any keys.
    pub fn mapping<'n>(&mut self, node: &'n Node, wanted: &str) -> Option<Fields<'n>> {
        let Value::Mapping(entries) = &node.value else { return self.unlike(node, wanted) };
        for (key, value) in entries {
            // A switch with `island:` and nothing behind it would stop more than was meant.
            if let (Value::Text(name), Value::Nothing) = (&key.value, &value.value) {
                self.wrong(key.at, format!("found nothing behind `{}`, wanted a value or not the key", shown(name)));
            }
        }
        Some(Fields { at: node.at, entries })
    }

    /// A list of at most `max` items.
    pub fn list<'n>(&mut self, node: &'n Node, wanted: &str, max: usize) -> &'n [Node] {
        match &node.value {
            Value::List(items) if items.len() > max => {
                self.wrong(node.at, format!("found {} items, wanted at most {max}", items.len()));
                &items[..max]
            }
            Value::List(items) => items,
            _ => self.unlike(node, wanted).unwrap_or_default(),
        }
    }

    /// A text of at most `max` characters without control characters.
    pub fn text<'n>(&mut self, node: &'n Node, wanted: &str, max: usize) -> Option<&'n str> {
        let Value::Text(text) = &node.value else { return self.unlike(node, wanted) };
        if let Some(found) = text.chars().find(|c| c.is_control()) {
            self.wrong(node.at, format!("found the control character {found:?} in `{}`, wanted {wanted}", shown(text)));
            return None;
        }
        let length = text.chars().count();
        if length == 0 || length > max {
            self.wrong(node.at, format!("found a text of {length} characters, wanted {wanted} of 1 to {max}"));
            return None;
        }
        Some(text)
    }

    /// What a text stands for.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, node: &Node, wanted: &str) -> Option<T> {
        let Value::Text(text) = &node.value else { return self.unlike(node, wanted) };
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(node.at, format!("found `{}`, wanted {wanted}: {error}", shown(text)));
                None
            }
        }
    }

    /// A text that `read` can make something of.
    pub fn made<T>(&mut self, node: &Node, wanted: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let Value::Text(text) = &node.value else { return self.unlike(node, wanted) };
        let made = read(text);
        if made.is_none() {
            self.wrong(node.at, format!("found `{}`, wanted {wanted}", shown(text)));
        }
        made
    }

    /// Yes or no.
    pub fn truth(&mut self, node: &Node) -> Option<bool> {
        self.made(node, "true or false", |text| text.parse().ok())
    }

    /// A key that must be there.
    pub fn require<'n>(&mut self, fields: &Fields<'n>, key: &str, wanted: &str) -> Option<&'n Node> {
        let found = fields.get(key);
        if found.is_none() {
            self.wrong(fields.at, format!("found no `{key}`, wanted {wanted}"));
        }
        found
    }

    /// It is something else than what was wanted.
    pub fn unlike<T>(&mut self, node: &Node, wanted: &str) -> Option<T> {
        let found = match &node.value {
            Value::Nothing => "nothing".to_owned(),
            Value::Text(text) => format!("`{}`", shown(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
        };
        self.wrong(node.at, format!("found {found}, wanted {wanted}"));
        None
    }
}
