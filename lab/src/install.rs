//! What the lab needs on this machine, fetched when it is missing and only then: Debian packages, Maven artefacts, compiled Java, npm packages.
//!
//! Everything but the packages lies under `target/lab/`, or in the user's cache for a lab that is installed, in folders that are named by a digest of what is in them, so a second
//! run finds them at once and a changed list makes new ones. It never removes anything and never touches a system without `apt-get`.

mod embedded;
mod golang;
mod maven;
mod npm;
mod packages;
mod python;
mod sources;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use maven::Set;
use sources::Sources;

pub use maven::{Release, Server};
pub use packages::Need;

/// Where the things are that the lab runs.
#[derive(Debug, Clone)]
pub struct Toolbox {
    /// The `java` launcher.
    pub java: PathBuf,
    /// Jars of the ZooKeeper server that runs where nothing else is said.
    pub zookeeper: PathBuf,
}

impl Toolbox {
    /// The dubbo-go peer, which is built if it is missing. Takes minutes the first time.
    ///
    /// # Errors
    /// There is no Go toolchain that can build it ([`no_go`] tells before), or the build fails.
    pub fn go_peer(&self) -> Result<PathBuf> {
        let lab = lab_dir();
        // It takes long, and whoever needs jars need not wait for it.
        let _guard = lock(&lab, "lock-go")?;
        golang::build(&lab)
    }

    /// The folder with the jars of this ZooKeeper server, which are fetched if they are missing.
    ///
    /// # Errors
    /// As [`install`].
    pub fn zookeeper_jars(&self, server: Server) -> Result<PathBuf> {
        let lab = lab_dir();
        let _guard = lock(&lab, "lock")?;
        let jars = Set::zookeeper(&lab, server);
        maven::install(&lab, std::slice::from_ref(&jars))?;
        Ok(jars.place().to_owned())
    }

    /// The class path of the examples on this release of Dubbo, as beans of Spring; what is missing is fetched and compiled.
    ///
    /// # Errors
    /// As [`install`].
    pub fn examples_class_path(&self, release: Release) -> Result<String> {
        let peer = self.peer_class_path(release)?;
        let lab = lab_dir();
        let _guard = lock(&lab, "lock")?;
        let Some(spring) = Set::spring(&lab, release) else { return on_top(Sources::Examples, release, &peer) };
        maven::install(&lab, std::slice::from_ref(&spring))?;
        on_top(Sources::Examples, release, &format!("{peer}:{}/*", spring.place().display()))
    }

    /// The class path of the peer on this release of Dubbo, which is fetched and compiled if it is missing.
    ///
    /// # Errors
    /// As [`install`].
    pub fn peer_class_path(&self, release: Release) -> Result<String> {
        class_path(Sources::Peer, release)
    }
}

/// The launcher and the class path of Caucho's own Hessian, of which hessian-lite is a copy that went its own way; it brings tests for
/// other implementations.
///
/// # Errors
/// As [`install`].
pub fn caucho() -> Result<(PathBuf, String)> {
    on_jars(Set::caucho)
}

/// What runs JavaScript, and the folder of packages with hessian.js in it, which Node services call Dubbo with.
///
/// # Errors
/// As [`install`], with npm in Maven's place.
pub fn hessian_js() -> Result<(PathBuf, PathBuf)> {
    packages::install(&[Need::Node, Need::Npm])?;
    let lab = lab_dir();
    fs::create_dir_all(&lab)?;
    let _guard = lock(&lab, "lock-npm")?;
    let node = packages::find("node").context("node is not on the path")?;
    Ok((node, npm::install(&lab, "hessian")?))
}

/// The folder of programs of the boxes that come from PyPI.
///
/// # Errors
/// As [`install`], with pip in Maven's place.
pub fn box_programs() -> Result<PathBuf> {
    packages::install(&[Need::Python])?;
    let lab = lab_dir();
    fs::create_dir_all(&lab)?;
    let _guard = lock(&lab, "lock-python")?;
    Ok(python::install(&lab, "boxes", embedded::BOXES)?.join("bin"))
}

/// The folder of programs that hold files to the schemas of others; `python` is among them.
///
/// # Errors
/// As [`box_programs`].
pub fn schema_programs() -> Result<PathBuf> {
    packages::install(&[Need::Python])?;
    let lab = lab_dir();
    fs::create_dir_all(&lab)?;
    let _guard = lock(&lab, "lock-schemas")?;
    Ok(python::install(&lab, "schemas", embedded::SCHEMAS)?.join("bin"))
}

