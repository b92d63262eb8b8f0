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

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use shard::{Flush, Shard};
use tokio::sync::Notify;
use wire::tunnel::catalogue::{Update, UpdateError};
use wire::tunnel::record::Decoded;
use wire::tunnel::{End, Failure, Notice, Record, RecordType};

use crate::seal::Seal;
use crate::session::{Credit, Event, Session, Side};
use crate::transport::Transport;
use crate::{ExchangeId, Handler, Peer, Reply};

/// How often links are looked at: the longest an acknowledgement waits for company.
pub(crate) const TICK: Duration = Duration::from_millis(50);
/// Silent ping intervals after which a connection is given up.
const SILENT_PINGS: u32 = 3;
/// Ping intervals for which a session waits for its next connection: 30 s at the usual interval of 2 s.
const RESUME_PINGS: u32 = 15;
/// Ping intervals after which even a busy link measures its round trip.
const RTT_PINGS: u32 = 5;
/// Reads in one go, before other connections of the shard get their turn.
const READS_A_TURN: usize = 4;
/// A closed connection has this long to write its last words.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// A larger buffer is given back once it is empty.
const SPARE_LEN: usize = 64 * 1024;

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
    started: Instant,
    connections: Cell<u64>,
    disconnected: Cell<Instant>,
    ping: Duration,
    rtt: Cell<Option<Duration>>,
    /// Told when a connection is lost.
    lost: Rc<Notify>,
}

/// What a connection brings.
pub(crate) struct Connected {
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) seal: Option<Seal>,
    pub(crate) is_tls: bool,
    /// Bytes that were read behind the handshake.
    pub(crate) rest: Vec<u8>,
    /// Held as long as the connection.
    pub(crate) guard: Option<Rc<dyn std::any::Any>>,
}

/// The connection of the moment.
struct Carrier {
    number: u64,
    transport: Box<dyn Transport>,
    seal: Option<Seal>,
    /// Sealed bytes on their way to the transport.
    sealed: Vec<u8>,
    is_tls: bool,
    waker: Option<Waker>,
    /// Whether the transport could not write everything.
    is_blocked: bool,
    /// Why it is to be given up.
    broken: Option<String>,
    /// Since when it only writes its last words.
    closing: Option<Instant>,
    last_read: Instant,
    last_write: Instant,
    last_ping: Instant,
    _guard: Option<Rc<dyn std::any::Any>>,
}

/// What a link looks like from outside.
#[derive(Debug, Clone, serde::Serialize)]
pub struct LinkStatus {
    /// The peer's role.
    pub role: String,
    /// The peer's island.
    pub island: String,
    /// The peer's id.
    pub name: String,
    /// `ws`, `h2` or nothing while there is no connection.
    pub transport: Option<&'static str>,
    /// Whether a connection carries it now.
    pub connected: bool,
    /// Whether it takes no new exchanges.
    pub draining: bool,
    /// Whether records are sealed.
    pub sealed: bool,
    /// Whether the connection is under TLS.
    pub tls: bool,
    /// Round trip, in microseconds, of the last ping.
    pub rtt_us: u64,
    /// Exchanges open in either direction.
    pub exchanges: usize,
    /// Connections that this session has had.
    pub connections: u64,
    /// Records sent and received.
    pub records: [u64; 2],
    /// Bytes of records that wait for the peer's acknowledgement.
    pub unacknowledged_len: usize,
}

/// What a new link is made of.
pub(crate) struct NewLink {
    pub(crate) session_id: String,
    pub(crate) peer: Peer,
    pub(crate) side: Side,
    /// Exchanges that the peer allows at once, and that this end allows.
    pub(crate) exchanges: [u32; 2],
    pub(crate) ping: Duration,
    pub(crate) lost: Rc<Notify>,
}

