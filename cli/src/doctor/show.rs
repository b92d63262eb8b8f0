//! Steps and verdict for people and for programs. Pure but for the words' way to standard output.

use anyhow::Result;
use serde_json::{Value, json};

use super::sentences::{Mark, Step};
use super::verdict::Verdict;
use crate::terminal::shown;

/// Where what a step means stands.
const INDENT: &str = "                 ";

/// The lines of a step, with a line end.
pub fn lines(step: &Step) -> String {
    let mut text = format!("{:<5} {:<10} {}\n", mark(step.mark), step.name, shown(&step.saw));
    for (what, words) in [("means: ", &step.means), ("do: ", &step.ask)] {
        for (at, line) in words.iter().flat_map(|words| words.split('\n')).enumerate() {
            let what = if at == 0 { what } else { "    " };
            text += &format!("{INDENT}{what}{}\n", shown(line));
        }
    }
    text
}

/// All of it as one value.
pub fn value(hub: &str, steps: &[Step], verdict: &Verdict) -> Value {
    let steps = steps.iter().map(|step| {
        json!({ "step": step.name, "result": mark(step.mark), "saw": step.saw, "means": step.means, "do": step.ask })
    });
    json!({
        "hub": hub, "steps": steps.collect::<Vec<_>>(), "passes": verdict.passes, "verdict": verdict.sentence,
        "code": verdict.code,
    })
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
