//! Tests of the page that explains.

use std::time::SystemTime;

use route::rules::{self, Rules};
use route::{BesideLocal, ImportRule, Imports, Known, Offer, Verdict, View};
use serde_json::json;

use super::*;
use crate::config::Tagging;
use crate::testing::heard_of;

fn knowledge(rules: &str) -> Knowledge {
    let offer = |island: &str| {
        let key = ServiceKey { interface: "com.acme.Greeter".to_owned(), ..ServiceKey::default() };
        (key.into(), Offer { island: island.into(), health: Health::Healthy })
    };
    let everything = ImportRule {
        island: "*".parse().unwrap(),
        service: "*".parse().unwrap(),
        verdict: Verdict::Import,
        beside_local: BesideLocal::Never,
        idempotent: Vec::new(),
        plain: false,
    };
    let document = rules::parse("shop", rules).unwrap();
    let known = Known {
        own_island: "cloud".into(),
        view: View::Complete,
        imports: Imports::new(vec![everything]),
        offers: vec![offer("shanghai"), offer("beijing")],
        rules: Arc::new(Rules::new([Arc::new(document)], SystemTime::UNIX_EPOCH).unwrap()),
        ..Known::default()
    };
    let hubs = [("shanghai".to_owned(), vec!["hub-1".to_owned()])].into();
    Knowledge {
        snapshot: Arc::new(Snapshot::new(1, known)),
        islands: heard_of(&["shanghai", "beijing"]),
        hubs,
        ..Knowledge::default()
    }
}

const RULES: &str = "rules:\n  - name: gray\n    match: { application: shop, attachments: { env: \"gray*\" } }\n    act: { island: shanghai }\n";

fn ask(question: serde_json::Value) -> Result<Answer, Unclear> {
    Ok(ask_both(question)?.0)
}

/// The answer, and the islands about which hubs are to be asked.
fn ask_both(question: serde_json::Value) -> Result<(Answer, Vec<String>), Unclear> {
    let port = |island: &str| (Some(island.into()), "127.0.0.1:1".parse().unwrap());
    let ports =
        Ports::new(vec![(None, "127.0.0.1:1".parse().unwrap()), port("beijing"), port("shanghai"), port("beijing")]);
    let question = serde_json::from_value(question).unwrap();
    let (answer, calls) = explain(&question, &knowledge(RULES), &Tags::new(Tagging::ByIsland, &[]), &ports)?;
    for call in &calls {
        assert_eq!((&*call.service, &*call.method, call.serialization), ("com.acme.Greeter", "greet", 2));
    }
    Ok((answer, calls.into_iter().map(|call| call.destination).collect()))
}

#[test]
fn a_port_that_is_not_configured_is_refused_with_those_that_are() {
    let told = ask(json!({ "service": "com.acme.Greeter", "method": "greet", "port": "moscow" })).unwrap_err();
    assert_eq!(
        told.to_string(),
        "port: found \"moscow\", wanted an island that has a port of its own here: beijing, shanghai"
    );
    let question = serde_json::from_value(json!({ "service": "a.B", "method": "m", "port": "b" })).unwrap();
    let none =
        explain(&question, &knowledge(RULES), &Tags::default(), &Ports::default()).map(|_| ()).unwrap_err().to_string();
    assert!(none.contains("gives no island a port of its own"), "{none}");
}

#[test]
fn hubs_are_asked_about_where_the_call_goes_where_it_was_expected_and_whom_it_names() {
    let asked = |more: serde_json::Value| {
        let mut question = json!({ "service": "com.acme.Greeter", "method": "greet", "application": "shop" });
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ask_both(question).unwrap().1
    };
    let gray = json!({ "env": "gray-7" });
    assert_eq!(asked(json!({ "attachments": gray })), ["shanghai"]);
    assert_eq!(asked(json!({ "attachments": gray, "why_not": "atlantis" })), ["shanghai", "atlantis"]);
    // Refused: an island that no hub shows here, a word that is none, and the own one, about which no hub decides.
    assert_eq!(asked(json!({ "attachments": { "highway.target": "atlantis" } })), ["atlantis"]);
    assert_eq!(asked(json!({ "attachments": { "highway.target": "no island" } })), Vec::<String>::new());
    assert_eq!(asked(json!({ "attachments": { "highway.target": "cloud" } })), Vec::<String>::new());
    assert_eq!(asked(json!({})), ["beijing", "shanghai"]);
}

