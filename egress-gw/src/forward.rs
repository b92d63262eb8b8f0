//! Carrying a call where it was decided: onto a link or to a provider of this island, and back to the consumer.
//!
//! ```text
//!  decide.rs ─▶ Course ┬ island ─ head filled ─▶ open on a link ─▶ in flight ─ reply ─▶ consumer
//!                      │             │ no link: waits                  │ failed, not sent ─▶ another link, hub or way, or waits
//!                      │             └─────────────────────────────────┴─ deadline ─▶ cancel, and the consumer is told
//!                      └ local ─▶ local_call.rs ─▶ provider ─▶ in flight, likewise
//! ```
//!
//! A frame that may have to be sent again is kept, head in front, until its answer begins; one over 64 KiB is not, its
//! consumer repeats a status 80 itself. One-way calls hold nothing once they are on a link. What becomes of a call that was
//! not sent: again.rs; of one whose time is over: expire.rs.

use std::rc::Rc;
use std::time::Instant;

use client::{CallKey, Candidates};
use shard::Key;
use tunnel::{Assembly, End, Reply};
use wire::dubbo::frame::HEADER_LEN;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};
use wire::tunnel::head::{self, Flags, Fresh, HeadError, Stamp};

use crate::again::may_go_elsewhere;
use crate::cache::{Course, Way};
use crate::core::{By, Core, InFlight, Wants};
use crate::fallback::Request;
use crate::held::Charge;
use crate::knowledge::Knowledge;
use crate::links::{Exchange, Tried, Uplink, Wanted};
use crate::local_call::{Locally, no_provider};

/// Frames up to this length are kept for a second try.
pub const KEPT_LEN: usize = 64 * 1024;

/// A call on its way to another island or to a provider of this one.
pub struct Carried {
    pub course: Course,
    /// Ways, by their positions, on which it was not sent since it last waited.
    pub been: u64,
    /// Ways on which it was refused beyond the hub: it does not go there again.
    pub refused: u64,
    pub place: Place,
    /// What is needed to send it again.
    pub held: Option<Held>,
    /// Until when it may wait unsent.
    pub unsent_until: Instant,
    /// The number of the consumer's connection.
    pub consumer: usize,
    pub tried: Tried,
    /// Whether its island was absent when it was sent, so that what becomes of it tells of the island.
    pub errand: Errand,
    pub locally: Locally,
    /// An answer that comes in pieces.
    assembly: Option<Box<Assembly>>,
}

impl Carried {
    /// A call that is nowhere yet.
    pub fn new(course: Course, unsent_until: Instant, consumer: usize) -> Self {
        Self {
            course,
            been: 0,
            refused: 0,
            place: Place::Waiting,
            held: None,
            unsent_until,
            consumer,
            tried: Tried::default(),
            errand: Errand::Own,
            locally: Locally::default(),
            assembly: None,
        }
    }
}

/// What a call is sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// For itself.
    Own,
    /// Also for all who wait for its island.
    ForAll,
}

/// Where a carried call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the queue for a link to a hub.
    Waiting,
    /// Until a hub has a link to its island.
    Absent,
    /// Until its island has said what it offers.
    Unsure,
    /// Until it is known again where it goes.
    Undecided,
    /// On this link.
    OnLink { link: u64, exchange: Exchange },
    /// At a provider of this island, or on its way to one.
    AtProvider(CallKey),
}

impl Place {
    /// Whether nothing of the call was sent, and it waits for a way.
    pub fn waits(self) -> bool {
        matches!(self, Self::Waiting | Self::Absent | Self::Unsure | Self::Undecided)
    }
}

/// A frame that can be sent again: a head, if it had one, and itself, one behind the other.
pub struct Held {
    pub bytes: Vec<u8>,
    pub head_len: usize,
    /// The position of the way for which the head is.
    pub head_of: Option<usize>,
    pub stamp: Stamp,
    pub _charge: Option<Charge>,
}

/// What takes a call now.
pub enum Ready {
    Link(Rc<dyn Uplink>),
    Providers(Rc<Candidates>),
}

