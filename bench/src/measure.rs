//! Runs the load against chains in turn and keeps what each round gave.
//!
//!   shape 1 x 1   round 1: direct, nginx, highway …   round 2: highway …, nginx, direct   …
//!   shape 64 x 1  …
//!
//! Every round visits all chains within seconds of each other, every second one backwards, so that what disturbs the
//! machine disturbs them alike. The load is a process of its own. Never keeps the better of two rounds.

use crate::chain::{Chain, SERVICE};
use crate::frames::Payload;
use crate::load::Outcome;
use crate::program::own_path;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::Serialize;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Connections and calls in flight on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shape {
    /// Consumer connections.
    pub connections: usize,
    /// Calls in flight on each.
    pub in_flight: usize,
}

/// The shapes that bars and tables speak of.
pub const SHAPES: [Shape; 3] = [
    Shape { connections: 1, in_flight: 1 },
    Shape { connections: 64, in_flight: 1 },
    Shape { connections: 1, in_flight: 32 },
];

impl Shape {
    /// As in `64 x 1`.
    pub fn name(self) -> String {
        format!("{} x {}", self.connections, self.in_flight)
    }
}

/// How long and how often.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Rounds of each shape.
    pub rounds: usize,
    /// Time before anything counts, in every run.
    pub warm_up: Duration,
    /// Time that counts, in every run.
    pub measured: Duration,
    /// What arguments are.
    pub payload: Payload,
    /// Bytes of an argument.
    pub argument_len: usize,
}

/// One run of the load against one chain.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sample {
    /// Calls answered at all, warm-up and drain included.
    pub all_calls: u64,
    /// Calls a second.
    pub calls_per_second: f64,
    /// Median latency in microseconds.
    pub p50_us: f64,
    /// 99th percentile in microseconds.
    pub p99_us: f64,
    /// Shortest in microseconds.
    pub min_us: f64,
    /// CPU of all relays together, in microseconds a call.
    pub cpu_us_a_call: f64,
    /// CPU of each relay, in microseconds a call.
    pub cpu_us_a_call_each: Vec<f64>,
    /// Times that threads of the relays went to sleep, a call.
    pub wake_ups_a_call: f64,
    /// CPU of the echo provider, in microseconds a call.
    pub provider_cpu_us_a_call: f64,
    /// CPU of the load, in microseconds a call.
    pub load_cpu_us_a_call: f64,
    /// Share of all processors that nobody of the measurement used: builds, neighbours, the hypervisor.
    pub others_share: f64,
}

/// All rounds of one chain in one shape.
#[derive(Debug, Clone, Serialize)]
pub struct Series {
    /// The chain's name.
    pub contender: String,
    /// The relays' names, in the order of `cpu_us_a_call_each`.
    pub relays: Vec<String>,
    /// One sample a round, in the order of the rounds.
    pub rounds: Vec<Sample>,
}

/// One shape, all chains in the order in which they were given.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// The shape.
    pub shape: Shape,
    /// Of each chain.
    pub series: Vec<Series>,
}

/// Measures one shape.
///
/// # Errors
/// When a call fails or a program ends: a comparison with a broken chain is none.
pub fn measure(shape: Shape, pace: Pace, chains: &mut [Chain], provider: u32) -> Result<Measured> {
    let mut series: Vec<Series> = chains
        .iter()
        .map(|chain| Series {
            contender: chain.contender.name(),
            relays: chain.relays.iter().map(|relay| relay.name().to_owned()).collect(),
            rounds: Vec::with_capacity(pace.rounds),
        })
        .collect();
    for round in 0..pace.rounds {
        for place in order(chains.len(), round) {
            let chain = &mut chains[place];
            chain.check()?;
            let name = chain.contender.name();
            let sample = sample(shape, pace, chain, provider).with_context(|| format!("{name}, {}", shape.name()))?;
            eprintln!(
                "{:>6}  round {}  {name:<22} {:>9.0} calls/s  p50 {:>8.1} us  {:>7.2} us CPU a call  others {:>3.0} %",
                shape.name(),
                round + 1,
                sample.calls_per_second,
                sample.p50_us,
                sample.cpu_us_a_call,
                sample.others_share * 100.0
            );
            series[place].rounds.push(sample);
        }
    }
    Ok(Measured { shape, series })
}

/// Forwards in even rounds, backwards in odd ones.
pub fn order(chains: usize, round: usize) -> Vec<usize> {
    if round.is_multiple_of(2) { (0..chains).collect() } else { (0..chains).rev().collect() }
}

