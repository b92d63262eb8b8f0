//! Medians, ratios to three nginx, bars: as a table for people and as JSON for machines, from the same figures.
//!
//! A ratio is that of two medians of the same run; beside it stand the lowest and highest of its rounds. Never rounds
//! before it compares, never compares with figures of another run.
//!
//! Long because: one table with its words, for people and machines alike.

use crate::chain::Contender;
use crate::idle::IdleCost;
use crate::measure::{Measured, Sample, Series, Shape};
use crate::statistics::{Ratio, median, ratio};
use crate::syscalls::Counted;
use crate::variant::Variant;
use serde::Serialize;
use std::fmt::Write;

/// The variant that the bars speak of: the like of a plain TCP relay.
pub const BARRED: Variant = Variant::PLAIN_WS;

/// Everything that one run found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Machine and settings, so that nobody compares apples with pears.
    pub setting: Setting,
    /// Every sample of every round.
    pub shapes: Vec<Measured>,
    /// Comparison of each chain with three nginx.
    pub ratios: Vec<Compared>,
    /// Memory of idle connections at the first relay, by chain.
    pub idle: Vec<(String, IdleCost)>,
    /// System calls, if they were counted.
    pub syscalls: Vec<Counted>,
    /// What was promised and what was found.
    pub bars: Vec<Bar>,
}

/// Under what the figures were taken.
#[derive(Debug, Clone, Serialize)]
pub struct Setting {
    /// Processor cores that the system offers.
    pub cores: usize,
    /// Its name, as the kernel tells it.
    pub processor: String,
    /// Kernel release.
    pub kernel: String,
    /// Rounds of each shape.
    pub rounds: usize,
    /// Measured time of each run in seconds.
    pub seconds: f64,
    /// Bytes of the string argument.
    pub argument_len: usize,
    /// Bytes of a request on the wire.
    pub request_len: usize,
}

/// One chain against three nginx in one shape.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// The chain.
    pub contender: String,
    /// The shape.
    pub shape: Shape,
    /// Calls a second: more is better.
    pub calls_per_second: Option<Ratio>,
    /// CPU of the relays a call: less is better.
    pub cpu_a_call: Option<Ratio>,
    /// Median latency beyond the direct one: less is better.
    pub added_p50: Option<Ratio>,
}

/// A promise, and whether it was kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bar {
    /// In words.
    pub what: String,
    /// The limit.
    pub wanted: f64,
    /// The figure; `None` if it was not measured.
    pub found: Option<f64>,
    /// Whether the figure is on the right side of the limit; a figure that is missing is not.
    pub met: bool,
}

/// On which side of its limit a figure has to be.
#[derive(Debug, Clone, Copy)]
pub enum Side {
    /// Not below it.
    AtLeast,
    /// Not above it.
    AtMost,
}

impl Bar {
    /// Judges a figure.
    pub fn new(what: &str, side: Side, wanted: f64, found: Option<f64>) -> Self {
        let met = found.is_some_and(|found| match side {
            Side::AtLeast => found >= wanted,
            Side::AtMost => found <= wanted,
        });
        let sign = match side {
            Side::AtLeast => ">=",
            Side::AtMost => "<=",
        };
        Self { what: format!("{what} {sign} {wanted}"), wanted, found, met }
    }

    /// In a word.
    pub fn verdict(&self) -> &'static str {
        if self.met { "met" } else { "MISSED" }
    }
}

impl Report {
    /// Compares and judges what was measured.
    pub fn new(setting: Setting, shapes: Vec<Measured>, idle: Vec<(String, IdleCost)>, syscalls: Vec<Counted>) -> Self {
        let ratios: Vec<Compared> = shapes.iter().flat_map(compare).collect();
        let bars = bars(&ratios, &idle);
        Self { setting, shapes, ratios, idle, syscalls, bars }
    }

    /// Whether every bar was measured and met.
    pub fn all_met(&self) -> bool {
        self.bars.iter().all(|bar| bar.met)
    }

