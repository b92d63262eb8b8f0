//! The wire crate reads requests as released Dubbo does: the quick run of the comparison (`cargo xtask fuzz differential` is
//! the long one). It needs a JDK and nothing of the lab.

use highway_tests::differential::Comparison;
use highway_tests::differential::inputs::{Seeded, golden, made, wounded};
use highway_tests::differential::verdict::Verdict;
use lab::install::Release;

/// Inputs made by structure, and golden frames with wounds.
const MADE: usize = 15_000;
const WOUNDED: usize = 5_000;
const SEED: u64 = 4;
/// Far fewer than are read today, so that a comparison of nothing does not pass for one.
const LEAST_EQUAL: u64 = 1_500;

#[test]
fn a_request_means_to_us_what_it_means_to_a_provider_of_each_release() {
    let mut comparison = Comparison::start(&Release::OLD_AND_NEW).unwrap();
    let golden = golden().unwrap();
    let mut seeded = Seeded::new(SEED);
    comparison.compare(&golden).unwrap();
    comparison.compare(&made(&mut seeded, MADE)).unwrap();
    comparison.compare(&wounded(&mut seeded, &golden, WOUNDED)).unwrap();
    for (tally, release) in comparison.tallies().zip(Release::OLD_AND_NEW) {
        assert_eq!(tally.release, release);
        assert!(tally.holes.is_empty(), "{tally}");
        assert!(tally.equal() >= LEAST_EQUAL, "{tally}");
        println!("{tally}");
    }
    // The comparison notices what it is there for: 2.7 takes other attachments after an argument that it could not read.
    let [old, new] = [0, 1].map(|at| comparison.tallies().nth(at).unwrap());
    assert!(old.counts.contains_key(&Verdict::GoesOn), "{old}");
    assert!(!new.counts.contains_key(&Verdict::GoesOn), "{new}");
}
