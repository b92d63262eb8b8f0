//! The parts as they are typed: a whole comparison, or one load.
//!
//! Exit codes of a comparison: 0 done, 1 a bar was missed (only with `--bars`), 2 it could not be measured.

use crate::args;
use crate::chain::{Chain, Contender, SERVICE};
use crate::frames::{Payload, Question};
use crate::idle::{self, IdleCost};
use crate::load::{self, Plan};
use crate::measure::{self, Pace, SHAPES};
use crate::program::{Program, own_path};
use crate::report::{BARRED, Report, Setting};
use crate::syscalls;
use crate::variant::Variant;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Bytes of the string argument in a comparison.
const ARGUMENT_LEN: usize = 300;

/// Measures all chains beside each other and reports.
///
/// # Errors
/// When a chain cannot be started or a call fails.
pub fn run(run: &args::Run) -> Result<ExitCode> {
    let idle_limit = idle::raise_file_limit()?;
    let scratch = tempfile::Builder::new().prefix("highway-bench-").tempdir()?;
    let dir = run.keep.as_deref().unwrap_or(scratch.path());
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let programs = match &run.programs {
        Some(folder) => folder.clone(),
        None => own_path()?.parent().map(Path::to_owned).context("this program is in no folder")?,
    };
    let pace = Pace {
        rounds: run.rounds.into(),
        warm_up: run.warm_up,
        measured: run.seconds,
        payload: Payload::Filler,
        argument_len: ARGUMENT_LEN,
    };
    let stage = Stage { programs, dir: dir.to_owned(), contenders: contenders(run) };

    let (provider, address) = Program::start_echo(dir)?;
    let mut chains = stage.start_all(address)?;
    let mut shapes = Vec::new();
    for shape in SHAPES {
        shapes.push(measure::measure(shape, pace, &mut chains, provider.pid())?);
    }
    let mut counted = Vec::new();
    if run.syscalls {
        for shape in SHAPES {
            for chain in chains.iter().filter(|chain| !chain.relays.is_empty()) {
                counted.push(syscalls::count(shape, pace, chain, dir)?);
            }
        }
    }
    drop(chains);
    let idle = stage.idle(address, run.idle.min(idle_limit))?;

    let report = Report::new(setting(pace), shapes, idle, counted);
    print!("{}", report.text());
    if let Some(file) = &run.json {
        let text = serde_json::to_string_pretty(&report)?;
        fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))?;
    }
    let missed = run.bars && !report.all_met();
    Ok(if missed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn contenders(run: &args::Run) -> Vec<Contender> {
    let mut links = if run.all { Variant::ALL.to_vec() } else { run.links.clone() };
    if run.bars && !links.contains(&BARRED) {
        links.insert(0, BARRED);
    }
    links.dedup();
    let highway = links.into_iter().map(Contender::Highway).filter(|_| !run.baseline);
    [Contender::Direct, Contender::Nginx].into_iter().chain(highway).collect()
}

/// Where programs come from, where they write, and who takes part.
struct Stage {
    programs: PathBuf,
    dir: PathBuf,
    contenders: Vec<Contender>,
}

impl Stage {
    fn start_all(&self, provider: std::net::SocketAddr) -> Result<Vec<Chain>> {
        let start = |contender: &Contender| {
            let dir = self.folder(&contender.name())?;
            Chain::start(*contender, provider, &self.programs, &dir)
        };
        self.contenders.iter().map(start).collect()
    }

    /// Memory of idle connections at the first relay of a chain that has served nothing else.
    fn idle(&self, provider: std::net::SocketAddr, connections: usize) -> Result<Vec<(String, IdleCost)>> {
        let mut found = Vec::new();
        if connections == 0 {
            return Ok(found);
        }
        for &contender in &self.contenders {
            let name = contender.name();
            let chain = Chain::start(contender, provider, &self.programs, &self.folder(&format!("idle {name}"))?)?;
            let Some(pid) = chain.relays.first().and_then(|first| first.pids().last().copied()) else { continue };
            let cost = idle::measure(chain.entry, SERVICE, connections, pid);
            found.push((name.clone(), cost.with_context(|| name)?));
        }
        Ok(found)
    }

    fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.dir.join(name.replace(' ', "-"));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }
}

fn setting(pace: Pace) -> Setting {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    Setting {
        cores: measure::cores(),
        processor: model.map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.to_owned()),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        rounds: pace.rounds,
        seconds: pace.measured.as_secs_f64(),
        argument_len: ARGUMENT_LEN,
        request_len: Question::new(SERVICE, "echo", ARGUMENT_LEN).total_len(),
    }
}

/// One load, told in a line or as JSON.
///
/// # Errors
/// When a call fails.
pub fn load(load: args::Load) -> Result<()> {
    let plan = Plan {
        target: load.target,
        connections: load.connections.into(),
        in_flight: load.in_flight.into(),
        payload: load.payload,
        argument_len: load.argument.into(),
        service: load.service,
        warm_up: load.warm_up,
        measured: load.seconds,
        watch: load.watch,
    };
    let outcome = load::run(&plan)?;
    if load.json {
        println!("{}", serde_json::to_string(&outcome)?);
        return Ok(());
    }
    println!(
        "{} calls in {:.2} s: {:.0} calls/s; us: min {:.1}, p50 {:.1}, p99 {:.1}, max {:.1}",
        outcome.calls,
        outcome.seconds,
        outcome.calls_per_second,
        outcome.min_us,
        outcome.p50_us,
        outcome.p99_us,
        outcome.max_us
    );
    for watched in &outcome.watched {
        let calls = outcome.calls as f64;
        let (cpu, wake_ups) = (watched.cpu_us / calls, watched.wake_ups as f64 / calls);
        println!("process {}: {cpu:.2} us CPU a call, {wake_ups:.2} wake-ups a call", watched.pid);
    }
    Ok(())
}
