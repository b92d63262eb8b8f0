//! What can be broken and mended while every consumer calls every other island, and what came of those calls.
//!
//! ```text
//!   break   before ──▶ broken                     heal   broken ──▶ healing ──▶ after
//!           4 s    │   8 s                               3 s    │   until 3 s pass without a failure
//!                  `- killed, or cut                            `- started again, or joined
//! ```
//!
//! One thing at a time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use super::load::{CALM, Made, Row, sentences, told};
use super::{World, lock};
use crate::line::Island;
use crate::program::Program;

/// Before something breaks.
const BEFORE: Duration = Duration::from_secs(4);
/// While it is broken.
const BROKEN: Duration = Duration::from_secs(8);
/// Before it is mended.
const STILL: Duration = Duration::from_secs(3);
/// Nothing fails for so long: healed.
const STEADY: Duration = Duration::from_secs(3);
/// What is not steady so long after everything runs again is told as it is.
const PATIENCE: Duration = Duration::from_secs(60);
/// From the start of a program until it is ready.
const READY: Duration = Duration::from_secs(60);

/// What can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The hub is killed.
    Hub,
    /// An island's way out is cut, silently.
    Link,
    /// An island's ZooKeeper is killed.
    Zookeeper,
    /// An island's Java provider is killed.
    Provider,
    /// An island's gateways are killed, both of them.
    Gateway,
}

/// What breaks, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What.
    pub part: Part,
    /// In which island; the hub is in none.
    pub island: String,
}

/// What came of calls around a fault.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Watched {
    /// What broke, or was mended.
    pub what: String,
    /// All calls, by when they began.
    pub phases: Vec<Row>,
    /// Ways on which calls failed.
    pub ways: Vec<Row>,
    /// What callers were told.
    pub sentences: Vec<String>,
    /// From the moment at which everything ran again until the last call failed; nothing where it was not healing, or calls still
    /// failed in the end.
    pub healed_ms: Option<u64>,
}

impl Fault {
    /// In words.
    #[must_use]
    pub fn text(&self) -> String {
        let island = &self.island;
        match self.part {
            Part::Hub => "the hub is killed".to_owned(),
            Part::Link => format!("{island}'s way to the hub is cut, silently"),
            Part::Zookeeper => format!("{island}'s ZooKeeper is killed"),
            Part::Provider => format!("{island}'s Java provider is killed"),
            Part::Gateway => format!("{island}'s gateways are killed, both of them"),
        }
    }
}

impl World {
    /// Breaks something under load.
    ///
    /// # Errors
    /// Something is broken already, there is no such island, or this machine cannot cut ways.
    pub fn break_down(&self, fault: Fault, say: &dyn Fn(String)) -> Result<Watched> {
        self.applications(&fault.island)?;
        if let Some(broken) = &*lock(&self.broken) {
            bail!("something is broken already: {}; mend it first: highway lab heal", broken.text());
        }
        self.begin(1, CALM)?;
        let came = self.watch(BEFORE, "before: ", say).and_then(|()| {
            let at = now_ms();
            self.do_break(&fault)?;
            *lock(&self.broken) = Some(fault.clone());
            say(format!("now {}", fault.text()));
            self.watch(BROKEN, "broken: ", say)?;
            Ok(at)
        });
        // However it went, nobody goes on calling.
        let made = self.end()?;
        let at = came?;
        let phases = [("before", 0, at, BEFORE), ("broken", at, u64::MAX, BROKEN)];
        let phases = phases.map(|(name, from, until, lasted)| phase(&made, name, from, until, lasted));
        Ok(Watched::of(fault.text(), phases.into(), &made, at, None))
    }

