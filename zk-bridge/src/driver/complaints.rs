//! What is wrong, in the log: a line for each change, not for each attempt.
//!
//! A problem is a line when it is new, and that there is none any more is one. A problem that comes and goes is not to fill a disk.
//! It knows no problem by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// Sentences of one kind that are shown; the rest is counted.
const SENTENCES_MAX: usize = 5;
/// A problem that comes and goes is logged so many times…
const SAID_MAX: u32 = 5;
/// … in so long.
const SAID_WITHIN: Duration = Duration::from_secs(60);
/// How a sentence begins that only counts others.
const MORE: &str = "and ";

/// Whether no problem means that all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// What there was to do was done.
    Known,
    /// Nobody could look.
    Unknown,
}

/// What was said of a registry.
pub(super) struct Complaints {
    registry: String,
    of: &'static str,
    /// Problems that were logged lately.
    said: BTreeMap<String, Said>,
    /// Whether the last word in the log was a problem.
    is_ill: bool,
}

/// How often a problem was logged.
struct Said {
    since: Instant,
    count: u32,
    is_there: bool,
}

impl Complaints {
    /// Nothing yet; `of` is what the problems are of.
    pub(super) fn of(registry: &str, of: &'static str) -> Self {
        Self { registry: registry.to_owned(), of, said: BTreeMap::new(), is_ill: false }
    }

    /// A line for each problem that is new, and one when there is none any more.
    pub(super) fn log(&mut self, problems: &[String], health: Health) {
        let now = Instant::now();
        self.said.retain(|problem, said| {
            said.is_there = problems.contains(problem);
            said.is_there || said.since + SAID_WITHIN > now
        });
        for problem in problems.iter().filter(|problem| !problem.starts_with(MORE)) {
            let said = self.said.entry(problem.clone()).or_insert(Said { since: now, count: 0, is_there: false });
            if !std::mem::replace(&mut said.is_there, true) && said.count < SAID_MAX {
                said.count += 1;
                tracing::warn!(registry = self.registry, of = self.of, problem, "the registry has a problem");
                self.is_ill = true;
            }
        }
        if problems.is_empty() && self.is_ill && health == Health::Known {
            tracing::info!(registry = self.registry, of = self.of, "the registry has no problem any more");
            self.is_ill = false;
        }
    }
}

/// Some of the sentences, and how many there are beyond them.
pub(super) fn some(into: &mut Vec<String>, sentences: impl Iterator<Item = String>) {
    let mut rest = sentences;
    into.extend(rest.by_ref().take(SENTENCES_MAX));
    let more = rest.count();
    if more > 0 {
        into.push(format!("{MORE}{more} more of this kind"));
    }
}
