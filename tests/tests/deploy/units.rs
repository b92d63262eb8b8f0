//! The units, read by systemd's own tool: they are sound, and little is left to what runs in them.

use std::fs;
use std::process::Command;

use lab::install::{self, Need, workspace};
use lab::program;

use crate::run;

/// `systemd-analyze security` calls up to 2.0 its best class but one; the network, which the programs are for, costs 1.
const EXPOSURE: &str = "20";

#[test]
fn systemd_takes_the_units_and_finds_little_exposed() {
    if let Err(error) = install::also(Need::Systemd) {
        println!("SKIPPED: {error:#}");
        return;
    }
    // The tool wants to find what a unit starts, and here it lies elsewhere.
    let folder = tempfile::tempdir().unwrap();
    let programs = program::folder().unwrap();
    let mut units = Vec::new();
    for entry in fs::read_dir(workspace().join("deploy/systemd")).unwrap().flatten() {
        let text = fs::read_to_string(entry.path()).unwrap();
        let text = ["central-hub", "egress-gw", "ingress-gw"].iter().fold(text, |text, program| {
            text.replace(&format!("=/usr/bin/{program} "), &format!("={}/{program} ", programs.display()))
        });
        let unit = folder.path().join(entry.file_name());
        fs::write(&unit, text).unwrap();
        units.push(unit);
    }
    units.sort();
    assert_eq!(units.len(), 5, "{units:?}");
    let verified = Command::new("systemd-analyze").arg("verify").args(&units).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    // Of the machine's own units, which it reads along, it may say what it likes.
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("highway")).collect();
    assert!(verified.status.success() && ours.is_empty(), "{said}");
    for unit in units.iter().filter(|unit| unit.extension().is_some_and(|end| end == "service")) {
        let threshold = format!("--threshold={EXPOSURE}");
        run(Command::new("systemd-analyze").args(["security", "--offline=yes", "--no-pager", &threshold]).arg(unit));
    }
}

#[test]
fn nobody_cuts_a_drain() {
    let drain = fs::read_to_string(workspace().join("chassis/src/config/sections.rs")).unwrap();
    assert!(drain.contains("60"), "the drain's usual end is not where it was");
    for (place, grace) in [
        ("docker-compose.yml", "stop_grace_period: 80s"),
        ("deploy/hub/docker-compose.yml", "stop_grace_period: 80s"),
        ("deploy/kubernetes/island/egress-gw.yaml", "terminationGracePeriodSeconds: 80"),
        ("deploy/kubernetes/island/ingress-gw.yaml", "terminationGracePeriodSeconds: 80"),
        ("deploy/kubernetes/hub/central-hub.yaml", "terminationGracePeriodSeconds: 80"),
        ("deploy/systemd/highway-egress-gw.service", "TimeoutStopSec=80s"),
    ] {
        let text = fs::read_to_string(workspace().join(place)).unwrap();
        assert!(text.contains(grace), "{place} has no {grace}");
    }
}
