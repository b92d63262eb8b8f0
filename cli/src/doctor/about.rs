//! What of a program's configuration the doctor looks at. Files that hold secrets are named here and read where they are looked at, so that
//! one with a wrong mode is a finding and not the end. The program itself is the judge of the whole ([`crate::check`]).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Result;
use chassis::admin::Admin;
use chassis::config::{RawAdmin, RawPeerTls};
use chassis::{Mistakes, SecretFile};
use serde::Deserialize;
use tunnel::{HubConfig, Role, Seal};
use zk_bridge::{RegistryConfig, RegistrySettings};

use super::target::{self, Target};
use crate::check::Kind;

/// The Dubbo port of an egress gateway that says none.
const EGRESS_PORT: u16 = 20990;
/// What each program lets in, or keeps to one provider, unless told otherwise.
const EGRESS_CONNECTIONS: usize = 20_000;
const HUB_CONNECTIONS: usize = 10_000;
const PROVIDER_CONNECTIONS: usize = 1;

/// A configuration, as far as it is looked at.
pub struct About {
    pub kind: Kind,
    pub file: PathBuf,
    pub hubs: Vec<Target>,
    /// As whom links are asked for.
    pub gateway: Option<Gateway>,
    /// The key of links.
    pub key_file: Option<PathBuf>,
    pub papers: Vec<Papers>,
    pub registries: Vec<RegistrySettings>,
    /// Where consumers are told to go.
    pub advertised: Option<Advertised>,
    /// Providers without a registry.
    pub providers: Vec<String>,
    /// Connections that the program may have: in all, or to each provider.
    pub connections: usize,
    pub admin: Admin,
}

#[derive(Debug, Clone)]
pub struct Gateway {
    pub role: Role,
    pub island: String,
    pub id: String,
    pub seal: Seal,
}

/// Certificate files that stand together.
pub struct Papers {
    /// The section.
    pub key: String,
    pub certificate_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    pub ca_file: Option<PathBuf>,
}

