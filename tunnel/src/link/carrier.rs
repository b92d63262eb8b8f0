//! The connection of the moment: seals batches, writes them, and knows when it is done with. It never knows what it carries.

use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::SPARE_LEN;
use super::round_trip::Asked;
use crate::seal::Seal;
use crate::transport::Transport;

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
pub(super) struct Carrier {
    pub(super) number: u64,
    pub(super) transport: Box<dyn Transport>,
    pub(super) seal: Option<Seal>,
    /// Sealed bytes on their way to the transport.
    pub(super) sealed: Vec<u8>,
    pub(super) is_tls: bool,
    pub(super) waker: Option<Waker>,
    /// Whether the transport could not write everything.
    pub(super) is_blocked: bool,
    /// Why it is to be given up.
    pub(super) broken: Option<String>,
    /// Since when it only writes its last words.
    pub(super) closing: Option<Instant>,
    pub(super) last_read: Instant,
    pub(super) last_write: Instant,
    pub(super) last_ping: Instant,
    pub(super) asked: Asked,
    /// Bytes the transport held when it was last looked at, and since when they have not become fewer.
    stuck: (usize, Instant),
    _guard: Option<Rc<dyn std::any::Any>>,
}

impl Carrier {
    pub(super) fn new(number: u64, connected: Connected, now: Instant) -> Carrier {
        Carrier {
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
            asked: Asked::default(),
            stuck: (0, now),
            _guard: connected.guard,
        }
    }

    pub(super) fn send(&mut self, parts: &[&[u8]]) {
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

    pub(super) fn give_up(&mut self, why: String) {
        self.broken.get_or_insert(why);
        self.wake();
    }

    pub(super) fn close(&mut self, now: Instant) {
        self.closing = Some(now);
        self.wake();
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// How long nothing of what waits here has gone to the peer. To be asked now and then: it sees what has happened since.
    pub(super) fn stuck_for(&mut self, now: Instant) -> Duration {
        let unwritten = self.transport.unwritten_len();
        let (before, since) = self.stuck;
        let moved = unwritten == 0 || unwritten < before;
        self.stuck = (unwritten, if moved { now } else { since });
        now.saturating_duration_since(self.stuck.1)
    }

    /// Writes without waiting.
    pub(super) fn write(&mut self) {
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
