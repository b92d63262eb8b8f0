//! Packages from PyPI, by a list of ours with digests: what comes is what they say. pip's own settings (index, caches) apply.
//!
//! It touches no packages of the system or of the user.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::digest;

/// A folder of this name with an interpreter and the packages of this list, fetched if they are missing.
pub(super) fn install(lab: &Path, name: &str, packages: &str) -> Result<PathBuf> {
    let place = lab.join(format!("python-{name}-{}", digest(&[packages.as_bytes()])));
    // What is in it knows its path, so it is made in its place; this file says that it is whole.
    let whole = place.join("whole");
    if !whole.exists() {
        eprintln!("lab: fetching the Python packages of the {name} (pip)");
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        let python = super::packages::find("python3").context("python3 is not on the path")?;
        run(Command::new(python).args(["-m", "venv"]).arg(&place))
            .context("no environment of Python's own can be made; on Debian: apt-get install -y python3-venv")?;
        let wanted = place.join("requirements.txt");
        fs::write(&wanted, packages)?;
        let fetch = || {
            let mut pip = Command::new(place.join("bin/python"));
            run(pip.args(["-m", "pip", "install", "--quiet", "--require-hashes", "-r"]).arg(&wanted))
        };
        // Indexes stumble now and then.
        fetch().or_else(|_| fetch())?;
        fs::write(&whole, "")?;
    }
    Ok(place)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
