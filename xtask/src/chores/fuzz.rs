//! Builds the fuzz targets, where a nightly toolchain is there: they need its flags, and nothing else does.
//!
//! Only builds: running them takes hours, and `cargo fuzz run` does it.

use anyhow::{Result, bail};

use super::apt;
use crate::step::{command, is_there, root, run, target};

/// Folders with fuzz targets; each is a workspace of its own.
const FOLDERS: [&str; 2] = ["wire/fuzz", "tunnel/fuzz"];

/// Builds them, or says why not.
pub fn build() -> Result<String> {
    if !has_nightly() {
        return Ok("skipped: no nightly toolchain".to_owned());
    }
    // libFuzzer is compiled from C++.
    if !["c++", "g++", "clang++"].iter().any(|compiler| is_there(compiler)) {
        apt::install(&["g++"], "the fuzz targets need a C++ compiler for libFuzzer")?;
    }
    let folders: Vec<_> = FOLDERS.iter().filter(|folder| root().join(folder).join("Cargo.toml").is_file()).collect();
    if folders.is_empty() {
        bail!("found none of {}", FOLDERS.join(", "));
    }
    for folder in &folders {
        let manifest = format!("{folder}/Cargo.toml");
        let mut build = command("rustup", &["run", "nightly", "cargo", "build", "--manifest-path", &manifest]);
        build.env("CARGO_TARGET_DIR", target().join("fuzz")).env("RUSTFLAGS", "--cfg fuzzing").env_remove("CARGO");
        run(build)?;
    }
    Ok(format!("built in {} folders", folders.len()))
}

fn has_nightly() -> bool {
    let asked = command("rustup", &["run", "nightly", "cargo", "--version"]).output();
    asked.is_ok_and(|answer| answer.status.success())
}
