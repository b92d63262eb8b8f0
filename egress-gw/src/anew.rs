//! Calls that wait follow what changes meanwhile: rules, switches, grants and offers, and the providers of this island.
//!
//! ```text
//!  each tick ┬ another generation of what is known ─▶ each call that waits is decided from its held frame
//!            │      ├ the same ways ─▶ it keeps its place
//!            │      ├ nobody knows by now ─▶ it waits on and is not sent before somebody does
//!            │      └ other ways, or refused ─▶ it goes through the chain as if it came in now
//!            └ a provider of this island was listed or connected ─▶ the calls go that may go to it
//! ```
//!
//! While nothing changes a tick costs two compares, and after a change it looks at so many calls and no more. A call that is to be sent before
//! it was looked at is looked at then (again.rs, queued.rs). Only calls that were not sent are here, so that nothing is sent twice.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Instant;

use shard::Key;
use wire::dubbo::call::{Peeked, peek};
use wire::dubbo::frame::{HEADER_LEN, Header};
use wire::tunnel::failure::Kind;

use crate::again::bit;
use crate::cache::{Course, Way};
use crate::core::{By, Core, InFlight};
use crate::decide::Seen;
use crate::fallback::{Origin, Request};
use crate::forward::{Carried, Errand, Place};
use crate::knowledge::Knowledge;

/// Calls that are decided anew in one tick, at most: a few milliseconds. Generations may follow each other as quickly as ticks.
const LOOKS: usize = 2048;

/// How it stands with a call that was not sent, by what is known now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// It goes the ways that it went, and counts as decided now.
    AsDecided,
    /// It goes other ways, or is refused.
    Elsewhere,
    /// Less is known than when it was decided, or its frame is not kept: no word against it, and none for it.
    Unknown,
}

/// What was known when the calls that wait were looked at last.
#[derive(Debug, Default)]
pub struct LastLook {
    generation: Cell<u64>,
    /// Those of that look whose turn has not come. The next look begins when it has, so that each has its turn however often things change.
    rest: RefCell<VecDeque<Key>>,
    providers: Cell<u64>,
}

impl Core {
    /// The generation at which the calls that wait were looked at last.
    #[cfg(test)]
    pub fn looked_at(&self) -> u64 {
        self.last_look.generation.get()
    }

    /// Decides the calls that wait anew where what is known has changed since the last look.
    pub fn decide_waiting_anew(&self) {
        self.look_at_waiting(LOOKS);
    }

    fn look_at_waiting(&self, looks: usize) {
        let knowledge = self.knowledge.load();
        if self.last_look.rest.borrow().is_empty() {
            let generation = knowledge.snapshot.generation();
            if self.last_look.generation.replace(generation) == generation {
                return;
            }
            let all = self.keys_that_wait();
            self.last_look.rest.replace(all);
        }
        for _ in 0..looks {
            let next = self.last_look.rest.borrow_mut().pop_front();
            let Some(key) = next else { break };
            self.look_at(key, &knowledge);
        }
        if self.last_look.rest.borrow().is_empty() {
            // Of some it is known again where they go, and that may be here, whether there is a link or not.
            self.send_all_waiting();
        }
    }

    fn look_at(&self, key: Key, knowledge: &Knowledge) {
        let waits = self.update(key, |carried| carried.place.waits()) == Some(true);
        if waits && self.stands(key, knowledge) == Stands::Elsewhere {
            return self.handle_anew(key);
        }
        self.look_at_queued(key, knowledge);
    }

