//! The dubbo-go peer, built from `lab/go/peer` where a Go toolchain is there. Go's own settings (module proxy, caches) apply.
//!
//! Never installs a toolchain: dubbo-go wants a newer one than Debian has, so whoever wants these peers brings it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{digest, fill, packages};

/// Go's own installer puts it where no path looks.
const USUAL: &str = "/usr/local/go/bin/go";

/// The peer's binary, built if it is missing.
///
/// # Errors
/// There is no toolchain that can build it, or what the build said.
pub(super) fn build(lab: &Path) -> Result<PathBuf> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("go/peer");
    let mut files: Vec<PathBuf> = fs::read_dir(&sources)
        .with_context(|| format!("cannot read {}", sources.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    let parts: Vec<Vec<u8>> = files.iter().map(fs::read).collect::<std::io::Result<_>>()?;
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let place = lab.join(format!("peer-go-{}", digest(&parts)));
    if !place.exists() {
        let go = toolchain(&sources)?;
        eprintln!("lab: building the dubbo-go peer (minutes, the first time)");
        fill(&place, |place| compile(&go, &sources, &place.join("peer")))?;
    }
    Ok(place.join("peer"))
}

/// Why the peer cannot be built here; nothing if it can, or is built already.
pub(super) fn missing() -> Option<String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("go/peer");
    toolchain(&sources).err().map(|error| format!("{error:#}"))
}

/// A `go` that takes the peer's go.mod as it is, without fetching another toolchain.
fn toolchain(sources: &Path) -> Result<PathBuf> {
    let go = packages::find("go").or_else(|| Some(PathBuf::from(USUAL)).filter(|go| go.is_file()));
    let go = go.context("no Go toolchain: `go` is not on the path")?;
    let asked = Command::new(&go).args(["list", "-m"]).env("GOTOOLCHAIN", "local").current_dir(sources).output();
    let asked = asked.with_context(|| format!("cannot run {}", go.display()))?;
    if !asked.status.success() {
        bail!("{} does not take lab/go/peer: {}", go.display(), String::from_utf8_lossy(&asked.stderr).trim());
    }
    Ok(go)
}

fn compile(go: &Path, sources: &Path, binary: &Path) -> Result<()> {
    let output = Command::new(go)
        .args(["build", "-buildvcs=false", "-ldflags=-s -w", "-o"])
        .arg(binary)
        .arg(".")
        .env("GOTOOLCHAIN", "local")
        .env("CGO_ENABLED", "0")
        .current_dir(sources)
        .output()
        .context("cannot run go build")?;
    if !output.status.success() {
        bail!("go build ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
