//! How soon: a changed rule moves calls within a second, and what consumers have to notice in the registry within twelve.
//!
//! Every time is held to its promise, none on average. From each is taken off what the [`Yardstick`] says this machine stood still
//! meanwhile: a machine that stops for a second is not a program that takes one. What a full machine costs beyond that stays in, and is far
//! below the promise.

use std::time::{Duration, Instant, SystemTime};

use highway_tests::yardstick::Yardstick;
use lab::install::Release;
use lab::line::Line;
use lab::peer::{DUBBO_PORT, GREETING, Peer};
use lab::process::until;

use super::documents::Documents;
use super::load::while_all_call;
use super::stage::{BOTH, FIRST, FOLLOWED, hello, only, provider, refer, stage, until_answered_by};

/// How soon a gateway obeys.
pub const OBEYED: Duration = Duration::from_secs(1);
/// How soon consumers have noticed nodes; 3.x takes ten seconds of these by itself.
const NOTICED: Duration = Duration::from_secs(12);
/// Of calls to a provider that goes: far below what is promised.
const GOING: Duration = Duration::from_secs(3);
/// For so long the new place alone answers before the old one counts as left.
const ALONE: Duration = Duration::from_millis(300);
/// Changes of the rule while calls come in.
const CHANGES: usize = 50;
/// Between two looks at a registry on a busy machine.
const LOOKED: Duration = Duration::from_secs(1);
/// How long a local provider has to be back before its consumers are.
const BACK_AFTER: Duration = Duration::from_secs(3);

/// When this provider's service of both islands was called last.
fn latest(provider: &Peer, island: &str) -> SystemTime {
    let latest = provider.latest().unwrap();
    let millis = latest.get(&format!("{island}/{BOTH}.sayHello")).copied().unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
}

pub fn between(from: SystemTime, until: SystemTime) -> Duration {
    until.duration_since(from).unwrap_or_default()
}

/// A moment of the clock on the wall.
pub fn moment(at: SystemTime) -> Instant {
    Instant::now() - between(at, SystemTime::now())
}

/// While all consumers call without a pause, the rule changes many times: each time the last call of the old way has reached its provider
/// within a second of ZooKeeper's taking the change in, and none fails.
#[test]
fn each_of_fifty_changes_under_load_moves_the_calls_within_a_second_and_none_fails() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    documents.act("island: b");
    for (name, consumer) in &stage.consumers {
        until_answered_by(name, consumer, &hello("plain"), "b");
    }
    let yardstick = Yardstick::start();
    let mut moved = Vec::new();
    let called = while_all_call(stage, &hello("plain"), |_| {
        for change in 0..CHANGES {
            let (to, from) = if change % 2 == 0 { ("c", "b") } else { ("b", "c") };
            documents.act(&format!("island: {to}"));
            let committed = documents.committed();
            let last = until(&format!("change {change}: calls go to {to} alone"), FOLLOWED, || {
                let last = latest(&stage.providers[from], from);
                (between(last.max(committed), latest(&stage.providers[to], to)) > ALONE).then_some(last)
            });
            let last = last.unwrap();
            let stalled =
                if last > committed { yardstick.stalled(moment(committed), moment(last)) } else { Duration::ZERO };
            moved.push((between(committed, last), stalled));
        }
    });
    let calls: u64 = called.values().flat_map(|called| called.answers.values()).sum();
    moved.sort();
    let (middle, longest) = (moved[CHANGES / 2].0, moved[CHANGES - 1].0);
    let stalled: Duration = moved.iter().map(|(_, stalled)| stalled).sum();
    println!(
        "{CHANGES} changes under {calls} calls: the last call of the old way {middle:?} after the change in the middle, {longest:?} at most; meanwhile the machine stood still for {stalled:?}"
    );
    for (name, called) in &called {
        assert!(called.failed.is_empty(), "{name}: {:?}", called.failed);
    }
    assert!(calls > 1000, "{calls}");
    for (took, stalled) in &moved {
        assert!(took.saturating_sub(*stalled) <= OBEYED, "{took:?}, of which the machine stood still for {stalled:?}");
    }
}

/// Whether a provider that listens here stands in the registry of an island.
fn is_registered(line: &Line, island: &str, port: u16) -> bool {
    let (folder, port) = (format!("/dubbo/{GREETING}/providers/"), format!("%3A{port}%2F"));
    let nodes = line.island(island).zookeeper.ephemerals().unwrap_or_default();
    nodes.iter().any(|node| node.starts_with(&folder) && node.contains(&port))
}

