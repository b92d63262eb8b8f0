//! What a link looks like from outside. It never shows a key or a body.

use super::Link;
use crate::Encoding;

/// What a link looks like from outside.
#[derive(Debug, Clone, serde::Serialize)]
pub struct LinkStatus {
    /// The peer's role.
    pub role: String,
    /// The peer's island.
    pub island: String,
    /// The peer's id.
    pub name: String,
    /// `ws`, `h2`, `h1`, `post` or nothing while there is no connection.
    pub transport: Option<&'static str>,
    /// How that carries bytes, where it is not as they are.
    #[serde(skip_serializing_if = "is_plain")]
    pub encoding: Encoding,
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
    /// Bytes that this session wrote and read, of records as they crossed.
    pub bytes: [u64; 2],
    /// Bytes that did not have to cross: of what calls and answers have in common with earlier ones.
    pub saved_bytes: [u64; 2],
    /// Bytes that did not have to cross besides: of calls and answers that were packed.
    pub packed_bytes: [u64; 2],
    /// Whether this end packs calls and answers now.
    pub packs: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form serde wants")]
fn is_plain(encoding: &Encoding) -> bool {
    *encoding == Encoding::Plain
}

impl Link {
    /// Bytes kept for the peer's sake: see [`crate::session::Session::kept_len`].
    pub(crate) fn kept_len(&self) -> usize {
        self.0.session.borrow().kept_len()
    }

    /// How its last connection carries bytes.
    pub fn encoding(&self) -> Encoding {
        self.0.encoding.get()
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
            encoding: self.encoding(),
            connected: carrier.is_some(),
            draining: session.peer_drains(),
            sealed: carrier.as_ref().is_some_and(|carrier| carrier.seal.is_some()),
            tls: carrier.as_ref().is_some_and(|carrier| carrier.is_tls),
            rtt_us: self.0.round_trip.get().map_or(0, |one| u64::try_from(one.took.as_micros()).unwrap_or(u64::MAX)),
            exchanges: session.exchanges(),
            connections: self.0.connections.get(),
            records: [session.written(), session.received()],
            unacknowledged_len: session.held_len(),
            bytes: session.crossed(),
            saved_bytes: session.saved(),
            packed_bytes: session.packed(),
            packs: session.packs(),
        }
    }
}
