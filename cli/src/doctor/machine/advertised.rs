//! The address that consumers are told: whether it is this machine's, whether something takes calls there, whether it is what stands in the
//! registry, and whether consumers would meet this machine under it. What lies between consumers and this machine nobody here can see, so
//! it is said what to try from there.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use zk_bridge::View;

use super::{Mark, Step};
use crate::doctor::about::Advertised;

const CONNECT: Duration = Duration::from_secs(3);
/// Consumers whose way here is looked at.
const CONSUMERS: usize = 64;

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Whether a registry tells it to consumers; else they have it in their own configuration.
    is_told: bool,
    /// Whether the address is one of this machine.
    is_own: bool,
    is_in_container: bool,
    /// Ports where nobody takes connections, with why.
    closed: Vec<(u16, String)>,
    /// Addresses under which this gateway stands in the registries.
    registered: BTreeSet<String>,
    /// Hosts of consumers that the registries name.
    consumers: usize,
    /// Addresses of this machine from which packets to consumers leave, and a consumer for each.
    towards: Vec<(IpAddr, IpAddr)>,
}

pub async fn look(advertised: &Advertised, views: &[Arc<View>]) -> Seen {
    let (is_own, is_in_container) = (is_own(advertised.address), is_in_container());
    let mut seen = Seen { is_told: !views.is_empty(), is_own, is_in_container, ..Seen::default() };
    for &port in &advertised.ports {
        match timeout(CONNECT, TcpStream::connect((advertised.address, port))).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                seen.closed.push((port, error.to_string().split(" (os").next().unwrap_or_default().to_lowercase()))
            }
            Err(_) => seen.closed.push((port, format!("no answer within {CONNECT:?}"))),
        }
    }
    let mut consumers = BTreeSet::new();
    for view in views {
        let own = view.gateways().iter().filter(|gateway| gateway.id == advertised.gateway);
        seen.registered.extend(own.map(|gateway| gateway.host.clone()));
        consumers.extend(view.consumers().iter().filter_map(|consumer| consumer.host.parse::<IpAddr>().ok()));
    }
    seen.consumers = consumers.len();
    for consumer in consumers.into_iter().take(CONSUMERS) {
        if let Some(from) = source_towards(consumer)
            && seen.towards.iter().all(|(known, _)| *known != from)
        {
            seen.towards.push((from, consumer));
        }
    }
    seen
}

pub fn steps(advertised: &Advertised, seen: &Seen) -> Vec<Step> {
    let address = advertised.address;
    let ports = advertised.ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let set = "set egress.advertise to an address of this machine that consumers reach";
    let mut steps = vec![address_step(address, seen, set)];
    if let Some((port, error)) = seen.closed.first() {
        let open = advertised.ports.len() - seen.closed.len();
        let saw = format!("{address}:{port}: {error} ({open} of the ports {ports} take connections)");
        let means =
            "nobody takes calls there: the gateway is not running, or listens at another address (egress.listen)";
        steps.push(Step::bad(
            "advertised",
            saw,
            means,
            "start it, then try again; a local firewall may also refuse (nft list ruleset)",
        ));
    } else {
        let saw = format!(
            "{address}, port {ports}: taken from this machine; from a consumer's machine try `nc -vz {address} {}`",
            advertised.ports[0]
        );
        steps.push(Step::good("advertised", saw));
    }
    let others: Vec<_> =
        seen.registered.iter().filter(|host| host.parse() != Ok(address)).map(String::as_str).collect();
    if !others.is_empty() {
        let saw = format!("the registry has gateway {} at {}", advertised.gateway, others.join(", "));
        let means = format!(
            "consumers are led there and not to {address}: it runs with another configuration, or two gateways have one id"
        );
        steps.push(Step::bad(
            "advertised",
            saw,
            &means,
            "restart the gateway with this file, or give each its own island.gateway",
        ));
    } else if !seen.registered.is_empty() {
        steps.push(Step::good("advertised", format!("the registry has gateway {} there", advertised.gateway)));
    }
    steps
}

