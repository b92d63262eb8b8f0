//! The address that consumers are told, right from the first start: what was said is held against what can be known of the machine,
//! and what was not said is found out, or the gateway does not start.
//!
//! | `egress.advertise` | in a container's own network | elsewhere |
//! |---|---|---|
//! | not said, and `listen` is one real address | as if that had been said | that |
//! | not said | refused: its address there is not where consumers elsewhere come in | the address from which this machine reaches its registries, where consumers are too |
//! | loopback | refused: nobody outside the container reaches that; taken, with a warning, where the registry is inside as well | taken, with a warning unless the registry is on this machine as well |
//! | the container's own | taken, with a warning: right only where all consumers are in the same network (as in Kubernetes) | |
//! | anything else | taken: a port is published there, or something leads there | taken |
//!
//! Nothing is sent anywhere but to the name service: a datagram socket that is connected tells its own address. Never changes while the gateway runs.

mod container;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

pub use container::Network;

use crate::config::Config;

/// For looking up the names of all registries; where it is over, the way out of the machine counts.
const LOOK_UP_WITHIN: Duration = Duration::from_secs(5);
/// Where a ZooKeeper listens unless its address says otherwise.
const ZOOKEEPER_PORT: u16 = 2181;
/// An address that nobody has (TEST-NET-1): the way there is the way out.
const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);

/// The address that consumers are told; `None` only where there are no registries to tell it in and none was said.
///
/// # Errors
/// A sentence that says what was found and what to set.
pub async fn address(config: &Config) -> Result<Option<IpAddr>> {
    let network = Network::seen(Path::new("/"));
    match config.advertise {
        Some(said) => {
            // Names are looked up only where they matter.
            let towards = if said.is_loopback() { known(&config.registry_servers).await } else { Vec::new() };
            // One whose name is not known yet is taken for one elsewhere.
            let is_here = !towards.is_empty() && towards.iter().all(|at| is_of_this_machine(at.ip()));
            judge(said, network, is_of_this_machine(said), !config.registry_servers.is_empty() && !is_here)?;
            Ok(Some(said))
        }
        None if config.registry_servers.is_empty() => Ok(None),
        None => {
            let mut towards = known(&config.registry_servers).await;
            towards.push(ANYWHERE);
            let found = towards.into_iter().filter_map(way_to).find(|own| !own.is_loopback() && !own.is_unspecified());
            find(found, network).map(Some)
        }
    }
}

/// What was said, held against what is known. `is_own`: it is an address of this machine, or of this container. `registry_elsewhere`: a
/// registry stands on another machine, so that consumers do too.
fn judge(said: IpAddr, network: Network, is_own: bool, registry_elsewhere: bool) -> Result<()> {
    match network {
        Network::OfAContainer if said.is_loopback() && registry_elsewhere => bail!(
            "egress.advertise: found {said}, which in a container is the container itself; wanted the address of the machine on which the \
             gateway's ports are published, where consumers come in"
        ),
        Network::OfAContainer if is_own => tracing::warn!(
            address = %said,
            "consumers are told an address of this container's own network: right only where all of them are in that network. Where the ports are published, \
             egress.advertise is the address of the machine"
        ),
        Network::OfTheMachine if said.is_loopback() && registry_elsewhere => tracing::warn!(
            address = %said,
            "consumers are told a loopback address, and the registry is on another machine: only consumers on this machine will reach the gateway"
        ),
        _ => {
            tracing::info!(address = %said, is_of_this_machine = is_own, "consumers are told this address, as egress.advertise says")
        }
    }
    Ok(())
}

