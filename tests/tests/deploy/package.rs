//! The Debian package, taken by dpkg on a fresh machine: what comes with it, what it leaves alone, and that a purge leaves nothing.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use crate::machine::{Machine, dist, package};
use crate::run;

#[test]
fn a_package_is_taken_waits_for_a_configuration_and_goes_without_a_trace() {
    let folder = tempfile::tempdir().unwrap();
    let machine = match Machine::fresh(folder.path()) {
        Ok(machine) => machine,
        Err(error) => {
            println!("SKIPPED: no fresh Debian here: {error:#}");
            return;
        }
    };
    let dist = dist(folder.path());
    run(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(&dist));
    let before = machine.files();
    machine.install(&package(&dist));

    let root = machine.root();
    let user = run(&mut machine.command(&["getent", "passwd", "highway"]));
    assert!(user.contains(":/var/lib/highway:") && user.trim().ends_with("nologin"), "{user}");
    let id: u32 = user.split(':').nth(2).unwrap().parse().unwrap();
    let etc = fs::metadata(root.join("etc/highway")).unwrap();
    assert_eq!((etc.uid(), etc.mode() & 0o777), (id, 0o750));
    assert_eq!(fs::read_dir(root.join("etc/highway")).unwrap().count(), 0, "nothing is configured");
    for service in ["central-hub", "egress-gw", "ingress-gw"] {
        let wants = root.join(format!("etc/systemd/system/multi-user.target.wants/highway-{service}.service"));
        assert!(wants.symlink_metadata().is_ok(), "{service} is not enabled");
        let unit = fs::read_to_string(root.join(format!("lib/systemd/system/highway-{service}.service"))).unwrap();
        assert!(
            unit.contains(&format!("\nConditionPathExists=/etc/highway/{service}.toml\n")),
            "{service} would start"
        );
        run(&mut machine.command(&[service, "--version"]));
    }
    assert!(
        root.join("etc/systemd/system/sockets.target.wants").symlink_metadata().is_err(),
        "sockets are for who wants them"
    );
    let conffiles = run(&mut machine.command(&["dpkg-query", "-W", "-f=${Conffiles}", "highway"]));
    assert!(conffiles.contains("/etc/default/highway"), "{conffiles}");

    let who = run(&mut machine.command(&["dpkg-query", "-W", "-f=${Maintainer}\n${Homepage}\n", "highway"]));
    let repository = format!("\nrepository = \"{}\"\n", who.lines().nth(1).unwrap());
    let workspace = fs::read_to_string(lab::install::workspace().join("Cargo.toml")).unwrap();
    assert!(workspace.contains(&repository), "another home than Cargo.toml says: {who}");
    assert!(!who.contains("localhost"), "mail to this machine reaches nobody: {who}");

    // A file and a key of somebody's stay while the package is only taken away, also over an upgrade.
    run(&mut machine.command(&["highway", "key", "new", "--out", "/etc/highway/egress.key"]));
    let key = root.join("etc/highway/egress.key");
    assert_eq!(fs::metadata(&key).unwrap().uid(), id, "root made it for the service");
    fs::write(root.join("etc/default/highway"), "HTTPS_PROXY=http://mine:3128\n").unwrap();
    run(&mut machine.command(&["dpkg", "--force-confold", "-i", "/package.deb"]));
    run(&mut machine.command(&["dpkg", "--remove", "highway"]));
    assert!(key.exists() && root.join("etc/default/highway").exists());
    assert!(!root.join("usr/bin/egress-gw").exists());
    run(&mut machine.command(&["dpkg", "--purge", "highway"]));
    let after = machine.files();
    let left: BTreeSet<_> = after.difference(&before).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    let gone: BTreeSet<_> = before.difference(&after).collect();
    assert!(gone.is_empty(), "taken along: {gone:?}");
    assert!(!machine.command(&["getent", "passwd", "highway"]).output().unwrap().status.success());
    assert!(!machine.command(&["getent", "group", "highway"]).output().unwrap().status.success());
}