/// Waits until what was the case is not; gives the last moment when it was, so that no measured time is too short.
fn over(what: &str, was: impl Fn() -> bool) -> Instant {
    let mut last = Instant::now();
    until(what, FOLLOWED, || {
        let looked = Instant::now();
        if was() {
            last = looked;
            return None;
        }
        Some(())
    })
    .unwrap();
    last
}

/// A local provider comes: its consumers stay at home. It goes: they find the way out, and back again when it has been back for a while.
#[test]
fn local_providers_come_first_and_the_way_out_opens_when_the_last_one_is_gone() {
    let (stage, line, _mine) = stage();
    let documents = Documents::about(&line, FIRST);
    documents.act(&format!("local-first: {{ then: [b], back-after: {}s }}", BACK_AFTER.as_secs()));
    // A call that is with a provider when that goes may wait for its timeout: dubbo-go's do.
    stage.each(|_, consumer| consumer.refer(&refer("first").group(FIRST).timeout(GOING)).unwrap());
    stage.each(|name, consumer| until_answered_by(name, consumer, &hello("first"), "b"));
    let yardstick = Yardstick::start();
    let each_follows = |island: &str, since: Instant| {
        stage.each(|name, consumer| {
            until_answered_by(name, consumer, &hello("first"), island);
            let (now, took) = (Instant::now(), since.elapsed());
            let stalled = yardstick.stalled(since, now);
            println!("{name} is answered by {island} after {took:?}");
            assert!(took.saturating_sub(stalled) <= NOTICED, "{name}: {took:?}, {stalled:?} of it the machine's");
        });
    };
    // The way out for consumers that ask for no tag.
    let is_open = || {
        let nodes = line.island("a").virtual_nodes(GREETING);
        nodes.iter().any(|node| node.contains("group%3Dfirst") && !node.contains("dubbo.tag"))
    };
    for round in 0..2 {
        // On 3.3, at both levels: dubbo-go looks at instances alone. Consumers of 3.x have Dubbo's usual port for their metadata.
        let port = DUBBO_PORT + 10 + round;
        let there = line.island("a").place().listen(port).unwrap().port();
        let local = std::thread::scope(|scope| {
            let starting = scope.spawn(|| provider(&line, "a", Release::V3_3_6, port, &[FIRST]).unwrap());
            let came = over("the provider is registered", || !is_registered(&line, "a", there));
            let closing = scope.spawn(|| over("the way out is closed", is_open));
            each_follows("a", came);
            let stayed = closing.join().unwrap().saturating_duration_since(came);
            println!("the way out was open for {stayed:?} after a local provider came");
            // One that comes for the first time was never gone.
            assert!(round == 0 || stayed >= BACK_AFTER - LOOKED, "{stayed:?}");
            starting.join().unwrap()
        });
        stage.each(|name, consumer| only(name, consumer, hello("first"), "a"));
        std::thread::scope(|scope| {
            let stopping = scope.spawn(|| local.stop().unwrap());
            let gone = over("the provider is gone", || is_registered(&line, "a", there));
            each_follows("b", gone);
            stopping.join().unwrap();
        });
    }
}

/// An island offers something new: whoever asks for it by the island's tag is answered as soon as that.
#[test]
fn a_tag_leads_to_what_an_island_newly_offers_within_twelve_seconds() {
    let (stage, line, _mine) = stage();
    stage.each(|_, consumer| consumer.refer(&refer("new").group("new")).unwrap());
    let yardstick = Yardstick::start();
    let port = DUBBO_PORT + 20;
    let there = line.island("c").place().listen(port).unwrap().port();
    std::thread::scope(|scope| {
        let starting = scope.spawn(|| provider(&line, "c", Release::V2_7_23, port, &["new"]).unwrap());
        let came = over("the provider is registered", || !is_registered(&line, "c", there));
        stage.each(|name, consumer| {
            let tagged = hello("new").attachment("dubbo.tag", "c").attachment("dubbo.force.tag", "true");
            until_answered_by(name, consumer, &tagged, "c");
            let (now, took) = (Instant::now(), came.elapsed());
            let stalled = yardstick.stalled(came, now);
            println!("{name} follows the tag after {took:?}");
            assert!(took.saturating_sub(stalled) <= NOTICED, "{name}: {took:?}, {stalled:?} of it the machine's");
        });
        starting.join().unwrap().stop().unwrap();
    });
}
