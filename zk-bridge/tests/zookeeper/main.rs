//! The registry against a real ZooKeeper server: what it reads, what it writes, and what it does when things break.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]
#![allow(clippy::print_stdout, reason = "a test that measures says what it measured")]

mod cable;
mod documents;
mod editing;
mod ensembles;
mod forgetful;
mod gateways;
mod guards;
mod lab;
mod limits;
mod local_metadata;
mod multitudes;
mod outages;
mod places;
mod reading;
mod rights;
mod scoped;
mod server;
mod sessions;
mod stand_in;
mod unmarked;
mod versions;
mod writing;

use std::collections::BTreeMap;

use cable::Cable;
use lab::{
    Running, create, delete_all, desired, encoded, eventually, instance_text, metadata_text, provider_node, tree,
};
use server::{Ensemble, Server, Settings, client_of};
use stand_in::{StandIn, Then};
use zk_bridge::{Level, RegistryConfig, ServiceKey, View};
use zookeeper_client::{Acl, Acls, AuthId, Client, CreateMode, Error, Permission};

const A: &str = "com.acme.A";
const B: &str = "com.acme.B";

fn key(interface: &str) -> ServiceKey {
    ServiceKey::new(interface, None, None)
}

/// The nodes that gateways of ours made.
fn ours(tree: &BTreeMap<String, (String, i64)>) -> Vec<&str> {
    tree.keys().map(String::as_str).filter(|path| path.contains("highway")).collect()
}

fn real(view: &View, interface: &str) -> usize {
    view.providers_of(&key(interface)).iter().filter(|provider| !provider.is_virtual()).count()
}
