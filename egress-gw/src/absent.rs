//! Islands to which no hub had a link when a call was sent there, and the calls that wait until one has.
//!
//! ```text
//!   a hub refused, no other hub left ─▶ absent ── a hub says that it is back, a link came or went, a second is over ─▶ tried again
//! ```
//!
//! While an island is absent its calls wait here instead of crossing the link to be refused. Each second one of them would be
//! refused again at worst, so that nothing depends on a notice that never comes. It sends nothing itself.

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
    calls: VecDeque<Key>,
}

impl Absent {
    /// Whether calls to this island have to wait at `now`.
    pub fn has(&self, island: &str) -> bool {
        let absent = self.0.borrow();
        !absent.is_empty() && absent.contains_key(island)
    }

    /// A call waits for its island. `is_waiting` tells which of the earlier ones still do: it is asked when there are more than
    /// `many` of them.
    pub fn wait(&self, island: &Arc<str>, key: Key, now: Instant, many: usize, is_waiting: impl Fn(Key) -> bool) {
        let mut absent = self.0.borrow_mut();
        let new = || Island { again: now + TRIED_AGAIN, calls: VecDeque::new() };
        let calls = &mut absent.entry(island.clone()).or_insert_with(new).calls;
        if calls.len() > many {
            calls.retain(|key| is_waiting(*key));
        }
        calls.push_back(key);
    }

    /// The island may be there again: its calls, in their order.
    pub fn back(&self, island: &str) -> VecDeque<Key> {
        self.0.borrow_mut().remove(island).map(|island| island.calls).unwrap_or_default()
    }

    /// Everything may be different: all calls.
    pub fn all_back(&self) -> VecDeque<Key> {
        self.0.take().into_values().flat_map(|island| island.calls).collect()
    }

    /// The calls of islands that are to be tried again at `now`.
    pub fn due(&self, now: Instant) -> VecDeque<Key> {
        let mut absent = self.0.borrow_mut();
        if absent.values().all(|island| now < island.again) {
            return VecDeque::new();
        }
        absent.extract_if(|_, island| island.again <= now).flat_map(|(_, island)| island.calls).collect()
    }

    /// How many calls wait, those that have ended meanwhile included.
    pub fn waiting(&self) -> usize {
        self.0.borrow().values().map(|island| island.calls.len()).sum()
    }
}
