//! A provider of the SDK, called by unmodified Java consumers of each release, and by dubbo-go, straight at its address.
//!
//! What a case of the compatibility matrix is to a consumer with a provider of its own release, it is with ours: values, exceptions,
//! ways to call, sizes, many callers. What differs stands in `DIFFERS` with a reason, and must differ.
//!
//! | file | what |
//! |---|---|
//! | `stage.rs` | the consumers, each a provider too; ours |
//! | `services.rs` | the services of the lab, in Rust |
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod services;
mod stage;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use highway_sdk::Codec;
use highway_sdk::provider::{Drained, Invocation, Provider, Service};
use highway_tests::matrix::cases;
use lab::install::Release;
use lab::peer::{Answer, Call, GREETING, INTEROP, Peer, Refer};
use lab::process::until;
use serde_json::{Value, json};

use stage::{runtime, stage, url};

/// Cases that are something else with ours for every consumer: what there is to see, and why.
const DIFFERS: [(&[&str], &str, &str); 6] = [
    (&["text.half-a-pair"], "not well-formed", "half a surrogate pair has no form in Rust"),
    (&["object", "object.cycle", "object.shared"], "returned", "what is one object twice becomes two"),
    (&["generic.objects"], "com.example.Order", "a provider with the class puts nulls where the map has nothing"),
    (&["attachments.object"], "no method attached", "ours takes text alone"),
    (&["letters"], "argument N of letter", "half a surrogate pair has no form in Rust"),
    (&["payload.reply-over"], "too large: N, max payload: N", "ours says what to do"),
];
/// The same for those that call in hessian2.
const DIFFERS_IN_HESSIAN2: [(&[&str], &str, &str); 1] =
    [(&["payload.reply"], "\"[B\":\"8387836 bytes ", "Java writes bytes in more pieces, so that fewer fit")];
/// The same for those that call in fastjson2.
const DIFFERS_IN_FASTJSON2: [(&[&str], &str, &str); 4] = [
    (&["payload.reply"], "\"[B\":\"8388585 bytes ", "ours says nothing beside them, so that more fit"),
    (&["optional"], "null", "in Rust an empty `Optional` is null, as a method that gives null says it"),
    (&["date.java-time"], "returned", "ours takes an `Instant` that Java's own provider does not read"),
    (
        &["enum.in-map", "list", "queue", "empty"],
        "is not in allow list",
        "ours takes any class; it comes back, and Java refuses it there",
    ),
];
/// Cases that are about a provider's words or its filters.
const NOT_OURS: [&str; 9] = [
    "thrown.unknown-class",
    "generic.unknown-method",
    "generic.nativejava",
    "generic.bean",
    "generic.protobuf-json",
    "attachments.request",
    "attachments.reply",
    "any-group",
    "any-version",
];

#[test]
fn a_case_is_with_ours_what_it_is_with_javas_own() {
    let stage = stage();
    let (mut bad, mut same, mut other) = (Vec::new(), 0, 0);
    for consumer in &stage.consumers {
        for case in cases::ALL.iter().filter(|case| !NOT_OURS.contains(&case.name) && consumer.calls(case)) {
            let (theirs, ours) = (consumer.with_its_own(case), consumer.with_ours(case));
            let of_codec = match consumer.codec() {
                Codec::Hessian2 => &DIFFERS_IN_HESSIAN2[..],
                Codec::Fastjson2 => &DIFFERS_IN_FASTJSON2[..],
            };
            let differs = DIFFERS.iter().chain(of_codec);
            let shown =
                differs.into_iter().find(|(cases, _, _)| cases.contains(&case.name)).map(|(_, shown, _)| *shown);
            *if theirs == ours { &mut same } else { &mut other } += 1;
            if shown.map_or(theirs != ours, |shown| theirs == ours || !ours.to_string().contains(shown)) {
                bad.push(format!("{} {}\n   theirs {theirs}\n   ours   {ours}", consumer.name(), case.name));
            }
        }
    }
    println!(
        "{same} cases of {} consumers are the same with a provider of ours, {other} differ",
        stage.consumers.len()
    );
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    assert!(same >= 400, "{same}");
}

#[test]
fn a_call_is_answered_in_the_serialization_in_which_it_came() {
    let stage = stage();
    let service =
        Service::new(GREETING).method("sayHello", |call: Invocation| async move { Ok(format!("{:?}", call.codec())) });
    let provider = stage.another(vec![service]);
    for consumer in &stage.consumers {
        let refer = Refer::new("codec", GREETING).url(consumer.at(url(provider.address()))).patient().retries(0);
        consumer.peer.refer(&refer).unwrap();
        let came = consumer.peer.call(&Call::new("codec", "sayHello", [json!("bo")])).unwrap();
        assert_eq!(came.returned(), json!(format!("{:?}", consumer.codec())), "{}", consumer.name());
    }
}

