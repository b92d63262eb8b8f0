//! Which tags of calls mean an island: the name of one that has a port here, and of any that offers something.
//!
//! Any other tag is the team's own. It never leads anywhere by itself: it is one word of the caller among others.

use std::sync::Arc;

use route::Snapshot;

use crate::config::{Port, Tagging};

/// The tags that mean an island; by default none does.
#[derive(Debug, Clone, Default)]
pub struct Tags(Option<Arc<[Arc<str>]>>);

impl Tags {
    /// As configured: with ports for islands or without, and none at all with `tag = false`.
    #[must_use]
    pub fn new(tagging: Tagging, ports: &[Port]) -> Self {
        match tagging {
            Tagging::ByIsland => Self(Some(ports.iter().filter_map(|port| port.island.clone()).collect())),
            Tagging::Off => Self(None),
        }
    }

    /// Whether this tag means an island. One that was withdrawn keeps its name as long as it has a port.
    #[must_use]
    pub fn mean(&self, tag: &str, snapshot: &Snapshot) -> bool {
        self.0.as_ref().is_some_and(|ports| ports.iter().any(|island| **island == *tag) || snapshot.knows(tag))
    }
}
