//! How far islands are from this hub: the round trips of their links, smoothed, and which egress has to be told.
//!
//! A single round trip says more of a busy machine than of a path, so what counts follows slowly, and only what is notably otherwise is
//! told: gateways choose by it, and calls must not go to and fro.

use std::time::Duration;

use tunnel::RoundTrip;

/// A new round trip counts for one in so many.
const SMOOTHED_OVER: u32 = 8;
/// What is otherwise by less than one in so many of it is the same.
const NOTABLE: u32 = 4;
/// And less than this is the same however near it is.
const NOTABLE_AT_LEAST: Duration = Duration::from_millis(1);

/// One distance, as it is known over time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Distance {
    known: Option<Duration>,
    /// The number of the round trip that was taken in last.
    last: u64,
}

impl Distance {
    /// Takes in one more round trip; one that was taken in before says nothing new.
    #[must_use]
    pub fn with(self, measured: Option<RoundTrip>) -> Self {
        let Some(RoundTrip { number, took }) = measured.filter(|measured| measured.number != self.last) else {
            return self;
        };
        let known = self.known.map_or(took, |known| (known * (SMOOTHED_OVER - 1) + took) / SMOOTHED_OVER);
        Self { known: Some(known), last: number }
    }

    /// What is known.
    #[must_use]
    pub fn get(self) -> Option<Duration> {
        self.known
    }
}

/// Whether somebody who was told `before` has to be told `now`.
#[must_use]
pub fn is_news(before: Option<Duration>, now: Duration) -> bool {
    let Some(before) = before else { return true };
    let difference = before.abs_diff(now);
    difference >= NOTABLE_AT_LEAST && difference >= before / NOTABLE
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn one_slow_word_moves_it_little_and_many_move_it_there() {
        let measured = |number, millis| Some(RoundTrip { number, took: ms(millis) });
        let known = Distance::default().with(None).with(measured(1, 8));
        assert_eq!(known.get(), Some(ms(8)));
        assert_eq!(known.with(measured(2, 88)).get(), Some(ms(18)));
        assert_eq!(known.with(None).get(), Some(ms(8)), "a link without a word says nothing");
        let moved = (2..42).fold(known, |distance, number| distance.with(measured(number, 88)));
        assert!(moved.get().unwrap() > ms(85), "{moved:?}");
        // A busy link measures every ten seconds and is looked at every two: its one slow word counted five times.
        let looked_at_often = (0..40).fold(known, |distance, _| distance.with(measured(2, 88)));
        assert_eq!(looked_at_often.get(), Some(ms(18)));
    }

    #[test]
    fn only_what_is_notably_otherwise_is_news() {
        assert!(is_news(None, ms(1)));
        assert!(!is_news(Some(ms(10)), ms(12)) && !is_news(Some(ms(10)), ms(8)));
        assert!(is_news(Some(ms(10)), ms(13)) && is_news(Some(ms(10)), ms(7)));
        assert!(!is_news(Some(Duration::from_micros(100)), Duration::from_micros(900)), "both are near");
    }
}
