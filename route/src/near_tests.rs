//! Where calls begin for somebody who knows only his own island.

use std::time::Duration;

use super::*;
use crate::snapshot::Known;
use crate::testing::greeter::{GREETER, rules};
use crate::testing::service;

/// What comes of a call of the greeter where these are the documents.
fn begins(
    documents: &[(&str, &str)],
    change: impl FnOnce(&mut Known),
    ask: impl FnOnce(Call<'static>) -> Call<'static>,
) -> Result<Near, String> {
    let mut known = Known { view: View::Complete, rules: rules(documents).into(), ..Known::default() };
    change(&mut known);
    let key = Box::leak(Box::new(service(GREETER)));
    let call = ask(Call { service: Some(key), method: "sayHello", application: Some("shop"), ..Call::default() });
    let providers = known.view;
    near(&call, &Snapshot::new(0, known), providers).map_err(|refusal| refusal.to_string())
}

/// Under one rule with this act.
fn acted(act: &str, change: impl FnOnce(&mut Known)) -> Result<Near, String> {
    begins(&[("shop", &format!("rules: [{{name: r, act: {{{act}}}}}]"))], change, |call| call)
}

fn here(known: &mut Known) {
    known.local.insert(service(GREETER).into());
}

fn nobody(_: &mut Known) {}

#[test]
fn without_a_word_or_a_rule_the_registry_says_who() {
    assert_eq!(begins(&[], here, |call| call), Ok(Near::Listed));
    let others = [("shop", "rules: [{name: r, match: {methods: [other]}, act: {refuse: no}}]")];
    assert_eq!(begins(&others, here, |call| call), Ok(Near::Listed));
}

#[test]
fn what_may_leave_the_island_begins_at_a_gateway() {
    for act in [
        "island: shanghai",
        "split: {to: {local: 90, shanghai: 10}}",
        "failover: [shanghai, local]",
        "nearest: []",
        "nearest: [shanghai, beijing]",
    ] {
        assert_eq!(acted(act, here), Ok(Near::Gateway), "{act}");
        assert_eq!(acted(act, nobody), Ok(Near::Gateway), "{act}");
    }
}

#[test]
fn a_provider_here_comes_first_where_the_rule_has_it_in_front_and_is_all_where_it_names_nobody_else() {
    for act in ["failover: [local, shanghai]", "local-first: {then: [shanghai], back-after: 30s}"] {
        assert_eq!(acted(act, here), Ok(Near::LocalFirst), "{act}");
        assert_eq!(acted(act, nobody), Ok(Near::Gateway), "{act}");
    }
    for act in ["island: local", "split: {to: {local: 1}}", "failover: [local]"] {
        assert_eq!(acted(act, here), Ok(Near::Local), "{act}");
        let refused = acted(act, nobody).unwrap_err();
        assert!(refused.contains("rule `shop/r` leaves no target"), "{refused}");
        let unknown = acted(act, |known| known.view = View::Partial).unwrap_err();
        assert!(unknown.contains("yet"), "{unknown}");
    }
    let cloud = |known: &mut Known| (here(known), known.own_island = "cloud".into()).1;
    assert_eq!(acted("island: cloud", cloud), Ok(Near::Local));
    assert_eq!(acted("island: cloud", here), Ok(Near::Gateway), "a gateway knows its name");
}

#[test]
fn calls_come_back_once_a_provider_here_has_been_back_for_long_enough() {
    for (back, begins) in [(29, Near::Gateway), (30, Near::LocalFirst)] {
        let known = |known: &mut Known| {
            here(known);
            known.local_for.insert(service(GREETER).into(), Duration::from_secs(back));
        };
        assert_eq!(acted("local-first: {then: [shanghai], back-after: 30s}", known), Ok(begins), "{back} s");
    }
}

#[test]
fn the_callers_word_stands_above_rules_and_a_switch_above_both() {
    let refuses = ("shop", "rules: [{name: r, act: {refuse: 'use the new one'}}]");
    assert_eq!(begins(&[refuses], here, |call| call).unwrap_err(), "refused by rule `shop/r`: use the new one");
    let to = |target: &'static str| move |call| Call { target: Some(target), ..call };
    assert_eq!(begins(&[refuses], here, to("shanghai")), Ok(Near::Gateway));
    assert_eq!(begins(&[refuses], here, to("local")), Ok(Near::Local));
    assert!(begins(&[refuses], nobody, to("local")).unwrap_err().contains("names `local`"));
    assert_eq!(begins(&[refuses], here, |call| Call { tagged: Some("shanghai"), ..call }), Ok(Near::Gateway));
    let off = ("off", "switches: [{name: s, say: closed}]");
    for target in ["shanghai", "local"] {
        assert_eq!(begins(&[refuses, off], here, to(target)).unwrap_err(), "stopped by switch `off/s`: closed");
    }
}

#[test]
fn a_switch_puts_the_providers_here_out_and_leaves_the_rest_to_a_gateway() {
    let off = ("off", "switches: [{name: s, island: local, say: closed}]");
    assert_eq!(begins(&[off], here, |call| call), Ok(Near::Gateway));
    assert_eq!(begins(&[off], nobody, |call| call), Ok(Near::Listed));
    let first = ("shop", "rules: [{name: r, act: {failover: [local, shanghai]}}]");
    assert_eq!(begins(&[off, first], here, |call| call), Ok(Near::Gateway));
    let only = ("shop", "rules: [{name: r, act: {island: local}}]");
    assert!(begins(&[off, only], here, |call| call).unwrap_err().contains("switched off by `off/s`"));
    assert!(
        begins(&[off], here, |call| Call { target: Some("local"), ..call }).unwrap_err().contains("switch `off/s`")
    );
}

/// A gateway sees it.
#[test]
fn who_does_not_know_his_address_leaves_it_to_a_gateway_where_it_counts() {
    let by_address =
        "rules: [{name: there, match: {source: [10.1.0.0/16]}, act: {refuse: no}}, {name: rest, act: {island: local}}]";
    assert_eq!(begins(&[("shop", by_address)], here, |call| call), Ok(Near::Gateway));
    let at = |address: [u8; 4]| move |call| Call { source: Some(address.into()), ..call };
    assert_eq!(begins(&[("shop", by_address)], here, at([10, 2, 0, 1])), Ok(Near::Local));
    assert!(begins(&[("shop", by_address)], here, at([10, 1, 0, 1])).is_err());
    let about_others = by_address.replace("source:", "methods: [other], source:");
    assert_eq!(begins(&[("shop", &about_others)], here, |call| call), Ok(Near::Local));
}

#[test]
fn two_documents_that_disagree_are_named_here_too() {
    let (one, other) = ("rules: [{name: r, act: {island: local}}]", "rules: [{name: s, act: {refuse: no}}]");
    let refused = begins(&[("a", one), ("b", other)], here, |call| call).unwrap_err();
    assert!(refused.contains("`a/r`") && refused.contains("`b/s`"), "{refused}");
}