/// Runs the load once.
///
/// # Errors
/// When a call fails.
pub fn sample(shape: Shape, pace: Pace, chain: &Chain, provider: u32) -> Result<Sample> {
    let relays: Vec<Vec<u32>> = chain.pids().into_iter().map(|(_, pids)| pids).collect();
    let watch: Vec<u32> = relays.iter().flatten().copied().chain([provider]).collect();
    let outcome = run_load(shape, pace, chain, &watch)?;
    Ok(shared_out(&outcome, &relays, provider, cores()))
}

/// Runs the load as a process of its own.
///
/// # Errors
/// When it fails: with what it said.
pub fn run_load(shape: Shape, pace: Pace, chain: &Chain, watch: &[u32]) -> Result<Outcome> {
    let mut command = Command::new(own_path()?);
    command.args(["load", "--json", "--service", SERVICE, "--target", &chain.entry.to_string()]);
    command.args(["--connections", &shape.connections.to_string(), "--in-flight", &shape.in_flight.to_string()]);
    command.args(["--warm-up", &pace.warm_up.as_secs_f64().to_string()]);
    command.args(["--seconds", &pace.measured.as_secs_f64().to_string()]);
    let payload = pace.payload.to_possible_value().context("a payload without a name")?;
    command.args(["--payload", payload.get_name(), "--argument", &pace.argument_len.to_string()]);
    for pid in watch {
        command.args(["--watch", &pid.to_string()]);
    }
    let output = command.stdin(Stdio::null()).output().context("cannot start the load")?;
    if !output.status.success() {
        bail!("the load failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).context("the load's figures cannot be read")
}

/// Processor cores that the system offers.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// Divides what the watched processes used by the calls.
fn shared_out(outcome: &Outcome, relays: &[Vec<u32>], provider: u32, cores: usize) -> Sample {
    let calls = outcome.calls as f64;
    let of = |pids: &[u32]| outcome.watched.iter().filter(|watched| pids.contains(&watched.pid)).collect::<Vec<_>>();
    let cpu = |pids: &[u32]| of(pids).iter().fold(0.0, |sum, watched| sum + watched.cpu_us) / calls;
    let watched = outcome.watched.iter().fold(0.0, |sum, watched| sum + watched.cpu_us);
    let others = outcome.machine_cpu_us - watched - outcome.own_cpu_us;
    let each: Vec<f64> = relays.iter().map(|pids| cpu(pids)).collect();
    let wake_ups: u64 = relays.iter().flat_map(|pids| of(pids)).map(|watched| watched.wake_ups).sum();
    Sample {
        all_calls: outcome.all_calls,
        calls_per_second: outcome.calls_per_second,
        p50_us: outcome.p50_us,
        p99_us: outcome.p99_us,
        min_us: outcome.min_us,
        cpu_us_a_call: each.iter().fold(0.0, |sum, cpu| sum + cpu),
        cpu_us_a_call_each: each,
        wake_ups_a_call: wake_ups as f64 / calls,
        provider_cpu_us_a_call: cpu(&[provider]),
        load_cpu_us_a_call: outcome.own_cpu_us / calls,
        others_share: (others / (outcome.seconds * 1e6 * cores as f64)).max(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Watched;

    #[test]
    fn every_round_visits_every_chain_and_every_second_one_backwards() {
        assert_eq!(order(3, 0), [0, 1, 2]);
        assert_eq!(order(3, 1), [2, 1, 0]);
        assert_eq!(order(3, 2), [0, 1, 2]);
    }

    #[test]
    fn cpu_is_shared_out_to_the_relay_whose_processes_used_it() {
        let watched = |pid, cpu_us| Watched { pid, cpu_us, wake_ups: 50 };
        let outcome = Outcome {
            calls: 100,
            all_calls: 120,
            seconds: 2.0,
            calls_per_second: 50.0,
            min_us: 1.0,
            p50_us: 2.0,
            p99_us: 3.0,
            max_us: 4.0,
            watched: vec![watched(1, 100.0), watched(2, 300.0), watched(3, 200.0), watched(9, 1_000.0)],
            own_cpu_us: 400.0,
            machine_cpu_us: 1_002_000.0,
        };
        let sample = shared_out(&outcome, &[vec![1, 2], vec![3]], 9, 2);
        assert_eq!(sample.cpu_us_a_call_each, [4.0, 2.0]);
        assert_eq!(sample.cpu_us_a_call, 6.0);
        assert_eq!(sample.wake_ups_a_call, 1.5);
        assert_eq!(sample.provider_cpu_us_a_call, 10.0);
        assert_eq!(sample.load_cpu_us_a_call, 4.0);
        assert_eq!(sample.others_share, 0.25, "1 000 000 us of 2 s on 2 cores");
    }
}
