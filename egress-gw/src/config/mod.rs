//! `egress-gw.toml`: what was typed ([`Raw`]) becomes what is true ([`Config`]), or every mistake with its line.
//!
//! `egress-gw/egress-gw.toml` shows every key with its meaning; a test holds it. Nothing here opens a socket.

mod change;
mod entrance;
mod hub;
mod import;
mod local;
mod ports;
mod raw;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chassis::admin::Admin;
use chassis::config::Size;
use chassis::log::Log;
use chassis::{Mistakes, Time};
use shard::Budget;
use wire::dubbo::frame::HEADER_LEN;
use zk_bridge::{RegistryConfig, RegistrySettings};

use crate::deadline::Timeouts;
use crate::entrance::Entrance;
use crate::local::LocalTls;
use crate::reference::Prefixes;

pub use hub::Hubs;
pub use import::{Import, Publish};
pub use ports::{Port, Tagging};
pub use raw::Raw;

/// A Dubbo frame's body: 8 MiB, what providers and consumers accept by default.
const FRAME_LEN: usize = 8 << 20;
/// All held bodies of the process.
const HELD_LEN: usize = 256 << 20;
const CONNECTIONS: usize = 20_000;
const IN_FLIGHT: usize = 100_000;
const IN_FLIGHT_PER_CONNECTION: usize = 4_096;
/// A drained gateway serves at least this long: 3.x consumers may see a change at interface level only after 10 s.
const SERVE_AFTER_LEAVING: Duration = Duration::from_secs(15);
/// More shards than this are a typing mistake.
const SHARDS_MAX: usize = 256;
/// A longer prefix of parameters is a typing mistake.
const REFERENCE_PREFIX_LEN: usize = 64;
const STATE_DIR: &str = "/var/lib/highway/egress-gw";

/// What is true; no value in it needs to be checked again.
#[derive(Debug, Clone)]
pub struct Config {
    /// Threads that carry calls.
    pub shards: usize,
    /// The island whose consumers come in here.
    pub island: Arc<str>,
    /// This gateway's id, unique in the island.
    pub gateway: Arc<str>,
    /// The hubs and how to reach them.
    pub hubs: Hubs,
    /// The island's registries; none where consumers come by URL.
    pub registries: Vec<RegistrySettings>,
    /// The servers of all registries, `HOST:PORT`: towards them this machine's address is looked for.
    pub registry_servers: Vec<String>,
    /// Addresses to listen on, for every port.
    pub listen: Vec<IpAddr>,
    /// Who may connect, and with TLS.
    pub entrance: Entrance,
    /// The address that consumers are told, as far as it is said: `advertise.rs` judges it, and finds it where it is not.
    pub advertise: Option<IpAddr>,
    /// The ports; at most one is bound to no island.
    pub ports: Vec<Port>,
    /// Whether nodes on ports of islands carry a tag.
    pub tagging: Tagging,
    /// What parameters of a consumer's reference begin with that name islands.
    pub reference_prefixes: Prefixes,
    /// How long a draining gateway serves at least.
    pub serve_after_leaving: Duration,
    /// What is imported and how it is published.
    pub import: Import,
    /// How providers of this island with TLS are known.
    pub local_tls: LocalTls,
    /// Bounds.
    pub limits: Limits,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// The state directory.
    pub state_dir: PathBuf,
    /// Section `[admin]`.
    pub admin: Admin,
    /// Section `[log]`.
    pub log: Log,
    /// How long a drain may take.
    pub drain_within: Duration,
}

/// Section `[limits]`, settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest body of a request in bytes; a larger one is skipped and answered with both numbers.
    pub frame_len: usize,
    /// The largest body of a reply in bytes; a larger one is replaced by an exception with both numbers.
    pub reply_len: usize,
    /// Bytes of bodies held by the process; over it calls are answered with Dubbo's overload status.
    pub held_len: usize,
    /// Consumer connections of the process; over it a connection is closed at once.
    pub connections: usize,
    /// Calls of the process that wait for an answer; over it: overload status.
    pub in_flight: usize,
    /// The same for one consumer connection.
    pub in_flight_per_connection: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_len: FRAME_LEN,
            reply_len: FRAME_LEN,
            held_len: HELD_LEN,
            connections: CONNECTIONS,
            in_flight: IN_FLIGHT,
            in_flight_per_connection: IN_FLIGHT_PER_CONNECTION,
        }
    }
}

