//! `highway status`: islands, links, services and calls as running programs say on their admin listeners, and what to do where
//! something is not well.
//!
//! Looks twice, a second apart, so that there are rates. `--long` and `--json` have all that a program says, from one look. Never
//! changes anything.

mod text;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::watch::{Admins, Filter, History, Room};
use crate::{output, terminal, top, watch};

/// Between the two looks.
const APART: Duration = Duration::from_secs(1);

/// What is asked.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    admins: Admins,
    #[command(flatten)]
    filter: Filter,
    /// Lines of each table; what is left out is counted.
    #[arg(long, default_value_t = 20)]
    rows: usize,
    /// All that the programs say, as a list.
    #[arg(long, conflicts_with = "json")]
    long: bool,
    /// The same as JSON: the answer of the one that was named, or one object with a field for each that answered.
    #[arg(long)]
    json: bool,
}

/// Asks and shows.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Arguments { admins, filter, rows, long, json } = arguments;
    let token = admins.token()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        if *long || *json {
            let statuses = admins.statuses(token.as_ref()).await?;
            output::line(if *json { terminal::json(&statuses)? } else { text::lines(&statuses) })?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut history = History::default();
        let first = admins.look(token.as_ref()).await.someone()?;
        history.view(first, filter);
        tokio::time::sleep(APART).await;
        let second = admins.look(token.as_ref()).await;
        let silent = if admins.is_default() { Vec::new() } else { history.never_heard(&second) };
        let view = history.view(second, filter);
        let (width, paint) = top::width_and_paint();
        for line in watch::text(&view, Room { width, rows: *rows, height: None }, paint) {
            output::line(line)?;
        }
        for one in &silent {
            output::say(terminal::lines(&format!("highway: {one}")));
        }
        Ok(if silent.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}
