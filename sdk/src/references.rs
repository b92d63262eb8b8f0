//! Who calls what, for others to see: for each service that this process looks up a node `consumers/consumer://…` stands in the registry, as
//! Java has one for each of its references. It goes with the last client of the service, with [`crate::Highway::close`], or with its session.
//!
//! ```text
//!   services that are looked up ─┐
//!   the own address ─────────────┴─▶ publish ─▶ driver of the registry, which heals it
//! ```
//!
//! A node says who and what, and never a word about islands: what a call says of its target goes with the call.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use client::Endpoint;
use tokio::sync::watch;
use tokio::task::JoinSet;
use zk_bridge::{Consumer, Desired, Parameters, Registry, ServiceKey};

use crate::epoch::epoch;
use crate::rulings::own_address;

/// The port of a server that is named without one. Source: `zookeeper-client`, and ZooKeeper's own.
const SERVER_PORT: u16 = 2181;
/// How long the own address is looked for in one go.
const LOOKED_WITHIN: Duration = Duration::from_secs(5);
/// The pause before it is looked for again.
const LOOKED_AGAIN: Duration = Duration::from_secs(1);
/// How long registries have to forget us.
const WITHDRAWN_WITHIN: Duration = Duration::from_secs(5);

/// As whom this process stands in registries.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub application: String,
    /// How its machine is called; else by the address that reaches the registry.
    pub host: Option<String>,
}

/// Has a registry of these servers show what is called, for as long as that can change.
pub(crate) async fn show(
    registry: Arc<dyn Registry>,
    servers: String,
    caller: Caller,
    mut called: watch::Receiver<BTreeSet<ServiceKey>>,
) {
    let epoch = epoch();
    // Who calls nothing writes nothing, and needs no right to.
    while called.wait_for(|services| !services.is_empty()).await.is_ok() {
        let host = match &caller.host {
            Some(host) => host.clone(),
            None => own_host(&servers).await,
        };
        loop {
            let services = called.borrow_and_update().clone();
            let consumers = services.iter().map(|service| consumer(service, &caller.application, &host)).collect();
            registry.publish(Desired { epoch, consumers, ..Desired::default() });
            if services.is_empty() {
                break;
            }
            if called.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Takes us out of all of these, and waits for that at most so long as it may take.
pub(crate) async fn withdraw(registries: Vec<Arc<dyn Registry>>) {
    let mut all = JoinSet::new();
    for registry in registries {
        all.spawn(async move {
            let withdrawn = tokio::time::timeout(WITHDRAWN_WITHIN, registry.withdraw()).await;
            if !matches!(withdrawn, Ok(Ok(()))) {
                tracing::debug!(registry = registry.name(), "it may show references until their session expires");
            }
        });
    }
    while all.join_next().await.is_some() {}
}

fn consumer(service: &ServiceKey, application: &str, host: &str) -> Consumer {
    let says = [
        ("pid", process::id().to_string()),
        ("protocol", "dubbo".to_owned()),
        ("release", format!("{}{}", Consumer::SDK, env!("CARGO_PKG_VERSION"))),
    ];
    Consumer {
        application: Some(application.to_owned()),
        host: host.to_owned(),
        interface: service.interface.clone(),
        group: service.group.clone(),
        version: service.version.clone(),
        parameters: Parameters(says.map(|(key, value)| (key.to_owned(), value)).into()),
    }
}

/// The address from which this machine reaches one of these servers; looked for until there is one.
async fn own_host(servers: &str) -> String {
    loop {
        if let Ok(Some(address)) = tokio::time::timeout(LOOKED_WITHIN, towards(servers)).await {
            return address.to_string();
        }
        tokio::time::sleep(LOOKED_AGAIN).await;
    }
}

async fn towards(servers: &str) -> Option<IpAddr> {
    let servers = servers.split_once('/').map_or(servers, |(servers, _chroot)| servers);
    for server in servers.split(',').map(str::trim) {
        for there in tokio::net::lookup_host(with_port(server)).await.into_iter().flatten() {
            let there = Endpoint::new(&there.ip().to_string(), there.port());
            if let Some(own) = own_address([there].iter()) {
                return Some(own);
            }
        }
    }
    None
}

/// `zk1` is `zk1:2181`, and `[::1]` is `[::1]:2181`.
fn with_port(server: &str) -> String {
    let behind = server.rfind(']').map_or(server, |end| &server[end..]);
    if behind.contains(':') { server.to_owned() } else { format!("{server}:{SERVER_PORT}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_a_port_has_zookeepers_own() {
        let all = ["zk1", "zk1:2182", "[::1]", "[::1]:2182", "10.0.0.1"].map(with_port);
        assert_eq!(all, ["zk1:2181", "zk1:2182", "[::1]:2181", "[::1]:2182", "10.0.0.1:2181"]);
    }

    #[tokio::test]
    async fn the_own_address_is_the_one_that_reaches_a_server() {
        let found = towards("no.such.host.invalid:1,127.0.0.1:2181,127.0.0.1:2182/dubbo").await;
        assert_eq!(found, Some([127, 0, 0, 1].into()));
        assert_eq!(towards("").await, None);
    }

    #[test]
    fn a_reference_says_nothing_of_islands() {
        let service = ServiceKey::new("com.acme.Greeter", Some("eu"), Some("1.0"));
        let Consumer { parameters: Parameters(says), group, version, .. } = consumer(&service, "shop", "10.0.0.1");
        assert_eq!((group.as_deref(), version.as_deref()), (Some("eu"), Some("1.0")));
        assert_eq!(says.keys().map(String::as_str).collect::<Vec<_>>(), ["pid", "protocol", "release"]);
    }
}
