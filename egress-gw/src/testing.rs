//! The stage for tests of the whole crate: one shard at a real socket with scripted links, consumers and providers.
//!
//! ```text
//!  Peer ─dubbo─▶ Gate ─▶ FakeLink      a hub with the islands behind it: the test answers and refuses
//!  consumer      │  └──▶ Peer          a provider of the own island
//!                what it knows: known.rs, providers.rs
//!
//!  World         the control loop between a hub and registries: control.rs, registry.rs
//! ```
//!
//! Nothing here reaches another machine, and no two tests share anything.

use std::future::Future;
use std::time::Duration;

pub mod control;
mod frames;
mod gate;
mod in_order;
mod known;
mod link;
mod peer;
mod providers;
pub mod registry;
mod self_signed;

pub use frames::{call, call_in, failure, no_link, ok_reply, one_way, patient};
pub use gate::{Gate, GateBuilder};
pub use known::{heard_of, known, offered, references, snapshot_ruled, snapshot_ruled_beside, snapshot_untold};
pub use link::{FakeLink, Opened};
pub use peer::{Peer, accepted, accepted_with_tls};
pub use providers::{
    closed_port, knowing, local_of, local_of_services, local_with, provider_port, served, with_providers,
};
pub use self_signed::SelfSigned;

/// Everything that is waited for comes in far less.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a test on a shard's runtime.
pub fn on_shard(test: impl Future<Output = ()> + 'static) {
    let runtime = shard::runtime().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE * 2, test).await.expect("the test ends in time");
    });
}

/// Gives the shard turns until `done`.
pub async fn until(done: impl Fn() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it happens in time");
}
