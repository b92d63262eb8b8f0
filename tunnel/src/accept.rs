//! Takes links that gateways dial. It never changes a session before the gateway has shown that it is alive: a replayed
//! first message gets an answer and nothing else.
//!
//! ```text
//!  accept ─▶ a task: TLS, HTTP ─▶ upgrade or POST ─▶ a task: handshake ─▶ Directory::allow ─▶ answer ─▶ "go"
//!            ╰───────────── a stranger, of whom a source may have so many ─────────────────────────╯
//!                                                        new session: Handler::up ◀──────────────────────┤
//!                                                        known session of the same key: goes on ◀────────┘
//! ```

mod sessions;

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use shard::{Budget, Shard};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use wire::tunnel::hello::{ClientHello, ClientPayload, Refusal, RefusalReason, Seal, VERSION, Welcome};

use crate::handshake::{HANDSHAKE_LIMIT, HandshakeError, is_sealed, respond};
use crate::key::{PrivateKey, PublicKey};
use crate::link::{Connected, NewLink, TICK};
use crate::moved::Moved;
use crate::session::Side;
use crate::strangers::{Arrival, Strangers};
use crate::transport::post::served::Streams;
use crate::transport::serve::{Arrived, Door, serve};
use crate::{Compress, Encoding, Handler, Link, Peer, Traffic, random};
pub use sessions::OfOneKey;
use sessions::Sessions;

/// The hub's list of gateways.
pub trait Directory: 'static {
    /// Who has this key, if it may link as what it says it is. Changes nothing: a replayed first message gets here too.
    ///
    /// # Errors
    /// Why not, in a sentence the other end may read.
    fn allow(&self, key: &PublicKey, hello: &ClientHello) -> Result<Peer, Refusal>;

    /// Whether small POSTs of this peer may be forms ([`Encoding::Multipart`]). Not unless somebody says so.
    fn takes_forms(&self, _peer: &Peer) -> bool {
        false
    }
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
    /// Connections at once, links or not; over it they are closed on arrival. Those without a link have half of it, and one source
    /// address of them 256.
    pub connections: usize,
    /// What one key may have.
    pub of_one: OfOneKey,
    /// What the sessions of the process may hold of long bodies, all together.
    pub budget: Budget,
    /// Where what its links move is summed.
    pub traffic: Traffic,
    /// Whether calls and answers are packed, on links of gateways that agree.
    pub compress: Compress,
}

/// Holds the listeners and their links; dropping it ends both.
pub struct Acceptor(Rc<Inner>);

struct Inner {
    shard: Shard,
    config: AcceptConfig,
    tls: RefCell<Option<Arc<rustls::ServerConfig>>>,
    handler: Rc<dyn Handler>,
    local: SocketAddr,
    sessions: Sessions,
    posts: Rc<Streams>,
    connections: Cell<usize>,
    strangers: Rc<Strangers>,
    drains: Cell<bool>,
    lost: Rc<Notify>,
    stop: watch::Sender<bool>,
}

/// What a gateway will get once it has shown that it is alive.
struct Prepared {
    peer: Peer,
    session: String,
    /// The session that goes on: the link, records this end had received in it, records the gateway has.
    resumed: Option<(Link, u64, u64)>,
    /// Exchanges the gateway allows at once.
    exchanges: u32,
    /// What both ends know.
    features: u64,
    /// The number the gateway's process drew when it started.
    start: u64,
}

impl Acceptor {
    /// Where it listened first.
    pub fn local(&self) -> SocketAddr {
        self.0.local
    }

