//! The settings of applications that change how they find each other or what they speak: every case for each, on the releases that
//! have the setting, against the others at their defaults.
//!
//! What is at its default is seen in the matrix itself: interface and instance level both (`register-mode=all`), consumers that
//! prefer instances (`APPLICATION_FIRST`), metadata asked of the provider (`local`), metadata and configuration in the registry.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;

use super::cases::Telling;
use super::differences::{
    BOTH_LEVELS, COMPLAINT_IN_FASTJSON2, Difference, ERRORS_IN_FASTJSON2, FOUND, KNOWN, REFUSED, Who, shown,
};
use super::run::{Wanted, Ways, run};
use super::stage::two_at_a_time;
use super::table::Table;
use super::{Member, Party, Stage};
use lab::install::Release;
use lab::line::Island;
use lab::peer::GREETING;
use lab::process::until;
use lab::zookeeper::ZooKeeper;

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Part of the names of what has it.
    pub name: &'static str,
    /// What is set, as the documentation says it.
    pub about: &'static str,
    /// The flags of providers that have it; without any, the providers are those of the matrix.
    pub providers: &'static [&'static str],
    /// The same for consumers.
    pub consumers: &'static [&'static str],
    /// The providers that have it; with `consumers` alone, the consumers.
    pub releases: &'static [Release],
    /// The consumers that have it, where providers have it too.
    pub callers: &'static [Release],
    /// Of both, those that every test run has.
    pub telling: &'static [Release],
    /// What differs and is the same at default settings, and why.
    pub known: fn() -> Vec<Difference>,
}

/// How much of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Every case on every release that has it.
    Whole,
    /// What every test run has: the telling cases on the telling releases.
    Quick,
}

/// Stands for the address of a ZooKeeper that is not the registry.
const ELSEWHERE: &str = "{elsewhere}";
/// Whom a provider's registration has to reach before anybody calls it; some never do, which the cases then show.
const PUBLISHED: Duration = Duration::from_secs(30);
/// Above the ports of the providers of the matrix. Each setting has its own: a consumer of the stage that has called an address goes on
/// with the connection it had, for a while even when another provider is there.
const PORT: u16 = 21_880;
const PORTS_EACH: usize = 10;

const INSTANCES: &[Release] = &[Release::V3_1_11, Release::V3_2_16, Release::V3_3_6];

/// Consumers that have not looked for these interfaces before: 3.1 keeps what it found for the life of its process.
const FRESH: &[&str] = &["-Dlab.fresh=true"];
const FINDERS: &[Release] = &[Release::V2_7_23, Release::V3_1_11, Release::V3_3_6];

