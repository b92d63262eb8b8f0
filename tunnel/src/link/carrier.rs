//! The connection of the moment: seals batches, writes them, and knows when it is done with. It never knows what it carries.

use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::SPARE_LEN;
use super::round_trip::Asked;
use super::thinness::Thinness;
use crate::Traffic;
use crate::path::Break;
use crate::seal::Seal;
use crate::traffic::Carried;
use crate::transport::Transport;

/// Bytes of a record that is not whole which count as a sign of life: a quarter of the longest.
const PART_LEN: usize = 16 * 1024;

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
    /// Counts it as long as it is.
    _carried: Carried,
    pub(super) waker: Option<Waker>,
    /// Whether the transport could not write everything.
    pub(super) is_blocked: bool,
    /// Why it is to be given up.
    pub(super) broken: Option<(Break, String)>,
    /// The ping whose long answer shows that the connection carries what a link has, and when that has to be there.
    pub(super) proof: Option<(u64, Instant)>,
    /// Whether it was there.
    pub(super) is_proven: bool,
    /// Since when it only writes its last words.
    pub(super) closing: Option<Instant>,
    /// When it last brought what counts as a sign of life.
    pub(super) last_read: Instant,
    /// Bytes that came since then and were no whole record yet.
    partial_len: usize,
    pub(super) last_write: Instant,
    /// How silent it was before what was written last and has had no answer.
    silent_before: Option<Duration>,
    /// The longest silence after which it answered.
    pub(super) outlived: Duration,
    pub(super) last_ping: Instant,
    pub(super) asked: Asked,
    pub(super) thinness: Thinness,
    /// Bytes the transport held when it was last looked at, and since when they have not become fewer.
    stuck: (usize, Instant),
    _guard: Option<Rc<dyn std::any::Any>>,
}

impl Carrier {
    pub(super) fn new(number: u64, connected: Connected, traffic: &Traffic, now: Instant) -> Carrier {
        Carrier {
            number,
            _carried: traffic.carried(connected.transport.name()),
            transport: connected.transport,
            seal: connected.seal,
            sealed: Vec::new(),
            is_tls: connected.is_tls,
            waker: None,
            is_blocked: false,
            broken: None,
            proof: None,
            is_proven: false,
            closing: None,
            last_read: now,
            partial_len: 0,
            last_write: now,
            silent_before: None,
            outlived: Duration::ZERO,
            last_ping: now,
            asked: Asked::default(),
            thinness: Thinness::default(),
            stuck: (0, now),
            _guard: connected.guard,
        }
    }

    pub(super) fn send(&mut self, parts: &[&[u8]]) {
        let Some(seal) = &mut self.seal else { return self.transport.send(parts) };
        self.sealed.clear();
        match seal.seal(parts, &mut self.sealed) {
            Ok(()) => self.transport.send(&[&self.sealed]),
            Err(broken) => self.give_up(Break::Changed, broken.to_string()),
        }
        if self.sealed.capacity() > SPARE_LEN {
            self.sealed = Vec::new();
        }
    }

    pub(super) fn give_up(&mut self, how: Break, why: String) {
        self.broken.get_or_insert((how, why));
        self.wake();
    }

    /// Bytes have come. A few that never become a record are no sign of life: somebody may have changed a length among them. Many
    /// are: a long record on a thin way.
    pub(super) fn arrived(&mut self, len: usize, now: Instant) {
        self.partial_len += len;
        if self.partial_len >= PART_LEN {
            self.understood(now);
        }
    }

    /// A whole record has come.
    pub(super) fn understood(&mut self, now: Instant) {
        self.last_read = now;
        self.partial_len = 0;
        if let Some(silence) = self.silent_before.take() {
            self.outlived = self.outlived.max(silence);
        }
    }

    /// Something is on its way.
    pub(super) fn wrote(&mut self, now: Instant) {
        self.silent_before.get_or_insert(now.saturating_duration_since(self.last_read.max(self.last_write)));
        self.last_write = now;
    }

    /// How silent it was before it was lost, if that is now.
    pub(super) fn silence(&self, now: Instant) -> Duration {
        let since = self.last_read.max(self.last_write);
        self.silent_before.unwrap_or_else(|| now.saturating_duration_since(since))
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
                self.give_up(Break::Cut, error.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::ws::Ws;
    use crate::transport::ws::framing::End;

    #[test]
    fn a_silence_is_outlived_when_what_was_said_after_it_is_answered() {
        let start = Instant::now();
        let after = |secs| start + Duration::from_secs(secs);
        let mut carrier = carrier(start);
        carrier.wrote(after(3));
        assert_eq!((carrier.silence(after(9)), carrier.outlived), (Duration::from_secs(3), Duration::ZERO));
        carrier.wrote(after(8));
        carrier.understood(after(9));
        assert_eq!((carrier.silence(after(10)), carrier.outlived), (Duration::from_secs(1), Duration::from_secs(3)));
    }

    fn carrier(now: Instant) -> Carrier {
        let transport = Box::new(Ws::new(tokio::io::duplex(64).0, End::Client, Vec::new(), 1));
        let connected = Connected { transport, seal: None, is_tls: false, rest: Vec::new(), guard: None };
        Carrier::new(1, connected, &Traffic::default(), now)
    }

    #[test]
    fn a_trickle_that_becomes_no_record_is_no_sign_of_life() {
        let start = Instant::now();
        let after = |secs| start + Duration::from_secs(secs);
        let mut carrier = carrier(start);
        for secs in 1..100 {
            carrier.arrived(40, after(secs));
        }
        assert_eq!(carrier.last_read, start);
        carrier.arrived(PART_LEN - 99 * 40, after(101));
        assert_eq!(carrier.last_read, after(101), "a long record on a thin way");
        carrier.arrived(PART_LEN - 1, after(102));
        carrier.understood(after(103));
        carrier.arrived(PART_LEN - 1, after(104));
        assert_eq!(carrier.last_read, after(103));
    }
}
