//! `highway check FILE`: asks the program that the configuration is for, so that there is one judge of it.
//!
//! The program is looked for beside this one, then on the path; its words and its exit code are passed through. Reads no
//! configuration itself.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::wrong::wrong;

/// The programs that have a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Consumers come in here.
    EgressGw,
    /// Calls go out to providers here.
    IngressGw,
    /// Between the islands.
    CentralHub,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CentralHub, Self::EgressGw, Self::IngressGw];

    /// The name of the binary, and of the configuration file without `.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::EgressGw => "egress-gw",
            Self::IngressGw => "ingress-gw",
            Self::CentralHub => "central-hub",
        }
    }

    /// Where its admin listener stands unless its configuration says otherwise.
    pub fn default_admin(self) -> &'static str {
        match self {
            Self::CentralHub => "http://127.0.0.1:20900",
            Self::EgressGw => "http://127.0.0.1:20901",
            Self::IngressGw => "http://127.0.0.1:20902",
        }
    }

    /// Which program a file is for, by a name such as `egress-gw.toml` or `shanghai-egress-gw.toml`.
    fn of(file: &Path) -> Option<Self> {
        let name = file.file_name()?.to_str()?;
        let mut fits = Self::ALL.into_iter().filter(|kind| name.contains(kind.name()));
        fits.next().filter(|_| fits.next().is_none())
    }
}

/// Which program a file is for: as somebody says, or as its name does.
///
/// # Errors
/// Neither says it.
pub fn kind_of(file: &Path, kind: Option<Kind>) -> Result<Kind> {
    kind.or_else(|| Kind::of(file)).ok_or_else(|| {
        let names = Kind::ALL.map(Kind::name).join(", ");
        let file = file.display();
        wrong(format!("the name of {file} does not say which program it is for, wanted --kind with one of {names}"))
    })
}

/// Runs the program's own check.
pub fn run(file: &Path, kind: Option<Kind>) -> Result<ExitCode> {
    let (mut command, program) = command(file, kind_of(file, kind)?)?;
    let status = command.status().with_context(|| format!("cannot run {}", program.display()))?;
    match status.code() {
        Some(code) => Ok(ExitCode::from(u8::try_from(code).unwrap_or(1))),
        None => bail!("{} ended with {status}", program.display()),
    }
}

/// The same, with what it says in place of its voice.
pub fn said(file: &Path, kind: Kind) -> Result<(Option<i32>, String)> {
    let (mut command, program) = command(file, kind)?;
    let ended = command.output().with_context(|| format!("cannot run {}", program.display()))?;
    let words = if ended.status.success() { ended.stdout } else { ended.stderr };
    Ok((ended.status.code(), String::from_utf8_lossy(&words).trim().to_owned()))
}

/// `--config` and not a bare path: a file may be named like an argument.
fn command(file: &Path, kind: Kind) -> Result<(Command, PathBuf)> {
    let own = std::env::current_exe().context("cannot tell where this program is")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(program) = find(kind.name(), &own, &path) else {
        bail!("found no {} beside {} or on the path", kind.name(), own.display());
    };
    let mut command = Command::new(&program);
    command.arg("--check").arg("--config").arg(file);
    Ok((command, program))
}

fn find(name: &str, own: &Path, path: &OsStr) -> Option<PathBuf> {
    let beside = own.parent().map(Path::to_owned);
    beside.into_iter().chain(std::env::split_paths(path)).map(|folder| folder.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_which_program_it_is_for() {
        assert_eq!(Kind::of(Path::new("/etc/highway/egress-gw.toml")), Some(Kind::EgressGw));
        assert_eq!(Kind::of(Path::new("shanghai-ingress-gw.prod.toml")), Some(Kind::IngressGw));
        for unclear in ["config.toml", "egress-gw-and-central-hub.toml", ""] {
            assert_eq!(Kind::of(Path::new(unclear)), None, "{unclear:?}");
        }
    }

    #[test]
    fn a_program_beside_this_one_comes_before_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let [here, there] = ["here", "there"].map(|name| folder.path().join(name));
        for place in [&here, &there] {
            std::fs::create_dir(place).unwrap();
            std::fs::write(place.join("egress-gw"), "").unwrap();
        }
        let own = here.join("highway");
        assert_eq!(find("egress-gw", &own, there.as_os_str()), Some(here.join("egress-gw")));
        std::fs::remove_file(here.join("egress-gw")).unwrap();
        assert_eq!(find("egress-gw", &own, there.as_os_str()), Some(there.join("egress-gw")));
        assert_eq!(find("central-hub", &own, there.as_os_str()), None);
    }
}
