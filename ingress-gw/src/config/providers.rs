//! `[providers]` and `[providers.tls]`: connections to providers, which of them are left out, and how those with TLS are known.

use std::time::Duration;

use chassis::config::{PeerTls, WithTls};
use chassis::{Mistakes, Time};
use client::{Ejection, PoolConfig, TlsWith, Trust, TrustError};
use wire::dubbo::frame::HEADER_LEN;

use super::raw::{RawProviderTls, RawProviders};

/// With whom TLS is spoken, and how.
#[derive(Debug, Clone, Default)]
pub struct ProviderTls {
    /// How they are known; `None`: who wants TLS is not called.
    pub trust: Option<Trust>,
    /// Which of those that a registry lists; a `[[provider]]` says it of itself.
    pub with: TlsWith,
}

impl ProviderTls {
    /// The same number where it was made of the same names and contents of files.
    pub fn made_of(&self) -> u64 {
        self.trust.as_ref().map_or(0, Trust::made_of)
    }
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

/// Checks `[providers.tls]`.
pub fn tls(raw: Option<&RawProviderTls>, mistakes: &mut Mistakes) -> ProviderTls {
    const KEY: &str = "providers.tls";
    let Some(settled) = raw.and_then(|raw| raw.settle(KEY, mistakes)) else { return ProviderTls::default() };
    let PeerTls { with, ca_file, own, server_name } = settled;
    let own = own.as_ref().map(|(certificate, key)| (&**certificate, &**key));
    let trust = match Trust::read(ca_file.as_deref(), own, server_name.as_deref()) {
        Ok(trust) => Some(trust),
        Err(error) => {
            let name = if matches!(error, TrustError::ServerName(_)) { ".server_name" } else { "" };
            mistakes.say(&format!("{KEY}{name}"), error.to_string());
            None
        }
    };
    let with = match with {
        WithTls::Marked => TlsWith::Marked,
        WithTls::Everybody => TlsWith::Everybody,
    };
    ProviderTls { trust, with }
}
