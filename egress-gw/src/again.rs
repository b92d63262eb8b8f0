//! What becomes of a call that was not sent: another link or hub, or it waits, for a link or for its island; and whoever waits for an
//! island that is there again goes on.
//!
//! ```text
//!  failed ─ not sent, and another link or hub is there ─▶ sent again
//!     │   └ no other ─▶ waits for a link ─────────── a link came ─▶ sent again, in the order in which they came
//!     │              └▶ waits for its island (absent.rs) ─ tried, or it is back ─▶ waits for a link
//!     └ may have run, or its time is over ─▶ its consumer is told
//! ```
//!
//! A call is only ever sent again after *not sent*, and only within its deadline.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use shard::Key;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};
use wire::tunnel::head;

use crate::absent::Waits;
use crate::core::{By, Core, Wants};
use crate::forward::{Place, remaining_ms};
use crate::links::{Tried, Uplink, Wanted};

impl Core {
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

    pub fn wait_for_island(&self, island: &Arc<str>, key: Key, now: Instant) {
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
    pub fn got_through(&self, key: Key) {
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
}

/// Whether another link could do better: the call was not sent, and for a reason that lies between here and the island.
pub fn may_go_elsewhere(failure: &Failure) -> bool {
    let between = matches!(failure.stage, Stage::Tunnel | Stage::Switch)
        && matches!(failure.kind, Kind::NoLink | Kind::LinkLost | Kind::Draining);
    failure.outcome == Outcome::NotSent && between
}

/// Whether it was said in the island itself, so that the way there is open.
fn is_of_the_island(failure: &Failure) -> bool {
    matches!(failure.stage, Stage::Pick | Stage::Provider)
}

#[cfg(test)]
#[path = "again_tests.rs"]
mod tests;
