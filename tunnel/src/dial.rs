//! Keeps a link to every hub of a list.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use shard::Shard;
use wire::tunnel::hello::{Role, Seal};

use crate::key::{PrivateKey, PublicKey};
use crate::{Handler, Link, LinkStatus};

/// What carries a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// WebSocket binary messages on HTTP/1.1.
    #[default]
    Ws,
    /// One long HTTP/2 POST, both bodies streaming.
    H2,
}

/// Where a hub, or several behind one address, is reached.
#[derive(Clone)]
pub struct HubAddress {
    /// `http://host:port` or `https://host:port`; a path stands in front of `/highway/link`.
    pub url: String,
    /// The name in the hub's certificate, where it is not the URL's host.
    pub server_name: Option<String>,
    /// The public keys of the hubs that may answer there; one at least.
    pub keys: Vec<PublicKey>,
    /// Roots for `https`: [`crate::tls::client`].
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// What carries the link.
    pub transport: Transport,
}

/// How a gateway reaches its hubs.
#[derive(Clone)]
pub struct DialConfig {
    /// All hubs.
    pub hubs: Vec<HubAddress>,
    /// The gateway's key.
    pub key: Arc<PrivateKey>,
    /// Which half it is.
    pub role: Role,
    /// Its island.
    pub island: String,
    /// Its id within the island.
    pub gateway: String,
    /// The number its process drew when it started.
    pub start: u64,
    /// When records are sealed.
    pub seal: Seal,
    /// Exchanges that a hub may have open with this gateway at once, on one link.
    pub exchanges: u32,
    /// How often a quiet link is asked whether it is alive; after three silent intervals it is given up.
    pub ping: Duration,
}

/// Keeps the links; dropping it ends them.
pub struct Dialer(Rc<()>);

/// One address of the list, from outside.
#[derive(Debug, Clone, serde::Serialize)]
pub struct HubStatus {
    /// Its URL.
    pub url: String,
    /// Why the last attempt failed, if it did.
    pub last_error: Option<String>,
    /// The links that were made through it.
    pub links: Vec<LinkStatus>,
}

impl Dialer {
    /// All sessions that are alive, connected or not.
    pub fn links(&self) -> Vec<Link> {
        unimplemented!()
    }

    /// For `/status`.
    pub fn status(&self) -> Vec<HubStatus> {
        unimplemented!()
    }

    /// Ends all links and dials no more.
    pub fn close(&self, reason: &str) {
        let _ = reason;
        unimplemented!()
    }
}

/// Starts to dial, on this shard. Calls nothing of `handler` before the first link is up.
pub fn dial(shard: &Shard, config: DialConfig, handler: Rc<dyn Handler>) -> Dialer {
    let _ = (shard, config, handler);
    unimplemented!()
}
