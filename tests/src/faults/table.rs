//! Figures for people: a line a consumer while it runs, a table in the documentation.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Kind;
use super::stage::Trial;
use super::tally::Figures;

/// The kinds in the order of their columns, and what stands above them.
const KINDS: [(Kind, &str); 8] = [
    (Kind::Unknown, "unknown"),
    (Kind::NotSent, "not sent"),
    (Kind::NotOffered, "not offered"),
    (Kind::Ending, "ending"),
    (Kind::NoAddress, "no address"),
    (Kind::Cut, "cut"),
    (Kind::TimedOut, "timed out"),
    (Kind::Other, "other"),
];

/// A line for each reference of each consumer of one trial, and below what callers were told.
#[must_use]
pub fn lines(trials: &[Trial]) -> String {
    let mut text = String::new();
    let mut sentences: BTreeMap<&str, usize> = BTreeMap::new();
    for Trial { release, reference, figures, .. } in trials {
        let failed: String = KINDS
            .iter()
            .filter(|(kind, _)| figures.failed_as(*kind) > 0)
            .map(|(kind, name)| format!(" {} {name}", figures.failed_as(*kind)))
            .collect();
        let _ = writeln!(
            text,
            "  {:7} {reference:16} {:5} answered {:4} failed {:3} lost {:2} twice  silence {:>6} healed {:>6}  {failed}{}",
            release.version(),
            figures.answered,
            figures.failed_calls(),
            figures.lost,
            figures.twice,
            seconds(Some(figures.silence_ms)),
            seconds(figures.healed_ms),
            if figures.never_ran > 0 {
                format!(" ANSWERED BUT NEVER RAN: {}", figures.never_ran)
            } else {
                String::new()
            },
        );
        for (sentence, count) in &figures.sentences {
            *sentences.entry(sentence).or_default() += count;
        }
    }
    for (sentence, count) in sentences {
        let _ = writeln!(text, "      {count:5} × {sentence}");
    }
    text
}

/// One row for each fault, number of gateways and consumer; where a cell has two numbers, they are those of the two references.
#[must_use]
pub fn document(trials: &[Trial]) -> String {
    let mut text = String::from("| fault | of each | consumer | answered |");
    let _ = write!(text, " {} |", KINDS.map(|(_, name)| name).join(" | "));
    text += " lost | twice | longest silence | healed after |\n|---|---|---|---|";
    text += &"---|".repeat(KINDS.len());
    text += "---|---|---|---|\n";
    let mut before = String::new();
    for pair in trials.chunk_by(|a, b| (a.fault, a.gateways, a.release) == (b.fault, b.gateways, b.release)) {
        let Trial { fault, gateways, release, .. } = &pair[0];
        let fault = fault.to_string();
        let cell = |of: &dyn Fn(&Figures) -> String| {
            pair.iter().map(|trial| of(&trial.figures)).collect::<Vec<_>>().join(" / ")
        };
        let _ = write!(
            text,
            "| {} | {} | {} | {} |",
            if fault == before { "" } else { &fault },
            gateways.count(),
            release.version(),
            cell(&|figures| figures.answered.to_string())
        );
        for (kind, _) in KINDS {
            let all = cell(&|figures| figures.failed_as(kind).to_string());
            let _ = write!(text, " {} |", if all == "0 / 0" { "" } else { &all });
        }
        let _ = writeln!(
            text,
            " {} | {} | {} | {} |",
            cell(&|figures| figures.lost.to_string()),
            cell(&|figures| figures.twice.to_string()),
            cell(&|figures| seconds(Some(figures.silence_ms))),
            cell(&|figures| seconds(figures.healed_ms)),
        );
        before = fault;
    }
    text
}

/// What all of it comes to.
#[must_use]
pub fn summary(trials: &[Trial]) -> String {
    let sum = |of: &dyn Fn(&Figures) -> usize| trials.iter().map(|trial| of(&trial.figures)).sum::<usize>();
    let restless = trials.iter().filter(|trial| trial.figures.healed_ms.is_none()).count();
    format!(
        "{} calls, {} answered, {} failed; lost {}, executed twice {}, answered and never run {}, not healed {restless}",
        sum(&|figures| figures.calls),
        sum(&|figures| figures.answered),
        sum(&Figures::failed_calls),
        sum(&|figures| figures.lost),
        sum(&|figures| figures.twice),
        sum(&|figures| figures.never_ran),
    )
}

/// In seconds with a tenth; `never` for nothing.
fn seconds(millis: Option<u64>) -> String {
    match millis {
        None => "never".to_owned(),
        Some(millis) => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
    }
}
