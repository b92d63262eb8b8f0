//! Our Java programs, compiled for each release from one tree: `lab/java/peer` is the same for all of them, the folder beside
//! it holds what names Dubbo's classes; so it is with the decoder in `tests/java/differential`, and with the runner of what lies
//! in `examples/` for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::maven::Release;
use super::{digest, fill, workspace};

/// A Java program of ours.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sources {
    /// The application that offers and calls services.
    Peer,
    /// The decoder that the wire crate is compared with.
    Decoder,
    /// The classes of `examples/` for Java with what runs them, on top of the peer.
    Examples,
}

impl Sources {
    fn name(self) -> &'static str {
        match self {
            Sources::Peer => "peer",
            Sources::Decoder => "decoder",
            Sources::Examples => "examples",
        }
    }

    /// The examples are for Java 8, as the releases are: whoever copies them may have no later one, and Spring 4 reads no later classes.
    fn flags(self) -> &'static [&'static str] {
        match self {
            Sources::Peer | Sources::Decoder => &["-XDignore.symbol.file"],
            Sources::Examples => &["--release", "8", "-Xlint:-options"],
        }
    }

    /// What is the same for all releases, and what is for this one, in the workspace.
    fn folders(self, release: Release) -> Vec<String> {
        let line = release.sources();
        match self {
            Sources::Peer => vec!["lab/java/peer".to_owned(), format!("lab/java/{line}")],
            Sources::Decoder => {
                let ours = format!("tests/java/{}", release.decoder_sources());
                vec!["tests/java/differential/decoder".to_owned(), ours]
            }
            Sources::Examples => vec![
                release.examples().to_owned(),
                "tests/java/examples/runner".to_owned(),
                format!("tests/java/examples/{line}"),
            ],
        }
    }
}

/// The folder with the classes for this release, compiled against this class path.
pub(super) fn compile(lab: &Path, sources: Sources, release: Release, class_path: &str) -> Result<PathBuf> {
    let mut files = Vec::new();
    for folder in sources.folders(release) {
        collect(&workspace().join(folder), &mut files)?;
    }
    files.sort();
    let mut parts: Vec<Vec<u8>> = vec![class_path.as_bytes().to_vec()];
    for file in &files {
        parts.push(fs::read(file).with_context(|| format!("cannot read {}", file.display()))?);
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let place = lab.join(format!("{}-{}-{}", sources.name(), release.version(), digest(&parts)));
    if !place.exists() {
        eprintln!("lab: compiling the Java {} for Dubbo {}", sources.name(), release.version());
        fill(&place, |place| javac(place, class_path, &files, sources.flags()))?;
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

fn javac(place: &Path, class_path: &str, files: &[PathBuf], flags: &[&str]) -> Result<()> {
    let compiler = super::packages::find("javac").context("javac is not on the path")?;
    let output = Command::new(compiler)
        .args(["-encoding", "UTF-8", "-nowarn", "-proc:none"])
        .args(flags)
        .arg("-cp")
        .arg(class_path)
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
