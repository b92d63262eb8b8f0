//! Places as network namespaces, and the router between them with its firewall.
//!
//! Names carry the id of the process that made them (`hw<pid>-<n>-a`), so that runs do not meet and the next one finds what a dead
//! one has left.

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

use super::{HUB_PORT, Isolation, Net, Place, Site};
use crate::reaper;

static NETS: AtomicU32 = AtomicU32::new(0);

/// The namespace between all others.
#[derive(Debug)]
pub(super) struct Router {
    name: String,
    all: Vec<String>,
}

/// How a place's cable does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weather {
    /// Everything passes that the firewall lets through.
    Fair,
    /// Nothing passes and nobody is told.
    Silent,
    /// Whoever sends is told that the connection is gone.
    Reset,
}

/// Tries what will be needed; the error is the reason to tell.
pub(super) fn allowed() -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("only root may make network namespaces".to_owned());
    }
    sweep();
    // Numbered, since tests of one process may try at once.
    let trial = format!("{}-try", stem());
    let tried = (|| {
        add(&trial)?;
        rules(&trial, "table inet lab {\n chain f { type filter hook forward priority 0; policy drop;\n }\n}\n")
    })();
    remove(&trial);
    tried.map_err(|error| format!("{error:#}"))
}

/// A namespace that goes with the run.
fn add(namespace: &str) -> Result<()> {
    reaper::tell("net", namespace)?;
    ip(&["netns", "add", namespace])
}

fn remove(namespace: &str) {
    reaper::remove_namespace(namespace);
    let _ = reaper::tell("unmade", namespace);
}

/// Removes the namespaces of runs whose process is gone.
fn sweep() {
    let Ok(listed) = Command::new("ip").args(["netns", "list"]).output() else { return };
    for line in String::from_utf8_lossy(&listed.stdout).lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let maker = name.strip_prefix("hw").and_then(|rest| rest.split('-').next());
        let maker = maker.filter(|pid| !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit()));
        if maker.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            reaper::remove_namespace(name);
        }
    }
}

/// What no other namespace begins with.
fn stem() -> String {
    format!("hw{}-{}", std::process::id(), NETS.fetch_add(1, Ordering::Relaxed))
}

pub(super) fn make(hub: Ipv4Addr, islands: &[Site<'_>], boxes: &[Site<'_>]) -> Result<Net> {
    let stem = stem();
    let mut router = Router { name: format!("{stem}-net"), all: Vec::new() };
    router.add(&format!("{stem}-net"))?;
    let sites: Vec<Site<'_>> =
        [Site { name: "hub", address: hub }].iter().chain(islands).chain(boxes).copied().collect();
    let mut places = Vec::new();
    for site in &sites {
        let namespace = format!("{stem}-{}", site.name);
        router.add(&namespace)?;
        router.join(*site, &namespace, &sites)?;
        places.push(Place::new(site.name, site.address, Some(namespace)));
    }
    // Read by a process inside, this switch is the namespace's own.
    inside(&router.name, &["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])?;
    rules(&router.name, &firewall(hub, islands, boxes))?;
    let boxes = places.split_off(1 + islands.len());
    Ok(Net { hub: places.remove(0), islands: places, boxes, router: Some(router), isolation: Isolation::Namespaces })
}

/// Nobody dials an island, islands dial one port of the hub, or a box that does. The counters sit behind the firewall: they count what got through.
fn firewall(hub: Ipv4Addr, islands: &[Site<'_>], boxes: &[Site<'_>]) -> String {
    let islands: Vec<&str> = islands.iter().map(|site| site.name).collect();
    let cables = |names: &[&str]| names.iter().map(|name| format!("\"{name}-r\"")).collect::<Vec<_>>().join(", ");
    let ports = cables(&islands);
    // By pairs: the router's own announcements on a cable seem to come from that same cable.
    let pairs =
        islands.iter().flat_map(|from| islands.iter().map(move |to| (from, to))).filter(|(from, to)| from != to);
    let between: String =
        pairs.map(|(from, to)| format!("    iifname \"{from}-r\" oifname \"{to}-r\" counter name between\n")).collect();
    let boxes = cables(&boxes.iter().map(|site| site.name).collect::<Vec<_>>());
    let through = if boxes.is_empty() {
        String::new()
    } else {
        format!(
            "    iifname {{ {ports} }} oifname {{ {boxes} }} ct state new accept
    iifname {{ {boxes} }} oifname \"hub-r\" ip daddr {hub} tcp dport {HUB_PORT} ct state new accept\n"
        )
    };
    format!(
        "table inet lab {{
  counter between {{ }}
  counter tohub {{ }}
  set ways {{
    typeof iifname . oifname
    flags dynamic
    counter
  }}
  chain f {{
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname {{ {ports} }} oifname \"hub-r\" ip daddr {hub} tcp dport {HUB_PORT} ct state new accept
{through}  }}
  chain weather {{
    type filter hook forward priority -10; policy accept;
  }}
  chain i {{
    type filter hook input priority 0; policy drop;
  }}
  chain p {{
    type filter hook postrouting priority 0; policy accept;
    update @ways {{ iifname . oifname }}
{between}    iifname {{ {ports} }} oifname \"hub-r\" counter name tohub
  }}
}}
"
    )
}