/// What was found where nothing was said.
fn find(found: Option<IpAddr>, network: Network) -> Result<IpAddr> {
    match (found, network) {
        (Some(own), Network::OfAContainer) => bail!(
            "egress.advertise: missing, and this container has a network of its own, in which it is {own}: consumers elsewhere do not reach that. \
             Wanted the address of the machine on which the gateway's ports are published; or {own} where all consumers are in the same network; \
             or the network of the machine (`network_mode: host`), where it is found out"
        ),
        (None, _) => bail!(
            "egress.advertise: missing, and no way leads from here to a registry but over loopback; wanted the address of this machine that consumers can reach"
        ),
        (Some(own), Network::OfTheMachine) => {
            tracing::info!(address = %own, "consumers are told this address, by which this machine reaches its registries; egress.advertise names another");
            Ok(own)
        }
    }
}

/// The servers in the address of a registry, each with its port.
pub fn servers(address: &str) -> impl Iterator<Item = String> {
    let list = address.split_once('/').map_or(address, |(servers, _chroot)| servers);
    list.split(',').map(str::trim).filter(|server| !server.is_empty()).map(|server| {
        let has_port = server.rsplit_once(':').is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'));
        if has_port { server.to_owned() } else { format!("{server}:{ZOOKEEPER_PORT}") }
    })
}

/// Where the servers are, as far as their names are known now.
async fn known(servers: &[String]) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    let all = async {
        for server in servers {
            match tokio::net::lookup_host(server).await {
                Ok(addresses) => found.extend(addresses),
                Err(error) => tracing::debug!(%error, server, "the name of a registry is not known yet"),
            }
        }
    };
    // What is not known by then counts as unknown.
    let _ = tokio::time::timeout(LOOK_UP_WITHIN, all).await;
    found
}

/// The address that this machine has on its way there.
fn way_to(there: SocketAddr) -> Option<IpAddr> {
    let any = if there.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(there).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// Whether one can listen there: so it is with every address that is this machine's.
fn is_of_this_machine(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn in_a_container_nothing_is_guessed() {
        let refused = find(Some(ip("172.18.0.3")), Network::OfAContainer).unwrap_err().to_string();
        assert!(refused.contains("in which it is 172.18.0.3"), "{refused}");
        assert!(refused.contains("the machine on which the gateway's ports are published"), "{refused}");
        assert_eq!(find(Some(ip("10.1.0.9")), Network::OfTheMachine).unwrap(), ip("10.1.0.9"));
    }

    #[test]
    fn what_is_surely_wrong_is_refused_and_what_may_be_right_is_not() {
        let refused = judge(ip("127.0.0.1"), Network::OfAContainer, true, true).unwrap_err().to_string();
        assert!(refused.starts_with("egress.advertise: found 127.0.0.1"), "{refused}");
        assert!(judge(ip("::1"), Network::OfAContainer, true, true).is_err());
        // Everything in one container or pod.
        judge(ip("::1"), Network::OfAContainer, true, false).unwrap();
        // A sidecar's network, a published port, a name that leads here from elsewhere, everything on one machine.
        for (said, network, is_own) in [
            ("172.18.0.3", Network::OfAContainer, true),
            ("10.1.0.9", Network::OfAContainer, false),
            ("203.0.113.7", Network::OfTheMachine, false),
            ("127.0.0.1", Network::OfTheMachine, true),
        ] {
            judge(ip(said), network, is_own, true).unwrap();
        }
    }

    #[test]
    fn the_servers_of_a_registry_have_ports() {
        let all: Vec<String> = servers("zk1:2181,[::1]:2182, zk3,[::1]/tenants/red").collect();
        assert_eq!(all, ["zk1:2181", "[::1]:2182", "zk3:2181", "[::1]:2181"]);
    }

    #[test]
    fn where_no_way_leads_out_the_key_is_wanted() {
        let refused = find(None, Network::OfTheMachine).unwrap_err().to_string();
        assert!(refused.contains("wanted the address of this machine that consumers can reach"), "{refused}");
    }

    #[test]
    fn the_way_to_this_machine_is_loopback_and_its_address_its_own() {
        assert_eq!(way_to("127.0.0.1:2181".parse().unwrap()), Some(ip("127.0.0.1")));
        assert!(is_of_this_machine(ip("127.0.0.1")));
        assert!(!is_of_this_machine(ip("192.0.2.1")));
    }
}