    /// Takes links here too: a session goes on at whichever address its gateway comes back to.
    ///
    /// # Errors
    /// The listener cannot be registered with this shard's event queue.
    pub fn listen(&self, listener: TcpListener) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        self.0.run(listen(self.0.clone(), listener));
        Ok(())
    }

    /// Shows this certificate to whoever connects from now on; connections that stand are left alone. Where the listeners speak cleartext
    /// they go on to.
    pub fn renew(&self, tls: Arc<rustls::ServerConfig>) {
        if let Some(current) = &mut *self.0.tls.borrow_mut() {
            *current = tls;
        }
    }

    /// All sessions that are alive, connected or not.
    pub fn links(&self) -> Vec<Link> {
        self.0.sessions.alive()
    }

    /// Takes no new links and asks all gateways for no new exchanges.
    pub fn drain(&self, reason: &str) {
        self.0.drains.set(true);
        for link in self.links() {
            link.go_away(reason);
        }
    }

    /// Ends all links and listens no more.
    pub fn close(&self, reason: &str) {
        self.0.stop.send_replace(true);
        for link in self.links() {
            link.close(reason);
        }
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        self.close("the hub is stopping");
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
    let local = listener.local_addr()?;
    let strangers = Strangers::new(config.connections.div_ceil(2));
    let inner = Rc::new(Inner {
        shard: shard.clone(),
        sessions: Sessions::new(config.of_one),
        posts: Rc::default(),
        tls: RefCell::new(config.tls.clone()),
        config,
        handler,
        local,
        connections: Cell::new(0),
        strangers,
        drains: Cell::new(false),
        lost: Rc::new(Notify::new()),
        stop: watch::Sender::new(false),
    });
    let acceptor = Acceptor(inner.clone());
    acceptor.listen(listener)?;
    shard.run(tick(inner));
    Ok(acceptor)
}

fn no_forms(peer: &Peer) -> Refusal {
    let text = format!(
        "the hub's policy takes no POSTs of island `{}` as forms; take post.encoding = \"multipart\" out of the gateway's file, or ask the \
         hub's operator for multipart = true under this island",
        peer.island
    );
    Refusal::new(RefusalReason::Encoding, text)
}

async fn listen(inner: Rc<Inner>, listener: tokio::net::TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => match Arrival::enter(&inner.strangers, peer.ip()).zip(Slot::take(&inner)) {
                Some((arrival, slot)) => inner.run(connection(inner.clone(), stream, peer, arrival, slot)),
                None => tracing::debug!(%peer, limit = inner.config.connections, "connection refused: too many"),
            },
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection; waiting a moment");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(inner: Rc<Inner>, stream: TcpStream, peer: SocketAddr, arrival: Rc<Arrival>, slot: Slot) {
    let arrived = {
        let (inner, arrival) = (inner.clone(), arrival.clone());
        Box::new(move |arrived: Arrived| {
            let Some(handshake) = arrival.handshake() else {
                return tracing::debug!(%peer, "handshake refused: too many at once from there");
            };
            let (work, arrival) = (inner.clone(), arrival.clone());
            inner.run(async move {
                if let Err(error) = work.shake_hands(arrived, &arrival).await {
                    tracing::warn!(%peer, %error, "no link");
                    arrival.failed(handshake);
                }
            });
        })
    };
    let probes = {
        let arrival = arrival.clone();
        Box::new(move || arrival.probe())
    };
    let carries = Box::new(move || -> Rc<dyn std::any::Any> { Rc::new(arrival.carry(Rc::new(()))) });
    let door = Rc::new(Door { arrived, carries, posts: inner.posts.clone(), probes });
    let tls = inner.tls.borrow().clone();
    if let Err(error) = serve(stream, tls, Rc::new(slot), door).await {
        tracing::debug!(%peer, %error, "connection has ended");
    }
}

async fn tick(inner: Rc<Inner>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        inner.posts.tick();
        if !inner.sessions.tick() && *inner.stop.borrow() {
            return;
        }
    }
}

/// A connection's place under the limit.
struct Slot(Rc<Inner>);

