//! What a caller is told when a call may not, or cannot, cross: always a sentence, never a wait for a timeout.
//!
//! ```text
//!   island a: one consumer on 2.7, one on 3.3      island b: a provider on 3.3 with a service in several groups
//!
//!   group        exported by b   granted to a   imported by a
//!   open              yes             yes             yes
//!   ungranted         yes              no             yes
//!   unimported        yes             yes              no
//!   unexported         no             yes             yes
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use lab::install::Release;
use lab::line::{Grant, Line, Plan, Watched};
use lab::net::{Dial, HUB_PORT, Isolation};
use lab::peer::{Application, Call, DUBBO_PORT, GREETING, Peer, Refer, Service, Thrown};
use lab::process::until;
use serde_json::json;

const GROUPS: [&str; 4] = ["open", "ungranted", "unimported", "unexported"];
/// The consumers' timeout; a refusal that takes longer was no answer.
const TIMEOUT: Duration = Duration::from_secs(8);
const HEALING: Duration = Duration::from_secs(60);

struct Everything {
    consumers: [Peer; 2],
    _provider: Peer,
    line: Line,
}

/// One line for this file. Some tests change grants or stop the hub, so each has it for itself.
fn everything() -> (&'static Everything, Watched<'static>, MutexGuard<'static, ()>) {
    static ALL: OnceLock<Everything> = OnceLock::new();
    static ONE: Mutex<()> = Mutex::new(());
    let mine = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let all = ALL.get_or_init(|| start().unwrap());
    (all, all.line.watched(), mine)
}

fn of(group: &str) -> String {
    format!("{group}/{GREETING}")
}

fn grants(groups: &[&str]) -> Vec<Grant> {
    groups.iter().map(|group| Grant::new(&format!("grant-{group}"), "a", "b", &[&of(group)])).collect()
}

const GRANTED: [&str; 3] = ["open", "unimported", "unexported"];

fn start() -> anyhow::Result<Everything> {
    let plan = Plan::new("a", "b")
        .grants(grants(&GRANTED))
        .imports("a", &[&of("open"), &of("ungranted"), &of("unexported")])
        .exports("b", &[&of("open"), &of("ungranted"), &of("unimported")]);
    let line = Line::start(plan)?;
    let port = line.island("b").place().listen(DUBBO_PORT)?.port();
    let mut provider = Application::new("provider", Release::V3_3_6).port(port);
    for group in GROUPS {
        provider = provider.service(Service::new(GREETING, group).group(group));
    }
    let provider = line.application("b", provider)?;
    line.island("a").finds(GREETING)?;
    let consumer = |release: Release| {
        let consumer = line.application("a", Application::new(&format!("consumer-{}", release.version()), release))?;
        for group in GROUPS {
            let reference = |name: &str| Refer::new(name, GREETING).group(group).timeout(TIMEOUT).unchecked();
            consumer.refer(&reference(&format!("found-{group}")))?;
            consumer.refer(&reference(&format!("direct-{group}")).url(line.island("a").egress_url()))?;
        }
        anyhow::Ok(consumer)
    };
    Ok(Everything { consumers: [consumer(Release::V2_7_23)?, consumer(Release::V3_3_6)?], _provider: provider, line })
}

fn hello(reference: &str) -> Call {
    Call::new(reference, "sayHello", [json!("you")])
}

/// A refusal must come at once; waiting out the timeout is not refusing.
fn refused(consumer: &Peer, call: &Call) -> Thrown {
    let answer = consumer.call(call).unwrap();
    assert!(answer.elapsed() < TIMEOUT / 2, "refused only after {:?}", answer.elapsed());
    let thrown = answer.threw();
    println!("{}: {}", thrown.class, thrown.text());
    thrown
}

/// The same once everybody has heard of what an earlier test changed: a 3.x consumer reads its registry up to ten seconds late, and
/// a gateway does not say that nobody offers a service before a hub that was just started has told it all.
fn in_the_end_refused(consumer: &Peer, call: &Call, with: impl Fn(&Thrown) -> bool) -> Thrown {
    let settled = || Some(refused(consumer, call)).filter(&with);
    until("the refusal that lasts", HEALING, settled).unwrap()
}

fn is_an_exception(thrown: &Thrown) -> bool {
    thrown.class == "java.lang.RuntimeException"
}

fn assert_names(thrown: &Thrown, words: &[&str]) {
    for word in words {
        assert!(thrown.text().contains(word), "no {word:?} in: {}: {}", thrown.class, thrown.text());
    }
}

fn works(consumer: &Peer, reference: &str) {
    let answers = || consumer.call(&hello(reference)).ok()?.thrown.is_none().then_some(());
    until(&format!("calls on {reference} work"), HEALING, answers).unwrap();
}

#[test]
fn what_is_exported_granted_and_imported_is_answered() {
    let (all, _line, _mine) = everything();
    for consumer in &all.consumers {
        for reference in ["found-open", "direct-open"] {
            assert_eq!(consumer.call(&hello(reference)).unwrap().returned(), json!("Hello you, this is open"));
        }
    }
}

