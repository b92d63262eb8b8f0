//! Which tags of calls mean an island: the name of one that has a port here, and of any that was ever heard of. Such a tag is one word
//! of the caller among others.
//!
//! Any other tag is the team's own and leads nowhere.

use std::sync::Arc;

use crate::config::{Port, Tagging};
use crate::islands::Islands;

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

    /// Whether this tag means an island.
    #[must_use]
    pub fn mean(&self, tag: &str, islands: &Islands) -> bool {
        self.0.as_ref().is_some_and(|ports| ports.iter().any(|island| **island == *tag) || islands.know(tag))
    }
}
