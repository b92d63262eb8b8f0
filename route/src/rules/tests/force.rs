//! What is in force: by order, by date, and within bounds.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use wire::dubbo::attachments::mark;

use super::document;
use crate::call::{Call, Entries};
use crate::decide::decide;
use crate::rules::{Document, Rules, parse};
use crate::snapshot::{Health, Known, Snapshot};
use crate::testing::{imports, known, offer, service};

fn at(text: &str) -> SystemTime {
    super::super::values::moment(text).unwrap()
}

fn in_force(text: &str, now: SystemTime) -> Rules {
    Rules::new([Arc::new(document(text))], now).unwrap()
}

#[test]
fn a_rule_is_in_force_from_its_beginning_until_its_end() {
    let text = "\
rules:
  - { name: later, from: 2026-11-21T08:00:00Z, until: 2026-11-22T08:00:00Z, act: { island: beijing } }
switches:
  - { name: today, until: 2026-11-21T12:00:00Z, say: no }
";
    let found = |now: &str| {
        let rules = in_force(text, at(now));
        (rules.len(), rules.next_change())
    };
    assert_eq!(found("2026-11-21T07:59:59Z"), (1, Some(at("2026-11-21T08:00:00Z"))));
    assert_eq!(found("2026-11-21T08:00:00Z"), (2, Some(at("2026-11-21T12:00:00Z"))));
    assert_eq!(found("2026-11-21T12:00:00Z"), (1, Some(at("2026-11-22T08:00:00Z"))));
    assert_eq!(found("2026-11-22T08:00:00Z"), (0, None));
}

#[test]
fn what_is_off_is_not_in_force() {
    let text = "rules: [{name: r, enabled: false, act: {island: a}}]\nswitches: [{name: s, enabled: false, say: no, until: 2026-11-21T12:00:00Z}]";
    let rules = in_force(text, SystemTime::UNIX_EPOCH);
    assert!(rules.is_empty() && rules.next_change().is_none());
}

#[test]
fn what_rules_look_at_is_known_without_what_keeps_calls_together() {
    let text = "\
rules:
  - { name: a, match: { attachments: { env: x, user: { present: true } } }, act: { split: { to: { a: 1 }, sticky: { attachment: sticky } } } }
  - { name: b, match: { attachments: { env: y }, parameters: { zone: z } }, act: { island: a } }
  - { name: c, enabled: false, match: { attachments: { off: y }, source: [10.0.0.0/8] }, act: { island: a } }
";
    let rules = in_force(text, SystemTime::UNIX_EPOCH);
    assert_eq!(rules.reads(None).attachments().collect::<Vec<_>>(), ["env", "user"]);
    assert_eq!(rules.reads(None).parameters().collect::<Vec<_>>(), ["zone"]);
    assert!(!rules.reads(None).source());
    assert!(in_force(&text.replace("enabled: false, ", ""), SystemTime::UNIX_EPOCH).reads(None).source());
}

#[test]
fn of_a_call_only_what_rules_about_its_service_ask_is_looked_at() {
    let text = "\
rules:
  - { name: a, match: { service: com.acme.Greeter, attachments: { env: x } }, act: { island: a } }
  - { name: b, match: { service: com.acme.Other, attachments: { user: x }, source: [10.0.0.0/8] }, act: { island: a } }
  - { name: c, match: { service: 'com.acme.*', attachments: { all: x } }, act: { island: a } }
";
    let rules = in_force(text, SystemTime::UNIX_EPOCH);
    let asked = |interface| rules.reads(interface).attachments().collect::<Vec<_>>();
    assert_eq!(asked(Some("com.acme.Greeter")), ["all", "env"]);
    assert_eq!(asked(Some("com.acme.Other")), ["all", "user"]);
    assert_eq!(asked(Some("com.acme.Third")), ["all"]);
    assert_eq!(asked(None), ["all"]);
    let source = |interface| rules.reads(Some(interface)).source();
    assert!(source("com.acme.Other") && !source("com.acme.Greeter"));
}

/// Attachments as they stand in a call, in their order and some twice.
struct Listed<'a>(&'a [(&'a str, Option<&'a str>)], Cell<usize>);

impl Entries for Listed<'_> {
    fn each(&self, marks: u64, mut found: impl FnMut(&str, Option<&str>)) {
        self.1.set(self.1.get() + 1);
        let asked = self.0.iter().filter(|(key, _)| marks & mark(key.as_bytes()) != 0);
        asked.for_each(|(key, text)| found(key, *text));
    }
}

