//! Steady calls of one application, each with a key of its own, from [`begin`](super::Peer::begin_load) to
//! [`end`](super::Peer::end_load).

use serde::{Deserialize, Serialize};

/// What to call, and how often.
#[derive(Debug, Clone, Serialize)]
pub struct Load {
    /// References to [`LEDGER`](super::LEDGER).
    pub references: Vec<String>,
    /// What keys begin with: `STEM/REFERENCE/THREAD/NUMBER`.
    pub stem: String,
    /// Threads on each reference.
    pub threads: u32,
    /// From the begin of one call of a thread to the begin of its next.
    pub pause_ms: u64,
}

/// How a load goes.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Progress {
    /// Calls that have ended, however.
    pub ended: u64,
    /// When the last one failed, in milliseconds since 1970; 0 if none did.
    pub last_failure_ms: u64,
}

/// One call of a load.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Recorded {
    /// Its key.
    pub key: String,
    /// When it began, in milliseconds since 1970.
    pub began_ms: u64,
    /// How long its caller waited.
    pub took_us: u64,
    /// Whom its last attempt was handed to, `host:port`; nothing if its consumer knew nobody.
    pub asked: Option<String>,
    /// The class of what was thrown; nothing if it was answered.
    pub class: Option<String>,
    /// The message of what was thrown.
    pub message: Option<String>,
}

impl Recorded {
    /// When its caller went on, in milliseconds since 1970.
    #[must_use]
    pub fn ended_ms(&self) -> u64 {
        self.began_ms + self.took_us / 1000
    }
}
