//! `bench thin-link`: what crosses a link of 30 Mbit/s each way, through three nginx and through Highway, in one run.
//!
//! ```text
//!  island a                 hub                    island b
//!  load ─▶ nginx 1   ═════▶ nginx 2     ═════════▶ nginx 3    ─▶ echo            one relay in each place
//!  load ─▶ egress-gw ═════▶ central-hub ◀═════════ ingress-gw ─▶ echo
//!                     thin               thin
//! ```
//!
//! Highway is there twice, once with calls and answers packed. Arguments and answers have 2 KB and differ from call to call (`frames/varied.rs`). This process makes the lab and starts itself anew within the
//! consumers' island; there it measures as `bench run` does. Never compares figures of two runs.

mod lab;
mod table;

use crate::args;
use crate::chain::{Chain, Contender};
use crate::frames::Payload;
use crate::measure::{self, Pace, Sample, Shape};
use crate::nginx;
use crate::place::Place;
use crate::program::{Program, own_path};
use crate::report::BARRED;
use crate::variant::Variant;
use anyhow::{Context, Result, ensure};
use lab::Lab;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use table::Row;

/// Bytes of an argument, and so of an answer.
const ARGUMENT_LEN: usize = 2048;
/// Consumers with one call at a time each: enough to fill such a link.
const SHAPE: Shape = Shape { connections: 64, in_flight: 1 };

/// Measures all chains with both payloads and reports.
///
/// # Errors
/// When the lab or a chain cannot be made, or a call fails.
pub fn run(thin: &args::Thin) -> Result<ExitCode> {
    match thin.inside.as_slice() {
        [hub, far] => measure_inside(thin, hub, far),
        _ => make_lab(thin),
    }
}

/// Makes the lab and runs this program anew in the consumers' island.
fn make_lab(thin: &args::Thin) -> Result<ExitCode> {
    // There is no way from within the lab to where programs are installed from.
    nginx::ready_program()?;
    let lab = Lab::make()?;
    let own = own_path()?;
    let mut inside = Command::new("ip");
    inside.args(["netns", "exec", &lab.near]).arg(own).args(["thin-link", "--inside", &lab.hub, "--inside", &lab.far]);
    inside.args(["--rounds", &thin.rounds.to_string(), "--seconds", &thin.seconds.as_secs_f64().to_string()]);
    if thin.bars {
        inside.arg("--bars");
    }
    for (flag, folder) in [("--programs", &thin.programs), ("--keep", &thin.keep)] {
        if let Some(folder) = folder {
            inside.arg(flag).arg(folder);
        }
    }
    let status = inside.status().context("cannot start ip")?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(2)))
}

fn measure_inside(thin: &args::Thin, hub: &str, far: &str) -> Result<ExitCode> {
    let scratch = tempfile::Builder::new().prefix("highway-bench-").tempdir()?;
    let dir = thin.keep.as_deref().unwrap_or(scratch.path());
    let programs = match &thin.programs {
        Some(folder) => folder.clone(),
        None => own_path()?.parent().map(Path::to_owned).context("this program is in no folder")?,
    };
    let places = [
        Place::at(None, lab::NEAR),
        Place::at(Some(hub.to_owned()), lab::HUB),
        Place::at(Some(far.to_owned()), lab::FAR),
    ];
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let (provider, address) = Program::start_echo_at(&places[2], dir)?;
    let contenders = [Contender::Nginx, Contender::Highway(BARRED), Contender::Highway(Variant::PACKED_WS)];
    let start = |contender: &Contender| {
        let folder: PathBuf = dir.join(contender.name().replace([' ', ','], "-"));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Chain::start_at(*contender, &places, address, &programs, &folder)
    };
    let mut chains: Vec<Chain> = contenders.iter().map(start).collect::<Result<_>>()?;
    let mut rows = Vec::new();
    for payload in [Payload::Random, Payload::Business] {
        let pace = Pace {
            rounds: thin.rounds.into(),
            warm_up: thin.seconds / 2,
            measured: thin.seconds,
            payload,
            argument_len: ARGUMENT_LEN,
        };
        rows.extend(rounds(pace, &mut chains, provider.pid())?);
    }
    let (text, met) = table::of(&rows);
    print!("{text}");
    Ok(if thin.bars && !met { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// All rounds with one payload.
fn rounds(pace: Pace, chains: &mut [Chain], provider: u32) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = chains.iter().map(|chain| Row::new(chain.contender, pace.payload)).collect();
    for round in 0..pace.rounds {
        for place in measure::order(chains.len(), round) {
            let chain = &mut chains[place];
            chain.check()?;
            let before = Crossed::read()?;
            let sample = measure::sample(SHAPE, pace, chain, provider).with_context(|| chain.contender.name())?;
            let crossed = Crossed::read()?.a_call(&before, &sample)?;
            let (payload, name) = (format!("{:?}", pace.payload), chain.contender.name());
            eprintln!(
                "{payload:>9}  round {}  {name:<22} {:>7.0} calls/s  p50 {:>6.1} ms  {:>5.0} B up, {:>5.0} B down a call",
                round + 1,
                sample.calls_per_second,
                sample.p50_us / 1e3,
                crossed[0],
                crossed[1],
            );
            rows[place].rounds.push((sample, crossed));
        }
    }
    Ok(rows)
}

/// What the device of this island's link has sent and received, Ethernet's header included.
struct Crossed([u64; 2]);

impl Crossed {
    fn read() -> Result<Crossed> {
        let of = |what: &str| -> Result<u64> {
            let file = format!("/sys/class/net/eth0/statistics/{what}_bytes");
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
            Ok(text.trim().parse()?)
        };
        Ok(Crossed([of("tx")?, of("rx")?]))
    }

    /// Of the calls that a run has made, warm-up and drain included.
    fn a_call(&self, before: &Crossed, sample: &Sample) -> Result<[f64; 2]> {
        ensure!(sample.all_calls > 0, "found no call, wanted some");
        Ok([0, 1].map(|way| (self.0[way] - before.0[way]) as f64 / sample.all_calls as f64))
    }
}