/// Why no dubbo-go peer can be built on this machine, if that is so: whoever leaves Go out says this.
#[must_use]
pub fn no_go() -> Option<String> {
    golang::missing()
}

/// The launcher and the class path of the decoder on this release of Dubbo; what is missing is fetched and compiled.
///
/// # Errors
/// As [`install`].
pub fn decoder(release: Release) -> Result<(PathBuf, String)> {
    packages::install(&[Need::Java, Need::Maven])?;
    fs::create_dir_all(lab_dir())?;
    let java = packages::find("java").context("java is not on the path")?;
    Ok((java, class_path(Sources::Decoder, release)?))
}

/// The launcher and the class path of this release of Dubbo alone.
///
/// # Errors
/// As [`install`].
pub fn dubbo(release: Release) -> Result<(PathBuf, String)> {
    on_jars(|lab| Set::dubbo(lab, release))
}

/// The launcher and the class path of these jars.
fn on_jars(of: impl FnOnce(&Path) -> Set) -> Result<(PathBuf, String)> {
    packages::install(&[Need::Java, Need::Maven])?;
    let lab = lab_dir();
    fs::create_dir_all(&lab)?;
    let _guard = lock(&lab, "lock")?;
    let jars = of(&lab);
    maven::install(&lab, std::slice::from_ref(&jars))?;
    let java = packages::find("java").context("java is not on the path")?;
    Ok((java, format!("{}/*", jars.place().display())))
}

fn class_path(sources: Sources, release: Release) -> Result<String> {
    let lab = lab_dir();
    let _guard = lock(&lab, "lock")?;
    let jars = Set::dubbo(&lab, release);
    maven::install(&lab, std::slice::from_ref(&jars))?;
    on_top(sources, release, &format!("{}/*", jars.place().display()))
}

/// The class path with these sources, compiled, in front of it.
fn on_top(sources: Sources, release: Release, class_path: &str) -> Result<String> {
    let classes = sources::compile(&lab_dir(), sources, release, class_path)?;
    Ok(format!("{}:{class_path}", classes.display()))
}

/// Installs what is missing for islands with these releases and these servers in them and says where it is. What is not named here
/// is fetched when it is first used. Prints a line on stderr for each thing that takes time.
///
/// # Errors
/// A package that cannot be installed (without root: the line to run), Maven or the compiler failing.
pub fn install(releases: &[Release], servers: &[Server]) -> Result<Toolbox> {
    packages::install(&[Need::Java, Need::Maven, Need::Ip, Need::Nft])?;
    let lab = lab_dir();
    fs::create_dir_all(&lab).with_context(|| format!("cannot make {}", lab.display()))?;
    let server = Set::zookeeper(&lab, Server::USUAL);
    let tools = Toolbox {
        java: packages::find("java").context("java is not on the path")?,
        zookeeper: server.place().to_owned(),
    };
    {
        let _guard = lock(&lab, "lock")?;
        let mut sets = vec![server];
        sets.extend(releases.iter().map(|&release| Set::dubbo(&lab, release)));
        let others = servers.iter().filter(|&&server| server != Server::USUAL);
        sets.extend(others.map(|&server| Set::zookeeper(&lab, server)));
        maven::install(&lab, &sets)?;
    }
    for &release in releases {
        tools.peer_class_path(release)?;
    }
    Ok(tools)
}

/// Several test binaries may arrive here at once; the first one installs.
fn lock(lab: &Path, name: &str) -> Result<File> {
    let file = File::create(lab.join(name))?;
    file.lock().with_context(|| format!("cannot lock target/lab/{name}"))?;
    Ok(file)
}

/// Installs one more thing that only some chores need.
///
/// # Errors
/// As [`install`].
pub fn also(need: Need) -> Result<PathBuf> {
    packages::install(&[need])?;
    packages::find(need.command()).with_context(|| format!("{} is still not there", need.command()))
}

/// `target/lab` of the workspace, where this program was built in it; else `highway-lab` in the user's cache. A folder of that name which
/// somebody else has made would not do: what lies there is run.
#[must_use]
pub fn lab_dir() -> PathBuf {
    let is_built_here = std::env::current_exe().is_ok_and(|own| own.starts_with(workspace()));
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    match cache() {
        Some(cache) if !is_built_here => cache.join("highway-lab"),
        _ => workspace().join("target/lab"),
    }
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
