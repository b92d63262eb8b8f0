//! What is handed on: a Debian package, an archive of the programs, the list of what they are made of, and the checksums of all.
//!
//! ```text
//!   target/dist/highway_VERSION_ARCH.deb           deploy/debian, deploy/systemd and the programs, by dpkg-deb
//!               highway-VERSION-ARCH.tar.gz        the same without what is Debian's
//!               highway-VERSION.cdx.json           see `sbom`
//!               SHA256SUMS
//! ```
//!
//! dpkg-deb and not a tool on top of it: it is on every Debian, and what goes where is one list here. The programs want the glibc of the
//! machine that built them, or a newer one, and the package says so.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{apt, sbom};
use crate::step::{self, cargo, command, is_there, run};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");
const PROGRAMS: [&str; 4] = ["central-hub", "egress-gw", "ingress-gw", "highway"];
/// Scripts of the package, which the system runs; all else in deploy/debian is read.
const SCRIPTS: [&str; 4] = ["postinst", "prerm", "postrm", "preinst"];

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    /// A folder with programs that are built already, as for tests; else they are built in release mode.
    programs: Option<PathBuf>,
    out: Option<PathBuf>,
}

impl Arguments {
    fn read(arguments: &[String]) -> Result<Self> {
        let mut read = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let place = match argument.as_str() {
                "--programs" => &mut read.programs,
                "--out" => &mut read.out,
                other => bail!("found {other:?}, wanted --programs FOLDER or --out FOLDER"),
            };
            *place = Some(arguments.next().with_context(|| format!("{argument} wants a folder"))?.into());
        }
        Ok(read)
    }
}

/// Makes all of it.
pub fn run_with(arguments: &[String]) -> Result<()> {
    let arguments = Arguments::read(arguments)?;
    for (program, package) in [("dpkg-deb", "dpkg"), ("strip", "binutils"), ("tar", "tar")] {
        if !is_there(program) {
            apt::install(&[package], &format!("`dist` wants {program}"))?;
        }
    }
    let programs = match arguments.programs {
        Some(folder) => folder,
        None => {
            let ours = [
                "-p",
                "highway-central-hub",
                "-p",
                "highway-egress-gw",
                "-p",
                "highway-ingress-gw",
                "-p",
                "highway-cli",
            ];
            run(cargo(&[&["build", "--release", "--locked"], &ours[..]].concat()))?;
            step::target().join("release")
        }
    };
    let out = arguments.out.unwrap_or_else(|| step::target().join("dist"));
    fs::create_dir_all(&out)?;
    let architecture = step::output(command("dpkg", &["--print-architecture"]))?.trim().to_owned();
    let bill = out.join(format!("highway-{VERSION}.cdx.json"));
    sbom::write(&bill)?;

    let root = out.join("root");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    lay_out(&root, &programs, &bill)?;
    let archive = out.join(format!("highway-{VERSION}-{architecture}.tar.gz"));
    let whole = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "-C"];
    let mut tar = command("tar", &whole);
    tar.arg(&root).arg("-czf").arg(&archive).arg(".");
    run(tar)?;
    let package = out.join(format!("highway_{VERSION}_{architecture}.deb"));
    debianize(&root, &architecture)?;
    let mut build = command("dpkg-deb", &["--root-owner-group", "-Zgzip", "--build"]);
    build.arg(&root).arg(&package);
    run(build)?;
    fs::remove_dir_all(&root)?;
    sums(&out, &[package, archive, bill])
}

/// The files as they lie on a machine.
fn lay_out(root: &Path, programs: &Path, bill: &Path) -> Result<()> {
    for program in PROGRAMS {
        let to = root.join("usr/bin").join(program);
        copy(&programs.join(program), &to, 0o755)?;
        let mut strip = command("strip", &["--strip-unneeded"]);
        strip.arg(&to);
        step::output(strip)?;
    }
    let docs = root.join("usr/share/doc/highway");
    copy(&step::root().join("LICENSE"), &docs.join("copyright"), 0o644)?;
    copy(bill, &docs.join("sbom.cdx.json"), 0o644)?;
    for (example, name) in [
        ("central-hub/central-hub.toml", "central-hub.toml"),
        ("central-hub/policy.toml", "policy.toml"),
        ("egress-gw/egress-gw.toml", "egress-gw.toml"),
        ("ingress-gw/ingress-gw.toml", "ingress-gw.toml"),
    ] {
        copy(&step::root().join(example), &docs.join("examples").join(name), 0o644)?;
    }
    for unit in files(&step::root().join("deploy/systemd"))? {
        copy(&unit, &root.join("lib/systemd/system").join(name_of(&unit)?), 0o644)?;
    }
    copy(&step::root().join("deploy/debian/default"), &root.join("etc/default/highway"), 0o644)
}

/// What dpkg wants beside them.
fn debianize(root: &Path, architecture: &str) -> Result<()> {
    let from = step::root().join("deploy/debian");
    let control = fs::read_to_string(from.join("control"))?;
    let size = installed_kib(root)?;
    let libc = step::output(command("dpkg-query", &["-W", "-f=${Version}", "libc6"]))?;
    // Of 2.36-9+deb12u14 what counts is 2.36.
    let libc = libc.split('-').next().unwrap_or(&libc);
    let control = control
        .replace("@VERSION@", VERSION)
        .replace("@REPOSITORY@", REPOSITORY)
        .replace("@ARCHITECTURE@", architecture)
        .replace("@SIZE@", &size.to_string())
        .replace("@LIBC@", libc);
    fs::create_dir_all(root.join("DEBIAN"))?;
    fs::write(root.join("DEBIAN/control"), control)?;
    for script in SCRIPTS {
        let script = from.join(script);
        if script.exists() {
            copy(&script, &root.join("DEBIAN").join(name_of(&script)?), 0o755)?;
        }
    }
    copy(&from.join("conffiles"), &root.join("DEBIAN/conffiles"), 0o644)
}

fn installed_kib(root: &Path) -> Result<u64> {
    let said = step::output({
        let mut du = command("du", &["-sk"]);
        du.arg(root);
        du
    })?;
    said.split_whitespace().next().and_then(|size| size.parse().ok()).context("du says no size")
}

fn sums(out: &Path, made: &[PathBuf]) -> Result<()> {
    let names = made.iter().map(|file| name_of(file)).collect::<Result<Vec<_>>>()?;
    let mut sum = command("sha256sum", &names);
    sum.current_dir(out);
    let text = step::output(sum)?;
    fs::write(out.join("SHA256SUMS"), &text)?;
    print!("{text}");
    Ok(())
}

fn copy(from: &Path, to: &Path, mode: u32) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(fs::set_permissions(to, fs::Permissions::from_mode(mode))?)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<_> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    Ok(files)
}

fn name_of(file: &Path) -> Result<&str> {
    file.file_name().and_then(|name| name.to_str()).with_context(|| format!("{} has no name", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_read_and_nothing_else_is() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let read = Arguments::read(&words("--programs target/debug --out x")).unwrap();
        assert_eq!((read.programs, read.out), (Some("target/debug".into()), Some("x".into())));
        assert_eq!(Arguments::read(&[]).unwrap(), Arguments::default());
        assert!(Arguments::read(&words("--fast")).unwrap_err().to_string().contains("\"--fast\""));
        assert!(Arguments::read(&words("--out")).is_err());
    }
}
