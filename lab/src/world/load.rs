//! Calls of every consumer to every other island, for a while, and what came of them.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::World;
use crate::peer::{Failed, Load, Recorded};

/// From the begin of one call of a thread to the begin of its next, where there is no hurry.
pub(super) const CALM: Duration = Duration::from_millis(20);

/// What came of a load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Loaded {
    /// Each way, and all of them at the end.
    pub rows: Vec<Row>,
    /// What a caller was told, where calls failed: one of each different sentence's beginning.
    pub sentences: Vec<String>,
}

/// Calls that have something in common, and what came of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What they have in common.
    pub name: String,
    /// Calls that were made.
    pub calls: usize,
    /// Calls that were answered.
    pub answered: usize,
    /// Calls of which the caller was told that they did not run.
    pub not_sent: usize,
    /// Calls of which nobody told the caller whether they ran.
    pub unknown: usize,
    /// Calls that were answered each second.
    pub per_second: u64,
    /// How long callers waited for an answer: half of them no longer than that.
    pub p50_us: u64,
    /// All but a hundredth of them.
    pub p99_us: u64,
    /// All of them.
    pub longest_us: u64,
}

/// A call, and which way it went.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) way: String,
    pub(super) call: Recorded,
}

impl World {
    /// Calls for so long.
    ///
    /// # Errors
    /// A consumer is gone.
    pub fn load(&self, lasts: Duration, threads: u32, say: &dyn Fn(String)) -> Result<Loaded> {
        self.begin(threads, Duration::ZERO)?;
        let begun = Instant::now();
        let watched = self.watch(lasts, "", say);
        // However it went, nobody goes on calling.
        let lasted = begun.elapsed();
        let made = self.end()?;
        watched?;
        let mut ways: Vec<&str> = made.iter().map(|made| made.way.as_str()).collect();
        ways.sort_unstable();
        ways.dedup();
        let mut rows: Vec<Row> = ways
            .iter()
            .map(|way| Row::of(way, made.iter().filter(|made| made.way == *way).map(|made| &made.call), lasted))
            .collect();
        rows.push(Row::of("all", made.iter().map(|made| &made.call), lasted));
        Ok(Loaded { rows, sentences: sentences(made.iter().map(|made| &made.call)) })
    }

    /// Every consumer begins to call every other island.
    pub(super) fn begin(&self, threads: u32, pause: Duration) -> Result<()> {
        let pause_ms = u64::try_from(pause.as_millis())?;
        let each = self.islands.iter().map(|one| {
            let references = World::others(one.name).map(|other| format!("ledger-{other}")).collect();
            one.consumer.begin_load(&Load { references, stem: one.name.to_owned(), threads, pause_ms })
        });
        // One that is gone keeps those before it calling otherwise.
        each.collect::<Result<()>>()
            .inspect_err(|_| drop(self.islands.iter().map(|one| one.consumer.end_load()).last()))
    }

    /// Lets time pass and tells each second how many calls have ended.
    pub(super) fn watch(&self, lasts: Duration, what: &str, say: &dyn Fn(String)) -> Result<()> {
        for second in 1..=lasts.as_secs() {
            std::thread::sleep(Duration::from_secs(1));
            say(format!("{what}{second} of {} s, {} calls have ended", lasts.as_secs(), self.ended()?));
        }
        Ok(())
    }

    /// How many calls have ended so far.
    fn ended(&self) -> Result<u64> {
        self.islands.iter().map(|one| Ok(one.consumer.progress()?.ended)).sum()
    }

    /// When the last call failed, in milliseconds since 1970; 0 if none did.
    pub(super) fn last_failure_ms(&self) -> Result<u64> {
        let each = self.islands.iter().map(|one| Ok(one.consumer.progress()?.last_failure_ms));
        Ok(each.collect::<Result<Vec<_>>>()?.into_iter().max().unwrap_or(0))
    }

    /// Ends the load, and gives every call of it.
    pub(super) fn end(&self) -> Result<Vec<Made>> {
        let mut all = Vec::new();
        for one in &self.islands {
            let calls = one.consumer.end_load()?;
            all.extend(calls.into_iter().map(|call| {
                // STEM/REFERENCE/…
                let to = call.key.split('/').nth(1).and_then(|reference| reference.strip_prefix("ledger-"));
                Made { way: format!("{} ─▶ {}", one.name, to.unwrap_or("?")), call }
            }));
        }
        Ok(all)
    }
}