/// One more address, of a network of its own: the system takes it as the source of what is sent to it.
pub(super) fn also_at(namespace: &str, address: Ipv4Addr) -> Result<()> {
    ip(&["-n", namespace, "addr", "add", &format!("{address}/32"), "dev", "lo"])
}

impl Router {
    fn add(&mut self, namespace: &str) -> Result<()> {
        add(namespace)?;
        self.all.push(namespace.to_owned());
        ip(&["-n", namespace, "link", "set", "lo", "up"])
    }

    /// A cable from a place to the router. Only the lab's own networks have a route, so that anything else fails at once.
    fn join(&self, site: Site<'_>, namespace: &str, all: &[Site<'_>]) -> Result<()> {
        let (port, own) = (format!("{}-r", site.name), &self.name);
        let near = site.neighbour();
        ip(&["link", "add", &port, "netns", own, "type", "veth", "peer", "name", "eth0", "netns", namespace])?;
        ip(&["-n", own, "addr", "add", &format!("{near}/24"), "dev", &port])?;
        ip(&["-n", own, "link", "set", &port, "up"])?;
        ip(&["-n", namespace, "addr", "add", &format!("{}/24", site.address), "dev", "eth0"])?;
        ip(&["-n", namespace, "link", "set", "eth0", "up"])?;
        for other in all.iter().filter(|other| other.name != site.name) {
            ip(&["-n", namespace, "route", "add", &other.network(), "via", &near.to_string()])?;
        }
        Ok(())
    }

    pub(super) fn weather(&self, place: &str, weather: Weather) -> Result<()> {
        let verdict = match weather {
            Weather::Fair => None,
            Weather::Silent => Some("drop"),
            Weather::Reset => Some("meta l4proto tcp reject with tcp reset"),
        };
        let rule =
            |direction: &str, verdict: &str| format!("add rule inet lab weather {direction} \"{place}-r\" {verdict}\n");
        let rules_of = |verdict: &str| ["iifname", "oifname"].map(|direction| rule(direction, verdict)).concat();
        let text = verdict.map(rules_of).unwrap_or_default();
        rules(&self.name, &format!("flush chain inet lab weather\n{text}"))
    }

    /// The router's end of a place's cable: what goes to it.
    pub(super) fn thin(&self, place: &str, rate: &str) -> Result<()> {
        inside(&self.name, &bucket(&format!("{place}-r"), rate)).map(drop)
    }

    pub(super) fn packets_between_islands(&self) -> Result<u64> {
        self.counter("between")
    }

    pub(super) fn packets_to_hub(&self) -> Result<u64> {
        self.counter("tohub")
    }

    pub(super) fn bytes_between(&self, one: &str, other: &str) -> Result<u64> {
        let text = inside(&self.name, &["nft", "list", "set", "inet", "lab", "ways"])?;
        let there_and_back = [(one, other), (other, one)];
        let of = |(from, to): (&str, &str)| -> Option<u64> {
            let rest = text.split(&format!("\"{from}-r\" . \"{to}-r\"")).nth(1)?;
            rest.split_whitespace().skip_while(|word| *word != "bytes").nth(1)?.trim_end_matches(',').parse().ok()
        };
        // Where nothing went yet, nothing is listed.
        Ok(there_and_back.into_iter().filter_map(of).sum())
    }

    fn counter(&self, name: &str) -> Result<u64> {
        let text = inside(&self.name, &["nft", "list", "counter", "inet", "lab", name])?;
        let packets = text.split_whitespace().skip_while(|word| *word != "packets").nth(1);
        packets.and_then(|count| count.parse().ok()).with_context(|| format!("nft shows no counter {name}: {text}"))
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.all.iter().for_each(|namespace| remove(namespace));
    }
}

/// The command that lets no more than this out of a device.
pub(super) fn bucket<'a>(device: &'a str, rate: &'a str) -> [&'a str; 13] {
    ["tc", "qdisc", "replace", "dev", device, "root", "tbf", "rate", rate, "burst", "64kb", "latency", "400ms"]
}

pub(super) fn rules(namespace: &str, text: &str) -> Result<()> {
    let mut child = Command::new("ip")
        .args(["netns", "exec", namespace, "nft", "-f", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run nft")?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("nft refuses the rules: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

pub(super) fn inside(namespace: &str, words: &[&str]) -> Result<String> {
    let mut all = vec!["netns", "exec", namespace];
    all.extend(words);
    run(&all)
}

fn ip(words: &[&str]) -> Result<()> {
    run(words).map(drop)
}

fn run(words: &[&str]) -> Result<String> {
    // One that is just making a namespace when the run ends has made it before the reaper begins.
    let output = Command::new("ip").args(words).stdin(reaper::awaited()?).output().context("cannot run ip")?;
    if !output.status.success() {
        bail!("ip {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
