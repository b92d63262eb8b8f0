//! `matrix`: every released Dubbo as consumer and as provider, each case directly and through Highway; see `src/matrix.rs`.
//!
//! Prints the table and ends with 0 if every difference is explained and every explanation needed, with 1 if not.
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use highway_tests::install::Release;
use highway_tests::matrix::cases::Case;
use highway_tests::matrix::differences::KNOWN;
use highway_tests::matrix::{self, Member, Stage, Wanted};

const USAGE: &str = "\
usage: matrix [--quick] [--json]

  --quick   only the cases that every test run does too
  --json    one JSON object a cell with all that was seen, in place of the table";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    Tables,
    Json,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = highway_tests::helper::answer(&arguments) {
        return ExitCode::from(code);
    }
    let (mut wanted, mut output): (Wanted, _) = (|_, _, _| true, Output::Tables);
    for argument in &arguments {
        match argument.as_str() {
            "--quick" => wanted = Case::is_quick,
            "--json" => output = Output::Json,
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    match run(wanted, output) {
        Ok(faults) if faults.is_empty() => ExitCode::SUCCESS,
        Ok(faults) => {
            for fault in &faults {
                eprintln!("{fault}");
            }
            eprintln!("matrix: {} cells are not as they should be", faults.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("matrix: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What is not as it should be.
fn run(wanted: Wanted, output: Output) -> Result<Vec<String>> {
    let begin = Instant::now();
    let progress = |words: &str| eprintln!("{:4.0} s  {words}", begin.elapsed().as_secs_f64());
    let stage = Stage::start(&Release::ALL.map(Member::java), progress)?;
    let table = matrix::run(stage.ways(), wanted, progress)?;
    match output {
        Output::Tables => println!("{}", table.markdown(&KNOWN)),
        Output::Json => print!("{}", table.json_lines(&KNOWN)),
    }
    let mut faults = stage.gaps();
    faults.extend(table.faults(&KNOWN));
    Ok(faults)
}