/// Turns what was typed into what is true.
pub fn settle(raw: Raw, mistakes: &mut Mistakes) -> Option<Config> {
    let island = id("island.id", raw.island.id, mistakes);
    let gateway = id("island.gateway", raw.island.gateway, mistakes);
    let hubs = hub::settle(raw.hub, raw.link, mistakes);
    let registries = registries(&raw.registry, mistakes);
    let listen = listen(raw.egress.listen, mistakes);
    let entrance = entrance::settle(&raw.egress.allow, &raw.egress.tls, mistakes);
    let advertise = advertise(raw.egress.advertise, &listen, mistakes);
    let ports = ports::settle(raw.egress.ports, island.as_deref(), mistakes);
    let reference_prefixes = reference_prefixes(raw.egress.reference_prefixes, mistakes);
    let import = import::settle(raw.import, mistakes);
    let local_tls = local::settle(raw.local.tls.as_ref(), mistakes);
    let limits = limits(&raw.limits, mistakes);
    let timeouts = timeouts(&raw.timeouts, mistakes);
    let admin = raw.admin.settle(raw::ADMIN, mistakes);
    let log = raw.log.settle(mistakes);
    Some(Config {
        shards: shards(raw.shards, mistakes),
        island: island?,
        gateway: gateway?,
        hubs: hubs?,
        registries,
        registry_servers: raw
            .registry
            .iter()
            .filter_map(|r| r.address.as_deref())
            .flat_map(crate::advertise::servers)
            .collect(),
        listen,
        entrance,
        advertise,
        ports,
        tagging: if raw.egress.tag.unwrap_or(true) { Tagging::ByIsland } else { Tagging::Off },
        reference_prefixes,
        serve_after_leaving: raw.egress.serve_after_leaving.map_or(SERVE_AFTER_LEAVING, Duration::from),
        import,
        local_tls,
        limits,
        timeouts,
        state_dir: raw.state.settle(STATE_DIR, mistakes),
        admin,
        log,
        drain_within: raw.drain.settle(),
    })
}

/// `[a-z0-9-]{1,32}`, the form of islands and gateways everywhere.
fn is_id(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

const ID_FORM: &str = "1 to 32 of a-z, 0-9 and `-`";

fn id(key: &str, typed: Option<String>, mistakes: &mut Mistakes) -> Option<Arc<str>> {
    let typed = mistakes.require(key, typed, ID_FORM)?;
    if !is_id(&typed) {
        mistakes.wrong(key, format_args!("{typed:?}"), ID_FORM);
        return None;
    }
    Some(typed.into())
}

fn shards(typed: Option<usize>, mistakes: &mut Mistakes) -> usize {
    match typed {
        Some(count) if (1..=SHARDS_MAX).contains(&count) => count,
        Some(count) => {
            mistakes.wrong("shards", count, format_args!("1 to {SHARDS_MAX}"));
            1
        }
        None => std::thread::available_parallelism().map_or(1, usize::from).min(SHARDS_MAX),
    }
}

fn registries(typed: &[RegistryConfig], mistakes: &mut Mistakes) -> Vec<RegistrySettings> {
    let (settled, wrong) = zk_bridge::settle_all(typed, &mistakes.resolve(Path::new("")));
    for (at, mistake) in wrong {
        mistakes.say(&format!("registry[{at}].{}", mistake.key), mistake.what);
    }
    settled
}

fn listen(typed: Option<Vec<IpAddr>>, mistakes: &mut Mistakes) -> Vec<IpAddr> {
    let listen = typed.unwrap_or_else(|| vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)]);
    if listen.is_empty() {
        mistakes.wrong("egress.listen", "an empty list", "at least one address, such as \"0.0.0.0\"");
    }
    for (at, address) in listen.iter().enumerate() {
        if listen[..at].contains(address) {
            mistakes.wrong(&format!("egress.listen[{at}]"), format_args!("{address} again"), "each address once");
        }
    }
    listen
}

