//! Where a value of a configuration stands: its key as a path of steps, and its line or environment variable.
//!
//! Pure. A key is written `hub[0].url`; a step that is no plain word is quoted (`islands."a.b"`).

use std::fmt;

/// Where a value was typed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Somewhere in the file.
    File,
    /// A line of the file, from 1.
    Line(usize),
    /// An environment variable.
    Variable(String),
}

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into a table.
    Name(String),
    /// Into a list.
    Index(usize),
}

/// The way from the top to a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(Vec<Step>);

impl Key {
    /// Reads a key as it is written. Total: what is no index is a name.
    pub(super) fn new(text: &str) -> Self {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            rest = rest.strip_prefix('.').unwrap_or(rest);
            if let Some((index, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
                steps.push(index.parse().map_or_else(|_| Step::Name(index.to_owned()), Step::Index));
                rest = after;
            } else if let Some((name, after)) = rest.strip_prefix('"').and_then(|inner| inner.split_once('"')) {
                steps.push(Step::Name(name.to_owned()));
                rest = after;
            } else {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                if !name.is_empty() {
                    steps.push(Step::Name(name.to_owned()));
                } else if !after.starts_with('.') {
                    // An unclosed bracket: the rest is one name.
                    steps.push(Step::Name(after.to_owned()));
                    break;
                }
                rest = after;
            }
        }
        Self(steps)
    }

    pub(super) fn below(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// A key from the steps of a way up, innermost first.
    pub(super) fn from_inside_out(mut steps: Vec<Step>) -> Self {
        steps.reverse();
        Self(steps)
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether this is `other` or something inside it. Everything is inside the top, but the top is no place to be
    /// wrong in: only the top itself is.
    pub(super) fn is_in(&self, other: &Self) -> bool {
        if other.0.is_empty() { self.0.is_empty() } else { self.0.starts_with(&other.0) }
    }

    /// One step up; false at the top.
    pub(super) fn pop(&mut self) -> bool {
        self.0.pop().is_some()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Name(name) => {
                    let dot = if depth > 0 { "." } else { "" };
                    let plain = !name.is_empty()
                        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
                    if plain { write!(f, "{dot}{name}")? } else { write!(f, "{dot}\"{name}\"")? }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_as_it_is_written() {
        for text in ["", "log", "hub[0].url", "a.b[12][3].c-d", "islands.\"a.b\".key"] {
            assert_eq!(Key::new(text).to_string(), text);
        }
    }

    #[test]
    fn any_text_is_a_key_of_some_sort() {
        for text in ["[", "a[", "a[x]", "..", "\"", "a..b", "]", "[]"] {
            let _ = Key::new(text).to_string();
        }
    }

    #[test]
    fn a_value_is_in_its_table_and_not_in_a_neighbour() {
        assert!(Key::new("hub[0].url").is_in(&Key::new("hub[0]")));
        assert!(!Key::new("hub[0].url").is_in(&Key::new("hub[1]")));
        assert!(!Key::new("hubs").is_in(&Key::new("hub")));
        assert!(!Key::new("hub").is_in(&Key::new("")));
    }
}
