//! `faults`: breaks each part of the line in turn under load of every line of Dubbo, with one and with two of each gateway, and
//! prints what the callers saw beside what really ran. `--write` puts the figures into `docs/faults.md`.
//!
//! Ends with 1 where a call was lost or ran twice, a consumer did not heal, or healed later than 12 s after a sole gateway was started again.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use highway_tests::faults::{Fault, Gateways, Stage, Trial, document, lines, summary};
use lab::install::{Release, workspace};

const USAGE: &str = "\
usage: faults [--only WORD]... [--gateways one|two] [--consumers VERSION,VERSION...] [--json] [--write]

  --only WORD     faults whose name has the word in it: egress, ingress, hub, provider, link, killed, stopped, reset, silent
  --gateways N    one or two of each; both without this
  --consumers V   releases among 2.6.12, 2.7.23, 3.1.11, 3.2.16, 3.3.6; all without this
  --json          figures as JSON on stdout at the end
  --write         puts the table into docs/faults.md (only with everything)";

/// Between these two lines the document is ours.
const BEGIN: &str = "<!-- figures: written by `cargo xtask faults --write` -->\n";
const END: &str = "<!-- end of figures -->\n";

#[derive(Debug, Default)]
struct Wanted {
    only: Vec<String>,
    gateways: Vec<Gateways>,
    consumers: Vec<Release>,
    json: bool,
    write: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = lab::helper::answer(&arguments) {
        return ExitCode::from(code);
    }
    let wanted = match wanted(&arguments) {
        Ok(wanted) => wanted,
        Err(error) => {
            eprintln!("faults: {error:#}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&wanted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("faults: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn wanted(arguments: &[String]) -> Result<Wanted> {
    let mut wanted = Wanted::default();
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} wants a value"));
        match word {
            "--only" => wanted.only.push(value()?.to_owned()),
            "--gateways" => wanted.gateways.push(match value()? {
                "one" => Gateways::One,
                "two" => Gateways::Two,
                other => bail!("found --gateways {other}, wanted one or two"),
            }),
            "--consumers" => {
                for version in value()?.split(',') {
                    wanted.consumers.push(Release::of(version).with_context(|| format!("no release {version} here"))?);
                }
            }
            "--json" => wanted.json = true,
            "--write" => wanted.write = true,
            other => bail!("found {other:?}"),
        }
    }
    let everything = wanted.only.is_empty() && wanted.gateways.is_empty() && wanted.consumers.is_empty();
    if wanted.write && !everything {
        bail!("--write goes with everything, not with a part");
    }
    if wanted.gateways.is_empty() {
        wanted.gateways = vec![Gateways::One, Gateways::Two];
    }
    if wanted.consumers.is_empty() {
        wanted.consumers = Release::ALL.to_vec();
    }
    Ok(wanted)
}

fn run(wanted: &Wanted) -> Result<()> {
    let named =
        |fault: &Fault| wanted.only.is_empty() || wanted.only.iter().any(|word| fault.to_string().contains(word));
    let faults: Vec<Fault> = Fault::ALL.into_iter().filter(named).collect();
    if faults.is_empty() {
        bail!("no fault has {} in its name", wanted.only.join(" or "));
    }
    let begin = Instant::now();
    let mut trials: Vec<Trial> = Vec::new();
    for &gateways in &wanted.gateways {
        eprintln!("[{:4.0?}] starting a line with {} of each", begin.elapsed(), gateways.count());
        let stage = Stage::start(gateways, &wanted.consumers)?;
        for &fault in &faults {
            eprintln!("[{:4.0?}] {fault}, {} of each", begin.elapsed(), gateways.count());
            let told = stage.trial(fault)?;
            eprint!("{}", lines(&told));
            trials.extend(told);
        }
    }
    trials.sort_by_key(|trial| (faults.iter().position(|fault| *fault == trial.fault), trial.gateways, trial.release));
    eprintln!("[{:4.0?}] {}", begin.elapsed(), summary(&trials));
    if wanted.json {
        println!("{}", serde_json::to_string_pretty(&trials.iter().map(as_json).collect::<Vec<_>>())?);
    }
    if wanted.write {
        write(&document(&trials), &summary(&trials))?;
    }
    let wrong = |trial: &Trial| {
        let Trial { fault, gateways, release, reference, figures } = trial;
        let wrong = figures.wrong(fault.healed_within(*gateways))?;
        Some(format!("{fault} with {} of each, {} with {reference}: {wrong}", gateways.count(), release.version()))
    };
    let wrong: Vec<String> = trials.iter().filter_map(wrong).collect();
    if !wrong.is_empty() {
        bail!("not as it should be:\n  {}", wrong.join("\n  "));
    }
    Ok(())
}

fn as_json(trial: &Trial) -> serde_json::Value {
    serde_json::json!({
        "fault": trial.fault.to_string(),
        "of_each": trial.gateways.count(),
        "consumer": trial.release.version(),
        "reference": trial.reference,
        "figures": trial.figures,
    })
}

/// Replaces what stands between the two marks.
fn write(table: &str, summary: &str) -> Result<()> {
    let path = workspace().join("docs/faults.md");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (before, rest) = text.split_once(BEGIN).context("docs/faults.md has lost the mark where figures begin")?;
    let (_, after) = rest.split_once(END).context("docs/faults.md has lost the mark where figures end")?;
    std::fs::write(&path, format!("{before}{BEGIN}\n{summary}.\n\n{table}\n{END}{after}"))?;
    eprintln!("written to {}", path.display());
    Ok(())
}
