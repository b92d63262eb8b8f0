//! Secrets come from files that nobody else can read, and never show in a log.
//!
//! Neither type prints what it holds, and no error here carries a byte of the file.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The longest secret file that is read; keys, tokens and private PEM files are far below.
const LIMIT_LEN: u64 = 64 * 1024;
/// Mode bits of a file that its group or others can read, write or execute.
const OTHERS: u32 = 0o077;
/// The same without reading by its group.
const MORE_THAN_GROUP_READS: u32 = 0o037;

/// The path of a file with a secret in it, as typed. Relative to the configuration file's folder.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretFile(PathBuf);

/// The content of a secret file. Compared by nobody, printed by nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// Why a secret was not taken from its file.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Others than its owner may open it.
    #[error("{} has mode {mode:03o}, wanted a file that only its owner can read (chmod 600)", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// There is nothing in it.
    #[error("{} is empty", .0.display())]
    Empty(PathBuf),
    /// It is no key, token or PEM file.
    #[error("{} has more than {LIMIT_LEN} bytes", .0.display())]
    TooLong(PathBuf),
    /// It is no regular file.
    #[error("{} is no regular file", .0.display())]
    NoFile(PathBuf),
    /// The system said no.
    #[error("cannot read {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl SecretFile {
    /// A secret file at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The path as typed.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Reads the secret; a relative path is taken from `folder`.
    ///
    /// # Errors
    /// The file is missing, empty, too long, no regular file, or open to others than its owner.
    pub fn read(&self, folder: &Path) -> Result<Secret, SecretError> {
        let path = folder.join(&self.0);
        let io_error = |source| SecretError::Io { path: path.clone(), source };
        let file = File::open(&path).map_err(io_error)?;
        let about = file.metadata().map_err(io_error)?;
        if !about.is_file() {
            return Err(SecretError::NoFile(path));
        }
        if !is_private(about.mode(), about.uid(), rustix::process::geteuid().as_raw()) {
            return Err(SecretError::Open { path, mode: about.mode() & 0o777 });
        }
        let mut content = Vec::new();
        file.take(LIMIT_LEN + 1).read_to_end(&mut content).map_err(io_error)?;
        if content.len() as u64 > LIMIT_LEN {
            return Err(SecretError::TooLong(path));
        }
        if content.trim_ascii().is_empty() {
            return Err(SecretError::Empty(path));
        }
        Ok(Secret(content))
    }
}

/// Whether nobody else may read a file. One of root's may be read by its group where we are not root and so are in it: this is how a secret
/// is given to somebody who shall not change it, by Kubernetes (`fsGroup`) and others.
fn is_private(mode: u32, owner: u32, who_reads: u32) -> bool {
    mode & OTHERS == 0 || (mode & MORE_THAN_GROUP_READS == 0 && owner == 0 && who_reads != 0)
}

impl Secret {
    /// A secret from elsewhere than a file (tests, generated ones).
    #[must_use]
    pub fn new(content: impl Into<Vec<u8>>) -> Self {
        Self(content.into())
    }

    /// All bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes without white space around them, as tokens and keys want them.
    #[must_use]
    pub fn trimmed(&self) -> &[u8] {
        self.0.trim_ascii()
    }
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretFile(..)")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    fn file(content: &str, mode: u32) -> (tempfile::TempDir, SecretFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (folder, SecretFile::new("token"))
    }

    #[test]
    fn roots_file_may_be_there_for_the_group_of_who_is_not_root() {
        const ROOT: u32 = 0;
        const SERVICE: u32 = 65_532;
        assert!(is_private(0o100_440, ROOT, SERVICE), "a secret of Kubernetes");
        assert!(!is_private(0o100_440, ROOT, ROOT), "root needs no group");
        assert!(!is_private(0o100_440, SERVICE, SERVICE), "its own file has no need of a group");
        assert!(!is_private(0o100_460, ROOT, SERVICE) && !is_private(0o100_444, ROOT, SERVICE));
        assert!(is_private(0o100_400, SERVICE, SERVICE));
    }

    #[test]
    fn a_file_of_the_owner_alone_is_read() {
        let (folder, secret) = file("hush\n", 0o600);
        assert_eq!(secret.read(folder.path()).unwrap().trimmed(), b"hush");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_without_its_content() {
        for mode in [0o640, 0o604, 0o622, 0o644] {
            let (folder, secret) = file("hush", mode);
            let error = secret.read(folder.path()).unwrap_err();
            assert!(matches!(error, SecretError::Open { mode: found, .. } if found == mode));
            assert!(!format!("{error} {error:?}").contains("hush"));
        }
    }

    #[test]
    fn an_empty_a_long_and_a_missing_file_are_refused() {
        let (folder, secret) = file(" \n", 0o600);
        assert!(matches!(secret.read(folder.path()), Err(SecretError::Empty(_))));
        let (folder, secret) = file(&"x".repeat(65 * 1024), 0o600);
        assert!(matches!(secret.read(folder.path()), Err(SecretError::TooLong(_))));
        assert!(matches!(SecretFile::new("nothing").read(folder.path()), Err(SecretError::Io { .. })));
        assert!(matches!(SecretFile::new(".").read(folder.path()), Err(SecretError::NoFile(_))));
    }

    #[test]
    fn debug_prints_nothing_of_either() {
        assert_eq!(format!("{:?} {:?}", SecretFile::new("/a/b"), Secret::new(*b"hush")), "SecretFile(..) Secret(..)");
    }
}
