//! The gateway's files in the state directory. None is needed to start: what cannot be read is said in the log and
//! forgotten.

use std::time::{Duration, SystemTime};

use chassis::state::StateDir;
use route::rules::Rulebook;
use serde::de::DeserializeOwned;

use crate::islands::Islands;
use crate::local_memory::{self, LocalMemory};
use crate::publish::Remembered;

/// The file with what islands on ports of their own last offered.
pub const REMEMBERED: &str = "bound-islands.json";
const REMEMBERED_MAX_LEN: u64 = 256 << 20;
/// The file with the names of all islands that were ever heard of.
pub const ISLANDS: &str = "islands.json";
const ISLANDS_MAX_LEN: u64 = 4 << 20;
/// The file with the texts of rules that are obeyed.
const RULES: &str = "rules.json";
/// It can hold what a config center can, escaped.
const RULES_MAX_LEN: u64 = 64 << 20;

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
    read_json(state, REMEMBERED, REMEMBERED_MAX_LEN, "what islands offered before is not known")
}

/// The islands that were heard of before.
pub fn read_islands(state: &StateDir) -> Islands {
    read_json(state, ISLANDS, ISLANDS_MAX_LEN, "which islands there were before is not known")
}

/// What stands in a file, or nothing; `else_say` is for the log where it cannot be read.
fn read_json<T: DeserializeOwned + Default>(state: &StateDir, name: &str, max_len: u64, else_say: &str) -> T {
    let read = match state.read(name, max_len) {
        Ok(None) => return T::default(),
        Ok(Some(bytes)) => serde_json::from_slice(&bytes).map_err(anyhow::Error::from),
        Err(error) => Err(error.into()),
    };
    read.unwrap_or_else(|error| {
        tracing::warn!(error = format!("{error:#}"), "{else_say}");
        T::default()
    })
}

/// Which rules were obeyed before.
pub fn read_rulebook(state: &StateDir) -> Rulebook {
    let kept = read_json(state, RULES, RULES_MAX_LEN, "which rules were obeyed before is not known");
    Rulebook::again(kept, SystemTime::now())
}

/// Keeps the rules that are obeyed.
pub fn write_rulebook(state: &StateDir, rulebook: &Rulebook) {
    match serde_json::to_vec(&rulebook.kept()) {
        Ok(content) => write(state, RULES, &content),
        Err(error) => tracing::error!(%error, "the rules that are obeyed are not kept"),
    }
}

/// Replaces a file; that it cannot be written is said in the log.
pub fn write(state: &StateDir, name: &str, content: &[u8]) {
    if let Err(error) = state.write(name, content) {
        tracing::error!(%error, "the state cannot be written: what is remembered does not survive a restart");
    }
}