fn address_step(address: IpAddr, seen: &Seen, set: &str) -> Step {
    if address.is_loopback() {
        let is_local = seen.consumers > 0 && seen.towards.iter().all(|(_, consumer)| consumer.is_loopback());
        let mark = if seen.is_told && !is_local { Mark::Bad } else { Mark::Note };
        return Step::found(
            "advertised",
            mark,
            format!("{address} is loopback"),
            "only programs on this machine reach it",
            set,
        );
    }
    if !seen.is_own {
        let means = if seen.is_in_container {
            "it is the address of another machine, or of the one that this container runs on: then its port has to be published"
        } else {
            "it is the address of another machine, or of something that translates addresses to this one"
        };
        return Step::note(
            "advertised",
            format!("{address} is no address of this machine"),
            means,
            "be sure that it leads here, from where consumers are",
        );
    }
    let other = seen.towards.iter().find(|(from, _)| *from != address && !from.is_loopback());
    if let Some((from, consumer)) = other {
        let saw = format!("{address} is this machine's, but packets to the consumer at {consumer} leave from {from}");
        let means = "that consumer is on the side of another of this machine's addresses; whether it reaches this one the network has to say";
        return Step::note(
            "advertised",
            saw,
            means,
            &format!("from {consumer} try the port below; if it fails, set egress.advertise = \"{from}\""),
        );
    }
    if seen.is_in_container {
        let saw = format!("{address} is this machine's, which is a container");
        let means = "consumers outside the container's network do not reach it";
        return Step::note(
            "advertised",
            saw,
            means,
            "if there are such consumers, set egress.advertise to the host's address and publish the port",
        );
    }
    let hint = match seen.consumers {
        0 => "; the registry names no consumer to compare it with".to_owned(),
        count => format!("; packets to {count} hosts of consumers leave from it"),
    };
    Step::good("advertised", format!("{address} is this machine's{hint}"))
}

/// Whether a socket can be bound to it.
fn is_own(address: IpAddr) -> bool {
    UdpSocket::bind(SocketAddr::new(address, 0)).is_ok()
}

fn is_in_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"].iter().any(|file| Path::new(file).exists())
        || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}

/// The address from which this machine would speak to another. Nothing is sent.
fn source_towards(other: IpAddr) -> Option<IpAddr> {
    let any = if other.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(SocketAddr::new(other, 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(address: &str, seen: &Seen) -> Vec<(Mark, String)> {
        let advertised =
            Advertised { address: address.parse().unwrap(), ports: vec![20990], gateway: "gw-1".to_owned() };
        steps(&advertised, seen).into_iter().map(|step| (step.mark, step.saw)).collect()
    }

    #[test]
    fn an_address_that_consumers_cannot_reach_is_told_by_what_it_is() {
        let own = || Seen { is_own: true, is_told: true, ..Seen::default() };
        assert_eq!(marks("10.0.0.5", &own())[0].0, Mark::Good);
        assert_eq!(marks("127.0.0.1", &own())[0].0, Mark::Bad);
        assert_eq!(marks("10.0.0.5", &Seen { is_own: false, ..own() })[0].0, Mark::Note);
        assert_eq!(marks("10.0.0.5", &Seen { is_in_container: true, ..own() })[0].0, Mark::Note);
        let towards = vec![("10.9.0.5".parse().unwrap(), "10.9.0.7".parse().unwrap())];
        let (mark, saw) = marks("10.0.0.5", &Seen { towards, consumers: 1, ..own() })[0].clone();
        assert_eq!((mark, saw.contains("leave from 10.9.0.5")), (Mark::Note, true), "{saw}");
        let closed = vec![(20990, "connection refused".to_owned())];
        assert_eq!(marks("10.0.0.5", &Seen { closed, ..own() })[1].0, Mark::Bad);
        let registered = ["10.0.0.6".to_owned()].into();
        assert_eq!(marks("10.0.0.5", &Seen { registered, ..own() })[2].0, Mark::Bad);
    }

    #[test]
    fn loopback_is_this_machines_and_leads_to_itself() {
        let here: IpAddr = "127.0.0.1".parse().unwrap();
        assert!(is_own(here) && !is_own("192.0.2.7".parse().unwrap()));
        assert_eq!(source_towards(here), Some(here));
    }
}
