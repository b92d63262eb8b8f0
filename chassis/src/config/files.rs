//! The files that a configuration was read from, and whether one of them has changed since.
//!
//! A file has changed when its bytes have: a rewrite with the same content is no change, and a replaced link (as mounted
//! configuration maps are) is one. Never holds the content, only its digest.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// A file as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRead {
    path: PathBuf,
    digest: Option<u64>,
}

impl FileRead {
    /// `content` as read from `path`.
    pub(super) fn new(path: impl Into<PathBuf>, content: &[u8]) -> Self {
        Self { path: path.into(), digest: Some(digest(content)) }
    }

    /// A file that could not be read.
    pub(super) fn unreadable(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), digest: None }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file as it is now. Blocks on the disk.
    #[must_use]
    pub fn again(&self) -> Self {
        match super::content_of(&self.path) {
            Ok(content) => Self::new(&self.path, &content),
            Err(_) => Self::unreadable(&self.path),
        }
    }
}

/// Tells changes of one file apart, nothing more: an editor is no attacker.
fn digest(content: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}
