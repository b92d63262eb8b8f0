//! What one shard of the gateway holds, and how a call gets into it and out of it again.
//!
//! ```text
//!  admit.rs ─▶ chain ─▶ (routing: forward.rs) ─▶ in flight ─▶ answer, fail (deliver.rs), expire (expire.rs), abandoned
//!                                                 every way out takes the call out of PendingCalls first
//! ```
//!
//! Everything is `Rc` and `Cell`: nothing of it leaves the shard. It never waits.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use arc_swap::ArcSwap;
use chassis::metrics::tally::Tally;
use client::PoolConfig;
use shard::{Conn, Key, Shard};
use wire::dubbo::frame::{FrameKind, HEADER_LEN, Header};
use wire::dubbo::reply::Asked;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};

use crate::absent::Absent;
use crate::anew::LastLook;
use crate::config::Limits;
use crate::consumers::Consumers;
use crate::deadline::{Patience, Timeouts};
use crate::decide::Decisions;
use crate::entrance::{Entrance, Strangers};
use crate::fallback::{Fallback, Request};
use crate::forward::{Carried, Place};
use crate::held::Allowance;
use crate::knowledge::Knowledge;
use crate::later::Kept;
use crate::links::Links;
use crate::local_pool::{LocalPool, Makings};
use crate::pending::{Chain, PendingCalls};
use crate::status::Counters;
use crate::tags::Tags;

/// One shard's part of the gateway.
pub struct Core {
    pub shard: Shard,
    pub limits: Limits,
    pub timeouts: Timeouts,
    pub knowledge: Arc<ArcSwap<Knowledge>>,
    pub counters: Counters,
    pub calls: PendingCalls<InFlight>,
    pub links: Links,
    pub local: LocalPool,
    pub allowance: Allowance,
    pub decisions: Decisions,
    pub stamps: Stamps,
    /// Calls that wait for a link, in the order in which they came.
    pub waiting: RefCell<std::collections::VecDeque<Key>>,
    /// Calls that were handed to a provider of this island without a connection; some have been sent since.
    pub queued: RefCell<Vec<Key>>,
    /// Calls that wait for their island.
    pub absent: Absent,
    pub last_look: LastLook,
    pub me: Weak<Self>,
    /// Whether new calls are refused, since this process is about to end.
    pub ending: Cell<bool>,
    pub clock: Clock,
    pub consumers: Consumers,
    pub entrance: Arc<ArcSwap<Entrance>>,
    pub strangers: Strangers,
    chain: Vec<Box<dyn Fallback>>,
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
    pub tags: Tags,
    pub chain: Vec<Box<dyn Fallback>>,
    pub connections: Arc<AtomicUsize>,
    pub entrance: Arc<ArcSwap<Entrance>>,
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
    pub patience: Patience,
    pub by: By,
}

impl InFlight {
    /// What comes of calls like it, where routing has it.
    pub fn tally(&self) -> Option<&Tally> {
        match &self.by {
            By::Routing(carried) => carried.course.tally(),
            By::Handler(_) => None,
        }
    }
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
#[allow(clippy::large_enum_variant)] // nearly all are routed, and a box would be an allocation for each of them
pub enum By {
    /// A handler of the chain, through its `Later`.
    Handler(Box<Kept>),
    /// A provider, in another island or in this one.
    Routing(Carried),
}

impl Core {
    pub fn new(parts: Parts) -> Rc<Self> {
        let now = Instant::now();
        let frame_limit_len = parts.limits.reply_len + HEADER_LEN;
        let config = PoolConfig { frame_limit_len, pending_limit: parts.limits.in_flight, ..PoolConfig::default() };
        let (shard, budget) = (parts.shard.clone(), parts.allowance.budget().clone());
        Rc::new_cyclic(|me: &Weak<Self>| Self {
            local: LocalPool::new(Makings { shard, config, budget, answers: me.clone() }),
            calls: PendingCalls::new(parts.limits.in_flight, now),
            consumers: Consumers::new(parts.limits.connections, parts.connections),
            entrance: parts.entrance,
            strangers: Strangers::default(),
            shard: parts.shard,
            limits: parts.limits,
            timeouts: parts.timeouts,
            knowledge: parts.knowledge,
            counters: parts.counters,
            links: Links::default(),
            allowance: parts.allowance,
            decisions: Decisions::new(parts.tags),
            stamps: parts.stamps,
            waiting: RefCell::default(),
            queued: RefCell::default(),
            absent: Absent::default(),
            last_look: LastLook::default(),
            me: me.clone(),
            ending: Cell::new(false),
            clock: Clock::default(),
            chain: parts.chain,
        })
    }

