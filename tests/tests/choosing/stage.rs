//! The stage: consumers of every line in one island, and two others that offer the same.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Result;
use lab::install::{self, Release};
use lab::line::{Line, Plan, Role, Watched};
use lab::peer::{Answer, Application, Call, DUBBO_PORT, GREETING, INTEROP, Peer, Refer, Runtime, Service};
use lab::process::{together, until};
use lab::zookeeper::ZooKeeper;
use serde_json::json;

/// What b and c offer, in a group of its own for each test that changes something about it.
pub const BOTH: &str = "both";
/// The same service in another group, for the test that has a provider of it in island a too: a service that an island serves itself
/// counts as local for a day.
pub const FIRST: &str = "first";
/// The same service once more, which island a serves too, where its consumers do not see it: what is answered there came through the gateway.
pub const HOME: &str = "home";
/// Once more, for a provider of island a that comes and goes where its consumers do not see it.
pub const LEAVES: &str = "leaves";
/// The same service again, to which several applications at one address refer with parameters.
pub const SHARED: &str = "shared";
/// The consumer of which no node is in the registry.
pub const WITHOUT_NODE: &str = "go-3.3.2";
/// The islands that offer it.
pub const OFFERERS: [&str; 2] = ["b", "c"];
/// Where the provider of island a listens that is always there.
const HOME_PORT: u16 = DUBBO_PORT + 5;
/// Until a consumer has followed its registry. 3.x takes ten seconds by itself, and more on a busy machine. With dubbo-go at interface level several
/// references of a process to one service read one queue of changes, each of which only one of them gets; it is filled again every 20 s, so
/// that a reference may know nobody for some rounds.
pub const FOLLOWED: Duration = Duration::from_secs(150);

/// Everything that runs.
pub struct Stage {
    /// In island a, by their release.
    pub consumers: Vec<(String, Peer)>,
    /// Of b and c, and of a what consumers do not see.
    pub providers: BTreeMap<&'static str, Peer>,
    pub line: Line,
}

/// The group of this name that only this consumer refers to.
pub fn own(consumer: &str) -> String {
    format!("own-{consumer}")
}

/// Another one.
pub fn zone(consumer: &str) -> String {
    format!("zone-{consumer}")
}

impl Stage {
    /// Does something with each consumer, side by side.
    pub fn each(&self, does: impl Fn(&str, &Peer) + Sync) {
        together(self.consumers.iter().collect(), |(name, consumer)| {
            does(name, consumer);
            Ok(())
        })
        .unwrap();
    }

    /// How often each island has run this method of a service in this group.
    pub fn runs(&self, group: &str, method: &str) -> BTreeMap<&'static str, u64> {
        let ran = |island: &&str| {
            let counts = self.providers[island].counts().unwrap();
            counts.get(&format!("{island}/{group}.{method}")).copied().unwrap_or_default()
        };
        self.providers.keys().map(|island| (*island, ran(island))).collect()
    }
}

/// The stage, for one test at a time.
pub fn stage() -> (&'static Stage, Watched<'static>, MutexGuard<'static, ()>) {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    static ONE: Mutex<()> = Mutex::new(());
    let mine = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = STAGE.get_or_init(|| start().unwrap());
    (stage, stage.line.watched(), mine)
}

/// Every runtime that there is on this machine.
pub fn runtimes() -> Vec<(String, Runtime)> {
    let java = Release::ALL.map(|release| (release.version().to_owned(), Runtime::Java(release)));
    let go = match install::no_go() {
        Some(reason) => {
            println!("LEFT OUT: dubbo-go: {reason}");
            None
        }
        None => Some((WITHOUT_NODE.to_owned(), Runtime::Go)),
    };
    java.into_iter().chain(go).collect()
}

/// A consumer of each runtime by its defaults, and of dubbo-go another that registers at interface level: its default leaves no node of
/// a consumer, where a gateway finds parameters.
fn callers() -> Vec<(String, Application)> {
    let of = |name: &str, runtime| Application::new(&format!("caller-{name}"), runtime);
    let mut all: Vec<_> = runtimes().into_iter().map(|(name, runtime)| (name.clone(), of(&name, runtime))).collect();
    if all.iter().any(|(name, _)| name == WITHOUT_NODE) {
        let name = format!("{WITHOUT_NODE}-interface");
        let caller = of(&name, Runtime::Go).interface_level();
        all.push((name, caller));
    }
    all
}

