//! How long a path lets a connection be silent, learnt from connections that did not outlive a silence. Pure: it reads no clock.
//!
//! ```text
//!  lost after a silence of 1.4 s │ 1.5 s │ 1.4 s     and none of them had outlived a longer one: this path cuts after 1.4 s of silence
//!                                                     pings go every 0.7 s from now on, at all transports but `post`
//! ```
//!
//! A connection that is lost while it carries something says nothing of silences, and one that outlived a longer silence before says that it
//! was something else.

use std::time::Duration;

/// Shorter silences are pauses between calls.
const LEAST: Duration = Duration::from_millis(400);
/// So many connections in a row were lost after the same silence.
const TIMES: usize = 3;
/// Pings never go more often.
const PING_LEAST: Duration = Duration::from_millis(200);

/// See the module's picture.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    /// Silences after which connections were lost, in a row.
    lost_after: Vec<Duration>,
    limit: Option<Duration>,
}

impl Idle {
    /// What was learnt before.
    pub(crate) fn new(limit: Option<Duration>) -> Idle {
        Idle { lost_after: Vec::new(), limit: limit.filter(|limit| *limit >= LEAST) }
    }

    /// The silence after which connections are cut, if there is one.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// How often a quiet connection says something, where `usual` is what is configured.
    pub(crate) fn ping(&self, usual: Duration) -> Duration {
        self.limit.map_or(usual, |limit| (limit / 2).max(PING_LEAST).min(usual))
    }

    /// A connection was lost after this silence, and had outlived that one before. True: the limit was not known.
    pub(crate) fn lost(&mut self, silence: Duration, outlived: Duration) -> bool {
        let is_like = |other: &Duration| silence.abs_diff(*other) <= silence.max(*other) / 5;
        if silence < LEAST || outlived >= silence || !self.lost_after.iter().all(is_like) {
            self.lost_after.clear();
        }
        if silence < LEAST || outlived >= silence {
            return false;
        }
        self.lost_after.push(silence);
        if self.lost_after.len() < TIMES {
            return false;
        }
        let shortest = self.lost_after.drain(..).min();
        let is_news = self.limit.is_none_or(|limit| shortest.is_some_and(|shortest| shortest < limit));
        if is_news {
            self.limit = shortest;
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Duration = Duration::from_secs(2);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn three_that_did_not_outlive_the_same_silence_say_how_often_to_ping() {
        let mut idle = Idle::default();
        assert_eq!(idle.ping(USUAL), USUAL);
        assert!(!idle.lost(ms(1500), ms(0)) && !idle.lost(ms(1400), ms(900)) && idle.lost(ms(1450), ms(0)));
        assert_eq!((idle.limit(), idle.ping(USUAL), idle.ping(ms(300))), (Some(ms(1400)), ms(700), ms(300)));
        assert!(
            !idle.lost(ms(1500), ms(0)) && !idle.lost(ms(1500), ms(0)) && !idle.lost(ms(1500), ms(0)),
            "it is known"
        );
        assert!(!idle.lost(ms(500), ms(0)) && !idle.lost(ms(500), ms(0)) && idle.lost(ms(500), ms(0)));
        assert_eq!(idle.ping(USUAL), ms(250));
        assert_eq!(Idle::new(Some(ms(1400))).ping(USUAL), ms(700), "as it was remembered");
        assert_eq!(Idle::new(Some(ms(1))).ping(USUAL), USUAL, "nobody remembers that");
    }

    #[test]
    fn what_dies_at_random_under_load_or_after_it_outlived_as_much_says_nothing() {
        let mut idle = Idle::default();
        for (silence, outlived) in
            [(1500, 0), (700, 0), (1500, 0), (1100, 0), (900, 0), (1500, 2000), (1500, 0), (20, 0), (1500, 0)]
        {
            assert!(!idle.lost(ms(silence), ms(outlived)), "{silence}");
        }
        assert!(!idle.lost(ms(1500), ms(0)) && idle.lost(ms(1500), ms(0)), "the last of these was the first of three");
    }
}
