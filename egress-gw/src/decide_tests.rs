//! Rules on the way of a call: decided once for calls of one kind, picked call by call.

use std::sync::Arc;
use std::time::SystemTime;

use route::rules::{Rules, parse};
use route::{BesideLocal, Health, ImportRule, Imports, Known, Offer, Snapshot, Verdict, View};
use wire::tunnel::catalogue::ServiceKey;

use crate::knowledge::Knowledge;
use crate::testing::*;

/// A gateway of island `cloud` under this document; shanghai and beijing offer the greeter.
fn gate(document: &str) -> Gate {
    let greeter = ServiceKey { interface: "com.acme.Greeter".to_owned(), ..ServiceKey::default() };
    let offer = |island: &str| (greeter.clone().into(), Offer { island: island.into(), health: Health::Healthy });
    let all = ImportRule {
        island: "*".parse().unwrap(),
        service: "*".parse().unwrap(),
        verdict: Verdict::Import,
        beside_local: BesideLocal::Never,
        idempotent: Vec::new(),
    };
    let document = Arc::new(parse("shop", document).unwrap());
    let known = Known {
        own_island: "cloud".into(),
        view: View::Complete,
        imports: Imports::new(vec![all]),
        offers: vec![offer("shanghai"), offer("beijing")],
        rules: Arc::new(Rules::new([document], SystemTime::UNIX_EPOCH).unwrap()),
        ..Known::default()
    };
    let knowledge = Knowledge { snapshot: Arc::new(Snapshot::new(1, known)), ..Knowledge::default() };
    GateBuilder { knowledge, ..GateBuilder::default() }.open()
}

/// To which island each of these calls goes, sent one behind the other.
async fn islands(gate: &Gate, calls: &[Vec<u8>]) -> Vec<String> {
    let mut consumer = gate.consumer().await;
    consumer.send(&calls.concat()).await;
    let sent = gate.link().calls(calls.len()).await;
    sent.iter().map(|opened| opened.head().destination.to_owned()).collect()
}

#[test]
fn a_split_is_decided_once_and_keeps_calls_with_one_key_together() {
    on_shard(async {
        let gate =
            gate("rules: [{name: r, act: {split: {to: {shanghai: 50, beijing: 50}, sticky: {attachment: user}}}}]");
        let calls: Vec<Vec<u8>> = (0..60)
            .map(|id| call(id, "greet", &[("user", ["bo", "li", "an", "wu", "xu", "yi"][id as usize % 6])]))
            .collect();
        let went = islands(&gate, &calls).await;
        assert_eq!(gate.core.cache.borrow().entries(), 1, "the key is no part of what is decided");
        assert!(went.iter().zip(went.iter().skip(6)).all(|(one, next)| one == next), "{went:?}");
        assert!(went.contains(&"shanghai".to_owned()) && went.contains(&"beijing".to_owned()), "{went:?}");
    });
}

#[test]
fn a_split_without_a_key_goes_to_all_by_weight() {
    on_shard(async {
        let gate = gate("rules: [{name: r, act: {split: {to: {shanghai: 50, beijing: 50}}}}]");
        let calls: Vec<Vec<u8>> = (0..200).map(|id| call(id, "greet", &[])).collect();
        let went = islands(&gate, &calls).await;
        let shanghai = went.iter().filter(|island| *island == "shanghai").count();
        // Wrong by chance once in some thousand million runs.
        assert!((58..142).contains(&shanghai), "{shanghai} of 200");
    });
}

#[test]
fn calls_that_rules_tell_apart_by_an_attachment_are_decided_apart() {
    on_shard(async {
        let gate = gate(
            "rules: [{name: gray, match: {attachments: {env: 'gray*'}}, act: {island: beijing}}, {name: all, act: {island: shanghai}}]",
        );
        let calls = [
            call(1, "greet", &[("env", "gray1")]),
            call(2, "greet", &[]),
            call(3, "greet", &[("env", "gray2")]),
            call(4, "greet", &[("env", "blue")]),
        ];
        assert_eq!(islands(&gate, &calls).await, ["beijing", "shanghai", "beijing", "shanghai"]);
        assert_eq!(gate.core.cache.borrow().entries(), 2);
    });
}

#[test]
fn what_a_switch_says_stands_in_the_exception_that_its_caller_reads() {
    on_shard(async {
        let gate = gate("switches: [{name: off, island: beijing, say: 'stopped until 18:00, call 555'}]");
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[("highway.target", "beijing")])).await;
        let told = consumer.answer().await;
        assert_eq!(told.status, wire::dubbo::frame::Status::OK, "an exception, which no consumer repeats");
        assert!(told.text.contains("stopped by switch `shop/off`: stopped until 18:00, call 555"), "{}", told.text);
    });
}

#[test]
fn a_target_with_control_characters_is_refused_in_clean_words() {
    on_shard(async {
        let gate = gate("rules: []");
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[("highway.target", "bei\njing\u{1b}[31m")])).await;
        let told = consumer.answer().await;
        assert!(
            told.text.contains("attachment highway.target names `bei?jing?[31m`, which is no target"),
            "{}",
            told.text
        );
    });
}