/// All of them, in the order of the documentation.
pub const ALL: [Setting; 9] = [
    Setting {
        name: "interface",
        about: "providers with `register-mode=interface`",
        providers: &["-Ddubbo.application.register-mode=interface"],
        consumers: &[],
        releases: INSTANCES,
        callers: INSTANCES,
        telling: &[],
        known: Vec::new,
    },
    Setting {
        name: "instance",
        about: "providers with `register-mode=instance`, which 2.x consumers do not find by themselves",
        providers: &["-Ddubbo.application.register-mode=instance"],
        consumers: FRESH,
        releases: INSTANCES,
        callers: FINDERS,
        telling: &[Release::V2_7_23, Release::V3_3_6],
        known: || shown(FOUND, Who::Only(&["2.7.23"]), Who::All, BOTH_LEVELS),
    },
    Setting {
        name: "remote",
        about: "the same with `metadata-type=remote`",
        providers: &["-Ddubbo.application.register-mode=instance", "-Ddubbo.application.metadata-type=remote"],
        consumers: FRESH,
        releases: INSTANCES,
        callers: FINDERS,
        telling: &[],
        known: || shown(FOUND, Who::Only(&["2.7.23"]), Who::All, BOTH_LEVELS),
    },
    Setting {
        name: "force-interface",
        about: "consumers with `migration=FORCE_INTERFACE`",
        providers: &[],
        consumers: &["-Ddubbo.application.service-discovery.migration=FORCE_INTERFACE"],
        releases: INSTANCES,
        callers: INSTANCES,
        telling: &[],
        known: Vec::new,
    },
    Setting {
        name: "force-application",
        about: "consumers with `migration=FORCE_APPLICATION`",
        providers: &[],
        consumers: &["-Ddubbo.application.service-discovery.migration=FORCE_APPLICATION"],
        releases: INSTANCES,
        callers: INSTANCES,
        telling: &[],
        known: forced_to_instances,
    },
    Setting {
        name: "simplified",
        about: "providers and consumers with a registry `simplified=true`",
        providers: &["-Ddubbo.registry.simplified=true"],
        consumers: &["-Ddubbo.registry.simplified=true"],
        releases: &[Release::V2_7_23, Release::V3_1_11, Release::V3_3_6],
        callers: &[Release::V2_7_23, Release::V3_1_11, Release::V3_3_6],
        telling: &[Release::V2_7_23, Release::V3_3_6],
        known: Vec::new,
    },
    Setting {
        name: "prefers-fastjson2",
        about: "providers with `prefer-serialization=fastjson2,hessian2`",
        providers: &["-Ddubbo.protocol.prefer-serialization=fastjson2,hessian2"],
        consumers: &[],
        releases: &[Release::V3_2_16, Release::V3_3_6],
        callers: &[Release::V3_2_16, Release::V3_3_6],
        telling: &[Release::V3_3_6],
        known: fastjson2,
    },
    Setting {
        name: "fastjson2",
        about: "providers with `serialization=fastjson2` and `prefer-serialization=fastjson2`",
        providers: &["-Ddubbo.protocol.serialization=fastjson2", "-Ddubbo.protocol.prefer-serialization=fastjson2"],
        consumers: &[],
        releases: &[Release::V3_3_6],
        callers: &[Release::V3_3_6],
        telling: &[],
        known: only_fastjson2,
    },
    Setting {
        name: "elsewhere",
        about: "metadata report and config center in another ZooKeeper than the registry, for providers and consumers",
        providers: &[
            "-Ddubbo.metadata-report.address=zookeeper://{elsewhere}",
            "-Ddubbo.config-center.address=zookeeper://{elsewhere}",
        ],
        consumers: &[
            "-Ddubbo.metadata-report.address=zookeeper://{elsewhere}",
            "-Ddubbo.config-center.address=zookeeper://{elsewhere}",
        ],
        releases: &[Release::V2_7_23, Release::V3_1_11, Release::V3_3_6],
        callers: &[Release::V2_7_23, Release::V3_1_11, Release::V3_3_6],
        telling: &[],
        known: Vec::new,
    },
];

/// Consumers that look for instances alone, and providers that are none.
fn forced_to_instances() -> Vec<Difference> {
    let these = Who::Only(&["2.6.12", "2.7.23"]);
    // They refuse to write the argument at all.
    let refused = ("is not in allow list", &["generic.bean"][..]);
    let mut all = shown(&[refused], Who::Only(&["3.2.16", "3.3.6"]), these, BOTH_LEVELS);
    all.extend(shown(FOUND, Who::All, these, BOTH_LEVELS));
    all
}

/// What a 3.3 provider does as one of 3.2 does by default.
fn fastjson2() -> Vec<Difference> {
    let (old, new) = (Who::Only(&["2.6.12", "2.7.23"]), Who::Only(&["3.3.6"]));
    let mut all = shown(
        &[
            ("No such method nowhere", &["generic.unknown-method"]),
            ("too large", &["payload.reply-over"]),
            ("Failed to send response", &["thrown.unknown-class"]),
        ],
        old,
        new,
        ERRORS_IN_FASTJSON2,
    );
    all.extend(shown(&[("returned", &["payload.reply"])], old, new, COMPLAINT_IN_FASTJSON2));
    all.extend(shown(&[("no grant lets", &["generic.bean"])], Who::Only(&["3.2.16", "3.3.6"]), new, REFUSED));
    all
}

/// What a 2.x consumer sends is in the serialization of the node for which it made the connection, whatever the service.
fn only_fastjson2() -> Vec<Difference> {
    let reason = "a 2.x consumer speaks what the node says for which it made its connection: at the provider that is fastjson2, which it does \
                  not have; at the gateway it had one already, made for a service in hessian2 (its first one made for this service fails \
                  there as well)";
    let mut all = shown(FOUND, Who::Only(&["2.6.12", "2.7.23"]), Who::Only(&["3.3.6"]), reason);
    all.extend(fastjson2());
    all
}

