//! What a call by the SDK costs its process, beside a client that is written by hand for the same frames and the same provider; and how many
//! there are in a second, beside a consumer of released Dubbo.
//!
//! ```text
//!   written by hand     its two tasks run among those of its callers
//!   on its own thread   the same client, its two tasks on a thread of its own, as those of the SDK are
//!   highway-sdk
//!   Java, threads       Dubbo in a process of its own, whose callers are threads that wait
//!   Java, futures       the same process, whose callers are called when their answer is there
//! ```
//!
//! All call the same provider, `echo`, a process of its own, in turn; the first three in this process, with callers on the runtime that
//! `#[tokio::main]` gives. What is told is the CPU time of all threads of a process a call. The second one, which has no bar, tells what of
//! the SDK's cost is the way from one thread to another and back. Never a figure of two runs.

mod hand;
mod java;
mod table;

use crate::args::Sdk;
use crate::chain::SERVICE;
use crate::frames::Around;
use crate::program::Program;
use crate::usage;
use anyhow::{Context, Result, ensure};
use hand::Client;
use highway_sdk::{CallOptions, Highway, Service};
use java::{Consumer, Way};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};
use table::Found;
use tokio::runtime::Runtime;

/// Bytes of the argument.
const ARGUMENT_LEN: usize = 300;
/// How many callers there are.
const CALLERS: [usize; 3] = [1, 16, 256];
/// No call takes so long.
const WITHIN: Duration = Duration::from_secs(10);

/// Who has a bar, and whom it is held against.
const HAND: &str = "written by hand";
const SDK: &str = "highway-sdk";
const JAVA: [&str; 2] = ["Java, threads", "Java, futures"];

/// Who calls.
enum Who {
    Here(Here),
    Java(Rc<RefCell<Consumer>>, Way),
}

/// Who calls from this process.
#[derive(Clone)]
enum Here {
    Hand(Arc<Client>),
    Sdk(Service),
}

impl Here {
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
    /// Times that a thread went to sleep for a call; unknown where threads come and go.
    sleeps: Option<f64>,
}

/// Measures and prints; 1 where a bar was asked for and missed.
///
/// # Errors
/// The provider or Java does not start, or a call fails.
pub fn run(asked: &Sdk) -> Result<ExitCode> {
    let dir = tempfile::tempdir()?;
    let (_echo, address) = Program::start_echo(dir.path())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut all = everybody(asked, &runtime, address, dir.path())?;
    all.retain(|(name, _)| asked.only.as_ref().is_none_or(|only| only == name));
    println!("a call of {ARGUMENT_LEN} bytes there and back, {} rounds of {:?}:", asked.rounds, asked.seconds);
    if asked.java.is_none() {
        println!("  (without Java: --java, --class-path and --program say where it is)");
    }
    println!("{}", table::head());
    let mut bars = Vec::new();
    for callers in CALLERS.into_iter().filter(|callers| asked.callers.is_none_or(|only| only == *callers)) {
        let found = in_turn(&runtime, &all, callers, asked)?;
        found.lines().iter().for_each(|line| println!("{line}"));
        bars.extend(found.bars());
    }
    for bar in &bars {
        println!("  {}: {:.2}, {}", bar.what, bar.found.unwrap_or_default(), bar.verdict());
    }
    let missed = asked.bars && !bars.iter().all(|bar| bar.met);
    Ok(if missed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn everybody(asked: &Sdk, runtime: &Runtime, address: SocketAddr, home: &Path) -> Result<Vec<(&'static str, Who)>> {
    let mut all = vec![
        (HAND, Who::Here(Here::Hand(Arc::new(runtime.block_on(client(address))?)))),
        ("on its own thread", Who::Here(Here::Hand(Arc::new(client_apart(address)?)))),
        (SDK, Who::Here(Here::Sdk(service(address)?))),
    ];
    if let Some(java) = &asked.java {
        let consumer = Rc::new(RefCell::new(Consumer::start(java, address, home)?));
        let [threads, futures] = JAVA;
        all.push((threads, Who::Java(consumer.clone(), Way::Threads)));
        all.push((futures, Who::Java(consumer, Way::Futures)));
    }
    Ok(all)
}

/// All rounds. Before them Java has called for as long as it is measured, and the others for as long as a run of theirs.
fn in_turn(runtime: &Runtime, all: &[(&'static str, Who)], callers: usize, asked: &Sdk) -> Result<Found> {
    let sample = |who: &Who, time| match who {
        Who::Here(here) => runtime.block_on(measure(here, callers, time)),
        Who::Java(consumer, way) => consumer.borrow_mut().calls(*way, callers, time),
    };
    for (_, who) in all {
        let runs = if matches!(who, Who::Java(..)) { asked.rounds } else { 1 };
        sample(who, asked.seconds * runs.into())?;
    }
    let mut samples: Vec<(&str, Vec<Sample>)> = all.iter().map(|(name, _)| (*name, Vec::new())).collect();
    for round in 0..asked.rounds {
        for at in 0..all.len() {
            // Every second round goes backwards.
            let at = if round % 2 == 0 { at } else { all.len() - 1 - at };
            samples[at].1.push(sample(&all[at].1, asked.seconds)?);
        }
    }
    Ok(Found { callers, samples })
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
async fn measure(who: &Here, callers: usize, time: Duration) -> Result<Sample> {
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
        sleeps: Some(used.wake_ups as f64 / calls),
    })
}
