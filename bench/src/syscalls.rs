//! System calls of the relays a call, counted during a run of their own.
//!
//! By `perf stat` where the kernel lets it (a tracepoint, costs next to nothing), else by `strace -c`, which stops the
//! program at every call, slows it and so makes batches look larger than they are: the report names the counter. Never part
//! of a measured run.

use crate::chain::Chain;
use crate::measure::{Pace, Shape, run_load};
use crate::packages;
use crate::program::{LOOK_AGAIN, Program};
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What counts every entry into the kernel.
const TRACEPOINT: &str = "raw_syscalls:sys_enter";
/// How long a counter may take to attach.
const ATTACH_TIME: Duration = Duration::from_secs(5);

/// System calls of one chain in one shape.
#[derive(Debug, Clone, Serialize)]
pub struct Counted {
    /// The chain.
    pub contender: String,
    /// The shape.
    pub shape: Shape,
    /// What counted.
    pub counter: &'static str,
    /// Each relay with its system calls a call.
    pub each: Vec<(String, f64)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Counter {
    Perf,
    Strace,
}

impl Counter {
    fn name(self) -> &'static str {
        match self {
            Self::Perf => "perf stat",
            Self::Strace => "strace -c: slows the programs down",
        }
    }

    /// The best that works here; strace is installed if neither is there.
    fn choose() -> Result<Self> {
        if perf_works() {
            return Ok(Self::Perf);
        }
        if packages::find("strace").is_none() {
            packages::install(&["strace"])?;
        }
        Ok(Self::Strace)
    }

    fn attach(self, name: &str, pids: &[u32], report: &Path, dir: &Path) -> Result<Program> {
        let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
        let report = report.to_str().context("the folder's name is not UTF-8")?;
        let list = pids.join(",");
        let (program, arguments) = match self {
            Self::Perf => ("perf", vec!["stat", "-x", ";", "-e", TRACEPOINT, "-o", report, "-p", &list]),
            Self::Strace => ("strace", vec!["-f", "-c", "-o", report, "-p", &list]),
        };
        let path = packages::find(program).with_context(|| format!("{program} is not there"))?;
        Program::start(&format!("{program}-{name}"), &path, &arguments, dir)
    }

    /// Waits until the counter watches `pid`.
    fn await_attached(self, counter: &mut Program, pid: u32) -> Result<()> {
        let end = Instant::now() + ATTACH_TIME;
        while Instant::now() < end {
            counter.check()?;
            let attached = match self {
                // Tracers are told by the kernel; perf opens one descriptor an event and thread.
                Self::Strace => traced(pid),
                Self::Perf => watches_events(counter.pid()),
            };
            if attached {
                return Ok(());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        anyhow::bail!("{} does not attach to process {pid}; {}", counter.name(), counter.last_words())
    }

    fn total(self, text: &str) -> Option<u64> {
        match self {
            Self::Perf => text.lines().find(|line| line.contains(TRACEPOINT))?.split(';').next()?.trim().parse().ok(),
            Self::Strace => {
                let line = text.lines().find(|line| line.trim_end().ends_with(" total"))?;
                line.split_ascii_whitespace().nth(3)?.parse().ok()
            }
        }
    }
}

fn perf_works() -> bool {
    let Some(perf) = packages::find("perf") else { return false };
    let probe =
        Command::new(perf).args(["stat", "-x", ";", "-e", TRACEPOINT, "--", "true"]).stdin(Stdio::null()).output();
    probe.is_ok_and(|output| Counter::Perf.total(&String::from_utf8_lossy(&output.stderr)).is_some())
}

fn traced(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|tracer| tracer.trim() != "0"))
}

fn watches_events(pid: u32) -> bool {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    files
        .filter_map(|file| fs::read_link(file.path()).ok())
        .any(|target| target.to_string_lossy().contains("perf_event"))
}

/// Counts the system calls of each relay while the load runs once.
///
/// # Errors
/// When no counter can be had or attached, or the load fails.
pub fn count(shape: Shape, pace: Pace, chain: &Chain, dir: &Path) -> Result<Counted> {
    let counter = Counter::choose()?;
    let mut counting = Vec::new();
    for (relay, pids) in chain.pids() {
        let report = dir.join(format!("{relay}.syscalls"));
        let mut program = counter.attach(&relay, &pids, &report, dir)?;
        for &pid in &pids {
            counter.await_attached(&mut program, pid)?;
        }
        counting.push((relay, report, program));
    }
    let outcome = run_load(shape, pace, chain, &[])?;
    ensure!(outcome.all_calls > 0, "no call was made while system calls were counted");
    let mut each = Vec::new();
    for (relay, report, program) in counting {
        program.interrupt()?;
        let text = fs::read_to_string(&report).with_context(|| format!("cannot read {}", report.display()))?;
        let total = counter.total(&text).with_context(|| format!("no total in {}: {text}", report.display()))?;
        each.push((relay, total as f64 / outcome.all_calls as f64));
    }
    Ok(Counted { contender: chain.contender.name(), shape, counter: counter.name(), each })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_found_in_what_the_tools_write() {
        let perf = "# started on Sat Nov 21\n\n411;;raw_syscalls:sys_enter;12345;100.00;;\n";
        assert_eq!(Counter::Perf.total(perf), Some(411));
        let strace = "% time     seconds  usecs/call     calls    errors syscall\n\
                      ------ ----------- ----------- --------- --------- ----------------\n\
                      \u{20}60.00    0.000600           1       500        20 recvfrom\n\
                      100.00    0.001000           1       700        20 total\n";
        assert_eq!(Counter::Strace.total(strace), Some(700));
        let flawless = "100.00    0.001000           1       700           total\n";
        assert_eq!(Counter::Strace.total(flawless), Some(700));
        assert_eq!(Counter::Perf.total("<not supported>;;raw_syscalls:sys_enter;0;0.00;;"), None);
        assert_eq!(Counter::Strace.total(""), None);
    }
}
