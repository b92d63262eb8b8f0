//! One command of a chore: announced, run to its end, its failure kept with its exit code.
//!
//! Never hides what a command prints.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// A command that ended badly.
#[derive(Debug)]
pub struct Failed {
    what: String,
    status: ExitStatus,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ended with {}", self.what, self.status)
    }
}

impl std::error::Error for Failed {}

/// The exit code to end with after `error`: that of the command that failed, else 1.
pub fn code_of(error: &anyhow::Error) -> u8 {
    let code = error.downcast_ref::<Failed>().and_then(|failed| failed.status.code());
    code.and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0).unwrap_or(1)
}

/// The folder of the workspace.
pub fn root() -> PathBuf {
    // xtask lies directly in it.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

/// The folder that cargo builds into.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Cargo, the one that runs this, in the folder of the workspace.
pub fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    command(cargo, arguments)
}

/// Any program, in the folder of the workspace.
pub fn command(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// The command as somebody would type it.
pub fn words(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Runs it with its output going where ours goes.
pub fn run(mut command: Command) -> Result<()> {
    let what = words(&command);
    println!("xtask: {what}");
    let status = command.status().with_context(|| format!("cannot run `{what}`"))?;
    if status.success() { Ok(()) } else { Err(Failed { what, status }.into()) }
}

/// Runs it and hands each line of its stdout to `line` as well. Lines come out whole, as soon as they are.
pub fn run_reading(mut command: Command, mut line: impl FnMut(&str)) -> Result<()> {
    let what = words(&command);
    println!("xtask: {what}");
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot run `{what}`"))?;
    let Some(output) = child.stdout.take() else { bail!("`{what}` has no stdout") };
    let mut output = BufReader::new(output);
    let mut bytes = Vec::new();
    while output.by_ref().read_until(b'\n', &mut bytes)? > 0 {
        let text = String::from_utf8_lossy(&bytes);
        print!("{text}");
        line(text.trim_end());
        bytes.clear();
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(Failed { what, status }.into()) }
}

/// What it prints on stdout, quietly; an error with its stderr if it fails.
pub fn output(mut command: Command) -> Result<String> {
    let what = words(&command);
    let output = command.output().with_context(|| format!("cannot run `{what}`"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(anyhow::Error::new(Failed { what, status: output.status }).context(said.trim().to_owned()));
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{what}` printed something else than text"))
}

/// Whether a program of this name is on the path.
pub fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_of_a_command_is_kept() {
        let error = run(command("sh", &["-c", "exit 7"])).unwrap_err();
        assert_eq!(code_of(&error), 7);
        assert_eq!(code_of(&error.context("with a story")), 7);
        assert_eq!(code_of(&anyhow::anyhow!("anything")), 1);
    }

    #[test]
    fn a_command_ended_by_a_signal_has_failed_too() {
        let error = run(command("sh", &["-c", "kill -KILL $$"])).unwrap_err();
        assert_eq!(code_of(&error), 1);
    }

    #[test]
    fn lines_are_read_while_they_are_shown() {
        let mut lines = Vec::new();
        run_reading(command("sh", &["-c", "echo one; echo two"]), |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["one", "two"]);
    }

    #[test]
    fn a_program_that_is_not_there_is_said() {
        assert!(!is_there("no-such-program"));
        assert!(is_there("sh"));
        assert!(run(command("no-such-program", &[])).unwrap_err().to_string().contains("cannot run"));
    }
}
