//! Debian packages that a chore needs, installed when they are missing and we may.
//!
//! Never asks for a password: without root it says the line to run.

use anyhow::{Result, bail};

use crate::step::{command, is_there, run};

/// Installs `packages`, because of `reason`.
pub fn install(packages: &[&str], reason: &str) -> Result<()> {
    let arguments = [&["install", "-y", "--no-install-recommends"], packages].concat();
    if !is_there("apt-get") || !is_root() {
        bail!("{reason}; as root on Debian: apt-get {}", arguments.join(" "));
    }
    apt(&["update", "-q"])?;
    apt(&arguments)
}

fn apt(arguments: &[&str]) -> Result<()> {
    let mut apt = command("apt-get", arguments);
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    run(apt)
}

fn is_root() -> bool {
    command("id", &["-u"]).output().is_ok_and(|answer| answer.stdout.trim_ascii() == b"0")
}
