//! How much of a link's time a body on it has had: bodies share their link, so that one is not slow because it is another's
//! turn. Pure; it judges nobody.
//!
//! ```text
//!  a piece of one of n bodies ── silence ── the next piece     each body has had 1/n of the silence
//!                             ── silence ── heard ── heard     each has had all of it: the link lives, and has nothing for them
//!                             ── silence ── no connection      nobody has had anything
//! ```
//!
//! A silence counts once the link was heard twice after it: then its path is not dead, and what had piled up in the socket
//! while the thread or the network stood still was read.

use std::time::{Duration, Instant};

/// The time of one link, as its bodies have it.
#[derive(Debug)]
pub struct LinkTime {
    /// Runs slower than the clock, and stands still at times.
    at: Instant,
    /// Silence since the last piece, for which the link was there.
    idle: Duration,
    /// The same, that ended when the link was last heard.
    unsure: Duration,
    /// When the link was last heard.
    heard: Instant,
}

impl LinkTime {
    /// Of a link that has brought nothing.
    pub fn new(now: Instant) -> LinkTime {
        LinkTime { at: now, idle: Duration::ZERO, unsure: Duration::ZERO, heard: now }
    }

    /// A piece came at `now` for one of `bodies` on the link; its time then.
    pub fn brought(&mut self, bodies: usize, now: Instant) -> Instant {
        let silence = self.idle + self.unsure + now.saturating_duration_since(self.heard);
        self.at += silence / u32::try_from(bodies.max(1)).unwrap_or(u32::MAX);
        (self.idle, self.unsure, self.heard) = (Duration::ZERO, Duration::ZERO, self.heard.max(now));
        self.at
    }

    /// Its time at `now`, as far as it is sure; `heard` is when its connection last brought anything, if it has one. To be asked
    /// now and then.
    pub fn look(&mut self, heard: Option<Instant>, now: Instant) -> Instant {
        match heard {
            None => (self.unsure, self.heard) = (Duration::ZERO, now),
            Some(heard) if heard > self.heard => {
                self.idle += self.unsure;
                (self.unsure, self.heard) = (heard - self.heard, heard);
            }
            Some(_) => {}
        }
        self.at + self.idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Duration = Duration::from_millis(50);

    /// A link's time, and the clock's.
    struct World {
        time: LinkTime,
        began: Instant,
        now: Instant,
        heard: Instant,
    }

    impl World {
        fn new() -> World {
            let now = Instant::now();
            World { time: LinkTime::new(now), began: now, now, heard: now }
        }

        /// Looks on for so long; the link is heard again and again, or has no connection.
        fn pass(&mut self, millis: u64, connected: bool) {
            let until = self.now + Duration::from_millis(millis);
            while self.now < until {
                self.now += LOOK;
                self.heard = if connected { self.now } else { self.heard };
                self.had(connected.then_some(self.heard));
            }
        }

        fn had(&mut self, heard: Option<Instant>) -> u128 {
            (self.time.look(heard, self.now) - self.began).as_millis()
        }
    }

    #[test]
    fn who_is_never_served_by_a_living_link_has_all_its_time() {
        let mut world = World::new();
        world.pass(2000, true);
        assert_eq!(world.had(Some(world.heard)), 1950);
    }

    #[test]
    fn bodies_that_take_turns_share_the_time() {
        let mut world = World::new();
        for _ in 0..50 {
            world.pass(100, true);
            world.time.brought(50, world.now);
        }
        assert_eq!(world.had(Some(world.heard)), 100);
    }

    #[test]
    fn time_without_a_connection_is_nobodys() {
        let mut world = World::new();
        world.pass(1000, true);
        world.pass(25_000, false);
        world.pass(100, true);
        assert!(world.had(Some(world.heard)) <= 1100);
        assert!((world.time.brought(1, world.now) - world.began).as_millis() <= 1100);
    }

    #[test]
    fn a_dead_path_that_is_given_up_costs_nobody_anything() {
        let mut world = World::new();
        let last = world.heard;
        world.now += Duration::from_secs(6);
        assert_eq!(world.had(Some(last)), 0);
        assert_eq!(world.had(None), 0);
        world.pass(100, true);
        assert!(world.had(Some(world.heard)) <= 100);
    }

    #[test]
    fn a_thread_that_stood_still_reads_on_before_anybody_has_had_that_time() {
        let mut world = World::new();
        let last = world.heard;
        world.now += Duration::from_secs(5);
        assert_eq!(world.had(Some(last)), 0, "nothing is read yet");
        world.heard = world.now;
        assert_eq!(world.had(Some(world.heard)), 0, "there may be more to read");
        world.now += LOOK;
        assert_eq!(world.had(Some(world.now)), 5000, "nothing was");
    }
}
