//! A fresh Debian with nothing on it but what every Debian has, and what dpkg does there.
//!
//! Made once a machine, kept as an archive; each test takes its own out of it. Nothing of it runs but what a test starts by `chroot`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use lab::install::{self, Need, lab_dir};
use lab::program;

use crate::run;

/// Where programs are looked for in it.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
/// What comes and goes with any package that brings a user.
const OF_OTHERS: [&str; 9] = [
    "/var/lib/dpkg",
    "/var/log/dpkg.log",
    "/var/cache",
    "/package.deb",
    "/etc/passwd-",
    "/etc/group-",
    "/etc/shadow-",
    "/etc/gshadow-",
    "/run/adduser",
];
/// Where others than root cannot write /dev/null, which apt's helpers do, an empty file lies over it.
const MAKE: &str = "test \"$(stat -c %a /dev/null)\" = 666 || { touch \"$0\"; chmod 666 \"$0\"; mount --bind \"$0\" /dev/null; }; exec \"$@\"";
/// Devices are the machine's own, as long as the command runs.
const WITH_DEVICES: &str = "mount --rbind /dev \"$0/dev\" && exec chroot \"$0\" \"$@\"";

pub struct Machine {
    root: PathBuf,
}

impl Machine {
    /// A fresh one in this folder, or why there can be none.
    pub fn fresh(folder: &Path) -> Result<Self> {
        let archive = archive()?;
        let root = folder.join("machine");
        fs::create_dir_all(&root)?;
        run(Command::new("tar").arg("-xpf").arg(archive).arg("-C").arg(&root).args(["--exclude=./dev/*"]));
        Ok(Machine { root })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A command in it, as root.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-ec", WITH_DEVICES]).arg(&self.root).args(words).env_clear();
        command
            .env("PATH", PATH)
            .env("HOME", "/root")
            .env("LC_ALL", "C.UTF-8")
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    /// All that is in it, but for what dpkg and the tools for users keep of their own.
    pub fn files(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![self.root.clone()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).unwrap().flatten() {
                let path = entry.path();
                let name = format!("/{}", path.strip_prefix(&self.root).unwrap().display());
                if OF_OTHERS.contains(&name.as_str()) {
                    continue;
                }
                if entry.file_type().unwrap().is_dir() {
                    open.push(path);
                }
                found.insert(name);
            }
        }
        found
    }

    /// Installs the package.
    pub fn install(&self, package: &Path) {
        fs::copy(package, self.root.join("package.deb")).unwrap();
        run(&mut self.command(&["dpkg", "-i", "/package.deb"]));
    }
}

fn archive() -> Result<PathBuf> {
    ensure!(rustix::process::geteuid().is_root(), "only root makes a fresh Debian");
    let about = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let release = about.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let Some(release) = release.filter(|_| about.contains("\nID=debian\n")) else {
        bail!("the programs want this machine's libraries, and this machine is no Debian");
    };
    let lab = lab_dir();
    fs::create_dir_all(&lab)?;
    let lock = fs::File::create(lab.join("lock-debian"))?;
    lock.lock().context("cannot lock the fresh Debian")?;
    let archive = lab.join(format!("debian-{release}.tar"));
    if !archive.exists() {
        install::also(Need::Mmdebstrap)?;
        eprintln!("lab: making a fresh Debian {release} (mmdebstrap)");
        let unfinished = lab.join("debian-unfinished.tar");
        let mut make = Command::new("unshare");
        make.args(["--mount", "sh", "-ec", MAKE]).arg(lab.join("debian-null")).arg("mmdebstrap");
        make.args(["--quiet", "--variant=minbase", "--include=adduser,init-system-helpers,ca-certificates", release]);
        let made = make.arg(&unfinished).output()?;
        ensure!(made.status.success(), "mmdebstrap: {}", String::from_utf8_lossy(&made.stderr).trim());
        fs::rename(&unfinished, &archive)?;
    }
    Ok(archive)
}

/// `cargo xtask dist` with the programs of the tests' own build; the folder with what it made.
pub fn dist(folder: &Path) -> PathBuf {
    let out = folder.join("dist");
    let programs = program::folder().unwrap();
    let mut make = Command::new(programs.join("xtask"));
    run(make.arg("dist").arg("--programs").arg(&programs).arg("--out").arg(&out));
    out
}

/// The package that is in it.
pub fn package(dist: &Path) -> PathBuf {
    let all = fs::read_dir(dist).unwrap().flatten().map(|entry| entry.path());
    let found: Vec<_> = all.filter(|path| path.extension().is_some_and(|end| end == "deb")).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}
