//! `middleboxes`: runs the line through every box that may stand between an island and the hub, and prints what came of the calls.
//! `--write` puts the figures into `docs/middleboxes.md`.
//!
//! Ends with 1 where a call failed, was too late, or a box could not be run.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use highway_tests::boxes::{Extent, Figures, Stage, document, line};
use lab::boxes::Kind;
use lab::install::workspace;

const USAGE: &str = "\
usage: middleboxes [--only NAME]... [--short] [--write]

  --only NAME   only the box of this name; all without this
  --short       a few thousand calls each, not a hundred thousand
  --write       puts the table into docs/middleboxes.md (only with everything)";

/// Between these two lines the document is ours.
const BEGIN: &str = "<!-- figures: written by `cargo xtask middleboxes --write` -->\n";
const END: &str = "<!-- end of figures -->\n";
/// From the start of an egress to its first answer: without a box, and through the worst one.
const FIRST: [Duration; 2] = [Duration::from_millis(1_500), Duration::from_secs(5)];
/// For so long nothing is called in the end.
const SILENT: Duration = Duration::from_secs(70);
/// What is then called is answered within this.
const AWAKE: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Wanted {
    kinds: Vec<&'static Kind>,
    extent: Extent,
    is_written: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = lab::helper::answer(&arguments) {
        return ExitCode::from(code);
    }
    let wanted = match wanted(&arguments) {
        Ok(wanted) => wanted,
        Err(error) => {
            eprintln!("middleboxes: {error:#}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&wanted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("middleboxes: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn wanted(arguments: &[String]) -> Result<Wanted> {
    let mut wanted = Wanted { kinds: Vec::new(), extent: Extent::Long, is_written: false };
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "--only" => {
                let name = words.next().context("--only wants a name")?;
                let all = Kind::ALL.map(|kind| kind.name).join(", ");
                wanted.kinds.push(Kind::of(name).with_context(|| format!("no box {name} here, only {all}"))?);
            }
            "--short" => wanted.extent = Extent::Short,
            "--write" => wanted.is_written = true,
            other => bail!("found {other:?}"),
        }
    }
    if wanted.is_written && (wanted.extent == Extent::Short || !wanted.kinds.is_empty()) {
        bail!("--write goes with everything, not with a part");
    }
    if wanted.kinds.is_empty() {
        wanted.kinds = Kind::ALL.to_vec();
    }
    Ok(wanted)
}

fn run(wanted: &Wanted) -> Result<()> {
    let begin = Instant::now();
    let progress = |words: &str| eprintln!("[{:4.0?}] {words}", begin.elapsed());
    progress("starting the line and the boxes");
    let stage = Stage::start(&wanted.kinds)?;
    let mut wrong: Vec<String> = stage.left_out.iter().map(|(kind, why)| format!("{}: {why}", kind.name)).collect();
    let mut all = Vec::new();
    for leg in &stage.legs {
        match stage.trial(leg, wanted.extent) {
            Ok(figures) => {
                progress(line(&figures).trim_end());
                wrong.extend(faults(&figures));
                all.push(figures);
            }
            Err(error) => {
                progress(&format!("{}: {error:#}", leg.name()));
                wrong.push(format!("{}: calls stood still", leg.name()));
            }
        }
    }
    progress(&format!("nothing is called for {SILENT:?}"));
    wrong.extend(stage.silence(SILENT, AWAKE)?);
    println!("{}", document(&all, &stage.left_out));
    if wanted.is_written {
        write(&document(&all, &stage.left_out))?;
    }
    if !wrong.is_empty() {
        bail!("not as it should be:\n  {}", wrong.join("\n  "));
    }
    Ok(())
}

fn faults(figures: &Figures) -> Vec<String> {
    let mut faults = Vec::new();
    if figures.failures() > 0 {
        faults.push(format!("{}: {} calls failed", figures.name, figures.failures()));
    }
    let within = FIRST[usize::from(figures.name != "none")];
    if figures.first > within {
        faults.push(format!(
            "{}: the first call was answered after {:?}, wanted {within:?}",
            figures.name, figures.first
        ));
    }
    faults
}

/// Replaces what stands between the two marks.
fn write(table: &str) -> Result<()> {
    let path = workspace().join("docs/middleboxes.md");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (before, rest) = text.split_once(BEGIN).context("docs/middleboxes.md has lost the mark where figures begin")?;
    let (_, after) = rest.split_once(END).context("docs/middleboxes.md has lost the mark where figures end")?;
    std::fs::write(&path, format!("{before}{BEGIN}\n{table}\n{END}{after}"))?;
    eprintln!("written to {}", path.display());
    Ok(())
}