#[test]
fn a_call_passes_unless_every_hub_that_answers_refuses_it() {
    let gray = json!({ "service": "com.acme.Greeter", "method": "greet", "application": "shop", "attachments": { "env": "gray-7" } });
    let passes = |hubs: &[Says]| {
        let hubs = hubs.iter().map(|says| HubSays { verdict: *says, ..HubSays::default() }).collect();
        ask(gray.clone()).unwrap().judged(&["shanghai".to_owned()], vec![hubs]).passes
    };
    assert!(passes(&[Says::Granted]) && passes(&[Says::Refused, Says::Granted]));
    assert!(passes(&[]) && passes(&[Says::Nothing]), "nobody says no");
    assert!(!passes(&[Says::Refused]) && !passes(&[Says::Refused, Says::Nothing]));
    let refused = ask(json!({ "service": "com.acme.Greeter", "method": "greet" })).unwrap();
    assert!(!refused.judged(&[], Vec::new()).passes);
}

#[test]
fn a_rule_that_leads_somewhere_is_named_with_what_is_known_of_the_place() {
    let answer = ask(json!({
        "service": "com.acme.Greeter", "method": "greet", "application": "shop", "attachments": { "env": "gray-7" },
        "why_not": "beijing",
    }))
    .unwrap();
    assert_eq!(answer.goes.as_deref(), Some("`shanghai`"), "{answer:?}");
    assert!(answer.reason.as_deref().unwrap().contains("shop/gray"), "{:?}", answer.reason);
    let [target] = &answer.targets[..] else { panic!("{:?}", answer.targets) };
    assert_eq!((target.target.as_str(), target.up, &target.hubs[..]), ("shanghai", true, &["hub-1".to_owned()][..]));
    assert!(answer.why_not.unwrap().contains("stands above"));
    assert!(answer.steps.iter().any(|step| step.found.contains("highway.target")), "{:?}", answer.steps);
}

#[test]
fn a_refusal_is_told_as_the_caller_would_read_it() {
    let silent = ask(json!({ "service": "com.acme.Greeter", "method": "greet", "why_not": "atlantis" })).unwrap();
    assert_eq!(silent.goes, None);
    assert!(silent.refused.unwrap().contains("offered by `beijing`, `shanghai`"));
    assert!(silent.why_not.unwrap().contains("`atlantis`, which is not known here"));
    let said = json!({ "highway.target": "beijing", "dubbo.tag": "shanghai" });
    let both = ask(json!({ "service": "com.acme.Greeter", "method": "greet", "attachments": said })).unwrap();
    assert!(both.refused.unwrap().contains("make them agree"));
    let port =
        ask(json!({ "service": "com.acme.Greeter", "method": "greet", "port": "beijing", "why_not": "beijing" }));
    let port = port.unwrap();
    assert_eq!(port.goes.as_deref(), Some("`beijing`"));
    assert_eq!(port.why_not.as_deref(), Some("it may go to `beijing`"));
}

/// The attachments of a call stand over what else it says, here as there.
#[test]
fn a_question_is_understood_as_a_call_would_be() {
    let said = json!({ "path": "com.acme.Other" });
    let answer = ask(json!({ "service": "g/com.acme.Greeter:1.0", "method": "greet", "attachments": said }));
    let told = answer.map(|answer| answer.call).map_err(|unclear| unclear.to_string());
    // A key that decides may stand there once.
    assert!(told.as_ref().is_err_and(|told| told.contains("path")), "{told:?}");
    let plain = ask(json!({ "service": "g/com.acme.Greeter:1.0", "method": "greet" })).unwrap();
    assert_eq!(plain.call, "g/com.acme.Greeter:1.0#greet");
}

#[test]
fn what_is_no_service_is_said() {
    for service in ["", "/com.acme.Greeter", "com.acme.Greeter:", "g/"] {
        let told = ask(json!({ "service": service, "method": "greet" })).unwrap_err().to_string();
        assert!(told.contains("wanted [group/]interface[:version]"), "{service:?}: {told}");
    }
    assert!(serde_json::from_value::<Question>(json!({ "service": "a.B", "method": "m", "aplication": "x" })).is_err());
}
