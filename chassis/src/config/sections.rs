//! The sections that every program has: `[log]`, `[admin]`, `[state]`, `[drain]`.
//!
//! ```toml
//! [log]
//! level = "info"                  # or directives: "info,highway_tunnel=debug"
//! format = "human"                # or "json"
//!
//! [admin]
//! listen = ["127.0.0.1:20901"]    # another address than loopback only with a token
//! token_file = "admin.token"      # sent as `Authorization: Bearer …`; readable by its owner alone
//!
//! [state]
//! dir = "/var/lib/highway"        # small files that survive a restart
//!
//! [drain]
//! within = "60s"                  # a drain that takes longer ends with what is left in flight
//! ```

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::{Mistakes, SecretFile, Time};
use crate::admin::Admin;
use crate::log::{self, Format, Log};

const DRAIN_WITHIN: Duration = Duration::from_secs(60);

/// `[log]` as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLog {
    /// `error`, `warn`, `info` (the default), `debug`, `trace`, or directives.
    pub level: Option<String>,
    /// `human` (the default) or `json`.
    pub format: Option<Format>,
}

/// `[admin]` as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawAdmin {
    /// Addresses of the admin listener; an empty list turns it off.
    pub listen: Option<Vec<SocketAddr>>,
    /// The file with the token that opens everything but `/livez`; needed as soon as an address is not loopback.
    pub token_file: Option<SecretFile>,
}

/// `[state]` as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawState {
    /// The directory for small files that survive a restart.
    pub dir: Option<PathBuf>,
}

/// `[drain]` as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawDrain {
    /// How long a drain may take (60 s by default).
    pub within: Option<Time>,
}

impl RawLog {
    /// Checks the section.
    pub fn settle(self, mistakes: &mut Mistakes) -> Log {
        let defaults = Log::default();
        let level = self.level.unwrap_or(defaults.level);
        if let Err(why) = log::level(&level) {
            mistakes.wrong("log.level", format_args!("{level:?} ({why})"), "a level such as \"info\", or directives");
        }
        Log { level, format: self.format.unwrap_or(defaults.format) }
    }
}

impl RawAdmin {
    /// Checks the section; `default` is where the program's admin listener stands unless told otherwise.
    pub fn settle(self, default: SocketAddr, mistakes: &mut Mistakes) -> Admin {
        let listen = self.listen.unwrap_or_else(|| vec![default]);
        let token = self.token_file.as_ref().and_then(|file| mistakes.secret("admin.token_file", file));
        if self.token_file.is_none()
            && let Some(at) = listen.iter().position(|address| !address.ip().is_loopback())
        {
            mistakes.wrong(
                &format!("admin.listen[{at}]"),
                listen[at],
                "a loopback address, or `admin.token_file` beside it",
            );
        }
        Admin { listen, token }
    }
}

impl RawState {
    /// The directory, taken from the configuration file's folder if it is relative; `default` unless told otherwise.
    #[must_use]
    pub fn settle(self, default: &str, mistakes: &Mistakes) -> PathBuf {
        mistakes.resolve(&self.dir.unwrap_or_else(|| default.into()))
    }
}

impl RawDrain {
    /// How long a drain may take.
    #[must_use]
    pub fn settle(self) -> Duration {
        self.within.map_or(DRAIN_WITHIN, Duration::from)
    }
}
