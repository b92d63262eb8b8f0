//! What the rules say of the calls of this process: by all that is on the wire of them, and kept for calls of a kind.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use route::rules::{Rules, parse};
use route::{Known, View};

use super::*;

fn greet(attachments: &[(&'static str, &str)]) -> Request {
    let attachments = attachments.iter().map(|(key, text)| (Cow::Borrowed(*key), (*text).to_owned()));
    let bare = Request::bare(zk_bridge::ServiceKey::new("com.acme.Greeter", Some("g"), None), "shop");
    Request { attachments: attachments.collect(), ..bare }
}

/// These rules, with a provider of the service in the own island.
fn ground(rules: &str) -> Ground {
    ground_with(rules, &[&greet(&[]).of.service])
}

fn ground_with(rules: &str, local: &[&zk_bridge::ServiceKey]) -> Ground {
    let document = Arc::new(parse("d", rules).unwrap());
    let rules = Arc::new(Rules::new([document], SystemTime::UNIX_EPOCH).unwrap());
    let local = local.iter().map(|service| service_key(service).into()).collect();
    let known = Known { view: View::Complete, local, rules, ..Known::default() };
    Ground { snapshot: Snapshot::new(0, known), source: None }
}

#[test]
fn rules_see_service_method_application_and_attachments_as_they_are_sent() {
    let begins = |condition: &str, request: &Request| {
        let rules = format!("rules: [{{name: r, match: {{{condition}}}, act: {{island: local}}}}]");
        Rulings::default().near(request, None, &ground(&rules)).unwrap() == Near::Local
    };
    let gray = greet(&[("env", "gray-1")]);
    for meant in [
        "service: 'g/com.acme.Greeter'",
        "methods: ['gre*']",
        "application: shop",
        "attachments: {env: 'gray*'}",
        "attachments: {group: g, path: com.acme.Greeter}",
    ] {
        assert!(begins(meant, &gray), "{meant}");
    }
    for other in ["service: com.acme.Greeter:2.0", "methods: [x]", "application: x", "attachments: {env: blue}"] {
        assert!(!begins(other, &gray), "{other}");
    }
    let generic = Request { method: "$invoke".into(), meant: Some("greet".into()), ..greet(&[]) };
    assert!(begins("methods: [greet]", &generic), "the method that runs");
}

#[test]
fn what_was_said_is_said_again_to_calls_of_the_kind_and_to_no_other() {
    let rules = ground(
        "rules: [{name: r, match: {attachments: {user: 'a*'}}, act: {refuse: no}}, {name: s, act: {island: local}}]",
    );
    let rulings = Rulings::default();
    for _ in 0..3 {
        for (user, is_refused) in [("bo", false), ("al", true), ("cy", false), ("an", true)] {
            let near = rulings.near(&greet(&[("user", user)]), None, &rules);
            assert_eq!(near.is_err(), is_refused, "{user}: {near:?}");
        }
        assert_eq!(rulings.near(&greet(&[]), Some("shanghai"), &rules), Ok(Near::Gateway));
        assert_eq!(rulings.near(&greet(&[]), Some(LOCAL), &rules), Ok(Near::Local));
    }
    assert_eq!(rulings.kept.borrow().len(), 4, "one user more makes no kind more");
    let methods = ground("rules: [{name: r, match: {methods: [greet]}, act: {refuse: no}}]");
    rulings.forget();
    for (method, is_refused) in [("greet", true), ("part", false), ("greet", true)] {
        let near = rulings.near(&Request { method: method.into(), ..greet(&[]) }, None, &methods);
        assert_eq!(near.is_err(), is_refused, "{method}: {near:?}");
    }
    rulings.forget();
    assert!(rulings.kept.borrow().is_empty());
}

#[test]
fn without_rules_nothing_is_asked_and_nothing_kept() {
    let (rulings, none) = (Rulings::default(), Ground::default());
    for (target, near) in [(None, Near::Listed), (Some(LOCAL), Near::Local), (Some("shanghai"), Near::Gateway)] {
        assert_eq!(rulings.near(&greet(&[]), target, &none), Ok(near));
    }
    assert!(rulings.kept.borrow().is_empty());
}

#[test]
fn the_own_address_is_the_one_towards_gateways_where_all_see_the_same() {
    let at = |host: &str| Endpoint::new(host, 20880);
    assert_eq!(own_address([at("127.0.0.1"), at("127.0.0.1")].iter()), Some([127, 0, 0, 1].into()));
    assert_eq!(own_address([].iter()), None);
    assert_eq!(own_address([at("127.0.0.1"), at("gateway.example")].iter()), None, "a name may be anywhere");
}

#[test]
fn a_call_waits_to_know_the_rules_only_where_no_gateway_and_no_address_decides() {
    let (rulings, call) = (Rulings::default(), greet(&[]));
    let begins = |way, target| rulings.begins(&call, way, target, None);
    for target in [None, Some(LOCAL)] {
        assert!(matches!(begins(Way::Registry, target), Err(Refusal::NotYetKnown { .. })), "{target:?}");
    }
    assert_eq!(begins(Way::Registry, Some("shanghai")), Ok(Near::Gateway));
    assert_eq!(begins(Way::Addresses, None), Ok(Near::Listed));
    // Of a service that is not looked up the registry knows no provider.
    let refuses = ground_with("rules: [{name: r, act: {refuse: no}}]", &[]);
    let off = ground_with("switches: [{name: s, say: closed}]", &[]);
    for (target, near) in [(None, Near::Listed), (Some(LOCAL), Near::Local)] {
        assert_eq!(rulings.begins(&call, Way::Addresses, target, Some(&refuses)), Ok(near), "the caller has said it");
    }
    rulings.forget();
    for target in [None, Some(LOCAL)] {
        assert!(rulings.begins(&call, Way::Addresses, target, Some(&off)).is_err(), "{target:?}");
    }
}
