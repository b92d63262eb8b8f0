//! What a call by the SDK costs its process, beside a client that is written by hand for the same frames and the same provider.
//!
//! Both run in this process, in turn, on the runtime that `#[tokio::main]` gives; the provider is `echo`, a process of its own. What is
//! told is the CPU time of all threads of this process a call: the SDK writes its arguments and reads its answers anew for each, has a
//! deadline, and chooses a provider; the other one copies a frame. Never a figure of two runs.

mod hand;

use crate::args::Sdk;
use crate::chain::SERVICE;
use crate::frames::Question;
use crate::program::Program;
use crate::report::{Bar, Side};
use crate::statistics::{Ratio, median, ratio};
use crate::usage;
use anyhow::{Result, ensure};
use hand::Client;
use highway_sdk::{CallOptions, Highway, Service};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Bytes of the argument.
const ARGUMENT_LEN: usize = 300;
/// How many callers there are.
const CALLERS: [usize; 3] = [1, 16, 256];
/// CPU of a call by the SDK, as a multiple of the other's, at most.
const CPU: f64 = 1.3;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Hand,
    Sdk,
}

/// What one run of one of them found.
struct Sample {
    calls_per_second: f64,
    /// Microseconds of a call.
    cpu_us: f64,
}

/// Measures and prints; 1 where a bar was asked for and missed.
///
/// # Errors
/// The provider does not start, or a call fails.
pub fn run(asked: &Sdk) -> Result<ExitCode> {
    let dir = tempfile::tempdir()?;
    let (_echo, address) = Program::start_echo(dir.path())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let question = Question::new(SERVICE, "echo", ARGUMENT_LEN);
    let hand = Arc::new(runtime.block_on(Client::connect(address, question))?);
    let sdk = service(address)?;
    println!("a call of {ARGUMENT_LEN} bytes there and back, {} rounds of {:?}:", asked.rounds, asked.seconds);
    println!("  {:>7}  {:<16} {:>12} {:>10}  {:>6}", "callers", "", "calls/s", "CPU us", "times");
    let mut bars = Vec::new();
    for callers in CALLERS {
        let mut samples: [Vec<Sample>; 2] = [Vec::new(), Vec::new()];
        for _ in 0..asked.rounds {
            for (at, who) in [Who::Hand, Who::Sdk].into_iter().enumerate() {
                samples[at].push(runtime.block_on(measure(who, callers, asked.seconds, &hand, &sdk))?);
            }
        }
        bars.push(told(callers, &samples));
    }
    for bar in &bars {
        println!("  {} {}", bar.what, bar.verdict());
    }
    let missed = asked.bars && !bars.iter().all(|bar| bar.met);
    Ok(if missed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn service(address: SocketAddr) -> Result<Service> {
    let options = CallOptions::new().timeout(Duration::from_secs(10));
    let highway = Highway::builder().application("bench-consumer").options(options).build()?;
    Ok(highway.service(SERVICE).address(&address.to_string()).build()?)
}

/// So many callers for so long, each with one call at a time.
async fn measure(who: Who, callers: usize, time: Duration, hand: &Arc<Client>, sdk: &Service) -> Result<Sample> {
    let over = Arc::new(AtomicBool::new(false));
    let own = std::process::id();
    let (began, before) = (Instant::now(), usage::read(own)?);
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (over, hand, sdk) = (over.clone(), hand.clone(), sdk.clone());
            tokio::spawn(async move {
                let argument = "a".repeat(ARGUMENT_LEN);
                let mut calls = 0_u64;
                while !over.load(Ordering::Relaxed) {
                    match who {
                        Who::Hand => hand.call().await?,
                        Who::Sdk => {
                            let answer: String = sdk.call("echo", (&argument,)).await?;
                            ensure!(answer == argument, "another answer");
                        }
                    }
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
    Ok(Sample { calls_per_second: calls / began.elapsed().as_secs_f64(), cpu_us: used.cpu.as_secs_f64() * 1e6 / calls })
}

/// Prints the medians of both and gives the bar.
fn told(callers: usize, samples: &[Vec<Sample>; 2]) -> Bar {
    let cpu = |at: usize| samples[at].iter().map(|sample| sample.cpu_us).collect::<Vec<f64>>();
    let rate = |at: usize| samples[at].iter().map(|sample| sample.calls_per_second).collect::<Vec<f64>>();
    let times = ratio(&cpu(1), &cpu(0));
    for (at, name) in ["written by hand", "highway-sdk"].into_iter().enumerate() {
        let times = times.filter(|_| at == 1).map_or_else(String::new, |times| format!("{:.2}", times.of_medians));
        println!(
            "  {callers:>7}  {name:<16} {:>12.0} {:>10.2}  {times:>6}",
            median(&rate(at)).unwrap_or_default(),
            median(&cpu(at)).unwrap_or_default()
        );
    }
    let found = times.map(|Ratio { of_medians, .. }| of_medians);
    Bar::new(&format!("times the CPU of a call by hand, {callers} callers"), Side::AtMost, CPU, found)
}
