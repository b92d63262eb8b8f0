//! The config center: rule documents, and what became of each.
//!
//! ```text
//!  /<config root>/highway/<name>                        a document: text, flat list
//!  /<config root>/highway-history/<name>/<10 digits>    what it was changed to, JSON, the newest 20 of a document
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `reading` | the last good documents, as a gateway follows them |
//! | `looking` | the tools' side: list, read, who may read |
//! | `editing` | the tools' side: write with an expected version |
//! | `change` | what such a write says, and why it did not come about |
//! | `history` | what an entry of the history says |
//!
//! Documents are text here; what they mean is for `route` to say. Gateways read only the first folder, and write neither.

pub(crate) mod change;
pub(crate) mod editing;
pub(crate) mod history;
mod looking;
pub(crate) mod reading;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

/// Documents of one config center; further ones are not read.
pub const DOCUMENTS_MAX: usize = 1000;
/// Bytes of one document; a longer one is not taken.
pub const DOCUMENT_MAX_LEN: usize = 256 * 1024;
/// Bytes of all documents together; a change that goes beyond is not taken.
pub const DOCUMENTS_MAX_LEN: usize = 16 * 1024 * 1024;
/// Texts of documents that are on their way at once: a hundred of the longest would be much to hold.
const READ_AT_ONCE: usize = 16;
/// Characters of a name.
const NAME_MAX_LEN: usize = 128;

/// A rule document as it stands in the config center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Mostly the application or service it is about.
    pub name: String,
    /// What is in it.
    pub text: String,
    /// Another one with each change.
    pub version: Version,
    /// When it was last written, by the clock of the server.
    pub written: SystemTime,
}

/// Which text of a document: the transaction that wrote it. It grows, and no other text ever has it, also where the document was
/// taken away and made anew; the versions that ZooKeeper counts begin again then. Shown as `0x10000002a`, as ZooKeeper does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub i64);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_prefix("0x").and_then(|digits| i64::from_str_radix(digits, 16).ok());
        number.map(Self).ok_or_else(|| format!("found {text:?}, wanted a version such as 0x10000002a"))
    }
}

/// The last good documents of a config center.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Documents {
    pub(crate) is_read: bool,
    pub(crate) has_folder: bool,
    /// Of which no good text is known, by name.
    pub(crate) unsound: BTreeSet<String>,
    /// By name.
    pub(crate) all: Vec<Arc<Document>>,
}

impl Documents {
    /// These documents, read; for who stands in for a config center.
    #[must_use]
    pub fn read(mut all: Vec<Arc<Document>>) -> Self {
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Self { is_read: true, has_folder: true, unsound: BTreeSet::new(), all }
    }

    /// Whether the config center was ever read. Before that it is not known which documents there are.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.is_read
    }

    /// The config center of somebody who has none yet, or has lost it: there is not even a folder.
    #[must_use]
    pub fn without_folder() -> Self {
        Self { is_read: true, ..Self::default() }
    }

    /// Whether the folder of documents was ever there. Before that, that there are none says nothing of those that somebody knows from
    /// an earlier time: the tree may have been lost.
    #[must_use]
    pub fn has_folder(&self) -> bool {
        self.has_folder
    }

    /// The names of documents that are there, and of which no text is known that could be read: that does not mean that they are gone.
    #[must_use]
    pub fn unsound(&self) -> &BTreeSet<String> {
        &self.unsound
    }

    /// The same with a document whose text cannot be read, for who stands in for a config center.
    #[must_use]
    pub fn with_unsound(mut self, name: &str) -> Self {
        self.unsound.insert(name.to_owned());
        self
    }

    /// All of them, by name.
    #[must_use]
    pub fn all(&self) -> &[Arc<Document>] {
        &self.all
    }

    /// Name and text of each, by name.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all.iter().map(|document| (document.name.as_str(), document.text.as_str()))
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Document>> {
        let at = self.all.binary_search_by(|document| document.name.as_str().cmp(name)).ok()?;
        self.all.get(at)
    }
}

/// Whether a document can have this name: 1 to 128 of `A-Z a-z 0-9 . _ : ~ -`.
#[must_use]
pub fn is_document_name(name: &str) -> bool {
    let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'~' | b'-');
    (1..=NAME_MAX_LEN).contains(&name.len()) && name.bytes().all(is_sound) && !matches!(name, "." | "..")
}

/// Where documents and histories are.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    root: String,
}

impl Place {
    /// From a config root without slashes around it.
    pub(crate) fn new(config_root: &str) -> Self {
        Self { root: config_root.to_owned() }
    }

    /// The folder of documents.
    pub(crate) fn documents(&self) -> String {
        format!("/{}/highway", self.root)
    }

    /// A document.
    pub(crate) fn document(&self, name: &str) -> String {
        format!("/{}/highway/{name}", self.root)
    }

    /// The folder of a document's history.
    pub(crate) fn history(&self, name: &str) -> String {
        format!("/{}/highway-history/{name}", self.root)
    }

    /// An entry of a document's history.
    pub(crate) fn entry(&self, name: &str, number: u64) -> String {
        format!("/{}/highway-history/{name}/{number:010}", self.root)
    }
}

/// The server's time in milliseconds since 1970.
fn time(millis: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_services_and_applications() {
        for name in ["shop", "com.acme.Greeter", "g~com.acme.Outer_Inner:1.0.0-rc", &"x".repeat(128)] {
            assert!(is_document_name(name), "{name}");
        }
        for name in ["", ".", "..", "a/b", "a b", "é", "a\n", "*", &"x".repeat(129)] {
            assert!(!is_document_name(name), "{name}");
        }
    }

    #[test]
    fn a_version_is_read_as_it_is_shown() {
        let version = Version(0x1_0000_002a);
        assert_eq!(version.to_string(), "0x10000002a");
        assert_eq!("0x10000002a".parse(), Ok(version));
        for other in ["42", "0x", "0xg", "", "0x10000000000000000"] {
            assert!(other.parse::<Version>().unwrap_err().contains("wanted a version such as 0x10000002a"), "{other}");
        }
    }

    #[test]
    fn a_document_is_found_by_its_name() {
        let document = |name: &str| {
            let (name, text) = (name.to_owned(), String::new());
            Arc::new(Document { name, text, version: Version(0), written: SystemTime::UNIX_EPOCH })
        };
        let documents = Documents::read(vec![document("b"), document("a")]);
        assert_eq!(documents.get("b").unwrap().name, "b");
        assert!(documents.get("c").is_none());
        assert_eq!(documents.all()[0].name, "a");
    }
}
