//! Medians of all who called, as a table, and the bars of the SDK.
//!
//! Never tells a bar of something that did not run.

use super::{HAND, SDK, Sample};
use crate::report::{Bar, Side};
use crate::statistics::{Ratio, median, ratio};

/// CPU of a call by the SDK, as a multiple of that by hand, at most.
const CPU: f64 = 1.3;
/// Calls a second of the SDK, as a multiple of Java's at its best, at least.
const CALLS: f64 = 1.0;

/// What so many callers found: all samples of each, in the order of the rounds.
pub struct Found {
    pub callers: usize,
    pub samples: Vec<(&'static str, Vec<Sample>)>,
}

/// The line over all.
pub fn head() -> String {
    format!("  {:>7}  {:<18} {:>9} {:>9} {:>7}  {:>6}", "callers", "", "calls/s", "CPU us", "sleeps", "times")
}

impl Found {
    /// A line each: medians, and the CPU of a call as a multiple of that by hand.
    pub fn lines(&self) -> Vec<String> {
        let line = |(name, samples): &(&'static str, Vec<Sample>)| {
            let middle = |what: fn(&Sample) -> f64| median(&all(samples, what)).unwrap_or_default();
            let sleeps: Option<Vec<f64>> = samples.iter().map(|one| one.sleeps).collect();
            let times = self.beside(name, HAND, |one| one.cpu_us).filter(|_| *name != HAND);
            format!(
                "  {:>7}  {name:<18} {:>9.0} {:>9.2} {:>7}  {:>6}",
                self.callers,
                middle(|one| one.calls_per_second),
                middle(|one| one.cpu_us),
                shown(sleeps.and_then(|sleeps| median(&sleeps))),
                shown(times.map(|times| times.of_medians)),
            )
        };
        self.samples.iter().map(line).collect()
    }

    /// The SDK beside the client by hand, and beside Java in whichever way is the quicker.
    pub fn bars(&self) -> Vec<Bar> {
        let callers = self.callers;
        let cpu = self.beside(SDK, HAND, |one| one.cpu_us).map(|times| {
            Bar::new(
                &format!("times the CPU of a call by hand, {callers} callers"),
                Side::AtMost,
                CPU,
                Some(times.of_medians),
            )
        });
        let of_java = self.samples.iter().map(|(name, _)| *name).filter(|name| super::JAVA.contains(name));
        let calls = of_java.filter_map(|java| Some((java, self.beside(SDK, java, |one| one.calls_per_second)?)));
        let least = calls.min_by(|(_, a), (_, b)| a.of_medians.total_cmp(&b.of_medians)).map(|(java, times)| {
            let what = format!("times the calls/s of {java}, {callers} callers");
            Bar::new(&what, Side::AtLeast, CALLS, Some(times.of_medians))
        });
        cpu.into_iter().chain(least).collect()
    }

    /// One as a multiple of the other, where both ran.
    fn beside(&self, one: &str, other: &str, what: fn(&Sample) -> f64) -> Option<Ratio> {
        let of = |wanted: &str| {
            let (_, samples) = self.samples.iter().find(|(name, _)| *name == wanted)?;
            Some(all(samples, what))
        };
        ratio(&of(one)?, &of(other)?)
    }
}

fn all(samples: &[Sample], what: fn(&Sample) -> f64) -> Vec<f64> {
    samples.iter().map(what).collect()
}

fn shown(figure: Option<f64>) -> String {
    figure.map_or_else(String::new, |figure| format!("{figure:.2}"))
}

#[cfg(test)]
mod tests {
    use super::super::JAVA;
    use super::*;

    /// A round each: calls a second and microseconds.
    fn found(all: &[(&'static str, &[(f64, f64)])]) -> Found {
        let sample = |&(calls_per_second, cpu_us)| Sample { calls_per_second, cpu_us, sleeps: None };
        let samples = all.iter().map(|(name, rounds)| (*name, rounds.iter().map(sample).collect())).collect();
        Found { callers: 16, samples }
    }

    fn told(found: &Found) -> Vec<(String, f64, bool)> {
        found.bars().into_iter().map(|bar| (bar.what, bar.found.unwrap(), bar.met)).collect()
    }

    #[test]
    fn the_sdk_is_held_against_java_in_the_way_in_which_java_is_the_quicker() {
        let [threads, futures] = JAVA;
        let mut all = [
            (HAND, &[(100.0, 10.0), (300.0, 30.0), (200.0, 20.0)][..]),
            (SDK, &[(90.0, 12.0), (110.0, 24.0), (100.0, 40.0)][..]),
            (threads, &[(50.0, 90.0), (60.0, 90.0), (55.0, 90.0)][..]),
            (futures, &[(125.0, 50.0), (900.0, 50.0), (1.0, 50.0)][..]),
        ];
        let by_hand = ("times the CPU of a call by hand, 16 callers <= 1.3".to_owned(), 1.2, true);
        let java = |way, times, met| (format!("times the calls/s of {way}, 16 callers >= 1"), times, met);
        assert_eq!(told(&found(&all)), [by_hand.clone(), java(futures, 0.8, false)]);
        all[3].1 = &[(40.0, 50.0); 3];
        assert_eq!(told(&found(&all)), [by_hand, java(threads, 100.0 / 55.0, true)]);
    }

    #[test]
    fn who_did_not_run_has_no_bar() {
        let one = &[(100.0, 10.0)][..];
        assert_eq!(told(&found(&[(HAND, one), (JAVA[0], one)])), []);
        assert_eq!(told(&found(&[(SDK, one)])), []);
        let alone = told(&found(&[(SDK, one), (JAVA[0], one)]));
        assert_eq!(alone.len(), 1, "{alone:?}");
        assert!(alone[0].0.contains(JAVA[0]));
    }

    #[test]
    fn a_line_has_medians_and_the_first_is_no_multiple_of_itself() {
        let found = found(&[(HAND, &[(100.0, 10.0), (300.0, 30.0), (200.0, 20.0)]), (SDK, &[(90.0, 50.0); 3])]);
        let fields = |line: &String| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = found.lines().iter().map(fields).collect();
        assert_eq!(lines, ["16 written by hand 200 20.00", "16 highway-sdk 90 50.00 2.50"]);
    }
}
