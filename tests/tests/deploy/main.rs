//! What Highway is handed on as, each held to the tool that reads it: images and compose files by an engine, the Debian package by dpkg in a
//! fresh root, units by systemd-analyze, manifests by the schemas of Kubernetes, the list of parts by CycloneDX's.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail where it stands, in its helpers too")]

mod compose;
mod documents;
mod engine;
mod four_commands;
mod images;
mod machine;
mod manifests;
mod package;
mod units;

use std::process::Command;

/// What it printed; a failure says what it said.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let (said, cried) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} ended with {}: {said}\n{cried}", output.status);
    said.into_owned()
}
