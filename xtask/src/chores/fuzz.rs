//! The fuzz targets: builds them for `ci`, and runs them with coverage and a corpus for whoever wants to look further.
//!
//! They need a nightly toolchain's flags, and nothing else does; where there is none, `ci` leaves them out and `fuzz` says so.
//! It never stops at a finding of one target before the others have had their time, and never deletes what was found.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use super::apt;
use crate::step::{self, cargo, command, is_there, root, target};

/// Folders with fuzz targets; each is a workspace of its own.
const FOLDERS: [&str; 3] = ["wire/fuzz", "tunnel/fuzz", "route/fuzz"];
/// Not a fuzz target but a comparison with released Dubbo, run beside them.
const DIFFERENTIAL: &str = "differential";
/// What makes the compiler count edges and compared values for libFuzzer, and keeps overflow checks in an optimised build.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0 \
    -Ccodegen-units=1 -Cdebug-assertions --cfg fuzzing";
/// An input that takes longer, or a process that grows beyond, is a finding.
const BOUNDS: [&str; 4] = ["-timeout=10", "-rss_limit_mb=1024", "-malloc_limit_mb=256", "-max_len=8192"];

/// Builds them, or says why not.
pub fn build() -> Result<String> {
    if !has_nightly() {
        return Ok("skipped: no nightly toolchain".to_owned());
    }
    need_a_compiler()?;
    for folder in FOLDERS {
        let manifest = format!("{folder}/Cargo.toml");
        let mut build = nightly(&["build", "--manifest-path", &manifest]);
        build.env("RUSTFLAGS", "--cfg fuzzing");
        step::run(build)?;
    }
    Ok(format!("built in {} folders", FOLDERS.len()))
}

/// `[--minutes N] [TARGET...]`: each target, or all of them, for that long, one after the other.
pub fn run(arguments: &[String]) -> Result<()> {
    let (minutes, named) = match arguments {
        [flag, minutes, named @ ..] if flag == "--minutes" => (minutes.as_str(), named),
        named => ("1", named),
    };
    let Some(seconds) = minutes.parse::<f64>().ok().map(|minutes| (minutes * 60.0).ceil()).filter(|all| *all >= 1.0)
    else {
        bail!("found {minutes:?} minutes, wanted a number above 0: cargo xtask fuzz [--minutes N] [TARGET...]");
    };
    let all = targets()?;
    if let Some(unknown) = named.iter().find(|name| *name != DIFFERENTIAL && all.iter().all(|each| each.name != **name))
    {
        let names: Vec<&str> = all.iter().map(|each| each.name.as_str()).collect();
        bail!("found no target {unknown:?}, wanted some of {}, {DIFFERENTIAL}", names.join(", "));
    }
    let is_wanted = |name: &str| named.is_empty() || named.iter().any(|wanted| wanted == name);
    let wanted: Vec<&Target> = all.iter().filter(|each| is_wanted(&each.name)).collect();
    let mut table = format!("{:<18} {:>8} {:>12} {:>9}  findings\n", "target", "CPU min", "runs", "coverage");
    let mut findings = 0;
    if !wanted.is_empty() {
        let folder = prepare()?;
        for each in wanted {
            let report = each.run(&folder, seconds)?;
            findings += report.findings.len();
            table.push_str(&report.line(&each.name));
        }
    }
    let mut compared = Ok(());
    if is_wanted(DIFFERENTIAL) {
        let program = ["-p", "highway-tests", "--bin", DIFFERENTIAL];
        compared = step::run(cargo(&[&["run", "--quiet"], &program[..], &["--", "--minutes", minutes]].concat()));
        table.push_str(&format!(
            "{DIFFERENTIAL:<18} {}\n",
            if compared.is_ok() { "no difference" } else { "FAILED, see above" }
        ));
    }
    println!("\n{table}");
    if findings > 0 {
        bail!("{findings} findings; run the target on the file that is named, mend, and keep the bytes in a test");
    }
    compared
}

struct Target {
    folder: &'static str,
    name: String,
}

#[derive(Debug, Default)]
struct Report {
    cpu_seconds: f64,
    runs: u64,
    coverage: u64,
    findings: Vec<String>,
}

impl Report {
    /// Takes what a line of libFuzzer's says.
    fn read(&mut self, line: &str) {
        if let Some(runs) = line.strip_prefix("stat::number_of_executed_units:") {
            self.runs = runs.trim().parse().unwrap_or_default();
        } else if let Some(path) = line.split("Test unit written to ").nth(1) {
            self.findings.push(path.to_owned());
        } else if let Some(coverage) = line.split(" cov: ").nth(1).and_then(|rest| rest.split(' ').next()) {
            self.coverage = coverage.parse().unwrap_or(self.coverage);
        }
    }

    fn line(&self, name: &str) -> String {
        let found = if self.findings.is_empty() { "none".to_owned() } else { self.findings.join(" ") };
        format!("{name:<18} {:>8.1} {:>12} {:>9}  {found}\n", self.cpu_seconds / 60.0, self.runs, self.coverage)
    }
}

