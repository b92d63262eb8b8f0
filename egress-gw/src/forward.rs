//! Routing, the built-in fallback: which island, then onto a link, and back to the consumer.
//!
//! ```text
//!  decide.rs ─▶ Route ─ head filled ─▶ open on a link ─▶ in flight ─ reply ─▶ consumer
//!                                │ no link: waits                     │ failed, not sent ─▶ another link or hub, or waits
//!                                └────────────────────────────────────┴─ deadline ─▶ cancel, and the consumer is told
//! ```
//!
//! A frame that may have to be sent again is kept, head in front, until its answer begins; one over 64 KiB is not, its
//! consumer repeats a status 80 itself. A call is only ever sent again after *not sent*, and only within its deadline. It
//! waits for a link to a hub, or for a hub that has a link to its island, as long as its consumer surely does.
//! One-way calls hold nothing once they are on a link. What becomes of a call whose time is over: expire.rs.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use shard::Key;
use tunnel::{Assembly, End, Reply};
use wire::dubbo::frame::HEADER_LEN;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};
use wire::tunnel::head::{self, Flags, Fresh, Stamp};

use crate::absent::Waits;
use crate::cache::Route;
use crate::core::{By, Core, InFlight, Wants};
use crate::fallback::{Fallback, Handled, Request};
use crate::held::Charge;
use crate::knowledge::Knowledge;
use crate::links::{Exchange, Tried, Uplink, Wanted};

/// Frames up to this length are kept for a second try.
const KEPT_LEN: usize = 64 * 1024;

/// The fallback that carries calls to other islands. It takes every call.
#[derive(Debug, Default)]
pub struct Routing;

impl Fallback for Routing {
    fn name(&self) -> &str {
        "routing"
    }

    fn handle<'a>(&self, request: Request<'a>) -> Handled<'a> {
        let core = request.origin.core;
        let knowledge = core.knowledge.load();
        match core.decide(&request, &knowledge) {
            Ok(route) => core.carry(request, route, &knowledge),
            Err(failure) => return request.fail(&failure),
        }
        Handled::TAKEN
    }
}

/// A call on its way to another island.
pub struct Carried {
    pub route: Rc<Route>,
    pub place: Place,
    /// What is needed to send it again.
    pub held: Option<Held>,
    /// Until when it may wait unsent.
    pub unsent_until: Instant,
    /// The number of the consumer's connection.
    consumer: usize,
    tried: Tried,
    /// An answer that comes in pieces.
    assembly: Option<Box<Assembly>>,
}

/// Where a carried call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the queue for a link to a hub.
    Waiting,
    /// Until a hub has a link to its island.
    Absent,
    /// On this link.
    OnLink { link: u64, exchange: Exchange },
}

/// A frame that can be sent again: its head and itself, one behind the other.
pub struct Held {
    pub bytes: Vec<u8>,
    head_len: usize,
    _charge: Option<Charge>,
}

