//! What a box does to calls, in figures: how soon the first one is answered, how many a second and how dear, and that none fails
//! while it is started again, cut off and slowed, or after a silence.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::load::{Load, Outcome, one_call};
use super::stage::{Leg, Stage};
use lab::boxes::Nature;
use lab::process::until;
use lab::program::Program;

/// Consumer connections of a load.
const CONNECTIONS: usize = 4;
/// Calls before anything is measured.
const WARM_UP: u64 = 200;
/// Nothing takes longer, at whatever box.
const PATIENCE: Duration = Duration::from_secs(300);
/// Longer than a silent path is believed in, shorter than a link lives without its connection.
const CUT: Duration = Duration::from_secs(8);
/// How long it is slowed, and to what.
const SLOW: Duration = Duration::from_secs(3);
const SLOW_RATE: &str = "2mbit";
/// Longer than a gateway first holds back before it goes back to a transport that broke (`HELD_BACK` in tunnel/src/path).
const SETTLED: Duration = Duration::from_secs(12);

/// How much is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// A few thousand calls, one restart: what every test run can do.
    Short,
    /// A hundred thousand, one restart, cut off once and slowed once.
    Long,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Figures {
    /// The box.
    pub name: &'static str,
    /// How links went through it, as the gateways say.
    pub transport: String,
    /// From the start of the egress until its first call was answered.
    pub first: Duration,
    /// While nothing happened to the box.
    pub calls_per_second: f64,
    /// Likewise.
    pub p99: Duration,
    /// Bytes between the consumers' island and the box for one call, there and back, TCP and IP included.
    pub bytes_per_call: f64,
    /// Time on processors of egress, hub and ingress together for one call.
    pub processor_per_call: Duration,
    /// All calls that were answered.
    pub answered: u64,
    /// What was told to those that were not.
    pub failed: BTreeMap<String, u64>,
    /// Connections that the egress' links have had in the end, each link one or more.
    pub connections: u64,
}

impl Extent {
    fn at_rest(self) -> u64 {
        match self {
            Extent::Short => 2_000,
            Extent::Long => 60_000,
        }
    }

    fn in_trouble(self) -> u64 {
        match self {
            Extent::Short => 2_000,
            Extent::Long => 40_000,
        }
    }
}

impl Stage {
    /// All that is done to one box. With [`Extent::Long`] one at a time.
    ///
    /// # Errors
    /// A program does not start again, or calls stand still. Calls that fail are in the figures.
    pub fn trial(&self, leg: &Leg, extent: Extent) -> Result<Figures> {
        let first = self.first_call(leg)?;
        let transport = self.transports(leg)?;
        let load = self.load(leg)?;
        self.reaches(leg, &load, WARM_UP)?;
        let before = self.reading(leg, &load)?;
        self.reaches(leg, &load, WARM_UP + extent.at_rest())?;
        let after = self.reading(leg, &load)?;
        let at_rest = load.finish();
        let p99 = at_rest.p99();
        let mut all = at_rest;
        all.add(self.trouble(leg, extent)?);
        let calls = (after.answered - before.answered) as f64;
        Ok(Figures {
            name: leg.name(),
            transport,
            first,
            calls_per_second: calls / (after.at - before.at).as_secs_f64(),
            p99,
            bytes_per_call: (after.bytes - before.bytes) as f64 / calls,
            processor_per_call: (after.processor - before.processor).div_f64(calls),
            answered: all.answered(),
            failed: all.failed,
            connections: connections(self.egress(leg))?,
        })
    }

