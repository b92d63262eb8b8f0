//! What becomes of a call that was not sent: another link or hub, or it waits, for a link or for its island; and whoever waits for an
//! island that is there again goes on.
//!
//! ```text
//!  failed ─ not sent, and it is decided otherwise by now ─▶ as if it came in now (anew.rs)
//!     │   ├ nobody knows by now where it goes ───────────▶ waits
//!     │   ├ another link or hub is there ────────────────▶ sent again
//!     │   ├ no other, but another way that it may take ──▶ sent there
//!     │   └ none ────────────────────────────────────────▶ waits
//!     └ may have run, or its time is over ─▶ its consumer is told
//! ```
//!
//! | not sent, since | waits as | until |
//! |---|---|---|
//! | there is no link, or none that takes it | `Waiting` | a link takes it: looked at each tick, in the order in which they came |
//! | its hub has no link to its island | `Absent`, with each island of its list that is | an island is back, or gets a call that was tried; a link came or went; each second one of them is tried |
//! | it was tried for all who wait, and that is still so | `Absent`, in its old place | likewise |
//! | its island has not said yet what it offers | `Unsure` | a second is over, or the island is back |
//! | nobody takes it beyond the hub, or in this island | `Absent` where an island of its list is, else `Waiting` | likewise, but for the ways where it was refused |
//! | nobody knows by now where it goes | `Undecided` | somebody does (anew.rs) |
//!
//! Whatever it waits as, it goes when a provider of this island is there that it may go to, and is decided anew when what is known has
//! changed (anew.rs). A call is only ever sent again after *not sent*, and only within its deadline.
//!
//! Long because: what waits, and each way into waiting and out of it, is one table.

use std::sync::Arc;
use std::time::Instant;

use shard::Key;
use wire::dubbo::call::Peeked;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};
use wire::tunnel::head::{self, Flags, Fresh, Head};

use crate::absent::Waits;
use crate::anew::{Stands, read};
use crate::cache::{Course, Way};
use crate::core::{By, Core, Wants};
use crate::forward::{Carried, Errand, Held, Place, Ready, remaining_ms, too_long};
use crate::knowledge::Knowledge;
use crate::links::{Tried, Uplink, Wanted};
use crate::local_call::Locally;

impl Core {
    /// A call has ended without an answer: on another link or way if that is safe and there is one, else its consumer is told.
    pub fn failed(&self, key: Key, failure: Failure) {
        self.failed_by(&self.knowledge.load(), key, failure);
    }

    /// The same by what was known when the call was judged: by what came since then it may be judged otherwise.
    pub fn failed_by(&self, knowledge: &Knowledge, key: Key, failure: Failure) {
        let now = Instant::now();
        if !may_go_elsewhere(&failure) || failure.kind == Kind::NotYetKnown {
            self.got_through(key);
        }
        let stands = self.calls.with(key, |call| match &call.by {
            By::Routing(carried) if may_go_on(&failure) && now < call.deadline && carried.held.is_some() => {
                Some((carried.consumer, carried.tried))
            }
            _ => None,
        });
        let (consumer, tried) = match stands {
            Some(Some(stands)) => stands,
            Some(None) => return self.fail(key, &failure),
            None => return self.counters.late.add(1),
        };
        let stands = self.stands(key, knowledge);
        if stands == Stands::Elsewhere {
            return self.handle_anew(key);
        }
        let noted = self.update(key, |Carried { course, been, refused, .. }| {
            *been |= bit(course);
            // From beyond the hub; a provider here may be back at any time.
            if !may_go_elsewhere(&failure) && course.island().is_some() {
                *refused |= bit(course);
            }
            (course.clone(), *been, *refused)
        });
        let Some((course, been, refused)) = noted else { return };
        if stands == Stands::Unknown && course.all().any(|way| refused & bit(&way) == 0) {
            return self.wait(key, &failure, stands, now);
        }
        if let Some(island) = course.island().filter(|_| may_go_elsewhere(&failure)) {
            let wanted = Wanted { island, consumer, tried: &tried, hubs: &failure.hubs };
            if let Some(link) = self.links.pick(&wanted, knowledge) {
                return self.send_again(key, &*link, now);
            }
            if course.has_others() && place_after(&failure) == Place::Absent {
                self.absent.note(island, now);
            }
        }
        let others = || course.others().filter(|other| been & bit(other) == 0);
        let other = self.first_ready(others(), consumer, knowledge);
        match other {
            Some((other, ready)) => self.go_on(key, other, ready, now),
            None if may_go_elsewhere(&failure) || others().next().is_some() => self.wait(key, &failure, stands, now),
            None => self.fail(key, &failure),
        }
    }

