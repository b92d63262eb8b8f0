//! What is said about documents: their differences, what they expect of themselves, the schema.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use super::super::{read, read_expect};
use super::{EVERYTHING, document};
use crate::rules::{Rules, SCHEMA, Surroundings, Warning, check, difference, parse, shadowed};
use crate::snapshot::{Health, Snapshot};
use crate::testing::{imports, known, offer};

const IN_FORCE: u64 = 1_795_300_000;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(IN_FORCE)
}

#[test]
fn a_document_that_says_everything_is_taken_and_meets_its_expectations() {
    let document = Arc::new(document(EVERYTHING));
    assert_eq!(document.len(), 8);
    let rules = Arc::new(Rules::new([document.clone()], now()).unwrap());
    assert_eq!(rules.len(), 8, "all of it is in force at that moment");
    assert_eq!(check(&document, std::slice::from_ref(&document), now()), Ok(vec![]));
}

#[test]
fn the_document_of_the_documentation_is_taken_and_meets_its_expectations() {
    let page = include_str!("../../../../docs/rules.md");
    let text = page.split("```").nth(1).unwrap().strip_prefix("yaml\n").unwrap();
    let document = Arc::new(document(text));
    let rules = Arc::new(Rules::new([document.clone()], now()).unwrap());
    assert_eq!((rules.len(), check(&document, std::slice::from_ref(&document), now())), (3, Ok(Vec::new())));
}

#[test]
fn an_expectation_that_does_not_come_out_says_what_came_instead() {
    let text = "\
rules:
  - { name: f, match: { methods: [pay] }, act: { failover: [beijing, shanghai] } }
  - { name: r, act: { split: { to: { shanghai: 90, beijing: 10 } } } }
expect:
  - { call: { service: a.B }, offered: [shanghai, beijing], goes: { split: { shanghai: 80, beijing: 20 } } }
  - { call: { service: a.B }, offered: [beijing], goes: shanghai }
  - { call: { service: a.B }, goes: refused }
  - { call: { service: a.B, method: pay }, offered: [shanghai, beijing], goes: beijing }
  - { call: { service: a.B, method: pay }, offered: [shanghai, beijing], goes: shanghai }
";
    let document = Arc::new(document(text));
    let unmet = check(&document, std::slice::from_ref(&document), now()).unwrap();
    let unmet: Vec<String> = unmet.iter().map(ToString::to_string).collect();
    assert_eq!(
        unmet,
        [
            "line 5: found the call goes split 90 to `shanghai`, 10 to `beijing` by rule `shop/r`, wanted it split 80 to `shanghai`, 20 to `beijing`",
            "line 6: found the call goes `beijing` by rule `shop/r`, wanted it to go to `shanghai`",
            "line 9: found the call goes `beijing`, else `shanghai` by rule `shop/f`, wanted it to go to `shanghai`",
        ]
    );
}

#[test]
fn a_rule_for_what_nobody_offers_is_taken_and_warned_of() {
    let text = "rules: [{name: r, match: {service: com.acme.Gone}, act: {failover: [mars, shanghai, cloud]}}]";
    let offers = [("com.acme.Greeter", offer("shanghai", Health::Healthy))];
    let snapshot = Snapshot::new(1, known(imports(&[]), offers));
    let warnings = |text: &str| -> Vec<String> {
        Surroundings::of(&snapshot).nobody_offers(&document(text)).iter().map(Warning::to_string).collect()
    };
    assert_eq!(
        warnings(text),
        [
            "line 1: rule `shop/r` is about `com.acme.Gone`, which nobody offers here",
            "line 1: rule `shop/r` names island `mars`, which is not known here",
        ]
    );
    assert_eq!(warnings(&text.replace("Gone", "Greeter").replace("mars, ", "")), [""; 0]);
    let switches = "service: com.acme.Gone\nswitches: [{name: s, say: no}]";
    assert_eq!(warnings(switches), ["line 2: switch `shop/s` is about `com.acme.Gone`, which nobody offers here"]);
}

/// A rule with a date can be held to it before it comes.
#[test]
fn an_expectation_can_be_of_another_time() {
    let text = "\
rules:
  - { name: sale, from: 2030-11-11T00:00:00Z, until: 2030-11-12T00:00:00Z, act: { island: beijing } }
  - { name: rest, act: { island: shanghai } }
expect:
  - { call: { service: a.B }, offered: [shanghai, beijing], goes: shanghai }
  - { call: { service: a.B }, at: 2030-11-11T08:00:00+08:00, offered: [shanghai, beijing], goes: beijing }
  - { call: { service: a.B }, at: 2030-11-12T00:00:00Z, offered: [shanghai, beijing], goes: shanghai }
  - { call: { service: a.B }, at: 2030-11-11T23:59:59Z, offered: [shanghai, beijing], goes: shanghai }
";
    let document = Arc::new(document(text));
    let unmet = check(&document, std::slice::from_ref(&document), now()).unwrap();
    assert_eq!(unmet.iter().map(|unmet| unmet.line).collect::<Vec<_>>(), [8], "{unmet:?}");
    let broken = parse("shop", &text.replace("2030-11-12T00:00:00Z, offered", "noon, offered")).unwrap_err();
    assert_eq!((broken.mistakes.len(), broken.mistakes[0].line), (1, 7), "{broken}");
}

