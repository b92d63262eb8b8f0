//! `[[hub]]` and the part of `[island]` that proves who this gateway is: where the hubs are and how they are known.
//!
//! A hub is known by its public key, not by its certificate: TLS underneath is by configuration.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chassis::{Mistakes, SecretFile, Time};
use serde::Deserialize;
use tunnel::key::PrivateKey;
use tunnel::{HubAddress, HubConfig, Seal};

/// How often a quiet link is asked whether it is alive; three silent intervals end it.
const PING: Duration = Duration::from_secs(2);

/// `[link]` as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLink {
    key_file: Option<SecretFile>,
    seal: Option<Seal>,
    ping: Option<Time>,
}

/// The hubs, settled.
#[derive(Clone)]
pub struct Hubs {
    /// Where they are.
    pub addresses: Vec<HubAddress>,
    /// The gateway's own key.
    pub key: Arc<PrivateKey>,
    /// When records are sealed.
    pub seal: Seal,
    /// How often a quiet link is asked whether it is alive.
    pub ping: Duration,
}

impl std::fmt::Debug for Hubs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let urls: Vec<&str> = self.addresses.iter().map(|hub| hub.url.as_str()).collect();
        f.debug_struct("Hubs").field("urls", &urls).field("seal", &self.seal).finish_non_exhaustive()
    }
}

/// Checks the sections.
pub fn settle(hubs: Vec<HubConfig>, link: RawLink, mistakes: &mut Mistakes) -> Option<Hubs> {
    if hubs.is_empty() {
        mistakes.missing("hub", "at least one section [[hub]] with a url and a key");
    }
    let count = hubs.len();
    let hubs = hubs.iter().enumerate();
    let addresses: Vec<HubAddress> = hubs.filter_map(|(at, hub)| address(at, hub, mistakes)).collect();
    let file = mistakes.require("link.key_file", link.key_file, "the file that `highway key new` wrote");
    let key = file.and_then(|file| mistakes.secret("link.key_file", &file)).and_then(|secret| {
        PrivateKey::from_file_content(secret.bytes())
            .map_err(|error| mistakes.say("link.key_file", error.to_string()))
            .ok()
    });
    let ping = link.ping.map_or(PING, Duration::from);
    if !(Duration::from_millis(100)..=Duration::from_secs(60)).contains(&ping) {
        mistakes.wrong("link.ping", format_args!("{ping:?}"), "100ms to 60s");
    }
    let complete = !addresses.is_empty() && addresses.len() == count;
    complete.then_some(Hubs { addresses, key: Arc::new(key?), seal: link.seal.unwrap_or_default(), ping })
}

/// One hub's address. Its authority's file is read here too, so that a change of it is noticed.
fn address(at: usize, typed: &HubConfig, mistakes: &mut Mistakes) -> Option<HubAddress> {
    if let Some(file) = typed.ca_file() {
        mistakes.content(&format!("hub[{at}].ca_file"), file)?;
    }
    let folder = mistakes.resolve(Path::new(""));
    let secret = |key: &str, file: &Path| {
        let secret = mistakes.secret(&format!("hub[{at}].{key}"), &SecretFile::new(file))?;
        Some(secret.bytes().to_vec())
    };
    match typed.settle(&folder, secret) {
        Ok(address) => Some(address),
        Err(list) => {
            for mistake in list {
                mistakes.say(&format!("hub[{at}].{}", mistake.key), mistake.what);
            }
            None
        }
    }
}