    /// Kills the egress, starts it and calls until one is answered.
    fn first_call(&self, leg: &Leg) -> Result<Duration> {
        let egress = self.egress(leg);
        egress.kill();
        let began = Instant::now();
        let place = self.line.island("a").place();
        std::thread::scope(|scope| {
            let (address, service) = (self.address(leg), leg.service());
            let call = move || one_call(place, address, &service).ok();
            let answered =
                scope.spawn(move || until("a first call is answered", PATIENCE, call).map(|_| began.elapsed()));
            egress.start()?;
            answered.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
        .with_context(|| self.last_words(leg))
    }

    /// Calls while the box is started again, and whatever else the extent has for it.
    fn trouble(&self, leg: &Leg, extent: Extent) -> Result<Outcome> {
        let load = self.load(leg)?;
        let some = extent.in_trouble() / 8;
        self.reaches(leg, &load, some)?;
        leg.running.again()?;
        self.reaches(leg, &load, load.answered() + some)?;
        // Where nothing stands in between, there is nothing to cut.
        if extent == Extent::Long && leg.running.kind().nature != Nature::Nothing {
            let (net, place) = (&self.line.lab.net, leg.running.place());
            net.cut(place)?;
            sleep(CUT);
            net.mend()?;
            self.reaches(leg, &load, load.answered() + some)?;
            leg.slowed(|| sleep(SLOW))?;
        }
        self.reaches(leg, &load, extent.in_trouble())?;
        Ok(load.finish())
    }

    fn load(&self, leg: &Leg) -> Result<Load> {
        Load::start(self.line.island("a").place(), self.address(leg), &leg.service(), CONNECTIONS)
    }

    fn reaches(&self, leg: &Leg, load: &Load, wanted: u64) -> Result<()> {
        until(&format!("{wanted} calls through {}", leg.name()), PATIENCE, || {
            (load.answered() >= wanted || load.is_dead()).then_some(())
        })
        .with_context(|| format!("{} were answered\n{}", load.answered(), self.last_words(leg)))
    }

    /// Calls once over every leg after nothing was called for so long: each call is answered within the second time, and links that need no
    /// new connection by the nature of their box have had none. Tells what is not so.
    ///
    /// # Errors
    /// A gateway tells no status.
    pub fn silence(&self, silent: Duration, answered_within: Duration) -> Result<Vec<String>> {
        let before = self.settled()?;
        sleep(silent);
        let mut wrong = Vec::new();
        for (leg, before) in self.legs.iter().zip(before) {
            let place = self.line.island("a").place();
            match one_call(place, self.address(leg), &leg.service()) {
                Ok(took) if took > answered_within => wrong.push(format!("{}: answered after {took:?}", leg.name())),
                Ok(_) => {}
                Err(error) => wrong.push(format!("{}: {error:#}", leg.name())),
            }
            let more = connections(self.egress(leg))? - before;
            if more > 0 && !leg.ends_connections() {
                wrong.push(format!("{}: {more} more connections in the silence", leg.name()));
            }
        }
        Ok(wrong)
    }

    /// The connections of each leg so far, once there are no more for a while: after trouble a link goes back to the transport that
    /// carries most, and takes its time for it.
    fn settled(&self) -> Result<Vec<u64>> {
        let mut seen = (Vec::new(), Instant::now());
        let settled = || {
            let of = |leg: &Leg| if leg.ends_connections() { Ok(0) } else { connections(self.egress(leg)) };
            let now = self.legs.iter().map(of).collect::<Result<Vec<u64>>>().ok()?;
            if now != seen.0 {
                seen = (now, Instant::now());
            }
            (seen.1.elapsed() >= SETTLED).then(|| seen.0.clone())
        };
        until("links have gone back to where they were", PATIENCE, settled)
    }

    fn transports(&self, leg: &Leg) -> Result<String> {
        let mut found = std::collections::BTreeSet::new();
        for gateway in [self.egress(leg), self.ingress(leg)] {
            let told =
                || links(gateway).ok().filter(|links| !links.is_empty() && links.iter().all(|(_, on)| on.is_some()));
            let links = until(&format!("{} is linked", gateway.name()), PATIENCE, told)?;
            found.extend(links.into_iter().filter_map(|(_, transport)| transport));
        }
        ensure!(!found.is_empty(), "{} has no link", leg.name());
        Ok(found.into_iter().collect::<Vec<_>>().join(", "))
    }

    fn reading(&self, leg: &Leg, load: &Load) -> Result<Reading> {
        let processor = [self.egress(leg), &self.line.hub, self.ingress(leg)]
            .into_iter()
            .map(Program::processor_time)
            .sum::<Result<Duration>>()?;
        let net = &self.line.lab.net;
        let far = if leg.running.way().name.1 == net.hub().address() { net.hub() } else { leg.running.place() };
        let bytes = net.bytes_between(self.line.island("a").place(), far)?;
        Ok(Reading { at: Instant::now(), answered: load.answered(), bytes, processor })
    }
}

/// All counters at one moment.
struct Reading {
    at: Instant,
    answered: u64,
    bytes: u64,
    processor: Duration,
}

impl Leg {
    fn ends_connections(&self) -> bool {
        self.running.kind().nature == Nature::EndsConnections
    }

    /// Makes the box's line thin while something is done.
    fn slowed(&self, done: impl FnOnce()) -> Result<()> {
        if self.running.kind().nature == Nature::Thin {
            done();
            return Ok(());
        }
        let tc = |words: &str| self.running.place().runs(&words.split(' ').collect::<Vec<_>>());
        tc(&format!("tc qdisc add dev eth0 root tbf rate {SLOW_RATE} burst 32kb latency 400ms"))?;
        done();
        tc("tc qdisc del dev eth0 root")
    }
}

/// What a gateway says of its links: connections so far, and the transport of the one that it has.
fn links(gateway: &Program) -> Result<Vec<(u64, Option<String>)>> {
    let status = gateway.status()?;
    let Some(shards) = status["shards"].as_array() else { bail!("{} tells of no shards: {status}", gateway.name()) };
    let of = |link: &serde_json::Value| {
        (link["connections"].as_u64().unwrap_or_default(), link["transport"].as_str().map(str::to_owned))
    };
    let hubs = shards.iter().filter_map(|shard| shard["hubs"].as_array()).flatten();
    Ok(hubs.filter_map(|hub| hub["links"].as_array()).flatten().map(of).collect())
}

fn connections(gateway: &Program) -> Result<u64> {
    Ok(links(gateway)?.iter().map(|(connections, _)| connections).sum())
}