#[test]
fn what_may_not_cross_is_not_in_the_registry() {
    let (all, line, _mine) = everything();
    let nodes = line.island("a").virtual_nodes(GREETING);
    assert_eq!(nodes.len(), 1, "{nodes:?}");
    assert!(nodes[0].contains("group%3Dopen"), "{nodes:?}");
    for consumer in &all.consumers {
        for group in ["ungranted", "unimported", "unexported"] {
            // Dubbo's own sentence: it looked, and found no provider.
            let by_dubbo = |thrown: &Thrown| thrown.text().contains("No provider available");
            let thrown = in_the_end_refused(consumer, &hello(&format!("found-{group}")), by_dubbo);
            assert_names(&thrown, &[&of(group)]);
        }
    }
}

#[test]
fn without_a_grant_the_caller_reads_so() {
    let (all, _line, _mine) = everything();
    for consumer in &all.consumers {
        let thrown = in_the_end_refused(consumer, &hello("direct-ungranted"), is_an_exception);
        assert_names(&thrown, &[&of("ungranted"), "grant"]);
    }
}

#[test]
fn without_an_import_the_caller_reads_so() {
    let (all, _line, _mine) = everything();
    for consumer in &all.consumers {
        let thrown = in_the_end_refused(consumer, &hello("direct-unimported"), is_an_exception);
        assert_names(&thrown, &[&of("unimported"), "import"]);
    }
}

#[test]
fn without_an_export_or_a_provider_the_caller_reads_so() {
    let (all, _line, _mine) = everything();
    for consumer in &all.consumers {
        let thrown = in_the_end_refused(consumer, &hello("direct-unexported"), is_an_exception);
        assert_names(&thrown, &[&of("unexported"), "offer"]);
    }
}

#[test]
fn a_target_that_does_not_exist_is_refused_by_its_name() {
    let (all, _line, _mine) = everything();
    for consumer in &all.consumers {
        let atlantis = hello("direct-open").attachment("highway.target", "atlantis");
        let thrown = in_the_end_refused(consumer, &atlantis, is_an_exception);
        assert_names(&thrown, &["atlantis"]);
        let there = consumer.call(&hello("direct-open").attachment("highway.target", "b")).unwrap();
        assert_eq!(there.returned(), json!("Hello you, this is open"));
    }
}

#[test]
fn a_grant_that_is_taken_away_ends_the_calls_and_one_that_is_given_opens_them() {
    let (all, line, _mine) = everything();
    let consumer = &all.consumers[0];
    line.write_grants(&grants(&["ungranted", "unimported", "unexported"])).unwrap();
    let closed = || consumer.call(&hello("direct-open")).ok()?.thrown;
    let thrown = until("the hub has read the grants", Duration::from_secs(20), closed).unwrap();
    assert_names(&thrown, &[&of("open"), "grant"]);
    works(consumer, "direct-ungranted");
    works(consumer, "found-ungranted");

    line.write_grants(&grants(&GRANTED)).unwrap();
    works(consumer, "direct-open");
    works(consumer, "found-open");
    let closed = || consumer.call(&hello("direct-ungranted")).ok()?.thrown;
    until("the hub has read the old grants", Duration::from_secs(20), closed).unwrap();
    let gone = || (line.island("a").virtual_nodes(GREETING).len() == 1).then_some(());
    until("only what is granted is in the registry", HEALING, gone).unwrap();
}

/// The calls really cross at the hub: without it nothing does, and the caller reads why.
#[test]
fn with_the_hub_stopped_calls_fail_with_a_sentence_and_nothing_passes_between_the_islands() {
    let (all, line, _mine) = everything();
    line.hub.kill();
    for consumer in &all.consumers {
        let answer = consumer.call(&hello("direct-open")).unwrap();
        assert!(answer.elapsed() < TIMEOUT * 4, "answered only after {:?}", answer.elapsed());
        let thrown = answer.threw();
        println!("{}: {}", thrown.class, thrown.text());
        assert_names(&thrown, &["hub"]);
    }
    if *line.lab.net.isolation() == Isolation::Namespaces {
        let (a, b) = (line.island("a").place(), line.island("b").place());
        for (from, to, port) in
            [(a, b, DUBBO_PORT), (b, a, 20990), (a, b, 2181), (line.lab.net.hub(), a, 20990), (a, b, HUB_PORT)]
        {
            let dialled = from.dial(std::net::SocketAddrV4::new(to.address(), port)).unwrap();
            assert_eq!(dialled, Dial::Silent, "{} dials {}:{port}", from.name(), to.name());
        }
        assert_eq!(line.lab.net.packets_between_islands().unwrap(), 0);
    }
    line.hub.start().unwrap();
    for consumer in &all.consumers {
        works(consumer, "direct-open");
        works(consumer, "found-open");
    }
}
