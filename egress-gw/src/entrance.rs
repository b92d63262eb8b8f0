//! Who may come in, and how: the most connections, the addresses that may connect, TLS. The last two may change while the
//! gateway runs; connections that are there stay as they are.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chassis::Sources;
use shard::Accepted;
use shard::tls::Layer;

use crate::core::Core;
use crate::session::Consumer;

/// Strangers are logged at most this often; each is counted.
const STRANGER_LOG_EVERY: Duration = Duration::from_secs(10);

/// What holds for every port.
#[derive(Debug, Clone, Default)]
pub struct Entrance {
    /// Who may connect.
    pub allow: Sources,
    /// What a consumer is shown that begins with TLS; `None`: such a connection is closed with a hint.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

/// What was said of strangers.
#[derive(Debug, Default)]
pub struct Strangers {
    last_logged: Cell<Option<Instant>>,
    unlogged: Cell<u64>,
}

impl Core {
    /// What becomes of a connection that has come in on a port of `island`.
    pub fn accept(self: &Rc<Self>, peer: SocketAddr, island: Option<&Arc<str>>) -> Accepted {
        let entrance = self.entrance.load();
        if !entrance.allow.allow(peer.ip()) {
            self.refuse_stranger(peer.ip(), &entrance.allow);
            return Accepted::Refuse;
        }
        if !self.may_begin() {
            return Accepted::Refuse;
        }
        let layer = entrance.tls.clone().map_or(Layer::Plain, Layer::Either);
        Accepted::Serve(layer, Rc::new(Consumer::new(self.clone(), island.cloned())))
    }

    fn refuse_stranger(&self, address: IpAddr, allow: &Sources) {
        self.counters.strangers.add(1);
        let strangers = &self.strangers;
        let now = Instant::now();
        strangers.unlogged.set(strangers.unlogged.get() + 1);
        if strangers.last_logged.get().is_none_or(|last| now.saturating_duration_since(last) >= STRANGER_LOG_EVERY) {
            strangers.last_logged.set(Some(now));
            let refused = strangers.unlogged.take();
            tracing::warn!(%address, %allow, refused, "refused a connection from an address that egress.allow does not have");
        }
    }
}

#[cfg(test)]
#[path = "entrance_tests.rs"]
mod tests;
