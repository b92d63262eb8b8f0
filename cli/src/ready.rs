//! `highway ready`: whether a running program is ready, and what it waits for; for health checks, which look at the exit code alone.
//!
//! Asks `/readyz`, or with `--alive` `/livez`, of one admin listener. Exit code 0: yes; 3: it answers, and is not; 1: nobody answers.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::{admin, output, terminal};

/// How a health check ends that is answered with no.
const NOT_READY: u8 = 3;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The admin listener to ask, such as http://127.0.0.1:20901.
    #[arg(long)]
    admin: String,
    /// File with the admin listener's token, readable by its owner alone.
    #[arg(long)]
    token_file: Option<PathBuf>,
    /// Only whether it is alive, whatever it waits for.
    #[arg(long)]
    alive: bool,
}

/// Asks, prints the answer, and says it with the exit code.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let token = admin::token(arguments.token_file.as_deref())?;
    let path = if arguments.alive { "/livez" } else { "/readyz" };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (is_good, words) = runtime.block_on(admin::report(&arguments.admin, token.as_ref(), path))?;
    output::text(terminal::lines(&words))?;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(NOT_READY) })
}
