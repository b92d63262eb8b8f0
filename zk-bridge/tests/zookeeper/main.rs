//! The registry against a real ZooKeeper server: what it reads, what it writes, and what it does when things break.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod gateways;
mod lab;
mod local_metadata;
mod outages;
mod places;
mod reading;
mod writing;

use std::collections::BTreeMap;

use lab::{
    Cable, Running, Server, create, delete_all, desired, encoded, eventually, instance_text, metadata_text,
    provider_node, tree,
};
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
