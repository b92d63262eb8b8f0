//! What the owner of a link sees of its exchanges. It never copies: pieces are slices of the read buffer.

use wire::tunnel::catalogue::Update;
use wire::tunnel::{End, Failure, Notice, ReplyHead};

use crate::Link;

/// Names an exchange within its session, never reused; the lowest bit says who opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExchangeId(pub(crate) u64);

impl ExchangeId {
    /// The number on the wire.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// An exchange that the peer has opened.
#[derive(Debug, Clone, Copy)]
pub struct Open<'a> {
    /// The encoded head: [`wire::tunnel::Head::decode`].
    pub head: &'a [u8],
    /// The first piece of the body.
    pub piece: &'a [u8],
    /// Whether it is the whole body.
    pub end: End,
}

/// A piece of an answer.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    /// With the first piece: how long the whole answer is and what the provider took; `None` with further pieces.
    pub head: Option<ReplyHead>,
    /// The bytes.
    pub piece: &'a [u8],
    /// Whether the exchange ends with them.
    pub end: End,
}

/// What is done with what comes over a link. All calls run on the link's shard and must not block; they may call any
/// method of any link, this one too. No borrow of the implementor's own state may be held while it does.
pub trait Handler: 'static {
    /// A new session is up (not: an old one goes on over a new connection).
    fn up(&self, link: &Link);

    /// The session is over, for good. Exchanges that this end opened were failed before, those of the peer cancelled.
    fn down(&self, link: &Link);

    /// The peer opens an exchange. It wants one reply, or one failure; a one-way exchange
    /// ([`wire::tunnel::Flags::ONE_WAY`]) wants neither and gets none.
    fn opened(&self, link: &Link, id: ExchangeId, open: Open<'_>);

    /// More of the body of an exchange that the peer has opened.
    fn data(&self, link: &Link, id: ExchangeId, piece: &[u8], end: End);

    /// The peer has lost interest in an exchange it had opened, or the session with it is lost: nothing that is sent for
    /// it any more arrives.
    fn cancelled(&self, link: &Link, id: ExchangeId);

    /// A piece of the answer to the exchange that was opened with `token`.
    fn reply(&self, link: &Link, token: u64, reply: Reply<'_>);

    /// The exchange that was opened with `token` has ended without an answer, or without the rest of it.
    fn failed(&self, link: &Link, token: u64, failure: Failure);

    /// The last byte of the one-way exchange that was opened with `token` was handed to a connection: nothing more is heard of
    /// it. One that never gets so far has [`Handler::failed`].
    fn sent(&self, _link: &Link, _token: u64) {}

    /// What an island offers has changed.
    fn catalogue(&self, link: &Link, update: Update);

    /// Something else worth knowing.
    fn notice(&self, link: &Link, notice: Notice);

    /// `len` bytes of a body that had waited in this link for credit have gone out: the link they came from may be told
    /// with [`Link::consumed`]. `id` is the exchange on *this* link. Only ever called for exchanges that were streamed with
    /// [`Link::open_streaming`] or [`Link::send_reply`].
    fn drained(&self, link: &Link, id: ExchangeId, len: usize);
}
