//! What was typed in `ingress-gw.toml`, before anything of it is believed.
//!
//! Every field is optional so that all mistakes can be said at once; [`super::settle`] says what is missing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use chassis::config::{RawAdmin, RawDrain, RawLog, RawState, SecretFile, Size, Time};
use serde::Deserialize;
use tunnel::Seal;

/// An admin listener stands here unless told otherwise.
pub const ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 20902);

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Raw {
    /// Threads that carry calls.
    pub shards: Option<usize>,
    /// Section `[island]`.
    pub island: RawIsland,
    /// Sections `[[hub]]`.
    pub hub: Vec<tunnel::HubConfig>,
    /// Section `[link]`.
    pub link: RawLink,
    /// Sections `[[registry]]`.
    pub registry: Vec<zk_bridge::RegistryConfig>,
    /// Sections `[[provider]]`.
    pub provider: Vec<RawProvider>,
    /// Section `[export]`.
    pub export: RawExport,
    /// Section `[providers]`.
    pub providers: RawProviders,
    /// Section `[limits]`.
    pub limits: RawLimits,
    /// Section `[state]`.
    pub state: RawState,
    /// Section `[admin]`.
    pub admin: RawAdmin,
    /// Section `[drain]`.
    pub drain: RawDrain,
    /// Section `[log]`.
    pub log: RawLog,
}

/// `[island]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawIsland {
    pub id: Option<String>,
    pub gateway: Option<String>,
}

/// `[link]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLink {
    pub key_file: Option<SecretFile>,
    pub seal: Option<Seal>,
    pub ping: Option<Time>,
}

/// One `[[provider]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawProvider {
    pub address: Option<String>,
    pub service: Option<String>,
    pub group: Option<String>,
    pub version: Option<String>,
    pub path: Option<String>,
    pub methods: Vec<String>,
    pub weight: Option<u32>,
    pub timeout: Option<Time>,
    pub application: Option<String>,
    pub token_file: Option<SecretFile>,
    pub tls: bool,
}

/// `[export]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawExport {
    pub rule: Vec<RawRule>,
}

/// One `[[export.rule]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawRule {
    pub service: Option<String>,
    pub application: Option<String>,
    pub action: Option<RawAction>,
    pub supply_token: bool,
    pub opaque: bool,
    pub any_generic: bool,
    pub show_addresses: bool,
}

/// `action = …`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RawAction {
    Allow,
    Deny,
}

/// `[providers]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawProviders {
    pub connections: Option<usize>,
    pub connect_timeout: Option<Time>,
    pub wait: Option<Time>,
    pub heartbeat: Option<Time>,
    pub eject_after: Option<u32>,
    pub eject_percent: Option<u32>,
    pub eject_for: Option<Time>,
    pub tls: Option<RawProviderTls>,
}

/// `[providers.tls]`
pub use chassis::config::RawPeerTls as RawProviderTls;

/// `[limits]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLimits {
    pub frame: Option<Size>,
    pub reply: Option<Size>,
    pub held: Option<Size>,
    pub in_flight: Option<usize>,
}