#[test]
fn attachments_are_read_once_and_of_equal_keys_the_last_counts() {
    let few = "attachments: { env: 'gray*', user: { present: true }, zone: 'cn*' }".to_owned();
    let many = (0..20).map(|at| format!("attachments: {{ env: 'gray{at}*', user: 'u{at}*', zone: 'z{at}*' }}"));
    for whens in [vec![few], many.collect::<Vec<_>>()] {
        let rule =
            |(at, when): (usize, &String)| format!("- {{ name: r{at}, match: {{ {when} }}, act: {{ island: a }} }}\n");
        let text: String = std::iter::once("rules:\n".to_owned()).chain(whens.iter().enumerate().map(rule)).collect();
        let rules = in_force(&text, SystemTime::UNIX_EPOCH);
        let key = |attachments: &[(&str, Option<&str>)]| {
            let (mut key, listed) = (Vec::new(), Listed(attachments, Cell::new(0)));
            rules.reads(None).put_key(&listed, None, &mut key);
            let twice = attachments.len() > 1 && attachments.iter().all(|(key, _)| *key == attachments[0].0);
            assert_eq!(listed.1.get(), if twice { 2 } else { 1 }, "however many keys there are");
            key
        };
        let (gray, blue) = (("env", Some("gray1")), ("env", Some("blue")));
        assert_ne!(key(&[gray]), key(&[blue]));
        assert_ne!(key(&[gray]), key(&[gray, blue]), "the last one is blue");
        assert_ne!(key(&[gray]), key(&[gray, ("env", None)]), "the last one is no text");
        assert_ne!(key(&[gray]), key(&[("zone", Some("gray1"))]));
        assert_ne!(key(&[("user", Some("u1"))]), key(&[]));
        assert_eq!(key(&[("other", Some("x"))]), key(&[]));
    }
}

/// Each had a record of its own, until the key was too long for any decision to be kept.
#[test]
fn a_key_that_is_said_many_times_makes_no_longer_a_key_than_its_last_word() {
    let when = |at| format!("attachments: {{ env: 'gray{at}*', user: 'u{at}*' }}");
    for rules in [1, 20] {
        let rule = |at| format!("- {{ name: r{at}, match: {{ {} }}, act: {{ island: a }} }}\n", when(at));
        let text: String = std::iter::once("rules:\n".to_owned()).chain((0..rules).map(rule)).collect();
        let rules = in_force(&text, SystemTime::UNIX_EPOCH);
        let key = |attachments: &[(&str, Option<&str>)]| {
            let (mut key, listed) = (Vec::new(), Listed(attachments, Cell::new(0)));
            rules.reads(None).put_key(&listed, None, &mut key);
            assert!(listed.1.get() <= 2);
            key
        };
        let mut repeated = [("env", Some("gray0")), ("user", Some("u0"))].repeat(10_000);
        assert_eq!(key(&repeated), key(&[("env", Some("gray0")), ("user", Some("u0"))]));
        repeated.push(("env", None));
        assert_eq!(key(&repeated), key(&[("user", Some("u0"))]));
    }
}

#[test]
fn a_call_is_read_once_for_all_conditions_and_only_for_keys_that_rules_ask() {
    let rule =
        |at| format!("- {{ name: r{at}, match: {{ attachments: {{ env: 'gray{at}*' }} }}, act: {{ island: a }} }}\n");
    let text: String = std::iter::once("rules:\n".to_owned()).chain((0..100).map(rule)).collect();
    let rules = in_force(&text, SystemTime::UNIX_EPOCH);
    let gathered = |attachments: &[(&str, Option<&str>)]| {
        let listed = Listed(attachments, Cell::new(0));
        let texts = rules.reads(None).gathered(&listed);
        assert_eq!(listed.1.get(), 1);
        texts
    };
    let (gray, blue) = (("env", Some("gray1")), ("env", Some("blue")));
    assert_eq!(gathered(&[gray, ("user", Some("bo")), blue]), BTreeMap::from([("env".into(), "blue".into())]));
    assert_eq!(gathered(&[gray, ("env", None)]), BTreeMap::new());
}

/// The keys of calls with these users from these addresses under `count` rules that look at both.
fn keys(count: usize, calls: &[(Option<&str>, &str)]) -> Vec<Vec<u8>> {
    let rule = |at| {
        format!(
            "- {{ name: r{at}, match: {{ attachments: {{ user: 'vip{at}-*' }}, source: [10.{at}.0.0/16] }}, act: {{ island: a }} }}\n"
        )
    };
    let text: String = std::iter::once("rules:\n".to_owned()).chain((0..count).map(rule)).collect();
    let rules = in_force(&text, SystemTime::UNIX_EPOCH);
    let key = |(user, source): &(Option<&str>, &str)| {
        let texts: BTreeMap<String, String> = user.iter().map(|user| ("user".to_owned(), (*user).to_owned())).collect();
        let mut key = Vec::new();
        rules.reads(None).put_key(&texts, source.parse().ok(), &mut key);
        key
    };
    calls.iter().map(key).collect()
}

