//! Calls between released Dubbo on both sides, said by models and packed on both links: each consumer reads the answer to its own call, most of what the
//! calls have in common crosses no link, and what is left crosses in fewer bytes.
//!
//! ```text
//!   island a: consumers on 2.7 and 3.3 ─▶ egress ═▶ hub ◀═ ingress ─▶ provider on 3.3, island b
//! ```
#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use lab::install::Release;
use lab::line::{Line, Plan};
use lab::peer::{Application, Call, DUBBO_PORT, GREETING, Refer, Service};
use lab::process::until;
use serde_json::json;

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
