//! What a program gives to the chassis ([`Program`]) and what it gets from it ([`Process`]).
//!
//! Neither knows how it was started: a test makes a [`Process::alone`] and starts the real program on port 0.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::admin::{Admin, Ready, Routes, Status};
use crate::config::Mistakes;
use crate::drain::{Drain, Teller};
use crate::log::Log;
use crate::metrics::Metrics;
use crate::tasks::Tasks;

/// A program of the line: what was typed, what is true, how it starts and how it takes a changed configuration.
///
/// All of it runs on one control thread with a current-thread runtime inside a `LocalSet`; shards are threads of their
/// own, made with [`Tasks::thread`].
pub trait Program: Sized + 'static {
    /// The name of the binary, of the configuration file (`NAME.toml`) and of the process in metrics.
    const NAME: &'static str;
    /// One line for `--help`.
    const ABOUT: &'static str;
    /// What was typed: a serde type whose tables are `#[serde(deny_unknown_fields, default)]`.
    type Raw: DeserializeOwned;
    /// What is true: no value in it needs to be checked again.
    type Config: 'static;

    /// Turns what was typed into what is true. Every mistake is told to `mistakes`; `None` only after at least one.
    fn settle(raw: Self::Raw, mistakes: &mut Mistakes) -> Option<Self::Config>;

    /// What comes after a check that found all good, in lines for people; without a last line end. `file` is the configuration's.
    fn next(_: &Self::Config, file: &Path) -> String {
        format!("next: `{} {}`", Self::NAME, file.display())
    }

    /// The part of the configuration that the chassis itself obeys.
    fn basics(config: &Self::Config) -> Basics;

    /// Starts everything and returns once it runs; what goes on afterwards belongs to `process.tasks`.
    ///
    /// # Errors
    /// What kept it from starting; the process then exits with 1.
    fn start(config: Self::Config, process: Process) -> impl Future<Output = anyhow::Result<Self>>;

    /// Takes a changed configuration as a whole or not at all.
    ///
    /// # Errors
    /// Why the change cannot be made (it is logged, and the old state stays as it was).
    fn reload(&mut self, config: Self::Config) -> impl Future<Output = anyhow::Result<()>>;
}

/// What the chassis needs of a program's configuration.
#[derive(Debug, Clone)]
pub struct Basics {
    /// Section `[log]`.
    pub log: Log,
    /// Section `[admin]`.
    pub admin: Admin,
    /// How long a drain may take before the process ends with work still in flight.
    pub drain_within: Duration,
}

/// What a running program holds of its process. Cheap to clone, usable from every thread.
#[derive(Debug, Clone)]
pub struct Process {
    /// Hears that the process is to end, and counts what is still in flight.
    pub drain: Drain,
    /// Owner of everything that runs.
    pub tasks: Tasks,
    /// Where counters are made and summed.
    pub metrics: Metrics,
    /// What `/status` says.
    pub status: Status,
    /// What `/readyz` waits for.
    pub ready: Ready,
    /// Extra routes on the admin listener.
    pub routes: Routes,
}

impl Process {
    /// A process without signals or admin listener, for tests and for programs inside other programs.
    #[must_use]
    pub fn alone() -> (Self, Teller) {
        let (teller, drain) = crate::drain::pair();
        let process = Self {
            ready: Ready::new(drain.clone()),
            drain,
            tasks: Tasks::new(),
            metrics: Metrics::new(),
            status: Status::new(),
            routes: Routes::new(),
        };
        (process, teller)
    }
}
