//! The newcomer's page, `docs/rust.md`: its project is made by its commands, of its files, and prints what it says; Java calls its provider.
//!
//! Two things are put in beside the blocks, both outside of the project: `highway-sdk` of this workspace in place of the one of the registry,
//! and the versions of the workspace's lock.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use highway_tests::walk::{steps, walk};
use lab::install::workspace;
use lab::net::HOSTS;
use lab::peer::{Call, GREETING, Refer};
use lab::process::until;
use lab::program::folder;
use serde_json::json;

use crate::stage::{PATIENT, stage};

/// What is nobody's who reads the page: where the SDK comes from, without a network, and beside the workspace's own build, for what both
/// need; its programs stay its own.
fn configuration(files: &Path) -> String {
    let workspace = workspace();
    let built = folder().unwrap().parent().unwrap().to_owned();
    let mut toml = format!(
        "[net]\noffline = true\n[build]\ntarget-dir = {:?}\nbuild-dir = {built:?}\n\
         [patch.crates-io]\nhighway-sdk = {{ path = {:?} }}\n\
         [profile.dev]\ndebug = \"line-tables-only\"\n[profile.dev.package.\"*\"]\nopt-level = 1\ndebug = false\n",
        files.join("target"),
        workspace.join("sdk")
    );
    for name in ["wire", "shard", "route", "client", "zk-bridge", "sdk"] {
        write!(toml, "[profile.dev.package.highway-{name}]\nopt-level = 0\n").unwrap();
    }
    toml
}

#[test]
fn the_newcomers_page() {
    let page = fs::read_to_string(workspace().join("docs/rust.md")).unwrap();
    let steps = steps(&page).unwrap();
    assert!(steps.len() >= 20, "only {} blocks of the page take part", steps.len());
    let stage = stage();
    let (place, [shanghai, beijing]) = (stage.place(), &stage.peers);
    if place.namespace().is_none() {
        println!("not shown on this machine: names of its own need a namespace");
        return;
    }
    let desk = tempfile::tempdir().unwrap();
    let files = desk.path().join(place.name());
    put(&files, HOSTS, &format!("{0} zk1\n{0} shop1\n", place.address()));
    put(&files, ".cargo/config.toml", &configuration(&files));

    let (new, rest) = steps.split_at(1);
    let places = [place.clone()];
    walk(new, &places, desk.path()).unwrap();
    fs::copy(workspace().join("Cargo.lock"), files.join("shop/Cargo.lock")).unwrap();
    let _serving = walk(rest, &places, desk.path()).unwrap();
    let laid_out = Command::new("cargo").args(["fmt", "--check"]).current_dir(files.join("shop")).output().unwrap();
    assert!(laid_out.status.success(), "rustfmt would change {}", String::from_utf8_lossy(&laid_out.stdout));
    for log in fs::read_dir(desk.path()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let said = fs::read_to_string(&log).unwrap();
        assert!(!said.contains("warning"), "{}: {said}", log.display());
    }

    let there = stage.line.island("beijing");
    let offered = || there.virtual_nodes(GREETING).iter().any(|node| node.contains("version%3D3.0.0")).then_some(());
    until("the page's provider stands in beijing's registry", PATIENT, offered).unwrap();
    for peer in [shanghai, beijing] {
        peer.refer(&Refer::new("shop", GREETING).version("3.0.0").patient().retries(0)).unwrap();
        let answer = peer.call(&Call::new("shop", "sayHello", [json!("bo")])).unwrap();
        assert_eq!(answer.returned(), json!("bo, the shop is open"));
    }
}

fn put(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
