//! Two islands and a hub in network namespaces, and between each island and the hub a link that lets so much through and no more.
//!
//! ```text
//!   island a  10.78.1.2 ══ 30 Mbit/s each way ══ 10.78.1.1  hub 10.78.0.1  10.78.2.1 ══ 30 Mbit/s each way ══ 10.78.2.2  island b
//! ```
//!
//! `tbf` at all four ends; a packet waits for at most 400 ms and is dropped then. It wants root and `ip`, `tc` of iproute2, and takes
//! its namespaces away when it is dropped.

use anyhow::{Context, Result, bail};
use std::net::Ipv4Addr;
use std::process::Command;

/// Where the hub is reached from both islands.
pub const HUB: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 1);
/// Where the island of the consumers is.
pub const NEAR: Ipv4Addr = Ipv4Addr::new(10, 78, 1, 2);
/// Where the island of the provider is.
pub const FAR: Ipv4Addr = Ipv4Addr::new(10, 78, 2, 2);
/// What a link lets through, in words of `tc`.
const SHAPE: [&str; 6] = ["rate", "30mbit", "burst", "64kb", "latency", "400ms"];

/// The namespaces, by their names.
pub struct Lab {
    /// The island of the consumers.
    pub near: String,
    /// The hub.
    pub hub: String,
    /// The island of the provider.
    pub far: String,
}

impl Lab {
    /// Makes them.
    ///
    /// # Errors
    /// What the system does not let this process do.
    pub fn make() -> Result<Lab> {
        let name = |place: &str| format!("hwbench-{}-{place}", std::process::id());
        let lab = Lab { near: name("a"), hub: name("hub"), far: name("b") };
        for namespace in lab.all() {
            run("ip", &["netns", "add", namespace])
                .context("thin links are made of network namespaces, which want root")?;
            run("ip", &["-n", namespace, "link", "set", "lo", "up"])?;
        }
        run("ip", &["-n", &lab.hub, "addr", "add", &format!("{HUB}/32"), "dev", "lo"])?;
        lab.link(&lab.near, "to-a", 1)?;
        lab.link(&lab.far, "to-b", 2)?;
        Ok(lab)
    }

    fn link(&self, island: &str, device: &str, number: u8) -> Result<()> {
        let hub = &self.hub;
        run("ip", &["link", "add", device, "netns", hub, "type", "veth", "peer", "name", "eth0", "netns", island])?;
        let network = format!("10.78.{number}");
        for (namespace, device, host) in [(hub.as_str(), device, 1), (island, "eth0", 2)] {
            run("ip", &["-n", namespace, "addr", "add", &format!("{network}.{host}/24"), "dev", device])?;
            run("ip", &["-n", namespace, "link", "set", device, "up"])?;
            let shape = [&["-n", namespace, "qdisc", "add", "dev", device, "root", "tbf"], &SHAPE[..]].concat();
            run("tc", &shape)?;
        }
        run("ip", &["-n", island, "route", "add", "default", "via", &format!("{network}.1")])
    }

    fn all(&self) -> [&str; 3] {
        [&self.near, &self.hub, &self.far]
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for namespace in self.all() {
            let _ = run("ip", &["netns", "del", namespace]);
        }
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program).args(arguments).output().with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{program} {}: {}", arguments.join(" "), words.trim());
    }
    Ok(())
}
