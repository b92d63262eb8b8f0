//! Each part of the line is restarted in turn while consumers in both islands keep calling: the line heals by itself.
//!
//! ```text
//!   island a: consumers on 2.7 and 3.3, a provider on 2.7   ⇄   island b: consumers on 2.7 and 3.3, a provider on 3.3
//! ```
//! Nobody but the part that is restarted is touched, and no consumer is told anything.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use highway_tests::install::Release;
use highway_tests::line::{Line, Plan, Watched};
use highway_tests::peer::{Application, Call, DUBBO_PORT, GREETING, INTEROP, JavaPeer, Refer, Service, Tally};
use highway_tests::process::until;
use serde_json::json;

/// From the end of a restart until all consumers are served again. A consumer on 3.x that sees its only address restart in the
/// wrong moment needs ten seconds by itself.
const HEALED: Duration = Duration::from_secs(45);
/// Nothing may fail any more once healed, for so long.
const STEADY: Duration = Duration::from_secs(3);

struct Everything {
    consumers: Vec<(String, JavaPeer)>,
    providers: Mutex<[Option<JavaPeer>; 2]>,
    line: Line,
}

/// One line for this file; the tests take turns.
fn everything() -> (&'static Everything, Watched<'static>, MutexGuard<'static, ()>) {
    static ALL: OnceLock<Everything> = OnceLock::new();
    static ONE: Mutex<()> = Mutex::new(());
    let mine = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let all = ALL.get_or_init(|| start().unwrap());
    (all, all.line.watched(), mine)
}

fn provider(line: &Line, island: &str) -> anyhow::Result<JavaPeer> {
    let release = if island == "a" { Release::V2_7_23 } else { Release::V3_3_6 };
    let label = format!("provider-in-{island}");
    let application = Application::new(&label, release)
        .port(line.island(island).place().listen(DUBBO_PORT)?.port())
        .service(Service::new(GREETING, &label).group(island))
        .service(Service::new(INTEROP, &label).group(island));
    line.application(island, application)
}

fn start() -> anyhow::Result<Everything> {
    let line = Line::start(Plan::new("a", "b"))?;
    let providers = [provider(&line, "a")?, provider(&line, "b")?];
    let mut consumers = Vec::new();
    for (island, other) in [("a", "b"), ("b", "a")] {
        line.island(island).finds(GREETING)?;
        line.island(island).finds(INTEROP)?;
        for release in Release::OLD_AND_NEW {
            let name = format!("consumer-{}-in-{island}", release.version());
            let peer = line.application(island, Application::new(&name, release))?;
            peer.refer(&Refer::new("greeting", GREETING).group(other))?;
            peer.refer(&Refer::new("interop", INTEROP).group(other).timeout(Duration::from_secs(20)).retries(0))?;
            consumers.push((name, peer));
        }
    }
    Ok(Everything { consumers, providers: Mutex::new(providers.map(Some)), line })
}

impl Everything {
    /// Every consumer makes these calls while something happens; what came of them, by consumer.
    fn under_load(&self, call: &Call, meanwhile: impl FnOnce()) -> Vec<(&str, Tally)> {
        std::thread::scope(|scope| {
            let loads: Vec<_> =
                self.consumers.iter().map(|(name, peer)| (name, scope.spawn(|| peer.many(call)))).collect();
            meanwhile();
            loads.into_iter().map(|(name, load)| (name.as_str(), load.join().unwrap().unwrap())).collect()
        })
    }

    /// Restarts something under load, then waits until every consumer is served again and stays so.
    fn heals_after(&self, what: &str, restart: impl FnOnce()) {
        let begin = Instant::now();
        let load = hello("meanwhile").lasting(2, Duration::from_secs(4), Duration::from_millis(20));
        for (name, tally) in self.under_load(&load, restart) {
            println!("{what}: {name}: {} answered, {} failed {:?}", tally.ok, tally.failed, tally.errors.keys().next());
        }
        for (name, peer) in &self.consumers {
            let served = || peer.call(&hello("again")).ok()?.thrown.is_none().then_some(());
            until(&format!("{what}: {name} is served again"), HEALED, served).unwrap();
        }
        println!("{what}: all served again {:?} after its begin", begin.elapsed());
        let steady = hello("steady").lasting(2, STEADY, Duration::from_millis(10));
        for (name, tally) in self.under_load(&steady, || ()) {
            assert!(tally.ok > 0 && tally.failed == 0, "{what}: {name} is not steady: {:?}", tally.errors);
        }
    }

    fn provider_in_b<T>(&self, look: impl FnOnce(&JavaPeer) -> T) -> T {
        look(self.providers.lock().unwrap()[1].as_ref().unwrap())
    }
}

fn hello(whom: &str) -> Call {
    Call::new("greeting", "sayHello", [json!(whom)])
}

#[test]
fn the_line_heals_when_the_hub_is_killed_and_started() {
    let (all, line, _mine) = everything();
    all.heals_after("hub killed", || {
        line.hub.kill();
        line.hub.start().unwrap();
    });
}