impl Target {
    fn run(&self, programs: &Path, seconds: f64) -> Result<Report> {
        let folder = root().join(self.folder);
        let (corpus, artifacts) = (folder.join("corpus").join(&self.name), folder.join("artifacts").join(&self.name));
        fs::create_dir_all(&corpus)?;
        fs::create_dir_all(&artifacts)?;
        let mut fuzz = command(programs.join(&self.name), &BOUNDS);
        fuzz.arg(format!("-max_total_time={seconds}")).arg("-print_final_stats=1");
        fuzz.arg(format!("-artifact_prefix={}/", artifacts.display()));
        let words = folder.join("dubbo.dict");
        if words.is_file() {
            fuzz.arg(format!("-dict={}", words.display()));
        }
        fuzz.arg(corpus).stderr(Stdio::piped());
        println!("xtask: {}", step::words(&fuzz));
        let mut child = fuzz.spawn().with_context(|| format!("cannot run {}", self.name))?;
        let mut report = Report::default();
        let output = child.stderr.take().context("no stderr")?;
        let mut tail = std::collections::VecDeque::new();
        for line in BufReader::new(output).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            report.read(&line);
            tail.push_back(line);
            if tail.len() > 60 {
                tail.pop_front();
            }
        }
        report.cpu_seconds = cpu_seconds(&child);
        let status = child.wait()?;
        if !status.success() {
            tail.iter().for_each(|line| println!("{line}"));
            if report.findings.is_empty() {
                report.findings.push(format!("ended with {status}"));
            }
        }
        Ok(report)
    }
}

/// Processor time of a process that has ended and was not waited for.
fn cpu_seconds(child: &Child) -> f64 {
    /// What /proc counts in: the kernel's interface fixes it.
    const TICKS_A_SECOND: f64 = 100.0;
    let text = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
    // The second field is the name in brackets, whatever is in it; user and system time are the 14th and 15th.
    let rest = text.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / TICKS_A_SECOND
}

fn targets() -> Result<Vec<Target>> {
    let mut all = Vec::new();
    for folder in FOLDERS {
        let sources = root().join(folder).join("fuzz_targets");
        for file in fs::read_dir(&sources).with_context(|| format!("cannot read {}", sources.display()))? {
            if let Some(name) = file?.path().file_stem() {
                all.push(Target { folder, name: name.to_string_lossy().into_owned() });
            }
        }
    }
    all.sort_by(|a, b| (a.folder, &a.name).cmp(&(b.folder, &b.name)).reverse());
    Ok(all)
}

/// Builds the targets with coverage, writes the golden frames into the corpus, and says where the programs are.
fn prepare() -> Result<PathBuf> {
    if !has_nightly() {
        bail!("no nightly toolchain, and the targets need its flags: rustup toolchain install nightly");
    }
    need_a_compiler()?;
    let host = step::output(command("rustup", &["run", "nightly", "rustc", "-vV"]))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?.to_owned();
    for folder in FOLDERS {
        let manifest = format!("{folder}/Cargo.toml");
        // With --target, so that build scripts are compiled without these flags.
        let mut build = nightly(&["build", "--release", "--bins", "--target", &host, "--manifest-path", &manifest]);
        build.env("RUSTFLAGS", FLAGS);
        step::run(build)?;
    }
    step::run(nightly(&["run", "--quiet", "--manifest-path", "wire/fuzz/Cargo.toml", "--example", "seed"]))?;
    Ok(target().join("fuzz").join(host).join("release"))
}

fn nightly(arguments: &[&str]) -> Command {
    let mut cargo = command("rustup", &["run", "nightly", "cargo"]);
    cargo.args(arguments).env("CARGO_TARGET_DIR", target().join("fuzz")).env_remove("CARGO");
    cargo
}

/// libFuzzer is compiled from C++.
fn need_a_compiler() -> Result<()> {
    if ["c++", "g++", "clang++"].iter().any(|compiler| is_there(compiler)) {
        return Ok(());
    }
    apt::install(&["g++"], "the fuzz targets need a C++ compiler for libFuzzer")
}

fn has_nightly() -> bool {
    let asked = command("rustup", &["run", "nightly", "cargo", "--version"]).output();
    asked.is_ok_and(|answer| answer.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_is_read() {
        let mut report = Report::default();
        for line in [
            "#2\tINITED cov: 66 ft: 67 corp: 1/1b exec/s: 0 rss: 27Mb",
            "#194\tNEW    cov: 308 ft: 876 corp: 362/234Kb lim: 4096",
            "artifact_prefix='/x/'; Test unit written to /x/crash-0af",
            "stat::number_of_executed_units: 6625870",
        ] {
            report.read(line);
        }
        assert_eq!((report.coverage, report.runs), (308, 6_625_870));
        assert_eq!(report.findings, ["/x/crash-0af"]);
    }

    #[test]
    fn a_target_that_is_not_there_is_answered_with_those_that_are() {
        let error = run(&["--minutes".to_owned(), "2".to_owned(), "peak".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("\"peak\"") && error.contains("peek") && error.contains(DIFFERENTIAL), "{error}");
        let error = run(&["--minutes".to_owned(), "0".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("wanted a number above 0"), "{error}");
    }
}
