//! Small records that wait for credit or a connection, in the order in which they came. Two lanes:
//!
//! ```text
//!   answered  calls that somebody waits for, replies, notices        all of the window
//!   one-way   calls that nobody waits for                            what long bodies get, when none of the others waits:
//!                                                                    three quarters of it, in turns with them
//! ```
//!
//! A caller may send one-way calls without end, and nothing slows him down: with a lane of their own they hold up nobody who waits,
//! and with turns of their own long bodies, of which there may be many, do not keep them here until they are late.
//! It never drops a record by itself: a full lane says so.

use std::collections::VecDeque;
use std::collections::vec_deque::Iter;

use wire::tunnel::RecordType;

use super::Patience;
use super::credit::{SMALL_RESERVE, WAITING_LEN};

/// Places for records that an empty lane keeps.
const SPARE: usize = 16;

/// A record that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) kind: RecordType,
    pub(super) exchange: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) patience: Option<Patience>,
}

/// See the module's picture.
#[derive(Debug)]
pub(super) struct Lane {
    records: VecDeque<Waiting>,
    len: usize,
    /// Bytes that may wait.
    room: usize,
    /// Bytes of the window that are left to others.
    reserve: usize,
}

impl Lane {
    pub(super) fn answered() -> Lane {
        Lane { records: VecDeque::new(), len: 0, room: WAITING_LEN, reserve: 0 }
    }

    pub(super) fn one_way() -> Lane {
        Lane { records: VecDeque::new(), len: 0, room: WAITING_LEN / 2, reserve: SMALL_RESERVE }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn has_room(&self, len: usize) -> bool {
        self.len + len <= self.room
    }

    /// Whether a record of this length could go at once.
    pub(super) fn lets_pass(&self, len: usize, window: usize) -> bool {
        self.is_empty() && len + self.reserve <= window
    }

    /// Whether the first that waits could go now.
    pub(super) fn can_go(&self, window: usize) -> bool {
        self.records.front().is_some_and(|first| first.bytes.len() + self.reserve <= window)
    }

    pub(super) fn push(&mut self, record: Waiting) {
        self.len += record.bytes.len();
        self.records.push_back(record);
    }

    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let first = self.records.pop_front()?;
        self.len -= first.bytes.len();
        Some(first)
    }

    pub(super) fn iter(&self) -> Iter<'_, Waiting> {
        self.records.iter()
    }

    pub(super) fn retain(&mut self, mut is_wanted: impl FnMut(&Waiting) -> bool) {
        self.records.retain(&mut is_wanted);
        self.len = self.records.iter().map(|record| record.bytes.len()).sum();
    }

    /// Gives back what a crowd had needed.
    pub(super) fn rest(&mut self) {
        if self.records.is_empty() {
            self.records.shrink_to(SPARE);
        }
    }

    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.len = 0;
    }
}
