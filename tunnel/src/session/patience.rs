//! How long the beginning of a call may wait for credit or for a connection, and what of its time is left when it goes. It looks at no
//! clock.

use std::time::{Duration, Instant};

use wire::tunnel::head;

use super::credit;

/// How long the beginning of a call may wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Until when it may wait here, by the session's own time.
    deadline: Instant,
    /// Until when anybody waits for the call.
    expires: Instant,
}

impl Patience {
    /// From `now`, which is `clock` by the session's own time.
    pub(super) fn new((now, clock): (Instant, Instant), connected: bool, remaining_ms: u32) -> Patience {
        let remaining = Duration::from_millis(u64::from(remaining_ms));
        let wait = if connected { remaining.min(credit::WAITING_LIMIT) } else { remaining };
        Patience { deadline: clock + wait, expires: now + remaining }
    }

    pub(super) fn is_over(self, clock: Instant) -> bool {
        self.deadline <= clock
    }

    /// Puts what remains now into an encoded head.
    pub(super) fn lower(self, now: Instant, head: &mut [u8]) {
        let remaining = self.expires.saturating_duration_since(now).as_millis();
        head::lower_remaining(head, u32::try_from(remaining).unwrap_or(u32::MAX));
    }
}
