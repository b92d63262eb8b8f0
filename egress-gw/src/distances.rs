//! How far islands are, by whichever link they are nearest.
//!
//! Hubs tell what they measured of their side, smoothed and only where it is notably otherwise; the link's own round trip is added when they
//! do. Bounded by what hubs show: an island of which nothing is offered is left out where decisions are made. Decisions change with them
//! only where one is notably otherwise than what they were made by, whatever a hub says how often.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// Distances of one link at most; a hub has fewer islands.
const ISLANDS_MAX: usize = 10_000;

/// What is otherwise by less than one in so many of it is the same.
const NOTABLE: u32 = 4;
/// And less than this is the same however near it is.
const NOTABLE_AT_LEAST: Duration = Duration::from_millis(1);

/// What every link told.
#[derive(Debug, Default)]
pub struct Distances {
    by_link: BTreeMap<u64, HashMap<Arc<str>, Duration>>,
    /// What decisions are made by.
    used: HashMap<Arc<str>, Duration>,
}

impl Distances {
    /// A link tells how far an island is.
    pub fn told(&mut self, link: u64, island: &str, round_trip: Duration) {
        let of_link = self.by_link.entry(link).or_default();
        if of_link.len() < ISLANDS_MAX || of_link.contains_key(island) {
            of_link.insert(island.into(), round_trip);
        }
    }

    /// A link is gone, and what it told.
    pub fn down(&mut self, link: u64) {
        self.by_link.remove(&link);
    }

    /// The shortest way to each island.
    #[must_use]
    pub fn shortest(&self) -> HashMap<Arc<str>, Duration> {
        let mut shortest: HashMap<Arc<str>, Duration> = HashMap::new();
        for (island, round_trip) in self.by_link.values().flatten() {
            let known = shortest.entry(island.clone()).or_insert(*round_trip);
            *known = (*known).min(*round_trip);
        }
        shortest
    }

    /// The same, by which decisions are made from now on.
    #[must_use]
    pub fn put_to_use(&mut self) -> HashMap<Arc<str>, Duration> {
        self.used = self.shortest();
        self.used.clone()
    }

    /// Whether any is notably otherwise than what decisions are made by: by a quarter and a millisecond, or known where it was not.
    #[must_use]
    pub fn are_news(&self) -> bool {
        let now = self.shortest();
        now.len() != self.used.len()
            || now.iter().any(|(island, now)| {
                let Some(used) = self.used.get(island) else { return true };
                let difference = used.abs_diff(*now);
                difference >= NOTABLE_AT_LEAST && difference >= *used / NOTABLE
            })
    }

    /// For the status page, in microseconds.
    #[must_use]
    pub fn shown(&self) -> BTreeMap<String, u64> {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.shortest().into_iter().map(|(island, time)| (island.to_string(), micros(time))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_way_counts_and_a_link_takes_its_own_along() {
        let mut distances = Distances::default();
        let ms = Duration::from_millis;
        distances.told(1, "shanghai", ms(40));
        distances.told(2, "shanghai", ms(9));
        distances.told(1, "beijing", ms(20));
        assert_eq!(distances.shortest()["shanghai"], ms(9));
        distances.told(2, "shanghai", ms(90));
        assert_eq!(distances.shortest()["shanghai"], ms(40));
        distances.down(1);
        let left = distances.shortest();
        assert_eq!((left.get("shanghai"), left.get("beijing")), (Some(&ms(90)), None));
    }

    #[test]
    fn only_what_is_notably_otherwise_than_what_is_used_is_news() {
        let (mut distances, ms) = (Distances::default(), Duration::from_millis);
        assert!(!distances.are_news());
        distances.told(1, "shanghai", ms(40));
        assert!(distances.are_news(), "it was not known");
        assert_eq!(distances.put_to_use()["shanghai"], ms(40));
        for (millis, news) in [(40, false), (45, false), (31, false), (50, true), (30, true)] {
            distances.told(1, "shanghai", ms(millis));
            assert_eq!(distances.are_news(), news, "{millis}");
        }
        distances.told(1, "shanghai", ms(40));
        distances.told(2, "beijing", Duration::from_micros(100));
        let _ = distances.put_to_use();
        distances.told(2, "beijing", Duration::from_micros(900));
        assert!(!distances.are_news(), "both are near");
        distances.down(2);
        assert!(distances.are_news(), "it is not known any more");
    }
}
