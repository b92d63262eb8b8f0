//! Whether bandwidth is what holds up the calls of a link, for `compress = "auto"`: by pings that take longer than they have to, and by the bytes that crossed
//! between them. It sends nothing, and time is what it is told.
//!
//! ```text
//!   wide ── 3 pings in a row stood in a queue, while 16 KB/s to 25 MB/s crossed ──▶ thin: so much it carries
//!   thin ── for 15 pings in a row, less than half of that would have crossed unpacked ──▶ wide
//! ```
//!
//! Where more crosses and a queue stands all the same, processors are short and not bandwidth: packing would make that worse. Ends with its connection.

use std::time::{Duration, Instant};

/// A ping that took so much longer than the quickest stood in a queue, where that is also a quarter of the quickest.
const QUEUED: Duration = Duration::from_millis(20);
/// Bytes a second in the fuller direction: with less it is no link that is full, with more none that is thin.
const RATES: std::ops::Range<u64> = 16_000..25_000_000;
/// Pings in a row that make a link thin, and wide again.
const TURNS: (u8, u8) = (3, 15);
/// By this part of the difference the quickest ping is forgotten with each slower one: paths change.
const FORGOTTEN: u32 = 32;

/// What the pings of a connection have told.
#[derive(Debug, Default)]
pub(super) struct Thinness {
    quickest: Option<Duration>,
    before: Option<(Instant, Crossed)>,
    /// Bytes a second that crossed when it was found thin.
    carries: Option<u64>,
    in_a_row: u8,
}

/// Bytes of a link so far: sent and received.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crossed {
    pub(super) bytes: [u64; 2],
    /// That did not cross since calls and answers were packed.
    pub(super) packed: [u64; 2],
}

impl Thinness {
    /// A ping came back that took so long; whether the link is thin.
    pub(super) fn measured(&mut self, now: Instant, took: Duration, crossed: Crossed) -> bool {
        let quickest = self.quickest.unwrap_or(took);
        let queued = took.saturating_sub(quickest);
        self.quickest = Some(took.min(quickest + queued / FORGOTTEN));
        if let Some((then, before)) = self.before.replace((now, crossed)) {
            let each = now.saturating_duration_since(then).as_secs_f64();
            let a_second = |of: fn(&Crossed, usize) -> u64| {
                let moved = [0, 1].map(|way| of(&crossed, way).saturating_sub(of(&before, way)));
                (moved[0].max(moved[1]) as f64 / each.max(0.001)) as u64
            };
            let crosses = a_second(|crossed, way| crossed.bytes[way]);
            let would_cross = a_second(|crossed, way| crossed.bytes[way].saturating_add(crossed.packed[way]));
            self.turn(queued > QUEUED.max(quickest / 4) && RATES.contains(&crosses), crosses, would_cross);
        }
        self.carries.is_some()
    }

    fn turn(&mut self, is_full: bool, crosses: u64, would_cross: u64) {
        let (is_other, needed) = match self.carries {
            None => (is_full, TURNS.0),
            Some(carries) => (would_cross < carries / 2, TURNS.1),
        };
        self.in_a_row = if is_other { self.in_a_row + 1 } else { 0 };
        if self.in_a_row == needed {
            self.in_a_row = 0;
            self.carries = if self.carries.is_none() { Some(crosses) } else { None };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link whose pings come every two seconds.
    struct World {
        thinness: Thinness,
        now: Instant,
        crossed: Crossed,
    }

    impl World {
        fn new() -> World {
            let mut world = World {
                thinness: Thinness::default(),
                now: Instant::now(),
                crossed: Crossed { bytes: [0; 2], packed: [0; 2] },
            };
            assert!(!world.ping(5, 0, 0));
            world
        }

        /// Two seconds in which so many kilobytes a second crossed, and so many did not because they were packed, and the ping at their end.
        fn ping(&mut self, millis: u64, sent_kb: u64, packed_kb: u64) -> bool {
            self.now += Duration::from_secs(2);
            self.crossed.bytes[0] += 2_000 * sent_kb;
            self.crossed.packed[0] += 2_000 * packed_kb;
            self.thinness.measured(self.now, Duration::from_millis(millis), self.crossed)
        }
    }

    #[test]
    fn a_link_is_thin_where_pings_stand_in_a_queue_one_after_another_and_not_before() {
        let mut world = World::new();
        assert_eq!(
            [40, 40, 5, 40, 40, 40].map(|millis| world.ping(millis, 3_700, 0)),
            [false, false, false, false, false, true]
        );
    }

    #[test]
    fn slow_pings_of_a_link_that_is_far_away_or_hardly_used_or_carries_much_do_not_make_it_thin() {
        for (millis, kb) in [(24, 3_700), (400, 3), (400, 40_000)] {
            let mut world = World::new();
            assert!((0..50).all(|_| !world.ping(millis, kb, 0)), "{millis} ms, {kb} KB/s");
        }
        let mut world = World { thinness: Thinness::default(), ..World::new() };
        assert!((0..50).all(|at| !world.ping(300 + at % 2 * 60, 3_700, 0)), "a quarter of the way is no queue");
    }

    #[test]
    fn a_thin_link_stays_so_for_as_long_as_it_would_be_half_full_without_packing() {
        let mut world = World::new();
        assert!((0..3).any(|_| world.ping(40, 3_700, 0)));
        // Packed there is no queue any more, and still all that is packed would fill it.
        assert!((0..200).all(|_| world.ping(5, 1_500, 2_200)));
        assert!((0..14).all(|_| world.ping(5, 500, 700)));
        assert!(world.ping(5, 1_500, 2_200), "not for long enough");
        let until_wide = (1..100).find(|_| !world.ping(5, 500, 700));
        assert_eq!(until_wide, Some(15));
        assert!((0..50).all(|_| !world.ping(5, 1_200, 0)), "and then it takes a queue again");
    }

    #[test]
    fn a_way_that_has_become_longer_is_no_queue_for_ever() {
        let mut world = World::new();
        (0..300).for_each(|_| {
            world.ping(60, 3, 0);
        });
        assert!((0..50).all(|_| !world.ping(60, 3_700, 0)));
    }

    #[test]
    fn what_comes_back_at_once_or_as_clocks_stand_breaks_nothing() {
        let mut world = World::new();
        let full = Crossed { bytes: [u64::MAX; 2], packed: [0; 2] };
        for _ in 0..300 {
            let _ = world.thinness.measured(world.now, Duration::MAX, full);
            let _ = world.thinness.measured(world.now, Duration::ZERO, world.crossed);
        }
    }
}
