//! Which rule or switch decides a call, and in which words. What its act takes stands in `acts_tests.rs`.

use std::collections::BTreeMap;

use super::*;
use crate::decide::{decide, explain};
use crate::import::Imports;
use crate::plan::{Sticky, VALUE_MAX_LEN};
use crate::snapshot::{Known, Offer};
use crate::testing::greeter::*;
use crate::testing::service;

#[test]
fn a_rule_decides_where_the_caller_was_silent_and_only_there() {
    let to_beijing = [("shop", "rules: [{name: r, act: {island: beijing}}]")];
    assert_eq!(decided(&to_beijing, as_it_is, |call| call), "`beijing` by rule `shop/r`");
    let named = decided(&to_beijing, as_it_is, |call| Call { target: Some("shanghai"), ..call });
    assert_eq!(named, "`shanghai` by attachment highway.target");
    let about_others = [("shop", "service: com.acme.Other\nrules: [{name: r, act: {island: beijing}}]")];
    assert!(decided(&about_others, as_it_is, |call| call).contains("the call names none of them"));
}

#[test]
fn all_that_a_rule_says_of_calls_must_hold() {
    let about = |condition: &str, ask: fn(Call<'static>) -> Call<'static>| {
        let text = format!("rules: [{{name: r, match: {{{condition}}}, act: {{island: beijing}}}}]");
        decided(&[("shop", &text)], as_it_is, ask).starts_with("`beijing`")
    };
    let same = |call| call;
    for holds in [
        "methods: [x, 'say*']",
        "application: 'sh*'",
        "service: 'g1/com.acme.*'",
        "attachments: {user: {present: false}}",
    ] {
        assert!(about(holds, same), "{holds}");
    }
    for fails in [
        "methods: [x]",
        "application: billing",
        "service: 'g2/com.acme.*'",
        "attachments: {user: {present: true}}",
        "attachments: {user: '*'}",
        "source: [10.1.0.0/16]",
        "parameters: {zone: '*'}",
        "methods: ['say*'], application: billing",
    ] {
        assert!(!about(fails, same), "{fails}");
    }
    let texts: &'static BTreeMap<String, String> =
        Box::leak(Box::new([("user".to_owned(), "gray 7".to_owned())].into()));
    TEXTS.set(texts).unwrap();
    let told = |call| Call {
        attachments: TEXTS.get().unwrap(),
        parameters: *TEXTS.get().unwrap(),
        source: Some([10, 1, 2, 3].into()),
        ..call
    };
    for holds in [
        "attachments: {user: 'gray*'}",
        "attachments: {user: {present: true}}",
        "parameters: {user: '* 7'}",
        "source: [10.2.0.0/16, 10.1.0.0/16]",
    ] {
        assert!(about(holds, told), "{holds}");
    }
    for fails in [
        "attachments: {user: {present: false}}",
        "attachments: {user: blue}",
        "attachments: {user: 'gray*', env: x}",
        "source: [10.2.0.0/16]",
    ] {
        assert!(!about(fails, told), "{fails}");
    }
}

static TEXTS: std::sync::OnceLock<&'static BTreeMap<String, String>> = std::sync::OnceLock::new();

#[test]
fn an_attachment_of_a_megabyte_is_there_and_like_no_pattern() {
    let texts: &'static BTreeMap<String, String> =
        Box::leak(Box::new([("user".to_owned(), "a".repeat(1 << 20))].into()));
    let text = "rules: [{name: like, match: {attachments: {user: 'a*'}}, act: {island: beijing}}, {name: there, match: {attachments: {user: {present: true}}}, act: {island: shanghai}}]";
    let ask = |call| Call { attachments: texts, ..call };
    assert_eq!(decided(&[("shop", text)], as_it_is, ask), "`shanghai` by rule `shop/there`");
    let by_user = Sticky::Attachment("user".into());
    by_user.with_key(texts, None, None, |key| assert_eq!(key.unwrap().len(), VALUE_MAX_LEN));
}

#[test]
fn an_application_that_nobody_knows_is_meant_only_by_a_star() {
    let about = |application: &str| {
        let text = format!("application: '{application}'\nrules: [{{name: r, act: {{island: beijing}}}}]");
        decided(&[("shop", &text)], as_it_is, |call| Call { application: None, ..call }).starts_with("`beijing`")
    };
    assert!(about("*"));
    assert!(!about("shop*") && !about("unk*"));
}

#[test]
fn the_higher_priority_then_the_more_exact_rule_is_asked_first() {
    let rule = |name: &str, priority, island| {
        format!("rules: [{{name: {name}, priority: {priority}, act: {{island: {island}}}}}]")
    };
    let all = rule("all", 0, "shanghai");
    let exact = format!("service: com.acme.Greeter\n{}", rule("exact", 0, "beijing"));
    let pattern = format!("service: com.acme.*\n{}", rule("pattern", 0, "shanghai"));
    let application = format!("application: shop\n{}", rule("application", 0, "shanghai"));
    let both = format!("application: shop\nservice: com.acme.Greeter\n{}", rule("both", 0, "shenzhen"));
    let version = format!("service: com.acme.Greeter:1.0.0\n{}", rule("version", 0, "shenzhen"));
    let urgent = rule("urgent", 1, "shenzhen");
    let first = |documents: &[&String]| {
        let named: Vec<String> = (0..documents.len()).map(|at| format!("d{at}")).collect();
        let documents: Vec<(&str, &str)> =
            named.iter().map(String::as_str).zip(documents.iter().map(|t| t.as_str())).collect();
        let decided = decided(&documents, as_it_is, |call| call);
        decided.rsplit('/').next().unwrap().trim_end_matches('`').to_owned()
    };
    assert_eq!(first(&[&all, &exact]), "exact");
    assert_eq!(first(&[&pattern, &exact]), "exact");
    assert_eq!(first(&[&application, &pattern]), "pattern");
    assert_eq!(first(&[&all, &application]), "application");
    assert_eq!(first(&[&exact, &both]), "both");
    assert_eq!(first(&[&both, &version]), "version");
    assert_eq!(first(&[&both, &exact, &urgent]), "urgent");
}

#[test]
fn rules_of_two_documents_that_say_two_things_are_refused_with_both_named() {
    let [shanghai, beijing] = ["shanghai", "beijing"]
        .map(|island| format!("service: com.acme.Greeter\nrules: [{{name: r, act: {{island: {island}}}}}]"));
    for documents in [[("a", &*shanghai), ("b", &*beijing)], [("b", &*beijing), ("a", &*shanghai)]] {
        assert_eq!(
            decided(&documents, as_it_is, |call| call),
            "rule `a/r` says to `shanghai` and rule `b/r` says to `beijing`, and neither stands above the other; give one of them a higher priority"
        );
    }
    assert_eq!(decided(&[("a", &shanghai), ("b", &shanghai)], as_it_is, |call| call), "`shanghai` by rule `a/r`");
    let about_others = format!("{beijing}\n").replace("name: r", "name: r, match: {methods: [other]}");
    assert_eq!(decided(&[("a", &shanghai), ("b", &about_others)], as_it_is, |call| call), "`shanghai` by rule `a/r`");
    let both = "rules: [{name: one, act: {island: shanghai}}, {name: two, act: {island: beijing}}]";
    assert_eq!(decided(&[("a", both)], as_it_is, |call| call), "`shanghai` by rule `a/one`", "of one text the first");
}

#[test]
fn a_switch_stands_above_the_caller_and_the_rules() {
    let off =
        "service: com.acme.Greeter\nswitches: [{name: off, methods: ['say*'], say: 'stopped until 18:00, call 555'}]";
    let wanted = "stopped by switch `ops/off`: stopped until 18:00, call 555";
    let documents = [("ops", off), ("shop", "rules: [{name: r, priority: 1000, act: {island: beijing}}]")];
    assert_eq!(decided(&documents, as_it_is, |call| call), wanted);
    assert_eq!(decided(&documents, as_it_is, |call| Call { target: Some("beijing"), ..call }), wanted);
    assert_eq!(decided(&documents, with_local, |call| Call { target: Some("local"), ..call }), wanted);
    assert_eq!(decided(&documents, as_it_is, |call| Call { method: "bye", ..call }), "`beijing` by rule `shop/r`");
}

#[test]
fn a_switch_of_an_island_refuses_who_names_it_and_leaves_the_others() {
    let off = ("ops", "switches: [{name: beijing-is-down, island: 'bei*', say: beijing is down}]");
    let wanted = "stopped by switch `ops/beijing-is-down`: beijing is down";
    assert_eq!(decided(&[off], as_it_is, |call| Call { target: Some("beijing"), ..call }), wanted);
    let shanghai_or = |more: &str| decided(&[off, ("shop", more)], as_it_is, |call| call);
    assert_eq!(shanghai_or("rules: [{name: r, act: {failover: [beijing, shanghai]}}]"), "`shanghai` by rule `shop/r`");
    let alone = shanghai_or("rules: [{name: r, act: {island: beijing}}]");
    assert!(alone.contains("`beijing` is switched off by `ops/beijing-is-down`: beijing is down"), "{alone}");
    let only_beijing = |known: &mut Known| known.offers.retain(|(_, Offer { island, .. })| &**island == "beijing");
    assert_eq!(decided(&[off], only_beijing, |call| call), wanted, "also where the catalogue decides");
    let opaque = Call { bound: Some("beijing"), ..Call::default() };
    let refused = decide(&opaque, &Snapshot::new(1, world(&[off]))).unwrap_err();
    assert_eq!(refused.to_string(), wanted, "also where the call cannot be read");
}

/// One document may be for all islands: in the one that it names, the name means `local`.
#[test]
fn the_own_islands_name_and_local_are_one() {
    assert_eq!(acted("failover: [cloud, local, shanghai]", with_local), "`local`, else `shanghai` by rule `shop/r`");
    assert_eq!(
        acted("split: {to: {local: 30, shanghai: 40, cloud: 30}}", with_local),
        "split 60 to `local`, 40 to `shanghai` by rule `shop/r`"
    );
    for name in ["cloud", "local"] {
        let off = ("ops", &*format!("switches: [{{name: off, island: {name}, say: no}}]"));
        for target in ["cloud", "local"] {
            let told = decided(&[off], with_local, |call| Call { target: Some(target), ..call });
            assert_eq!(told, "stopped by switch `ops/off`: no", "{name} {target}");
        }
    }
}

#[test]
fn a_switch_of_an_island_leaves_the_catalogue_one_choice() {
    let off = ("ops", "switches: [{name: off, island: beijing, say: no}]");
    let two = |known: &mut Known| known.offers.retain(|(_, offer)| ["beijing", "shanghai"].contains(&&*offer.island));
    assert_eq!(decided(&[off], two, |call| call), "`shanghai` by the only imported island that offers the service");
}

#[test]
fn an_explanation_names_each_rule_that_was_passed_over_and_why() {
    let text = "rules:
  - { name: other-method, match: { methods: [bye] }, act: { island: shanghai } }
  - { name: gray, match: { attachments: { env: 'gray*' } }, act: { island: shanghai } }
  - { name: all, act: { failover: [mars, shanghai, beijing] } }
";
    let known = world(&[("shop", text)]);
    let key = service(GREETER);
    let call = Call { service: Some(&key), method: "sayHello", ..Call::default() };
    let steps = explain(&call, &Snapshot::new(1, known)).steps;
    let found: Vec<&str> = steps.iter().filter(|step| step.stage == Stage::Rules).map(|step| &*step.found).collect();
    assert_eq!(
        found,
        [
            "rule `shop/other-method` is passed over: it is about other methods",
            "rule `shop/gray` is passed over: attachment `env` is not what it wants",
            "rule `shop/all` (line 4) is about it (every call): to `mars`, else `shanghai`, else `beijing`",
            "`mars` is passed over: it offers the service, which is not imported from there",
        ]
    );
}

#[test]
fn without_rules_nothing_is_imported_by_them() {
    let mut known = world(&[("shop", "rules: [{name: r, act: {island: beijing}}]")]);
    known.imports = Imports::default();
    let key = service(GREETER);
    let call = Call { service: Some(&key), ..Call::default() };
    let refused = decide(&call, &Snapshot::new(1, known)).unwrap_err().to_string();
    assert!(refused.contains("`beijing` offers the service, which is not imported from there"), "{refused}");
}

/// A star was a pattern like others in some places, and nothing said in others.
#[test]
fn a_star_says_as_little_as_nothing() {
    let prefers = |said: &str| {
        let act = "act: {local-first: {then: [shanghai], back-after: 5s}}";
        let rules = rules(&[("shop", &format!("rules: [{{name: r{said}, {act}}}]"))]);
        rules.local_first(&service(GREETER))
    };
    let all = Some(Duration::from_secs(5));
    for star in ["", ", match: {application: '*'}", ", match: {methods: ['*']}", ", match: {methods: [x, '**']}"] {
        assert_eq!(prefers(star), all, "{star}");
    }
    assert_eq!(prefers(", match: {service: '*/*:*'}"), all);
    assert_eq!(prefers(", match: {methods: ['x*']}"), None);
    let two = |said: &str, other: &str| {
        let rule = |said: &str, island| format!("rules: [{{name: r, match: {{{said}}}, act: {{island: {island}}}}}]");
        decided(&[("a", &rule(said, "shanghai")), ("b", &rule(other, "beijing"))], as_it_is, |call| call)
    };
    for (said, other) in [("application: '**'", ""), ("service: '*'", ""), ("service: '*/*:*'", "application: '*'")] {
        assert!(two(said, other).contains("neither stands above the other"), "{said} {other}");
    }
}

/// It may be a call of the very service that is stopped; it went through.
#[test]
fn a_call_that_cannot_be_read_is_stopped_by_whatever_switch_may_mean_it() {
    let opaque = |switch: &str, port| {
        let text = format!("switches: [{{name: off, {switch}, say: 'call 555'}}]");
        let call = Call { bound: Some(port), ..Call::default() };
        let snapshot = Snapshot::new(1, world(&[("ops", &text)]));
        let explained = explain(&call, &snapshot);
        assert_eq!(explained.outcome, decide(&call, &snapshot), "an explanation is what happens");
        explained.outcome.map(|plan| plan.choice.to_string()).map_err(|refusal| refusal.to_string())
    };
    let stopped = "the call is in a serialization that this gateway cannot read, so switch `ops/off` may mean it: call 555; use hessian2 or fastjson2";
    for switch in [
        "service: com.acme.Pay",
        "service: 'com.acme.*'",
        "methods: [pay]",
        "application: shop",
        "service: com.acme.Pay, island: shanghai",
    ] {
        assert_eq!(opaque(switch, "shanghai"), Err(stopped.to_owned()), "{switch}");
    }
    assert_eq!(opaque("methods: ['*']", "shanghai"), Err("stopped by switch `ops/off`: call 555".to_owned()));
    assert_eq!(opaque("service: com.acme.Pay, island: beijing", "shanghai"), Ok("`shanghai`".to_owned()));
}

/// Within a document the first rule that is about a call speaks; what stands behind it in the same document says nothing.
#[test]
fn a_rule_behind_another_of_its_document_disagrees_with_nobody() {
    let rule = |name: &str, island: &str| format!("{{name: {name}, act: {{island: {island}}}}}");
    let one = format!("rules: [{}]", rule("a", "shanghai"));
    let two = format!("rules: [{}, {}]", rule("first", "shanghai"), rule("second", "beijing"));
    let of = |documents: &[(&str, &str)]| decided(documents, as_it_is, |call| call);
    assert_eq!(of(&[("a", &one), ("b", &two)]), "`shanghai` by rule `a/a`");
    assert_eq!(of(&[("c", &one), ("b", &two)]), "`shanghai` by rule `b/first`");
    let other = format!("rules: [{}, {}]", rule("first", "beijing"), rule("second", "shanghai"));
    assert!(of(&[("a", &one), ("b", &other)]).contains("rule `b/first` says to `beijing`"));
    let third = format!("rules: [{}]", rule("third", "beijing"));
    assert!(of(&[("a", &one), ("b", &two), ("c", &third)]).contains("rule `c/third` says to `beijing`"));
}
