//! `highway rules …`: rule documents in the config center of a registry, changed without losing anybody's change.
//!
//! | command | what it does |
//! |---|---|
//! | `get`, `history` | shows what there is, and what there was |
//! | `check` | says whether files are rule documents and do what they expect of themselves; asks nobody |
//! | `diff` | what a file would change |
//! | `apply`, `rollback`, `remove` | change a document, with the version that was seen and an entry in its history |
//!
//! Exit codes: 0 done, or nothing to do; 1 failed; 2 a broken document, or bad arguments; 3 the answer is no: somebody else was faster,
//! the texts differ, an expectation is not met. Changes are asked for in words, never taken back or repeated by itself.

mod change;
mod difference;
mod file;
mod judge;
mod reach;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use zk_bridge::{ConfigCenter, Version};

use reach::Reach;

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
    /// Prints a document, or lists all of them.
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
    },
    /// Makes a document what a file says, if it is good and nobody else has changed the document meanwhile.
    Apply {
        /// The file; - reads standard input.
        file: PathBuf,
        /// Which document [default: the file's name without .yaml].
        name: Option<String>,
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
    /// Takes the last change back, or all that came after one.
    Rollback {
        /// Which document.
        name: String,
        /// The change after which it is to be as it was, as `history` numbers it.
        #[arg(long, value_name = "N")]
        to: Option<u64>,
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
    /// Only where the document still has this version, as `get --json` says it.
    #[arg(long, value_name = "VERSION")]
    expect_version: Option<Version>,
    /// Shows what would change, and changes nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What was typed names no registry.
#[derive(Debug)]
struct BadArguments(anyhow::Error);

impl std::error::Error for BadArguments {}

impl std::fmt::Display for BadArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

/// Does what was asked for.
pub fn run(arguments: Arguments) -> Result<ExitCode> {
    let form = if arguments.json { Form::Programs } else { Form::People };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let reach = arguments.reach;
    let end = runtime.block_on(async {
        let center = || async {
            let registry = reach.registry().map_err(BadArguments)?;
            anyhow::Ok(ConfigCenter::open(&registry).await?)
        };
        match arguments.command {
            Command::Get { name } => show::get(&center().await?, name.as_deref(), form).await,
            Command::Check { files } => {
                let files: Result<Vec<_>> = files.iter().map(|file| file::read(file, None)).collect();
                judge::check(&files?, form)
            }
            Command::Schema => {
                print!("{}", route::rules::SCHEMA);
                Ok(End::Good)
            }
            Command::Apply { file, name, how } => {
                let file = file::read(&file, name)?;
                change::apply(&center().await?, &file, &how, form).await
            }
            Command::Rollback { name, to, how } => change::rollback(&center().await?, &name, to, &how, form).await,
            Command::Diff { file, name } => {
                let file = file::read(&file, name)?;
                show::diff(&center().await?, &file, form).await
            }
            Command::History { name } => show::history(&center().await?, &name, form).await,
            Command::Remove { name, how } => change::remove(&center().await?, &name, &how, form).await,
        }
    });
    let end = match end {
        Err(error) if error.is::<BadArguments>() => {
            eprintln!("highway: {error}");
            End::Broken
        }
        end => end?,
    };
    Ok(match end {
        End::Good => ExitCode::SUCCESS,
        End::Broken => ExitCode::from(2),
        End::No => ExitCode::from(NO),
    })
}