#[test]
fn calls_that_few_rules_do_not_tell_apart_have_one_key() {
    let calls = [
        (Some("bo"), "10.9.0.1"),
        (Some("li"), "11.0.0.1"),
        (None, "x"),
        (Some("vip1-bo"), "10.9.0.1"),
        (Some("bo"), "10.1.0.1"),
    ];
    let keys = keys(3, &calls);
    assert!(keys[0] == keys[1] && keys[1] == keys[2]);
    assert!(keys[0] != keys[3] && keys[0] != keys[4] && keys[3] != keys[4]);
}

#[test]
fn calls_that_many_rules_may_tell_apart_have_a_key_each_of_a_bounded_length() {
    let long = "x".repeat(1 << 20);
    let calls = [
        (Some("bo"), "10.9.0.1"),
        (Some("li"), "10.9.0.1"),
        (None, "10.9.0.1"),
        (Some(""), "10.9.0.1"),
        (Some(&*long), "10.9.0.1"),
        (Some("bo"), "10.9.0.2"),
    ];
    let keys = keys(20, &calls);
    assert!(keys.iter().enumerate().all(|(at, key)| key.len() < 100 && !keys[..at].contains(key)), "{keys:?}");
}

#[test]
fn more_rules_than_are_taken_are_refused_with_their_number() {
    let rule = |at: usize| format!("- {{ name: r{at}, act: {{ island: a }} }}\n");
    let text: String = std::iter::once("rules:\n".to_owned()).chain((0..2001).map(rule)).collect();
    let documents = (0..5).map(|at| Arc::new(parse(&format!("d{at}"), &text).unwrap()));
    assert_eq!(
        Rules::new(documents, SystemTime::UNIX_EPOCH).unwrap_err().to_string(),
        "found 10005 rules and switches in all documents, wanted at most 10000; remove some, or write patterns"
    );
}

/// Documents whose rules overlap in every way.
fn documents(seed: &[(u8, u8, u8, u8)]) -> Vec<Arc<Document>> {
    let services = ["", "service: com.acme.Greeter\n", "service: 'com.*'\n", "service: com.acme.Other\n"];
    let applications = ["", "application: shop\n", "application: 'sh*'\n"];
    let islands = ["shanghai", "beijing"];
    let document = |(at, (service, application, priority, island)): (usize, &(u8, u8, u8, u8))| {
        let text = format!(
            "{}{}rules: [{{name: r, priority: {}, act: {{island: {}}}}}]",
            services[usize::from(*service) % 4],
            applications[usize::from(*application) % 3],
            priority % 2,
            islands[usize::from(*island) % 2]
        );
        Arc::new(parse(&format!("d{at}"), &text).unwrap())
    };
    seed.iter().enumerate().map(document).collect()
}

fn world(rules: Rules) -> Snapshot {
    let imports = imports(&[("*", "*", crate::Verdict::Import)]);
    let offers = ["shanghai", "beijing"].map(|island| ("com.acme.Greeter", offer(island, Health::Healthy)));
    Snapshot::new(1, Known { rules: Arc::new(rules), ..known(imports, offers) })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_order_in_which_documents_come_changes_nothing(
        (seed, order) in prop::collection::vec(any::<(u8, u8, u8, u8)>(), 1..8)
            .prop_flat_map(|seed| { let all: Vec<usize> = (0..seed.len()).collect(); (Just(seed), Just(all).prop_shuffle()) })
    ) {
        let documents = documents(&seed);
        let shuffled: Vec<Arc<Document>> = order.iter().map(|at| documents[*at].clone()).collect();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let [one, other] = [documents, shuffled].map(|all| world(Rules::new(all, now).unwrap()));
        for name in ["com.acme.Greeter", "com.acme.Other", "org.x.Y"] {
            let key = service(name);
            for application in [None, Some("shop"), Some("billing")] {
                let call = Call { service: Some(&key), application, ..Call::default() };
                prop_assert_eq!(decide(&call, &one), decide(&call, &other));
            }
        }
    }

    #[test]
    fn any_text_is_a_document_or_broken(text in "[\\PC\n]{0,200}") {
        let _ = parse("shop", &text);
    }

    #[test]
    fn a_damaged_document_is_a_document_or_broken(at in 0_usize..2000, with in "[\\PC\n]{0,3}", cut in 0_usize..4) {
        let mut text: Vec<char> = super::EVERYTHING.chars().collect();
        let at = at % text.len();
        let end = (at + cut).min(text.len());
        text.splice(at..end, with.chars());
        if let Err(broken) = parse("shop", &text.into_iter().collect::<String>()) {
            prop_assert!(!broken.mistakes.is_empty());
            for mistake in &broken.mistakes {
                prop_assert!(mistake.line > 0 && mistake.column > 0, "{mistake}");
            }
        }
    }
}
