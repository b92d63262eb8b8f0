//! Islands to which no hub had a link when a call was sent there, and the calls that wait until one has.
//!
//! ```text
//!   a hub refused, no other hub left ─▶ absent ── a hub says that it is back, or a call got through ─▶ all go out, in their order
//!                                         │ ▲
//!               a second is over, or a    ▼ │ refused again
//!               link came or went ─▶ one of them is tried
//! ```
//!
//! While an island is absent its calls wait here instead of crossing the link to be refused: they would use up what this island may
//! call in a second, and one-way calls would be lost, since nobody tells that they were refused. It sends nothing itself.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use shard::Key;

/// After so long an island is tried again without a word from a hub.
const TRIED_AGAIN: Duration = Duration::from_secs(1);

/// The absent islands of one shard.
#[derive(Default)]
pub struct Absent(RefCell<FxHashMap<Arc<str>, Island>>);

struct Island {
    again: Instant,
    /// The call that was tried last.
    probe: Option<Key>,
    calls: VecDeque<Key>,
}

/// What a call that waits is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// Its answer tells whether the island is there.
    ForAnAnswer,
    /// It is one-way: nothing comes of it here.
    OneWay,
    /// It has ended.
    No,
}

impl Absent {
    /// Whether calls to this island have to wait at `now`.
    pub fn has(&self, island: &str) -> bool {
        let absent = self.0.borrow();
        !absent.is_empty() && absent.contains_key(island)
    }

    /// Whether no island is absent.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// A call waits for its island; one that was tried in vain keeps its place. `waits` tells which of the earlier ones still do: it is
    /// asked when there are more than `many` of them.
    pub fn wait(&self, island: &Arc<str>, key: Key, now: Instant, many: usize, waits: impl Fn(Key) -> Waits) {
        let mut absent = self.0.borrow_mut();
        let new = || Island { again: now + TRIED_AGAIN, probe: None, calls: VecDeque::new() };
        let island = absent.entry(island.clone()).or_insert_with(new);
        if island.calls.len() > many {
            island.calls.retain(|key| waits(*key) != Waits::No);
        }
        if island.probe == Some(key) {
            island.calls.push_front(key);
        } else {
            island.calls.push_back(key);
        }
    }

    /// The island is there again: its calls, in their order.
    pub fn back(&self, island: &str) -> VecDeque<Key> {
        self.0.borrow_mut().remove(island).map(|island| island.calls).unwrap_or_default()
    }

    /// There may be another way now: every island is due.
    pub fn hurry(&self, now: Instant) {
        self.0.borrow_mut().values_mut().for_each(|island| island.again = now);
    }

    /// One call of each island that is to be tried at `now`, the first whose answer tells something. An island for which nobody
    /// waits any more is forgotten.
    pub fn due(&self, now: Instant, waits: impl Fn(Key) -> Waits) -> VecDeque<Key> {
        let mut probes = VecDeque::new();
        let mut absent = self.0.borrow_mut();
        if absent.values().all(|island| now < island.again) {
            return probes;
        }
        absent.retain(|_, island| {
            if now < island.again {
                return true;
            }
            island.calls.retain(|key| waits(*key) != Waits::No);
            let tells = island.calls.iter().position(|key| waits(*key) == Waits::ForAnAnswer);
            island.probe = island.calls.remove(tells.unwrap_or(0));
            island.again = now + TRIED_AGAIN;
            probes.extend(island.probe);
            island.probe.is_some()
        });
        probes
    }

    /// How many calls wait, those that have ended meanwhile included.
    pub fn waiting(&self) -> usize {
        self.0.borrow().values().map(|island| island.calls.len()).sum()
    }
}