    /// Mends what is broken under load, and looks until nothing fails any more.
    ///
    /// # Errors
    /// Nothing is broken, or something does not start again.
    pub fn heal(&self, say: &dyn Fn(String)) -> Result<Watched> {
        let Some(fault) = lock(&self.broken).clone() else { bail!("nothing is broken") };
        self.begin(1, CALM)?;
        let came = self.watch(STILL, "still broken: ", say).and_then(|()| {
            let mending = now_ms();
            say("mending it".to_owned());
            self.do_heal(&fault)?;
            *lock(&self.broken) = None;
            let back = now_ms();
            say(format!(
                "everything runs again after {} ms; looking until nothing fails",
                back.saturating_sub(mending)
            ));
            Ok((mending, back, self.steady(say)?))
        });
        let made = self.end()?;
        let (mending, back, is_steady) = came?;
        let last = made.iter().filter(|made| made.call.failed().is_some()).map(|made| made.call.ended_ms()).max();
        let healed = last.unwrap_or(0).max(back);
        let end = now_ms();
        let until = |from: u64, until: u64| Duration::from_millis(until.saturating_sub(from));
        let mut phases = vec![
            phase(&made, "broken", 0, mending, STILL),
            phase(&made, "healing", mending, healed, until(mending, healed)),
        ];
        if is_steady {
            phases.push(phase(&made, "after", healed, u64::MAX, until(healed, end)));
        }
        let healed_ms = is_steady.then_some(healed.saturating_sub(back));
        Ok(Watched::of(format!("mended: {}", fault.text()), phases, &made, 0, healed_ms))
    }

    fn do_break(&self, fault: &Fault) -> Result<()> {
        let island = self.island(&fault.island)?;
        match fault.part {
            Part::Hub => self.line.hub.kill(),
            Part::Link => self.line.lab.net.cut(island.place())?,
            Part::Zookeeper => island.zookeeper.kill(),
            Part::Provider => drop(lock(&self.applications(&fault.island)?.provider).take()),
            Part::Gateway => island.gateways().for_each(Program::kill),
        }
        Ok(())
    }

    fn do_heal(&self, fault: &Fault) -> Result<()> {
        let island = self.island(&fault.island)?;
        match fault.part {
            Part::Hub => self.line.hub.start().and_then(|()| self.line.hub.ready(READY)),
            Part::Link => self.line.lab.net.mend(),
            Part::Zookeeper => island.zookeeper.again(),
            Part::Provider => self.provide(&fault.island),
            Part::Gateway => gateways_again(island),
        }
    }

    /// Whether nothing failed for a while; tells each second how long that is.
    fn steady(&self, say: &dyn Fn(String)) -> Result<bool> {
        let begun = Instant::now();
        let since = now_ms();
        while begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_secs(1));
            let quiet = now_ms().saturating_sub(self.last_failure_ms()?.max(since));
            if Duration::from_millis(quiet) >= STEADY {
                return Ok(true);
            }
            say(format!("healing: no call failed for {:.1} s", Duration::from_millis(quiet).as_secs_f64()));
        }
        Ok(false)
    }
}

fn gateways_again(island: &Island) -> Result<()> {
    island.gateways().try_for_each(Program::start)?;
    island.gateways().try_for_each(|gateway| gateway.ready(READY))
}

/// Calls that began in this time.
fn phase(made: &[Made], name: &str, from: u64, until: u64, lasted: Duration) -> Row {
    let calls = made.iter().map(|made| &made.call).filter(|call| (from..until).contains(&call.began_ms));
    Row::of(name, calls, lasted)
}

impl Watched {
    fn of(what: String, phases: Vec<Row>, made: &[Made], since: u64, healed_ms: Option<u64>) -> Self {
        let made = || made.iter().filter(|made| made.call.began_ms >= since);
        let mut ways: Vec<&str> = made().filter(|made| made.call.failed().is_some()).map(|made| &*made.way).collect();
        ways.sort_unstable();
        ways.dedup();
        let of = |way: &&str| Row::of(way, made().filter(|made| made.way == *way).map(|made| &made.call), BROKEN);
        let ways = ways.iter().map(of).collect();
        Watched { what, phases, ways, sentences: sentences(made().map(|made| &made.call)), healed_ms }
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}", self.what, Row::table(&self.phases));
        for way in &self.ways {
            let failed = way.calls - way.answered;
            text += &format!("  {}: {failed} of {} calls failed\n", way.name, way.calls);
        }
        text += &told(&self.sentences);
        match self.healed_ms {
            _ if self.ways.is_empty() => text += "  no call failed\n",
            Some(healed) => text += &format!("  the last call failed {healed} ms after everything ran again\n"),
            None => {}
        }
        if self.phases.iter().any(|phase| phase.name == "healing") && self.healed_ms.is_none() {
            text += &format!("  calls still failed when everything had run again for {} s\n", PATIENCE.as_secs());
        }
        text
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
