//! What one shard of the gateway holds, and the few things that everybody on it does with a call: admit it, hand it to
//! the chain, answer it once.
//!
//! ```text
//!  admit ─▶ chain ─▶ (routing: forward.rs) ─▶ in flight ─▶ answer | fail | expire | abandoned
//!                                              every way out takes the call out of PendingCalls first
//! ```
//!
//! Everything is `Rc` and `Cell`: nothing of it leaves the shard. It never waits.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use shard::{Close, Conn, Key, Shard, Slots};
use wire::dubbo::call::Call;
use wire::dubbo::frame::{self, Codec, Event, FrameKind, HEADER_LEN, Header};
use wire::dubbo::reply::Asked;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};

use crate::answer::{self, Repeat};
use crate::cache::DecisionCache;
use crate::config::Limits;
use crate::deadline::{Dialect, Timeouts};
use crate::fallback::{Fallback, Request};
use crate::forward::{Carried, Place};
use crate::held::{Allowance, Charge};
use crate::knowledge::Knowledge;
use crate::links::Links;
use crate::pending::{Chain, PendingCalls};
use crate::status::Counters;

/// Answers of this many times the largest may wait for a consumer that does not read; then its connection is closed.
const UNREAD_ANSWERS: usize = 4;

/// One shard's part of the gateway.
pub struct Core {
    pub shard: Shard,
    pub limits: Limits,
    pub timeouts: Timeouts,
    pub knowledge: Arc<ArcSwap<Knowledge>>,
    pub counters: Counters,
    pub calls: PendingCalls<InFlight>,
    pub links: Links,
    pub allowance: Allowance,
    pub cache: RefCell<DecisionCache>,
    pub stamps: Stamps,
    /// Tags that mean an island.
    pub tags: Vec<Arc<str>>,
    /// Calls that wait for a link, in the order in which they came.
    pub waiting: RefCell<std::collections::VecDeque<Key>>,
    pub clock: Clock,
    chain: Vec<Box<dyn Fallback>>,
    consumers: RefCell<Slots<Rc<Conn>>>,
    /// Connections of the whole process.
    connections: Arc<AtomicUsize>,
}

/// What a core is made of.
pub struct Parts {
    pub shard: Shard,
    /// Of the process, but `in_flight`, which is this shard's share.
    pub limits: Limits,
    pub timeouts: Timeouts,
    pub knowledge: Arc<ArcSwap<Knowledge>>,
    pub counters: Counters,
    pub allowance: Allowance,
    pub stamps: Stamps,
    pub tags: Vec<Arc<str>>,
    pub chain: Vec<Box<dyn Fallback>>,
    pub connections: Arc<AtomicUsize>,
}

/// Names the calls of one shard: the process's start number and a counter that no other shard uses.
#[derive(Debug)]
pub struct Stamps {
    pub start: u64,
    pub next: Cell<u64>,
    pub step: u64,
}

/// Wakes the task that notices deadlines.
#[derive(Default)]
pub struct Clock {
    pub running: Cell<bool>,
    pub wake: tokio::sync::Notify,
}

/// A call that waits for an answer.
pub struct InFlight {
    pub conn: Rc<Conn>,
    pub asked: Asked,
    pub wants: Wants,
    pub arrived: Instant,
    pub deadline: Instant,
    pub by: By,
}

/// Whether the consumer wants to hear of the call again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    Answer,
    Nothing,
}

impl Wants {
    /// What the header of a request says.
    pub fn of(header: &Header) -> Self {
        if header.kind() == FrameKind::Call { Self::Answer } else { Self::Nothing }
    }
}

/// Who answers.
pub enum By {
    /// A handler of the chain, through its `Later`.
    Handler,
    /// Another island.
    Island(Carried),
}

