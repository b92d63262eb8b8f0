//! What a person wants to know of a provider.

use serde::Serialize;

use crate::State;

/// One provider address on one shard.
#[derive(Debug, Clone, Serialize)]
pub struct ProviderStatus {
    /// `host:port`.
    pub address: String,
    /// How it stands.
    pub state: State,
    /// Open connections.
    pub connections: usize,
    /// Calls without an answer so far, with those that wait.
    pub outstanding: u32,
    /// Calls that wait for a connection.
    pub waiting: usize,
    /// What is wrong, while nothing takes calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}