impl Core {
    /// Sends a call to its island, or lets it wait for a link.
    fn carry(&self, request: Request<'_>, route: Rc<Route>, knowledge: &Knowledge) {
        let wants = Wants::of(&request.header);
        let tried = Tried::default();
        let consumer = request.origin.number;
        let wanted = Wanted { island: &route.island, consumer, tried: &tried, hubs: &[] };
        let absent = self.absent.has(&route.island);
        let link = if absent { None } else { self.links.pick(&wanted, knowledge) };
        let traceparent = request.call().and_then(|call| call.traceparent.as_deref()).unwrap_or_default();
        let fresh = Fresh {
            flags: if wants == Wants::Nothing { Flags::ONE_WAY } else { Flags::default() },
            remaining_ms: remaining_ms(request.deadline, request.whole),
            body_len: request.frame.len() as u32,
            stamp: self.stamp(),
            traceparent,
        };
        let mut bytes = self.shard.buffer();
        if let Err(error) = head::fill(&route.head, &fresh, &mut bytes) {
            let text = format!("the call's names make its head too long ({error}); use shorter ones");
            let failure = Failure::new(Stage::Route, Kind::TargetRefused, Outcome::NotSent, text);
            drop(request.fail(&failure));
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
                    self.counters.one_way();
                    return self.shard.recycle(bytes);
                }
            }
        }
        let head_len = bytes.len();
        let kept = link.is_none() || refused.is_some() || request.frame.len() <= KEPT_LEN;
        if kept {
            bytes.extend_from_slice(request.frame);
        }
        let (island, unsent_until) = (route.island.clone(), request.unsent_until);
        let place = if absent { Place::Absent } else { Place::Waiting };
        let carried = Carried { route, place, held: None, unsent_until, consumer, tried, assembly: None };
        let call = InFlight {
            conn: request.origin.conn.clone(),
            asked: request.asked(),
            wants,
            arrived: request.arrived,
            deadline: request.deadline,
            patience: request.patience,
            by: By::Island(carried),
        };
        let until = if link.is_some() { request.deadline } else { unsent_until };
        let Some(key) = self.begin(call, request.origin.chain, until) else { return self.shard.recycle(bytes) };
        let Some(link) = link else {
            let held = Held { bytes, head_len, _charge: request.charge };
            self.update(key, |carried| carried.held = Some(held));
            if absent {
                return self.wait_for_island(&island, key, request.whole);
            }
            return self.waiting.borrow_mut().push_back(key);
        };
        let opened = match refused {
            Some(failure) => Err(failure),
            None => link.open(&bytes[..head_len], request.frame, key.number()),
        };
        let held = if kept {
            Some(Held { bytes, head_len, _charge: request.charge })
        } else {
            self.shard.recycle(bytes);
            None
        };
        self.opened(key, &*link, opened, held);
    }

    /// Notes on which link a call is, or what became of it instead.
    fn opened(&self, key: Key, link: &dyn Uplink, opened: Result<Exchange, Failure>, held: Option<Held>) {
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

    /// A call has ended without an answer: on another link if that is safe and there is one, else its consumer is told.
    pub fn failed(&self, key: Key, failure: Failure) {
        let now = Instant::now();
        if is_of_the_island(&failure) {
            self.got_through(key);
        }
        let knowledge = self.knowledge.load();
        let again = self.calls.with(key, |call| match &mut call.by {
            By::Island(carried) if may_go_elsewhere(&failure) && now < call.deadline && carried.held.is_some() => {
                let wanted = Wanted {
                    island: &carried.route.island,
                    consumer: carried.consumer,
                    tried: &carried.tried,
                    hubs: &failure.hubs,
                };
                Some(self.links.pick(&wanted, &knowledge))
            }
            _ => None,
        });
        match again {
            Some(Some(Some(link))) => self.send_again(key, &*link, now),
            Some(Some(None)) => self.wait(key, &failure, now),
            Some(None) => self.fail(key, &failure),
            None => self.counters.late.add(1),
        }
    }

    fn send_again(&self, key: Key, link: &dyn Uplink, now: Instant) {
        let taken = self.calls.with(key, |call| match &mut call.by {
            By::Island(carried) => carried.held.take().map(|held| (held, call.deadline, call.wants)),
            By::Handler => None,
        });
        let Some(Some((mut held, deadline, wants))) = taken else { return };
        self.counters.resent.add(1);
        self.calls.set_deadline(key, deadline);
        let (head, body) = held.bytes.split_at_mut(held.head_len);
        head::next_attempt(head, remaining_ms(deadline, now));
        let opened = link.open(head, body, if wants == Wants::Answer { key.number() } else { 0 });
        if wants == Wants::Nothing && opened.is_ok() {
            self.counters.one_way();
            if let Some(call) = self.calls.remove(key) {
                self.forget(call.by);
            }
            return self.shard.recycle(held.bytes);
        }
        self.opened(key, link, opened, Some(held));
    }

    /// Lets a call wait that was refused where it was sent and has nowhere else to go now.
    fn wait(&self, key: Key, failure: &Failure, now: Instant) {
        let place = if failure.stage == Stage::Tunnel { Place::Waiting } else { Place::Absent };
        let waits = self.update(key, |carried| {
            carried.place = place;
            carried.tried = Tried::default();
            (carried.unsent_until, carried.route.island.clone())
        });
        let Some((unsent_until, island)) = waits else { return };
        if unsent_until <= now {
            return self.fail(key, failure);
        }
        self.calls.set_deadline(key, unsent_until);
        match place {
            Place::Absent => self.wait_for_island(&island, key, now),
            _ => self.waiting.borrow_mut().push_back(key),
        }
    }

    fn wait_for_island(&self, island: &Arc<str>, key: Key, now: Instant) {
        self.absent.wait(island, key, now, 2 * self.calls.len() + 64, |key| self.waits(key));
    }

    fn waits(&self, key: Key) -> Waits {
        match self.calls.with(key, |call| call.wants) {
            Some(Wants::Nothing) => Waits::OneWay,
            Some(_) => Waits::ForAnAnswer,
            None => Waits::No,
        }
    }

    /// A call of its island's was answered there: whoever waits for the island need not any more.
    fn got_through(&self, key: Key) {
        if self.absent.is_empty() {
            return;
        }
        if let Some(island) = self.update(key, |carried| carried.route.island.clone()) {
            self.island_is_back(&island);
        }
    }

    /// A hub has a link to this island again.
    pub fn island_is_back(&self, island: &str) {
        self.no_longer_absent(self.absent.back(island));
    }

    /// A link came or went: whatever was absent may be reached by another way now.
    pub fn ways_changed(&self) {
        let now = Instant::now();
        self.absent.hurry(now);
        self.try_absent(now);
    }

    /// Tries islands again of which nothing was heard for a while.
    pub fn try_absent(&self, now: Instant) {
        if !self.absent.is_empty() && self.links.any_usable() {
            self.no_longer_absent(self.absent.due(now, |key| self.waits(key)));
        }
    }

    /// These calls wait for a link like all others.
    fn no_longer_absent(&self, calls: VecDeque<Key>) {
        if calls.is_empty() {
            return;
        }
        for key in calls {
            let waits = self.update(key, |carried| {
                let absent = carried.place == Place::Absent;
                if absent {
                    carried.place = Place::Waiting;
                }
                absent
            });
            if waits == Some(true) {
                self.waiting.borrow_mut().push_back(key);
            }
        }
        self.send_waiting();
    }

    /// Sends the calls that wait for a link, in their order, as far as there are links for them.
    pub fn send_waiting(&self) {
        if self.waiting.borrow().is_empty() || !self.links.any_usable() {
            return;
        }
        let knowledge = self.knowledge.load();
        let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
        let now = Instant::now();
        for key in waiting {
            let link = self.calls.with(key, |call| match &call.by {
                By::Island(carried) if carried.place == Place::Waiting => {
                    let (island, tried) = (&*carried.route.island, &carried.tried);
                    self.links.pick(&Wanted { island, consumer: carried.consumer, tried, hubs: &[] }, &knowledge)
                }
                _ => None,
            });
            match link {
                Some(Some(link)) => self.send_again(key, &*link, now),
                Some(None) => self.waiting.borrow_mut().push_back(key),
                None => {}
            }
        }
    }

    fn update<R>(&self, key: Key, change: impl FnOnce(&mut Carried) -> R) -> Option<R> {
        self.calls.with(key, |call| match &mut call.by {
            By::Island(carried) => Some(change(carried)),
            By::Handler => None,
        })?
    }

    fn stamp(&self) -> Stamp {
        let counter = self.stamps.next.get();
        self.stamps.next.set(counter.wrapping_add(self.stamps.step));
        Stamp { start: self.stamps.start, counter }
    }
}

/// Whether another link could do better: the call was not sent, and for a reason that lies between here and the island.
fn may_go_elsewhere(failure: &Failure) -> bool {
    let between = matches!(failure.stage, Stage::Tunnel | Stage::Switch)
        && matches!(failure.kind, Kind::NoLink | Kind::LinkLost | Kind::Draining);
    failure.outcome == Outcome::NotSent && between
}

/// Whether it was said in the island itself, so that the way there is open.
fn is_of_the_island(failure: &Failure) -> bool {
    matches!(failure.stage, Stage::Pick | Stage::Provider)
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
fn remaining_ms(deadline: Instant, now: Instant) -> u32 {
    let left = deadline.saturating_duration_since(now).as_millis();
    u32::try_from(left).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
#[path = "forward_tests.rs"]
mod tests;