#[test]
fn attachments_travel_both_ways() {
    let mut replied = 0;
    for consumer in &stage().consumers {
        consumer.peer.refer(&consumer.refer("attached", INTEROP)).unwrap();
        consumer.peer.refer(&consumer.refer_to_its_own("attached-own", INTEROP)).unwrap();
        let long = "y".repeat(5_000);
        let call = |reference: &str| {
            let call = Call::new(reference, "attachments", [json!("back 🚀")]).attachment("mine", "there 🚀");
            consumer.peer.call(&call.attachment("empty", "").attachment("long", &long)).unwrap()
        };
        let (answer, theirs) = (call("attached"), call("attached-own"));
        // 2.7 shows no attachments of answers where its reference has a fixed address, whoever answers.
        let reply = |answer: &Answer| answer.attachments.get("reply").cloned();
        assert_eq!(reply(&answer), reply(&theirs), "{}", consumer.name());
        replied += usize::from(reply(&answer).as_deref() == Some("back 🚀"));
        let seen = answer.returned();
        assert_eq!((&seen["mine"], &seen["empty"]), (&json!("there 🚀"), &json!("")), "{}", consumer.name());
        assert_eq!((&seen["long"], &seen["path"]), (&json!(long), &json!(INTEROP)), "{}", consumer.name());
        let next = Call::new("attached", "attachments", [json!("again")]);
        assert_eq!(consumer.peer.call(&next).unwrap().returned().get("mine"), None, "{}", consumer.name());
    }
    assert_eq!(replied, stage().consumers.len() - 1);
}

#[test]
fn dubbo_go_is_served_too() {
    let Some(consumer) = stage().golang() else { return };
    let order = json!({
        "id": 1_u64 << 40, "state": "PAID", "placed": 1_700_000_000_123_u64, "total": 12.5, "discount": 0.5, "gift": true,
        "customer": { "name": "Zoë", "address": { "street": "Long Road 1", "city": "B" } },
        "items": [{ "name": "pear", "count": 1, "price": 1.25 }], "favourites": {}, "note": "n",
    });
    let call = |method, arguments: Value| consumer.call(&Call::new("interop", method, [arguments])).unwrap();
    assert_eq!(call("text", json!("漢字 🚀")).returned(), json!("漢字 🚀"));
    assert_eq!(call("order", order.clone()).returned(), order);
    assert_eq!(call("nothing", json!("x")).returned(), Value::Null);
    assert_eq!(call("bytes", json!({ "length": 100_000, "seed": 7 })).returned()["length"], json!(100_000));
    let thrown = call("declared", json!("no pears")).threw();
    assert!(thrown.text().contains("no pears"), "{thrown:?}");
    let many = consumer.many(&Call::new("interop", "text", [json!("many")]).threads(20, 20)).unwrap();
    assert_eq!((many.ok, many.failed), (400, 0), "{many:?}");
}

#[test]
fn a_panic_is_a_runtime_exception_and_the_next_call_is_answered() {
    let stage = stage();
    let service = Service::new(GREETING).method("sayHello", |call: Invocation| async move {
        let (name,): (String,) = call.args()?;
        assert!(name != "panic", "as the caller wants it");
        Ok(name)
    });
    let provider = stage.another(vec![service]);
    for consumer in &stage.consumers {
        let refer = Refer::new("panics", GREETING).url(url(provider.address())).patient().retries(0);
        consumer.peer.refer(&refer).unwrap();
        let thrown = consumer.peer.call(&Call::new("panics", "sayHello", [json!("panic")])).unwrap().threw();
        let wanted = "the handler of sayHello of com.example.GreetingService has panicked: as the caller wants it";
        assert_eq!((&*thrown.class, thrown.text()), ("java.lang.RuntimeException", wanted), "{}", consumer.name());
        let next = consumer.peer.call(&Call::new("panics", "sayHello", [json!("on it goes")])).unwrap();
        assert_eq!(next.returned(), json!("on it goes"), "{}", consumer.name());
    }
}

/// Steady callers lose no call when one of two providers drains: they are told, and go to the other.
#[test]
fn consumers_move_to_the_other_address_when_a_provider_drains() {
    let stage = stage();
    for consumer in &stage.consumers {
        let greeted = Arc::default();
        let [one, two] = ["one", "two"].map(|label| stage.another(vec![services::greeting(label, &greeted)]));
        // Without a word 2.7 takes fixed addresses for registries.
        let both = [&one, &two].map(|provider| format!("{}?cluster=failover", url(provider.address()))).join(";");
        consumer.peer.refer(&Refer::new("either", GREETING).url(both).patient().retries(0)).unwrap();
        moves(&consumer.peer, consumer.name(), &greeted, one);
    }
}