fn start() -> Result<Stage> {
    // Own providers of these are in another registry than the consumers, which see the gateway alone.
    let beside = |group: &str| {
        format!("\n[[import.rule]]\nisland = \"*\"\nservice = \"{group}/com.example.*\"\nbeside_local = true\n")
    };
    let imports = beside(HOME)
        + &beside(LEAVES)
        + &beside("own-*")
        + "\n[[import.rule]]\nisland = \"*\"\nservice = \"com.example.*\"\n";
    let mut plan = Plan::of(&["a", "b", "c", "d"])
        .in_egress("d", "tag = false\n")
        .gateways(Role::Egress, "d", 2)
        .in_egress("a", "reference_prefixes = [\"highway.\", \"ENV_\"]\n")
        .second_registry("a")
        .imports("a", &[])
        .also(Role::Egress, "a", &imports);
    for island in ["a", "d"] {
        plan = plan.port(island, "b", 20991).port(island, "c", 20992);
    }
    let line = Line::start(plan)?;
    let callers = callers();
    let (own, zones): (Vec<String>, Vec<String>) = callers.iter().map(|(name, _)| (own(name), zone(name))).unzip();
    let all: Vec<&str> =
        [BOTH, FIRST, HOME, LEAVES, SHARED].into_iter().chain(own.iter().chain(&zones).map(String::as_str)).collect();
    let second = unseen(&line);
    let offerers = vec![("a", Release::V3_3_6), ("b", Release::V2_7_23), ("c", Release::V3_3_6)];
    let providers = together(offerers, |(island, release)| {
        // Consumers of 3.x have Dubbo's usual port for their metadata.
        let (port, groups) = if island == "a" { (HOME_PORT, &[HOME][..]) } else { (DUBBO_PORT, &all[..]) };
        let application = offering(&line, island, release, port, groups)?;
        let application = own.iter().fold(application, |application, group| {
            application.service(Service::new(INTEROP, &format!("{island}/{group}")).group(group))
        });
        let application = if island == "a" { application.registry(second.clone()) } else { application };
        Ok((island, line.application(island, application)?))
    })?;
    // Of each group one for everybody, and one on the port of each island, at each gateway.
    for (island, interface, groups) in
        [("a", GREETING, all.len()), ("a", INTEROP, own.len()), ("d", GREETING, all.len())]
    {
        let wanted = 3 * groups * line.island(island).egresses.len();
        let shown = || (line.island(island).virtual_nodes(interface).len() == wanted).then_some(());
        until(&format!("all virtual providers of {interface} in {island}"), FOLLOWED, shown)?;
    }
    let consumers = together(callers, |(name, caller)| {
        let peer = line.application("a", caller)?;
        peer.refer(&refer("plain"))?;
        peer.refer(&refer("home").group(HOME))?;
        Ok((name, peer))
    })?;
    Ok(Stage { consumers, providers: providers.into_iter().collect(), line })
}

/// A provider of these groups; its answers carry the island and the group.
pub fn provider(line: &Line, island: &str, release: Release, port: u16, groups: &[&str]) -> Result<Peer> {
    line.application(island, offering(line, island, release, port, groups)?)
}

/// One of island a that its consumers do not see: it is in the other registry.
pub fn unseen_provider(line: &Line, port: u16, groups: &[&str]) -> Result<Peer> {
    line.application("a", offering(line, "a", Release::V3_3_6, port, groups)?.registry(unseen(line)))
}

/// The registry of island a that its consumers do not look into.
fn unseen(line: &Line) -> String {
    line.island("a").second_registry.as_ref().map(ZooKeeper::url).unwrap_or_default()
}

/// The same before it runs.
fn offering(line: &Line, island: &str, release: Release, port: u16, groups: &[&str]) -> Result<Application> {
    let port = line.island(island).place().listen(port)?.port();
    let application = Application::new(&format!("provider-in-{island}"), release).port(port);
    let offer = |application: Application, group: &&str| {
        application.service(Service::new(GREETING, &format!("{island}/{group}")).group(group))
    };
    Ok(groups.iter().fold(application, offer))
}

/// A reference to what both islands offer.
pub fn refer(name: &str) -> Refer {
    Refer::new(name, GREETING).group(BOTH).unchecked().patient().retries(0)
}

/// A call on it.
pub fn hello(reference: &str) -> Call {
    Call::new(reference, "sayHello", [json!("x")])
}

/// The island whose provider answered, or the sentence that came instead.
pub fn who(consumer: &Peer, call: &Call) -> String {
    island_or_sentence(consumer.call(call).unwrap())
}

/// The same of an answer.
pub fn island_or_sentence(answer: Answer) -> String {
    match answer.thrown {
        Some(thrown) => format!("{}: {}", thrown.class, thrown.text()),
        None => island_in(answer.result.as_str().unwrap_or_default()),
    }
}

/// `Hello x, this is ISLAND`, perhaps with a group behind it.
pub fn island_in(greeting: &str) -> String {
    let who = greeting.trim_matches('"').rsplit(' ').next().unwrap_or_default();
    who.split('/').next().unwrap_or_default().to_owned()
}

/// Waits until this call is answered by this island: a new reference on 3.x takes in one application after the other.
pub fn until_answered_by(name: &str, consumer: &Peer, call: &Call, island: &str) {
    let mut last = String::new();
    let answered = until(&format!("{name} is answered by {island}"), FOLLOWED, || {
        last = who(consumer, call);
        (last == island).then_some(())
    });
    answered.unwrap_or_else(|error| panic!("{error}; the last answer was {last}"));
}

/// Every one of so many calls in a row is answered by this island.
pub fn only(name: &str, consumer: &Peer, call: Call, island: &str) {
    until_answered_by(name, consumer, &call, island);
    let mut last = BTreeMap::new();
    let alone = until(&format!("{name} is answered by {island} alone"), FOLLOWED, || {
        let tally = consumer.many(&call.clone().threads(1, 20)).unwrap();
        last = tally.results.iter().map(|(text, count)| (island_in(text), *count)).chain(tally.errors).collect();
        last.keys().eq([island]).then_some(())
    });
    alone.unwrap_or_else(|error| panic!("{error}; the last answers were {last:?}"));
}
