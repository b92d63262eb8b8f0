//! What happens to a link without its owner: the flush of the turn, the look at its connection, its end. It never holds a borrow of
//! its state while it calls the handler.

use std::time::{Duration, Instant};

use shard::{Flush, catch};

use super::carrier::Carrier;
use super::proof::PROOF_LEN;
use super::thinness::{Crossed, Thinness};
use super::{Inner, Link, SILENT_PINGS, STUCK_PINGS};
use crate::path::Break;
use crate::session::{Packs, Violation};
use crate::{Compress, Transport};

/// Ping intervals after which even a busy link measures its round trip.
const RTT_PINGS: u32 = 5;
/// A closed connection has this long to write its last words.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl Link {
    /// Says something this often from now on where it is quiet, if that is more often than usual.
    pub(crate) fn speak_each(&self, often: Duration) {
        self.0.speaks.set(often.min(self.0.ping));
    }

    /// Leaves its connection for the next, until which its counts stand still: records received, and those that the peer is known to have.
    pub(crate) fn let_go(&self) -> [u64; 2] {
        self.0.drop_carrier();
        let now = Instant::now();
        self.0.disconnected.set(now);
        let mut session = self.0.session.borrow_mut();
        session.disconnect(now);
        [session.received(), session.acknowledged()]
    }
}

impl Inner {
    /// Adds what has crossed since the last time to the process's sums.
    pub(super) fn count(&self) {
        let session = self.session.borrow();
        let [[sent, received], [spared_out, spared_in], [packed_out, packed_in]] =
            [session.crossed(), session.saved(), session.packed()];
        let now = [sent, received, spared_out, spared_in, packed_out, packed_in];
        self.traffic.raise(self.via.get(), self.counted.replace(now), now);
    }

    /// On a new connection nothing is known yet of what it carries.
    pub(super) fn begin_packing(&self) {
        if self.compress == Compress::Auto {
            self.session.borrow_mut().pack(Packs::Nothing);
        }
    }

    /// A ping has come back that took so long.
    pub(super) fn decide_packing(&self, thinness: &mut Thinness, took: Duration) {
        if self.compress != Compress::Auto {
            return;
        }
        let mut session = self.session.borrow_mut();
        let crossed = Crossed { bytes: session.crossed(), packed: session.packed() };
        session.pack(if thinness.measured(self.now.get(), took, crossed) { Packs::Calls } else { Packs::Nothing });
    }

    pub(super) fn touch(&self) {
        if !self.dirty.replace(true)
            && let Some(me) = self.me.upgrade()
        {
            self.shard.mark(me);
        }
    }

    /// Ends the connection; its task learns it.
    pub(super) fn drop_carrier(&self) {
        let carrier = self.carrier.borrow_mut().take();
        if let Some(carrier) = carrier {
            carrier.wake();
        }
    }

    pub(super) fn link(&self) -> Option<Link> {
        self.me.upgrade().map(Link)
    }

    /// Gives the connection what the session has for it, and writes it as far as that goes at once.
    pub(super) fn hand_over(&self) -> Result<(), Violation> {
        let mut carrier = self.carrier.borrow_mut();
        let takes = |carrier: &&mut Carrier| carrier.closing.is_none() && carrier.broken.is_none();
        let Some(carrier) = carrier.as_mut().filter(takes) else { return Ok(()) };
        let mut session = self.session.borrow_mut();
        let now = Instant::now();
        let mut wrote = false;
        let result = session.flush(now, carrier.transport.unwritten_len(), |parts| {
            carrier.send(parts);
            wrote = true;
        });
        if wrote {
            carrier.wrote(now);
        }
        if wrote || carrier.transport.unwritten_len() > 0 {
            carrier.write();
        }
        result
    }

    /// Tells the owner which one-way calls have gone.
    fn tell_sent(&self) {
        let sent = self.session.borrow_mut().take_sent();
        if let Some(link) = self.link().filter(|_| !sent.is_empty()) {
            for token in &sent {
                self.handler.sent(&link, *token);
            }
            self.session.borrow_mut().restore_sent(sent);
        }
    }

    /// False: there is no connection.
    pub(super) fn look_after_connection(&self, now: Instant) -> bool {
        let mut carrier = self.carrier.borrow_mut();
        let Some(carrier) = carrier.as_mut() else { return false };
        let silent = now.saturating_duration_since(carrier.last_read);
        if silent > self.ping * SILENT_PINGS {
            carrier.give_up(Break::Stalled, format!("nothing arrived for {silent:?}"));
            return true;
        }
        let stuck = carrier.stuck_for(now);
        if stuck > self.ping * STUCK_PINGS {
            carrier.give_up(Break::Stalled, format!("the peer has read nothing for {stuck:?}"));
            return true;
        }
        if carrier.proof.is_some_and(|(_, until)| now > until) {
            carrier.give_up(Break::Stalled, format!("a message of {PROOF_LEN} bytes does not come back"));
            return true;
        }
        // Requests of `post` outlive no silence that is theirs.
        let often = if self.via.get() == Transport::Post.name() { self.ping } else { self.speaks.get() };
        let quiet = silent >= often || now.saturating_duration_since(carrier.last_write) >= often;
        let since = now.saturating_duration_since(carrier.last_ping);
        let measured = if self.compress == Compress::Auto { self.ping } else { self.ping * RTT_PINGS };
        if (quiet && since >= often) || since >= measured {
            carrier.last_ping = now;
            let stamp = carrier.asked.ask(Instant::now()).unwrap_or_default();
            let padding = vec![0; carrier.transport.ping_len()];
            self.session.borrow_mut().ping(stamp, &padding);
            self.touch();
        }
        true
    }

    /// The peer broke a rule: it is told, and the session is over.
    pub(super) fn end_for(&self, why: &str) {
        tracing::warn!(peer = %self.peer.name, session = %self.session_id, why, "link is ended: the peer broke a rule");
        if let Some(link) = self.link() {
            link.close(why);
        }
    }

    pub(super) fn finish_last_words(&self, now: Instant) {
        let mut carrier = self.carrier.borrow_mut();
        if let Some(carrier) = carrier.as_mut()
            && carrier.closing.is_none_or(|since| now.saturating_duration_since(since) > LAST_WORDS)
        {
            carrier.give_up(Break::Cut, "closed".to_owned());
        }
    }

    pub(super) fn end(&self, reason: &str, peer_received: Option<u64>) {
        let Some(link) = self.link() else { return };
        if self.session.borrow().is_over() {
            return;
        }
        self.tell_sent();
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
}

impl Flush for Inner {
    fn flush(&self) {
        self.dirty.set(false);
        if let Err(violation) = self.hand_over() {
            return self.end_for(&violation.to_string());
        }
        self.tell_sent();
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

    fn panicked(&self) {
        if let Some(link) = self.link() {
            let _ = catch("the end of a link", || link.close("an internal fault; the log of this end says which"));
        }
        self.drop_carrier();
    }
}