    /// Sends a call that waits, or was not sent, the way that takes it.
    fn go_on(&self, key: Key, course: Course, ready: Ready, now: Instant) {
        self.update(key, |carried| {
            if carried.course.position() != course.position() {
                carried.tried = Tried::default();
                carried.errand = Errand::Own;
                carried.locally = Locally::default();
            }
            carried.course = course;
        });
        match ready {
            Ready::Link(link) => self.send_again(key, &*link, now),
            Ready::Providers(candidates) => self.call_provider_again(key, &candidates, now),
        }
    }

    fn send_again(&self, key: Key, link: &dyn Uplink, now: Instant) {
        let taken = self.calls.with(key, |call| match &mut call.by {
            By::Routing(carried) => {
                carried.held.take().map(|held| (held, carried.course.clone(), call.deadline, call.wants))
            }
            By::Handler(_) => None,
        });
        let Some(Some((held, course, deadline, wants))) = taken else { return };
        let mut held = match self.with_head(held, &course, wants, deadline) {
            Ok(held) => held,
            Err(failure) => return self.fail(key, &failure),
        };
        self.counters.resent.add(1);
        self.calls.set_deadline(key, deadline);
        let (head, body) = held.bytes.split_at_mut(held.head_len);
        head::next_attempt(head, remaining_ms(deadline, now));
        let opened = link.open(head, body, if wants == Wants::Answer { key.number() } else { 0 });
        if wants == Wants::Nothing && opened.is_ok() {
            self.count_one_way(course.tally());
            if let Some(call) = self.calls.remove(key) {
                self.forget(call.by);
            }
            return self.shard.recycle(held.bytes);
        }
        self.opened(key, link, opened, Some(held));
    }

    /// What is held, with the head for this way in front.
    fn with_head(&self, held: Held, course: &Course, wants: Wants, deadline: Instant) -> Result<Held, Failure> {
        let Way::Island(route) = course.way() else { return Ok(held) };
        if held.head_of == Some(course.position()) {
            return Ok(held);
        }
        let (head, frame) = held.bytes.split_at(held.head_len);
        let attempts = Head::decode(head).map_or(0, |head| head.attempt);
        let read = read(frame);
        let call = read.as_ref().and_then(|(_, peeked)| match peeked {
            Peeked::Call(call) => Some(call),
            Peeked::Opaque(_) => None,
        });
        let fresh = Fresh {
            flags: if wants == Wants::Nothing { Flags::ONE_WAY } else { Flags::default() },
            remaining_ms: remaining_ms(deadline, Instant::now()),
            body_len: frame.len() as u32,
            stamp: held.stamp,
            traceparent: call.and_then(|call| call.traceparent.as_deref()).unwrap_or_default(),
        };
        let mut bytes = self.shard.buffer();
        head::fill(&route.head, &fresh, &mut bytes).map_err(|error| too_long(&error))?;
        for _ in 0..attempts {
            head::next_attempt(&mut bytes, fresh.remaining_ms);
        }
        let head_len = bytes.len();
        bytes.extend_from_slice(frame);
        let before = Held { bytes, head_len, head_of: Some(course.position()), ..held };
        Ok(before)
    }