    /// The tables.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} cores, {}, Linux {}; argument {} B, request {} B; {} rounds of {} s, medians; x: ratio to nginx x 3 (lowest .. highest round)\n",
            self.setting.cores,
            self.setting.processor,
            self.setting.kernel,
            self.setting.argument_len,
            self.setting.request_len,
            self.setting.rounds,
            self.setting.seconds,
        );
        for measured in &self.shapes {
            self.shape_table(measured, &mut text);
        }
        self.noise(&mut text);
        self.idle_table(&mut text);
        self.syscall_table(&mut text);
        if self.ratios.is_empty() {
            return text;
        }
        self.bar_table(&mut text);
        text
    }

    fn shape_table(&self, measured: &Measured, text: &mut String) {
        let shape = measured.shape;
        let direct = find(measured, Contender::Direct);
        line(text, format_args!("\n{} in flight (connections x calls on each)", shape.name()));
        line(
            text,
            format_args!(
                "  {:<22} {:>10} {:>8} {:>8} {:>8} {:>9} {:>8} {:>7}  {:<20} {:<20} {:<20}",
                "",
                "calls/s",
                "min us",
                "p50 us",
                "p99 us",
                "added p50",
                "CPU us",
                "wakes",
                "calls/s x",
                "CPU x",
                "added p50 x"
            ),
        );
        for series in &measured.series {
            let of = |value: fn(&Sample) -> f64| middle(series, value);
            let added = direct.and_then(|direct| median(&added_p50(series, direct)));
            let compared = self.ratios.iter().find(|row| row.shape == shape && row.contender == series.contender);
            let cell = |pick: fn(&Compared) -> Option<Ratio>| compared.and_then(pick).map_or_else(String::new, spread);
            line(
                text,
                format_args!(
                    "  {:<22} {:>10} {:>8} {:>8} {:>8} {:>9} {:>8} {:>7}  {:<20} {:<20} {:<20}",
                    series.contender,
                    figure(of(|s| s.calls_per_second), 0),
                    figure(of(|s| s.min_us), 1),
                    figure(of(|s| s.p50_us), 1),
                    figure(of(|s| s.p99_us), 1),
                    figure(added, 1),
                    figure(of(|s| s.cpu_us_a_call), 2),
                    figure(of(|s| s.wake_ups_a_call), 2),
                    cell(|row| row.calls_per_second),
                    cell(|row| row.cpu_a_call),
                    cell(|row| row.added_p50),
                ),
            );
        }
        for series in measured.series.iter().filter(|series| !series.relays.is_empty()) {
            let each = (0..series.relays.len()).map(|place| {
                let cpu: Vec<f64> = series.rounds.iter().map(|sample| sample.cpu_us_a_call_each[place]).collect();
                format!("{} {}", series.relays[place], figure(median(&cpu), 2))
            });
            let each: Vec<String> = each.collect();
            line(text, format_args!("  CPU us a call: {}", each.join(", ")));
        }
    }

    /// Says by how much others disturbed the runs: ratios stand that better than figures do.
    fn noise(&self, text: &mut String) {
        let runs = self.shapes.iter().flat_map(|measured| &measured.series).flat_map(|series| &series.rounds);
        let shares: Vec<f64> = runs.map(|sample| sample.others_share * 100.0).collect();
        let most = shares.iter().copied().fold(0.0, f64::max);
        line(
            text,
            format_args!(
                "\nothers used {} % of the processors in the middle run, {most:.0} % in the worst",
                figure(median(&shares), 0)
            ),
        );
    }

    fn idle_table(&self, text: &mut String) {
        if self.idle.is_empty() {
            return;
        }
        line(text, format_args!("\nidle consumer connections, resident memory of the first relay"));
        for (name, cost) in &self.idle {
            line(
                text,
                format_args!(
                    "  {name:<22} {} connections: {:.0} KB -> {:.0} KB, {:.2} KB each",
                    cost.connections, cost.before_kb, cost.after_kb, cost.kb_a_connection
                ),
            );
        }
    }

    fn syscall_table(&self, text: &mut String) {
        if self.syscalls.is_empty() {
            return;
        }
        line(text, format_args!("\nsystem calls a call ({})", self.syscalls[0].counter));
        for counted in &self.syscalls {
            let each: Vec<String> = counted.each.iter().map(|(relay, calls)| format!("{relay} {calls:.2}")).collect();
            line(text, format_args!("  {:>6}  {:<22} {}", counted.shape.name(), counted.contender, each.join(", ")));
        }
    }

    fn bar_table(&self, text: &mut String) {
        line(text, format_args!("\nbars ({} against nginx x 3)", Contender::Highway(BARRED).name()));
        for bar in &self.bars {
            let (found, verdict) = (figure(bar.found, 2), bar.verdict());
            line(text, format_args!("  {:<50} found {found:>8}  {verdict}", bar.what));
        }
    }
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{words}");
}

fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

fn spread(ratio: Ratio) -> String {
    format!("{:.2} ({:.2} .. {:.2})", ratio.of_medians, ratio.lowest, ratio.highest)
}

fn find(measured: &Measured, contender: Contender) -> Option<&Series> {
    let name = contender.name();
    measured.series.iter().find(|series| series.contender == name)
}

fn each(series: &Series, value: fn(&Sample) -> f64) -> Vec<f64> {
    series.rounds.iter().map(value).collect()
}

fn middle(series: &Series, value: fn(&Sample) -> f64) -> Option<f64> {
    median(&each(series, value))
}

/// Median latency of each round beyond the direct one of the same round.
fn added_p50(series: &Series, direct: &Series) -> Vec<f64> {
    series.rounds.iter().zip(&direct.rounds).map(|(sample, direct)| sample.p50_us - direct.p50_us).collect()
}

fn compare(measured: &Measured) -> Vec<Compared> {
    let Some(nginx) = find(measured, Contender::Nginx) else { return Vec::new() };
    let direct = find(measured, Contender::Direct);
    let compared = |series: &&Series| series.contender.starts_with("highway");
    let against = |series: &Series| Compared {
        contender: series.contender.clone(),
        shape: measured.shape,
        calls_per_second: ratio(&each(series, |s| s.calls_per_second), &each(nginx, |s| s.calls_per_second)),
        cpu_a_call: ratio(&each(series, |s| s.cpu_us_a_call), &each(nginx, |s| s.cpu_us_a_call)),
        added_p50: direct.and_then(|direct| ratio(&added_p50(series, direct), &added_p50(nginx, direct))),
    };
    measured.series.iter().filter(compared).map(against).collect()
}

