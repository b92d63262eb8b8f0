//! What a call by the SDK costs its process, beside a client that is written by hand for the same frames and the same provider.
//!
//! ```text
//!   written by hand     its two tasks run among those of its callers
//!   on its own thread   the same client, its two tasks on a thread of its own, as those of the SDK are
//!   highway-sdk
//! ```
//!
//! All run in this process, in turn, with callers on the runtime that `#[tokio::main]` gives; the provider is `echo`, a process of its own.
//! What is told is the CPU time of all threads of this process a call. The second one, which has no bar, tells what of the SDK's cost is the
//! way from one thread to another and back. Never a figure of two runs.

mod hand;

use crate::args::Sdk;
use crate::chain::SERVICE;
use crate::frames::Around;
use crate::program::Program;
use crate::report::{Bar, Side};
use crate::statistics::{Ratio, median, ratio};
use crate::usage;
use anyhow::{Context, Result, ensure};
use hand::Client;
use highway_sdk::{CallOptions, Highway, Service};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Bytes of the argument.
const ARGUMENT_LEN: usize = 300;
/// How many callers there are.
const CALLERS: [usize; 3] = [1, 16, 256];
/// CPU of a call by the SDK, as a multiple of the other's, at most.
const CPU: f64 = 1.3;
/// No call takes so long.
const WITHIN: Duration = Duration::from_secs(10);

/// Who calls.
#[derive(Clone)]
enum Who {
    Hand(Arc<Client>),
    Sdk(Service),
}

impl Who {
    async fn call(&self, argument: &str) -> Result<String> {
        match self {
            Self::Hand(client) => client.call(argument).await,
            Self::Sdk(service) => Ok(service.call("echo", (argument,)).await?),
        }
    }
}

/// What one run of one of them found.
struct Sample {
    calls_per_second: f64,
    /// Microseconds of a call.
    cpu_us: f64,
    /// Times that a thread went to sleep for a call.
    sleeps: f64,
}

/// Measures and prints; 1 where a bar was asked for and missed.
///
/// # Errors
/// The provider does not start, or a call fails.
pub fn run(asked: &Sdk) -> Result<ExitCode> {
    let dir = tempfile::tempdir()?;
    let (_echo, address) = Program::start_echo(dir.path())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let all = [
        ("written by hand", Who::Hand(Arc::new(runtime.block_on(client(address))?))),
        ("on its own thread", Who::Hand(Arc::new(client_apart(address)?))),
        ("highway-sdk", Who::Sdk(service(address)?)),
    ];
    let all: Vec<_> = all.into_iter().filter(|(name, _)| asked.only.as_ref().is_none_or(|only| only == name)).collect();
    println!("a call of {ARGUMENT_LEN} bytes there and back, {} rounds of {:?}:", asked.rounds, asked.seconds);
    println!("  {:>7}  {:<18} {:>9} {:>9} {:>7}  {:>6}", "callers", "", "calls/s", "CPU us", "sleeps", "times");
    let mut bars = Vec::new();
    for callers in CALLERS.into_iter().filter(|callers| asked.callers.is_none_or(|only| only == *callers)) {
        bars.extend(beside_hand(&runtime, &all, callers, asked)?);
    }
    for bar in &bars {
        println!("  {} {}", bar.what, bar.verdict());
    }
    let missed = asked.bars && !bars.iter().all(|bar| bar.met);
    Ok(if missed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn beside_hand(runtime: &Runtime, all: &[(&str, Who)], callers: usize, asked: &Sdk) -> Result<Option<Bar>> {
    let mut samples: Vec<(&str, Vec<Sample>)> = all.iter().map(|(name, _)| (*name, Vec::new())).collect();
    for round in 0..asked.rounds {
        for at in 0..all.len() {
            // Every second round goes backwards.
            let at = if round % 2 == 0 { at } else { all.len() - 1 - at };
            samples[at].1.push(runtime.block_on(measure(&all[at].1, callers, asked.seconds))?);
        }
    }
    Ok(told(callers, &samples))
}

async fn client(address: SocketAddr) -> Result<Client> {
    Client::connect(address, Around::new(SERVICE, "echo"), WITHIN).await
}

/// A client whose tasks have a thread and a runtime of their own.
fn client_apart(address: SocketAddr) -> Result<Client> {
    let (made, taken) = sync_channel(1);
    thread::Builder::new().name("by-hand".to_owned()).spawn(move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(made.send(Err(error.into()))),
        };
        runtime.block_on(async {
            let _ = made.send(client(address).await);
            std::future::pending::<()>().await;
        });
    })?;
    taken.recv().context("the thread of the client has ended")?
}

fn service(address: SocketAddr) -> Result<Service> {
    let options = CallOptions::new().timeout(WITHIN);
    let highway = Highway::builder().application("bench-consumer").options(options).build()?;
    Ok(highway.service(SERVICE).address(&address.to_string()).build()?)
}

/// So many callers for so long, each with one call at a time.
async fn measure(who: &Who, callers: usize, time: Duration) -> Result<Sample> {
    let over = Arc::new(AtomicBool::new(false));
    let own = std::process::id();
    let (began, before) = (Instant::now(), usage::read(own)?);
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (over, who) = (over.clone(), who.clone());
            tokio::spawn(async move {
                let argument = "a".repeat(ARGUMENT_LEN);
                let mut calls = 0_u64;
                while !over.load(Ordering::Relaxed) {
                    ensure!(who.call(&argument).await? == argument, "another answer");
                    calls += 1;
                }
                Ok(calls)
            })
        })
        .collect();
    tokio::time::sleep(time).await;
    over.store(true, Ordering::Relaxed);
    let mut calls = 0;
    for task in tasks {
        calls += task.await??;
    }
    let used = usage::read(own)?.since(before);
    let calls = calls as f64;
    Ok(Sample {
        calls_per_second: calls / began.elapsed().as_secs_f64(),
        cpu_us: used.cpu.as_secs_f64() * 1e6 / calls,
        sleeps: used.wake_ups as f64 / calls,
    })
}

/// Prints the medians of all, beside the first, and gives the bar of the last.
fn told(callers: usize, all: &[(&str, Vec<Sample>)]) -> Option<Bar> {
    let of = |samples: &[Sample], what: fn(&Sample) -> f64| samples.iter().map(what).collect::<Vec<f64>>();
    let (_, first) = all.first()?;
    let mut last = None;
    for (at, (name, samples)) in all.iter().enumerate() {
        let times = ratio(&of(samples, |one| one.cpu_us), &of(first, |one| one.cpu_us)).filter(|_| at > 0);
        let middle = |what| median(&of(samples, what)).unwrap_or_default();
        println!(
            "  {callers:>7}  {name:<18} {:>9.0} {:>9.2} {:>7.2}  {:>6}",
            middle(|one| one.calls_per_second),
            middle(|one| one.cpu_us),
            middle(|one| one.sleeps),
            times.map_or_else(String::new, |times| format!("{:.2}", times.of_medians))
        );
        last = times;
    }
    let Ratio { of_medians, .. } = last?;
    Some(Bar::new(&format!("times the CPU of a call by hand, {callers} callers"), Side::AtMost, CPU, Some(of_medians)))
}
