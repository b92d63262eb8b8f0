//! What a kept lab consists of: a hub, three islands, and in each a ZooKeeper, both gateways, a Java provider and a Java consumer, and
//! Rust ones where those programs are built.
//!
//! ```text
//!   start    from nothing to the first call
//!   status   what there is
//!   call     one call, and where its time went
//!   load     calls for a while, and what came of them
//!   fault    what can be broken, and mended
//! ```
//!
//! It stands on the same line as the tests and knows no way around it.

mod call;
mod fault;
mod load;
mod start;
mod status;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::boxes::Running;
use crate::install::Release;
use crate::line::{Island, Line};
use crate::peer::Peer;
use crate::process::Process;

pub use call::Called;
pub use fault::{Fault, Part, Watched};
pub use load::{Loaded, Row};
pub use status::{Standing, Status};

/// The islands, and the Dubbo of their applications.
pub const ISLANDS: [(&str, Release); 3] =
    [("shanghai", Release::V2_7_23), ("beijing", Release::V3_3_6), ("shenzhen", Release::V3_3_6)];

/// What somebody wants to try.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The box that stands between the islands and the hub.
    pub r#box: Option<String>,
    /// How much goes each way of each island, as tc writes it.
    pub thin: Option<String>,
}

/// Everything, running.
#[derive(Debug)]
pub struct World {
    islands: Vec<Applications>,
    /// The fault that is not mended.
    broken: Mutex<Option<Fault>>,
    /// One call at a time, so that the hub's line on it can be told from others.
    calling: Mutex<()>,
    wish: Wish,
    began: SystemTime,
    r#box: Option<Running>,
    line: Line,
}

/// What runs in an island beside the line.
#[derive(Debug)]
struct Applications {
    name: &'static str,
    release: Release,
    consumer: Peer,
    provider: Mutex<Option<Peer>>,
    /// The Rust one, where it is built.
    rust: Option<Process>,
}

impl World {
    fn applications(&self, island: &str) -> Result<&Applications> {
        let found = self.islands.iter().find(|one| one.name == island);
        found.with_context(|| format!("found no island {island:?}, wanted one of {}", names().join(", ")))
    }

    fn island(&self, name: &str) -> Result<&Island> {
        Ok(self.line.island(self.applications(name)?.name))
    }

    /// The islands other than this one.
    fn others(of: &str) -> impl Iterator<Item = &'static str> {
        ISLANDS.into_iter().map(|(name, _)| name).filter(move |name| *name != of)
    }
}

/// The names of the islands.
#[must_use]
pub fn names() -> [&'static str; 3] {
    ISLANDS.map(|(name, _)| name)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
