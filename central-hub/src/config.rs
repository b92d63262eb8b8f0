//! `central-hub.toml`: what was typed and what is true. Every key stands, explained, in `central-hub.toml` of this folder.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chassis::config::{RawAdmin, RawDrain, RawLog, RawState};
use chassis::process::Basics;
use chassis::{Mistakes, SecretFile, Size, Time};
use serde::Deserialize;
use tunnel::key::PrivateKey;

use crate::audit::AuditFile;
use crate::policy::{Policy, RawPolicy};

/// The hub's default admin address.
const ADMIN: ([u8; 4], u16) = ([127, 0, 0, 1], 20900);
const HOLD_DOWN: Duration = Duration::from_secs(30);
/// Below this no single long body would get through.
const HELD_LEAST: usize = 1024 * 1024;
const HELD_LEN: usize = 256 * 1024 * 1024;
const CATALOGUE_LEAST: usize = 64 * 1024;
const CATALOGUE_LEN: usize = 8 * 1024 * 1024;
const AUDIT_ROTATE_LEN: u64 = 256 * 1024 * 1024;
const AUDIT_KEEP: u32 = 16;

/// `central-hub.toml` as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Raw {
    hub: RawHub,
    policy: RawPolicyFiles,
    audit: RawAudit,
    limits: RawLimits,
    state: RawState,
    admin: RawAdmin,
    log: RawLog,
    drain: RawDrain,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawHub {
    id: Option<String>,
    listen: Option<Vec<SocketAddr>>,
    key_file: Option<SecretFile>,
    hubs: Option<Vec<String>>,
    seal: Option<tunnel::Seal>,
    compress: tunnel::Compress,
    hold_down: Option<Time>,
    tls: Option<RawTls>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawTls {
    certificate_file: Option<PathBuf>,
    key_file: Option<SecretFile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawPolicyFiles {
    files: Option<Vec<PathBuf>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawAudit {
    file: Option<PathBuf>,
    rotate_at: Option<Size>,
    keep: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawLimits {
    held: Option<Size>,
    catalogue: Option<Size>,
}

/// What peers may make this process keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of bodies and heads of calls, all together.
    pub held_len: usize,
    /// Bytes of memory for the services of one gateway.
    pub catalogue_len: usize,
}

/// What is true.
#[derive(Debug)]
pub struct Config {
    /// This hub's id.
    pub id: String,
    /// Where links come in.
    pub listen: Vec<SocketAddr>,
    /// The key that islands pin.
    pub key: PrivateKey,
    /// Ids of all hubs, this one included: gateways dial until each is linked.
    pub hubs: Vec<String>,
    /// Whether records are sealed.
    pub seal: tunnel::Seal,
    /// Whether calls and answers are packed, on links of gateways that agree.
    pub compress: tunnel::Compress,
    /// How long a gateway's catalogue outlives its links.
    pub hold_down: Duration,
    /// Certificate and key, where links come in over TLS.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Who exists and who may call what.
    pub policy: Policy,
    /// Where the audit goes.
    pub audit: AuditFile,
    /// What peers may make this process keep.
    pub limits: Limits,
    /// What the chassis needs.
    pub basics: Basics,
}

/// Settles what was typed.
pub fn settle(raw: Raw, mistakes: &mut Mistakes) -> Option<Config> {
    let id = mistakes.require("hub.id", raw.hub.id, "the hub's id, such as \"hub-1\"");
    let listen = mistakes.require(
        "hub.listen",
        raw.hub.listen.filter(|list| !list.is_empty()),
        "addresses such as [\"0.0.0.0:8443\"]",
    );
    let key = mistakes
        .require("hub.key_file", raw.hub.key_file, "the file that `highway key new` wrote")
        .and_then(|file| mistakes.secret("hub.key_file", &file))
        .and_then(|secret| match PrivateKey::from_file_content(secret.bytes()) {
            Ok(key) => Some(key),
            Err(error) => {
                mistakes.say("hub.key_file", error.to_string());
                None
            }
        });
    let tls = raw.hub.tls.and_then(|tls| settle_tls(tls, mistakes));
    let policy = settle_policy(raw.policy, mistakes);
    let audit = raw.audit.file.unwrap_or_else(|| PathBuf::from("audit.jsonl"));
    let audit = AuditFile {
        path: mistakes.resolve(&audit),
        rotate_len: raw.audit.rotate_at.map_or(AUDIT_ROTATE_LEN, |size| size.0),
        keep: raw.audit.keep.unwrap_or(AUDIT_KEEP),
    };
    let basics = Basics {
        log: raw.log.settle(mistakes),
        admin: raw.admin.settle(SocketAddr::from(ADMIN), mistakes),
        drain_within: raw.drain.settle(),
    };
    let mut at_least = |key: &str, typed: Option<Size>, default: usize, least: usize| {
        let len = typed.map_or(default, Size::len);
        if len < least {
            mistakes.wrong(key, format_args!("{len} bytes"), format_args!("at least {least} bytes"));
        }
        len
    };
    let limits = Limits {
        held_len: at_least("limits.held", raw.limits.held, HELD_LEN, HELD_LEAST),
        catalogue_len: at_least("limits.catalogue", raw.limits.catalogue, CATALOGUE_LEN, CATALOGUE_LEAST),
    };
    let id = id?;
    let hubs = raw.hub.hubs.unwrap_or_else(|| vec![id.clone()]);
    if !hubs.contains(&id) {
        mistakes.wrong("hub.hubs", hubs.join(", "), format_args!("a list that holds this hub's own id `{id}`"));
    }
    Some(Config {
        listen: listen?,
        key: key?,
        hubs,
        seal: raw.hub.seal.unwrap_or_default(),
        compress: raw.hub.compress,
        hold_down: raw.hub.hold_down.map_or(HOLD_DOWN, |time| time.0),
        tls,
        policy: policy?,
        audit,
        limits,
        basics,
        id,
    })
}

fn settle_tls(raw: RawTls, mistakes: &mut Mistakes) -> Option<Arc<rustls::ServerConfig>> {
    let certificate = mistakes.require("hub.tls.certificate_file", raw.certificate_file, "a PEM file with the chain");
    let key = mistakes.require("hub.tls.key_file", raw.key_file, "a PEM file with the private key");
    let (certificate, key) = (certificate?, key?);
    // Read here too, so that both are watched for changes and the key's file mode is looked at.
    mistakes.content("hub.tls.certificate_file", &certificate)?;
    mistakes.secret("hub.tls.key_file", &key)?;
    match tunnel::tls::server(&mistakes.resolve(&certificate), &mistakes.resolve(key.path())) {
        Ok(tls) => Some(tls),
        Err(error) => {
            mistakes.say("hub.tls", error.to_string());
            None
        }
    }
}

fn settle_policy(raw: RawPolicyFiles, mistakes: &mut Mistakes) -> Option<Policy> {
    let files = mistakes.require("policy.files", raw.files, "files such as [\"islands.toml\", \"grants.toml\"]")?;
    let mut policy = Policy::default();
    for (at, file) in files.iter().enumerate() {
        let key = format!("policy.files[{at}]");
        let one = mistakes.document(&key, file, |raw: RawPolicy, mistakes| Policy::settle(raw, mistakes))?;
        policy.join(one, mistakes);
    }
    Some(policy)
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
