//! How calls cross the line, from 2.7 and 3.3 consumers to 2.7 and 3.3 providers, both ways at once. What a call can carry is held
//! by the matrix (`matrix.rs`).
//!
//! ```text
//!   island a: consumers on 2.7 and 3.3, a provider on 2.7   ⇄   island b: consumers on 2.7 and 3.3, a provider on 3.3
//! ```
//! Each island's services are in a group of its name, since a service that an island provides itself is not imported; one
//! service of each has neither group nor version.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Duration;

use lab::install::Release;
use lab::line::{Line, Plan, Watched};
use lab::net::Isolation;
use lab::peer::{Answer, Application, Call, DUBBO_PORT, GREETING, INTEROP, Peer, Refer, Service};
use lab::process::until;
use serde_json::{Value, json};

/// An id, in front of text that Java's `Random` with seed 7 gives: SHA-256 of 4 MiB of it.
const FOUR_MIB: u32 = 4 * 1024 * 1024;

struct Everything {
    consumers: Vec<Consumer>,
    providers: [Peer; 2],
    line: Line,
}

/// A consumer, the island it is in, and the label of the provider it must reach: the other island's.
struct Consumer {
    name: String,
    island: &'static str,
    other: &'static str,
    reaches: &'static str,
    peer: Peer,
}

impl Consumer {
    fn call(&self, method: &str, arguments: impl Into<Vec<Value>>) -> Answer {
        self.with(Call::new("interop", method, arguments))
    }

    fn with(&self, call: Call) -> Answer {
        self.peer.call(&call).unwrap_or_else(|error| panic!("{}: {error:#}", self.name))
    }
}

fn everything() -> (&'static Everything, Watched<'static>) {
    static ALL: OnceLock<Everything> = OnceLock::new();
    let all = ALL.get_or_init(|| start().unwrap());
    (all, all.line.watched())
}

fn start() -> anyhow::Result<Everything> {
    let line = Line::start(Plan::new("a", "b"))?;
    let provider = |island: &str, release: Release| {
        let place = line.island(island).place();
        let label = format!("provider-in-{island}");
        let application = Application::new(&label, release)
            .port(place.listen(DUBBO_PORT)?.port())
            .service(Service::new(bare_of(island), &format!("{label}-bare")))
            .service(Service::new(GREETING, &label).group(island))
            .service(Service::new(INTEROP, &label).group(island).version("1.2.0"));
        line.application(island, application)
    };
    let providers = [provider("a", Release::V2_7_23)?, provider("b", Release::V3_3_6)?];
    for island in &line.islands {
        let all = || (island.virtual_nodes(GREETING).len() + island.virtual_nodes(INTEROP).len() == 3).then_some(());
        until("a virtual provider for each service of the other island", Duration::from_secs(45), all)?;
    }
    let mut consumers = Vec::new();
    for (island, other, reaches) in [("a", "b", "provider-in-b"), ("b", "a", "provider-in-a")] {
        for release in Release::OLD_AND_NEW {
            let name = format!("consumer-{}-in-{island}", release.version());
            let peer = line.application(island, Application::new(&name, release))?;
            peer.refer(&Refer::new("greeting", GREETING).group(other).patient())?;
            peer.refer(&Refer::new("bare", bare_of(other)).patient())?;
            let interop = |name| Refer::new(name, INTEROP).group(other).version("1.2.0").patient().retries(0);
            peer.refer(&interop("interop").one_way("note"))?;
            peer.refer(&interop("generic").generic())?;
            consumers.push(Consumer { name, island, other, reaches, peer });
        }
    }
    Ok(Everything { consumers, providers, line })
}

/// The interface that an island offers without group and version.
fn bare_of(island: &str) -> &'static str {
    if island == "a" { INTEROP } else { GREETING }
}

/// Every consumer of both islands; four of them, so that no test passes for want of one.
fn consumers() -> (&'static [Consumer], Watched<'static>) {
    let (all, watched) = everything();
    assert_eq!(all.consumers.len(), 4);
    (&all.consumers, watched)
}

#[test]
fn attachments_travel_both_ways_and_those_of_the_line_stay_on_it() {
    let (consumers, _line) = consumers();
    for consumer in consumers {
        let call = Call::new("interop", "attachments", [json!("back 🚀")])
            .attachment("mine", "there 🚀")
            .attachment("empty", "");
        let answer = consumer.with(call);
        assert_eq!(answer.attachments.get("reply").map(String::as_str), Some("back 🚀"), "{}", consumer.name);
        let lines = answer.attachments.keys().filter(|key| key.starts_with("highway.")).count();
        assert_eq!(lines, 0, "{}: {:?}", consumer.name, answer.attachments);
        let seen = answer.returned();
        assert_eq!(seen["mine"], json!("there 🚀"), "{}", consumer.name);
        assert_eq!(seen["highway.source.island"], json!(consumer.island), "{}: {seen}", consumer.name);
        assert_eq!(seen["highway.source.application"], json!(consumer.name), "{}: {seen}", consumer.name);
        let next = consumer.call("attachments", [json!("again")]).returned();
        assert_eq!(next.get("mine"), None, "{}", consumer.name);
    }
}

