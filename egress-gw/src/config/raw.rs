//! What was typed in `egress-gw.toml`, before anything of it is believed.
//!
//! Every field is optional so that all mistakes can be said at once; [`super::settle`] says what is missing.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use chassis::config::{RawAdmin, RawDrain, RawLog, RawPeerTls, RawState, SecretFile, Size, Time};
use serde::Deserialize;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Raw {
    pub(super) shards: Option<usize>,
    pub(super) island: RawIsland,
    pub(super) hub: Vec<tunnel::HubConfig>,
    pub(super) link: super::hub::RawLink,
    pub(super) registry: Vec<zk_bridge::RegistryConfig>,
    pub(super) egress: RawEgress,
    pub(super) import: RawImport,
    pub(super) local: RawLocal,
    pub(super) limits: RawLimits,
    pub(super) timeouts: RawTimeouts,
    pub(super) state: RawState,
    pub(super) admin: RawAdmin,
    pub(super) drain: RawDrain,
    pub(super) log: RawLog,
}

/// `[island]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawIsland {
    pub(super) id: Option<String>,
    pub(super) gateway: Option<String>,
}

/// `[egress]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawEgress {
    pub(super) listen: Option<Vec<IpAddr>>,
    pub(super) allow: Vec<String>,
    pub(super) tls: RawTls,
    pub(super) advertise: Option<IpAddr>,
    pub(super) ports: BTreeMap<String, u16>,
    pub(super) tag: Option<bool>,
    pub(super) reference_prefixes: Option<Vec<String>>,
    pub(super) serve_after_leaving: Option<Time>,
}

/// `[egress.tls]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawTls {
    pub(super) certificate_file: Option<PathBuf>,
    pub(super) key_file: Option<SecretFile>,
    pub(super) client_ca_file: Option<PathBuf>,
}

/// `[import]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawImport {
    pub(super) publish: Option<RawPublish>,
    pub(super) demand_memory: Option<Time>,
    pub(super) hold_down: Option<Time>,
    pub(super) local_memory: Option<Time>,
    pub(super) rule: Vec<RawRule>,
}

/// `publish = …`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RawPublish {
    Imported,
    OnDemand,
}

/// One `[[import.rule]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawRule {
    pub(super) island: Option<String>,
    pub(super) service: Option<String>,
    pub(super) leave: bool,
    pub(super) beside_local: bool,
    pub(super) idempotent: Vec<String>,
    pub(super) plain: bool,
}

/// `[local]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLocal {
    pub(super) tls: Option<RawPeerTls>,
}

/// `[limits]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLimits {
    pub(super) frame: Option<Size>,
    pub(super) reply: Option<Size>,
    pub(super) held: Option<Size>,
    pub(super) connections: Option<usize>,
    pub(super) in_flight: Option<usize>,
    pub(super) in_flight_per_connection: Option<usize>,
}

/// `[timeouts]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawTimeouts {
    pub(super) call: Option<Time>,
    pub(super) dubbo_go: Option<Time>,
    pub(super) longest: Option<Time>,
    pub(super) link_wait: Option<Time>,
}

/// An admin listener stands here unless told otherwise.
pub const ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 20901);
