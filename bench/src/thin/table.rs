//! The table of `bench thin-link` and its bars.

use crate::chain::Contender;
use crate::frames::Payload;
use crate::measure::Sample;
use crate::report::{Bar, Side};
use crate::statistics::{median, ratio};
use crate::variant::Variant;
use std::fmt::Write;

/// All rounds of one chain with one payload.
pub struct Row {
    /// The chain.
    pub contender: Contender,
    /// What arguments are.
    pub payload: Payload,
    /// Each round, with the bytes that crossed this island's link a call: up, down.
    pub rounds: Vec<(Sample, [f64; 2])>,
}

impl Row {
    /// None yet.
    pub fn new(contender: Contender, payload: Payload) -> Row {
        Row { contender, payload, rounds: Vec::new() }
    }

    fn middle(&self, value: impl Fn(&(Sample, [f64; 2])) -> f64) -> f64 {
        median(&self.rounds.iter().map(value).collect::<Vec<_>>()).unwrap_or(f64::NAN)
    }

    fn calls(&self) -> Vec<f64> {
        self.rounds.iter().map(|(sample, _)| sample.calls_per_second).collect()
    }
}

/// What Highway has to reach with each payload, in times of three nginx: with random bodies be they packed or not.
const BARS: [(Payload, Variant, &str, f64); 3] = [
    (Payload::Random, Variant::PLAIN_WS, "incompressible bodies: calls/s, times nginx x 3", 1.02),
    (Payload::Random, Variant::PACKED_WS, "the same, where calls are packed", 1.02),
    (Payload::Business, Variant::PACKED_WS, "business bodies, packed: calls/s, times nginx x 3", 2.5),
];

/// The table, and whether all bars are met.
pub fn of(rows: &[Row]) -> (String, bool) {
    let mut text = String::new();
    let mut line = |words: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{words}");
    };
    line(format_args!(
        "\n30 Mbit/s each way (tbf), 2 KB arguments and answers, 64 consumers; medians; x: times nginx x 3 (lowest .. highest round)"
    ));
    line(format_args!(
        "  {:<10} {:<22} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}  x",
        "payload", "", "calls/s", "p50 ms", "p99 ms", "B up", "B down", "CPU us"
    ));
    let mut bars = Vec::new();
    for row in rows {
        let nginx = rows.iter().find(|other| other.contender == Contender::Nginx && other.payload == row.payload);
        let times =
            nginx.filter(|_| row.contender != Contender::Nginx).and_then(|nginx| ratio(&row.calls(), &nginx.calls()));
        let spread = times.map_or_else(String::new, |times| {
            format!("{:.2} ({:.2} .. {:.2})", times.of_medians, times.lowest, times.highest)
        });
        line(format_args!(
            "  {:<10} {:<22} {:>8.0} {:>8.1} {:>8.1} {:>8.0} {:>8.0} {:>8.1}  {spread}",
            format!("{:?}", row.payload).to_lowercase(),
            row.contender.name(),
            row.middle(|(sample, _)| sample.calls_per_second),
            row.middle(|(sample, _)| sample.p50_us / 1e3),
            row.middle(|(sample, _)| sample.p99_us / 1e3),
            row.middle(|(_, crossed)| crossed[0]),
            row.middle(|(_, crossed)| crossed[1]),
            row.middle(|(sample, _)| sample.cpu_us_a_call),
        ));
        if let Some(times) = times {
            let barred = BARS.iter().filter(|(payload, variant, ..)| {
                *payload == row.payload && Contender::Highway(*variant) == row.contender
            });
            bars.extend(
                barred.map(|(_, _, what, wanted)| Bar::new(what, Side::AtLeast, *wanted, Some(times.of_medians))),
            );
        }
    }
    line(format_args!("\nbars"));
    for bar in &bars {
        line(format_args!("  {:<62} found {:>5.2}  {}", bar.what, bar.found.unwrap_or(f64::NAN), bar.verdict()));
    }
    let met = bars.len() == BARS.len() && bars.iter().all(|bar| bar.met);
    (text, met)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(contender: Contender, payload: Payload, calls_per_second: f64) -> Row {
        let sample = Sample { calls_per_second, ..Sample::default() };
        Row { rounds: vec![(sample, [1.0, 1.0]); 3], ..Row::new(contender, payload) }
    }

    #[test]
    fn a_bar_is_met_at_its_limit_missed_below_it_and_not_met_unmeasured() {
        let rows = |plain, packed, business| {
            let of = |variant, payload, calls| row(Contender::Highway(variant), payload, calls);
            vec![
                row(Contender::Nginx, Payload::Random, 1500.0),
                of(Variant::PLAIN_WS, Payload::Random, plain),
                of(Variant::PACKED_WS, Payload::Random, packed),
                row(Contender::Nginx, Payload::Business, 1000.0),
                of(Variant::PLAIN_WS, Payload::Business, 1000.0),
                of(Variant::PACKED_WS, Payload::Business, business),
            ]
        };
        assert!(of(&rows(1530.0, 1530.0, 2500.0)).1);
        for missed in [rows(1529.0, 1530.0, 2500.0), rows(1530.0, 1529.0, 2500.0), rows(1530.0, 1530.0, 2499.0)] {
            let (text, met) = of(&missed);
            assert!(!met && text.contains("MISSED"), "{text}");
        }
        assert!(!of(&rows(1530.0, 1530.0, 2500.0)[..5]).1, "not measured");
    }
}
