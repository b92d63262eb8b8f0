//! `highway doctor`: tries the way from here to the hub, looks at the machine that a program runs on, and says what each finding means and what
//! to ask for.
//!
//! ```text
//!   way      from here to a hub: what passes, and with a gateway's configuration whether the hub would link
//!   machine  with a configuration: key, certificates, names, registries, files, the address that consumers are told
//! ```
//!
//! Exit codes: 0 all is well, 1 it could not be tried, 2 bad arguments, 3 no link can be made, 4 a link can be made and there is something to ask
//! for. Changes nothing anywhere.

mod about;
mod bundle;
mod certificate;
mod clock;
mod machine;
mod names;
mod show;
mod step;
mod target;
mod way;

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use chassis::SecretFile;
use clap::Args;
use serde_json::{Value, json};
use shard::Shard;
use tunnel::Asker;
use tunnel::key::PrivateKey;

use crate::check::{self, Kind};
use crate::{output, terminal};
use about::About;
use step::{Mark, Step};

/// A step that takes longer says what it does.
const PATIENCE: Duration = Duration::from_secs(2);
/// Without a link there is nothing to be asked for first.
const NO_LINK: u8 = 3;
const YES_BUT: u8 = 4;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The configuration of a program: its machine, and the way to each of its hubs as the gateway would go.
    #[arg(long, value_name = "FILE", required_unless_present = "hub", conflicts_with = "hub")]
    config: Option<PathBuf>,
    /// The program it is for [default: as its file name says].
    #[arg(long, requires = "config")]
    kind: Option<Kind>,
    /// The hub's address, such as https://hub.example.com; nothing else is needed.
    #[arg(long, value_name = "URL")]
    hub: Option<String>,
    /// Certificates to trust [default: those of the system].
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    ca: Option<PathBuf>,
    /// The proxy on the way out, or none [default: as HTTPS_PROXY and its like say].
    #[arg(long, value_name = "http://HOST:PORT", conflicts_with = "config")]
    proxy: Option<String>,
    /// File with USER:PASSWORD for the proxy, readable by its owner alone.
    #[arg(long, value_name = "FILE", requires = "proxy")]
    proxy_credentials_file: Option<PathBuf>,
    /// The name in the hub's certificate, where it is not the address's.
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    server_name: Option<String>,
    /// Also tries what time does: silences, late answers, long streams. Takes two and a half minutes.
    #[arg(long)]
    long: bool,
    /// As JSON, for programs.
    #[arg(long)]
    json: bool,
    /// Also writes an archive (tar) for support, with all that was found and without a secret. One that is there is never overwritten.
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

/// Looks at the machine and tries the way to each hub, and shows both.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let about = match &arguments.config {
        Some(file) => Some(about::read(file, check::kind_of(file, arguments.kind)?)?),
        None => None,
    };
    let runtime = shard::runtime()?;
    // Before anything is tried: what cannot be written is known at once.
    let archive = arguments.bundle.as_deref().map(bundle::create).transpose()?;
    runtime.block_on(async {
        let subject = about.as_ref().map(bundle::Subject::of);
        let found = async {
            let (value, code) = doctor(about, arguments).await?;
            if let Some(archive) = archive {
                bundle::write(archive, &value, subject).await?;
            }
            anyhow::Ok((value, code))
        };
        let found = found.await;
        if let (Err(_), Some(file)) = (&found, &arguments.bundle) {
            // It was made here, is not whole, and would be in the way of the next try.
            let _ = fs::remove_file(file);
        }
        let (value, code) = found?;
        if let Some(file) = &arguments.bundle {
            output::say(format_args!("{} is written: look into it before it is sent (tar -xOf)", file.display()));
        }
        if arguments.json {
            output::line(terminal::json(&value)?)?;
        }
        Ok(ExitCode::from(code))
    })
}

async fn doctor(mut about: Option<About>, arguments: &Arguments) -> Result<(Value, u8)> {
    let shard = Shard::on_this_thread(0);
    let says = !arguments.json;
    let mut codes = Vec::new();
    let machine = match &about {
        Some(about) => {
            if says {
                output::line(terminal::shown(&machine::title(about)) + "\n")?;
            }
            let mut report = Report::new(says);
            machine::look(about, &mut report).await?;
            codes.push(if machine::is_bad(&report.steps) { YES_BUT } else { 0 });
            if says && !about.hubs.is_empty() {
                output::line("")?;
            }
            Some(show::steps(&report.steps))
        }
        None => None,
    };
    let asker = about.as_ref().and_then(asker);
    let targets = match &mut about {
        Some(about) => std::mem::take(&mut about.hubs),
        None => vec![target::at(arguments)?],
    };
    let mut hubs = Vec::new();
    for target in targets {
        let walked = way::walk(shard.clone(), target, asker.as_ref(), arguments.long, says).await?;
        codes.push(walked.verdict.code);
        hubs.push(show::walked(&walked));
    }
    let code = if codes.contains(&NO_LINK) { NO_LINK } else { codes.into_iter().max().unwrap_or(0) };
    let version = env!("CARGO_PKG_VERSION");
    Ok((json!({ "highway": version, "machine": machine, "hubs": hubs, "code": code }), code))
}

/// As whom links are asked for. Without a key nobody is: the machine's steps say why.
fn asker(about: &About) -> Option<Asker> {
    let gateway = about.gateway.clone()?;
    let secret = SecretFile::new(about.key_file.clone()?).read(Path::new("")).ok()?;
    let key = Arc::new(PrivateKey::from_file_content(secret.bytes()).ok()?);
    Some(Asker { key, role: gateway.role, island: gateway.island, gateway: gateway.id, seal: gateway.seal })
}

/// The steps so far.
struct Report {
    steps: Vec<Step>,
    /// Whether each is shown as soon as it is done.
    says: bool,
}

impl Report {
    fn new(says: bool) -> Report {
        Report { steps: Vec::new(), says }
    }

    /// Takes down a step; whether it is not bad.
    fn step(&mut self, step: Step) -> Result<bool> {
        if self.says {
            output::text(show::lines(&step))?;
        }
        let is_well = step.mark != Mark::Bad;
        self.steps.push(step);
        Ok(is_well)
    }
}

/// Says what it does if it takes long.
async fn slowly<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    match tokio::time::timeout(PATIENCE, &mut work).await {
        Ok(done) => done,
        Err(_) => {
            output::say(format_args!("… {what}"));
            work.await
        }
    }
}
