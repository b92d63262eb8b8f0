//! One link: a session over one connection at a time, on one shard. It never dials, never listens and never holds a borrow
//! of its state while it calls its [`Handler`].
//!
//! ```text
//!  read ─▶ unseal ─▶ records ─▶ session ─▶ Event ─▶ Handler                           (connection's task)
//!  Link::open … ─▶ session's batch ─▶ dirty list ─▶ seal ─▶ one write                 (the shard's flusher, once a turn)
//!  every 50 ms: acknowledge, fail what waited too long, ping, give up a silent path   (ticker of dialer or acceptor)
//!
//!  connected ─ lost, silent ─▶ waits (15 × ping) ─ new connection ─▶ connected
//!      │                           └─ nobody came ─▶ over: open exchanges fail, Handler::down
//!      └─ close, go-away, rule broken ─▶ over
//! ```

mod carrier;
mod life;
mod proof;
mod reading;
mod round_trip;
mod status;
mod thinness;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use shard::{Budget, Flush, Shard, catch};
use tokio::sync::Notify;
use wire::tunnel::catalogue::{Update, UpdateError};
use wire::tunnel::{End, Failure, Notice, RecordType};

pub(crate) use carrier::Connected;
pub(crate) use proof::Loss;
pub use round_trip::RoundTrip;
pub use status::LinkStatus;

use crate::session::{Credit, Session, Side};
use crate::{Compress, Encoding, ExchangeId, Handler, Peer, Reply, Traffic};
use carrier::Carrier;

/// A larger buffer is given back once it is empty.
const SPARE_LEN: usize = 64 * 1024;
/// How often links are looked at: the longest an acknowledgement waits for company.
pub(crate) const TICK: Duration = Duration::from_millis(50);
/// Silent ping intervals after which a connection is given up.
const SILENT_PINGS: u32 = 3;
/// Ping intervals after which a connection is given up whose peer takes nothing of what waits for it: 30 s at the usual interval.
const STUCK_PINGS: u32 = 15;
/// Ping intervals for which a session waits for its next connection: 30 s at the usual interval of 2 s.
const RESUME_PINGS: u32 = 15;

/// A link, as a handle: clones are one reference count, equal if they are the same session.
#[derive(Clone)]
pub struct Link(Rc<Inner>);

struct Inner {
    me: Weak<Inner>,
    shard: Shard,
    number: u64,
    session_id: String,
    peer: Peer,
    handler: Rc<dyn Handler>,
    session: RefCell<Session>,
    carrier: RefCell<Option<Carrier>>,
    dirty: Cell<bool>,
    /// Now, to within a tick.
    now: Cell<Instant>,
    connections: Cell<u64>,
    encoding: Cell<Encoding>,
    /// The name of what carries it, or did last.
    via: Cell<&'static str>,
    disconnected: Cell<Instant>,
    /// What patience is counted in.
    ping: Duration,
    compress: Compress,
    /// How often it says something where it is quiet: that often, or more.
    speaks: Cell<Duration>,
    round_trip: Cell<Option<RoundTrip>>,
    traffic: Traffic,
    /// What of this session is in it.
    counted: Cell<[u64; 6]>,
    /// How the last connection was lost, until somebody asks.
    loss: RefCell<Option<Loss>>,
    /// Told when a connection is lost.
    lost: Rc<Notify>,
}

/// What a new link is made of.
pub(crate) struct NewLink {
    pub(crate) session_id: String,
    pub(crate) peer: Peer,
    pub(crate) side: Side,
    /// Exchanges that the peer allows at once, and that this end allows.
    pub(crate) exchanges: [u32; 2],
    /// What both ends know.
    pub(crate) features: u64,
    /// Where what it moves is summed.
    pub(crate) traffic: Traffic,
    pub(crate) ping: Duration,
    pub(crate) compress: Compress,
    pub(crate) lost: Rc<Notify>,
    /// What all sessions of the process hold of long bodies.
    pub(crate) budget: Budget,
}

impl Link {
    pub(crate) fn new(shard: &Shard, handler: Rc<dyn Handler>, new: NewLink) -> Link {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let credit = match new.side {
            Side::Dialler => Credit::Automatic,
            Side::Acceptor => Credit::ByOwner,
        };
        let now = Instant::now();
        let session = Session::new(new.side, credit, new.exchanges[0], new.exchanges[1], &new.budget);
        Link(Rc::new_cyclic(|me| Inner {
            me: me.clone(),
            shard: shard.clone(),
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            session_id: new.session_id,
            peer: new.peer,
            handler,
            session: RefCell::new(session.with(new.features)),
            carrier: RefCell::new(None),
            dirty: Cell::new(false),
            now: Cell::new(now),
            connections: Cell::new(0),
            encoding: Cell::default(),
            via: Cell::default(),
            disconnected: Cell::new(now),
            ping: new.ping,
            compress: new.compress,
            speaks: Cell::new(new.ping),
            round_trip: Cell::new(None),
            traffic: new.traffic,
            counted: Cell::new([0; 6]),
            loss: RefCell::new(None),
            lost: new.lost,
        }))
    }

