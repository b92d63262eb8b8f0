//! `[[hub]]` and the part of `[island]` that proves who this gateway is: where the hubs are and how they are known.
//!
//! A hub is known by its public key, not by its certificate: TLS underneath is by configuration.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chassis::{Mistakes, SecretFile, Time};
use serde::Deserialize;
use tunnel::key::{PrivateKey, PublicKey};
use tunnel::{HubAddress, Seal, Transport};

/// How often a quiet link is asked whether it is alive; three silent intervals end it.
const PING: Duration = Duration::from_secs(2);

/// One `[[hub]]` as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawHub {
    url: Option<String>,
    key: Option<Vec<String>>,
    transport: Option<RawTransport>,
    server_name: Option<String>,
    ca_file: Option<PathBuf>,
}

/// `transport = …`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RawTransport {
    Ws,
    H2,
}

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
pub fn settle(hubs: Vec<RawHub>, link: RawLink, mistakes: &mut Mistakes) -> Option<Hubs> {
    if hubs.is_empty() {
        mistakes.missing("hub", "at least one section [[hub]] with a url and a key");
    }
    let count = hubs.len();
    let hubs = hubs.into_iter().enumerate();
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

fn address(at: usize, raw: RawHub, mistakes: &mut Mistakes) -> Option<HubAddress> {
    let key = |name: &str| format!("hub[{at}].{name}");
    let url = mistakes.require(&key("url"), raw.url, "the hub's address, such as \"https://hub.example.com\"");
    let url = url.filter(|url| {
        let sound = url.starts_with("http://") || url.starts_with("https://");
        if !sound {
            mistakes.wrong(&key("url"), format_args!("{url:?}"), "http://HOST:PORT or https://HOST:PORT");
        }
        sound
    });
    let typed = mistakes.require(&key("key"), raw.key, "the hub's public key, as `highway key show` prints it");
    let typed = typed.unwrap_or_default();
    let count = typed.len();
    let keys: Vec<PublicKey> = typed
        .iter()
        .enumerate()
        .filter_map(|(nth, text)| {
            let parsed: Result<PublicKey, _> = text.parse();
            parsed.map_err(|error| mistakes.say(&format!("hub[{at}].key[{nth}]"), error.to_string())).ok()
        })
        .collect();
    let url = url?;
    let tls = if url.starts_with("https://") { Some(roots(at, raw.ca_file, mistakes)?) } else { None };
    (!keys.is_empty() && keys.len() == count).then(|| HubAddress {
        url,
        server_name: raw.server_name,
        keys,
        tls,
        transport: match raw.transport {
            None | Some(RawTransport::Ws) => Transport::Ws,
            Some(RawTransport::H2) => Transport::H2,
        },
    })
}

/// What is trusted for TLS to the hub: a private authority, or the system's.
fn roots(at: usize, ca_file: Option<PathBuf>, mistakes: &mut Mistakes) -> Option<Arc<rustls::ClientConfig>> {
    let key = format!("hub[{at}].ca_file");
    let file = match ca_file {
        // Read here as well, so that a change of the file is noticed.
        Some(file) => mistakes.content(&key, &file).map(|_| Some(mistakes.resolve(&file)))?,
        None => None,
    };
    tunnel::tls::client(file.as_deref()).map_err(|error| mistakes.say(&key, error.to_string())).ok()
}
