//! The stage: consumers of every line in one island, and two others that offer the same.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Result;
use highway_tests::install::{self, Release};
use highway_tests::line::{Line, Plan, Watched};
use highway_tests::peer::{Answer, Application, Call, DUBBO_PORT, GREETING, Peer, Refer, Runtime, Service};
use highway_tests::process::until;
use serde_json::json;

/// What b and c offer, in a group of its own for each test that changes something about it.
pub const BOTH: &str = "both";
/// The same service in another group, for the test that has a provider of it in island a too: a service that an island serves itself
/// counts as local for a day.
pub const FIRST: &str = "first";
/// The islands that offer it.
pub const OFFERERS: [&str; 2] = ["b", "c"];
/// Until a consumer has followed its registry: 3.x takes ten seconds by itself, and more on a busy machine.
pub const FOLLOWED: Duration = Duration::from_secs(45);

/// Everything that runs.
pub struct Stage {
    /// In island a, by their release.
    pub consumers: Vec<(String, Peer)>,
    /// Of b and c.
    pub providers: BTreeMap<&'static str, Peer>,
    pub line: Line,
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
        None => Some(("go-3.3.2".to_owned(), Runtime::Go)),
    };
    java.into_iter().chain(go).collect()
}

fn start() -> Result<Stage> {
    let mut plan = Plan::of(&["a", "b", "c", "d"]).untagged("d");
    for island in ["a", "d"] {
        plan = plan.port(island, "b", 20991).port(island, "c", 20992);
    }
    let line = Line::start(plan)?;
    let offerers = vec![("b", Release::V2_7_23), ("c", Release::V3_3_6)];
    let providers = together(offerers, |(island, release)| {
        Ok((island, provider(&line, island, release, DUBBO_PORT, &[BOTH, FIRST])?))
    })?;
    // Of each group one for everybody, and one on the port of each island.
    for island in ["a", "d"] {
        let all = || (line.island(island).virtual_nodes(GREETING).len() == 6).then_some(());
        until(&format!("all virtual providers in {island}"), FOLLOWED, all)?;
    }
    let consumers = together(runtimes(), |(name, runtime)| {
        let peer = line.application("a", Application::new(&format!("caller-{name}"), runtime))?;
        peer.refer(&refer("plain"))?;
        Ok((name, peer))
    })?;
    Ok(Stage { consumers, providers: providers.into_iter().collect(), line })
}

/// A provider of these groups; its answers carry the island and the group.
pub fn provider(line: &Line, island: &str, release: Release, port: u16, groups: &[&str]) -> Result<Peer> {
    let port = line.island(island).place().listen(port)?.port();
    let application = Application::new(&format!("provider-in-{island}"), release).port(port);
    let offer = |application: Application, group: &&str| {
        application.service(Service::new(GREETING, &format!("{island}/{group}")).group(group))
    };
    let application = groups.iter().fold(application, offer);
    line.application(island, application)
}

/// Does something for each at once.
pub fn together<T: Send, R: Send>(all: Vec<T>, each: impl Fn(T) -> Result<R> + Sync) -> Result<Vec<R>> {
    std::thread::scope(|scope| {
        let each = &each;
        let running: Vec<_> = all.into_iter().map(|one| scope.spawn(move || each(one))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// A reference to what both islands offer.
pub fn refer(name: &str) -> Refer {
    Refer::new(name, GREETING).group(BOTH).unchecked().timeout(Duration::from_secs(5)).retries(0)
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
