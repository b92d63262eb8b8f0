//! Medians, ratios and a latency histogram: all the arithmetic between a measurement and a printed figure.
//!
//! Pure. Never averages latencies, never compares figures of different rounds.

/// The middle value; of an even number the mean of the two in the middle; `None` of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// A ratio of medians, and how far the rounds taken one by one lie apart.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Ratio {
    /// Median of the measured divided by median of the reference.
    pub of_medians: f64,
    /// Smallest ratio within one round.
    pub lowest: f64,
    /// Largest ratio within one round.
    pub highest: f64,
}

/// Compares two series of the same rounds; `None` if a round is missing or the reference's median is not above zero.
///
/// A difference of two latencies may fall below zero in a round that was disturbed: such a round counts for the medians
/// and has no ratio of its own.
pub fn ratio(measured: &[f64], reference: &[f64]) -> Option<Ratio> {
    let below = median(reference).filter(|&below| below > 0.0 && measured.len() == reference.len())?;
    let rounds =
        || measured.iter().zip(reference).filter(|(_, below)| **below > 0.0).map(|(above, below)| above / below);
    Some(Ratio {
        of_medians: median(measured)? / below,
        lowest: rounds().fold(f64::INFINITY, f64::min),
        highest: rounds().fold(f64::NEG_INFINITY, f64::max),
    })
}

/// Sub-buckets of each power of two, as a power of two: a value is off by at most 1/512.
const PRECISION: u32 = 8;
const SUB_BUCKETS: usize = 1 << PRECISION;

/// Counts of nanoseconds in log-linear buckets; constant memory, a few nanoseconds a value.
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    lowest: u64,
    highest: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        let counts = vec![0; bucket_of(u64::MAX) + 1];
        Self { counts, total: 0, lowest: u64::MAX, highest: 0 }
    }
}

impl Histogram {
    /// Counts one value in nanoseconds.
    pub fn record(&mut self, nanos: u64) {
        self.counts[bucket_of(nanos)] += 1;
        self.total += 1;
        self.lowest = self.lowest.min(nanos);
        self.highest = self.highest.max(nanos);
    }

    /// Values counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Smallest value, exact; `None` of nothing.
    pub fn lowest(&self) -> Option<u64> {
        (self.total > 0).then_some(self.lowest)
    }

    /// Largest value, exact; `None` of nothing.
    pub fn highest(&self) -> Option<u64> {
        (self.total > 0).then_some(self.highest)
    }

    /// The value that `share` (0..=1) of all values do not exceed, as the middle of its bucket; `None` of nothing.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let rank = ((self.total as f64 * share).ceil() as u64).clamp(1, self.total.max(1));
        let mut seen = 0;
        for (bucket, &count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Some(middle_of(bucket).clamp(self.lowest, self.highest));
            }
        }
        None
    }
}

/// Values below 512 have a bucket each; above, each power of two has 256 buckets.
fn bucket_of(value: u64) -> usize {
    let shift = value.checked_ilog2().unwrap_or(0).saturating_sub(PRECISION);
    shift as usize * SUB_BUCKETS + (value >> shift) as usize
}

fn middle_of(bucket: usize) -> u64 {
    if bucket < 2 * SUB_BUCKETS {
        return bucket as u64;
    }
    let shift = (bucket / SUB_BUCKETS - 1) as u32;
    let top = (bucket % SUB_BUCKETS + SUB_BUCKETS) as u64;
    (top << shift) + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_value_whatever_the_order() {
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 100.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_ratio_is_that_of_the_medians_and_shows_the_spread_of_its_rounds() {
        let found = ratio(&[20.0, 30.0, 90.0], &[10.0, 10.0, 30.0]).unwrap();
        assert_eq!(found, Ratio { of_medians: 3.0, lowest: 2.0, highest: 3.0 });
    }

    #[test]
    fn a_round_with_a_reference_below_zero_counts_for_the_medians_alone() {
        let found = ratio(&[20.0, 30.0, 90.0], &[10.0, -10.0, 30.0]).unwrap();
        assert_eq!(found, Ratio { of_medians: 3.0, lowest: 2.0, highest: 3.0 });
        assert_eq!(ratio(&[1.0, 1.0, 1.0], &[-1.0, -1.0, 5.0]), None);
    }

    #[test]
    fn nothing_is_compared_with_nothing() {
        assert_eq!(ratio(&[1.0], &[]), None);
        assert_eq!(ratio(&[1.0], &[0.0]), None);
        assert_eq!(ratio(&[], &[]), None);
    }

    #[test]
    fn buckets_follow_one_another_without_gap_or_overlap() {
        let edges = (0..2_000).chain((11..63).flat_map(|e| [(1_u64 << e) - 1, 1 << e, (1 << e) + (1 << (e - 8))]));
        let mut before = (0, 0);
        for value in edges {
            let bucket = bucket_of(value);
            assert!(bucket >= before.1 && bucket - before.1 <= SUB_BUCKETS, "{} -> {value}", before.0);
            let off = middle_of(bucket).abs_diff(value) as f64;
            assert!(off <= value as f64 / 512.0 + 0.5, "{value} is told as {}", middle_of(bucket));
            before = (value, bucket);
        }
        assert_eq!(bucket_of(511), 511);
        assert_eq!(bucket_of(512), 512);
    }

    #[test]
    fn quantiles_of_a_known_series_are_its_ranks() {
        let mut histogram = Histogram::default();
        (1..=1_000).rev().for_each(|micros| histogram.record(micros * 1_000));
        let near = |share: f64, wanted: u64| {
            let found = histogram.quantile(share).unwrap();
            assert!(found.abs_diff(wanted) * 500 <= wanted, "{share}: found {found}, wanted {wanted}");
        };
        near(0.5, 500_000);
        near(0.99, 990_000);
        assert_eq!(histogram.quantile(1.0), histogram.highest());
        assert_eq!(histogram.lowest(), Some(1_000));
        assert_eq!(histogram.total(), 1_000);
    }

    #[test]
    fn an_empty_histogram_has_no_quantile() {
        let histogram = Histogram::default();
        assert_eq!((histogram.quantile(0.5), histogram.lowest(), histogram.highest()), (None, None, None));
    }
}
