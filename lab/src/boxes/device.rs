//! Devices that pass packets on and look at no bytes: one that forgets quiet flows, and one with a thin line behind it.
//!
//! ```text
//!   gateway ──▶ box:8080 ─ address translation ─▶ hub:8443     flows live in the device's table, each start has a table of its own
//! ```
//! Packets of a flow that it does not know vanish: nobody is told.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::Result;

use super::kind::{Entrance, Kind, Nature, Spot};
use super::running::{Part, Parts};
use crate::net::Place;

/// Forgets a flow after ten seconds without a packet.
pub(super) static NAT10: Kind = Kind {
    name: "nat10",
    about: "A stateful device that forgets a flow after 10 s without a packet; later ones vanish without a word.",
    entrance: Entrance::Plain,
    nature: Nature::Usual,
    parts: |spot| device(spot, Some(10), None),
};

/// 30 Mbit/s each way for each island, with room for 400 ms.
pub(super) static THIN30: Kind = Kind {
    name: "thin30",
    about: "A line of 30 Mbit/s each way; what is too much waits up to 400 ms and is then dropped.",
    entrance: Entrance::Plain,
    nature: Nature::Thin,
    parts: |spot| device(spot, None, Some("30mbit")),
};

/// The islands' networks, each with lines of its own.
const ISLANDS: [Ipv4Addr; 3] = [Ipv4Addr::new(10, 77, 2, 0), Ipv4Addr::new(10, 77, 3, 0), Ipv4Addr::new(10, 77, 4, 0)];

#[derive(Debug)]
struct Device {
    place: Place,
    listen: SocketAddrV4,
    hub: SocketAddrV4,
    /// Seconds after which a quiet flow is forgotten.
    forgets: Option<u16>,
    /// How much goes each way, as tc writes it.
    rate: Option<&'static str>,
    starts: AtomicU16,
}

fn device(spot: &Spot, forgets: Option<u16>, rate: Option<&'static str>) -> Result<Parts> {
    let (place, listen, hub) = (spot.place.clone(), spot.listen(), spot.hub);
    place.forwards()?;
    let device = Device { place, listen, hub, forgets, rate, starts: AtomicU16::new(0) };
    device.thin()?;
    Ok(vec![Box::new(device)])
}

impl Device {
    /// A line each way for each island: classes of one root, which the rules choose by the packet's priority.
    fn thin(&self) -> Result<()> {
        let Some(rate) = self.rate else { return Ok(()) };
        let tc = |words: &str| self.place.runs(&words.split(' ').collect::<Vec<_>>());
        tc("tc qdisc add dev eth0 root handle 1: htb")?;
        for line in 1..=2 * ISLANDS.len() {
            // The class lends whatever is asked; the bucket in it is what is thin.
            tc(&format!("tc class add dev eth0 parent 1: classid 1:{line:x} htb rate 10gbit"))?;
            tc(&format!("tc qdisc add dev eth0 parent 1:{line:x} tbf rate {rate} burst 64kb latency 400ms"))?;
        }
        Ok(())
    }

    fn rules(&self, zone: u16) -> String {
        let Device { listen, hub, .. } = self;
        let (own, hub_ip) = (listen.ip(), hub.ip());
        let (timeout, set) = match self.forgets {
            None => (String::new(), ""),
            Some(seconds) => (
                format!("ct timeout quiet {{ protocol tcp; l3proto ip; policy = {{ established: {seconds} }}; }}"),
                "ct timeout set \"quiet\"",
            ),
        };
        let lines: String = ISLANDS
            .iter()
            .zip(0..)
            .map(|(island, at)| {
                let (up, down) = (2 * at + 1, 2 * at + 2);
                format!("    ip saddr {island}/24 meta priority set 1:{up:x}\n    ip daddr {island}/24 meta priority set 1:{down:x}\n")
            })
            .collect();
        format!(
            "table inet passing {{
  {timeout}
  chain zone {{
    type filter hook prerouting priority raw; policy accept;
    ct zone set {zone}
  }}
  chain before {{
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr {own} tcp dport {} dnat ip to {hub}
  }}
  chain behind {{
    type nat hook postrouting priority srcnat; policy accept;
    ip daddr {hub_ip} masquerade
  }}
  chain pass {{
    type filter hook forward priority 0; policy drop;
{lines}    ct state new tcp flags & (syn | ack) == syn {set} accept
    ct state established accept
  }}
  chain own {{
    type filter hook input priority 0; policy drop;
  }}
}}
",
            listen.port()
        )
    }
}

impl Part for Device {
    fn start(&self) -> Result<()> {
        let zone = self.starts.fetch_add(1, Ordering::Relaxed) + 1;
        self.place.firewall(&self.rules(zone))
    }

    fn stop(&self) -> Result<()> {
        self.place.firewall("delete table inet passing\n")
    }
}