#[test]
fn a_rule_that_no_call_comes_to_is_warned_of() {
    let shop = "\
application: shop
rules:
  - { name: gray, match: { attachments: { env: gray } }, act: { island: a } }
  - { name: gray-pay, match: { methods: [pay], attachments: { env: gray } }, act: { island: b } }
  - { name: pay, match: { methods: [pay, get] }, act: { island: b } }
  - { name: get, match: { methods: [get] }, act: { island: c } }
  - { name: put, match: { methods: [put] }, act: { island: c } }
  - { name: exact, match: { service: a.B }, act: { island: c } }
  - { name: later, until: 2030-01-01T00:00:00Z, act: { island: a } }
  - { name: rest, act: { island: a } }
  - { name: never, match: { source: [10.0.0.0/8] }, act: { island: b } }
  - { name: high, priority: 1, match: { methods: [high] }, act: { island: b } }
";
    let said = |others: &[&str]| -> Vec<String> {
        let shop = Arc::new(document(shop));
        let others = others.iter().zip(["x", "y"]).map(|(text, name)| Arc::new(parse(name, text).unwrap()));
        let rules = Rules::new(others.chain([shop.clone()]), now()).unwrap();
        shadowed(&shop, &rules).iter().map(Warning::to_string).collect()
    };
    assert_eq!(
        said(&[]),
        [
            "line 4: rule `shop/gray-pay` never acts: `shop/gray` is asked before it, and is about all its calls",
            "line 6: rule `shop/get` never acts: `shop/pay` is asked before it, and is about all its calls",
            "line 11: rule `shop/never` never acts: `shop/rest` is asked before it, and is about all its calls",
        ]
    );
    // Another document of the same priority is refused with both names instead; one above takes the calls.
    assert_eq!(said(&["rules: [{name: all, act: {island: z}}]"]).len(), 3);
    assert_eq!(said(&["rules: [{name: all, priority: 1, act: {island: z}}]"]).len(), 9);
    assert_eq!(said(&["application: stock\nrules: [{name: all, priority: 5, act: {island: z}}]"]).len(), 3);
}

/// Whether two rules of one document, in this order, make the later one superfluous.
fn is_shadowed(earlier: &str, later: &str) -> bool {
    let text = format!(
        "rules:\n  - {{ name: wide, {earlier} act: {{ island: a }} }}\n  - {{ name: narrow, {later} act: {{ island: b }} }}\n"
    );
    let shop = Arc::new(document(&text));
    let rules = Rules::new([shop.clone()], now()).unwrap();
    let said: Vec<String> = shadowed(&shop, &rules).iter().map(Warning::to_string).collect();
    let wanted = "line 3: rule `shop/narrow` never acts: `shop/wide` is asked before it, and is about all its calls";
    assert!(said.is_empty() || said == [wanted], "{text}{said:?}");
    !said.is_empty()
}

const EARLIER_IS_WIDER: &[(&str, &str)] = &[
    ("match: { methods: ['*'] },", "match: { methods: [pay] },"),
    ("match: { methods: [sum, 'get*'] },", "match: { methods: [getOne, 'getAll*'] },"),
    ("match: { service: 'com.acme.*' },", "match: { service: 'com.acme.pay.*' },"),
    ("priority: 1, match: { service: 'com.acme.*' },", "match: { service: 'g1/com.acme.*:1.*' },"),
    ("match: { application: 'shop-*' },", "match: { application: 'shop-web*', methods: [pay] },"),
    ("match: { source: [10.0.0.0/8, fd00::/8] },", "match: { source: [10.1.0.0/16, 10.2.3.4] },"),
    ("match: { attachments: { env: 'gray*' } },", "match: { attachments: { env: gray1, user: bo } },"),
    ("match: { attachments: { env: { present: true } } },", "match: { attachments: { env: '*' } },"),
    ("match: { parameters: { zone: '*east*' } },", "match: { parameters: { zone: 'cn-east*' } },"),
    ("match: { attachments: { env: { present: false } } },", "match: { attachments: { env: { present: false } } },"),
    ("until: 2030-01-01T00:00:00Z,", "until: 2029-01-01T00:00:00Z, match: { methods: [pay] },"),
    ("priority: 1, match: { service: 'com.acme.*' },", "match: { service: com.acme.Greeter },"),
];