impl Core {
    /// Sends a call the way that was decided, or another that it may take where that is closed, or lets it wait.
    pub fn go(&self, request: Request<'_>, course: Course, knowledge: &Knowledge) {
        let consumer = request.origin.number;
        let mut course = course;
        let ready = self.ready(&course, consumer, knowledge).or_else(|| {
            let (other, ready) = self.first_ready(course.others(), consumer, knowledge)?;
            course = other;
            Some(ready)
        });
        match ready {
            Some(Ready::Link(link)) => self.carry(request, course, Some(link)),
            Some(Ready::Providers(candidates)) => self.call_provider(request, course, &candidates),
            None => match course.all().find(|one| one.island().is_some()) {
                Some(course) => self.carry(request, course, None),
                None => drop(request.fail(&no_provider(course.label()))),
            },
        }
    }

    /// What takes a call on this way now. Must not be called from inside the slab of calls.
    pub fn ready(&self, course: &Course, consumer: usize, knowledge: &Knowledge) -> Option<Ready> {
        match course.way() {
            Way::Island(route) if self.absent.has(&route.island) => None,
            Way::Island(route) => {
                let wanted = Wanted { island: &route.island, consumer, tried: &Tried::default(), hubs: &[] };
                self.links.pick(&wanted, knowledge).map(Ready::Link)
            }
            Way::Local(route) => {
                let candidates = self.local.candidates(route, &knowledge.local)?;
                (!course.has_more() || candidates.is_promising()).then_some(Ready::Providers(candidates))
            }
        }
    }

    /// The first of these ways that takes a call now.
    pub fn first_ready(
        &self,
        mut courses: impl Iterator<Item = Course>,
        consumer: usize,
        knowledge: &Knowledge,
    ) -> Option<(Course, Ready)> {
        courses.find_map(|course| {
            let ready = self.ready(&course, consumer, knowledge)?;
            Some((course, ready))
        })
    }

    /// Sends a call to its island over `link`, or lets it wait.
    pub fn carry(&self, request: Request<'_>, course: Course, link: Option<Rc<dyn Uplink>>) {
        let Way::Island(route) = course.way() else { return drop(request.fail(&no_provider(course.label()))) };
        let wants = Wants::of(&request.header);
        let stamp = self.stamp();
        let traceparent = request.call().and_then(|call| call.traceparent.as_deref()).unwrap_or_default();
        let fresh = Fresh {
            flags: if wants == Wants::Nothing { Flags::ONE_WAY } else { Flags::default() },
            remaining_ms: remaining_ms(request.deadline, request.whole),
            body_len: request.frame.len() as u32,
            stamp,
            traceparent,
        };
        let mut bytes = self.shard.buffer();
        if let Err(error) = head::fill(&route.head, &fresh, &mut bytes) {
            drop(request.fail(&too_long(&error)));
            return self.shard.recycle(bytes);
        }
        let mut refused = None;
        if let (Some(link), Wants::Nothing) = (&link, wants) {
            match link.open(&bytes, request.frame, 0) {
                Err(failure) if may_go_elsewhere(&failure) => refused = Some(failure),
                Err(failure) => {
                    drop(request.fail(&failure));
                    return self.shard.recycle(bytes);
                }
                Ok(_) => {
                    self.count_one_way(course.tally());
                    return self.shard.recycle(bytes);
                }
            }
        }
        let head_len = bytes.len();
        let kept = link.is_none() || refused.is_some() || request.frame.len() <= KEPT_LEN;
        if kept {
            bytes.extend_from_slice(request.frame);
        }
        let absent = link.is_none() && self.absent.has(&route.island);
        let (head_of, unsent_until) = (Some(course.position()), request.unsent_until);
        let mut carried = Carried::new(course.clone(), unsent_until, request.origin.number);
        carried.place = if absent { Place::Absent } else { Place::Waiting };
        let until = if link.is_some() { request.deadline } else { unsent_until };
        let (chain, call) = (request.origin.chain, in_flight(&request, wants, carried));
        let Some(key) = self.begin(call, chain, until) else { return self.shard.recycle(bytes) };
        let Some(link) = link else {
            let held = Held { bytes, head_len, head_of, stamp, _charge: request.charge };
            self.update(key, |carried| carried.held = Some(held));
            if absent {
                return self.wait_for_islands(course.all(), key, request.whole, course.island());
            }
            return self.waiting.borrow_mut().push_back(key);
        };
        let opened = match refused {
            Some(failure) => Err(failure),
            None => link.open(&bytes[..head_len], request.frame, key.number()),
        };
        let held = if kept {
            Some(Held { bytes, head_len, head_of, stamp, _charge: request.charge })
        } else {
            self.shard.recycle(bytes);
            None
        };
        self.opened(key, &*link, opened, held);
    }

