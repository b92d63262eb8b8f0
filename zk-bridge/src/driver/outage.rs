//! How soon the end of an outage is noticed: how long the outage was makes no difference to it.
//!
//! Between two attempts of ours there are at most a few seconds, and a session is given up when a server is back and the client
//! crate, whose pauses double without a bound, does not notice it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::config::RegistrySettings;
use crate::session::{Serving, Session, serving};

/// The first pause before another session is tried; doubled each time.
const BACKOFF_MIN: Duration = Duration::from_millis(200);
/// The longest pause: nobody waits longer than this for us to notice that the servers are back.
pub(super) const BACKOFF_MAX: Duration = Duration::from_secs(3);
/// How often a server that went away is asked whether it is back.
const ASKED_EVERY: Duration = Duration::from_secs(1);
/// For so long a server that is back waits for the session to come back to it by itself, and for as long again as the client
/// crate may spend with each server that does not answer.
const EXPECTED_WITHIN: Duration = Duration::from_secs(2);

/// Ends when a server takes sessions, and goes on doing so, while ours has not come back although it could have.
pub(super) async fn back_without_us(session: &Session, settings: &RegistrySettings) {
    let mut back: Option<Instant> = None;
    loop {
        sleep(ASKED_EVERY).await;
        let Serving { oldest, silent } = serving(&settings.address).await;
        let expected_within = EXPECTED_WITHIN + session.server_within.saturating_mul(silent);
        match oldest {
            None => back = None,
            Some(_) if back.get_or_insert_with(Instant::now).elapsed() >= expected_within => return,
            Some(_) => {}
        }
    }
}

/// Between half and all of 200 ms, 400 ms, … 3 s.
pub(super) fn backoff(attempt: u32) -> Duration {
    let longest = BACKOFF_MIN.saturating_mul(1 << attempt.min(16)).min(BACKOFF_MAX);
    longest.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_are_never_the_same_for_all() {
        assert!(backoff(0) <= BACKOFF_MIN && backoff(0) >= BACKOFF_MIN / 2);
        assert!(
            BACKOFF_MAX <= Duration::from_secs(3),
            "the end of an outage is noticed within seconds, however long it was"
        );
        for attempt in [10, 31, 32, u32::MAX] {
            assert!(backoff(attempt) <= BACKOFF_MAX && backoff(attempt) >= BACKOFF_MAX / 2);
        }
        let some: std::collections::BTreeSet<Duration> = (0..20).map(|_| backoff(5)).collect();
        assert!(some.len() > 10);
    }
}