impl Core {
    pub fn new(parts: Parts) -> Rc<Self> {
        let now = Instant::now();
        Rc::new(Self {
            calls: PendingCalls::new(parts.limits.in_flight, now),
            consumers: RefCell::new(Slots::new(parts.limits.connections)),
            shard: parts.shard,
            limits: parts.limits,
            timeouts: parts.timeouts,
            knowledge: parts.knowledge,
            counters: parts.counters,
            links: Links::default(),
            allowance: parts.allowance,
            cache: RefCell::default(),
            stamps: parts.stamps,
            tags: parts.tags,
            waiting: RefCell::default(),
            clock: Clock::default(),
            chain: parts.chain,
            connections: parts.connections,
        })
    }

    /// Counts a new connection in; `false` when there are too many.
    pub fn connection_begins(&self) -> bool {
        let count = self.connections.fetch_add(1, Ordering::Relaxed);
        if count < self.limits.connections {
            return true;
        }
        self.connections.fetch_sub(1, Ordering::Relaxed);
        self.counters.refused.add(1);
        false
    }

    /// Counts a connection out.
    pub fn connection_ended(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Remembers a connection, so that a drain can speak to it.
    pub fn consumer_came(&self, conn: &Rc<Conn>) -> Option<Key> {
        self.consumers.borrow_mut().insert(conn.clone()).ok()
    }

    /// Forgets a connection and its calls: nobody can be answered on it any more.
    pub fn consumer_left(&self, key: Option<Key>, chain: &Chain) {
        if let Some(key) = key {
            self.consumers.borrow_mut().remove(key);
        }
        while let Some(key) = self.calls.first_of(chain) {
            let Some(call) = self.calls.remove(key) else { break };
            self.counters.abandoned.add(1);
            self.release(call.by);
        }
        self.count_in_flight();
    }

    /// Whether a frame with this header may come, asked before its body is read.
    ///
    /// # Errors
    /// What its sender is told at once.
    pub fn admit(&self, header: &Header, waiting_on_connection: usize) -> Result<Charge, Failure> {
        let (body_len, limit) = (header.body_len as usize, self.limits.frame_len);
        if body_len > limit {
            let text = format!(
                "the request body of {body_len} bytes is over the limit of {limit} bytes of this egress gateway; send less, or raise limits.frame here and at the other end"
            );
            return Err(Failure::new(Stage::Session, Kind::TooLarge, Outcome::NotSent, text));
        }
        let full = |found: usize, limit: usize, what: &str, key: &str| {
            let text = format!(
                "{found} {what} at this egress gateway, at most {limit} are allowed; call less at once, or raise limits.{key}"
            );
            Failure::new(Stage::Session, Kind::Overload, Outcome::NotSent, text)
        };
        let limits = &self.limits;
        if waiting_on_connection >= limits.in_flight_per_connection {
            let what = "calls of this connection wait";
            return Err(full(waiting_on_connection, limits.in_flight_per_connection, what, "in_flight_per_connection"));
        }
        if self.calls.len() >= limits.in_flight {
            return Err(full(self.calls.len(), limits.in_flight, "calls wait on this shard", "in_flight"));
        }
        self.allowance.charge(header.frame_len()).ok_or_else(|| {
            let budget = self.allowance.budget();
            full(budget.held(), budget.limit(), "bytes are held", "held")
        })
    }

    /// How long the gateway may take for this call.
    pub fn timeout(&self, call: &Call<'_>, consumer: IpAddr) -> Duration {
        let dialect = if call.is_dubbo_go() { Dialect::Go } else { Dialect::Java };
        let known = || {
            let (service, method) = (call.interface.as_deref().unwrap_or(&call.service), &call.method);
            self.knowledge.load().consumers.timeout(consumer, service, call.application.as_deref(), method)
        };
        self.timeouts.settle(call.timeout, known, dialect)
    }

    /// Hands a call to the chain.
    pub fn handle(&self, request: Request<'_>) {
        let mut request = request;
        for fallback in &self.chain {
            match fallback.handle(request).passed() {
                Some(passed) => request = passed,
                None => return,
            }
        }
        let text = "no handler of this egress gateway takes the call; it hosts no service itself";
        let _ = request.fail(&Failure::new(Stage::Route, Kind::NotOffered, Outcome::NotSent, text));
    }

    /// Puts a call among those that wait; `None` when it was answered at once because there are too many.
    pub fn begin(&self, call: InFlight, chain: &Rc<Chain>, until: Instant) -> Option<Key> {
        let key = match self.calls.insert(call, chain, until) {
            Ok(key) => key,
            Err(call) => {
                self.tell(&call, &too_many());
                return None;
            }
        };
        self.count_in_flight();
        if !self.clock.running.get() {
            self.clock.running.set(true);
            self.clock.wake.notify_one();
        }
        Some(key)
    }

    /// Puts a call among those that wait for a handler; `None` as in [`Core::begin`].
    pub fn wait_for_handler(&self, request: &Request<'_>) -> Option<Key> {
        let call = InFlight {
            conn: request.origin.conn.clone(),
            asked: request.asked(),
            wants: Wants::of(&request.header),
            arrived: request.arrived,
            deadline: request.deadline,
            by: By::Handler,
        };
        self.begin(call, request.origin.chain, request.deadline)
    }

    /// Answers a waiting call with a whole reply frame. What comes too late finds nobody and is dropped.
    pub fn answer(&self, key: Key, frame: &[u8]) {
        let Some(call) = self.calls.remove(key) else { return self.counters.late.add(1) };
        self.count_in_flight();
        if call.wants == Wants::Answer {
            self.deliver(&call.conn, &call.asked, frame, call.arrived);
        }
        self.forget(call.by);
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
            By::Island(carried) => carried.route.repeat,
            By::Handler => Repeat::Harmful,
        };
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

    /// Writes a provider's reply frame with the consumer's own id.
    pub fn deliver(&self, conn: &Rc<Conn>, asked: &Asked, frame: &[u8], arrived: Instant) {
        if let Err(failure) = self.sound_reply(frame) {
            return self.say(conn, Wants::Answer, asked, &failure, Repeat::Harmful);
        }
        conn.append(&[&frame[..4], &asked.id.to_be_bytes(), &frame[12..]]);
        self.counters.answered(arrived.elapsed(), frame.len());
        let unread = conn.unwritten_len();
        if unread > UNREAD_ANSWERS * (self.limits.reply_len + HEADER_LEN) {
            conn.close(Close::Ours(format!("the consumer does not read: {unread} bytes of answers wait for it")));
        }
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

    /// Tells every consumer that no new calls are welcome on its connection.
    pub fn say_readonly(&self) {
        for (key, conn) in self.consumers.borrow().iter() {
            let id = i64::try_from(key.number()).unwrap_or(0);
            conn.append_with(|out| frame::put_event_notice(out, id, Codec::Hessian2, Event::Readonly));
        }
    }

    /// Closes every consumer's connection.
    pub fn close_consumers(&self, why: &str) {
        let all: Vec<Rc<Conn>> = self.consumers.borrow().iter().map(|(_, conn)| conn.clone()).collect();
        for conn in all {
            conn.close(Close::Ours(why.to_owned()));
        }
    }

    /// Gives back what a call held that nobody waits for any more, and tells the link so.
    fn release(&self, by: By) {
        if let By::Island(carried) = &by
            && let Place::OnLink { link, exchange } = &carried.place
            && let Some(link) = self.links.get(*link)
        {
            link.cancel(*exchange);
        }
        self.forget(by);
    }

    /// Gives back what a finished call held.
    pub fn forget(&self, by: By) {
        if let By::Island(Carried { held: Some(held), .. }) = by {
            self.shard.recycle(held.bytes);
        }
    }

    pub fn count_in_flight(&self) {
        self.counters.in_flight.set(self.calls.len() as i64);
    }
}

/// What a consumer hears when the slab is full although its header was let in.
fn too_many() -> Failure {
    let text = "too many calls wait on this shard of the egress gateway; call less at once, or raise limits.in_flight";
    Failure::new(Stage::Session, Kind::Overload, Outcome::NotSent, text)
}
