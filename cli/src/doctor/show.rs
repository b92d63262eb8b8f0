//! Steps and verdict for people and for programs. Pure but for the words' way to standard output.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::step::{Mark, Step};
use super::way::{Verdict, Walked};
use crate::terminal::shown;

/// Where what a step means stands.
const INDENT: &str = "                    ";

/// The lines of a step, with a line end.
pub fn lines(step: &Step) -> String {
    let mut text = format!("{:<5} {:<13} {}\n", mark(step.mark), step.name, shown(&step.saw));
    for (what, words) in [("means: ", &step.means), ("do: ", &step.ask)] {
        for (at, line) in words.iter().flat_map(|words| words.split('\n')).enumerate() {
            let what = if at == 0 { what } else { "    " };
            text += &format!("{INDENT}{what}{}\n", shown(line));
        }
    }
    text
}

/// Steps as a list.
pub fn steps(steps: &[Step]) -> Value {
    let steps = steps.iter().map(|step| {
        json!({ "step": step.name, "result": mark(step.mark), "saw": step.saw, "means": step.means, "do": step.ask })
    });
    steps.collect::<Vec<_>>().into()
}

/// A way as one value.
pub fn walked(walked: &Walked) -> Value {
    let Verdict { passes, sentence, code } = &walked.verdict;
    json!({ "hub": walked.url, "steps": steps(&walked.steps), "passes": passes, "verdict": sentence, "code": code })
}

/// Milliseconds or seconds.
pub fn time(time: Duration) -> String {
    match time.as_millis() {
        millis @ 0..10_000 => format!("{millis} ms"),
        millis => format!("{} s", millis / 1000),
    }
}

pub fn size(len: usize) -> String {
    match len {
        0..1024 => format!("{len} B"),
        len if len < 1 << 20 => format!("{} KB", len >> 10),
        len => format!("{} MB", len >> 20),
    }
}

/// Prints the verdict.
///
/// # Errors
/// Standard output takes nothing.
pub fn verdict(verdict: &Verdict) -> Result<()> {
    crate::output::line(format_args!("\nverdict: {}", shown(&verdict.sentence)))
}

fn mark(mark: Mark) -> &'static str {
    match mark {
        Mark::Good => "ok",
        Mark::Note => "note",
        Mark::Bad => "bad",
    }
}
