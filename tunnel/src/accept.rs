//! Takes links that gateways dial.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use shard::Shard;
use wire::tunnel::hello::{ClientHello, Refusal, Seal};

use crate::key::{PrivateKey, PublicKey};
use crate::{Handler, Link, Peer};

/// The hub's list of gateways.
pub trait Directory: 'static {
    /// Who has this key, if it may link as what it says it is. Changes nothing: a replayed first message gets here too.
    ///
    /// # Errors
    /// Why not, in a sentence the other end may read.
    fn allow(&self, key: &PublicKey, hello: &ClientHello) -> Result<Peer, Refusal>;
}

/// How a hub takes links.
#[derive(Clone)]
pub struct AcceptConfig {
    /// The hub's key.
    pub key: Arc<PrivateKey>,
    /// The hub's id.
    pub hub: String,
    /// The ids of all hubs, this one too.
    pub hubs: Vec<String>,
    /// The number its process drew when it started.
    pub start: u64,
    /// Certificate and key: [`crate::tls::server`]; without, the listener speaks cleartext.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// When records are sealed.
    pub seal: Seal,
    /// Who may link.
    pub directory: Rc<dyn Directory>,
    /// Exchanges that a gateway may have open with this hub at once, on one link.
    pub exchanges: u32,
    /// How often a quiet link is asked whether it is alive; after three silent intervals its connection is given up.
    pub ping: Duration,
    /// Connections at once, links or not; over it they are closed on arrival.
    pub connections: usize,
}

/// Holds the listener and its links; dropping it ends both.
pub struct Acceptor(Rc<()>);

impl Acceptor {
    /// Where it listens.
    pub fn local(&self) -> SocketAddr {
        unimplemented!()
    }

    /// All sessions that are alive, connected or not.
    pub fn links(&self) -> Vec<Link> {
        unimplemented!()
    }

    /// Takes no new links and asks all gateways for no new exchanges.
    pub fn drain(&self, reason: &str) {
        let _ = reason;
        unimplemented!()
    }

    /// Ends all links and listens no more.
    pub fn close(&self, reason: &str) {
        let _ = reason;
        unimplemented!()
    }
}

/// Starts to take links, on this shard.
///
/// # Errors
/// The listener cannot be registered with this shard's event queue.
pub fn accept(
    shard: &Shard,
    listener: TcpListener,
    config: AcceptConfig,
    handler: Rc<dyn Handler>,
) -> io::Result<Acceptor> {
    let _ = (shard, listener, config, handler);
    unimplemented!()
}
