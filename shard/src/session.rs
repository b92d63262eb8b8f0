//! What a connection serves: it is handed the bytes that arrive, and told of the end. It says how much it took and what it waits for.

use std::rc::Rc;

use crate::{Conn, SCRATCH_LEN};

/// What is done with the bytes of a connection.
pub trait Session: 'static {
    /// The connection is there, and nothing was read of it; the first call it gets. Appending to `conn` is possible.
    fn opened(&self, _conn: &Rc<Conn>) {}

    /// Bytes have arrived; `bytes` begins where the last call's `used` ended. Takes whole frames and leaves the rest.
    ///
    /// # Errors
    /// [`Close`] ends the connection: bytes that were appended before are still written, then it is closed.
    fn received(&self, conn: &Rc<Conn>, bytes: &[u8]) -> Result<Taken, Close>;

    /// The connection has ended; the last call it gets. Appending to `conn` does nothing any more.
    fn closed(&self, conn: &Rc<Conn>, why: &Close);

    /// The TLS handshake is done. Never called of a plain connection.
    fn secured(&self, _conn: &Rc<Conn>) {}

    /// Bytes that one read takes at most, but for the rest of a frame whose length is known. Where many unknown peers share a
    /// shard, one that floods it with small frames takes its turn in small parts. Under TLS it bounds the sealed bytes, and
    /// what one read opens is at most a record (16 KiB) more: one that had begun before.
    fn read_len(&self) -> usize {
        SCRATCH_LEN
    }

    /// Whether reading may pause while more than 1 MiB waits to be written to a peer that does not read.
    /// A peer that must be read at all times, so that both ends cannot wait for each other, says no.
    fn may_pause(&self) -> bool {
        true
    }
}

/// How much of the bytes a session took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Bytes of whole frames, from the front.
    pub used: usize,
    /// The whole length of the frame that begins behind them, if its header is there: not asked again before so many
    /// bytes are there. 0: not known yet.
    pub need: usize,
}

/// Why a connection ended.
#[derive(Debug, Clone)]
pub enum Close {
    /// The peer closed it.
    Eof,
    /// This side closed it, with the reason.
    Ours(String),
    /// Reading or writing failed.
    Io(String),
}

impl std::fmt::Display for Close {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Close::Eof => f.write_str("closed by the peer"),
            Close::Ours(why) => f.write_str(why),
            Close::Io(error) => f.write_str(error),
        }
    }
}
