//! What is said on standard output and standard error, to whoever still listens.
//!
//! ```text
//!   nobody reads any more (`… | head -1`)    what is left to say is dropped, and the command goes on: its exit code says what was done
//!   standard output takes nothing (disk full)    a failure; one that the caller must not let undo the exit code of what is done already
//!   standard error takes nothing                 there is nobody left to tell
//! ```
//!
//! Never decides what is said. The macros of the standard library panic where nobody reads, which is why nothing else here may use them.

use std::fmt::Display;
use std::io::{ErrorKind, Write, stderr, stdout};

use anyhow::{Context, Result};

/// Prints a line.
///
/// # Errors
/// Standard output does not take it, though somebody would read it.
pub fn line(words: impl Display) -> Result<()> {
    text(format_args!("{words}\n"))
}

/// Prints a text as it is.
///
/// # Errors
/// As [`line`].
pub fn text(words: impl Display) -> Result<()> {
    heard(words).map(drop)
}

/// Whether anybody reads standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    BySomebody,
    ByNobody,
}

/// The same for a command that goes on saying things, and has no more to do where nobody reads them.
///
/// # Errors
/// As [`line`].
pub fn heard(words: impl Display) -> Result<Heard> {
    let mut out = stdout().lock();
    match write!(out, "{words}").and_then(|()| out.flush()) {
        Ok(()) => Ok(Heard::BySomebody),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Heard::ByNobody),
        Err(error) => Err(error).context("cannot write standard output"),
    }
}

/// Says a line on standard error.
pub fn say(words: impl Display) {
    let _ = writeln!(stderr().lock(), "{words}");
}
