//! How services are spread over applications at instance level: few enough in each that its metadata fits into a node.
//!
//! ```text
//!            1              one bucket while everything fits
//!          /   \            a bucket that does not fit is split by a bit of each service's hash:
//!         2     3           bucket n into 2n and 2n + 1
//!        / \
//!       4   5
//! ```
//!
//! A split moves the services of one bucket and of no other. Two halves become one again only when together they are
//! well below the limit, so that one service more or less does not move hundreds of them twice. Which bucket a service
//! is in follows from the set and from which buckets there are now; there is no state to lose. Pure.

use std::collections::BTreeSet;
use std::hash::Hasher;

/// Services in one bucket, at most.
pub(crate) const SERVICES_MAX: usize = 500;
/// Bytes of metadata in one bucket, at most: two copies travel in one request of at most 1 MiB.
pub(crate) const CONTENT_MAX_LEN: usize = 400 * 1024;
/// Halves are joined below this share of the limits.
const JOINED_BELOW: usize = 2;
/// Deeper than any number of services gets with an even hash.
const BITS: u32 = 24;

/// A service to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item<T> {
    /// What the place follows from.
    pub(crate) name: String,
    /// Bytes it takes in the metadata.
    pub(crate) len: usize,
    /// Whatever the caller needs back.
    pub(crate) what: T,
}

/// Spreads `items` over numbered buckets; `now` are the numbers in use. The order inside a bucket is that of `items`.
pub(crate) fn spread<T>(items: Vec<Item<T>>, now: &BTreeSet<u32>) -> Vec<(u32, Vec<Item<T>>)> {
    let mut out = Vec::new();
    split(1, 0, items, now, &mut out);
    out
}

fn split<T>(number: u32, bit: u32, items: Vec<Item<T>>, now: &BTreeSet<u32>, out: &mut Vec<(u32, Vec<Item<T>>)>) {
    if items.is_empty() {
        return;
    }
    let is_split = now.iter().any(|used| is_below(*used, number));
    let share = if is_split { JOINED_BELOW } else { 1 };
    let len: usize = items.iter().map(|item| item.len).sum();
    let fits = items.len() <= SERVICES_MAX / share && len <= CONTENT_MAX_LEN / share;
    if fits || items.len() == 1 || bit == BITS {
        out.push((number, items));
        return;
    }
    let (ones, zeros): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| hash(&item.name) >> bit & 1 == 1);
    split(number * 2, bit + 1, zeros, now, out);
    split(number * 2 + 1, bit + 1, ones, now, out);
}

/// Whether `used` came out of splitting `number`.
fn is_below(mut used: u32, number: u32) -> bool {
    while used > number {
        used /= 2;
        if used == number {
            return true;
        }
    }
    false
}

/// The same on every machine and for ever; `std`'s hasher promises neither.
fn hash(name: &str) -> u64 {
    struct Fnv(u64);
    impl Hasher for Fnv {
        fn finish(&self) -> u64 {
            // The low bits of FNV-1a alone are uneven for names that end alike.
            self.0 ^ self.0 >> 32 ^ self.0 >> 16
        }
        fn write(&mut self, bytes: &[u8]) {
            for byte in bytes {
                self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    hasher.write(name.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(range: std::ops::Range<usize>) -> Vec<Item<()>> {
        range.map(|i| Item { name: format!("com.acme.Service{i}"), len: 300, what: () }).collect()
    }

    fn numbers(spread: &[(u32, Vec<Item<()>>)]) -> BTreeSet<u32> {
        spread.iter().map(|(number, _)| *number).collect()
    }

    #[test]
    fn what_fits_stays_together() {
        let spread = spread(items(0..500), &BTreeSet::new());
        assert_eq!(spread.len(), 1);
        assert_eq!((spread[0].0, spread[0].1.len()), (1, 500));
    }

    #[test]
    fn no_bucket_has_more_than_500_services_and_none_is_lost() {
        let spread = spread(items(0..5000), &BTreeSet::new());
        assert!(spread.iter().all(|(_, items)| items.len() <= SERVICES_MAX), "{:?}", numbers(&spread));
        assert_eq!(spread.iter().map(|(_, items)| items.len()).sum::<usize>(), 5000);
        assert!(spread.len() <= 32, "evenly enough: {}", spread.len());
    }

    #[test]
    fn no_bucket_is_larger_than_a_node_may_be() {
        let fat = (0..100).map(|i| Item { name: format!("s{i}"), len: 50_000, what: () }).collect();
        let spread = spread(fat, &BTreeSet::new());
        assert!(spread.iter().all(|(_, items)| items.iter().map(|item| item.len).sum::<usize>() <= CONTENT_MAX_LEN));
    }

    #[test]
    fn a_split_moves_the_services_of_one_bucket_only() {
        let before = spread(items(0..900), &BTreeSet::new());
        let after = (901..1100)
            .map(|count| spread(items(0..count), &numbers(&before)))
            .find(|after| numbers(after) != numbers(&before))
            .expect("one of two buckets is full before the other");
        assert_eq!(numbers(&before).intersection(&numbers(&after)).count(), 1);
        for (number, items) in &before {
            if let Some((_, now)) = after.iter().find(|(now, _)| now == number) {
                assert!(items.iter().all(|item| now.contains(item)), "bucket {number} keeps what it had");
            }
        }
    }

    #[test]
    fn one_service_more_or_less_does_not_split_and_join_all_the_time() {
        let split = spread(items(0..501), &BTreeSet::new());
        assert_eq!(numbers(&split), [2, 3].into());
        assert_eq!(numbers(&spread(items(0..499), &numbers(&split))), [2, 3].into());
        assert_eq!(numbers(&spread(items(0..250), &numbers(&split))), [1].into());
    }

    #[test]
    fn names_that_cannot_be_told_apart_end_somewhere() {
        let same = vec![Item { name: "x".into(), len: CONTENT_MAX_LEN, what: () }; 3];
        assert_eq!(spread(same, &BTreeSet::new()).len(), 1);
    }
}
