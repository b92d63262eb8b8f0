//! `[[hub]]` and `[link]`: where the hubs are, how they are known, and what proves who this gateway is.
//!
//! A hub is known by its public key; TLS underneath is by configuration.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chassis::{Mistakes, SecretFile};
use tunnel::key::PrivateKey;
use tunnel::{HubAddress, HubConfig, Seal};

use super::raw::RawLink;

/// How often a quiet link is asked whether it is alive; three silent intervals end it.
const PING: Duration = Duration::from_secs(2);

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

/// Checks the sections.
pub fn settle(hubs: Vec<HubConfig>, link: RawLink, mistakes: &mut Mistakes) -> Option<Hubs> {
    if hubs.is_empty() {
        mistakes.missing("hub", "at least one section [[hub]] with a url and a key");
    }
    let typed_count = hubs.len();
    let addresses: Vec<HubAddress> =
        hubs.iter().enumerate().filter_map(|(at, hub)| address(at, hub, mistakes)).collect();
    let file = mistakes.require("link.key_file", link.key_file, "the file that `highway key new` wrote");
    let secret = file.and_then(|file| mistakes.secret("link.key_file", &file));
    let key = secret.and_then(|secret| match PrivateKey::from_file_content(secret.bytes()) {
        Ok(key) => Some(key),
        Err(error) => {
            mistakes.say("link.key_file", error.to_string());
            None
        }
    });
    let ping = link.ping.map_or(PING, Duration::from);
    if !(Duration::from_millis(100)..=Duration::from_secs(60)).contains(&ping) {
        mistakes.wrong("link.ping", format_args!("{ping:?}"), "100ms to 60s");
    }
    let complete = !addresses.is_empty() && addresses.len() == typed_count;
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
