//! Jars from Maven Central: for each release of Dubbo what an application needs that has its registry in ZooKeeper, and a ZooKeeper server.
//!
//! One Maven run fetches all sets that are missing. Maven's own settings (mirrors, proxies) apply.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{digest, fill};

/// A released Dubbo that the peers run on: the last of each line that is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Release {
    /// 2.6.12, when Dubbo was `com.alibaba`.
    V2_6_12,
    /// 2.7.23.
    V2_7_23,
    /// 3.1.11.
    V3_1_11,
    /// 3.2.16, which prefers fastjson2.
    V3_2_16,
    /// 3.3.6.
    V3_3_6,
}

impl Release {
    /// All of them, oldest first.
    pub const ALL: [Release; 5] =
        [Release::V2_6_12, Release::V2_7_23, Release::V3_1_11, Release::V3_2_16, Release::V3_3_6];
    /// The two that most tests do with: the last one before instance-level registration, and the newest.
    pub const OLD_AND_NEW: [Release; 2] = [Release::V2_7_23, Release::V3_3_6];

    /// As Dubbo writes it.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Release::V2_6_12 => "2.6.12",
            Release::V2_7_23 => "2.7.23",
            Release::V3_1_11 => "3.1.11",
            Release::V3_2_16 => "3.2.16",
            Release::V3_3_6 => "3.3.6",
        }
    }

    /// The release of this version.
    #[must_use]
    pub fn of(version: &str) -> Option<Release> {
        Release::ALL.into_iter().find(|release| release.version() == version)
    }

    /// Where its Dubbo-facing sources lie beside the shared ones, under `lab/java`.
    pub(super) fn sources(self) -> &'static str {
        match self {
            Release::V2_6_12 => "dubbo26",
            Release::V2_7_23 | Release::V3_1_11 | Release::V3_2_16 | Release::V3_3_6 => "dubbo",
        }
    }

    /// Where the classes for it lie under `examples`.
    pub(super) fn examples(self) -> &'static str {
        match self {
            Release::V2_6_12 => "examples/dubbo-2.6",
            Release::V2_7_23 | Release::V3_1_11 | Release::V3_2_16 | Release::V3_3_6 => {
                "examples/spring-boot/src/main/java/examples"
            }
        }
    }

    /// As `sources`, for the decoder.
    pub(super) fn decoder_sources(self) -> &'static str {
        match self {
            Release::V2_6_12 => "differential/dubbo26",
            Release::V2_7_23 => "differential/dubbo2",
            Release::V3_1_11 | Release::V3_2_16 | Release::V3_3_6 => "differential/dubbo3",
        }
    }

    /// Dubbo 2.x brings no ZooKeeper client, and the one of its time does not connect on Java 17.
    fn artefacts(self) -> Vec<String> {
        let version = self.version();
        let (dubbo, beside): (_, &[&str]) = match self {
            Release::V2_6_12 => (
                format!("com.alibaba:dubbo:{version}"),
                &[
                    "io.netty:netty-all:4.1.94.Final",
                    "org.apache.curator:curator-recipes:4.3.0",
                    "org.apache.zookeeper:zookeeper:3.5.10",
                ],
            ),
            Release::V2_7_23 => (
                format!("org.apache.dubbo:dubbo:{version}"),
                &[
                    "org.apache.curator:curator-recipes:4.3.0",
                    "org.apache.curator:curator-x-discovery:4.3.0",
                    "org.apache.zookeeper:zookeeper:3.5.10",
                ],
            ),
            Release::V3_1_11 | Release::V3_2_16 | Release::V3_3_6 => (
                format!("org.apache.dubbo:dubbo:{version}"),
                &["org.apache.curator:curator-x-discovery:5.1.0", "org.apache.zookeeper:zookeeper:3.8.4"],
            ),
        };
        let own = ["com.google.code.gson:gson:2.10.1", "org.slf4j:slf4j-simple:1.7.36"];
        let beside = beside.iter().chain(&own).map(|&artefact| artefact.to_owned());
        std::iter::once(dubbo).chain(beside).collect()
    }
}

/// A released ZooKeeper server that the line is tried on, one of each line in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Server {
    /// 3.4.14: a gateway writes node by node and looks for changes every few seconds.
    V3_4_14,
    /// 3.5.10: it writes in transactions, and looks for changes as before.
    V3_5_10,
    /// 3.8.4, which most tests run on: changes are told by watches.
    V3_8_4,
    /// 3.9.5.
    V3_9_5,
}

impl Server {
    /// All of them, oldest first.
    pub const ALL: [Server; 4] = [Server::V3_4_14, Server::V3_5_10, Server::V3_8_4, Server::V3_9_5];
    /// What runs where nothing else is said.
    pub const USUAL: Server = Server::V3_8_4;

    /// As ZooKeeper writes it.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Server::V3_4_14 => "3.4.14",
            Server::V3_5_10 => "3.5.10",
            Server::V3_8_4 => "3.8.4",
            Server::V3_9_5 => "3.9.5",
        }
    }

    /// A server wants two jars beside it that its own description calls optional, its command line a third.
    fn artefacts(self) -> Vec<String> {
        let beside = [
            "commons-cli:commons-cli:1.5.0",
            "io.dropwizard.metrics:metrics-core:4.1.12.1",
            "org.xerial.snappy:snappy-java:1.1.10.5",
            "org.slf4j:slf4j-simple:1.7.36",
        ];
        let server = format!("org.apache.zookeeper:zookeeper:{}", self.version());
        std::iter::once(server).chain(beside.map(str::to_owned)).collect()
    }
}