    /// How it stands with a call that was not sent.
    pub fn stands(&self, key: Key, knowledge: &Knowledge) -> Stands {
        let stands = self.calls.with(key, |call| {
            let By::Routing(Carried { course, held, place, errand, .. }) = &mut call.by else {
                return Stands::AsDecided;
            };
            if course.generation() == knowledge.snapshot.generation() {
                return Stands::AsDecided;
            }
            let Some(held) = held else { return Stands::Unknown };
            let Some((header, peeked)) = read(&held.bytes[held.head_len..]) else { return Stands::Unknown };
            let (peeked, serialization) = (&peeked, header.serialization());
            let consumer = Some(call.conn.peer().ip());
            let seen = Seen { peeked, serialization, consumer, island: course.port(), last: None };
            match self.decisions.ways(&seen, knowledge).map(|ways| course.renewed(ways)) {
                Ok(Some(renewed)) => {
                    *course = renewed;
                    held.head_of = None;
                    if *place == Place::Undecided {
                        (*place, *errand) = (Place::Waiting, Errand::Own);
                    }
                    Stands::AsDecided
                }
                Err(failure) if failure.kind == Kind::NotYetKnown => Stands::Unknown,
                Ok(None) | Err(_) => Stands::Elsewhere,
            }
        });
        stands.unwrap_or(Stands::AsDecided)
    }

    /// Hands a call that was not sent to the chain as if it came in now. Its time goes on; where that is over, its consumer is told so.
    pub fn handle_anew(&self, key: Key) {
        let over = self.calls.with(key, |call| (call.deadline <= Instant::now()).then(|| self.overdue(call)));
        if let Some(Some(failure)) = over {
            return self.fail(key, &failure);
        }
        let Some(core) = self.me.upgrade() else { return };
        let Some((call, chain)) = self.calls.take(key) else { return };
        self.count_in_flight();
        let InFlight { conn, arrived, deadline, patience, by, .. } = call;
        let By::Routing(Carried { held: Some(held), course, consumer, unsent_until, .. }) = by else { return };
        if let Some((header, peeked)) = read(&held.bytes[held.head_len..]) {
            tracing::debug!(label = course.label(), "a call that waits is decided anew");
            let (number, island) = (consumer, course.port());
            let origin = Origin { core: &core, conn: &conn, chain: &chain, number, island, last: None };
            core.ask_chain(Request {
                origin: &origin,
                header,
                frame: &held.bytes[held.head_len..],
                peeked: &peeked,
                arrived,
                whole: Instant::now(),
                deadline,
                patience,
                unsent_until,
                charge: held._charge,
                at: 0,
            });
        }
        self.shard.recycle(held.bytes);
    }

    /// Lets the calls go that wait and may go to a provider of this island, where one was listed or connected since the last look.
    pub fn look_for_providers(&self) {
        let knowledge = self.knowledge.load();
        self.local.follow(&knowledge.local);
        let changes = self.local.changes();
        if self.last_look.providers.replace(changes) == changes {
            return;
        }
        let mut waiting = self.absent.keys();
        waiting.retain(|key| self.finds_a_provider(*key, &knowledge));
        self.let_go(waiting, Errand::Own);
        self.send_all_waiting();
    }

    fn finds_a_provider(&self, key: Key, knowledge: &Knowledge) -> bool {
        let stands = |carried: &mut Carried| match carried.place {
            Place::Absent | Place::Unsure => Some((carried.course.clone(), carried.refused)),
            _ => None,
        };
        let Some(Some((course, refused))) = self.update(key, stands) else { return false };
        let is_there = |way: Course| match way.way() {
            Way::Local(route) if refused & bit(&way) == 0 => {
                self.local.candidates(route, &knowledge.local).is_some_and(|candidates| candidates.is_promising())
            }
            _ => false,
        };
        course.all().any(is_there)
    }

    /// Some more than once, and some that have ended.
    fn keys_that_wait(&self) -> VecDeque<Key> {
        self.forget_sent();
        let mut keys = self.waiting.borrow().clone();
        keys.extend(self.absent.keys());
        keys.extend(self.queued.borrow().iter());
        keys
    }
}

/// A frame that was read before.
pub fn read(frame: &[u8]) -> Option<(Header, Peeked<'_>)> {
    let header = Header::decode(frame).ok()??;
    let peeked = peek(&header, frame.get(HEADER_LEN..)?).ok()?;
    Some((header, peeked))
}

#[cfg(test)]
#[path = "anew_tests.rs"]
mod tests;
