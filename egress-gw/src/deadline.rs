//! How long a call may take: set once, counted from when its header has arrived, and only shrinking from then on.
//!
//! ```text
//!  attachment timeout or _TO ─▶ consumer's node in the registry ─▶ 3 s for dubbo-go, 60 s for others
//!          first that says one; at most `longest`; a little less than the consumer waits itself
//! ```
//!
//! The consumer's own clock started before the frame came here, so an answer given exactly at its timeout is a late
//! one, and a late OK answer ends a dubbo-go session. [`reserve`] keeps that distance. Pure; the wheel that notices the
//! deadline belongs to the core.

use std::time::Duration;

/// The distance kept to the consumer's own timeout, at most; the wheel notices up to 10 ms late, the rest is network.
const RESERVE_MAX: Duration = Duration::from_millis(50);
/// The share of a short timeout that is kept as distance.
const RESERVE_SHARE: u32 = 16;

/// Section `[timeouts]`, settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Where neither the call nor the registry says one.
    pub call: Duration,
    /// The same for dubbo-go, which waits 3 s unless told otherwise and says 0.
    pub dubbo_go: Duration,
    /// No call may take longer, whatever it says.
    pub longest: Duration,
    /// How long a call waits for a link to a hub. Below Java's default timeout of 1 s, which 2.7 does not send: its
    /// consumer shall read the sentence instead of giving up without one.
    pub link_wait: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(60),
            dubbo_go: Duration::from_secs(3),
            longest: Duration::from_secs(3600),
            link_wait: Duration::from_millis(700),
        }
    }
}

/// How long a call may take, and on whose word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// How long the gateway may take.
    pub time: Duration,
    /// Whether the consumer waits so long and no longer.
    pub patience: Patience,
}

/// What is known of how long a consumer itself waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// It said so: it gives up at the deadline by itself.
    Said,
    /// Nothing: the deadline is this gateway's own.
    Assumed,
}

/// Who speaks, as far as a missing timeout is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Java, and everybody else.
    Java,
    /// dubbo-go.
    Go,
}

impl Timeouts {
    /// How long the gateway may take for a call: `said` by the call itself, `known` from the consumer's node.
    #[must_use]
    pub fn settle(
        &self,
        said: Option<Duration>,
        known: impl FnOnce() -> Option<Duration>,
        dialect: Dialect,
    ) -> Allowed {
        let default = match dialect {
            Dialect::Java => self.call,
            Dialect::Go => self.dubbo_go,
        };
        let (timeout, patience) = match said.or_else(known) {
            Some(timeout) if timeout <= self.longest => (timeout, Patience::Said),
            Some(_) => (self.longest, Patience::Assumed),
            None => (default.min(self.longest), Patience::Assumed),
        };
        Allowed { time: timeout - reserve(timeout), patience }
    }
}

/// The distance kept to a consumer's own timeout.
fn reserve(timeout: Duration) -> Duration {
    (timeout / RESERVE_SHARE).min(RESERVE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: fn() -> Option<Duration> = || None;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_call_itself_comes_first_then_the_node_then_the_default() {
        let timeouts = Timeouts::default();
        let settled = |said, known| timeouts.settle(said, || known, Dialect::Java);
        let said = |millis| Allowed { time: ms(millis), patience: Patience::Said };
        assert_eq!(settled(Some(ms(1000)), Some(ms(5000))), said(950));
        assert_eq!(settled(None, Some(ms(5000))), said(4950));
        assert_eq!(settled(None, None), Allowed { time: ms(59_950), patience: Patience::Assumed });
    }

    #[test]
    fn dubbo_go_gets_its_own_default() {
        assert_eq!(Timeouts::default().settle(None, NOTHING, Dialect::Go).time, ms(2950));
        assert_eq!(Timeouts::default().settle(Some(ms(300)), NOTHING, Dialect::Go).time, ms(300) - ms(300) / 16);
    }

    #[test]
    fn no_call_takes_longer_than_the_longest() {
        let timeouts = Timeouts { longest: ms(10_000), ..Timeouts::default() };
        let settled = timeouts.settle(Some(Duration::MAX), NOTHING, Dialect::Java);
        assert_eq!(settled, Allowed { time: ms(9950), patience: Patience::Assumed });
    }

    #[test]
    fn a_short_timeout_keeps_most_of_itself() {
        for millis in [1, 10, 100, 500] {
            let settled = Timeouts::default().settle(Some(ms(millis)), NOTHING, Dialect::Java).time;
            assert!(settled < ms(millis) && settled >= ms(millis) * 15 / 16, "{millis}: {settled:?}");
        }
    }
}