impl Slot {
    fn take(inner: &Rc<Inner>) -> Option<Slot> {
        let count = inner.connections.get();
        if count >= inner.config.connections {
            return None;
        }
        inner.connections.set(count + 1);
        Some(Slot(inner.clone()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.connections.set(self.0.connections.get() - 1);
    }
}

impl Inner {
    /// A task that ends with the acceptor.
    fn run(&self, work: impl Future<Output = ()> + 'static) {
        let mut stop = self.stop.subscribe();
        self.shard.run(async move {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => {}
                () = work => {}
            }
        });
    }

    async fn shake_hands(&self, arrived: Arrived, arrival: &Rc<Arrival>) -> Result<(), HandshakeError> {
        let Arrived { mut transport, exporter, is_tls, guard } = arrived;
        let session = random::hex(&random::bytes()?);
        let (seals, encoding) = (transport.seals(), transport.encoding());
        let work = respond(&mut *transport, &self.config.key, |key, hello, payload| {
            let (prepared, mut welcome) = self.prepare(key, hello, payload, exporter.as_deref(), &session)?;
            if encoding == Encoding::Multipart && !self.config.directory.takes_forms(&prepared.peer) {
                return Err(no_forms(&prepared.peer));
            }
            welcome.sealed |= seals;
            Ok((prepared, welcome))
        });
        let established = timeout(HANDSHAKE_LIMIT, work).await.unwrap_or(Err(HandshakeError::Timeout))?;
        // The policy may have changed while the gateway answered.
        if encoding == Encoding::Multipart && !self.config.directory.takes_forms(&established.said.peer) {
            return Err(HandshakeError::Refusing(no_forms(&established.said.peer)));
        }
        transport.proven();
        let guard: Option<Rc<dyn std::any::Any>> = Some(Rc::new(arrival.carry(guard)));
        let connected = Connected { transport, seal: established.seal, is_tls, rest: established.rest, guard };
        self.take(established.said, established.moved, connected);
        Ok(())
    }

    /// Who is there and what they get; changes nothing.
    fn prepare(
        &self,
        key: &PublicKey,
        hello: &ClientHello,
        payload: &ClientPayload,
        exporter: Option<&str>,
        session: &str,
    ) -> Result<(Prepared, Welcome), Refusal> {
        if self.drains.get() {
            return Err(Refusal::new(RefusalReason::Busy, "this hub is stopping"));
        }
        let peer = self.config.directory.allow(key, hello)?;
        let asked = payload.resume.iter().find(|resume| resume.hub == self.config.hub);
        let known = asked.and_then(|asked| {
            let link = self.sessions.find(&asked.session, &peer)?;
            let received = link.received();
            Some((link, received, asked.received))
        });
        if known.is_none()
            && let Some(why) = self.sessions.is_full(key)
        {
            return Err(Refusal::new(RefusalReason::Busy, format!("gateway `{}` {why}", peer.name)));
        }
        let ended = asked.and_then(|asked| self.sessions.ended(&asked.session, key));
        let session = known.as_ref().map_or(session, |(link, ..)| link.session_id()).to_owned();
        let welcome = Welcome {
            version: VERSION,
            features: hello.features & self.config.compress.features(),
            hub: self.config.hub.clone(),
            hubs: self.config.hubs.clone(),
            start: self.config.start,
            session: session.clone(),
            resumed: known.as_ref().map(|(_, received, _)| *received),
            ended,
            sealed: is_sealed(self.config.seal, payload.seal, exporter, payload.exporter.as_deref()),
            exchanges: self.config.exchanges,
        };
        let (exchanges, features, start) = (payload.exchanges, welcome.features, payload.start);
        Ok((Prepared { peer, session, resumed: known, exchanges, features, start }, welcome))
    }

    fn take(&self, prepared: Prepared, moved: Option<Moved>, connected: Connected) {
        if let Some((link, position, received)) = prepared.resumed {
            let (position, received) = moved.map_or((position, received), |moved| (moved.acknowledged, moved.received));
            if position > link.received() {
                return tracing::warn!(peer = %link.peer().name, "a gateway that moves a link says that more has come than has");
            }
            if !link.is_over() {
                link.attach(connected, position, received);
            }
            // Else it ended while the gateway answered: without a connection the gateway comes back and learns it.
            return;
        }
        if !self.sessions.make_room(&prepared.peer.key) {
            // Others came first while this one shook hands. Without a connection it comes back, and is told.
            return;
        }
        let sealed = connected.seal.is_some();
        let new = NewLink {
            session_id: prepared.session,
            peer: prepared.peer,
            side: Side::Acceptor,
            exchanges: [prepared.exchanges, self.config.exchanges],
            features: prepared.features,
            ping: self.config.ping,
            compress: self.config.compress,
            lost: self.lost.clone(),
            budget: self.config.budget.clone(),
            traffic: self.config.traffic.clone(),
        };
        let link = Link::new(&self.shard, self.handler.clone(), new);
        let peer = link.peer();
        tracing::info!(island = %peer.island, gateway = %peer.name, role = %peer.role, sealed, "link is up");
        self.sessions.add(link.clone(), prepared.start);
        link.attach(connected, 0, 0);
    }
}
