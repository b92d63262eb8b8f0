//! How calls flow: what was counted between two looks, as rates and times. A counter that went back began anew with its process.
//!
//! Pure.

use std::time::Duration;

use chassis::metrics::tally::Tallied;
use serde::Serialize;

/// Calls of one kind between two looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Flow {
    /// Calls a second; `None` before the second look.
    pub calls_per_s: Option<f64>,
    /// Failed calls a second; likewise.
    pub failed_per_s: Option<f64>,
    /// What an answered call took in the middle, in microseconds; `None` where none was answered between the looks.
    pub mean_us: Option<u64>,
    /// All calls since the program began to count.
    pub calls: u64,
    /// All that failed.
    pub failed: u64,
}

/// What was counted at the look before.
#[derive(Debug, Clone, Copy)]
pub enum Before {
    /// There was none.
    Unknown,
    /// This, so long ago.
    At(Tallied, Duration),
}

impl Flow {
    /// What came between.
    #[must_use]
    pub fn between(before: Before, now: Tallied) -> Self {
        let whole = Self { calls: now.calls, failed: now.failed, ..Self::default() };
        let Before::At(before, since) = before else { return whole };
        let grown = grown(before, now);
        let per_s = |count: u64| Some(count as f64 / since.as_secs_f64().max(0.001));
        Self {
            calls_per_s: per_s(grown.calls),
            failed_per_s: per_s(grown.failed),
            mean_us: grown.took_us.checked_div(grown.answered),
            ..whole
        }
    }

    /// What hurts more is greater: failures, then calls.
    #[must_use]
    pub fn pain(&self) -> (u64, u64, u64, u64) {
        let thousandths = |rate: Option<f64>| (rate.unwrap_or_default() * 1000.0) as u64;
        (thousandths(self.failed_per_s), thousandths(self.calls_per_s), self.failed, self.calls)
    }

    /// Whether calls fail now.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.failed_per_s.is_some_and(|rate| rate > 0.0)
    }
}

/// What was counted from one look to the next: all of it where a counter went back.
fn grown(before: Tallied, now: Tallied) -> Tallied {
    let went_back = now.calls < before.calls || now.failed < before.failed || now.answered < before.answered;
    if went_back {
        return now;
    }
    Tallied {
        calls: now.calls - before.calls,
        failed: now.failed - before.failed,
        answered: now.answered - before.answered,
        took_us: now.took_us.saturating_sub(before.took_us),
    }
}

/// The bound in microseconds that 99 of 100 answers between two looks did not exceed; `None` where none came, or they took longer
/// than the last bound.
#[must_use]
pub fn p99_us(before: &[(f64, u64)], now: &[(f64, u64)]) -> Option<u64> {
    let known = |at: usize| before.get(at).map_or(0, |(_, count)| *count);
    let went_back = now.iter().enumerate().any(|(at, (_, count))| *count < known(at));
    let grown = |at: usize, count: u64| if went_back { count } else { count - known(at) };
    let (last, (_, all)) = now.iter().enumerate().next_back()?;
    let all = grown(last, *all);
    let wanted = all.checked_mul(99)?.div_ceil(100);
    let (_, (bound, _)) = now.iter().enumerate().find(|(at, (_, count))| wanted > 0 && grown(*at, *count) >= wanted)?;
    bound.is_finite().then_some((bound * 1e6) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tallied(calls: u64, failed: u64, took_us: u64) -> Tallied {
        Tallied { calls, failed, answered: calls - failed, took_us }
    }

    #[test]
    fn rates_come_from_what_was_counted_between_two_looks() {
        let before = Before::At(tallied(100, 10, 9_000), Duration::from_secs(2));
        let flow = Flow::between(before, tallied(300, 20, 199_000));
        assert_eq!((flow.calls_per_s, flow.failed_per_s, flow.mean_us), (Some(100.0), Some(5.0), Some(1000)));
        assert_eq!((flow.calls, flow.failed), (300, 20));
    }

    #[test]
    fn the_first_look_has_no_rates_and_a_quiet_second_has_no_time() {
        let first = Flow::between(Before::Unknown, tallied(5, 0, 50));
        assert_eq!((first.calls_per_s, first.mean_us, first.calls), (None, None, 5));
        let quiet = Flow::between(Before::At(tallied(5, 0, 50), Duration::from_secs(1)), tallied(5, 0, 50));
        assert_eq!((quiet.calls_per_s, quiet.mean_us), (Some(0.0), None));
    }

    #[test]
    fn a_counter_that_began_anew_has_no_negative_rate() {
        let flow = Flow::between(Before::At(tallied(1_000_000, 7, 1), Duration::from_secs(1)), tallied(30, 0, 60));
        assert_eq!((flow.calls_per_s, flow.failed_per_s, flow.mean_us), (Some(30.0), Some(0.0), Some(2)));
    }

    #[test]
    fn ninety_nine_of_a_hundred_are_found_among_the_new_answers_alone() {
        let before = [(0.001, 1000), (0.01, 1000), (f64::INFINITY, 1000)];
        let of = |now: [u64; 3]| p99_us(&before, &[(0.001, now[0]), (0.01, now[1]), (f64::INFINITY, now[2])]);
        assert_eq!(of([1099, 1100, 1100]), Some(1_000));
        assert_eq!(of([1050, 1100, 1100]), Some(10_000));
        assert_eq!(of([1000, 1000, 1100]), None, "longer than the last bound");
        assert_eq!(of([1000, 1000, 1000]), None, "no answer");
        assert_eq!(of([50, 50, 50]), Some(1_000), "began anew");
        assert_eq!(p99_us(&[], &[]), None);
    }
}
