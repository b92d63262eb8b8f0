//! Runs cases on pairs, both ways. Light cases of all consumers at once, heavy ones each for itself.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use serde_json::{Value, json};

use super::Party;
use super::cases::{ALL, Case, Load};
use super::references::Kind;
use super::table::{Cell, Seen, Table};

/// Who calls whom: the same member at the same place of both lists of consumers.
#[derive(Debug, Clone, Copy)]
pub struct Ways<'a> {
    /// Consumers that reach the providers themselves.
    pub directly: &'a [Party],
    /// Consumers that reach them through Highway.
    pub through: &'a [Party],
    /// The providers.
    pub providers: &'a [Party],
}

#[derive(Debug, Clone, Copy)]
enum Way {
    Directly,
    Through,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Directly => "directly",
            Way::Through => "through Highway",
        }
    }

    fn key(self) -> char {
        match self {
            Way::Directly => 'd',
            Way::Through => 't',
        }
    }
}

/// One consumer on one way, with the references it has made so far.
struct Caller<'a> {
    peer: &'a Party,
    way: Way,
    made: Mutex<BTreeSet<(Kind, &'a str)>>,
}

/// Whether a case is wanted of a consumer and a provider.
pub type Wanted = fn(&Case, &str, &str) -> bool;

/// A case of a provider, by its place in the list, and what was seen of it.
type Run = (usize, &'static Case, Seen);

/// Runs the cases that are wanted on all pairs that can do them. Says how far it is.
///
/// # Errors
/// A peer is gone, does not answer in time, or refuses a case that it said it can do.
pub fn run(ways: Ways<'_>, wanted: Wanted, progress: impl Fn(&str) + Sync) -> Result<Table> {
    let directly: Vec<Caller<'_>> = ways.directly.iter().map(|peer| Caller::new(peer, Way::Directly)).collect();
    let through: Vec<Caller<'_>> = ways.through.iter().map(|peer| Caller::new(peer, Way::Through)).collect();
    let progress = &progress;
    let both: Vec<(Vec<Run>, Vec<Run>)> = std::thread::scope(|scope| {
        let start = |caller| scope.spawn(move || light_cases(caller, ways.providers, wanted, progress));
        let pairs: Vec<_> = directly.iter().zip(&through).map(|(one, other)| (start(one), start(other))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Result<Vec<Run>>>| {
            thread.join().unwrap_or_else(|_| anyhow::bail!("a consumer's thread ended in a panic"))
        };
        // All are joined, whatever comes of the first ones.
        let joined: Vec<_> = pairs.into_iter().map(|(one, other)| (join(one), join(other))).collect();
        joined.into_iter().map(|(one, other)| Ok((one?, other?))).collect::<Result<_>>()
    })?;
    let mut cells = Vec::new();
    for ((one, other), (direct, through)) in directly.iter().zip(&through).zip(both) {
        for ((number, case, direct), (_, _, through)) in direct.into_iter().zip(through) {
            let seen = again_if_different(one, other, case, &ways.providers[number], (direct, through), progress)?;
            cells.push(cell(one, &ways.providers[number], case, seen));
        }
        for provider in ways.providers {
            let before = cells.len();
            for case in of_load(Load::Heavy, one.peer, provider, wanted) {
                let seen = (one.run(case, provider)?, other.run(case, provider)?);
                let seen = again_if_different(one, other, case, provider, seen, progress)?;
                cells.push(cell(one, provider, case, seen));
            }
            if cells.len() > before {
                progress(&format!("{} ─▶ {}: heavy cases both ways", one.peer.name, provider.name));
            }
        }
    }
    let names = |peers: &[Party]| peers.iter().map(|peer| peer.name.clone()).collect();
    Ok(Table { consumers: names(ways.directly), providers: names(ways.providers), cells })
}

/// On a busy machine a provider that has just started, or a timeout, may look different once; a difference shows twice.
fn again_if_different<'a>(
    one: &Caller<'a>,
    other: &Caller<'a>,
    case: &'static Case,
    provider: &'a Party,
    seen: (Seen, Seen),
    progress: &impl Fn(&str),
) -> Result<(Seen, Seen)> {
    if seen.0 == seen.1 {
        return Ok(seen);
    }
    let first = cell(one, provider, case, seen);
    let seen = (one.run(case, provider)?, other.run(case, provider)?);
    if seen.0 == seen.1 {
        progress(&format!("different once, and not again: {}", first.shown().trim_end()));
    }
    Ok(seen)
}

fn cell(consumer: &Caller<'_>, provider: &Party, case: &'static Case, (direct, through): (Seen, Seen)) -> Cell {
    Cell { consumer: consumer.peer.name.clone(), provider: provider.name.clone(), case, direct, through }
}

/// The cases of a pair that are wanted and that both can do.
fn of_load<'a>(
    load: Load,
    consumer: &'a Party,
    provider: &'a Party,
    wanted: Wanted,
) -> impl Iterator<Item = &'static Case> {
    ALL.iter().filter(move |case| {
        case.load == load && wanted(case, &consumer.name, &provider.name) && consumer.can(case, provider)
    })
}

fn light_cases<'a>(
    caller: &Caller<'a>,
    providers: &'a [Party],
    wanted: Wanted,
    progress: &(impl Fn(&str) + Sync),
) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for (number, provider) in providers.iter().enumerate() {
        let before = runs.len();
        for case in of_load(Load::Light, caller.peer, provider, wanted) {
            runs.push((number, case, caller.run(case, provider)?));
        }
        progress(&format!(
            "{} ─▶ {} {}: {} cases",
            caller.peer.name,
            provider.name,
            caller.way.name(),
            runs.len() - before
        ));
    }
    Ok(runs)
}

impl<'a> Caller<'a> {
    fn new(peer: &'a Party, way: Way) -> Self {
        Caller { peer, way, made: Mutex::default() }
    }

    fn run(&self, case: &Case, provider: &'a Party) -> Result<Seen> {
        for kind in case.references {
            let fresh = self.made.lock().unwrap_or_else(PoisonError::into_inner).insert((*kind, &provider.name));
            if fresh && let Err(error) = self.peer.peer.refer(&kind.refer(&provider.name)) {
                // Dubbo's complaint is what this consumer sees of the case.
                let words = error.root_cause().to_string();
                return Ok(Seen { outcomes: json!([{ "no reference": words }]), received: Value::Null });
            }
        }
        // As long on the one way as on the other, since some cases count bytes.
        let key = format!("{} {} {}", self.peer.name, self.way.key(), case.name);
        let outcomes = self.peer.case(case, &provider.name, &key)?;
        let mut received = provider.seen(&key)?;
        if case.name.starts_with("one-way") {
            // What it carries is of that call alone, so that the case can wait for it; that it came, and how often, is the same.
            received = json!(received.as_array().map_or(0, Vec::len));
        }
        Ok(Seen { outcomes, received })
    }
}