/// What this stage of the project promises.
fn bars(ratios: &[Compared], idle: &[(String, IdleCost)]) -> Vec<Bar> {
    let name = Contender::Highway(BARRED).name();
    let row = |connections, in_flight| {
        let shape = Shape { connections, in_flight };
        ratios.iter().find(|row| row.contender == name && row.shape == shape)
    };
    let of_medians = |ratio: Option<Ratio>| ratio.map(|ratio| ratio.of_medians);
    let memory = idle.iter().find(|(contender, _)| *contender == name).map(|(_, cost)| cost.kb_a_connection);
    let busy = row(64, 1);
    vec![
        Bar::new(
            "64 x 1: calls/s, times nginx x 3",
            Side::AtLeast,
            1.5,
            of_medians(busy.and_then(|row| row.calls_per_second)),
        ),
        Bar::new(
            "64 x 1: CPU a call, times nginx x 3",
            Side::AtMost,
            0.6,
            of_medians(busy.and_then(|row| row.cpu_a_call)),
        ),
        Bar::new(
            "1 x 1: added p50, times nginx x 3",
            Side::AtMost,
            1.5,
            of_medians(row(1, 1).and_then(|row| row.added_p50)),
        ),
        Bar::new("an idle consumer connection, KB", Side::AtMost, 4.0, memory),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(calls_per_second: f64, p50_us: f64, cpu: f64) -> Sample {
        Sample {
            all_calls: 1,
            calls_per_second,
            p50_us,
            p99_us: p50_us * 2.0,
            min_us: p50_us / 2.0,
            cpu_us_a_call: cpu,
            cpu_us_a_call_each: vec![cpu],
            wake_ups_a_call: 1.0,
            provider_cpu_us_a_call: 1.0,
            load_cpu_us_a_call: 1.0,
            others_share: 0.0,
        }
    }

    fn measured(connections: usize, in_flight: usize, highway: Sample) -> Measured {
        let series = |contender: Contender, sample: &Sample| Series {
            contender: contender.name(),
            relays: vec!["relay".to_owned()],
            rounds: vec![sample.clone(); 3],
        };
        Measured {
            shape: Shape { connections, in_flight },
            series: vec![
                series(Contender::Direct, &sample(900.0, 20.0, 0.0)),
                series(Contender::Nginx, &sample(100.0, 70.0, 20.0)),
                series(Contender::Highway(BARRED), &highway),
            ],
        }
    }

    fn report(lone: Sample, busy: Sample, kb_a_connection: f64) -> Report {
        let setting = Setting {
            cores: 2,
            processor: "a processor".to_owned(),
            kernel: "6".to_owned(),
            rounds: 3,
            seconds: 1.0,
            argument_len: 300,
            request_len: 500,
        };
        let cost = IdleCost { connections: 10, before_kb: 100.0, after_kb: 120.0, kb_a_connection };
        let idle = vec![(Contender::Highway(BARRED).name(), cost)];
        Report::new(setting, vec![measured(1, 1, lone), measured(64, 1, busy)], idle, Vec::new())
    }

    fn verdicts(report: &Report) -> Vec<bool> {
        report.bars.iter().map(|bar| bar.met).collect()
    }

    #[test]
    fn bars_are_met_exactly_at_their_limits() {
        let report = report(sample(1.0, 95.0, 1.0), sample(150.0, 1.0, 12.0), 4.0);
        assert_eq!(report.bars[2].found, Some(1.5), "added 75 against added 50");
        assert_eq!(verdicts(&report), [true; 4]);
        assert!(report.all_met());
    }

    #[test]
    fn every_bar_can_be_missed() {
        let report = report(sample(1.0, 96.0, 1.0), sample(149.0, 1.0, 12.1), 4.1);
        assert_eq!(verdicts(&report), [false; 4]);
        assert!(report.text().contains("MISSED"));
    }

    #[test]
    fn what_was_not_measured_is_not_met() {
        let mut report = report(sample(1.0, 95.0, 1.0), sample(150.0, 1.0, 12.0), 4.0);
        report = Report::new(report.setting, report.shapes.split_off(1), Vec::new(), Vec::new());
        assert_eq!(verdicts(&report), [true, true, false, false]);
        assert!(!report.all_met());
    }

    #[test]
    fn the_table_shows_the_ratios_that_the_json_has() {
        let report = report(sample(1.0, 95.0, 1.0), sample(150.0, 1.0, 12.0), 4.0);
        let text = report.text();
        assert!(text.contains("1.50 (1.50 .. 1.50)") && text.contains("0.60 (0.60 .. 0.60)"), "{text}");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["ratios"][1]["calls_per_second"]["of_medians"], 1.5);
        assert_eq!(json["bars"][3]["found"], 4.0);
    }
}
