//! A change of a document: what it is asked to be, what it is taken to be, and why it did not come about.
//!
//! Values and sentences only.

use std::time::SystemTime;

use super::history::Action;
use super::{DOCUMENT_MAX_LEN, Document, Version, is_document_name};

/// A document in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// What is known of it; `None` where who we are may not read it.
    pub facts: Option<Facts>,
}

/// What is known of a document whose text was not asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its version, see [`Document::version`].
    pub version: Version,
    /// Bytes of its text.
    pub len: usize,
    /// When it was last written.
    pub written: SystemTime,
}

/// A document as a tool finds it. Others write with clients of their own: what is there may be no text, which no gateway obeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub text: Result<String, NoText>,
    /// Its version, see [`Document::version`].
    pub version: Version,
    /// When it was last written.
    pub written: SystemTime,
}

/// Why a document is no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("document {name} is no text in UTF-8 from byte {at} on")]
pub struct NoText {
    /// Which document.
    pub name: String,
    /// The first byte that is none of a text.
    pub at: usize,
}

impl Seen {
    /// It with its text.
    ///
    /// # Errors
    /// It has none.
    pub fn document(self) -> Result<Document, NoText> {
        let Self { name, text, version, written } = self;
        Ok(Document { name, text: text?, version, written })
    }

    /// Why no history has it once it is overwritten; `None` where one does.
    #[must_use]
    pub fn unkept(&self) -> Option<String> {
        match &self.text {
            Ok(text) => sound_len(&self.name, text).err(),
            Err(no_text) => Some(no_text.to_string()),
        }
    }
}

/// Documents that were read beside each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllRead {
    /// Those that are texts.
    pub documents: Vec<Document>,
    /// Why others are not among them, a sentence each: who we are may not read them, or they are no texts.
    pub unread: Vec<String>,
}

/// What a document is taken to be when it is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It is not there.
    Absent,
    /// It has this version.
    Version(Version),
}

impl std::str::FromStr for Expected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::Absent),
            text => text.parse().map(Self::Version).map_err(|_| {
                format!("found {text:?}, wanted a version such as 0x10000002a, or none where there is no document yet")
            }),
        }
    }
}

/// A change of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Which document.
    pub name: String,
    /// What it shall be; `None` takes it away.
    pub text: Option<String>,
    /// What it is taken to be.
    pub expected: Expected,
    /// What the history says of it.
    pub action: Action,
    /// Who does it, as `user@host`.
    pub by: String,
}

/// Who may read a document, which gateways have to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readers {
    /// Everybody.
    Everybody,
    /// These alone, as ZooKeeper calls them: `digest:dubbo`.
    Only(Vec<String>),
}

/// Why the config center did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CenterFailure {
    /// There is no session; the sentence says why.
    #[error("{0}")]
    Unreachable(String),
    /// It is not taken; the sentence says why.
    #[error("{0}")]
    Refused(String),
    /// Who we are may not do that; the sentence says what.
    #[error("{0}")]
    Denied(String),
    /// Somebody else was faster; nothing was written.
    #[error("{0}")]
    Meanwhile(Box<Meanwhile>),
    /// The connection was lost; nothing was written.
    #[error("the connection was lost, and nothing was written: {0}")]
    Lost(String),
    /// The connection was lost while it was written.
    #[error("the connection was lost while {0} was written: look whether it was")]
    Unknown(String),
    /// Something that should not happen.
    #[error("{0}")]
    Odd(String),
}

/// What became of a document meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meanwhile {
    /// Which document.
    pub name: String,
    /// What it was taken to be.
    pub expected: Expected,
    /// What it is.
    pub found: Expected,
    /// Who changed it and when, as far as the history says.
    pub by: Option<(String, String)>,
}

impl std::fmt::Display for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, expected, found, by } = self;
        write!(f, "somebody else changed document {name}: found {found}")?;
        if let Some((by, at)) = by {
            write!(f, ", of {by} at {at}")?;
        }
        write!(f, ", wanted {expected}")
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Absent => f.write_str("none"),
            Self::Version(version) => write!(f, "version {version}"),
        }
    }
}

/// Whether a name may be a document's.
pub(super) fn sound_name(name: &str) -> Result<(), CenterFailure> {
    if is_document_name(name) {
        return Ok(());
    }
    let what = format!("found {name:?}, wanted a name of a document: 1 to 128 of A-Z a-z 0-9 . _ : ~ -");
    Err(CenterFailure::Refused(what))
}

/// Whether a text may be written. No control characters: JSON writes six bytes for one of them, and the entry has to fit into a request.
pub(super) fn sound_text(name: &str, text: &str) -> Result<(), CenterFailure> {
    sound_len(name, text).map_err(CenterFailure::Refused)?;
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if let Some(at) = text.find(is_control) {
        let line = text[..at].lines().count().max(1);
        let what = format!("document {name} has a control character in line {line}, wanted text");
        return Err(CenterFailure::Refused(what));
    }
    Ok(())
}

/// Whether a text may be so long; else a sentence.
pub(super) fn sound_len(name: &str, text: &str) -> Result<(), String> {
    match text.len() {
        ..=DOCUMENT_MAX_LEN => Ok(()),
        len => Err(format!("document {name} has {len} bytes, wanted at most {DOCUMENT_MAX_LEN}")),
    }
}
