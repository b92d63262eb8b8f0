//! What the rules say of the calls of this process: by all that is on the wire of them, and kept for calls of a kind.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use route::Known;
use route::rules::{Rules, parse};

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
    Ground { snapshot: Snapshot::new(0, Known { local, rules, ..Known::default() }), source: None }
}

/// All is known, and the call has no tag.
fn facts(ground: Option<&Ground>) -> Facts<'_> {
    Facts { ground, are_overdue: false, providers: View::Complete, tagged: None }
}

impl Rulings {
    /// What comes of a call whose providers are looked up.
    fn looked_up(&self, request: &Request, target: Option<&str>, ground: &Ground) -> Ruled {
        self.begins(request, Way::Registry, target, facts(Some(ground)))
    }
}

#[test]
fn rules_see_service_method_application_and_attachments_as_they_are_sent() {
    let begins = |condition: &str, request: &Request| {
        let rules = format!("rules: [{{name: r, match: {{{condition}}}, act: {{island: local}}}}]");
        Rulings::default().looked_up(request, None, &ground(&rules)).unwrap() == Near::Local
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
            let near = rulings.looked_up(&greet(&[("user", user)]), None, &rules);
            assert_eq!(near.is_err(), is_refused, "{user}: {near:?}");
        }
        assert_eq!(rulings.looked_up(&greet(&[]), Some("shanghai"), &rules), Ok(Near::Gateway));
        assert_eq!(rulings.looked_up(&greet(&[]), Some(LOCAL), &rules), Ok(Near::Local));
    }
    assert_eq!(rulings.kept.borrow().len(), 4, "one user more makes no kind more");
    let methods = ground("rules: [{name: r, match: {methods: [greet]}, act: {refuse: no}}]");
    rulings.forget();
    for (method, is_refused) in [("greet", true), ("part", false), ("greet", true)] {
        let near = rulings.looked_up(&Request { method: method.into(), ..greet(&[]) }, None, &methods);
        assert_eq!(near.is_err(), is_refused, "{method}: {near:?}");
    }
    rulings.forget();
    assert!(rulings.kept.borrow().is_empty());
}

#[test]
fn without_rules_nothing_is_asked_and_nothing_kept() {
    let (rulings, none) = (Rulings::default(), Ground::default());
    for (target, near) in [(None, Near::Listed), (Some(LOCAL), Near::Local), (Some("shanghai"), Near::Gateway)] {
        assert_eq!(rulings.looked_up(&greet(&[]), target, &none), Ok(near));
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
fn a_call_waits_to_know_the_rules_where_no_gateway_decides_and_one_to_given_addresses_only_for_a_while() {
    let (rulings, call) = (Rulings::default(), greet(&[]));
    for target in [None, Some(LOCAL)] {
        for (way, are_overdue, goes) in [
            (Way::Registry, false, false),
            (Way::Registry, true, false),
            (Way::Addresses, false, false),
            (Way::Addresses, true, true),
        ] {
            let begins = rulings.begins(&call, way, target, Facts { are_overdue, ..facts(None) });
            let waits = matches!(begins, Err(Refusal::NotYetKnown { .. }));
            assert_eq!((begins.is_ok(), waits), (goes, !goes), "{way:?} {target:?} {are_overdue}: {begins:?}");
        }
    }
    for way in [Way::Registry, Way::Addresses] {
        assert_eq!(rulings.begins(&call, way, Some("shanghai"), facts(None)), Ok(Near::Gateway));
    }
}

#[test]
fn calls_to_given_addresses_obey_switches_and_nothing_else() {
    let (rulings, call) = (Rulings::default(), greet(&[]));
    // Of a service that is not looked up the registry knows no provider.
    let refuses = ground_with("rules: [{name: r, act: {refuse: no}}]", &[]);
    let off = ground_with("switches: [{name: s, say: closed}]", &[]);
    for tagged in [None, Some("shanghai")] {
        let begins =
            |target, ground| rulings.begins(&call, Way::Addresses, target, Facts { tagged, ..facts(Some(ground)) });
        rulings.forget();
        for (target, near) in [(None, Near::Listed), (Some(LOCAL), Near::Local)] {
            assert_eq!(begins(target, &refuses), Ok(near), "the caller has said it");
        }
        rulings.forget();
        for target in [None, Some(LOCAL)] {
            assert!(begins(target, &off).is_err(), "{target:?}");
        }
    }
}

/// It was read only where a rule was in force.
#[test]
fn a_tag_is_a_word_with_rules_and_without() {
    let (rulings, call) = (Rulings::default(), greet(&[]));
    for ground in [Ground::default(), ground("rules: [{name: r, act: {island: local}}]")] {
        let begins = |target| {
            rulings.begins(&call, Way::Registry, target, Facts { tagged: Some("shanghai"), ..facts(Some(&ground)) })
        };
        assert_eq!(begins(None), Ok(Near::Gateway));
        assert_eq!(begins(Some("shanghai")), Ok(Near::Gateway));
        for other in [LOCAL, "beijing"] {
            assert!(matches!(begins(Some(other)), Err(Refusal::Contradiction { .. })), "{:?}", begins(Some(other)));
        }
        rulings.forget();
    }
}
