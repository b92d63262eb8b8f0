//! The figures of all boxes, for people.

use std::time::Duration;

use super::trial::Figures;
use lab::boxes::Kind;

/// One line on a trial.
#[must_use]
pub fn line(figures: &Figures) -> String {
    let Figures { name, transport, answered, connections, .. } = figures;
    let mut text = format!(
        "{name}: {transport}, first call after {}, {:.0} calls/s, p99 {}, {:.0} bytes and {:.0} us of processors a call; \
         {answered} calls, {} failed, {connections} connections of the egress\n",
        seconds(figures.first),
        figures.calls_per_second,
        millis(figures.p99),
        figures.bytes_per_call,
        micros(figures.processor_per_call),
        figures.failures(),
    );
    for (why, count) in &figures.failed {
        text += &format!("  {count} x {why}\n");
    }
    text
}

/// The table of the documents.
#[must_use]
pub fn document(all: &[Figures], left_out: &[(&'static Kind, String)]) -> String {
    let mut text =
        "| box | transport | first call after | calls/s | p99 | bytes a call | processors a call | calls | failed |\n\
                    |---|---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for figures in all {
        text += &format!(
            "| {} | {} | {} | {:.0} | {} | {:.0} | {:.0} µs | {} | {} |\n",
            figures.name,
            figures.transport,
            seconds(figures.first),
            figures.calls_per_second,
            millis(figures.p99),
            figures.bytes_per_call,
            micros(figures.processor_per_call),
            figures.answered + figures.failures(),
            figures.failures(),
        );
    }
    for (kind, why) in left_out {
        let why = why.lines().next().unwrap_or_default();
        text += &format!("| {} | not run: {why} | | | | | | | |\n", kind.name);
    }
    text
}

impl Figures {
    /// Calls that were not answered right.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::boxes::NONE;

    fn figures() -> Figures {
        Figures {
            name: "none",
            transport: "ws".to_owned(),
            first: Duration::from_millis(450),
            calls_per_second: 12_345.6,
            p99: Duration::from_micros(1_234),
            bytes_per_call: 456.7,
            processor_per_call: Duration::from_micros(89),
            answered: 7,
            failed: [("no answer".to_owned(), 2)].into(),
            connections: 3,
        }
    }

    #[test]
    fn failed_calls_are_in_the_table_and_told_by_their_words() {
        let row = "| none | ws | 0.45 s | 12346 | 1.2 ms | 457 | 89 µs | 9 | 2 |\n";
        assert!(document(&[figures()], &[]).ends_with(row), "{}", document(&[figures()], &[]));
        assert!(line(&figures()).contains("2 x no answer"));
    }

    #[test]
    fn what_could_not_be_run_is_in_the_table_with_its_reason() {
        let table = document(&[], &[(&NONE, "there is no apt-get here\nand more".to_owned())]);
        assert!(table.ends_with("| none | not run: there is no apt-get here | | | | | | | |\n"), "{table}");
    }
}
