//! Calls between released Dubbo on both sides, said by models and packed on both links: each consumer reads the answer to its own call, most of what the
//! calls have in common crosses no link, and what is left crosses in fewer bytes. And who packs by himself, over a line that is thin.
//!
//! ```text
//!   island a: consumers on 2.7 and 3.3 ─▶ egress ═▶ hub ◀═ ingress ─▶ provider on 3.3, island b
//! ```
#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use highway_tests::boxes::{Load, Stage};
use lab::boxes::Kind;
use lab::install::Release;
use lab::line::{Line, Plan};
use lab::peer::{Application, Call, DUBBO_PORT, GREETING, Refer, Service};
use lab::process::until;
use serde_json::{Value, json};

/// Calls of each consumer.
const CALLS: u32 = 200;

fn sum(page: &str, name: &str) -> f64 {
    // One line for each transport.
    page.lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix('{')?.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}

#[test]
fn what_calls_of_java_have_in_common_crosses_no_link_the_rest_is_packed_and_every_answer_is_its_own() {
    let packed = "compress = \"on\"\n";
    let line = Line::start(Plan::new("a", "b").also_hub(packed).in_hub(packed)).unwrap();
    let line = line.watched();
    let provider = Application::new("provider", Release::V3_3_6)
        .port(line.island("b").place().listen(DUBBO_PORT).unwrap().port())
        .service(Service::new(GREETING, "provider-in-b"));
    let _provider = line.application("b", provider).unwrap();
    line.island("a").finds(GREETING).unwrap();
    for release in [Release::V2_7_23, Release::V3_3_6] {
        let name = format!("consumer-{}", release.version());
        let consumer = line.application("a", Application::new(&name, release)).unwrap();
        consumer.refer(&Refer::new("greeting", GREETING).patient().timeout(Duration::from_secs(10))).unwrap();
        for number in 0..CALLS {
            let own = format!("{name} says {number} {}", "at length ".repeat(number as usize % 40));
            let answer = consumer.call(&Call::new("greeting", "sayHello", [json!(own)])).unwrap().returned();
            assert!(answer.as_str().is_some_and(|text| text.contains(&own)), "{answer:?}");
        }
    }
    let of = |page: String, way: &str, how: &str| sum(&page, &format!("highway_link_{way}_{how}_bytes_total"));
    let (egress, ingress) = (line.island("a").egress(), line.island("b").ingress());
    // Sums are raised when links are looked after, twenty times a second. A call of these repeats at least 300 bytes; what is left is some 200 bytes
    // of repeated words on an average.
    for (how, a_call) in [("saved", 250.0), ("packed", 50.0)] {
        let least = f64::from(2 * CALLS) * a_call;
        let enough = || {
            let sent = of(egress.metrics().unwrap(), "sent", how);
            let came = of(ingress.metrics().unwrap(), "received", how);
            (sent > least && came > least).then_some(())
        };
        until(&format!("bytes are {how} on both links"), Duration::from_secs(5), enough)
            .unwrap_or_else(|error| panic!("{error:#}: {}", egress.metrics().unwrap()));
        let answers = of(egress.metrics().unwrap(), "received", how);
        assert!(answers > f64::from(CALLS) * 20.0, "answers too: {answers} {how}");
    }
}

/// Some 2 KB of words, others in each call of a connection: a model knows none of them, and they are compressed to less than half.
fn words(number: i64) -> String {
    const WORDS: [&str; 16] = [
        "order",
        "customer",
        "address",
        "quantity",
        "amount",
        "currency",
        "shanghai",
        "shipped",
        "returned",
        "discount",
        "invoice",
        "warehouse",
        "tracking",
        "reference",
        "comment",
        "priority",
    ];
    let mut state = number.unsigned_abs();
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        WORDS[(state >> 60) as usize]
    };
    let words: Vec<&str> = std::iter::repeat_with(&mut word).take(220).collect();
    format!("{} {number:016x}", words.join(" "))
}

#[test]
fn a_link_that_may_packs_by_itself_while_its_line_is_full_and_no_longer() {
    let auto = "compress = \"auto\"\n";
    let stage = Stage::planned(&[Kind::of("none").unwrap()], Plan::new("a", "b").also_hub(auto).in_hub(auto)).unwrap();
    let leg = &stage.legs[0];
    let (egress, island) = (stage.egress(leg), stage.line.island("a").place());
    let links = || -> Vec<Value> {
        let status = egress.status().unwrap();
        let hubs = status["shards"].as_array().unwrap().iter().flat_map(|shard| shard["hubs"].as_array().unwrap());
        hubs.flat_map(|hub| hub["links"].as_array().unwrap()).cloned().collect()
    };
    let packs = || links().iter().any(|link| link["packs"].as_bool().unwrap());
    assert!(!packs(), "nothing has been called");
    // What is slow is slow beside what a ping takes on a link that is empty.
    let is_measured = || links().iter().all(|link| link["rtt_us"].as_u64() > Some(0)).then_some(());
    until("each link has had a ping", Duration::from_secs(30), is_measured).unwrap();
    // Of what the programs can carry, built as for tests, on a busy machine too.
    stage.line.lab.net.thin(island, "4mbit").unwrap();
    let load = Load::saying(words, island, stage.address(leg), &leg.service(), 4).unwrap();
    until("the link is known to be full", Duration::from_secs(60), || packs().then_some(()))
        .unwrap_or_else(|error| panic!("{error:#}\n{}\n{}", egress.status().unwrap(), stage.last_words(leg)));
    let packed = || sum(&egress.metrics().unwrap(), "highway_link_sent_packed_bytes_total");
    until("calls are packed", Duration::from_secs(30), || (packed() > 10_000.0).then_some(())).unwrap();
    let outcome = load.finish();
    assert!(outcome.failed.is_empty() && outcome.answered() > 100, "{outcome:?}");
    until("nothing is packed any more", Duration::from_secs(90), || (!packs()).then_some(())).unwrap();
}
