//! How long a word to the peer and back takes: pings that are not answered yet, and what the last answered one took.
//!
//! A pong counts only with the very stamp of a ping that waits for one, and once: stamps are random, so a peer can seem farther than it
//! is and never nearer. Ends with its connection.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Link;
use crate::random;

/// Pings that wait for an answer; a connection is given up before there are more.
const ASKED_MAX: usize = 16;

/// One measured round trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundTrip {
    /// Counted up over the life of the link: the same number is the same measurement.
    pub number: u64,
    /// What it took.
    pub took: Duration,
}

impl Link {
    /// The last round trip, if there was one.
    pub fn round_trip(&self) -> Option<RoundTrip> {
        self.0.round_trip.get()
    }
}

/// The pings of a connection.
#[derive(Debug, Default)]
pub(super) struct Asked(VecDeque<(u64, Instant)>);

impl Asked {
    /// The stamp of a ping that goes now; `None` where the system gives no randomness for it.
    pub(super) fn ask(&mut self, now: Instant) -> Option<u64> {
        let stamp = random::number().ok()?;
        if self.0.len() == ASKED_MAX {
            self.0.pop_front();
        }
        self.0.push_back((stamp, now));
        Some(stamp)
    }

    /// What the ping took whose stamp came back; `None` for a stamp that nobody waits for. Who has seen many pings may answer the last:
    /// those before it are answered with it.
    pub(super) fn answered(&mut self, stamp: u64, now: Instant) -> Option<Duration> {
        let at = self.0.iter().position(|(asked, _)| *asked == stamp)?;
        let (_, asked) = self.0.drain(..=at).next_back()?;
        Some(now.saturating_duration_since(asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_ping_that_waits_is_answered_and_once() {
        let (mut asked, start) = (Asked::default(), Instant::now());
        let after = |millis| start + Duration::from_millis(millis);
        let first = asked.ask(start).unwrap();
        let second = asked.ask(after(10)).unwrap();
        for forged in [0, u64::MAX, first.wrapping_add(1), second.wrapping_sub(1)] {
            assert_eq!(asked.answered(forged, after(20)), None);
        }
        assert_eq!(asked.answered(first, after(30)), Some(Duration::from_millis(30)));
        assert_eq!(asked.answered(first, after(40)), None);
        assert_eq!(asked.answered(second, after(40)), Some(Duration::from_millis(30)));
    }

    #[test]
    fn what_is_never_answered_takes_no_memory() {
        let (mut asked, now) = (Asked::default(), Instant::now());
        let stamps: Vec<u64> = (0..100).map(|_| asked.ask(now).unwrap()).collect();
        assert_eq!(asked.0.len(), ASKED_MAX);
        assert_eq!(asked.answered(stamps[0], now), None);
        assert_eq!(asked.answered(stamps[99], now), Some(Duration::ZERO));
        assert!(asked.0.is_empty(), "those before it are answered with it");
    }
}
