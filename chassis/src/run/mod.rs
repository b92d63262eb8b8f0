//! The one `main` of all programs: arguments, configuration, signals, reloads, the end.
//!
//! ```text
//!  egress-gw [--check] [--config FILE | FILE]
//! ```
//!
//! Exit codes: 0 ended, 1 failed, 2 bad configuration (or bad arguments). Never restarts anything: that is the business
//! of whoever started the process, who is told when it runs and when it ends if it wants to (`notify`).

mod arguments;
mod descriptors;
mod reload;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::LocalSet;

use crate::admin::{self, Admin, Server};
use crate::config::{self, Mistakes, Settled};
use crate::drain::{Drained, Teller};
use crate::inherited;
use crate::log;
use crate::notify::Manager;
use crate::process::{Process, Program};
use arguments::{Arguments, What};
pub use descriptors::limit as open_files;
use reload::Reloads;

const ENDED: u8 = 0;
const FAILED: u8 = 1;
const BAD_CONFIGURATION: u8 = 2;

/// Runs the program to its end; the whole of a `main`.
#[must_use]
pub fn run<P: Program>() -> ExitCode {
    ExitCode::from(run_with::<P>(std::env::args_os().skip(1)))
}

/// The same with arguments given (without the program's name); the exit code as a number.
#[must_use]
pub fn run_with<P: Program>(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments = match Arguments::read(P::NAME, arguments) {
        Ok(arguments) => arguments,
        Err(why) => {
            say_err(&format!("{why}\n\n{}", arguments::usage::<P>()));
            return BAD_CONFIGURATION;
        }
    };
    match arguments.what {
        What::Help => {
            say(&arguments::usage::<P>());
            return ENDED;
        }
        What::Version => {
            say(&format!("{} {}", P::NAME, env!("CARGO_PKG_VERSION")));
            return ENDED;
        }
        What::Check | What::Run => {}
    }
    let settled = match load::<P>(&arguments.file) {
        Ok(settled) => settled,
        Err(mistakes) => {
            say_err(&mistakes.to_string());
            return BAD_CONFIGURATION;
        }
    };
    if arguments.what == What::Check {
        say(&format!("{}: good\n{}", arguments.file.display(), P::next(&settled.config, &arguments.file)));
        return ENDED;
    }
    match run_settled::<P>(&arguments.file, settled) {
        Ok(()) => ENDED,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "{} failed", P::NAME);
            FAILED
        }
    }
}

fn load<P: Program>(file: &Path) -> Result<Settled<P::Config>, Mistakes> {
    config::settle_file(file, &config::variables(), P::settle)
}

fn run_settled<P: Program>(file: &Path, settled: Settled<P::Config>) -> anyhow::Result<()> {
    let basics = P::basics(&settled.config);
    log::start(&basics.log).map_err(anyhow::Error::msg)?;
    inherited::take().map_err(anyhow::Error::msg)?;
    if let Err(error) = descriptors::raise() {
        tracing::warn!(%error, "the limit of open files stays where it was; see `ulimit -n`");
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let control = LocalSet::new();
    let ended = control.block_on(&runtime, control_loop::<P>(file, settled));
    // What still runs is not waited for: the drain has done that, or was told not to.
    runtime.shutdown_background();
    ended
}

/// The signals that a process listens to.
struct Signals {
    ends: Ends,
    hangup: Signal,
}

/// The two that end a process.
struct Ends {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            ends: Ends { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? },
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

impl Ends {
    /// SIGTERM or SIGINT. A closed stream cannot happen while the runtime lives, and would be read as an end.
    async fn told(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

async fn control_loop<P: Program>(file: &Path, settled: Settled<P::Config>) -> anyhow::Result<()> {
    let Signals { mut ends, mut hangup } = Signals::listen()?;
    let (process, teller) = Process::alone();
    let mut basics = P::basics(&settled.config);
    let mut reloads = Reloads::new(settled.files, &process.metrics);
    reload::describe::<P>(&process, file);
    let mut server = admin::serve(&basics.admin, &process)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), admin = ?server.addresses(), "{} starts", P::NAME);

    let starting = P::start(settled.config, process.clone());
    let mut program = tokio::select! {
        started = starting => started?,
        failure = process.tasks.failed() => return Err(failure.into()),
        by = ends.told() => {
            tracing::info!(by, "{} ends before it has started", P::NAME);
            return Ok(());
        }
    };
    for address in inherited::unused() {
        tracing::warn!(%address, "the service manager listens there for {}, whose configuration does not: connections will wait for ever", P::NAME);
    }
    let manager = Manager::of_this_process();
    manager.ready();
    tracing::info!("{} runs", P::NAME);
    loop {
        tokio::select! {
            by = ends.told() => {
                tracing::info!(by, in_flight = process.drain.held(), "{} drains", P::NAME);
                break;
            }
            failure = process.tasks.failed() => return Err(failure.into()),
            _ = hangup.recv() => {}
            () = reloads.changed() => {}
        }
        tokio::select! {
            applied = reloads.apply(&mut program, file) => if let Some(new) = applied {
                server = serve_again(server, &basics.admin, &new.admin, &process).await?;
                basics = new;
            },
            by = ends.told() => {
                tracing::info!(by, in_flight = process.drain.held(), "{} drains in the middle of a reload", P::NAME);
                break;
            }
            failure = process.tasks.failed() => return Err(failure.into()),
        }
    }
    manager.stopping(basics.drain_within, process.drain.held());
    end(teller, basics.drain_within, &mut ends, &process).await?;
    tracing::info!("{} ended", P::NAME);
    Ok(())
}

/// The admin listener as it is configured now; the old one if the new one cannot be had.
async fn serve_again(server: Server, old: &Admin, new: &Admin, process: &Process) -> anyhow::Result<Server> {
    if old == new {
        return Ok(server);
    }
    server.end().await;
    match admin::serve(new, process) {
        Ok(server) => {
            tracing::info!(admin = ?server.addresses(), "the admin listener has moved");
            Ok(server)
        }
        Err(error) => {
            tracing::error!(%error, "the admin listener stays where it was");
            Ok(admin::serve(old, process)?)
        }
    }
}

async fn end(teller: Teller, within: std::time::Duration, ends: &mut Ends, process: &Process) -> anyhow::Result<()> {
    tokio::select! {
        drained = teller.drain(within) => match drained {
            Drained::Empty => {}
            Drained::Left(left) => tracing::warn!(left, ?within, "the drain's deadline has passed with work in flight"),
        },
        by = ends.told() => tracing::warn!(by, left = process.drain.held(), "told twice: ends at once"),
        failure = process.tasks.failed() => return Err(failure.into()),
    }
    Ok(())
}

/// A line on stdout, for what was asked for on the command line. That nobody reads it is no failure.
fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A line on stderr, before there is a log.
fn say_err(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}
