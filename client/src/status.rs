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
    /// Failures in a row.
    #[serde(skip_serializing_if = "is_zero")]
    pub failures: u32,
    /// For how many seconds more it is left out for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ejected_for_seconds: Option<u64>,
    /// What is wrong, while nothing takes calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}