impl Setting {
    /// Starts what has the setting beside the stage, runs its cases and stops it again.
    ///
    /// # Errors
    /// As [`run`], or something does not start.
    pub fn run(&self, stage: &Stage, extent: Extent, progress: impl Fn(&str) + Sync) -> Result<Table> {
        let elsewhere = self.elsewhere(stage)?;
        type Make<'a> = &'a (dyn Fn(usize, &Member, &str) -> Result<Party> + Sync);
        let start = |flags: &[&str], releases: &[Release], make: Make<'_>, island: &str| {
            let flags: Vec<String> = flags.iter().map(|flag| resolved(flag, elsewhere.get(island))).collect();
            let wanted = releases.iter().filter(|release| extent == Extent::Whole || self.telling.contains(release));
            let members: Vec<Member> = wanted.map(|release| self.member(*release, &flags)).collect();
            two_at_a_time(&members, |number, member| make(number, member, island))
        };
        let before = ALL.iter().take_while(|other| other.name != self.name).count() * PORTS_EACH;
        let provider = |number: usize, member: &Member, island: &str| {
            member.provider(&stage.line, island, PORT + u16::try_from(before + number)?)
        };
        let consumer = |_, member: &Member, island: &str| member.consumer(&stage.line, island);
        let own_providers =
            if self.providers.is_empty() { Vec::new() } else { start(self.providers, self.releases, &provider, "b")? };
        let there = |peer: &Party| {
            let named = format!("group%3D{}%26", peer.name());
            stage.line.island("a").virtual_nodes(GREETING).iter().any(|node| node.contains(&named))
        };
        let published = until("all are published", PUBLISHED, || own_providers.iter().all(there).then_some(()));
        if published.is_err() {
            progress(&format!("{}: not all providers appeared in the other island", self.name));
        }
        let providers = if own_providers.is_empty() { &stage.providers[..] } else { &own_providers[..] };
        let (beside, far): (Vec<Party>, Vec<Party>);
        let (directly, through) = if self.consumers.is_empty() {
            (&stage.providers[..], &stage.consumers[..])
        } else {
            far = start(self.consumers, self.callers, &consumer, "a")?;
            // As on the stage, a provider is a consumer too where both are set alike.
            if self.consumers == self.providers && self.callers == self.releases {
                (&own_providers[..], &far[..])
            } else {
                beside = start(self.consumers, self.callers, &consumer, "b")?;
                (&beside[..], &far[..])
            }
        };
        progress(&format!("{}: everything is up", self.name));
        let wanted: Wanted = match extent {
            Extent::Whole => |_, _, _| true,
            Extent::Quick => |case, _, _| case.telling != Telling::No,
        };
        run(Ways { directly, through, providers }, wanted, progress)
    }

    /// What differs with it, and why: what differs at default settings as well.
    #[must_use]
    pub fn differences(&self) -> Vec<Difference> {
        [(self.known)(), KNOWN.to_vec()].concat()
    }

    fn member(&self, release: Release, flags: &[String]) -> Member {
        let member = Member::java_called(&format!("{}-{}", release.version(), self.name), release);
        flags.iter().fold(member, |member, flag| member.flag(flag))
    }

    /// A second ZooKeeper in each island, where a flag asks for one.
    fn elsewhere(&self, stage: &Stage) -> Result<BTreeMap<String, ZooKeeper>> {
        if !self.providers.iter().chain(self.consumers).any(|flag| flag.contains(ELSEWHERE)) {
            return Ok(BTreeMap::new());
        }
        let lab = &stage.line.lab;
        let start = |island: &Island| {
            let server = ZooKeeper::second(island.place(), &lab.tools, lab.folder())?;
            Ok((island.name().to_owned(), server))
        };
        stage.line.islands.iter().map(start).collect()
    }
}

fn resolved(flag: &str, elsewhere: Option<&ZooKeeper>) -> String {
    elsewhere.map_or_else(|| flag.to_owned(), |server| flag.replace(ELSEWHERE, &server.address().to_string()))
}