    /// Opens an exchange with a whole body. `head` is encoded; `body` is in parts so that nobody has to join them.
    /// Over 64 KiB it is cut, and goes under credit. Without credit or connection it waits within its head's remaining time.
    ///
    /// # Errors
    /// Always *not sent*: the session is over, draining, or full.
    pub fn open(&self, head: &[u8], body: &[&[u8]], token: u64) -> Result<ExchangeId, Failure> {
        let id = self.0.session.borrow_mut().open(self.0.now.get(), head, body, token)?;
        self.0.touch();
        Ok(id)
    }

    /// Opens an exchange whose body goes on with [`Link::send_data`]. Returns the bytes of `piece` that were taken at
    /// once; the rest waits for credit and comes back through [`crate::Handler::drained`].
    ///
    /// # Errors
    /// As [`Link::open`].
    pub fn open_streaming(&self, head: &[u8], piece: &[u8], token: u64) -> Result<(ExchangeId, usize), Failure> {
        let opened = self.0.session.borrow_mut().open_streaming(self.0.now.get(), head, piece, token)?;
        self.0.touch();
        Ok(opened)
    }

    /// The next piece of a body, in either direction: of an exchange that was opened with [`Link::open_streaming`] or
    /// answered with [`Link::send_reply`]. Returns the bytes taken at once, as [`Link::open_streaming`] does. Does nothing if the
    /// exchange is over.
    pub fn send_data(&self, id: ExchangeId, piece: &[u8], end: End) -> usize {
        let taken = self.0.session.borrow_mut().send_data(id, piece, end);
        self.0.touch();
        taken
    }

    /// Answers an exchange of the peer with a whole body. Does nothing if the exchange is over.
    pub fn reply(&self, id: ExchangeId, body: &[&[u8]], provider_us: u32) {
        self.0.session.borrow_mut().reply(id, body, provider_us);
        self.0.touch();
    }

    /// Passes a piece of an answer on, as it came: the first with its head, further ones without. Returns the bytes taken
    /// at once, as [`Link::open_streaming`] does.
    pub fn send_reply(&self, id: ExchangeId, reply: Reply<'_>) -> usize {
        let taken = self.0.session.borrow_mut().send_reply(id, reply);
        self.0.touch();
        taken
    }

    /// Ends an exchange of the peer without an answer. Does nothing if the exchange is over.
    pub fn fail(&self, id: ExchangeId, failure: &Failure) {
        self.0.session.borrow_mut().fail(id, failure);
        self.0.touch();
    }

    /// Loses interest in an exchange that this end has opened: nothing more is heard of its token.
    pub fn cancel(&self, id: ExchangeId) {
        self.0.session.borrow_mut().cancel(id);
        self.0.touch();
    }

    /// The hub's word that the next hop took `len` bytes that came in pieces with this exchange: the peer may send as many
    /// again. Gateways need not say it.
    pub fn consumed(&self, id: ExchangeId, len: usize) {
        let wants_flush = {
            let mut session = self.0.session.borrow_mut();
            session.consumed(id, len);
            session.wants_flush()
        };
        // Credit goes in steps. Without one, a flush would write a lone acknowledgement for every batch that was read.
        if wants_flush {
            self.0.touch();
        }
    }

    /// Tells the peer what is offered, in as many records as it needs; calls go before them. A service that fits no record is
    /// left out, and said in the log.
    ///
    /// # Errors
    /// The origin's names alone fit no record; nothing was told.
    pub fn send_catalogue(&self, update: &Update) -> Result<(), UpdateError> {
        let encoded = update.encode()?;
        for error in encoded.left_out {
            tracing::warn!(%error, peer = %self.0.peer.name, "a service is left out of what a peer is told");
        }
        let is_taken = self.0.session.borrow_mut().tell_catalogue(encoded.parts);
        self.told(is_taken);
        Ok(())
    }

    /// Bytes of a catalogue that the peer has not been told yet.
    pub fn catalogue_len(&self) -> usize {
        self.0.session.borrow().catalogue_len()
    }

    /// Tells the peer something.
    pub fn notify(&self, notice: &Notice) {
        self.tell(RecordType::Notice, &notice.encode());
    }

    fn tell(&self, kind: RecordType, payload: &[u8]) {
        let is_taken = self.0.session.borrow_mut().tell(kind, payload);
        self.told(is_taken);
    }

    fn told(&self, is_taken: bool) {
        self.0.touch();
        if !is_taken && !self.0.session.borrow().is_over() {
            // Catalogues are differences: one that is lost makes all that follow wrong, a new session begins with a snapshot.
            self.close("the peer does not take what it is told");
        }
    }

