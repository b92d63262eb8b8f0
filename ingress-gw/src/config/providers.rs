//! `[providers]` and `[providers.tls]`: connections to providers, which of them are left out, and how those with TLS are known.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::time::Duration;

use chassis::{Mistakes, Time};
use client::{Ejection, PoolConfig, TlsWith, Trust};
use shard::tls::{self, Identity, ServerName};
use wire::dubbo::frame::HEADER_LEN;

use super::raw::{RawProviderTls, RawProviders, RawTlsUse};

/// With whom TLS is spoken, and how.
#[derive(Debug, Clone, Default)]
pub struct ProviderTls {
    /// How they are known; `None`: who wants TLS is not called.
    pub trust: Option<Trust>,
    /// The same number where it was made of the same names and contents of files.
    pub made_of: u64,
    /// Which of those that a registry lists; a `[[provider]]` says it of itself.
    pub with: TlsWith,
}

/// Checks `[providers]`.
pub fn pool(raw: &RawProviders, reply_len: usize, pending_limit: usize, mistakes: &mut Mistakes) -> PoolConfig {
    let defaults = PoolConfig::default();
    let connections = raw.connections.unwrap_or(defaults.connections);
    if !(1..=64).contains(&connections) {
        mistakes.wrong("providers.connections", connections, "1 to 64");
    }
    let mut time = |key: &str, typed: Option<Time>, default: Duration, longest: u64| {
        let time = typed.map_or(default, Duration::from);
        if !(Duration::from_millis(10)..=Duration::from_secs(longest)).contains(&time) {
            mistakes.wrong(key, format_args!("{time:?}"), format_args!("10ms to {longest}s"));
        }
        time
    };
    let connect_timeout = time("providers.connect_timeout", raw.connect_timeout, defaults.connect_timeout, 60);
    let wait = time("providers.wait", raw.wait, defaults.wait, 60);
    let heartbeat = time("providers.heartbeat", raw.heartbeat, defaults.heartbeat, 600);
    let (shortest, longest) = defaults.ejection.time;
    let eject_for = time("providers.eject_for", raw.eject_for, shortest, 3600);
    let percent = raw.eject_percent.unwrap_or(defaults.ejection.percent);
    if percent > 100 {
        mistakes.wrong("providers.eject_percent", percent, "0 to 100");
    }
    PoolConfig {
        connections,
        connect_timeout,
        wait,
        heartbeat,
        ejection: Ejection {
            after: raw.eject_after.unwrap_or(defaults.ejection.after),
            percent,
            time: (eject_for, longest.max(eject_for)),
        },
        frame_limit_len: reply_len + HEADER_LEN,
        pending_limit,
        ..defaults
    }
}

/// Checks `[providers.tls]`. The files are read here, so that a change of one is noticed.
pub fn tls(raw: Option<&RawProviderTls>, mistakes: &mut Mistakes) -> ProviderTls {
    let Some(raw) = raw else { return ProviderTls::default() };
    let with = match raw.with.unwrap_or(RawTlsUse::Marked) {
        RawTlsUse::Marked => TlsWith::Marked,
        RawTlsUse::Everybody => TlsWith::Everybody,
    };
    let (trust, made_of) = trust(raw, mistakes).unzip();
    ProviderTls { trust, made_of: made_of.unwrap_or_default(), with }
}

fn trust(raw: &RawProviderTls, mistakes: &mut Mistakes) -> Option<(Trust, u64)> {
    // Only ever compared with another of this process.
    let mut made_of = DefaultHasher::new();
    raw.server_name.hash(&mut made_of);
    let server_name = match &raw.server_name {
        None => None,
        Some(name) => {
            let read = ServerName::try_from(name.clone()).ok();
            if read.is_none() {
                mistakes.wrong("providers.tls.server_name", format_args!("{name:?}"), "a host name or an address");
            }
            Some(read?)
        }
    };
    for (key, file) in [("ca_file", &raw.ca_file), ("certificate_file", &raw.certificate_file)] {
        if let Some(file) = file {
            mistakes.content(&format!("providers.tls.{key}"), file)?.hash(&mut made_of);
        }
    }
    let own = match (&raw.certificate_file, &raw.key_file) {
        (None, None) => None,
        (Some(certificate), Some(key)) => {
            mistakes.secret("providers.tls.key_file", key)?.bytes().hash(&mut made_of);
            Some((mistakes.resolve(certificate), mistakes.resolve(key.path())))
        }
        (Some(_), None) => {
            mistakes.missing("providers.tls.key_file", "the certificate's private key, mode 0600");
            return None;
        }
        (None, Some(_)) => {
            mistakes.missing("providers.tls.certificate_file", "the certificate of the key");
            return None;
        }
    };
    let identity = own.as_ref().map(|(certificate, key)| Identity { certificate_file: certificate, key_file: key });
    let ca_file = raw.ca_file.as_deref().map(|file: &Path| mistakes.resolve(file));
    if ca_file.is_none() {
        tls::system_bundle().and_then(|file| std::fs::read(file).ok()).hash(&mut made_of);
    }
    match tls::client(ca_file.as_deref(), identity) {
        Ok(config) => Some((Trust { config, server_name }, made_of.finish())),
        Err(error) => {
            mistakes.say("providers.tls", error.to_string());
            None
        }
    }
}