    /// Lets a call wait that was refused where it was sent and has nowhere else to go now.
    fn wait(&self, key: Key, failure: &Failure, stands: Stands, now: Instant) {
        let waits = self.update(key, |carried| {
            carried.tried = Tried::default();
            // Who said no there would say no again: the call waits for the other ways.
            carried.been = carried.refused;
            carried.locally = Locally::default();
            (carried.unsent_until, carried.course.clone(), carried.errand)
        });
        let Some((unsent_until, course, errand)) = waits else { return };
        if unsent_until <= now {
            return self.fail(key, failure);
        }
        let is_absent = |one: Course| one.island().is_some_and(|island| self.absent.has(island));
        let place = match course.island() {
            _ if stands == Stands::Unknown => Place::Undecided,
            Some(_) if may_go_elsewhere(failure) => place_after(failure),
            _ if course.all().any(is_absent) => Place::Absent,
            _ => Place::Waiting,
        };
        self.update(key, |carried| carried.place = place);
        self.calls.set_deadline(key, unsent_until);
        match (place, course.island()) {
            (Place::Absent, Some(island)) if errand == Errand::ForAll => {
                // It has its place there still.
                let elsewhere = course.all().filter(|one| one.island() != Some(island));
                self.wait_for_islands(elsewhere, key, now, None);
            }
            (Place::Absent, Some(island)) if may_go_elsewhere(failure) => {
                self.wait_for_islands(course.all(), key, now, Some(island));
            }
            (Place::Absent, _) => self.wait_for_islands(course.all(), key, now, None),
            (Place::Unsure, Some(island)) => self.absent.wait_unsure(island, key, now),
            _ => self.waiting.borrow_mut().push_back(key),
        }
    }

    /// A call waits for every island of these that is absent, and for `missing`, which has just been found to be.
    pub fn wait_for_islands(
        &self,
        ways: impl Iterator<Item = Course>,
        key: Key,
        now: Instant,
        missing: Option<&Arc<str>>,
    ) {
        for one in ways {
            let Some(island) = one.island() else { continue };
            if missing == Some(island) || self.absent.has(island) {
                let many = 2 * self.calls.len() + 64;
                self.absent.wait(island, key, now, many, |key, island| self.waits(key, island));
            }
        }
    }

    /// How it stands with a call that has begun to wait for this island.
    fn waits(&self, key: Key, island: &str) -> Waits {
        let waits = self.calls.with(key, |call| {
            let By::Routing(carried) = &call.by else { return Waits::No };
            match (carried.place, call.wants) {
                (Place::Absent, Wants::Nothing) => Waits::OneWay,
                (Place::Absent, Wants::Answer) => Waits::ForAnAnswer,
                (Place::Waiting | Place::OnLink { .. }, _)
                    if carried.errand == Errand::ForAll
                        && carried.course.island().is_some_and(|tried| **tried == *island) =>
                {
                    Waits::Tried
                }
                // It goes elsewhere, or for itself alone: if it waits again, it comes here again.
                _ => Waits::No,
            }
        });
        waits.unwrap_or(Waits::No)
    }

