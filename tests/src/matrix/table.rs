//! What came of a run: for each pair and case what was seen both ways, and what is to be said of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::{Value, json};

use super::cases::{ALL, Case};
use super::differences::Difference;

/// What one way of a case brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// What the consumer saw of each call.
    pub outcomes: Value,
    /// What the provider received.
    pub received: Value,
}

/// One case of one pair.
#[derive(Debug)]
pub struct Cell {
    /// Who called.
    pub consumer: String,
    /// Who was called.
    pub provider: String,
    /// With what.
    pub case: &'static Case,
    /// Without Highway.
    pub direct: Seen,
    /// With it.
    pub through: Seen,
}

/// What is to be said of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Both ways are the same.
    Equal,
    /// They differ, and the list says why: its entry.
    Named(usize),
    /// They differ and nobody has said why.
    Unexplained,
    /// They are the same where the list says that they differ: its entry.
    Stale(usize),
}

/// Why cells differ, numbered from 1 in the order in which tables need them: what has one reason has one number.
#[derive(Debug, Default)]
pub struct Reasons(Vec<(&'static str, BTreeSet<&'static str>)>);

/// All cells of a run.
#[derive(Debug)]
pub struct Table {
    /// Rows.
    pub consumers: Vec<String>,
    /// Columns.
    pub providers: Vec<String>,
    /// What was seen, in any order.
    pub cells: Vec<Cell>,
}

impl Cell {
    /// Whether both ways agree, and whether that was to be expected.
    #[must_use]
    pub fn verdict(&self, known: &[Difference]) -> Verdict {
        let named = known.iter().position(|difference| difference.covers(self));
        match (self.direct == self.through, named) {
            (true, None) => Verdict::Equal,
            (true, Some(entry)) => Verdict::Stale(entry),
            (false, Some(entry)) if known[entry].shows(self) => Verdict::Named(entry),
            (false, _) => Verdict::Unexplained,
        }
    }

    /// Both ways in two lines, from the first thing that differs on.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut text = format!("{} ─▶ {} {}\n", self.consumer, self.provider, self.case.name);
        for (what, direct, through) in [
            ("the consumer saw", &self.direct.outcomes, &self.through.outcomes),
            ("the provider saw", &self.direct.received, &self.through.received),
        ] {
            if direct != through {
                let (direct, through) = first_difference(direct, through);
                let _ = writeln!(text, "    {what}\n      directly        {direct}\n      through Highway {through}");
            }
        }
        text
    }

    fn json(&self, known: &[Difference]) -> Value {
        let verdict = match self.verdict(known) {
            Verdict::Equal => "equal",
            Verdict::Named(_) => "named",
            Verdict::Unexplained => "unexplained",
            Verdict::Stale(_) => "stale",
        };
        let seen = |seen: &Seen| json!({ "outcomes": seen.outcomes, "received": seen.received });
        json!({
            "consumer": self.consumer, "provider": self.provider, "case": self.case.name, "verdict": verdict,
            "direct": seen(&self.direct), "through": seen(&self.through),
        })
    }
}

/// The first pair of calls that differ; all of it, where it is no list.
fn first_difference<'a>(one: &'a Value, other: &'a Value) -> (&'a Value, &'a Value) {
    let (Value::Array(ones), Value::Array(others)) = (one, other) else { return (one, other) };
    if ones.len() != others.len() {
        return (one, other);
    }
    ones.iter().zip(others).find(|(one, other)| one != other).unwrap_or((one, other))
}

impl Reasons {
    fn number(&mut self, difference: &Difference) -> usize {
        let Difference { cases, reason, .. } = difference;
        let at = self.0.iter().position(|(other, _)| other == reason).unwrap_or_else(|| {
            self.0.push((reason, BTreeSet::new()));
            self.0.len() - 1
        });
        if cases.is_empty() {
            self.0[at].1.extend(ALL.iter().map(|case| case.name));
        }
        self.0[at].1.extend(cases.iter());
        at + 1
    }

    /// Each with its number and its cases.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for (number, (reason, cases)) in (1..).zip(&self.0) {
            let cases: Vec<String> = cases.iter().map(|case| format!("`{case}`")).collect();
            let which = if cases.len() == ALL.len() { "every case".to_owned() } else { cases.join(", ") };
            let _ = write!(text, "\n{number}. {which}: {reason}");
        }
        text + "\n"
    }
}

impl Table {
    /// What fails a run, in words; empty if all cells are equal or named, and all that is named happens.
    #[must_use]
    pub fn faults(&self, known: &[Difference]) -> Vec<String> {
        let fault = |cell: &Cell| match cell.verdict(known) {
            Verdict::Equal | Verdict::Named(_) => None,
            Verdict::Unexplained => Some(format!("unexplained: {}", cell.shown())),
            Verdict::Stale(entry) => Some(format!(
                "no longer different: {} ─▶ {} {}, listed with: {}\n",
                cell.consumer, cell.provider, cell.case.name, known[entry].reason
            )),
        };
        self.cells.iter().filter_map(fault).collect()
    }

    /// Its rows, and behind them each named difference with its reason.
    #[must_use]
    pub fn markdown(&self, known: &[Difference]) -> String {
        let mut reasons = Reasons::default();
        self.rows(known, &mut reasons) + &reasons.markdown()
    }

    /// Consumers down, providers across, in each cell the cases that are equal of those that were run, and the numbers of the
    /// named differences.
    #[must_use]
    pub fn rows(&self, known: &[Difference], reasons: &mut Reasons) -> String {
        let used: BTreeSet<usize> = self
            .cells
            .iter()
            .filter_map(|cell| if let Verdict::Named(entry) = cell.verdict(known) { Some(entry) } else { None })
            .collect();
        let number = used.into_iter().map(|entry| (entry, reasons.number(&known[entry]))).collect();
        let mut text = format!("| consumer ↓ provider → | {} |\n|---|", self.providers.join(" | "));
        text += &"---|".repeat(self.providers.len());
        text.push('\n');
        for consumer in &self.consumers {
            let _ = write!(text, "| {consumer} |");
            for provider in &self.providers {
                let _ = write!(text, " {} |", self.pair(consumer, provider, known, &number));
            }
            text.push('\n');
        }
        text
    }

    fn pair(&self, consumer: &str, provider: &str, known: &[Difference], number: &BTreeMap<usize, usize>) -> String {
        let cells: Vec<&Cell> =
            self.cells.iter().filter(|cell| cell.consumer == consumer && cell.provider == provider).collect();
        let equal = cells.iter().filter(|cell| cell.direct == cell.through).count();
        let named: BTreeSet<usize> = cells
            .iter()
            .filter_map(|cell| match cell.verdict(known) {
                Verdict::Named(entry) => number.get(&entry).copied(),
                Verdict::Equal | Verdict::Unexplained | Verdict::Stale(_) => None,
            })
            .collect();
        let unexplained = cells.iter().filter(|cell| cell.verdict(known) == Verdict::Unexplained).count();
        let mut text = format!("{equal} / {}", cells.len());
        if !named.is_empty() {
            let named: Vec<String> = named.iter().map(usize::to_string).collect();
            let _ = write!(text, " ({})", named.join(", "));
        }
        if unexplained > 0 {
            let _ = write!(text, " **{unexplained} unexplained**");
        }
        text
    }

    /// One JSON object a cell, with everything that was seen.
    #[must_use]
    pub fn json_lines(&self, known: &[Difference]) -> String {
        self.cells.iter().map(|cell| cell.json(known).to_string() + "\n").collect()
    }
}
