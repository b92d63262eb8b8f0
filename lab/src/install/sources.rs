//! Our Java programs, compiled for each release from one tree: `lab/java/peer` is the same for all of them, the folder beside
//! it holds what names Dubbo's classes; so it is with the decoder in `tests/java/differential`, and with the runner of what lies
//! in `examples/` for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::embedded::PEER;
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

    /// What is the same for all releases, and what is for this one: paths and texts. The peer's are carried by this program, the others
    /// lie in the workspace.
    fn texts(self, release: Release) -> Result<Vec<(String, String)>> {
        let line = release.sources();
        let folders = match self {
            Sources::Peer => {
                let is_of = |path: &str| ["peer", line].contains(&path.split('/').next().unwrap_or_default());
                let mine = PEER.iter().filter(|(path, _)| is_of(path));
                return Ok(mine.map(|&(path, text)| (path.to_owned(), text.to_owned())).collect());
            }
            Sources::Decoder => {
                let ours = format!("tests/java/{}", release.decoder_sources());
                vec!["tests/java/differential/decoder".to_owned(), ours]
            }
            Sources::Examples => vec![
                release.examples().to_owned(),
                "tests/java/examples/runner".to_owned(),
                format!("tests/java/examples/{line}"),
            ],
        };
        let mut texts = Vec::new();
        for folder in folders {
            collect(&workspace().join(folder), &mut texts)?;
        }
        texts.sort();
        Ok(texts)
    }
}

/// The folder with the classes for this release, compiled against this class path.
pub(super) fn compile(lab: &Path, sources: Sources, release: Release, class_path: &str) -> Result<PathBuf> {
    let texts = sources.texts(release)?;
    let mut parts: Vec<&[u8]> = vec![class_path.as_bytes()];
    parts.extend(texts.iter().map(|(_, text)| text.as_bytes()));
    let place = lab.join(format!("{}-{}-{}", sources.name(), release.version(), digest(&parts)));
    if !place.exists() {
        eprintln!("lab: compiling the Java {} for Dubbo {}", sources.name(), release.version());
        fill(&place, |place| javac(place, class_path, &texts, sources.flags()))?;
    }
    Ok(place)
}

fn collect(folder: &Path, into: &mut Vec<(String, String)>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "java") {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            into.push((path.strip_prefix(workspace()).unwrap_or(&path).display().to_string(), text));
        }
    }
    Ok(())
}

fn javac(place: &Path, class_path: &str, texts: &[(String, String)], flags: &[&str]) -> Result<()> {
    let sources = tempfile::tempdir()?;
    let mut files = Vec::new();
    for (path, text) in texts {
        let file = sources.path().join(path);
        fs::create_dir_all(file.parent().unwrap_or(sources.path()))?;
        fs::write(&file, text)?;
        files.push(file);
    }
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
