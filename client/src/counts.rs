//! What a pool counts. Each counter is written by one shard alone and read by whoever scrapes.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that one thread raises and any thread may read: no bus lock on the path.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds `n`. Only ever from the thread that owns the counter.
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// The sum so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of one [`crate::Pool`].
#[derive(Debug, Default)]
pub struct Counts {
    /// Calls appended to a connection, one-way ones included.
    pub sent: Count,
    /// Answers that found their call.
    pub answered: Count,
    /// Answers whose id names no pending call: late, repeated or made up. Dropped.
    pub unknown_answers: Count,
    /// Calls that had to wait for a connection.
    pub waited: Count,
    /// Calls whose deadline passed.
    pub deadlines_passed: Count,
    /// Calls lost with their connection before they were written.
    pub lost_unsent: Count,
    /// Calls lost with their connection after they were written.
    pub lost_unknown: Count,
    /// Answers skipped because they were too long or did not fit into the budget.
    pub answers_skipped: Count,
    /// Connections that came about.
    pub connected: Count,
    /// Attempts to connect that failed.
    pub connect_failed: Count,
    /// Connections that ended.
    pub disconnected: Count,
    /// Providers left out because they failed.
    pub ejected: Count,
    /// Providers that were out, have answered and are back.
    pub readmitted: Count,
    /// Calls that went to a provider to see whether it is well again.
    pub probes: Count,
    /// Heartbeats sent.
    pub heartbeats: Count,
    /// Requests from the provider's side, refused: callbacks are not carried.
    pub reverse_calls: Count,
    /// Bytes of calls.
    pub bytes_out: Count,
    /// Bytes of answers.
    pub bytes_in: Count,
}