    /// Notes on which link a call is, or what became of it instead.
    pub fn opened(&self, key: Key, link: &dyn Uplink, opened: Result<Exchange, Failure>, held: Option<Held>) {
        let mut held = held;
        let noted = self.update(key, |carried| {
            carried.held = held.take();
            carried.tried.add(link.id());
            if let Ok(exchange) = opened {
                carried.place = Place::OnLink { link: link.id(), exchange };
            }
        });
        match (noted, opened) {
            (Some(()), Err(failure)) => self.failed(key, failure),
            (Some(()), Ok(_)) => {}
            // Its consumer has gone meanwhile.
            (None, Ok(exchange)) => link.cancel(exchange),
            (None, Err(_)) => {}
        }
    }

    /// A piece of an answer.
    pub fn reply(&self, token: u64, reply: Reply<'_>) {
        let key = Key::from_number(token);
        self.got_through(key);
        match (reply.head, reply.end) {
            (Some(_), End::Yes) => self.answer(key, reply.piece),
            (Some(head), End::No) => self.begin_assembly(key, head.body_len, reply.piece),
            (None, end) => self.go_on_assembly(key, reply.piece, end),
        }
    }

    fn begin_assembly(&self, key: Key, body_len: u32, piece: &[u8]) {
        // What a link calls the body is the whole frame.
        let frame_len = body_len as usize;
        let refused =
            self.fits_consumer(frame_len.saturating_sub(HEADER_LEN)).err().or_else(|| {
                match Assembly::begin(body_len, piece, self.allowance.budget()) {
                    Ok(assembly) => {
                        if self.update(key, |carried| carried.assembly = Some(Box::new(assembly))).is_none() {
                            self.counters.late.add(1);
                        }
                        None
                    }
                    Err(error) => Some(assembly_failure(&error)),
                }
            });
        if let Some(failure) = refused {
            self.fail(key, &failure);
        }
    }

    fn go_on_assembly(&self, key: Key, piece: &[u8], end: End) {
        // Nothing is known of it: answered in words before, or its consumer has gone.
        let Some(Some(mut assembly)) = self.update(key, |carried| carried.assembly.take()) else { return };
        let whole = assembly.push(piece).and_then(|()| match end {
            End::No => Ok(false),
            End::Yes => assembly.finish().map(|_| true),
        });
        match whole {
            Ok(false) => drop(self.update(key, |carried| carried.assembly = Some(assembly))),
            Ok(true) => self.answer(key, assembly.finish().unwrap_or_default()),
            Err(error) => self.fail(key, &assembly_failure(&error)),
        }
    }

    pub fn update<R>(&self, key: Key, change: impl FnOnce(&mut Carried) -> R) -> Option<R> {
        self.calls.with(key, |call| match &mut call.by {
            By::Routing(carried) => Some(change(carried)),
            By::Handler(_) => None,
        })?
    }

    /// Names a call across hops.
    pub fn stamp(&self) -> Stamp {
        let counter = self.stamps.next.get();
        self.stamps.next.set(counter.wrapping_add(self.stamps.step));
        Stamp { start: self.stamps.start, counter }
    }
}

/// What waits for the answer to a request.
pub fn in_flight(request: &Request<'_>, wants: Wants, carried: Carried) -> InFlight {
    InFlight {
        conn: request.origin.conn.clone(),
        asked: request.asked(),
        wants,
        arrived: request.arrived,
        deadline: request.deadline,
        patience: request.patience,
        by: By::Routing(carried),
    }
}

/// The names in a head are too long for it.
pub fn too_long(error: &HeadError) -> Failure {
    let text = format!("the call's names make its head too long ({error}); use shorter ones");
    Failure::new(Stage::Route, Kind::TargetRefused, Outcome::NotSent, text)
}

fn assembly_failure(error: &tunnel::AssemblyError) -> Failure {
    let kind = match error {
        tunnel::AssemblyError::NoBudget { .. } => Kind::Overload,
        tunnel::AssemblyError::WrongLength { .. } => Kind::Internal,
    };
    let text =
        format!("the answer cannot be taken in: {error}; ask for less, or raise limits.held of this egress gateway");
    Failure::new(Stage::Session, kind, Outcome::Executed, text)
}

/// What remains, at least a millisecond, as a head says it.
pub fn remaining_ms(deadline: Instant, now: Instant) -> u32 {
    let left = deadline.saturating_duration_since(now).as_millis();
    u32::try_from(left).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
#[path = "forward_tests.rs"]
mod tests;
