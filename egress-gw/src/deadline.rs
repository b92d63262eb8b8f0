//! How long a call may take: set once, counted from when its header has arrived, and only shrinking from then on.
//!
//! ```text
//!  attachment timeout or _TO ─▶ consumer's node in the registry ─▶ 3 s for dubbo-go, 60 s for others
//!          first that says one; at most `longest`; a little less than the consumer waits itself
//! ```
//!
//! The consumer's own clock started before the frame came here, so an answer given exactly at its timeout is a late
//! one, and a late OK answer ends a dubbo-go session. The reserves keep that distance. Pure; the wheel that notices the
//! deadline belongs to the core.
//!
//! A call that is not sent yet waits for a way until its time is over, if its consumer is known to wait that long; else only
//! for `link_wait`, so that it reads why.

use std::time::Duration;

/// The distance kept to the consumer's own timeout, at most; the wheel notices up to 10 ms late, the rest is network.
const RESERVE_MAX: Duration = Duration::from_millis(50);
/// The same for the sentence of a call that waited for a way and was not sent: nothing can come any more that would be worth the last
/// moment, and a consumer that stands still for a while (a collection of garbage, a full machine) shall read why all the same.
const RESERVE_UNSENT_MAX: Duration = Duration::from_millis(500);
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
    /// How long a call waits unsent where nobody says its timeout. Below Java's default of 1 s, which 2.7 does not send: its
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
    /// Of the time, how long it may wait for a way to its island.
    pub unsent: Duration,
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

/// What the registry knows of the timeouts of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The longest of those that its references say: so long an answer may be of use.
    pub longest: Duration,
    /// The shortest, if all of them say one: so long it waits for certain.
    pub surely: Option<Duration>,
}

impl Timeouts {
    /// How long the gateway may take for a call: `said` by the call itself, `known` from the consumer's node.
    #[must_use]
    pub fn settle(&self, said: Option<Duration>, known: impl FnOnce() -> Option<Known>, dialect: Dialect) -> Allowed {
        let known = said.map(|said| Known { longest: said, surely: Some(said) }).or_else(known);
        let less = |timeout: Duration, most: Duration| timeout - (timeout / RESERVE_SHARE).min(most);
        let (time, patience, surely) = match (known, dialect) {
            (Some(Known { longest, surely }), _) if longest <= self.longest && surely == Some(longest) => {
                (longest, Patience::Said, surely)
            }
            (Some(Known { longest, surely }), _) => (longest.min(self.longest), Patience::Assumed, surely),
            (None, Dialect::Java) => (self.call.min(self.longest), Patience::Assumed, None),
            (None, Dialect::Go) => (self.dubbo_go.min(self.longest), Patience::Assumed, Some(self.dubbo_go)),
        };
        let time = less(time, RESERVE_MAX);
        let unsent = surely.map_or(self.link_wait, |surely| less(surely, RESERVE_UNSENT_MAX)).min(time);
        Allowed { time, patience, unsent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: fn() -> Option<Known> = || None;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn five_seconds() -> Option<Known> {
        Some(Known { longest: ms(5000), surely: Some(ms(5000)) })
    }

    #[test]
    fn the_call_itself_comes_first_then_the_node_then_the_default() {
        let timeouts = Timeouts::default();
        let settled = |said, known: fn() -> Option<Known>| {
            let Allowed { time, patience, .. } = timeouts.settle(said, known, Dialect::Java);
            (time, patience)
        };
        assert_eq!(settled(Some(ms(1000)), five_seconds), (ms(950), Patience::Said));
        assert_eq!(settled(None, five_seconds), (ms(4950), Patience::Said));
        assert_eq!(settled(None, NOTHING), (ms(59_950), Patience::Assumed));
    }

    #[test]
    fn dubbo_go_gets_its_own_default() {
        let whole = |said| Timeouts::default().settle(said, NOTHING, Dialect::Go).time;
        assert_eq!(whole(None), ms(2950));
        assert_eq!(whole(Some(ms(300))), ms(300) - ms(300) / 16);
    }

    #[test]
    fn no_call_takes_longer_than_the_longest() {
        let timeouts = Timeouts { longest: ms(10_000), ..Timeouts::default() };
        let settled = timeouts.settle(Some(Duration::MAX), NOTHING, Dialect::Java);
        assert_eq!((settled.time, settled.patience), (ms(9950), Patience::Assumed));
    }

    #[test]
    fn a_short_timeout_keeps_most_of_itself() {
        for millis in [1, 10, 100, 500] {
            let settled = Timeouts::default().settle(Some(ms(millis)), NOTHING, Dialect::Java).time;
            assert!(settled < ms(millis) && settled >= ms(millis) * 15 / 16, "{millis}: {settled:?}");
        }
    }

    #[test]
    fn a_call_waits_unsent_as_long_as_its_consumer_surely_does() {
        let unsent =
            |said, known: fn() -> Option<Known>, dialect| Timeouts::default().settle(said, known, dialect).unsent;
        assert_eq!(unsent(Some(ms(5000)), NOTHING, Dialect::Java), ms(5000) - ms(5000) / 16);
        assert_eq!(
            unsent(Some(ms(60_000)), NOTHING, Dialect::Java),
            ms(59_500),
            "its sentence has half a second to arrive"
        );
        assert_eq!(unsent(None, five_seconds, Dialect::Java), ms(5000) - ms(5000) / 16);
        assert_eq!(unsent(None, NOTHING, Dialect::Java), ms(700), "2.7 says no timeout, and may wait a second");
        assert_eq!(unsent(None, NOTHING, Dialect::Go), ms(3000) - ms(3000) / 16);
        let one_is_silent = || Some(Known { longest: ms(5000), surely: None });
        assert_eq!(unsent(None, one_is_silent, Dialect::Java), ms(700));
        assert_eq!(unsent(Some(ms(300)), NOTHING, Dialect::Java), ms(300) - ms(300) / 16);
    }
}
