//! Programs that come as a wheel: pinned, into a Python environment under `target/tools`, in seconds where compiling takes minutes.
//!
//! Takes the one that is installed. On Debian as root the Python for it is installed too. Nothing of a wheel goes into what is built.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::apt;
use crate::step::{command, is_there, run, target};

/// Where `program` is, brought by `wheel` (`name==version`) if it is not installed.
pub fn program(program: &str, wheel: &str) -> Result<PathBuf> {
    if is_there(program) {
        return Ok(program.into());
    }
    let tools = target().join("tools").join(wheel.replace("==", "-"));
    let path = tools.join("bin").join(program);
    if path.is_file() {
        return Ok(path);
    }
    let folder = tools.to_str().context("the target folder has a name that is no text")?;
    if !can_make_environments() {
        apt::install(&["python3-venv"], &format!("{program} needs Python with venv, or to be on the path itself"))?;
    }
    run(command("python3", &["-m", "venv", folder]))?;
    run(command(tools.join("bin/pip"), &["install", "--quiet", "--disable-pip-version-check", wheel]))?;
    if !path.is_file() {
        bail!("{wheel} brought no {}", path.display());
    }
    Ok(path)
}

/// Debian's `python3` comes without the parts that make an environment with pip in it.
fn can_make_environments() -> bool {
    let asked = command("python3", &["-c", "import venv, ensurepip"]).output();
    asked.is_ok_and(|answer| answer.status.success())
}
