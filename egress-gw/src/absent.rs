//! Calls that no hub could pass on when they were sent: their island had no link, or had just linked and not said what it offers.
//!
//! ```text
//!   no link ─▶ absent: all calls to the island wait here ── a hub says that it is back, or one that was tried got through ─▶ all go
//!                 │ ▲
//!   a second is   ▼ │ refused again: it keeps its place, and another is tried next
//!   over: one of them is tried
//!
//!   not said yet ─▶ unsure: this call alone waits ── a second is over, or the island is back ─▶ it goes
//! ```
//!
//! While an island is absent its calls wait here instead of crossing the link to be refused: each would cost the hub a refusal and a line
//! of its audit, and one-way calls would be lost, since nobody tells that they were refused. For the same reason a one-way call is not
//! tried; where nothing else waits, a link that came or went lets it go. It sends nothing itself.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::{FxHashMap, FxHashSet};
use shard::Key;

/// What nobody says anything about is tried again after so long.
const TRIED_AGAIN: Duration = Duration::from_secs(1);

/// The calls of this shard that wait here.
#[derive(Default)]
pub struct Absent {
    islands: RefCell<FxHashMap<Arc<str>, Island>>,
    unsure: RefCell<VecDeque<Unsure>>,
}

struct Island {
    again: Instant,
    /// In the order in which they came, those that are being tried included.
    calls: VecDeque<Parked>,
}

struct Parked {
    key: Key,
    tried: u32,
}

struct Unsure {
    again: Instant,
    island: Arc<str>,
    key: Key,
}

/// How it stands with a call that was let in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// It waits, and its answer would tell whether the island is there.
    ForAnAnswer,
    /// It waits, but it is one-way: nothing comes of it here.
    OneWay,
    /// It is being tried.
    Tried,
    /// It has ended, or is elsewhere.
    No,
}

impl Absent {
    /// Whether calls to this island have to wait.
    pub fn has(&self, island: &str) -> bool {
        let islands = self.islands.borrow();
        !islands.is_empty() && islands.contains_key(island)
    }

    /// Whether nothing waits here.
    pub fn is_empty(&self) -> bool {
        self.islands.borrow().is_empty() && self.unsure.borrow().is_empty()
    }

    /// A call waits for its island; one that was tried has its place already. `waits` tells how it stands with the earlier ones: it is
    /// asked when there are more than `many` of them.
    pub fn wait(&self, island: &Arc<str>, key: Key, now: Instant, many: usize, waits: impl Fn(Key, &str) -> Waits) {
        let mut islands = self.islands.borrow_mut();
        let new = || Island { again: now + TRIED_AGAIN, calls: VecDeque::new() };
        let calls = &mut islands.entry(island.clone()).or_insert_with(new).calls;
        if calls.len() > many {
            forget_others(calls, |key| waits(key, island) != Waits::No);
        }
        calls.push_back(Parked { key, tried: 0 });
    }

    /// No hub has a link to this island, and the call that found it out goes another way: the next ones need not find it out anew.
    pub fn note(&self, island: &Arc<str>, now: Instant) {
        let new = || Island { again: now + TRIED_AGAIN, calls: VecDeque::new() };
        self.islands.borrow_mut().entry(island.clone()).or_insert_with(new);
    }

    /// A call waits until its island has said what it offers.
    pub fn wait_unsure(&self, island: &Arc<str>, key: Key, now: Instant) {
        self.unsure.borrow_mut().push_back(Unsure { again: now + TRIED_AGAIN, island: island.clone(), key });
    }

    /// The island is there again: its calls, in their order.
    pub fn back(&self, island: &str) -> Vec<Key> {
        let calls = self.islands.borrow_mut().remove(island).map(|island| island.calls).unwrap_or_default();
        let mut back: Vec<Key> = calls.into_iter().map(|call| call.key).collect();
        self.unsure.borrow_mut().retain(|call| {
            let stays = *call.island != *island;
            if !stays {
                back.push(call.key);
            }
            stays
        });
        back
    }

    /// There may be another way now: each island is due, and the calls of those for which only one-way ones wait.
    pub fn ways_changed(&self, now: Instant, waits: impl Fn(Key, &str) -> Waits) -> Vec<Key> {
        let mut gone = Vec::new();
        self.islands.borrow_mut().retain(|name, island| {
            island.again = now;
            let tells = |call: &Parked| matches!(waits(call.key, name), Waits::ForAnAnswer | Waits::Tried);
            let stays = island.calls.iter().any(tells);
            if !stays {
                gone.extend(island.calls.iter().map(|call| call.key));
            }
            stays
        });
        gone
    }

    /// The call of each island that is to be tried there at `now`: of those that were tried least the first. An island for which nobody
    /// waits any more is forgotten.
    pub fn to_try(&self, now: Instant, waits: impl Fn(Key, &str) -> Waits) -> Vec<(Arc<str>, Key)> {
        let mut tried = Vec::new();
        let mut islands = self.islands.borrow_mut();
        if islands.values().all(|island| now < island.again) {
            return tried;
        }
        islands.retain(|name, island| {
            if now < island.again {
                return true;
            }
            island.again = now + TRIED_AGAIN;
            forget_others(&mut island.calls, |key| waits(key, name) != Waits::No);
            // A call that may go to several of them waits for each, and is tried at one.
            let is_free = |call: &&mut Parked| !tried.iter().any(|(_, key): &(Arc<str>, Key)| *key == call.key);
            let waiting = island.calls.iter_mut().filter(|call| waits(call.key, name) == Waits::ForAnAnswer);
            if let Some(call) = waiting.filter(is_free).min_by_key(|call| call.tried) {
                call.tried += 1;
                tried.push((name.clone(), call.key));
            }
            !island.calls.is_empty()
        });
        tried
    }

    /// The calls whose island had not said what it offers and may have by `now`.
    pub fn no_longer_unsure(&self, now: Instant) -> Vec<Key> {
        let mut unsure = self.unsure.borrow_mut();
        let over = unsure.iter().take_while(|call| call.again <= now).count();
        unsure.drain(..over).map(|call| call.key).collect()
    }

    /// The calls that wait; those that may go to several islands more than once.
    pub fn keys(&self) -> Vec<Key> {
        let (islands, unsure) = (self.islands.borrow(), self.unsure.borrow());
        let absent = islands.values().flat_map(|island| island.calls.iter().map(|call| call.key));
        absent.chain(unsure.iter().map(|call| call.key)).collect()
    }

    /// How many calls wait, those that have ended meanwhile included.
    pub fn waiting(&self) -> usize {
        self.islands.borrow().values().map(|island| island.calls.len()).sum::<usize>() + self.unsure.borrow().len()
    }
}

/// Forgets the calls that do not wait here any more, and of one that has come back its later place.
fn forget_others(calls: &mut VecDeque<Parked>, waits: impl Fn(Key) -> bool) {
    let mut seen = FxHashSet::default();
    calls.retain(|call| waits(call.key) && seen.insert(call.key));
}