/// The same where they find the providers in a registry, at whichever level they look.
#[test]
fn a_provider_stands_in_the_registry_until_it_drains() {
    let stage = stage();
    let zookeeper = stage.zookeeper();
    for release in [Release::V2_6_12, Release::V3_3_6] {
        let greeted = Arc::default();
        let [one, two] =
            ["one", "two"].map(|label| stage.registered(&zookeeper, vec![services::greeting(label, &greeted)]));
        let consumer = stage.consumer(release, &zookeeper);
        consumer.refer(&Refer::new("either", GREETING).patient().retries(0)).unwrap();
        let address = one.address();
        let stands = || {
            let nodes = zookeeper.ephemerals().unwrap();
            let at_interface = nodes
                .iter()
                .filter(|node| node.contains(&format!("dubbo%3A%2F%2F{}%3A{}", address.ip(), address.port())))
                .count();
            let as_instance = nodes.iter().filter(|node| node.ends_with(&format!("/ours/{address}"))).count();
            (at_interface, as_instance)
        };
        assert_eq!(stands(), (1, 1));
        moves(&consumer, release.version(), &greeted, one);
        assert_eq!(stands(), (0, 0));
        runtime().block_on(runtime().spawn(two.drain(Duration::from_secs(5)))).unwrap();
        consumer.stop().unwrap();
    }
}

/// Java's consumers read it in the registry, at whichever level they look, and say it by themselves.
#[test]
fn a_token_lets_in_who_comes_by_the_registry_and_nobody_who_does_not_know_it() {
    let stage = stage();
    let zookeeper = stage.zookeeper();
    let greeting = vec![services::greeting("the one with a token", &Arc::default())];
    let provider = stage.registered_with(&zookeeper, greeting, |builder| builder.token("known-in-the-registry"));
    for release in [Release::V2_6_12, Release::V2_7_23, Release::V3_3_6] {
        let consumer = stage.consumer(release, &zookeeper);
        consumer.refer(&Refer::new("found", GREETING).patient().retries(0)).unwrap();
        let hello = consumer.call(&Call::new("found", "sayHello", [json!("bo")])).unwrap().returned();
        assert!(hello.as_str().unwrap().contains("the one with a token"), "{hello} of {}", release.version());
        let straight = Refer::new("straight", GREETING).url(url(provider.address())).patient().retries(0);
        consumer.refer(&straight).unwrap();
        let thrown = consumer.call(&Call::new("straight", "sayHello", [json!("bo")])).unwrap().threw();
        let says = format!("{thrown:?}");
        assert!(says.contains("Invalid token! Forbid invoke remote service"), "{says} of {}", release.version());
        assert!(!says.contains("known-in-the-registry"), "{says}");
        consumer.stop().unwrap();
    }
}

/// Drains `one` under steady calls of the reference `either`, of which all are answered; then all come from `two`.
fn moves(consumer: &Peer, name: &str, greeted: &AtomicU64, one: Provider) {
    const CALLING: Duration = Duration::from_secs(6);
    let call = || Call::new("either", "sayHello", [json!("bo")]);
    until("the consumer calls both providers", Duration::from_secs(30), || {
        let tally = consumer.many(&call().threads(4, 10)).unwrap();
        (tally.failed == 0 && tally.results.len() == 2).then_some(())
    })
    .unwrap();
    let tally = std::thread::scope(|scope| {
        let steady = call().lasting(4, CALLING, Duration::from_millis(5));
        let before = greeted.load(Ordering::Relaxed);
        let calling = scope.spawn(move || consumer.many(&steady).unwrap());
        let is_called = || (greeted.load(Ordering::Relaxed) > before + 100).then_some(());
        until("calls go steadily", Duration::from_secs(30), is_called).unwrap();
        let drained = runtime().block_on(runtime().spawn(one.drain(Duration::from_secs(30)))).unwrap();
        assert_eq!(drained, Drained { cut_off: 0 }, "{name}");
        calling.join().unwrap()
    });
    assert_eq!((tally.failed, &tally.errors), (0, &BTreeMap::new()), "{name}: {tally:?}");
    let after = consumer.many(&call().threads(4, 10)).unwrap();
    let two = json!("Hello bo, this is two").to_string();
    assert_eq!(after.results.keys().collect::<Vec<_>>(), [&two], "{name}");
    println!("{name}: {} calls, {:?}", tally.ok, tally.results);
}
