//! `bench under PROGRAM ARGUMENTS`: becomes PROGRAM, which the kernel will end when the benchmark's process ends.
//!
//! So that a benchmark that is killed leaves no relay behind. Never returns on success.

use anyhow::{Context, Result, ensure};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Replaces this process by `program`.
///
/// # Errors
/// When the kernel refuses, when the parent is already gone, or when the program cannot be started.
pub fn run(program: &OsString, arguments: &[OsString]) -> Result<()> {
    set_parent_process_death_signal(Some(Signal::TERM)).context("cannot ask for a signal at the parent's death")?;
    ensure!(getppid().is_some_and(|parent| !parent.is_init()), "the benchmark has ended already");
    Err(Command::new(program).args(arguments).exec()).with_context(|| format!("cannot start {}", program.display()))
}
