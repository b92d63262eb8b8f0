//! `highway lab …`: hands its words to `highway-lab`, the program beside this one that stands up islands.
//!
//! The operator's command itself carries nothing of the lab: what installs packages, makes networks and starts Java has no place on a
//! gateway's machine, and a machine without the lab is told so in a sentence.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

const PROGRAM: &str = "highway-lab";

/// Becomes that program; comes back only where it cannot.
pub fn run(words: &[OsString]) -> Result<ExitCode> {
    let program = beside().unwrap_or_else(|| PathBuf::from(PROGRAM));
    let error = Command::new(&program).args(words).exec();
    if error.kind() == ErrorKind::NotFound {
        bail!(
            "found no {PROGRAM} beside this command or on the path, wanted it for the lab; it is built with: cargo build -p {PROGRAM}"
        );
    }
    Err(error).with_context(|| format!("cannot run {}", program.display()))
}

/// The one that was installed or built with this command goes before any on the path.
fn beside() -> Option<PathBuf> {
    let file = std::env::current_exe().ok()?.with_file_name(PROGRAM);
    file.is_file().then_some(file)
}
