//! What a consumer gets for its call: the provider's frame under its own id, or a failure in words. Each call at most
//! once, one-way calls never, and nothing that its consumer could not take.

use std::rc::Rc;
use std::time::{Duration, Instant};

use shard::{Close, Conn, Key};
use wire::dubbo::frame::{FrameKind, HEADER_LEN, Header};
use wire::dubbo::reply::Asked;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};

use crate::answer::{self, Repeat};
use crate::core::{By, Core, InFlight, Wants};
use crate::deadline::Patience;

/// Answers of this many times the largest may wait for a consumer that does not read; then its connection is closed.
const UNREAD_ANSWERS: usize = 4;

impl Core {
    /// Answers a waiting call with a whole reply frame. What comes too late finds nobody and is dropped; what comes
    /// between the deadline and the tick that notices it is as late: an OK answer to a call that its consumer has given
    /// up ends a dubbo-go session.
    pub fn answer(&self, key: Key, frame: &[u8]) {
        let Some(call) = self.calls.remove(key) else { return self.counters.late.add(1) };
        self.count_in_flight();
        if Instant::now() >= call.deadline {
            self.counters.late.add(1);
            self.tell(&call, &self.overdue(&call));
            return self.forget(call.by);
        }
        if call.wants == Wants::Answer {
            let took = self.deliver(&call.conn, &call.asked, frame, call.arrived);
            match (call.tally(), took) {
                (Some(tally), Some(took)) => tally.answered(took),
                (Some(tally), None) => tally.failed(),
                (None, _) => {}
            }
        }
        self.forget(call.by);
    }

    /// Answers a waiting call with the reply that `write` makes; as [`Core::answer`].
    pub fn answer_with(&self, key: Key, write: impl FnOnce(&mut Vec<u8>, &Asked)) {
        let Some(asked) = self.calls.with(key, |call| call.asked) else { return self.counters.late.add(1) };
        let mut frame = self.shard.buffer();
        write(&mut frame, &asked);
        self.answer(key, &frame);
        self.shard.recycle(frame);
    }

    /// Ends a waiting call with a failure.
    pub fn fail(&self, key: Key, failure: &Failure) {
        let Some(call) = self.calls.remove(key) else { return self.counters.late.add(1) };
        self.count_in_flight();
        self.tell(&call, failure);
        self.release(call.by);
    }

    /// Ends a call that was taken out with a failure.
    pub fn tell(&self, call: &InFlight, failure: &Failure) {
        let repeat = match &call.by {
            _ if failure.kind == Kind::DeadlinePassed && call.patience == Patience::Said => Repeat::AsItWould,
            By::Routing(carried) => carried.course.repeat(),
            By::Handler(_) => Repeat::Harmful,
        };
        if let Some(tally) = call.tally() {
            tally.failed();
        }
        self.say(&call.conn, call.wants, &call.asked, failure, repeat);
    }

    /// Answers a request that never waited with a failure.
    pub fn fail_now(&self, conn: &Rc<Conn>, header: &Header, asked: &Asked, failure: &Failure) {
        self.say(conn, Wants::of(header), asked, failure, Repeat::Harmful);
    }

    fn say(&self, conn: &Rc<Conn>, wants: Wants, asked: &Asked, failure: &Failure, repeat: Repeat) {
        self.counters.failed(failure);
        tracing::debug!(consumer = %conn.peer(), id = asked.id, %failure, "a call failed");
        if wants == Wants::Answer {
            conn.append_with(|out| {
                let before = out.len();
                answer::put(out, asked, failure, repeat);
                self.counters.bytes_out.add((out.len() - before) as u64);
            });
        }
    }

    /// Writes a provider's reply frame with the consumer's own id. How long the call took; `None` where the consumer is told of a
    /// failure instead.
    pub fn deliver(&self, conn: &Rc<Conn>, asked: &Asked, frame: &[u8], arrived: Instant) -> Option<Duration> {
        if let Err(failure) = self.sound_reply(frame) {
            self.say(conn, Wants::Answer, asked, &failure, Repeat::Harmful);
            return None;
        }
        conn.append(&[&frame[..4], &asked.id.to_be_bytes(), &frame[12..]]);
        let took = arrived.elapsed();
        self.counters.answered(took, frame.len());
        let unread = conn.unwritten_len();
        if unread > UNREAD_ANSWERS * (self.limits.reply_len + HEADER_LEN) {
            conn.close(Close::Ours(format!("the consumer does not read: {unread} bytes of answers wait for it")));
        }
        Some(took)
    }

    /// Whether `frame` is one whole reply that a consumer can take.
    fn sound_reply(&self, frame: &[u8]) -> Result<(), Failure> {
        let broken = |text: String| Failure::new(Stage::Provider, Kind::Internal, Outcome::Executed, text);
        let header = match Header::decode(frame) {
            Ok(Some(header)) => header,
            Ok(None) => {
                return Err(broken(format!("the answer has {} bytes, wanted a whole Dubbo frame", frame.len())));
            }
            Err(error) => return Err(broken(format!("the answer is no Dubbo frame: {error}"))),
        };
        if header.kind() != FrameKind::Reply || header.frame_len() != frame.len() || header.body_len == 0 {
            return Err(broken(format!(
                "the answer is a frame of {} bytes that says {} bytes with flags {:#04x}, wanted one whole reply",
                frame.len(),
                header.frame_len(),
                header.flags
            )));
        }
        self.fits_consumer(header.body_len as usize)
    }

    /// Whether an answer of this length may be written to a consumer.
    ///
    /// # Errors
    /// What the consumer is told instead.
    pub fn fits_consumer(&self, body_len: usize) -> Result<(), Failure> {
        let limit = self.limits.reply_len;
        if body_len <= limit {
            return Ok(());
        }
        let text = format!(
            "the answer of {body_len} bytes is over the limit of {limit} bytes of this egress gateway; ask for less, or raise limits.reply and the consumers' payload"
        );
        Err(Failure::new(Stage::Session, Kind::TooLarge, Outcome::Executed, text))
    }
}