const SOMETHING_IS_LEFT: &[(&str, &str)] = &[
    ("match: { methods: [pay] },", ""),
    ("match: { methods: ['get*'] },", "match: { methods: [getOne, pay] },"),
    ("match: { methods: ['get*One'] },", "match: { methods: ['get*'] },"),
    ("match: { service: 'g1/com.acme.*' },", "match: { service: 'com.acme.pay.*' },"),
    // Asked first, as it says more exactly whom it is about.
    ("match: { service: 'com.acme.*' },", "match: { service: com.acme.Greeter },"),
    ("match: { application: 'shop-*' },", "match: { application: 'shop*' },"),
    ("match: { source: [10.1.0.0/16, 10.2.0.0/16] },", "match: { source: [10.0.0.0/8] },"),
    ("match: { source: [10.0.0.0/8] },", "match: { methods: [pay] },"),
    ("match: { attachments: { env: gray, user: bo } },", "match: { attachments: { env: gray } },"),
    ("match: { attachments: { env: 'gray*' } },", "match: { parameters: { env: gray1 } },"),
    ("match: { attachments: { env: 'gray*' } },", "match: { attachments: { user: gray1 } },"),
    // A text of more than 4096 bytes is there and like no pattern.
    ("match: { attachments: { env: '*' } },", "match: { attachments: { env: { present: true } } },"),
    ("match: { attachments: { env: { present: true } } },", "match: { attachments: { env: { present: false } } },"),
    ("match: { attachments: { env: { present: false } } },", "match: { attachments: { env: gray } },"),
    ("until: 2030-01-01T00:00:00Z,", "match: { methods: [pay] },"),
    ("enabled: false,", "match: { methods: [pay] },"),
    ("", "priority: 1, match: { methods: [pay] },"),
];

#[test]
fn a_rule_behind_one_that_demands_less_of_a_call_is_warned_of_and_no_other() {
    for (wide, narrow) in EARLIER_IS_WIDER {
        assert!(is_shadowed(wide, narrow), "{wide} before {narrow}");
    }
    for (wide, narrow) in SOMETHING_IS_LEFT {
        assert!(!is_shadowed(wide, narrow), "{wide} before {narrow}");
    }
}

#[test]
fn every_change_has_a_sentence() {
    let before = document(
        "rules: [{name: a, act: {island: shanghai}}, {name: b, act: {island: beijing}}, {name: c, act: {nearest: []}}]\nswitches: [{name: s, say: no}]",
    );
    let after = document(
        "application: shop\nrules: [{name: b, priority: 5, act: {island: beijing}}, {name: a, enabled: false, act: {island: shanghai}}, {name: d, until: 2026-11-21T12:00:00Z, act: {refuse: no}}]",
    );
    assert_eq!(
        difference(Some(&before), Some(&after)),
        [
            "the document was about every call, is about application `shop`",
            "switch `s` is gone, it was: stops every call, saying \"no\"",
            "rule `a` was: priority 0, every call: to `shanghai`; is: off, priority 0, every call: to `shanghai`",
            "rule `b` was: priority 0, every call: to `beijing`; is: priority 5, every call: to `beijing`",
            "rule `d` is new: priority 0, every call: refused with \"no\", until 2026-11-21T12:00:00Z",
            "rule `c` is gone, it was: priority 0, every call: to the nearest that offers it",
            "the order of rules was `a`, `b`, is `b`, `a`",
        ]
    );
    assert_eq!(difference(Some(&before), Some(&before)), [""; 0]);
    assert_eq!(difference(None, Some(&after)).len(), 4);
    assert_eq!(difference(Some(&after), None)[0], "the document is gone, it was about application `shop`");
    let spaced = document("# a comment\nrules:\n- name: r\n  act: {island: a}\n");
    assert_eq!(difference(Some(&spaced), Some(&document("rules: [{name: r, act: {island: a}}]"))), [""; 0]);
}

/// The keys that a part of the schema knows, and that it knows no others.
fn keys(of: &serde_json::Value) -> BTreeSet<&str> {
    assert_eq!(of["additionalProperties"], serde_json::Value::Bool(false), "{of}");
    of["properties"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_published_schema_has_the_keys_that_are_read() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let wanted = |known: &[&'static str]| known.iter().copied().collect::<BTreeSet<&str>>();
    assert_eq!(keys(&schema), wanted(read::DOCUMENT));
    for (name, known) in [
        ("switch", read::SWITCH),
        ("rule", read::RULE),
        ("match", read::MATCH),
        ("act", read::ACT),
        ("split", read::SPLIT),
        ("presence", read::WANTED),
        ("stickyAttachment", read::STICKY),
        ("localFirst", read::LOCAL_FIRST),
        ("expectation", read_expect::EXPECT),
        ("call", read_expect::CALL),
        ("goesSplit", read_expect::GOES),
    ] {
        assert_eq!(keys(&schema["$defs"][name]), wanted(known), "{name}");
    }
    // What must be there for the one must be there for the other.
    for (name, path) in [("switch", "switches: [{name: s, say: no}]"), ("rule", "rules: [{name: r, act: {island: a}}]")]
    {
        for required in schema["$defs"][name]["required"].as_array().unwrap() {
            let key = required.as_str().unwrap();
            let without =
                path.replacen(&format!("{key}: "), "match: ", 1).replace("match: s, ", "").replace("match: r, ", "");
            assert!(
                parse("shop", &without).unwrap_err().to_string().contains(&format!("found no `{key}`")),
                "{without}"
            );
        }
    }
}