#[test]
fn the_line_heals_when_the_hub_is_stopped_and_started() {
    let (all, line, _mine) = everything();
    all.heals_after("hub stopped", || {
        let begin = Instant::now();
        line.hub.stop().unwrap();
        // Its longest call is a second long, so there is nothing to wait for after that.
        assert!(begin.elapsed() < Duration::from_secs(10), "the hub took {:?} to stop", begin.elapsed());
        line.hub.start().unwrap();
    });
}

#[test]
fn the_line_heals_when_an_egress_is_killed_and_started() {
    let (all, line, _mine) = everything();
    all.heals_after("egress killed", || {
        line.island("a").egress().kill();
        line.island("a").egress().start().unwrap();
    });
}

#[test]
fn the_line_heals_when_an_ingress_is_killed_and_started() {
    let (all, line, _mine) = everything();
    all.heals_after("ingress killed", || {
        line.island("b").ingress().kill();
        line.island("b").ingress().start().unwrap();
    });
}

#[test]
fn the_line_heals_when_a_gateway_of_each_kind_is_stopped_and_started() {
    let (all, line, _mine) = everything();
    let island = line.island("a");
    all.heals_after("ingress stopped", || {
        let begin = Instant::now();
        island.ingress().stop().unwrap();
        assert!(begin.elapsed() < Duration::from_secs(10), "the ingress took {:?} to stop", begin.elapsed());
        island.ingress().start().unwrap();
    });
    all.heals_after("egress stopped", || {
        // It serves on for fifteen seconds, since consumers notice late.
        island.egress().stop().unwrap();
        island.egress().start().unwrap();
    });
}

/// Last good state wins: while the registry is away, calls go on as they were.
#[test]
fn calls_go_on_while_a_zookeeper_is_away_and_the_line_heals_when_it_is_back() {
    let (all, line, _mine) = everything();
    let zookeeper = &line.island("b").zookeeper;
    zookeeper.kill();
    for (name, peer) in &all.consumers {
        let call = hello("without").lasting(1, Duration::from_secs(2), Duration::from_millis(20));
        let tally = peer.many(&call).unwrap();
        assert!(tally.ok > 0 && tally.failed == 0, "{name}: {:?}", tally.errors);
    }
    all.heals_after("ZooKeeper restarted", || zookeeper.again().unwrap());
    line.island("b").finds(GREETING).unwrap();
}

#[test]
fn the_line_heals_when_a_zookeeper_is_frozen_longer_than_its_sessions_live() {
    let (all, line, _mine) = everything();
    let zookeeper = &line.island("a").zookeeper;
    all.heals_after("ZooKeeper frozen", || {
        zookeeper.freeze().unwrap();
        // Sessions of this server end after ten seconds at most; only time itself can be waited for here.
        std::thread::sleep(Duration::from_secs(12));
        zookeeper.thaw().unwrap();
    });
    line.island("a").finds(GREETING).unwrap();
    line.island("b").finds(GREETING).unwrap();
}

#[test]
fn the_line_heals_when_a_provider_is_killed_and_started() {
    let (all, _line, _mine) = everything();
    for (at, island) in ["a", "b"].into_iter().enumerate() {
        all.heals_after(&format!("provider in {island} killed"), || {
            let mut providers = all.providers.lock().unwrap();
            if let Some(old) = providers[at].take() {
                old.kill();
            }
            providers[at] = Some(provider(&all.line, island).unwrap());
        });
    }
}

/// A provider that is stopped properly takes its leave: no call is lost that was not in it.
#[test]
fn a_service_disappears_with_its_only_provider_and_comes_back_with_it() {
    let (all, line, _mine) = everything();
    let stopped = all.providers.lock().unwrap()[1].take().unwrap();
    stopped.stop().unwrap();
    line.island("a").loses(GREETING, Duration::from_secs(90)).unwrap();
    let thrown = all.consumers[0].1.call(&hello("nobody")).unwrap().threw();
    assert!(thrown.text().contains("No provider available"), "{}", thrown.text());

    all.heals_after("provider started again", || {
        all.providers.lock().unwrap()[1] = Some(provider(&all.line, "b").unwrap());
        line.island("a").finds(GREETING).unwrap();
    });
}

/// A call that was already with the provider when the hub went is answered, or failed with a sentence, never run twice.
#[test]
fn a_call_under_way_when_the_hub_is_killed_runs_at_most_once() {
    let (all, line, _mine) = everything();
    let counts = || all.provider_in_b(|provider| provider.counts().unwrap());
    let before = counts();
    let (name, consumer) = &all.consumers[0];
    std::thread::scope(|scope| {
        let slow = Call::new("interop", "slow", [json!("under way"), json!(2_000)]);
        let pending = scope.spawn(move || consumer.call(&slow).unwrap());
        let arrived = || (runs(&counts()) > runs(&before)).then_some(());
        until("the call is with the provider", Duration::from_secs(10), arrived).unwrap();
        line.hub.kill();
        line.hub.start().unwrap();
        let answer = pending.join().unwrap();
        println!("{name}: {answer:?}");
        if let Some(thrown) = answer.thrown {
            assert!(!thrown.text().is_empty());
        }
    });
    all.heals_after("hub killed during a call", || ());
    assert_eq!(runs(&counts()), runs(&before) + 1);
}

fn runs(counts: &std::collections::BTreeMap<String, u64>) -> u64 {
    counts.get("provider-in-b.slow").copied().unwrap_or_default()
}