#[test]
fn group_and_version_choose_the_service() {
    let (all, _line) = everything();
    for consumer in &all.consumers {
        let runs = |key: &str| {
            all.providers.iter().filter_map(|provider| provider.counts().unwrap().get(key).copied()).sum::<u64>()
        };
        let bare = if consumer.other == "a" { "silent" } else { "sayHello" };
        let bare_key = format!("{}-bare.{bare}", consumer.reaches);
        let before = runs(&bare_key);
        consumer.with(Call::new("bare", bare, [json!("x")])).returned();
        assert_eq!(runs(&bare_key), before + 1, "{}", consumer.name);

        for wrong in [
            Refer::new("wrong-version", INTEROP).group(consumer.other).version("9.9.9"),
            Refer::new("wrong-group", INTEROP).group("elsewhere"),
        ] {
            let complaint = format!("{:#}", consumer.peer.refer(&wrong).unwrap_err());
            assert!(complaint.contains("No provider available"), "{}: {complaint}", consumer.name);
        }
    }
}

#[test]
fn four_mebibytes_go_there_and_back() {
    let (consumers, _line) = consumers();
    let mut sums = BTreeSet::new();
    for consumer in consumers {
        let back = consumer.call("bytes", [json!({ "length": FOUR_MIB, "seed": 7 })]).returned();
        assert_eq!(back["length"], FOUR_MIB, "{}", consumer.name);
        sums.insert(back["sha256"].as_str().unwrap().to_owned());
    }
    let sum = "bde8cfcf2b1f9c37c4f16cb7b748dea435ccffe87d5cc607ae7c2476b7ac0ebe";
    assert_eq!(sums, BTreeSet::from([sum.to_owned()]));
}

/// Four applications at once, fifty threads each.
#[test]
fn two_hundred_callers_at_once_are_each_given_their_own_answer() {
    let (consumers, _line) = consumers();
    std::thread::scope(|scope| {
        let tallies: Vec<_> = consumers
            .iter()
            .map(|consumer| {
                let call = Call::new("interop", "text", [json!(consumer.name)]).threads(50, 20);
                (consumer, scope.spawn(move || consumer.peer.many(&call).unwrap()))
            })
            .collect();
        for (consumer, tally) in tallies {
            let tally = tally.join().unwrap();
            assert_eq!((tally.ok, tally.failed), (1_000, 0), "{}: {:?}", consumer.name, tally.errors);
            let only = json!(consumer.name).to_string();
            assert_eq!(tally.results.keys().collect::<Vec<_>>(), [&only], "{}", consumer.name);
        }
    });
}

/// Slow calls do not hold up a quick one that comes in behind them on the same connection.
#[test]
fn a_quick_call_overtakes_slow_ones() {
    let (consumers, _line) = consumers();
    let consumer = &consumers[0];
    let slow = Duration::from_secs(3);
    std::thread::scope(|scope| {
        let millis = u64::try_from(slow.as_millis()).unwrap();
        let call = Call::new("interop", "slow", [json!("late"), json!(millis)]).threads(8, 1);
        let slow_ones = scope.spawn(move || consumer.peer.many(&call).unwrap());
        let quick: Vec<Duration> = (0..5).map(|_| consumer.call("text", [json!("now")]).elapsed()).collect();
        let tally = slow_ones.join().unwrap();
        assert_eq!(tally.ok, 8, "{:?}", tally.errors);
        assert!(quick.iter().all(|elapsed| *elapsed < slow / 2), "{quick:?}");
    });
}

#[test]
fn a_consumer_with_nothing_but_an_address_is_served_too() {
    let (all, line) = everything();
    for consumer in &all.consumers {
        let url = line.island(consumer.island).egress_url();
        consumer.peer.refer(&Refer::new("direct", GREETING).group(consumer.other).patient().url(url)).unwrap();
        let hello = consumer.with(Call::new("direct", "sayHello", [json!("direct")]));
        assert_eq!(hello.returned(), json!(format!("Hello direct, this is {}", consumer.reaches)), "{}", consumer.name);
    }
}

#[test]
fn the_hub_writes_one_line_a_call_with_who_called_what() {
    let (all, line) = everything();
    let consumer = &all.consumers[0];
    let method = "undeclared";
    let text = json!("for the audit");
    let before = line.audit().unwrap().len();
    consumer.call(method, [text]).threw();

    let mine = || {
        let lines = line.audit().ok()?;
        let found = lines[before.min(lines.len())..]
            .iter()
            .find(|line| line["method"] == method && line["application"] == consumer.name.as_str());
        found.cloned()
    };
    let audited = until("the hub's line on this call", Duration::from_secs(5), mine).unwrap();
    assert_eq!((&audited["from"], &audited["to"]), (&json!("a"), &json!("b")), "{audited}");
    assert_eq!(
        (&audited["service"], &audited["group"], &audited["version"]),
        (&json!(INTEROP), &json!("b"), &json!("1.2.0")),
        "{audited}"
    );
    assert_eq!(audited["outcome"], "replied", "{audited}");
    assert!(audited["hub_us"].as_u64().unwrap() >= audited["provider_us"].as_u64().unwrap(), "{audited}");
}

#[test]
fn no_packet_passes_between_the_islands_themselves() {
    let (all, line) = everything();
    if let Isolation::None { reason } = line.lab.net.isolation() {
        println!("not shown on this machine: {reason}");
        return;
    }
    let to_hub = line.lab.net.packets_to_hub().unwrap();
    for consumer in &all.consumers {
        consumer.call("text", [json!("crossing")]).returned();
    }
    assert!(line.lab.net.packets_to_hub().unwrap() > to_hub, "the calls crossed at the hub");
    assert_eq!(line.lab.net.packets_between_islands().unwrap(), 0);
}