/// A set of jars that belong together: what it is called and what is in it.
pub(super) struct Set {
    name: String,
    pom: String,
    place: PathBuf,
}

impl Set {
    /// What an application on this release needs.
    pub(super) fn dubbo(lab: &Path, release: Release) -> Self {
        Set::new(lab, &format!("dubbo-{}", release.version()), &release.artefacts())
    }

    /// The Spring that applications on this release have, where Dubbo brings none itself: the last one for Java 8.
    pub(super) fn spring(lab: &Path, release: Release) -> Option<Self> {
        match release {
            Release::V2_6_12 | Release::V2_7_23 | Release::V3_1_11 => None,
            Release::V3_2_16 | Release::V3_3_6 => {
                Some(Set::new(lab, "spring-5.3.39", &["org.springframework:spring-context:5.3.39".to_owned()]))
            }
        }
    }

    /// Caucho's Hessian; its tests are a servlet.
    pub(super) fn caucho(lab: &Path) -> Self {
        let artefacts = ["com.caucho:hessian:4.0.66", "javax.servlet:javax.servlet-api:3.1.0"];
        Set::new(lab, "hessian-4.0.66", &artefacts.map(str::to_owned))
    }

    /// A ZooKeeper server.
    pub(super) fn zookeeper(lab: &Path, server: Server) -> Self {
        Set::new(lab, &format!("zookeeper-{}", server.version()), &server.artefacts())
    }

    fn new(lab: &Path, name: &str, artefacts: &[String]) -> Self {
        let pom = pom(name, artefacts);
        let place = lab.join(format!("{name}-{}", digest(&[pom.as_bytes()])));
        Set { name: name.to_owned(), pom, place }
    }

    /// The folder full of jars, once [`install`] has been through it.
    pub(super) fn place(&self) -> &Path {
        &self.place
    }
}

/// Fetches what is missing of these, in one go.
pub(super) fn install(lab: &Path, wanted: &[Set]) -> Result<()> {
    let missing: Vec<&Set> = wanted.iter().filter(|set| !set.place.exists()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    fetch(lab, &missing)
}

fn fetch(lab: &Path, missing: &[&Set]) -> Result<()> {
    let names: Vec<&str> = missing.iter().map(|set| set.name.as_str()).collect();
    eprintln!("lab: fetching {} (Maven)", names.join(", "));
    let work = tempfile::Builder::new().prefix("maven-").tempdir_in(lab)?;
    fs::write(work.path().join("pom.xml"), parent(&names))?;
    for set in missing {
        fs::create_dir(work.path().join(&set.name))?;
        fs::write(work.path().join(&set.name).join("pom.xml"), &set.pom)?;
    }
    // Registries stumble now and then; what has arrived stays in Maven's own cache.
    if maven(work.path()).is_err() {
        eprintln!("lab: Maven failed, trying once more");
        maven(work.path())?;
    }
    for set in missing {
        let jars = work.path().join(&set.name).join("jars");
        fill(&set.place, |place| {
            for jar in fs::read_dir(&jars).with_context(|| format!("Maven brought nothing for {}", set.name))? {
                let jar = jar?;
                fs::rename(jar.path(), place.join(jar.file_name()))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn maven(work: &Path) -> Result<()> {
    let mvn = super::packages::find("mvn").context("mvn is not on the path")?;
    let output = Command::new(mvn)
        .args(["-B", "-q", "-U", "dependency:copy-dependencies", "-DoutputDirectory=${project.basedir}/jars"])
        .current_dir(work)
        .output()
        .context("cannot run mvn")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stdout);
        let words: Vec<&str> = words.lines().take(12).collect();
        bail!("mvn ended with {}: {}", output.status, words.join("\n"));
    }
    Ok(())
}

fn parent(modules: &[&str]) -> String {
    let modules: String = modules.iter().map(|name| format!("    <module>{name}</module>\n")).collect();
    format!("{HEAD}  <artifactId>all</artifactId>\n{TAIL}  <modules>\n{modules}  </modules>\n</project>\n")
}

/// Without ZooKeeper's netty, which would replace parts of Dubbo's own, and without its logger, which fills stdout.
fn pom(name: &str, artefacts: &[String]) -> String {
    let server = name.starts_with("zookeeper-");
    let mut dependencies = String::new();
    for artefact in artefacts {
        let mut parts = artefact.split(':');
        let mut part = || parts.next().expect("an artefact is group:name:version");
        let (group, artefact, version) = (part(), part(), part());
        let mut unwanted = vec![];
        if artefact == "zookeeper" {
            unwanted.push("ch.qos.logback");
            unwanted.push("org.slf4j");
            if !server {
                unwanted.push("io.netty");
            }
        }
        let exclusions: String = unwanted
            .iter()
            .map(|group| format!("<exclusion><groupId>{group}</groupId><artifactId>*</artifactId></exclusion>"))
            .collect();
        dependencies += &format!(
            "    <dependency><groupId>{group}</groupId><artifactId>{artefact}</artifactId><version>{version}</version>\
             <exclusions>{exclusions}</exclusions></dependency>\n"
        );
    }
    format!(
        "{HEAD}  <artifactId>{name}</artifactId>\n{TAIL}  <dependencies>\n{dependencies}  </dependencies>\n</project>\n"
    )
}

const HEAD: &str = "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n  <modelVersion>4.0.0</modelVersion>\n  <groupId>highway-lab</groupId>\n";
const TAIL: &str = "  <version>1</version>\n  <packaging>pom</packaging>\n";