    /// What became of a call says that there is a way to its island: if it was sent to find that out, all who wait go. What had been sent
    /// before says nothing: a gateway that stops still answers what it has taken.
    pub fn got_through(&self, key: Key) {
        if self.absent.is_empty() {
            return;
        }
        let on_errand =
            |carried: &mut Carried| (carried.errand == Errand::ForAll).then(|| carried.course.island().cloned());
        if let Some(island) = self.update(key, on_errand).flatten().flatten() {
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
        let go = self.absent.ways_changed(now, |key, island| self.waits(key, island));
        self.let_go(go, Errand::Own);
        self.try_again(now);
    }

    /// Tries again what nothing was heard of for a while.
    pub fn try_again(&self, now: Instant) {
        if !self.absent.is_empty() && self.links.any_usable() {
            self.let_go(self.absent.no_longer_unsure(now), Errand::Own);
            for (island, key) in self.absent.to_try(now, |key, island| self.waits(key, island)) {
                self.update(key, |carried| {
                    let there = carried.course.all().find(|one| one.island() == Some(&island));
                    if let Some(there) = there {
                        carried.course = there;
                    }
                });
                self.let_go(vec![key], Errand::ForAll);
            }
        }
    }

    /// These calls wait for a link like all others.
    pub fn let_go(&self, calls: Vec<Key>, errand: Errand) {
        if calls.is_empty() {
            return;
        }
        for key in calls {
            let goes = self.update(key, |carried| {
                let waits = matches!(carried.place, Place::Absent | Place::Unsure);
                if waits || errand == Errand::Own {
                    carried.errand = errand;
                }
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
        if !self.waiting.borrow().is_empty() && self.links.any_usable() {
            self.send_all_waiting();
        }
    }

    /// The same, whether there is a link or not.
    pub fn send_all_waiting(&self) {
        let knowledge = self.knowledge.load();
        let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
        let now = Instant::now();
        for key in waiting {
            let Some(mut found) = self.way_now(key, &knowledge) else { continue };
            if let Some((course, _)) = &found
                && course.generation() != knowledge.snapshot.generation()
            {
                // Its turn in the look at all that wait has not come yet.
                match self.stands(key, &knowledge) {
                    Stands::AsDecided => {}
                    Stands::Unknown => drop(self.update(key, |carried| carried.place = Place::Undecided)),
                    Stands::Elsewhere => {
                        self.handle_anew(key);
                        continue;
                    }
                }
                found = self.way_now(key, &knowledge).flatten();
            }
            match found {
                Some((course, ready)) => self.go_on(key, course, ready, now),
                None => self.waiting.borrow_mut().push_back(key),
            }
        }
    }

    /// What takes a call now that waits for a link; `None` where it does not wait any more.
    fn way_now(&self, key: Key, knowledge: &Knowledge) -> Option<Option<(Course, Ready)>> {
        let stands = self.calls.with(key, |call| match &call.by {
            By::Routing(carried) if carried.place == Place::Waiting => {
                Some(Some((carried.course.clone(), carried.consumer, carried.tried, carried.errand, carried.refused)))
            }
            By::Routing(carried) if carried.place == Place::Undecided => Some(None),
            _ => None,
        })??;
        let Some((course, consumer, tried, errand, refused)) = stands else { return Some(None) };
        Some(match course.island() {
            // Not asked whether its island is absent: that is what it finds out.
            Some(island) if errand == Errand::ForAll || !course.has_others() => {
                let link = self.links.pick(&Wanted { island, consumer, tried: &tried, hubs: &[] }, knowledge);
                link.map(|link| (course.clone(), Ready::Link(link)))
            }
            _ => self.first_ready(course.all().filter(|way| refused & bit(way) == 0), consumer, knowledge),
        })
    }
}

/// Where a call waits after it was refused between here and its island.
fn place_after(failure: &Failure) -> Place {
    match (failure.stage, failure.kind) {
        (Stage::Tunnel, _) => Place::Waiting,
        (_, Kind::NotYetKnown) => Place::Unsure,
        _ => Place::Absent,
    }
}

/// The mark of a way among those that a call has been on; a list is never so long that one has none.
pub fn bit(course: &Course) -> u64 {
    u32::try_from(course.position()).ok().and_then(|at| 1_u64.checked_shl(at)).unwrap_or(u64::MAX)
}

/// Whether another way could do better: the call was not sent, and not for a reason that lies in the call.
pub fn may_go_on(failure: &Failure) -> bool {
    let unavailable = matches!(
        failure.kind,
        Kind::NoLink | Kind::NotYetKnown | Kind::LinkLost | Kind::Draining | Kind::ProviderGone | Kind::NotOffered
    );
    failure.outcome == Outcome::NotSent && unavailable
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

#[cfg(test)]
#[path = "in_order_tests.rs"]
mod in_order_tests;