    /// Counts a new connection in; `false` when there are too many.
    pub fn may_begin(&self) -> bool {
        let begins = self.consumers.begins();
        if !begins {
            self.counters.refused.add(1);
        }
        begins
    }

    /// The names of the handlers, in their order.
    pub fn handlers(&self) -> Vec<String> {
        self.chain.iter().map(|fallback| fallback.name().to_owned()).collect()
    }

    /// Hands a call to the chain.
    pub fn handle(&self, request: Request<'_>) {
        if self.ending.get() {
            let _ = request.fail(&ending());
            return;
        }
        self.ask_chain(request);
    }

    /// The same from the handler on that the request names, whether new calls are welcome or not.
    pub fn ask_chain(&self, mut request: Request<'_>) {
        for (at, fallback) in self.chain.iter().enumerate().skip(request.at) {
            request.at = at;
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

    /// Forgets a connection and those of its calls that want an answer: nobody can be answered on it any more.
    pub fn consumer_left(&self, key: Option<Key>, chain: &Chain) {
        if let Some(key) = key {
            self.consumers.left(key);
        }
        for key in self.calls.of(chain) {
            // Nobody waits for a one-way call, so that it goes on alone.
            if self.calls.with(key, |call| call.wants) == Some(Wants::Nothing) {
                continue;
            }
            let Some(call) = self.calls.remove(key) else { continue };
            self.counters.abandoned.add(1);
            self.release(call.by);
        }
        self.count_in_flight();
    }

    /// Gives back what a call held that nobody waits for any more, and tells the link so.
    pub fn release(&self, by: By) {
        match &by {
            By::Routing(Carried { place: Place::OnLink { link, exchange }, .. }) => {
                if let Some(link) = self.links.get(*link) {
                    link.cancel(*exchange);
                }
            }
            By::Routing(Carried { place: Place::AtProvider(call), .. }) => self.local.cancel(*call),
            _ => {}
        }
        self.forget(by);
    }

    /// Gives back what a finished call held.
    pub fn forget(&self, by: By) {
        match by {
            By::Routing(Carried { held: Some(held), .. }) => self.shard.recycle(held.bytes),
            By::Handler(kept) => self.shard.recycle(kept.into_frame()),
            By::Routing(_) => {}
        }
    }

    /// A one-way call was passed on.
    pub fn count_one_way(&self, tally: Option<&Tally>) {
        self.counters.one_way();
        if let Some(tally) = tally {
            tally.ended();
        }
    }

    pub fn count_in_flight(&self) {
        self.counters.in_flight.set(self.calls.len() as i64);
    }
}

/// What a consumer hears that calls while the process waits for its last answers, and that knows no other address.
fn ending() -> Failure {
    let text = "this egress gateway is ending and is the only address of the service; call again in a moment, or run a second egress gateway in this island";
    Failure::new(Stage::Session, Kind::Draining, Outcome::NotSent, text)
}

/// What a consumer hears when the slab is full although its header was let in.
fn too_many() -> Failure {
    let text = "too many calls wait on this shard of the egress gateway; call less at once, or raise limits.in_flight";
    Failure::new(Stage::Session, Kind::Overload, Outcome::NotSent, text)
}
