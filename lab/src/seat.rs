//! The folder in which a user's lab is known: where its keeper is asked, and by which locks one sees that it lives.
//!
//! ```text
//!   $HIGHWAY_LAB_DIR, else $XDG_RUNTIME_DIR/highway-lab, else /tmp/highway-lab-UID      the user's alone (0700)
//!     control      the keeper's socket
//!     keeper.log   what it and the reaper said
//!     keeper       locked by the keeper as long as it lives, with the id of its process in it
//!     reaper       locked by its reaper, which is there until all is cleared away
//! ```
//!
//! A lock goes with its process, however that ends, so nothing here is ever stale. What runs in the lab has another folder.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::until;

/// What a lab has in its folder; whatever else is there is somebody's.
const OURS: [&str; 4] = ["control", "keeper.log", "keeper", "reaper"];
/// The keeper is gone and the reaper at work: ends of processes, networks, folders.
const CLEARING: Duration = Duration::from_secs(30);

/// Where one user's lab is.
#[derive(Debug, Clone)]
pub struct Seat(PathBuf);

impl Seat {
    /// This user's, made if it is missing.
    ///
    /// # Errors
    /// It cannot be made, or somebody else can write there.
    pub fn of_this_user() -> Result<Self> {
        let own = rustix::process::geteuid().as_raw();
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = set("HIGHWAY_LAB_DIR").or_else(|| Some(set("XDG_RUNTIME_DIR")?.join("highway-lab")));
        let folder = folder.unwrap_or_else(|| PathBuf::from(format!("/tmp/highway-lab-{own}")));
        // The keeper works elsewhere.
        let folder = std::path::absolute(folder)?;
        let made = DirBuilder::new().mode(0o700).create(&folder);
        match made {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("cannot make the lab's folder {}", folder.display()));
            }
            _ => {}
        }
        let found = fs::symlink_metadata(&folder)?;
        if !found.is_dir() || found.uid() != own || found.mode() & 0o077 != 0 {
            bail!(
                "{} has to be a folder of user {own} that nobody else may enter (mode 0700); found owner {} and mode {:o}; \
                 remove it, or name another one in HIGHWAY_LAB_DIR",
                folder.display(),
                found.uid(),
                found.mode() & 0o7777
            );
        }
        for entry in fs::read_dir(&folder)? {
            let name = entry?.file_name();
            if !OURS.iter().any(|ours| name == *ours) {
                bail!(
                    "{} has to be a lab's own folder; found {} in it; name another one in HIGHWAY_LAB_DIR",
                    folder.display(),
                    name.display()
                );
            }
        }
        Ok(Seat(folder))
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The keeper's socket.
    #[must_use]
    pub fn control(&self) -> PathBuf {
        self.0.join("control")
    }

    /// What the keeper says.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.0.join("keeper.log")
    }

    /// What the reaper locks.
    pub(crate) fn reaper(&self) -> PathBuf {
        self.0.join("reaper")
    }

    /// Takes the keeper's place; nothing if somebody has it.
    ///
    /// # Errors
    /// The disk says no.
    pub(crate) fn take(&self) -> Result<Option<File>> {
        taken(&self.0.join("keeper"))
    }

    /// Whether a keeper lives.
    ///
    /// # Errors
    /// The disk says no.
    pub fn is_kept(&self) -> Result<bool> {
        match self.take() {
            Ok(free) => Ok(free.is_none()),
            // Somebody else who asked for its end was quicker.
            Err(_) if self.is_gone() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Waits until the reaper of a keeper that is gone has cleared everything away, and takes the folder out. Tells whether there was
    /// anything to clear.
    ///
    /// # Errors
    /// It takes too long.
    pub fn cleared(&self) -> Result<bool> {
        let was_left = self.control().exists() || matches!(taken(&self.reaper()), Ok(None));
        let free = || if self.is_gone() { Some(None) } else { taken(&self.reaper()).ok().flatten().map(Some) };
        let _reaper = until("the reaper ends what the lab had started", CLEARING, free)?;
        // Not while somebody who came in the meantime has it.
        if let Ok(Some(_keeper)) = self.take() {
            for ours in OURS {
                let _ = fs::remove_file(self.0.join(ours));
            }
            let _ = fs::remove_dir(&self.0);
        }
        Ok(was_left)
    }

    fn is_gone(&self) -> bool {
        !self.0.exists()
    }
}

/// A lock on this file, unless somebody has it.
fn taken(file: &Path) -> Result<Option<File>> {
    let open = File::options().create(true).truncate(false).write(true).open(file);
    let file = open.with_context(|| format!("cannot open {}", file.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}
