//! Our Java programs, compiled for each release from one tree: `tests/java/peer` is the same for all of them, the folder beside
//! it holds what names Dubbo's classes; so it is with the decoder in `tests/java/differential`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::maven::Release;
use super::{digest, fill};

/// A Java program of ours.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sources {
    /// The application that offers and calls services.
    Peer,
    /// The decoder that the wire crate is compared with.
    Decoder,
}

impl Sources {
    fn name(self) -> &'static str {
        match self {
            Sources::Peer => "peer",
            Sources::Decoder => "decoder",
        }
    }

    /// What is the same for all releases, and what is for this one.
    fn folders(self, release: Release) -> [&'static str; 2] {
        match self {
            Sources::Peer => ["peer", release.sources()],
            Sources::Decoder => ["differential/decoder", release.decoder_sources()],
        }
    }
}

/// The folder with the classes for this release.
pub(super) fn compile(lab: &Path, sources: Sources, release: Release, jars: &Path) -> Result<PathBuf> {
    let mut files = Vec::new();
    let java = Path::new(env!("CARGO_MANIFEST_DIR")).join("java");
    for folder in sources.folders(release) {
        collect(&java.join(folder), &mut files)?;
    }
    files.sort();
    let mut parts: Vec<Vec<u8>> = vec![jars.as_os_str().as_encoded_bytes().to_vec()];
    for file in &files {
        parts.push(fs::read(file).with_context(|| format!("cannot read {}", file.display()))?);
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let place = lab.join(format!("{}-{}-{}", sources.name(), release.version(), digest(&parts)));
    if !place.exists() {
        eprintln!("lab: compiling the Java {} for Dubbo {}", sources.name(), release.version());
        fill(&place, |place| javac(place, jars, &files))?;
    }
    Ok(place)
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "java") {
            into.push(path);
        }
    }
    Ok(())
}

fn javac(place: &Path, jars: &Path, files: &[PathBuf]) -> Result<()> {
    let compiler = super::packages::find("javac").context("javac is not on the path")?;
    let output = Command::new(compiler)
        .args(["-encoding", "UTF-8", "-nowarn", "-proc:none", "-XDignore.symbol.file", "-cp"])
        .arg(format!("{}/*", jars.display()))
        .arg("-d")
        .arg(place)
        .args(files)
        .output()
        .context("cannot run javac")?;
    if !output.status.success() {
        bail!("javac ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