/// The address in virtual providers: as typed, else the only address that is listened on.
fn advertise(typed: Option<IpAddr>, listen: &[IpAddr], mistakes: &mut Mistakes) -> Option<IpAddr> {
    let said = typed.or(match listen {
        [only] if !only.is_unspecified() => Some(*only),
        _ => None,
    })?;
    let is_of_nobody = said.is_unspecified() || said.is_multicast() || said == IpAddr::V4(Ipv4Addr::BROADCAST);
    if is_of_nobody || is_link_local(said) {
        mistakes.wrong("egress.advertise", said, "an address that consumers can reach");
        return None;
    }
    Some(said)
}

/// An address that means nothing without the name of an interface, which no provider's URL has.
fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(six) if six.is_unicast_link_local())
}

fn reference_prefixes(typed: Option<Vec<String>>, mistakes: &mut Mistakes) -> Prefixes {
    let Some(typed) = typed else { return Prefixes::default() };
    for (at, prefix) in typed.iter().enumerate() {
        let is_name = prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let named = prefix.bytes().any(|byte| byte.is_ascii_alphanumeric());
        if !is_name || !named || prefix.len() > REFERENCE_PREFIX_LEN {
            mistakes.wrong(
                &format!("egress.reference_prefixes[{at}]"),
                format_args!("{prefix:?}"),
                format_args!(
                    "1 to {REFERENCE_PREFIX_LEN} letters, digits, `.`, `_` and `-`, such as \"highway.\" or \"ENV_\""
                ),
            );
        }
    }
    Prefixes::new(typed)
}

fn limits(raw: &raw::RawLimits, mistakes: &mut Mistakes) -> Limits {
    let defaults = Limits::default();
    let mut bytes = |key: &str, typed: Option<Size>, default: usize, most: usize| {
        let len = typed.map_or(default, Size::len);
        if !(1..=most).contains(&len) {
            mistakes.wrong(key, format_args!("{len} bytes"), format_args!("1 to {most} bytes"));
        }
        len
    };
    // A Dubbo length is an i32; a gigabyte leaves room for what is spliced in.
    let frame_len = bytes("limits.frame", raw.frame, defaults.frame_len, 1 << 30);
    let reply_len = bytes("limits.reply", raw.reply, defaults.reply_len, 1 << 30);
    let held_len = bytes("limits.held", raw.held, defaults.held_len, usize::MAX / 2);
    let largest = frame_len.max(reply_len) + HEADER_LEN;
    if Budget::new(held_len).unfinished_limit() < largest {
        mistakes.wrong(
            "limits.held",
            format_args!("{held_len} bytes"),
            format_args!(
                "at least {} bytes, so that a frame of {largest} bytes fits into three quarters of it",
                largest.div_ceil(3) * 4
            ),
        );
    }
    let mut count = |key: &str, typed: Option<usize>, default: usize| {
        let count = typed.unwrap_or(default);
        if !(1..=1 << 24).contains(&count) {
            mistakes.wrong(key, count, format_args!("1 to {}", 1 << 24));
        }
        count
    };
    Limits {
        frame_len,
        reply_len,
        held_len,
        connections: count("limits.connections", raw.connections, defaults.connections),
        in_flight: count("limits.in_flight", raw.in_flight, defaults.in_flight),
        in_flight_per_connection: count(
            "limits.in_flight_per_connection",
            raw.in_flight_per_connection,
            defaults.in_flight_per_connection,
        ),
    }
}

fn timeouts(raw: &raw::RawTimeouts, mistakes: &mut Mistakes) -> Timeouts {
    let defaults = Timeouts::default();
    // The head of a call says the time left in 32 bits of milliseconds.
    let longest_of_all = Duration::from_millis(u64::from(u32::MAX));
    let mut time = |key: &str, typed: Option<Time>, default: Duration| {
        let time = typed.map_or(default, Duration::from);
        if !(Duration::from_millis(1)..=longest_of_all).contains(&time) {
            mistakes.wrong(key, format_args!("{time:?}"), "1ms to 49d");
        }
        time
    };
    Timeouts {
        call: time("timeouts.call", raw.call, defaults.call),
        dubbo_go: time("timeouts.dubbo_go", raw.dubbo_go, defaults.dubbo_go),
        longest: time("timeouts.longest", raw.longest, defaults.longest),
        link_wait: time("timeouts.link_wait", raw.link_wait, defaults.link_wait),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
