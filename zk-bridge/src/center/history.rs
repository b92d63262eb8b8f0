//! An entry of a document's history: what it was changed to, by whom, when.
//!
//! ```text
//!  {"at": "2026-11-21T08:00:00.000Z", "by": "ann@laptop", "action": "apply", "text": "…"}     `text` is null where there is no document from then on
//! ```
//!
//! An entry that was written in one transaction with the change has the document's version by that. Another one says it: `"version": "0x…"`,
//! or `"unknown"` where somebody else was there before it could be read.
//!
//! Values only; a node that says something else is no entry.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::Version;

/// Characters of a name of somebody.
const BY_MAX_LEN: usize = 128;

/// Stands for a version that is not known.
const UNKNOWN: &str = "unknown";

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A text was written.
    Apply,
    /// A text of before was written again.
    Rollback,
    /// The document was taken away.
    Remove,
    /// Somebody changed it without an entry; noted before the next change.
    Edit,
}

/// One change of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Grows with each change of the document, also over its removal.
    pub number: u64,
    /// When, by the clock of who did it: RFC 3339.
    pub at: String,
    /// Who, as `user@host`.
    pub by: String,
    /// What was done.
    pub action: Action,
    /// Which text of the document that is; none where there is no document, or it is not known.
    #[serde(serialize_with = "shown")]
    pub version: Option<Version>,
    /// The document from then on; none where there is none.
    pub text: Option<String>,
}

fn shown<S: serde::Serializer>(version: &Option<Version>, to: S) -> Result<S::Ok, S::Error> {
    version.map(|version| version.to_string()).serialize(to)
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Node {
    at: String,
    by: String,
    action: Action,
    /// Left out where it is that of the transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    text: Option<String>,
}

/// How the node of an entry says the version of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tells {
    /// By its own transaction.
    ByItself,
    /// In words.
    InWords,
}

impl Entry {
    pub(super) fn new(number: u64, at: SystemTime, by: &str, action: Action, text: Option<&str>) -> Self {
        let by = by.chars().filter(|c| !c.is_control()).take(BY_MAX_LEN).collect();
        let at = humantime::format_rfc3339_millis(at).to_string();
        Self { number, at, by, action, version: None, text: text.map(str::to_owned) }
    }

    /// The entry of a node that was made by the transaction `made_by`; `None` where it is none.
    pub(super) fn read(number: u64, data: &[u8], made_by: i64) -> Option<Self> {
        let Node { at, by, action, version, text } = serde_json::from_slice(data).ok()?;
        let version = version.map_or(Some(Version(made_by)), |version| version.parse().ok());
        Some(Self { number, at, by, action, version: version.filter(|_| text.is_some()), text })
    }

    /// What its node holds.
    pub(super) fn data(&self, tells: Tells) -> String {
        let Self { at, by, action, version, text, .. } = self.clone();
        let version = version.map_or_else(|| UNKNOWN.to_owned(), |version| version.to_string());
        let version = (tells == Tells::InWords && text.is_some()).then_some(version);
        // Texts and a name of four: nothing of it can fail.
        serde_json::to_string(&Node { at, by, action, version, text }).unwrap_or_default()
    }
}

/// The number of an entry by the name of its node.
pub(super) fn number_of(name: &str) -> Option<u64> {
    let is_number = name.len() == 10 && name.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { name.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_795_000_000_123);
        let entry = Entry::new(7, at, "ann@\u{1b}laptop", Action::Apply, Some("rules: []\n"));
        let data = entry.data(Tells::ByItself);
        assert_eq!(
            data,
            r#"{"at":"2026-11-18T11:06:40.123Z","by":"ann@laptop","action":"apply","text":"rules: []\n"}"#
        );
        let read = Entry::read(7, data.as_bytes(), 0x2a).unwrap();
        assert_eq!(read, Entry { version: Some(Version(0x2a)), ..entry.clone() }, "of its own transaction");
        assert_eq!(Entry::read(7, b"{}", 0x2a), None);
        let removed = Entry::new(8, at, "ann", Action::Remove, None);
        for tells in [Tells::ByItself, Tells::InWords] {
            assert!(removed.data(tells).ends_with(r#""action":"remove","text":null}"#));
            assert_eq!(Entry::read(8, removed.data(tells).as_bytes(), 0x2a), Some(removed.clone()));
        }
        // Written after the change: its own transaction is another one.
        for version in [Some(Version(0x29)), None] {
            let told = Entry { version, ..entry.clone() };
            assert_eq!(Entry::read(7, told.data(Tells::InWords).as_bytes(), 0x2a), Some(told));
        }
    }

    #[test]
    fn numbers_have_ten_digits() {
        assert_eq!(number_of("0000000012"), Some(12));
        for other in ["12", "00000000012", "000000001x", "+000000012", ""] {
            assert_eq!(number_of(other), None, "{other}");
        }
    }
}
