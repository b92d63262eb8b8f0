//! `differential`: compares our reading of requests with a released Dubbo's for as long as it is told, with new inputs each time.
//!
//! Ends with 1 when a difference was found. It never stops at the first.
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use highway_tests::differential::Comparison;
use highway_tests::differential::inputs::{Seeded, corpus, golden, made, wounded};
use lab::install::Release;

/// Frames between two looks at the clock.
const ROUND: usize = 4096;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("differential: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[String]) -> Result<usize> {
    let (mut minutes, mut seed) = (1.0, SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
    for pair in arguments.chunks(2) {
        let value = pair.get(1).with_context(|| format!("{} wants a number", pair[0]))?;
        match pair[0].as_str() {
            "--minutes" => minutes = value.parse()?,
            "--seed" => seed = value.parse()?,
            other => anyhow::bail!("usage: differential [--minutes N] [--seed N], found {other}"),
        }
    }
    let lasting = Duration::try_from_secs_f64(minutes * 60.0).context("--minutes")?;
    println!("seed {seed}");
    let mut comparison = Comparison::start(&Release::ALL)?;
    // Installing and starting Java takes as long as it takes.
    let until = Instant::now() + lasting;
    let golden = golden()?;
    comparison.compare(&golden)?;
    let corpus = corpus()?;
    let mut found = corpus.chunks(ROUND / 4);
    let mut seeded = Seeded::new(seed);
    while Instant::now() < until {
        comparison.compare(&made(&mut seeded, ROUND))?;
        comparison.compare(&wounded(&mut seeded, &golden, ROUND / 4))?;
        comparison.compare(found.next().unwrap_or_default())?;
    }
    comparison.tallies().for_each(|tally| println!("{tally}"));
    Ok(comparison.tallies().map(|tally| tally.holes.len()).sum())
}
