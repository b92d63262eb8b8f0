//! Deadlines of many calls without a timer each: slots of a [`crate::Slots`] in buckets of 10 ms, linked by index so that a
//! call that ends takes its entry out at once. It never allocates a node a call and is up to one tick late, never early.
//!
//! ```text
//!  heads[tick % 1024] ─▶ slot 7 ⇄ slot 3 ⇄ slot 12        one array of nodes, indexed by slot
//! ```

use std::time::{Duration, Instant};

/// The length of a tick. A deadline is noticed at most this much late (and by how late the ticker itself runs).
pub const TICK: Duration = Duration::from_millis(10);

const BUCKETS: usize = 1024;
const NONE: u32 = u32::MAX;

/// Deadlines by slot.
#[derive(Debug)]
pub struct Wheel {
    start: Instant,
    /// The last tick that was looked at.
    seen: u64,
    heads: Vec<u32>,
    nodes: Vec<Node>,
    len: usize,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    tick: u64,
    previous: u32,
    next: u32,
}

const IDLE: Node = Node { tick: 0, previous: NONE, next: NONE };

impl Wheel {
    /// An empty wheel whose time begins at `now`.
    pub fn new(now: Instant) -> Wheel {
        Wheel { start: now, seen: 0, heads: vec![NONE; BUCKETS], nodes: Vec::new(), len: 0 }
    }

    /// Deadlines that are set.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no deadline is set.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sets the deadline of `slot`, in place of an earlier one.
    pub fn set(&mut self, slot: usize, deadline: Instant) {
        self.clear(slot);
        if slot >= self.nodes.len() {
            self.nodes.resize(slot + 1, IDLE);
        }
        let past = deadline.saturating_duration_since(self.start).as_nanos() / TICK.as_nanos();
        let tick = (u64::try_from(past).unwrap_or(u64::MAX - 1) + 1).max(self.seen + 1);
        let head = &mut self.heads[tick as usize % BUCKETS];
        self.nodes[slot] = Node { tick, previous: NONE, next: *head };
        if *head != NONE {
            self.nodes[*head as usize].previous = slot as u32;
        }
        *head = slot as u32;
        self.len += 1;
    }

    /// Takes the deadline of `slot` out, if there is one.
    pub fn clear(&mut self, slot: usize) {
        let Some(node) = self.nodes.get(slot).copied().filter(|node| node.tick != 0) else { return };
        match node.previous {
            NONE => self.heads[node.tick as usize % BUCKETS] = node.next,
            previous => self.nodes[previous as usize].next = node.next,
        }
        if node.next != NONE {
            self.nodes[node.next as usize].previous = node.previous;
        }
        self.nodes[slot] = IDLE;
        self.len -= 1;
    }

    /// Takes out the slots whose deadline has passed at `now` and pushes them to `due`.
    pub fn expire(&mut self, now: Instant, due: &mut Vec<usize>) {
        let current = (now.saturating_duration_since(self.start).as_nanos() / TICK.as_nanos()) as u64;
        // A sleep longer than the wheel's round looks at every bucket once.
        let from = (self.seen + 1).max(current.saturating_sub(BUCKETS as u64 - 1));
        for tick in from..=current {
            let mut slot = self.heads[tick as usize % BUCKETS];
            while slot != NONE {
                let node = self.nodes[slot as usize];
                if node.tick <= current {
                    self.clear(slot as usize);
                    due.push(slot as usize);
                }
                slot = node.next;
            }
        }
        self.seen = self.seen.max(current);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(wheel: &mut Wheel, at: Instant) -> Vec<usize> {
        let mut due = Vec::new();
        wheel.expire(at, &mut due);
        due.sort_unstable();
        due
    }

    #[test]
    fn a_deadline_is_never_early_and_at_most_a_tick_late() {
        let start = Instant::now();
        for offset in [0, 1, 9, 10, 11, 25, 10_239, 10_240, 10_241, 60_000] {
            let mut wheel = Wheel::new(start);
            let deadline = start + Duration::from_millis(offset);
            wheel.set(5, deadline);
            let mut at = start;
            let fired = loop {
                if due(&mut wheel, at) == [5] {
                    break at;
                }
                at += Duration::from_millis(1);
            };
            assert!(fired >= deadline && fired <= deadline + TICK, "{offset}: {:?}", fired - start);
            assert!(wheel.is_empty());
        }
    }

    #[test]
    fn a_cleared_deadline_never_fires_and_neighbours_stay() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        for slot in 0..5 {
            wheel.set(slot, start + Duration::from_millis(15));
        }
        for slot in [0, 2, 4, 4, 9] {
            wheel.clear(slot);
        }
        assert_eq!(wheel.len(), 2);
        assert_eq!(due(&mut wheel, start + Duration::from_millis(30)), [1, 3]);
    }

    #[test]
    fn a_long_sleep_misses_nothing_and_later_rounds_stay() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        wheel.set(1, start + Duration::from_secs(5));
        wheel.set(2, start + Duration::from_secs(30));
        wheel.set(3, start + Duration::from_secs(300));
        assert_eq!(due(&mut wheel, start + Duration::from_secs(100)), [1, 2]);
        assert_eq!(due(&mut wheel, start + Duration::from_secs(299)), [0usize; 0]);
        assert_eq!(due(&mut wheel, start + Duration::from_secs(301)), [3]);
    }

    #[test]
    fn a_deadline_in_the_past_fires_at_the_next_tick() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        due(&mut wheel, start + Duration::from_secs(20));
        wheel.set(7, start + Duration::from_secs(1));
        assert_eq!(due(&mut wheel, start + Duration::from_secs(20) + TICK), [7]);
    }
}
