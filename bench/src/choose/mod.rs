//! What choosing an island costs an egress gateway at a thousand rules and ten thousand services.
//!
//! It runs the gateway's own functions on one core and without sockets: a frame is read, as it is for each call, then decided: who calls,
//! the key of the call with what rules look at, the look-up among kept decisions, on a miss the decision and its heads, and the pick among
//! shares. Only deciding is timed, of a few calls that were just read: a gateway has a call's bytes at hand when it decides. Kept
//! decisions and those made anew are told apart. Never a model of it: what is measured is what calls pass.

mod instructions;
mod world;

use crate::args::Choose;
use crate::report::{Bar, Side};
use crate::usage::resident_len;
use anyhow::{Result, ensure};
use egress_gw::{Decisions, Knowledge, Seen};
use route::rules::Rules;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use wire::dubbo::call::Peeked;
use wire::dubbo::frame::Serialization;
pub use world::References;
use world::{CONSUMERS, Frames, Machine, PATTERNS, RULES, SERVICES};

/// Laps over all kinds of calls. Each makes everything anew, so that no figure hangs on where in memory one world came to lie, or on one
/// moment of the machine.
const LAPS: usize = 5;
/// For how long calls of one kind are decided in a lap.
const MEASURED: Duration = Duration::from_millis(400);
/// Calls that are read and then decided, timed together: few enough that what was read is still in the processor's first cache, and enough
/// that the two looks at the clock, some 50 ns, are lost in them.
const BATCH: usize = 32;
/// Applications by which so many kinds of calls come in turn that none is kept when it comes again.
const APPLICATIONS: usize = 4;
/// Documents of a thousand rules that are weighed.
const WEIGHED: u64 = 9;
/// Nanoseconds of a call that was decided before, at most.
const KEPT_NS: f64 = 300.0;
/// Megabytes of a thousand rules, at most.
const RULES_MB: f64 = 1.0;
/// A prime: each call is for another service than the last, none in the order in which they were put in.
const STEP: usize = 7919;
/// The halves of the table.
const REFERENCES: [References; 2] = [References::Silent, References::Asked];

/// Which calls are decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Of every service, each decided before.
    Kept,
    /// Of the services that rules name, each decided before.
    Ruled,
    /// Of more kinds than are kept, so that each is decided anew.
    Anew,
}

/// How far a call is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Step {
    /// Its frame is read.
    Read,
    /// And it is decided where it goes.
    Decided,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Kept, Self::Ruled, Self::Anew];

    fn name(self) -> &'static str {
        match self {
            Self::Kept => "decided before, every service",
            Self::Ruled => "decided before, services that rules name",
            Self::Anew => "decided anew",
        }
    }

    /// Nanoseconds that a call may take. One that is decided anew has no bar: that is once for its kind and generation of what is known.
    fn bar(self) -> Option<f64> {
        (self != Self::Anew).then_some(KEPT_NS)
    }

    fn frames(self) -> Frames {
        match self {
            Self::Kept => Frames::of_all(1),
            Self::Ruled => Frames::of_ruled(),
            Self::Anew => Frames::of_all(APPLICATIONS),
        }
    }
}

