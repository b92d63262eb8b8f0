//! An entry of a document's history: what it was changed to, by whom, when.
//!
//! ```text
//!  {"at": "2026-11-21T08:00:00.000Z", "by": "ann@laptop", "action": "apply", "text": "…"}     `text` is null where there is no document from then on
//! ```
//!
//! Values only; a node that says something else is no entry.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// Characters of a name of somebody.
const BY_MAX_LEN: usize = 128;

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
    /// The document from then on; none where there is none.
    pub text: Option<String>,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Node {
    at: String,
    by: String,
    action: Action,
    text: Option<String>,
}

impl Entry {
    pub(super) fn new(number: u64, at: SystemTime, by: &str, action: Action, text: Option<&str>) -> Self {
        let by = by.chars().filter(|c| !c.is_control()).take(BY_MAX_LEN).collect();
        let at = humantime::format_rfc3339_millis(at).to_string();
        Self { number, at, by, action, text: text.map(str::to_owned) }
    }

    /// The entry of a node; `None` where it is none.
    pub(super) fn read(number: u64, data: &[u8]) -> Option<Self> {
        let Node { at, by, action, text } = serde_json::from_slice(data).ok()?;
        Some(Self { number, at, by, action, text })
    }

    /// What its node holds.
    pub(super) fn data(&self) -> String {
        let Self { at, by, action, text, .. } = self.clone();
        // Texts and a name of four: nothing of it can fail.
        serde_json::to_string(&Node { at, by, action, text }).unwrap_or_default()
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
        let data = entry.data();
        assert_eq!(
            data,
            r#"{"at":"2026-11-18T11:06:40.123Z","by":"ann@laptop","action":"apply","text":"rules: []\n"}"#
        );
        assert_eq!(Entry::read(7, data.as_bytes()), Some(entry));
        assert_eq!(Entry::read(7, b"{}"), None);
        let removed = Entry::new(8, at, "ann", Action::Remove, None);
        assert!(removed.data().ends_with(r#""action":"remove","text":null}"#));
        assert_eq!(Entry::read(8, removed.data().as_bytes()), Some(removed));
    }

    #[test]
    fn numbers_have_ten_digits() {
        assert_eq!(number_of("0000000012"), Some(12));
        for other in ["12", "00000000012", "000000001x", "+000000012", ""] {
            assert_eq!(number_of(other), None, "{other}");
        }
    }
}
