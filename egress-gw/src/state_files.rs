//! The gateway's files in the state directory. None is needed to start: what cannot be read is said in the log and
//! forgotten.

use std::time::{Duration, SystemTime};

use chassis::state::StateDir;

use crate::local_memory::{self, LocalMemory};
use crate::publish::Remembered;
use crate::rulebook::{self, Rulebook};

/// The file with what islands on ports of their own last offered.
pub const REMEMBERED: &str = "bound-islands.json";
const REMEMBERED_MAX_LEN: u64 = 256 << 20;

/// Which services were local before.
pub fn read_memory(state: &StateDir, keep: Duration) -> LocalMemory {
    let read = state.read(local_memory::FILE, local_memory::FILE_MAX_LEN);
    let memory = match read {
        Ok(None) => return LocalMemory::new(keep),
        Ok(Some(bytes)) => LocalMemory::decode(keep, SystemTime::now(), &bytes).map_err(anyhow::Error::from),
        Err(error) => Err(error.into()),
    };
    memory.unwrap_or_else(|error| {
        tracing::warn!(error = format!("{error:#}"), "what was local before is not known");
        LocalMemory::new(keep)
    })
}

/// What islands on ports of their own offered before.
pub fn read_remembered(state: &StateDir) -> Remembered {
    let remembered = match state.read(REMEMBERED, REMEMBERED_MAX_LEN) {
        Ok(None) => return Remembered::default(),
        Ok(Some(bytes)) => serde_json::from_slice(&bytes).map_err(anyhow::Error::from),
        Err(error) => Err(error.into()),
    };
    remembered.unwrap_or_else(|error| {
        tracing::warn!(error = format!("{error:#}"), "what islands offered before is not known");
        Remembered::default()
    })
}

/// Which rules were obeyed before.
pub fn read_rulebook(state: &StateDir) -> Rulebook {
    let rulebook = match state.read(rulebook::FILE, rulebook::FILE_MAX_LEN) {
        Ok(None) => return Rulebook::default(),
        Ok(Some(bytes)) => Rulebook::decode(&bytes, SystemTime::now()).map_err(anyhow::Error::from),
        Err(error) => Err(error.into()),
    };
    rulebook.unwrap_or_else(|error| {
        tracing::warn!(error = format!("{error:#}"), "which rules were obeyed before is not known");
        Rulebook::default()
    })
}

/// Replaces a file; that it cannot be written is said in the log.
pub fn write(state: &StateDir, name: &str, content: &[u8]) {
    if let Err(error) = state.write(name, content) {
        tracing::error!(%error, "the state cannot be written: what is remembered does not survive a restart");
    }
}
