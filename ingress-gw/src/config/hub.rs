//! `[[hub]]` and `[link]`: where the hubs are, how they are known, and what proves who this gateway is.
//!
//! A hub is known by its public key; TLS underneath is by configuration.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chassis::Mistakes;
use tunnel::key::{PrivateKey, PublicKey};
use tunnel::{HubAddress, Seal, Transport};

use super::raw::{RawHub, RawLink, RawTransport};

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
pub fn settle(hubs: Vec<RawHub>, link: RawLink, mistakes: &mut Mistakes) -> Option<Hubs> {
    if hubs.is_empty() {
        mistakes.missing("hub", "at least one section [[hub]] with a url and a key");
    }
    let typed_count = hubs.len();
    let addresses: Vec<HubAddress> =
        hubs.into_iter().enumerate().filter_map(|(at, hub)| address(at, hub, mistakes)).collect();
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

fn address(at: usize, raw: RawHub, mistakes: &mut Mistakes) -> Option<HubAddress> {
    let name = |key: &str| format!("hub[{at}].{key}");
    let url = mistakes.require(&name("url"), raw.url, "the hub's address, such as \"https://hub.example.com\"");
    let keys = keys(at, raw.key, mistakes);
    let url = url?;
    let tls = match url.split_once("://") {
        Some(("https", _)) => Some(roots(&name("ca_file"), raw.ca_file, mistakes)?),
        Some(("http", _)) => None,
        _ => {
            mistakes.wrong(&name("url"), format_args!("{url:?}"), "http://HOST:PORT or https://HOST:PORT");
            return None;
        }
    };
    let transport = match raw.transport {
        None | Some(RawTransport::Ws) => Transport::Ws,
        Some(RawTransport::H2) => Transport::H2,
    };
    Some(HubAddress { url, server_name: raw.server_name, keys: keys?, tls, transport })
}

fn keys(at: usize, typed: Option<Vec<String>>, mistakes: &mut Mistakes) -> Option<Vec<PublicKey>> {
    let place = format!("hub[{at}].key");
    let typed = typed.filter(|typed| !typed.is_empty());
    let typed = mistakes.require(&place, typed, "the hub's public key, as `highway key show` prints it")?;
    let count = typed.len();
    let mut keys = Vec::new();
    for (nth, text) in typed.iter().enumerate() {
        match text.parse() {
            Ok(key) => keys.push(key),
            Err(error) => mistakes.say(&format!("{place}[{nth}]"), format!("{error}")),
        }
    }
    (keys.len() == count).then_some(keys)
}

/// What is trusted for TLS to the hub: a private authority, or the system's.
fn roots(key: &str, ca_file: Option<PathBuf>, mistakes: &mut Mistakes) -> Option<Arc<rustls::ClientConfig>> {
    let file = match ca_file {
        // Read here as well, so that a change of the file is noticed.
        Some(file) => mistakes.content(key, &file).map(|_| Some(mistakes.resolve(&file)))?,
        None => None,
    };
    match tunnel::tls::client(file.as_deref()) {
        Ok(tls) => Some(tls),
        Err(error) => {
            mistakes.say(key, error.to_string());
            None
        }
    }
}
