//! What writing and reading a value costs by the SDK, beside Dubbo's own hessian2 (hessian-lite) on the same value.
//!
//! In turn, round by round, on one core each: Rust writes and reads values of its own types, Java objects of its classes, each with the
//! streams that a call makes anew. Beside what reading takes stands what a copy of the value in memory does, made and dropped: no reader can
//! be quicker. Before anything is timed Java reads what Rust wrote, and Rust what Java writes of it: who loses something
//! has no figures. Java has been warmed for as long as is measured. Never compares figures of two runs.

mod java;
mod values;

use crate::args::Codec;
use crate::report::{Bar, Side};
use crate::statistics::median;
use anyhow::{Context, Result, ensure};
use highway_sdk::hessian2::{Decoder, Encoder};
use java::HessianLite;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use values::Valued;

/// How many times as quick as Java, at least.
const TIMES: f64 = 2.0;
/// How long a round is.
const ROUND: Duration = Duration::from_millis(100);
/// Between two looks at the clock, as on the other side.
const TURNS: u32 = 16;

/// Measures and prints; 1 where a bar was asked for and missed.
///
/// # Errors
/// Java does not start, or the two do not understand each other.
pub fn run(asked: &Codec) -> Result<ExitCode> {
    let mut java = HessianLite::start(&asked.java)?;
    println!("hessian2, {} rounds of {ROUND:?} in turn, medians; Java is hessian-lite, warmed:", asked.rounds);
    println!(
        "  {:<18} {:>7} {:<6} {:>10} {:>9} {:>10} {:>9}  {:>5} {:>10}",
        "", "bytes", "", "Rust ns", "MB/s", "Java ns", "MB/s", "times", "copied ns"
    );
    let mut side = Beside { java: &mut java, rounds: asked.rounds, bars: Vec::new() };
    side.measure("a text", &values::text())?;
    side.measure("1000 numbers", &values::numbers())?;
    side.measure("100 pairs", &values::pairs())?;
    side.measure("an order", &values::order(7))?;
    side.measure("100 orders", &values::orders())?;
    let bars = side.bars;
    for bar in &bars {
        println!("  {} {}", bar.what, bar.verdict());
    }
    let missed = asked.bars && !bars.iter().all(|bar| bar.met);
    Ok(if missed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// The two of them.
struct Beside<'j> {
    java: &'j mut HessianLite,
    rounds: u8,
    bars: Vec<Bar>,
}

impl Beside<'_> {
    fn measure<T: Valued>(&mut self, name: &str, value: &T) -> Result<()> {
        let mut room = Vec::new();
        let bytes = encoded(&mut room, value)?;
        let back: T = Decoder::new(&self.java.again(&bytes)?).take()?;
        ensure!(back == *value, "Java made another value of {name}");
        let warm = ROUND * self.rounds.into();
        let encode = || encoded(&mut room, black_box(value)).is_ok_and(|made| black_box(made).len() == bytes.len());
        let decode = || Decoder::new(black_box(&bytes)).take::<T>().map(|made| drop(black_box(made))).is_ok();
        let copy = || {
            drop(black_box(black_box(value).clone()));
            true
        };
        self.told(name, "encode", &bytes, warm, encode, None)?;
        self.told(name, "decode", &bytes, warm, decode, Some(&copy))
    }

    fn told(
        &mut self,
        name: &str,
        what: &str,
        bytes: &[u8],
        warm: Duration,
        mut once: impl FnMut() -> bool,
        copy: Option<&dyn Fn() -> bool>,
    ) -> Result<()> {
        self.java.time(what, bytes, warm)?;
        let (mut rust, mut java, mut copied) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            rust.push(time(&mut once)?);
            java.push(self.java.time(what, bytes, ROUND)?);
            if let Some(mut copy) = copy {
                copied.push(time(&mut copy)?);
            }
        }
        let [rust, java] = [median(&rust), median(&java)].map(|nanos| nanos.context("no round"));
        let (rust, java) = (rust?, java?);
        let rate = |nanos: f64| bytes.len() as f64 * 1e3 / nanos;
        let times = java / rust;
        println!(
            "  {name:<18} {:>7} {what:<6} {rust:>10.0} {:>9.0} {java:>10.0} {:>9.0}  {times:>5.1} {:>10}",
            bytes.len(),
            rate(rust),
            rate(java),
            median(&copied).map_or_else(String::new, |nanos| format!("{nanos:.0}"))
        );
        self.bars.push(Bar::new(&format!("times as quick as Java: {what} {name}"), Side::AtLeast, TIMES, Some(times)));
        Ok(())
    }
}

/// Writes the value in room that is kept, and takes its bytes out, as the other side does.
fn encoded(room: &mut Vec<u8>, value: &impl Valued) -> Result<Vec<u8>> {
    room.clear();
    Encoder::new(room).put(value)?;
    Ok(room.clone())
}

/// Nanoseconds of doing it once, over a round.
fn time(once: &mut impl FnMut() -> bool) -> Result<f64> {
    let (began, mut turns) = (Instant::now(), 0_u32);
    while began.elapsed() < ROUND {
        for _ in 0..TURNS {
            ensure!(once(), "a value is not as before");
        }
        turns += TURNS;
    }
    Ok(began.elapsed().as_nanos() as f64 / f64::from(turns))
}
