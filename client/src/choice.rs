//! Which of several providers: the one with the fewest calls outstanding for its weight, and among equals by weight at
//! random. Pure: the draw is given, and nothing is remembered between two choices.
//!
//! With nothing in flight all are equal and the weights alone decide; under load a slow provider falls back by itself.

/// How one provider stands at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its weight now; 0 takes it out.
    pub weight: u32,
    /// Calls it has not answered yet.
    pub outstanding: u32,
}

/// The index of the provider to take, `None` if none has a weight. `draw` is a uniformly random number.
pub fn choose(standings: impl Iterator<Item = Standing> + Clone, draw: u64) -> Option<usize> {
    let mut best: Option<Standing> = None;
    let mut sum = 0u64;
    for standing in standings.clone().filter(|standing| standing.weight > 0) {
        match best.map(|best| burden_cmp(standing, best)) {
            None | Some(std::cmp::Ordering::Less) => {
                best = Some(standing);
                sum = u64::from(standing.weight);
            }
            Some(std::cmp::Ordering::Equal) => sum += u64::from(standing.weight),
            Some(std::cmp::Ordering::Greater) => {}
        }
    }
    let best = best?;
    // The high half of a product is as good as a remainder and has no division.
    let mut left = ((u128::from(draw) * u128::from(sum)) >> 64) as u64;
    standings
        .enumerate()
        .filter(|(_, standing)| standing.weight > 0 && burden_cmp(*standing, best).is_eq())
        .find(|(_, standing)| match left.checked_sub(u64::from(standing.weight)) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        })
        .map(|(index, _)| index)
}

/// Compares calls outstanding per weight.
fn burden_cmp(a: Standing, b: Standing) -> std::cmp::Ordering {
    let a_burden = u64::from(a.outstanding) * u64::from(b.weight);
    let b_burden = u64::from(b.outstanding) * u64::from(a.weight);
    a_burden.cmp(&b_burden)
}

/// A small generator of draws (splitmix64): fast, not secret, seeded by the process's hasher keys.
#[derive(Debug)]
pub(crate) struct Draws(std::cell::Cell<u64>);

impl Draws {
    pub(crate) fn new() -> Self {
        use std::hash::{BuildHasher, RandomState};
        Self(std::cell::Cell::new(RandomState::new().hash_one(0)))
    }

    pub(crate) fn next(&self) -> u64 {
        let seed = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(seed);
        let mut mixed = seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(standings: &[(u32, u32)]) -> Vec<u32> {
        let draws = Draws(std::cell::Cell::new(7));
        let mut shares = vec![0; standings.len()];
        for _ in 0..10_000 {
            let all = standings.iter().map(|&(weight, outstanding)| Standing { weight, outstanding });
            shares[choose(all, draws.next()).unwrap()] += 1;
        }
        shares
    }

    #[test]
    fn idle_providers_are_taken_by_weight() {
        let shares = shares(&[(100, 0), (300, 0), (0, 0), (100, 0)]);
        assert_eq!(shares[2], 0);
        for (index, wanted) in [(0, 2000), (1, 6000), (3, 2000)] {
            assert!(shares[index].abs_diff(wanted) < 300, "{shares:?}");
        }
    }

    #[test]
    fn the_least_outstanding_is_taken() {
        assert_eq!(shares(&[(100, 2), (100, 1), (100, 9)]), [0, 10_000, 0]);
    }

    #[test]
    fn twice_the_weight_bears_twice_the_calls() {
        assert_eq!(shares(&[(100, 3), (200, 5)]), [0, 10_000]);
        assert_eq!(shares(&[(100, 2), (200, 5)]), [10_000, 0]);
        let even = shares(&[(100, 2), (200, 4)]);
        assert!(even[1].abs_diff(6667) < 300, "{even:?}");
    }

    #[test]
    fn without_a_weight_there_is_no_choice() {
        assert_eq!(choose([Standing { weight: 0, outstanding: 0 }].into_iter(), 5), None);
        assert_eq!(choose([].into_iter(), 5), None);
    }

    #[test]
    fn the_whole_range_of_draws_lands_on_somebody() {
        for draw in [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            let all = [Standing { weight: u32::MAX, outstanding: u32::MAX }; 3];
            assert!(choose(all.into_iter(), draw).is_some());
        }
    }
}