impl Link {
    pub(crate) fn new(shard: &Shard, handler: Rc<dyn Handler>, new: NewLink) -> Link {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let credit = match new.side {
            Side::Dialler => Credit::Automatic,
            Side::Acceptor => Credit::ByOwner,
        };
        let now = Instant::now();
        Link(Rc::new_cyclic(|me| Inner {
            me: me.clone(),
            shard: shard.clone(),
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            session_id: new.session_id,
            peer: new.peer,
            handler,
            session: RefCell::new(Session::new(new.side, credit, new.exchanges[0], new.exchanges[1])),
            carrier: RefCell::new(None),
            dirty: Cell::new(false),
            now: Cell::new(now),
            started: now,
            connections: Cell::new(0),
            disconnected: Cell::new(now),
            ping: new.ping,
            rtt: Cell::new(None),
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
        self.0.session.borrow_mut().consumed(id, len);
        self.0.touch();
    }

    /// Tells the peer what is offered, in as many records as it needs.
    ///
    /// # Errors
    /// An entry that fits no record.
    pub fn send_catalogue(&self, update: &Update) -> Result<(), UpdateError> {
        let parts = update.encode()?;
        for part in parts {
            self.tell(RecordType::Catalogue, &part);
        }
        Ok(())
    }

    /// Tells the peer something.
    pub fn notify(&self, notice: &Notice) {
        self.tell(RecordType::Notice, &notice.encode());
    }

    fn tell(&self, kind: RecordType, payload: &[u8]) {
        let is_taken = self.0.session.borrow_mut().tell(kind, payload);
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
        self.0.hand_over();
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
        self.0.carrier.borrow().as_ref().is_some_and(|carrier| carrier.closing.is_none())
    }

    /// Whether a new exchange makes sense: connected, and the peer did not ask for none.
    pub fn usable(&self) -> bool {
        self.connected() && !self.0.session.borrow().peer_drains()
    }

    /// The last round trip, if there was one.
    pub fn rtt(&self) -> Option<Duration> {
        self.0.rtt.get()
    }

    /// A number of this link, unique in the process.
    pub fn id(&self) -> u64 {
        self.0.number
    }

    /// For `/status`.
    pub fn status(&self) -> LinkStatus {
        let session = self.0.session.borrow();
        let carrier = self.0.carrier.borrow();
        LinkStatus {
            role: self.0.peer.role.to_string(),
            island: self.0.peer.island.to_string(),
            name: self.0.peer.name.to_string(),
            transport: carrier.as_ref().map(|carrier| carrier.transport.name()),
            connected: carrier.is_some(),
            draining: session.peer_drains(),
            sealed: carrier.as_ref().is_some_and(|carrier| carrier.seal.is_some()),
            tls: carrier.as_ref().is_some_and(|carrier| carrier.is_tls),
            rtt_us: self.0.rtt.get().map_or(0, |rtt| u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX)),
            exchanges: session.exchanges(),
            connections: self.0.connections.get(),
            records: [session.written(), session.received()],
            unacknowledged_len: session.held_len(),
        }
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
    pub(crate) fn attach(&self, connected: Connected, position: u64, peer_received: u64) {
        let inner = &self.0;
        let now = Instant::now();
        inner.now.set(now);
        let number = inner.connections.get() + 1;
        inner.connections.set(number);
        let mut carrier = Carrier {
            number,
            transport: connected.transport,
            seal: connected.seal,
            sealed: Vec::new(),
            is_tls: connected.is_tls,
            waker: None,
            is_blocked: false,
            broken: None,
            closing: None,
            last_read: now,
            last_write: now,
            last_ping: now,
            _guard: connected.guard,
        };
        let result = inner.session.borrow_mut().connect(position, peer_received, |bytes| carrier.send(&[bytes]));
        inner.drop_carrier();
        *inner.carrier.borrow_mut() = Some(carrier);
        inner.shard.run(run(inner.clone(), number, connected.rest));
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

    /// Looks after what time brings.
    pub(crate) fn tick(&self, now: Instant) {
        let inner = &self.0;
        inner.now.set(now);
        if inner.session.borrow().is_over() {
            inner.finish_last_words(now);
            return;
        }
        let failed = inner.session.borrow_mut().expire(now);
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

impl Carrier {
    fn send(&mut self, parts: &[&[u8]]) {
        let Some(seal) = &mut self.seal else { return self.transport.send(parts) };
        self.sealed.clear();
        match seal.seal(parts, &mut self.sealed) {
            Ok(()) => self.transport.send(&[&self.sealed]),
            Err(broken) => self.give_up(broken.to_string()),
        }
        if self.sealed.capacity() > SPARE_LEN {
            self.sealed = Vec::new();
        }
    }

    fn give_up(&mut self, why: String) {
        self.broken.get_or_insert(why);
        self.wake();
    }

    fn close(&mut self, now: Instant) {
        self.closing = Some(now);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// Writes without waiting.
    fn write(&mut self) {
        let Some(waker) = self.waker.clone() else { return };
        match self.transport.poll_flush(&mut Context::from_waker(&waker)) {
            Poll::Ready(Ok(())) => self.is_blocked = false,
            Poll::Pending => self.is_blocked = true,
            Poll::Ready(Err(error)) => {
                self.is_blocked = true;
                self.give_up(error.to_string());
            }
        }
    }
}

impl Inner {
    fn touch(&self) {
        if !self.dirty.replace(true)
            && let Some(me) = self.me.upgrade()
        {
            self.shard.mark(me);
        }
    }

    /// Ends the connection; its task learns it.
    fn drop_carrier(&self) {
        let carrier = self.carrier.borrow_mut().take();
        if let Some(carrier) = carrier {
            carrier.wake();
        }
    }

    fn link(&self) -> Option<Link> {
        self.me.upgrade().map(Link)
    }

    /// Gives the connection what the session has for it, and writes it as far as that goes at once.
    fn hand_over(&self) {
        let mut carrier = self.carrier.borrow_mut();
        let takes = |carrier: &&mut Carrier| carrier.closing.is_none() && carrier.broken.is_none();
        let Some(carrier) = carrier.as_mut().filter(takes) else { return };
        let mut session = self.session.borrow_mut();
        let now = Instant::now();
        let mut wrote = false;
        let result = session.flush(now, carrier.transport.unwritten_len(), |parts| {
            carrier.send(parts);
            wrote = true;
        });
        if wrote {
            carrier.last_write = now;
        }
        if let Err(violation) = result {
            carrier.give_up(violation.to_string());
        }
        if wrote || carrier.transport.unwritten_len() > 0 {
            carrier.write();
        }
    }

    /// False: there is no connection.
    fn look_after_connection(&self, now: Instant) -> bool {
        let mut carrier = self.carrier.borrow_mut();
        let Some(carrier) = carrier.as_mut() else { return false };
        let silent = now.saturating_duration_since(carrier.last_read);
        if silent > self.ping * SILENT_PINGS {
            carrier.give_up(format!("nothing arrived for {silent:?}"));
            return true;
        }
        let quiet = silent >= self.ping || now.saturating_duration_since(carrier.last_write) >= self.ping;
        let since = now.saturating_duration_since(carrier.last_ping);
        if (quiet && since >= self.ping) || since >= self.ping * RTT_PINGS {
            carrier.last_ping = now;
            let stamp = u64::try_from((Instant::now() - self.started).as_micros()).unwrap_or(0);
            let padding = vec![0; carrier.transport.ping_len()];
            self.session.borrow_mut().ping(stamp, &padding);
            self.touch();
        }
        true
    }

    fn finish_last_words(&self, now: Instant) {
        let mut carrier = self.carrier.borrow_mut();
        if let Some(carrier) = carrier.as_mut()
            && carrier.closing.is_none_or(|since| now.saturating_duration_since(since) > LAST_WORDS)
        {
            carrier.give_up("closed".to_owned());
        }
    }

    fn end(&self, reason: &str, peer_received: Option<u64>) {
        let Some(link) = self.link() else { return };
        if self.session.borrow().is_over() {
            return;
        }
        let (failed, cancelled) = self.session.borrow_mut().end(reason, peer_received);
        tracing::info!(peer = %self.peer.name, session = %self.session_id, reason, open = failed.len(), "link is over");
        for (token, failure) in failed {
            self.handler.failed(&link, token, failure);
        }
        for id in cancelled {
            self.handler.cancelled(&link, id);
        }
        self.handler.down(&link);
        self.lost.notify_waiters();
    }

    /// One go of the connection's task.
    fn poll(&self, cx: &mut Context<'_>, number: u64, inbound: &mut Inbound) -> Poll<Lost> {
        if let Poll::Ready(lost) = self.poll_write(cx, number) {
            return Poll::Ready(lost);
        }
        for _ in 0..READS_A_TURN {
            let shard = self.shard.clone();
            let step = shard.with_scratch(|scratch| self.poll_read(cx, number, inbound, scratch));
            match step {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(Lost::Violation(why))) => {
                    tracing::warn!(peer = %self.peer.name, session = %self.session_id, why, "link is ended: the peer broke a rule");
                    if let Some(link) = self.link() {
                        link.close(&why);
                    }
                }
                Poll::Ready(Err(lost)) => return Poll::Ready(lost),
                Poll::Ready(Ok(())) => {}
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_write(&self, cx: &mut Context<'_>, number: u64) -> Poll<Lost> {
        let mut borrowed = self.carrier.borrow_mut();
        let Some(carrier) = borrowed.as_mut().filter(|carrier| carrier.number == number) else {
            return Poll::Ready(Lost::Replaced);
        };
        if carrier.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            let is_first = carrier.waker.replace(cx.waker().clone()).is_none();
            if is_first {
                carrier.write();
                self.touch();
            }
        }
        if let Some(why) = carrier.broken.take() {
            return Poll::Ready(Lost::Broken(why));
        }
        if carrier.closing.is_some() {
            carrier.write();
            return Poll::Pending;
        }
        if carrier.is_blocked && !self.dirty.get() {
            carrier.write();
        }
        if !carrier.is_blocked && self.session.borrow().wants_more() {
            self.touch();
        }
        match carrier.broken.take() {
            Some(why) => Poll::Ready(Lost::Broken(why)),
            None => Poll::Pending,
        }
    }

    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        number: u64,
        inbound: &mut Inbound,
        scratch: &mut [u8],
    ) -> Poll<Result<(), Lost>> {
        let mut borrowed = self.carrier.borrow_mut();
        let Some(carrier) = borrowed.as_mut().filter(|carrier| carrier.number == number) else {
            return Poll::Ready(Err(Lost::Replaced));
        };
        let kept = inbound.rest.len();
        scratch[..kept].copy_from_slice(&inbound.rest);
        let range = match inbound.early.take() {
            // What had come with the handshake: it is in the rest already.
            Some(()) if kept > 0 => 0..kept,
            _ => match carrier.transport.poll_read(cx, scratch, kept) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Lost::Broken(error.to_string()))),
                Poll::Ready(Ok(range)) => range,
            },
        };
        if carrier.closing.is_some() {
            // Read on until the peer has closed: to close with bytes unread would take the last words back.
            return Poll::Ready(Ok(()));
        }
        let now = Instant::now();
        carrier.last_read = now;
        self.now.set(now);
        let bytes = &scratch[range];
        let Some(seal) = &mut carrier.seal else {
            drop(borrowed);
            let used = self.receive(bytes)?;
            inbound.keep(&bytes[used..]);
            return Poll::Ready(Ok(()));
        };
        let used = seal.open(bytes, &mut inbound.plain).map_err(|broken| Lost::Broken(broken.to_string()))?;
        drop(borrowed);
        inbound.keep(&bytes[used..]);
        let used = self.receive(&inbound.plain)?;
        inbound.plain.drain(..used);
        if inbound.plain.is_empty() && inbound.plain.capacity() > SPARE_LEN {
            inbound.plain = Vec::new();
        }
        Poll::Ready(Ok(()))
    }

    /// Takes all whole records at the front of `bytes`; returns how many bytes they had.
    fn receive(&self, bytes: &[u8]) -> Result<usize, Lost> {
        let Some(link) = self.link() else { return Err(Lost::Replaced) };
        let mut used = 0;
        loop {
            let decoded = Record::decode(&bytes[used..]).map_err(|error| Lost::Violation(error.to_string()))?;
            let event = match decoded {
                Decoded::Incomplete(_) => break,
                Decoded::Skipped(len) => {
                    self.session.borrow_mut().skip(len);
                    used += len;
                    continue;
                }
                Decoded::Record(record, len) => {
                    used += len;
                    self.session
                        .borrow_mut()
                        .receive(record)
                        .map_err(|violation| Lost::Violation(violation.to_string()))?
                }
            };
            self.dispatch(&link, event)?;
            if self.session.borrow().is_over() {
                return Ok(bytes.len());
            }
        }
        let session = self.session.borrow();
        if session.wants_flush() || session.owes_much() {
            self.touch();
        }
        Ok(used)
    }

    fn dispatch(&self, link: &Link, event: Event<'_>) -> Result<(), Lost> {
        match event {
            Event::Nothing => {}
            Event::Opened(id, open) => self.handler.opened(link, id, open),
            Event::Data(id, piece, end) => self.handler.data(link, id, piece, end),
            Event::Cancelled(id) => self.handler.cancelled(link, id),
            Event::Reply(token, reply) => self.handler.reply(link, token, reply),
            Event::Failed(token, failure) => self.handler.failed(link, token, failure),
            Event::Catalogue(json) => match Update::decode(json) {
                Ok(update) => self.handler.catalogue(link, update),
                Err(error) => return Err(Lost::Violation(error.to_string())),
            },
            Event::Notice(json) => self.handler.notice(link, Notice::decode(json)),
            Event::Pong(stamp) => {
                let rtt = self.started.elapsed().saturating_sub(Duration::from_micros(stamp));
                self.rtt.set(Some(rtt));
            }
            Event::Draining(reason) => {
                let failed = self.session.borrow_mut().give_up_unsent(&reason);
                for (token, failure) in failed {
                    self.handler.failed(link, token, failure);
                }
                self.handler.notice(link, Notice::GoingAway { reason });
            }
            Event::Over(received, reason) => {
                self.end(&format!("the peer has ended the link: {reason}"), Some(received));
                self.drop_carrier();
            }
        }
        Ok(())
    }

    /// The connection's task has ended.
    fn lost(&self, number: u64, lost: Lost) {
        let is_current = self.carrier.borrow().as_ref().is_some_and(|carrier| carrier.number == number);
        if !is_current {
            return;
        }
        self.carrier.borrow_mut().take();
        if self.session.borrow().is_over() {
            return;
        }
        self.session.borrow_mut().disconnect();
        self.disconnected.set(Instant::now());
        if let Lost::Broken(why) = lost {
            tracing::info!(peer = %self.peer.name, session = %self.session_id, why, "link has lost its connection");
        }
        self.lost.notify_waiters();
    }
}

impl Flush for Inner {
    fn flush(&self) {
        self.dirty.set(false);
        self.hand_over();
        let drained = self.session.borrow_mut().take_drained();
        if !drained.is_empty()
            && let Some(link) = self.link()
        {
            for (id, len) in drained {
                self.handler.drained(&link, id, len);
            }
        }
        // More of a long body goes in the next turn, after everybody else's readers: the task asks for it.
        if let Some(carrier) = &*self.carrier.borrow()
            && !carrier.is_blocked
            && self.session.borrow().wants_more()
        {
            carrier.wake();
        }
    }
}

/// Why a connection is done with.
enum Lost {
    /// The session waits for the next.
    Broken(String),
    /// The peer broke a rule.
    Violation(String),
    /// The session has another connection, or none is wanted.
    Replaced,
}

/// What has arrived and was not whole.
struct Inbound {
    rest: Vec<u8>,
    /// Of a sealed connection: what was opened and is no whole record.
    plain: Vec<u8>,
    early: Option<()>,
}

impl Inbound {
    fn keep(&mut self, rest: &[u8]) {
        self.rest.clear();
        self.rest.extend_from_slice(rest);
        if self.rest.is_empty() && self.rest.capacity() > SPARE_LEN {
            self.rest = Vec::new();
        }
    }
}

async fn run(inner: Rc<Inner>, number: u64, rest: Vec<u8>) {
    let mut inbound = Inbound { rest, plain: Vec::new(), early: Some(()) };
    let poll = poll_fn(|cx| inner.poll(cx, number, &mut inbound));
    let lost = tokio::task::coop::unconstrained(poll).await;
    inner.lost(number, lost);
}