pub struct Advertised {
    pub address: IpAddr,
    pub ports: Vec<u16>,
    pub gateway: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawGateway {
    island: RawIsland,
    hub: Vec<HubConfig>,
    link: RawLink,
    registry: Vec<RegistryConfig>,
    provider: Vec<RawProvider>,
    egress: RawEgress,
    providers: RawProviders,
    local: RawLocal,
    limits: RawLimits,
    admin: RawAdmin,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawIsland {
    id: Option<String>,
    gateway: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawLink {
    key_file: Option<SecretFile>,
    seal: Option<Seal>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawProvider {
    address: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawEgress {
    listen: Option<Vec<IpAddr>>,
    advertise: Option<IpAddr>,
    ports: BTreeMap<String, u16>,
    tls: RawTls,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawTls {
    certificate_file: Option<PathBuf>,
    key_file: Option<SecretFile>,
    client_ca_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawProviders {
    connections: Option<usize>,
    tls: Option<RawPeerTls>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawLocal {
    tls: Option<RawPeerTls>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawLimits {
    connections: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawHubFile {
    hub: RawHub,
    admin: RawAdmin,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawHub {
    key_file: Option<SecretFile>,
    tls: RawTls,
}

/// Reads a configuration.
///
/// # Errors
/// What is wrong in what is looked at.
pub fn read(file: &Path, kind: Kind) -> Result<About> {
    let variables = chassis::config::variables();
    Ok(match kind {
        Kind::CentralHub => {
            chassis::config::settle_file(file, &variables, |raw, mistakes| hub(raw, file, mistakes))?.config
        }
        _ => chassis::config::settle_file(file, &variables, |raw, mistakes| gateway(raw, file, kind, mistakes))?.config,
    })
}

fn admin(raw: RawAdmin, port: u16, mistakes: &mut Mistakes) -> Admin {
    raw.settle(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), mistakes)
}

fn hub(raw: RawHubFile, file: &Path, mistakes: &mut Mistakes) -> Option<About> {
    let papers = papers("hub.tls", &raw.hub.tls, mistakes);
    Some(About {
        kind: Kind::CentralHub,
        file: file.to_owned(),
        hubs: Vec::new(),
        gateway: None,
        key_file: raw.hub.key_file.map(|file| mistakes.resolve(file.path())),
        papers: papers.into_iter().collect(),
        registries: Vec::new(),
        advertised: None,
        providers: Vec::new(),
        connections: HUB_CONNECTIONS,
        admin: admin(raw.admin, 20900, mistakes),
    })
}

fn gateway(raw: RawGateway, file: &Path, kind: Kind, mistakes: &mut Mistakes) -> Option<About> {
    let is_egress = kind == Kind::EgressGw;
    let hubs = target::settle(&raw.hub, mistakes);
    let (registries, wrong) = zk_bridge::settle_all(&raw.registry, &mistakes.resolve(Path::new("")));
    for (at, mistake) in wrong {
        mistakes.say(&format!("registry[{at}].{}", mistake.key), mistake.what);
    }
    let mut all: Vec<Papers> = Vec::new();
    for (at, hub) in raw.hub.iter().enumerate() {
        if let Some(file) = hub.ca_file() {
            let ca_file = Some(mistakes.resolve(file));
            all.push(Papers { key: format!("hub[{at}]"), certificate_file: None, key_file: None, ca_file });
        }
    }
    all.extend(papers("egress.tls", &raw.egress.tls, mistakes));
    for (key, tls) in [("providers.tls", &raw.providers.tls), ("local.tls", &raw.local.tls)] {
        if let Some(RawPeerTls { ca_file, certificate_file, key_file, .. }) = tls {
            let resolve = |file: &PathBuf| mistakes.resolve(file);
            all.push(Papers {
                key: key.to_owned(),
                certificate_file: certificate_file.as_ref().map(resolve),
                key_file: key_file.as_ref().map(|file| mistakes.resolve(file.path())),
                ca_file: ca_file.as_ref().map(resolve),
            });
        }
    }
    let listens = raw.egress.listen.unwrap_or_default();
    let only = || listens.first().copied().filter(|only| listens.len() == 1 && !only.is_unspecified());
    let mut ports: Vec<u16> = raw.egress.ports.into_values().filter(|port| *port != 0).collect();
    if ports.is_empty() {
        ports.push(EGRESS_PORT);
    }
    let (island, id) = (raw.island.id.unwrap_or_default(), raw.island.gateway.unwrap_or_default());
    let advertised = raw.egress.advertise.or_else(only).filter(|_| is_egress);
    let role = if is_egress { Role::Egress } else { Role::Ingress };
    let connections = if is_egress {
        raw.limits.connections.unwrap_or(EGRESS_CONNECTIONS)
    } else {
        raw.providers.connections.unwrap_or(PROVIDER_CONNECTIONS)
    };
    Some(About {
        kind,
        file: file.to_owned(),
        hubs,
        advertised: advertised.map(|address| Advertised { address, ports, gateway: id.clone() }),
        gateway: Some(Gateway { role, island, id, seal: raw.link.seal.unwrap_or_default() }),
        key_file: raw.link.key_file.map(|file| mistakes.resolve(file.path())),
        papers: all,
        registries,
        providers: raw.provider.into_iter().filter_map(|provider| provider.address).collect(),
        connections,
        admin: admin(raw.admin, if is_egress { 20901 } else { 20902 }, mistakes),
    })
}

fn papers(key: &str, tls: &RawTls, mistakes: &Mistakes) -> Option<Papers> {
    let resolve = |file: &PathBuf| mistakes.resolve(file);
    let papers = Papers {
        key: key.to_owned(),
        certificate_file: tls.certificate_file.as_ref().map(resolve),
        key_file: tls.key_file.as_ref().map(|file| mistakes.resolve(file.path())),
        ca_file: tls.client_ca_file.as_ref().map(resolve),
    };
    let is_said = papers.certificate_file.is_some() || papers.key_file.is_some() || papers.ca_file.is_some();
    is_said.then_some(papers)
}