impl Row {
    pub(super) fn of<'a>(name: &str, calls: impl Iterator<Item = &'a Recorded>, lasted: Duration) -> Self {
        let mut row = Row { name: name.to_owned(), ..Row::default() };
        let mut took = Vec::new();
        for call in calls {
            row.calls += 1;
            match call.failed() {
                None => took.push(call.took_us),
                Some(Failed::NotSent | Failed::NotOffered | Failed::Ending | Failed::NoAddress) => row.not_sent += 1,
                Some(Failed::Unknown | Failed::Cut | Failed::TimedOut | Failed::Other) => row.unknown += 1,
            }
        }
        took.sort_unstable();
        row.answered = took.len();
        row.per_second = (took.len() as u128 * 1000 / lasted.as_millis().max(1)).try_into().unwrap_or(u64::MAX);
        let share = |of_100: usize| took.get((took.len() * of_100 / 100).min(took.len().saturating_sub(1)));
        row.p50_us = share(50).copied().unwrap_or(0);
        row.p99_us = share(99).copied().unwrap_or(0);
        row.longest_us = took.last().copied().unwrap_or(0);
        row
    }

    /// A table for people.
    #[must_use]
    pub fn table(rows: &[Row]) -> String {
        let millis = |micros: u64| format!("{:.1} ms", Duration::from_micros(micros).as_secs_f64() * 1e3);
        let mut text = format!(
            "{:24} {:>8} {:>9} {:>9} {:>8} {:>8} {:>10} {:>10} {:>10}\n",
            "", "calls", "answered", "not sent", "unknown", "calls/s", "p50", "p99", "longest"
        );
        for row in rows {
            let Row { name, calls, answered, not_sent, unknown, per_second, .. } = row;
            let waited = |micros: u64| if row.answered == 0 { "-".to_owned() } else { millis(micros) };
            let [p50, p99, longest] = [row.p50_us, row.p99_us, row.longest_us].map(waited);
            text += &format!(
                "{name:24} {calls:>8} {answered:>9} {not_sent:>9} {unknown:>8} {per_second:>8} {p50:>10} {p99:>10} {longest:>10}\n"
            );
        }
        text
    }
}

impl Loaded {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        Row::table(&self.rows) + &told(&self.sentences)
    }

    /// Calls that failed, however.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.rows.last().map_or(0, |all| all.calls - all.answered)
    }
}

/// What callers were told, as lines.
pub(super) fn told(sentences: &[String]) -> String {
    sentences.iter().map(|sentence| format!("  a caller read: {sentence}\n")).collect()
}

/// One for each way to fail, of which there are eight.
pub(super) fn sentences<'a>(calls: impl Iterator<Item = &'a Recorded>) -> Vec<String> {
    let mut seen: Vec<(Failed, String)> = Vec::new();
    for call in calls {
        let Some(failed) = call.failed() else { continue };
        if seen.iter().all(|(known, _)| *known != failed) {
            seen.push((failed, short(call.message.as_deref().unwrap_or_default())));
        }
    }
    seen.into_iter().map(|(_, sentence)| sentence).collect()
}

/// What matters of a message: Dubbo's own story stands in front of ours.
pub(super) fn short(text: &str) -> String {
    let ours = text.rfind("highway: ").or_else(|| text.rfind("cause: ")).map_or(text, |at| &text[at..]);
    ours.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(240).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(took_us: u64, message: Option<&str>) -> Recorded {
        let class = message.map(|_| "a.b.RpcException".to_owned());
        Recorded { took_us, class, message: message.map(str::to_owned), ..Recorded::default() }
    }

    #[test]
    fn every_call_is_counted_once_and_only_answers_have_a_time() {
        let mut calls: Vec<Recorded> = (1..=98).map(|millis| call(millis * 1000, None)).collect();
        calls.push(call(9_000_000, Some("x highway: no link (the call was not executed)")));
        calls.push(call(9_000_000, Some("highway: gone (the call may have been executed)")));
        let row = Row::of("all", calls.iter(), Duration::from_secs(2));
        assert_eq!((row.calls, row.answered, row.not_sent, row.unknown), (100, 98, 1, 1));
        assert_eq!((row.per_second, row.p50_us, row.p99_us, row.longest_us), (49, 50_000, 98_000, 98_000));
        assert_eq!(sentences(calls.iter())[0], "highway: no link (the call was not executed)");
    }

    #[test]
    fn no_calls_are_no_calls() {
        let row = Row::of("all", [].into_iter(), Duration::ZERO);
        assert_eq!(row, Row { name: "all".to_owned(), ..Row::default() });
    }
}
