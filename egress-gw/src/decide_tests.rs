//! Rules on the way of a call: decided once for calls of one kind, picked call by call.

use std::sync::Arc;
use std::time::SystemTime;

use route::rules::{Rules, parse};
use route::{BesideLocal, Health, ImportRule, Imports, Known, Offer, Snapshot, Verdict, View};
use wire::tunnel::catalogue::ServiceKey;
use wire::tunnel::head::Flags;

use crate::knowledge::{Consumers, Knowledge};
use crate::testing::*;

/// A gateway of island `cloud` under this document; shanghai and beijing offer the greeter, and links say calls to beijing plainly.
fn gate(document: &str) -> Gate {
    let greeter = ServiceKey { interface: "com.acme.Greeter".to_owned(), ..ServiceKey::default() };
    let offer = |island: &str| (greeter.clone().into(), Offer { island: island.into(), health: Health::Healthy });
    let rule = |island: &str, plain| ImportRule {
        island: island.parse().unwrap(),
        service: "*".parse().unwrap(),
        verdict: Verdict::Import,
        beside_local: BesideLocal::Never,
        idempotent: Vec::new(),
        plain,
    };
    let document = Arc::new(parse("shop", document).unwrap());
    let known = Known {
        own_island: "cloud".into(),
        view: View::Complete,
        imports: Imports::new(vec![rule("beijing", true), rule("*", false)]),
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
        assert_eq!(gate.core.decisions.kept(), 1, "the key is no part of what is decided");
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
        assert_eq!(gate.core.decisions.kept(), 2);
    });
}

#[test]
fn links_are_told_of_calls_that_an_import_wants_plain() {
    on_shard(async {
        let gate = gate("rules: []");
        let mut consumer = gate.consumer().await;
        let to = |id, island| call(id, "greet", &[("highway.target", island)]);
        consumer.send(&[to(1, "beijing"), to(2, "shanghai")].concat()).await;
        let sent = gate.link().calls(2).await;
        let plain: Vec<bool> = sent.iter().map(|opened| opened.head().flags.contains(Flags::PLAIN)).collect();
        assert_eq!(plain, [true, false]);
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

/// The same gateway, whose registry has these consumers from now on.
fn know(gate: &Gate, consumers: Consumers) {
    let snapshot = gate.core.knowledge.load().snapshot.clone();
    gate.core.knowledge.store(Arc::new(Knowledge { snapshot, consumers, ..Knowledge::default() }));
}

#[test]
fn parameters_of_the_reference_say_where_a_method_goes_and_what_they_say_is_part_of_what_is_decided() {
    on_shard(async {
        let gate = gate("rules: [{name: all, act: {island: beijing}}]");
        know(
            &gate,
            references(&[("shop", &[("highway.shanghai", "greet"), ("highway.beijing", "pay")]), ("billing", &[])]),
        );
        let of = |id, application, method| call(id, method, &[("remote.application", application)]);
        let calls = [of(1, "shop", "greet"), of(2, "shop", "pay"), of(3, "billing", "greet")];
        assert_eq!(islands(&gate, &calls).await, ["shanghai", "beijing", "beijing"]);
        // The same snapshot, so that only the words tell the decisions apart.
        know(&gate, references(&[("shop", &[("highway.beijing", "ALL")])]));
        gate.link().opened.borrow_mut().clear();
        assert_eq!(islands(&gate, &[of(4, "shop", "greet")]).await, ["beijing"]);
    });
}

#[test]
fn a_registry_that_is_read_anew_and_says_the_same_makes_no_decision_anew() {
    on_shard(async {
        let gate = gate("rules: [{name: all, act: {island: beijing}}]");
        for (zone, kept) in [("a", 1), ("a", 1), ("b", 2), ("a", 2)] {
            know(&gate, references(&[("shop", &[("highway.shanghai", "ALL"), ("zone", zone)])]));
            gate.link().opened.borrow_mut().clear();
            assert_eq!(islands(&gate, &[call(1, "greet", &[("remote.application", "shop")])]).await, ["shanghai"]);
            assert_eq!(gate.core.decisions.kept(), kept, "{zone}");
        }
    });
}

#[test]
fn references_that_contradict_each_other_or_the_call_are_refused_with_both_named() {
    on_shard(async {
        let gate = gate("rules: []");
        know(&gate, references(&[("shop", &[("highway.shanghai", "ALL")]), ("shop", &[("highway.beijing", "ALL")])]));
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[("remote.application", "shop")])).await;
        let text = consumer.answer().await.text;
        assert!(text.contains("`shanghai`") && text.contains("`beijing`") && text.contains("tag"), "{text}");
        know(&gate, references(&[("shop", &[("highway.shanghai", "ALL")])]));
        consumer.send(&call(2, "greet", &[("remote.application", "shop"), ("highway.target", "beijing")])).await;
        let text = consumer.answer().await.text;
        assert!(text.contains("attachment highway.target names island `beijing`"), "{text}");
        assert!(text.contains("parameter") && text.contains("`shanghai`"), "{text}");
        consumer.send(&call(3, "other", &[("remote.application", "elsewhere"), ("highway.target", "beijing")])).await;
        assert_eq!(gate.link().calls(1).await[0].frame[11], 3);
    });
}

/// A method that its reference does not name stays here, and is refused where nobody offers it here.
#[test]
fn a_method_that_is_not_named_goes_to_no_island() {
    on_shard(async {
        let gate = gate("rules: [{name: all, act: {island: beijing}}]");
        know(&gate, references(&[("shop", &[("highway.shanghai", "greet")])]));
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "other", &[("remote.application", "shop")])).await;
        let text = consumer.answer().await.text;
        assert!(text.contains("has no provider of `com.acme.Greeter`"), "{text}");
        assert!(gate.link().opened.borrow().is_empty());
    });
}

#[test]
fn rules_read_the_parameters_of_the_consumers_node() {
    on_shard(async {
        let gate = gate(
            "rules: [{name: east, match: {parameters: {zone: 'cn-east*'}}, act: {island: beijing}}, {name: all, act: {island: shanghai}}]",
        );
        know(&gate, references(&[("shop", &[("zone", "cn-east-1")]), ("billing", &[("zone", "cn-west-1")])]));
        let of = |id, application| call(id, "greet", &[("remote.application", application)]);
        assert_eq!(
            islands(&gate, &[of(1, "shop"), of(2, "billing"), of(3, "other")]).await,
            ["beijing", "shanghai", "shanghai"]
        );
        know(&gate, references(&[("shop", &[("zone", "cn-west-1")])]));
        gate.link().opened.borrow_mut().clear();
        assert_eq!(islands(&gate, &[of(4, "shop")]).await, ["shanghai"]);
    });
}

#[test]
fn a_failover_of_a_rule_goes_on_to_the_next_island() {
    on_shard(async {
        let gate = gate("rules: [{name: both, act: {failover: [shanghai, beijing]}}]");
        let mut consumer = gate.consumer().await;
        consumer.send(&patient(1)).await;
        let token = gate.link().calls(1).await[0].token;
        gate.refuse(token, no_link());
        gate.link().calls(2).await;
        assert_eq!(gate.destinations(), ["shanghai", "beijing"]);
    });
}
