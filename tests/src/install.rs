//! What the lab needs on this machine, fetched when it is missing and only then: Debian packages, Maven artefacts, compiled Java.
//!
//! Everything but the packages lies under `target/lab/`, in folders that are named by a digest of what is in them, so a second
//! run finds them at once and a changed list makes new ones. It never removes anything and never touches a system without `apt-get`.

mod maven;
mod packages;
mod sources;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub use maven::Release;
pub use packages::Need;

/// Where the things are that the lab runs.
#[derive(Debug, Clone)]
pub struct Toolbox {
    /// The `java` launcher.
    pub java: PathBuf,
    /// Jars of a ZooKeeper server.
    pub zookeeper: PathBuf,
    dubbo: Vec<(Release, String)>,
}

impl Toolbox {
    /// The class path of the peer on this release of Dubbo.
    #[must_use]
    pub fn peer_class_path(&self, release: Release) -> &str {
        let found = self.dubbo.iter().find(|(each, _)| *each == release);
        &found.expect("every release of the enum is installed").1
    }
}

/// Installs what is missing and says where it is. Prints a line on stderr for each thing that takes time.
///
/// # Errors
/// A package that cannot be installed (without root: the line to run), Maven or the compiler failing.
pub fn install() -> Result<Toolbox> {
    packages::install(&[Need::Java, Need::Maven, Need::Ip, Need::Nft])?;
    let lab = lab_dir();
    fs::create_dir_all(&lab).with_context(|| format!("cannot make {}", lab.display()))?;
    // Several test binaries may arrive here at once; the first one installs.
    let guard = File::create(lab.join("lock"))?;
    guard.lock().context("cannot lock target/lab/lock")?;
    let sets = maven::install(&lab)?;
    let mut dubbo = Vec::new();
    for release in Release::ALL {
        let jars = sets.jars(release);
        let classes = sources::compile(&lab, release, jars)?;
        dubbo.push((release, format!("{}:{}/*", classes.display(), jars.display())));
    }
    Ok(Toolbox { java: packages::find("java").context("java is not on the path")?, zookeeper: sets.zookeeper, dubbo })
}

/// Installs one more thing that only some chores need.
///
/// # Errors
/// As [`install`].
pub fn also(need: Need) -> Result<PathBuf> {
    packages::install(&[need])?;
    packages::find(need.command()).with_context(|| format!("{} is still not there", need.command()))
}

/// `target/lab` of the workspace.
#[must_use]
pub fn lab_dir() -> PathBuf {
    workspace().join("target/lab")
}

/// The folder of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace").to_owned()
}

/// A name for content: FNV-1a, 64 bits, in hex. It tells versions of our own files apart and guards against nobody.
fn digest(parts: &[&[u8]]) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.iter().chain(&[0]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

/// Fills a folder beside its place and moves it there when it is whole, so that an interrupted run leaves nothing half done.
fn fill(place: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let unfinished = place.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    fs::create_dir_all(&unfinished)?;
    make(&unfinished)?;
    fs::rename(&unfinished, place).with_context(|| format!("cannot put {} in its place", place.display()))
}
