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

use std::sync::Arc;
use std::time::Instant;

use shard::Key;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};
use wire::tunnel::head;

use crate::absent::Waits;
use crate::core::{By, Core, Wants};
use crate::forward::{Errand, Place, remaining_ms};
use crate::links::{Tried, Uplink, Wanted};

impl Core {
    /// A call has ended without an answer: on another link if that is safe and there is one, else its consumer is told.
    pub fn failed(&self, key: Key, failure: Failure) {
        let now = Instant::now();
        if !may_go_elsewhere(&failure) || failure.kind == Kind::NotYetKnown {
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
            By::Handler { .. } => None,
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
        let place = match (failure.stage, failure.kind) {
            (Stage::Tunnel, _) => Place::Waiting,
            (_, Kind::NotYetKnown) => Place::Unsure,
            _ => Place::Absent,
        };
        let waits = self.update(key, |carried| {
            carried.place = place;
            carried.tried = Tried::default();
            (carried.unsent_until, carried.route.island.clone(), carried.errand)
        });
        let Some((unsent_until, island, errand)) = waits else { return };
        if unsent_until <= now {
            return self.fail(key, failure);
        }
        self.calls.set_deadline(key, unsent_until);
        match place {
            Place::Absent if errand == Errand::ForAll => {}
            Place::Absent => self.wait_for_island(&island, key, now),
            Place::Unsure => self.absent.wait_unsure(&island, key, now),
            _ => self.waiting.borrow_mut().push_back(key),
        }
    }

    pub fn wait_for_island(&self, island: &Arc<str>, key: Key, now: Instant) {
        self.absent.wait(island, key, now, 2 * self.calls.len() + 64, |key| self.waits(key));
    }

    fn waits(&self, key: Key) -> Waits {
        let waits = self.calls.with(key, |call| match (&call.by, call.wants) {
            (By::Island(carried), _) if carried.place != Place::Absent => Waits::Tried,
            (_, Wants::Nothing) => Waits::OneWay,
            _ => Waits::ForAnAnswer,
        });
        waits.unwrap_or(Waits::No)
    }

    /// What became of a call says that there is a way to its island: if it was sent to find that out, all who wait go. What had been sent
    /// before says nothing: a gateway that stops still answers what it has taken.
    pub fn got_through(&self, key: Key) {
        if self.absent.is_empty() {
            return;
        }
        let found =
            self.update(key, |carried| (carried.errand == Errand::ForAll).then(|| carried.route.island.clone()));
        if let Some(island) = found.flatten() {
            self.island_is_back(&island);
        }
    }

    /// A hub has a link to this island again, and it has said what it offers.
    pub fn island_is_back(&self, island: &str) {
        self.let_go(self.absent.back(island), Errand::Own);
    }

    /// A link came or went: whatever was absent may be reached by another way now.
    pub fn ways_changed(&self) {
        let now = Instant::now();
        let go = self.absent.ways_changed(now, |key| self.waits(key));
        self.let_go(go, Errand::Own);
        self.try_again(now);
    }

    /// Tries again what nothing was heard of for a while.
    pub fn try_again(&self, now: Instant) {
        if !self.absent.is_empty() && self.links.any_usable() {
            self.let_go(self.absent.no_longer_unsure(now), Errand::Own);
            self.let_go(self.absent.to_try(now, |key| self.waits(key)), Errand::ForAll);
        }
    }

    /// These calls wait for a link like all others.
    fn let_go(&self, calls: Vec<Key>, errand: Errand) {
        if calls.is_empty() {
            return;
        }
        for key in calls {
            let goes = self.update(key, |carried| {
                carried.errand = errand;
                let waits = matches!(carried.place, Place::Absent | Place::Unsure);
                if waits {
                    carried.place = Place::Waiting;
                }
                waits
            });
            if goes == Some(true) {
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
        && matches!(failure.kind, Kind::NoLink | Kind::NotYetKnown | Kind::LinkLost | Kind::Draining);
    failure.outcome == Outcome::NotSent && between
}

#[cfg(test)]
#[path = "again_tests.rs"]
mod tests;
