//! `highway rules …`: rule documents in the config center of a registry, changed without losing anybody's change.
//!
//! | command | what it does |
//! |---|---|
//! | `get`, `history` | shows what there is, and what there was |
//! | `check` | says whether files are rule documents and do what they expect of themselves; asks no registry |
//! | `diff` | what a file would change |
//! | `apply`, `rollback`, `remove` | change a document, with the version that was seen and an entry in its history |
//!
//! Exit codes: 0 done, or nothing to do; 1 failed; 2 a broken document, or bad arguments; 3 the answer is no: somebody else was faster,
//! the texts differ, an expectation is not met, gateways would not obey. Changes are asked for in words, never taken back or repeated by
//! itself.

mod base;
mod change;
mod difference;
mod file;
mod gateway;
mod judge;
mod obeyed;
mod reach;
mod refused;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use zk_bridge::{CenterFailure, ConfigCenter, Expected};

use change::Over;
use gateway::Gateway;
use obeyed::Way;
use reach::Reach;

use crate::output;
use crate::wrong::wrong;

/// The answer is no.
const NO: u8 = 3;

/// How a command ends that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// 0.
    Good,
    /// 3: see the module.
    No,
    /// 2: what was given is no rule document, or names no registry.
    Broken,
}

/// Whom it is shown to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    People,
    Programs,
}

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// As JSON, for programs.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints a document after a line that says its version, by which `apply` knows what a text was made from; or lists all of them.
    Get {
        /// Which document.
        name: Option<String>,
    },
    /// Says whether files are rule documents, and whether calls go where their `expect` says: asks no registry. Exit code 0; 2 with
    /// every mistake, its line and column; 3 with every call that goes elsewhere.
    Check {
        /// The files, judged beside each other.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// Makes a document what a file says, if it is good and the document still is what the file was made from, as its first line says it
    /// after `get`, or as --expect-version says.
    Apply {
        /// The file; - reads standard input.
        file: PathBuf,
        /// Which document [default: the file's name without .yaml].
        name: Option<String>,
        /// Whatever the document is now.
        #[arg(long, conflicts_with = "expect_version")]
        overwrite: bool,
        #[command(flatten)]
        anyway: Anyway,
        #[command(flatten)]
        how: How,
    },
    /// Shows what a file would change: exit code 0 where nothing, 3 where something.
    Diff {
        /// The file; - reads standard input.
        file: PathBuf,
        /// Which document [default: the file's name without .yaml].
        name: Option<String>,
    },
    /// Shows what a document was changed to, by whom, when; the newest 20 changes are kept.
    History {
        /// Which document.
        name: String,
    },
    /// Makes a document what it was before the last change that was no rollback, or after the one that --to says.
    Rollback {
        /// Which document.
        name: String,
        /// The change after which it is to be as it was, as `history` numbers it.
        #[arg(long, value_name = "N")]
        to: Option<u64>,
        #[command(flatten)]
        anyway: Anyway,
        #[command(flatten)]
        how: How,
    },
    /// Prints the JSON schema of a rule document, for editors.
    Schema,
    /// Takes a document away. Its history stays, and `rollback` brings it back.
    Remove {
        /// Which document.
        name: String,
        #[command(flatten)]
        how: How,
    },
}

/// How a document is changed.
#[derive(Debug, Args)]
struct How {
    /// Only where the document still has this version, as `get` and `history` say it; none: where there is no document.
    #[arg(long, value_name = "VERSION|none")]
    expect_version: Option<Expected>,
    /// Shows what would change, and changes nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What is no reason to stop.
#[derive(Debug, Args)]
struct Anyway {
    /// It is the first document in this config center, or the first after everything was lost: gateways that still hold others drop them.
    #[arg(long)]
    first: bool,
    /// What is no reason to stop; may be given several times.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    despite: Vec<Despite>,
}

/// What can speak against a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Despite {
    /// Calls go elsewhere than its `expect` says.
    Expect,
    /// There are more documents, longer ones, or more rules than gateways take, and the change makes it so or worse.
    Limits,
}

impl Anyway {
    fn is_despite(&self, what: Despite) -> bool {
        self.despite.contains(&what)
    }

    fn is_meant(&self, way: Way) -> bool {
        match way {
            Way::Despite(what) => self.is_despite(what),
            Way::First => self.first,
        }
    }
}

/// Does what was asked for.
pub fn run(arguments: Arguments) -> Result<ExitCode> {
    let form = if arguments.json { Form::Programs } else { Form::People };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let reach = arguments.reach;
    let end = runtime.block_on(async {
        let center = || async {
            let registry = reach.registry().map_err(wrong)?;
            anyhow::Ok(ConfigCenter::open(&registry).await?)
        };
        match arguments.command {
            Command::Get { name } => show::get(&center().await?, name.as_deref(), form).await,
            Command::Check { files, gateway } => {
                let files: Result<Vec<_>> = files.iter().map(|file| file::read(file, None)).collect();
                judge::check(&files?, &gateway, form).await
            }
            Command::Schema => {
                output::text(route::rules::SCHEMA)?;
                Ok(End::Good)
            }
            Command::Apply { file, name, overwrite, anyway, how } => {
                let file = file::read(&file, name)?;
                let over = if overwrite { Over::Anything } else { Over::MadeFrom };
                change::apply(&center().await?, &file, over, &anyway, &how, form).await
            }
            Command::Rollback { name, to, anyway, how } => {
                change::rollback(&center().await?, &name, to, &anyway, &how, form).await
            }
            Command::Diff { file, name } => {
                let file = file::read(&file, name)?;
                show::diff(&center().await?, &file, form).await
            }
            Command::History { name } => show::history(&center().await?, &name, form).await,
            Command::Remove { name, how } => change::remove(&center().await?, &name, &how, form).await,
        }
    });
    let end = end.map_err(|error| match error.downcast_ref::<CenterFailure>() {
        // A name or a text that nothing could be called, or a tree that is not there.
        Some(CenterFailure::Refused(what)) => wrong(what.clone()),
        _ => error,
    });
    Ok(match end? {
        End::Good => ExitCode::SUCCESS,
        End::Broken => ExitCode::from(2),
        End::No => ExitCode::from(NO),
    })
}
