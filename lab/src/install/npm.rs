//! Packages of JavaScript from npm, by a lock file of ours: what comes is what its digests say. npm's own settings (registry, caches) apply.
//!
//! No script of a package is run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{digest, fill, packages};

/// What npm reads and nothing else: a program beside it may change without a new fetch.
const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// The folder of packages that the folder of `tests/js` with this name wants, fetched if they are missing.
pub(super) fn install(lab: &Path, name: &str) -> Result<PathBuf> {
    let sources = super::workspace().join("tests/js").join(name);
    let read =
        |file: &str| fs::read(sources.join(file)).with_context(|| format!("cannot read {file} of tests/js/{name}"));
    let contents = FILES.map(read).into_iter().collect::<Result<Vec<_>>>()?;
    let parts: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
    let place = lab.join(format!("js-{name}-{}", digest(&parts)));
    if !place.exists() {
        eprintln!("lab: fetching the packages of tests/js/{name} (npm)");
        fill(&place, |place| {
            for (file, content) in FILES.iter().zip(&contents) {
                fs::write(place.join(file), content)?;
            }
            // Registries stumble now and then.
            fetch(place).or_else(|_| fetch(place))
        })?;
    }
    Ok(place.join("node_modules"))
}

fn fetch(place: &Path) -> Result<()> {
    let npm = packages::find("npm").context("npm is not on the path")?;
    let output = Command::new(npm)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"])
        .current_dir(place)
        .output()
        .context("cannot run npm")?;
    if !output.status.success() {
        bail!("npm ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