/// Measures and prints, or only decides calls of one kind.
///
/// # Errors
/// When the rules that are made up here are not taken, or calls are not decided as they should be.
pub fn run(asked: &Choose) -> Result<ExitCode> {
    if let (Some(references), Some(kind), Some(step), Some(turns)) =
        (asked.references, asked.kind, asked.step, asked.turns)
    {
        take(references, kind, step, turns)?;
        return Ok(ExitCode::SUCCESS);
    }
    let bars = measure()?;
    let missed = asked.bars && !bars.iter().all(|bar| bar.met);
    Ok(if missed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Prints each figure with its bar beside it.
fn measure() -> Result<Vec<Bar>> {
    let weight = Bar::new("MB", Side::AtMost, RULES_MB, Some(weigh()? as f64 / 1e6));
    println!(
        "choosing at {RULES} rules ({PATTERNS} of them by pattern), {SERVICES} services and {CONSUMERS} consumers' references, one core:"
    );
    let kinds = REFERENCES.map(|references| Kind::ALL.map(|kind| (references, kind)));
    let mut times = kinds.map(|half| half.map(|_| Vec::new()));
    for lap in 1..=LAPS {
        eprintln!("choose: lap {lap} of {LAPS}");
        for (kind, times) in kinds.iter().flatten().zip(times.iter_mut().flatten()) {
            times.extend(Decider::new(kind.0, kind.1)?.times()?);
        }
    }
    let mut bars = Vec::new();
    let counter = instructions::Counter::find();
    for (half, times) in kinds.into_iter().zip(times) {
        let [(references, _), ..] = half;
        let what = match references {
            References::Silent => "a call whose reference has nothing to say",
            References::Asked => "a call whose reference is asked",
        };
        println!(
            "  {what:<42} {:>8} {:>8} {:>8} {:>13}  bar, of the median",
            "1st of 10", "median", "9th", "instructions"
        );
        for ((_, kind), mut times) in half.into_iter().zip(times) {
            times.sort_by(f64::total_cmp);
            let [low, middle, high] = [1, 5, 9].map(|tenth| times[times.len() * tenth / 10]);
            let counted = match &counter {
                Some(counter) => format!("{:.0}", counter.count(references, kind)?),
                None => "-".to_owned(),
            };
            let bar = kind.bar().map(|wanted| Bar::new("ns", Side::AtMost, wanted, Some(middle)));
            let beside =
                bar.as_ref().map_or_else(|| "none".to_owned(), |bar| format!("{} {}", bar.what, bar.verdict()));
            println!("  {:<42} {low:>9.0} {middle:>8.0} {high:>8.0} {counted:>13}  {beside}", kind.name());
            bars.extend(bar);
        }
    }
    match counter {
        Some(counter) => println!("  instructions by {}", counter.name()),
        None => println!(
            "  instructions are not counted: the processor's counters are closed to this machine, and valgrind is not there"
        ),
    }
    println!(
        "  a thousand rules take {:.2} MB  {} {}",
        weight.found.unwrap_or_default(),
        weight.what,
        weight.verdict()
    );
    bars.push(weight);
    Ok(bars)
}

/// Takes so many calls of a kind as far as this step, for a counter around this process.
fn take(references: References, kind: Kind, step: Step, turns: usize) -> Result<()> {
    let decider = Decider::new(references, kind)?;
    let done = (0..turns).filter(|turn| decider.take(*turn, step)).count();
    ensure!(done == turns, "{done} of {turns} calls were taken");
    Ok(())
}

/// A shard's decisions with calls for them.
struct Decider {
    knowledge: Knowledge,
    decisions: Decisions,
    frames: Frames,
}

impl Decider {
    /// With every decision that will be needed, or none, as the kind says.
    fn new(references: References, kind: Kind) -> Result<Self> {
        let decider =
            Self { knowledge: world::knowledge(references)?, decisions: Decisions::default(), frames: kind.frames() };
        let mut kept = 0;
        for turn in 0..2 * decider.frames.len() {
            ensure!(decider.take(turn, Step::Decided), "a call is refused");
            let now = decider.decisions.kept();
            let is_anew = now != kept;
            let is_first = turn < decider.frames.len();
            ensure!(is_anew == (is_first || kind == Kind::Anew), "turn {turn} of {kind:?}: {now} decisions are kept");
            kept = now;
        }
        Ok(decider)
    }

    /// Whether the call of this turn could be taken as far as this step.
    fn take(&self, turn: usize, step: Step) -> bool {
        let Ok((machine, peeked)) = self.frames.read(turn * STEP % self.frames.len()) else { return false };
        match step {
            Step::Read => matches!(black_box(peeked), Peeked::Call(_)),
            Step::Decided => self.decide(machine, &peeked),
        }
    }

    /// Nanoseconds in which a call is decided, of each batch.
    fn times(&self) -> Result<Vec<f64>> {
        let (began, mut turn, mut times) = (Instant::now(), 0, Vec::new());
        while began.elapsed() < MEASURED {
            let turns = turn..turn + BATCH;
            let read =
                turns.map(|turn| self.frames.read(turn * STEP % self.frames.len())).collect::<Result<Vec<_>>>()?;
            let before = Instant::now();
            let done = read.iter().filter(|(machine, peeked)| self.decide(machine, peeked)).count();
            times.push(before.elapsed().as_nanos() as f64 / BATCH as f64);
            ensure!(done == BATCH, "{done} of {BATCH} calls are decided");
            turn += BATCH;
        }
        Ok(times)
    }

    fn decide(&self, machine: &Machine, peeked: &Peeked<'_>) -> bool {
        black_box(self.decisions.decide(&seen(machine, black_box(peeked)), &self.knowledge)).is_ok()
    }
}

fn seen<'a>(machine: &'a Machine, peeked: &'a Peeked<'a>) -> Seen<'a> {
    let Machine { address, last } = machine;
    Seen { peeked, serialization: Serialization::HESSIAN2, consumer: Some(*address), island: None, last: Some(last) }
}

/// Bytes of a thousand rules, by what this process grows with nine thousand.
fn weigh() -> Result<u64> {
    let resident = || resident_len(std::process::id());
    // The first document also fills what the allocator and the parser keep for themselves.
    let mut documents = vec![Arc::new(world::document("d0", References::Asked)?)];
    let before = resident()?;
    for number in 1..=WEIGHED {
        documents.push(Arc::new(world::document(&format!("d{number}"), References::Asked)?));
    }
    let rules = Rules::new(documents, SystemTime::UNIX_EPOCH)?;
    let grown = resident()?.saturating_sub(before);
    ensure!(rules.len() as u64 == (WEIGHED + 1) * RULES as u64, "{} rules", rules.len());
    Ok(grown / WEIGHED)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A registry that says nothing costs nothing: each part of it has to count for some calls.
    #[test]
    fn rules_references_and_parameters_each_send_some_calls() {
        let decider = Decider::new(References::Asked, Kind::Kept).unwrap();
        let goes = |number: usize| {
            let (machine, peeked) = decider.frames.read(number).unwrap();
            decider.decisions.decide(&seen(machine, &peeked), &decider.knowledge).unwrap().target().to_owned()
        };
        assert_eq!(goes(1), "beijing", "by the word of its reference");
        assert_eq!(goes(7), "beijing", "by the zone in its node");
        assert_eq!(goes(2), "shanghai", "by the rule for all");
    }

    /// A benchmark of misses that hit, or of hits that miss, tells of something else than it says.
    #[test]
    fn kept_decisions_are_kept_and_others_are_made_anew() {
        for references in [References::Silent, References::Asked] {
            for kind in [Kind::Ruled, Kind::Anew] {
                Decider::new(references, kind).unwrap();
            }
        }
    }
}
