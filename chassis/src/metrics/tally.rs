//! What came of calls of one kind: to one service of one island, or from one island. For `/status`, where names may stand that are
//! never labels of metrics.
//!
//! One thread's own, like a counter: plain cells, shared with `Rc` by whoever ends the calls. It keeps no single call.

use std::cell::Cell;
use std::cmp::Reverse;
use std::ops::AddAssign;
use std::time::Duration;

use serde::Serialize;

/// The cells of one kind.
#[derive(Debug, Default)]
pub struct Tally(Cell<Tallied>);

/// What they say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tallied {
    /// Calls that have ended, however.
    pub calls: u64,
    /// Those that ended in a failure.
    pub failed: u64,
    /// Those that were answered.
    pub answered: u64,
    /// What these took, all together, in microseconds.
    pub took_us: u64,
}

impl Tally {
    /// A call was answered, `took` after it had come.
    pub fn answered(&self, took: Duration) {
        let Tallied { calls, failed, answered, took_us } = self.0.get();
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.0.set(Tallied { calls: calls + 1, failed, answered: answered + 1, took_us: took_us.saturating_add(took) });
    }

    /// A call has ended without an answer, and nobody waits for one: it was one-way, or was given up.
    pub fn ended(&self) {
        let now = self.0.get();
        self.0.set(Tallied { calls: now.calls + 1, ..now });
    }

    /// A call has failed.
    pub fn failed(&self) {
        let now = self.0.get();
        self.0.set(Tallied { calls: now.calls + 1, failed: now.failed + 1, ..now });
    }

    /// What there was up to now.
    #[must_use]
    pub fn get(&self) -> Tallied {
        self.0.get()
    }
}

impl AddAssign for Tallied {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.failed += other.failed;
        self.answered += other.answered;
        self.took_us = self.took_us.saturating_add(other.took_us);
    }
}

/// At most `most` of `all`, those first that fail most, then those that are called most; and how many were left out.
#[must_use]
pub fn worst<N: Ord>(mut all: Vec<(N, Tallied)>, most: usize) -> (Vec<(N, Tallied)>, usize) {
    all.sort_unstable_by(|(name, one), (other_name, other)| {
        let rank = |tallied: &Tallied| Reverse((tallied.failed, tallied.calls));
        rank(one).cmp(&rank(other)).then_with(|| name.cmp(other_name))
    });
    let left_out = all.len().saturating_sub(most);
    all.truncate(most);
    (all, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_counts_once_and_only_answers_have_a_time() {
        let tally = Tally::default();
        tally.answered(Duration::from_millis(2));
        tally.answered(Duration::from_micros(500));
        tally.failed();
        tally.ended();
        assert_eq!(tally.get(), Tallied { calls: 4, failed: 1, answered: 2, took_us: 2_500 });
    }

    #[test]
    fn what_fails_is_shown_before_what_is_busy_and_what_is_left_out_is_counted() {
        let of = |calls, failed| Tallied { calls, failed, ..Tallied::default() };
        let all = vec![("quiet", of(1, 0)), ("busy", of(900, 1)), ("bad", of(10, 9)), ("also quiet", of(1, 0))];
        let (shown, left_out) = worst(all, 3);
        let names: Vec<_> = shown.iter().map(|(name, _)| *name).collect();
        assert_eq!((names, left_out), (vec!["bad", "busy", "also quiet"], 1));
    }
}
