//! One link: a session over one connection at a time.

use std::rc::Rc;
use std::time::Duration;

use wire::tunnel::catalogue::{Update, UpdateError};
use wire::tunnel::{End, Failure, Notice};

use crate::{ExchangeId, Peer, Reply};

/// A link, as a handle: clones are one reference count, equal if they are the same session.
#[derive(Clone)]
pub struct Link(Rc<Inner>);

struct Inner {}

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

impl Link {
    /// Opens an exchange with a whole body. `head` is encoded; `body` is in parts so that nobody has to join them.
    /// Over 64 KiB it is cut, and goes under credit. Without credit or connection it waits within its head's remaining time.
    ///
    /// # Errors
    /// Always *not sent*: the session is over, draining, or full.
    pub fn open(&self, head: &[u8], body: &[&[u8]], token: u64) -> Result<ExchangeId, Failure> {
        let _ = (head, body, token);
        unimplemented!()
    }

    /// Opens an exchange whose body goes on with [`Link::send_data`]. Returns the bytes of `piece` that were taken at
    /// once; the rest waits for credit and comes back through [`crate::Handler::drained`].
    ///
    /// # Errors
    /// As [`Link::open`].
    pub fn open_streaming(&self, head: &[u8], piece: &[u8], token: u64) -> Result<(ExchangeId, usize), Failure> {
        let _ = (head, piece, token);
        unimplemented!()
    }

    /// The next piece of a body, in either direction: of an exchange that was opened with [`Link::open_streaming`] or
    /// answered with [`Link::send_reply`]. Returns the bytes taken at once, as [`Link::open_streaming`] does. Does nothing if the
    /// exchange is over.
    pub fn send_data(&self, id: ExchangeId, piece: &[u8], end: End) -> usize {
        let _ = (id, piece, end);
        unimplemented!()
    }

    /// Answers an exchange of the peer with a whole body. Does nothing if the exchange is over.
    pub fn reply(&self, id: ExchangeId, body: &[&[u8]], provider_us: u32) {
        let _ = (id, body, provider_us);
        unimplemented!()
    }

    /// Passes a piece of an answer on, as it came: the first with its head, further ones without. Returns the bytes taken
    /// at once, as [`Link::open_streaming`] does.
    pub fn send_reply(&self, id: ExchangeId, reply: Reply<'_>) -> usize {
        let _ = (id, reply);
        unimplemented!()
    }

    /// Ends an exchange of the peer without an answer. Does nothing if the exchange is over.
    pub fn fail(&self, id: ExchangeId, failure: &Failure) {
        let _ = (id, failure);
        unimplemented!()
    }

    /// Loses interest in an exchange that this end has opened: nothing more is heard of its token.
    pub fn cancel(&self, id: ExchangeId) {
        let _ = id;
        unimplemented!()
    }

    /// The hub's word that the next hop took `len` bytes that came in pieces with this exchange: the peer may send as many
    /// again. Gateways need not say it.
    pub fn consumed(&self, id: ExchangeId, len: usize) {
        let _ = (id, len);
        unimplemented!()
    }

    /// Tells the peer what is offered, in as many records as it needs.
    ///
    /// # Errors
    /// An entry that fits no record.
    pub fn send_catalogue(&self, update: &Update) -> Result<(), UpdateError> {
        let _ = update;
        unimplemented!()
    }

    /// Tells the peer something.
    pub fn notify(&self, notice: &Notice) {
        let _ = notice;
        unimplemented!()
    }

    /// Asks the peer for no new exchanges; open ones go on.
    pub fn go_away(&self, reason: &str) {
        let _ = reason;
        unimplemented!()
    }

    /// Ends the session now. Open exchanges fail at both ends as far as they had got.
    pub fn close(&self, reason: &str) {
        let _ = reason;
        unimplemented!()
    }

    /// Who is at the other end.
    pub fn peer(&self) -> &Peer {
        unimplemented!()
    }

    /// Whether a connection carries the session now.
    pub fn connected(&self) -> bool {
        unimplemented!()
    }

    /// Whether a new exchange makes sense: connected, and the peer did not ask for none.
    pub fn usable(&self) -> bool {
        unimplemented!()
    }

    /// The last round trip, if there was one.
    pub fn rtt(&self) -> Option<Duration> {
        unimplemented!()
    }

    /// A number of this link, unique in the process.
    pub fn id(&self) -> u64 {
        unimplemented!()
    }

    /// For `/status`.
    pub fn status(&self) -> LinkStatus {
        unimplemented!()
    }
}

impl PartialEq for Link {
    fn eq(&self, other: &Link) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}
