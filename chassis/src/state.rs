//! The state directory: small files that survive a restart, each written whole or not at all.
//!
//! ```text
//!  write  name.new ─ fsync ─ rename over name ─ fsync of the directory
//! ```
//!
//! One process at a time: the directory is locked for as long as [`StateDir`] lives. No file here is needed to start;
//! what cannot be read is the caller's to forget. Names are plain file names, never paths.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

const LOCK: &str = "lock";

/// A locked directory. Clones are the same lock.
#[derive(Debug, Clone)]
pub struct StateDir {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// Writers of one process take turns; the temporary name is one per file.
    writing: Mutex<()>,
    _lock: File,
}

/// What can go wrong with the state directory.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process has the directory.
    #[error("state directory {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// A name that would leave the directory.
    #[error("{0:?} is no plain file name")]
    BadName(String),
    /// A file is larger than the reader wants.
    #[error("{} has more than {limit_len} bytes", .path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// What the reader would have taken.
        limit_len: u64,
    },
    /// The system said no.
    #[error("cannot {what} {}: {source}", .path.display())]
    Io {
        /// A verb.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl StateDir {
    /// Opens and locks the directory; made with mode 0700 if it is missing.
    ///
    /// # Errors
    /// It cannot be made or locked, or another process has it.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StateError> {
        let path = path.into();
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(io_error("make", &path))?;
        let lock_path = path.join(LOCK);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(io_error("open", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(StateError::InUse(path)),
            Err(fs::TryLockError::Error(source)) => return Err(io_error("lock", &lock_path)(source)),
        }
        Ok(Self { inner: Arc::new(Inner { path, writing: Mutex::new(()), _lock: lock }) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Puts `content` in place of the file `name`, atomically and durably. Blocks on the disk.
    ///
    /// # Errors
    /// The disk refused; the old content is then still there.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), StateError> {
        let path = self.file(name)?;
        let _turn = self.inner.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let new = self.inner.path.join(format!("{name}.new"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)
            .map_err(io_error("create", &new))?;
        file.write_all(content).and_then(|()| file.sync_all()).map_err(io_error("write", &new))?;
        fs::rename(&new, &path).map_err(io_error("replace", &path))?;
        File::open(&self.inner.path)
            .and_then(|directory| directory.sync_all())
            .map_err(io_error("sync", &self.inner.path))
    }

    /// The content of the file `name`, `None` if there is none. Blocks on the disk.
    ///
    /// # Errors
    /// It cannot be read, or has more than `limit_len` bytes.
    pub fn read(&self, name: &str, limit_len: u64) -> Result<Option<Vec<u8>>, StateError> {
        let path = self.file(name)?;
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("open", &path)(error)),
        };
        let mut content = Vec::new();
        file.take(limit_len.saturating_add(1)).read_to_end(&mut content).map_err(io_error("read", &path))?;
        if content.len() as u64 > limit_len {
            return Err(StateError::TooLong { path, limit_len });
        }
        Ok(Some(content))
    }

    /// Removes the file `name`; that there was none is no error.
    ///
    /// # Errors
    /// The disk refused.
    pub fn remove(&self, name: &str) -> Result<(), StateError> {
        let path = self.file(name)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", &path)(error)),
            _ => Ok(()),
        }
    }

    fn file(&self, name: &str) -> Result<PathBuf, StateError> {
        let plain = !name.is_empty() && name != LOCK && !name.starts_with('.') && !name.contains(['/', '\0']);
        if plain { Ok(self.inner.path.join(name)) } else { Err(StateError::BadName(name.to_owned())) }
    }
}

fn io_error(what: &'static str, path: &Path) -> impl Fn(io::Error) -> StateError + use<> {
    let path = path.to_owned();
    move |source| StateError::Io { what, path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back_after_a_restart() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("var/egress");
        let state = StateDir::open(&path).unwrap();
        state.write("providers.json", b"[1]").unwrap();
        state.write("providers.json", b"[1,2]").unwrap();
        drop(state);
        let state = StateDir::open(&path).unwrap();
        assert_eq!(state.read("providers.json", 100).unwrap().unwrap(), b"[1,2]");
        let names: Vec<_> = fs::read_dir(&path).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(!names.iter().any(|name| name.to_string_lossy().ends_with(".new")), "{names:?}");
    }

    #[test]
    fn a_second_process_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let first = StateDir::open(base.path()).unwrap();
        let error = StateDir::open(base.path()).unwrap_err();
        assert!(matches!(error, StateError::InUse(_)), "{error}");
        drop(first);
        StateDir::open(base.path()).unwrap();
    }

    #[test]
    fn a_missing_file_is_no_error_and_a_long_one_is() {
        let base = tempfile::tempdir().unwrap();
        let state = StateDir::open(base.path()).unwrap();
        assert!(state.read("a", 4).unwrap().is_none());
        state.remove("a").unwrap();
        state.write("a", b"12345").unwrap();
        assert!(matches!(state.read("a", 4), Err(StateError::TooLong { limit_len: 4, .. })));
        assert_eq!(state.read("a", 5).unwrap().unwrap().len(), 5);
        state.remove("a").unwrap();
        assert!(state.read("a", 5).unwrap().is_none());
    }

    #[test]
    fn a_name_cannot_leave_the_directory() {
        let base = tempfile::tempdir().unwrap();
        let state = StateDir::open(base.path().join("in")).unwrap();
        for name in ["../out", "/etc/passwd", "", "..", "lock"] {
            assert!(matches!(state.write(name, b""), Err(StateError::BadName(_))), "{name}");
        }
    }
}