    /// Asks the peer for no new exchanges; open ones go on.
    pub fn go_away(&self, reason: &str) {
        if !self.0.session.borrow().is_over() {
            self.0.session.borrow_mut().go_away(End::No, reason);
            self.0.touch();
        }
    }

    /// Ends the session now. Open exchanges fail at both ends as far as they had got.
    pub fn close(&self, reason: &str) {
        if self.0.session.borrow().is_over() {
            return;
        }
        self.0.session.borrow_mut().go_away(End::Yes, reason);
        // The session ends whatever its last flush finds.
        let _ = self.0.hand_over();
        if let Some(carrier) = &mut *self.0.carrier.borrow_mut() {
            carrier.transport.goodbye();
            carrier.close(Instant::now());
        }
        self.0.end(reason, None);
    }

    /// Who is at the other end.
    pub fn peer(&self) -> &Peer {
        &self.0.peer
    }

    /// Whether a connection carries the session now.
    pub fn connected(&self) -> bool {
        self.heard().is_some()
    }

    /// When its connection last brought anything; `None` while it has none.
    pub fn heard(&self) -> Option<Instant> {
        let carrier = self.0.carrier.borrow();
        carrier.as_ref().filter(|carrier| carrier.closing.is_none()).map(|carrier| carrier.last_read)
    }

    /// Whether a new exchange makes sense: connected, and the peer did not ask for none.
    pub fn usable(&self) -> bool {
        self.connected() && !self.0.session.borrow().peer_drains()
    }

    /// A number of this link, unique in the process.
    pub fn id(&self) -> u64 {
        self.0.number
    }

    /// The session's id.
    pub(crate) fn session_id(&self) -> &str {
        &self.0.session_id
    }

    /// Records received in the session.
    pub(crate) fn received(&self) -> u64 {
        self.0.session.borrow().received()
    }

    /// Whether the session has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.0.session.borrow().is_over()
    }

    /// A connection carries the session from now on, in place of an older one; see [`Session::connect`].
    pub(crate) fn attach(&self, mut connected: Connected, position: u64, peer_received: u64) {
        let inner = &self.0;
        let now = Instant::now();
        inner.now.set(now);
        let number = inner.connections.get() + 1;
        inner.connections.set(number);
        inner.count();
        inner.encoding.set(connected.transport.encoding());
        inner.via.set(connected.transport.name());
        let rest = std::mem::take(&mut connected.rest);
        let mut carrier = Carrier::new(number, connected, &inner.traffic, now);
        inner.begin_packing();
        let result = inner.session.borrow_mut().connect(now, position, peer_received, |bytes| carrier.send(&[bytes]));
        inner.drop_carrier();
        *inner.carrier.borrow_mut() = Some(carrier);
        inner.shard.run(reading::run(inner.clone(), number, rest));
        match result {
            Err(violation) => self.close(&violation.to_string()),
            Ok(()) if number == 1 => inner.handler.up(self),
            Ok(()) => {
                tracing::info!(peer = %inner.peer.name, session = %inner.session_id, "link goes on over a new connection")
            }
        }
    }

    /// Ends the session without a word to the peer. `peer_received`: see [`Session::end`].
    pub(crate) fn abandon(&self, reason: &str, peer_received: Option<u64>) {
        self.0.drop_carrier();
        self.0.end(reason, peer_received);
    }

    /// Whether nothing of it is left.
    pub(crate) fn is_gone(&self) -> bool {
        self.is_over() && self.0.carrier.borrow().is_none()
    }

    /// Looks after what time brings. A panic on the way ends this link and no other.
    pub(crate) fn tick(&self, now: Instant) {
        if catch("a link's tick", || self.look_after(now)).is_err() {
            self.0.panicked();
        }
    }

    fn look_after(&self, now: Instant) {
        let inner = &self.0;
        inner.now.set(now);
        inner.count();
        if inner.session.borrow().is_over() {
            inner.finish_last_words(now);
            return;
        }
        let failed = {
            let mut session = inner.session.borrow_mut();
            session.rest();
            session.expire(now)
        };
        for (token, failure) in failed {
            inner.handler.failed(self, token, failure);
        }
        if inner.session.borrow().owes_ack() {
            inner.touch();
        }
        if !inner.look_after_connection(now) && now - inner.disconnected.get() > inner.ping * RESUME_PINGS {
            let reason = format!("no connection for {:?}", inner.ping * RESUME_PINGS);
            inner.end(&reason, None);
        }
    }
}

impl PartialEq for Link {
    fn eq(&self, other: &Link) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Link {}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link({} to {})", self.0.number, self.0.peer.name)
    }
}

#[cfg(test)]
mod tests;
