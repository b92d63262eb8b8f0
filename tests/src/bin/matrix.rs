//! `matrix`: every released Dubbo as consumer and as provider, each case directly and through Highway; see `src/matrix.rs`.
//!
//! Prints the table and ends with 0 if every difference is explained and every explanation needed, with 1 if not.
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use highway_tests::matrix::cases::Case;
use highway_tests::matrix::differences::{Difference, KNOWN};
use highway_tests::matrix::golang::{self, Golang, golang};
use highway_tests::matrix::settings::{self, Extent};
use highway_tests::matrix::{self, Member, Stage, Table, Wanted, report};
use lab::install::{Release, workspace};

const USAGE: &str = "\
usage: matrix [--quick | --settings | --go] [--json] [--write]

  --quick     only what every test run does too
  --settings  only what is not at default settings
  --go        only dubbo-go, both ways with every release for Java
  --json      one JSON object a cell with all that was seen, in place of the tables
  --write     also writes docs/compatibility.md; only with the whole";

/// Which part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    Quick,
    Settings,
    Go,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    Tables,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    Nothing,
    Document,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = lab::helper::answer(&arguments) {
        return ExitCode::from(code);
    }
    let (mut part, mut output, mut keep) = (Part::Whole, Output::Tables, Keep::Nothing);
    for argument in &arguments {
        match argument.as_str() {
            "--quick" => part = Part::Quick,
            "--settings" => part = Part::Settings,
            "--go" => part = Part::Go,
            "--json" => output = Output::Json,
            "--write" => keep = Keep::Document,
            _ => return usage(),
        }
    }
    if keep == Keep::Document && part != Part::Whole {
        return usage();
    }
    match run(part, output, keep) {
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

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

/// What is not as it should be.
fn run(part: Part, output: Output, keep: Keep) -> Result<Vec<String>> {
    let begin = Instant::now();
    let progress = |words: &str| eprintln!("{:4.0} s  {words}", begin.elapsed().as_secs_f64());
    let stage = Stage::start(&Release::ALL.map(Member::java), progress)?;
    let mut faults = stage.gaps();
    let mut show = |table: &Table, known: &[Difference], title: &str| {
        match output {
            Output::Tables => println!("{title}\n{}", table.markdown(known)),
            Output::Json => print!("{}", table.json_lines(known)),
        }
        faults.extend(table.faults(known));
    };
    let wanted: Wanted = match part {
        Part::Whole => |_, _, _| true,
        Part::Quick => Case::is_quick,
        Part::Settings | Part::Go => |_, _, _| false,
    };
    let whole = matrix::run(stage.ways(), wanted, progress)?;
    if matches!(part, Part::Whole | Part::Quick) {
        show(&whole, &KNOWN, "at default settings");
    }
    let go = match part {
        Part::Whole | Part::Go => golang(&stage, progress)?,
        Part::Quick | Part::Settings => Golang::LeftOut("not asked for".to_owned()),
    };
    if let Golang::Seen { calls, serves, .. } = &go {
        show(calls, &golang::differences(), "dubbo-go as consumer");
        show(serves, &golang::differences(), "dubbo-go as provider");
    }
    let extent = match part {
        Part::Whole | Part::Settings => Some(Extent::Whole),
        Part::Quick => Some(Extent::Quick),
        Part::Go => None,
    };
    let mut settings = Vec::new();
    if let Some(extent) = extent {
        for setting in settings::ALL.iter().filter(|setting| extent == Extent::Whole || !setting.telling.is_empty()) {
            let table = setting.run(&stage, extent, progress)?;
            show(&table, &setting.differences(), setting.about);
            settings.push((setting, table));
        }
    }
    if let Golang::Seen { gaps, .. } = &go {
        faults.extend(gaps.iter().cloned());
    }
    if keep == Keep::Document {
        let place = workspace().join("docs/compatibility.md");
        std::fs::create_dir_all(place.with_file_name(""))?;
        std::fs::write(&place, report::document(&whole, &go, &settings))?;
        eprintln!("written: {}", place.display());
    }
    Ok(faults)
}
