//! What an act of a rule takes: one island, several in an order, shares, the nearest, a provider here, or nobody.

use std::collections::HashMap;
use std::sync::Arc;

use super::*;
use crate::import::Imports;
use crate::snapshot::{Health, Known};
use crate::testing::greeter::*;
use crate::testing::{offer, service};

#[test]
fn one_island_is_taken_or_the_call_is_refused_with_the_rules_name() {
    assert_eq!(acted("island: beijing", as_it_is), "`beijing` by rule `shop/r`");
    assert_eq!(
        acted("island: shenzhen", as_it_is),
        "`shenzhen` by rule `shop/r`",
        "its calls wait there for a provider"
    );
    let refused = |why: &str| {
        format!("rule `shop/r` leaves no target for `{GREETER}`: {why}; change the rule, or what it says of them")
    };
    assert_eq!(acted("island: pluto", as_it_is), refused("island `pluto` is not known here"));
    assert_eq!(acted("island: mars", as_it_is), refused("`mars` offers the service, which is not imported from there"));
    assert_eq!(acted("island: local", as_it_is), refused("`local` has no provider of the service registered"));
    assert_eq!(acted("island: local", with_local), "`local` by rule `shop/r`");
    assert_eq!(acted("island: cloud", with_local), "`local` by rule `shop/r`", "its own name means the same");
    let early = |known: &mut Known| known.view = View::Partial;
    assert!(acted("island: pluto", early).starts_with("no hub has told this gateway yet"));
}

#[test]
fn a_failover_takes_the_first_that_can_and_keeps_the_others_in_order() {
    assert_eq!(
        acted("failover: [pluto, mars, beijing, shenzhen, shanghai]", as_it_is),
        "`beijing`, else `shanghai` by rule `shop/r`"
    );
    assert_eq!(acted("failover: [local, shanghai]", as_it_is), "`shanghai` by rule `shop/r`");
    assert_eq!(acted("failover: [shanghai, local]", with_local), "`shanghai`, else `local` by rule `shop/r`");
    assert_eq!(
        acted("failover: [mars, shenzhen]", as_it_is),
        "`shenzhen` by rule `shop/r`",
        "down is better than nowhere"
    );
    assert!(
        acted("failover: [mars, pluto]", as_it_is)
            .contains("`mars` offers the service, which is not imported from there; island `pluto` is not known here")
    );
}

#[test]
fn a_split_gives_the_share_of_who_cannot_to_the_others() {
    assert_eq!(
        acted("split: {to: {shanghai: 90, beijing: 10}}", as_it_is),
        "split 90 to `shanghai`, 10 to `beijing` by rule `shop/r`"
    );
    assert_eq!(
        acted("split: {to: {shanghai: 60, beijing: 30, shenzhen: 10, mars: 5}}", as_it_is),
        "split 60 to `shanghai`, 30 to `beijing` by rule `shop/r`"
    );
    assert_eq!(acted("split: {to: {shanghai: 60, mars: 40}}", as_it_is), "`shanghai` by rule `shop/r`");
    assert!(acted("split: {to: {pluto: 60, mars: 40}}", as_it_is).starts_with("rule `shop/r` leaves no target"));
}

#[test]
fn local_is_first_but_not_before_it_has_been_back_for_a_while() {
    let back = |seconds| {
        move |known: &mut Known| {
            with_local(known);
            known.local_for = HashMap::from([(service(GREETER).into(), Duration::from_secs(seconds))]);
        }
    };
    let act = "local-first: {then: [shanghai, beijing], back-after: 30s}";
    assert_eq!(acted(act, with_local), "`local`, else `shanghai`, else `beijing` by rule `shop/r`");
    assert_eq!(acted(act, as_it_is), "`shanghai`, else `beijing` by rule `shop/r`");
    assert_eq!(acted(act, back(29)), "`shanghai`, else `beijing`, else `local` by rule `shop/r`");
    assert_eq!(acted(act, back(30)), "`local`, else `shanghai`, else `beijing` by rule `shop/r`");
    assert_eq!(acted("local-first: {then: [mars]}", back(1)), "`local` by rule `shop/r`", "better early than nowhere");
    let named = "local-first: {then: [cloud, shanghai], back-after: 30s}";
    assert_eq!(acted(named, back(29)), "`shanghai`, else `local` by rule `shop/r`", "it is the own island by its name");
    assert_eq!(acted(named, with_local), "`local`, else `shanghai` by rule `shop/r`");
    let mut known = world(&[("shop", &format!("rules: [{{name: r, act: {{{act}}}}}]"))]);
    back(12)(&mut known);
    assert_eq!(Snapshot::new(1, known.clone()).settles_in(), Some(Duration::from_secs(18)));
    back(30)(&mut known);
    assert_eq!(Snapshot::new(1, known).settles_in(), None);
}

#[test]
fn the_nearest_is_the_one_with_the_shortest_way() {
    let measured = |known: &mut Known| {
        let ms = |island: &str, ms| (Arc::from(island), Duration::from_millis(ms));
        known.round_trips = [ms("beijing", 3), ms("shanghai", 30), ms("shenzhen", 1)].into();
    };
    assert_eq!(acted("nearest: [shanghai, beijing]", measured), "`beijing`, else `shanghai` by rule `shop/r`");
    assert_eq!(acted("nearest: []", measured), "`beijing`, else `shanghai` by rule `shop/r`");
    assert_eq!(
        acted("nearest: [shanghai, beijing]", as_it_is),
        "`shanghai`, else `beijing` by rule `shop/r`",
        "unmeasured, the order of the rule"
    );
    let near_and_local = |known: &mut Known| {
        measured(known);
        with_local(known);
    };
    assert_eq!(acted("nearest: [beijing, local]", near_and_local), "`local`, else `beijing` by rule `shop/r`");
    let nobody = |known: &mut Known| known.offers.clear();
    assert!(acted("nearest: []", nobody).contains("no island offers it"));
}

/// Each is made ready, kept, and marked with a bit of one word; a hub may show thousands.
#[test]
fn of_many_islands_the_nearest_few_dozen_are_kept_and_a_refusal_names_a_dozen() {
    let name = |at: usize| format!("i{at}");
    let many = |known: &mut Known| {
        let of = |at| (service(GREETER).into(), offer(&name(at), Health::Healthy));
        known.offers = (0..1000).map(of).collect();
        let measured = |at: usize| (Arc::from(name(at)), Duration::from_millis(1000 - at as u64));
        known.round_trips = (0..1000).map(measured).collect();
    };
    let kept = acted("nearest: []", many);
    assert!(kept.starts_with("`i999`, else `i998`"), "{kept}");
    assert_eq!(kept.split(", else ").count(), 64);
    let here = |known: &mut Known| {
        many(known);
        with_local(known);
    };
    let then = (0..64).map(name).collect::<Vec<_>>().join(", ");
    let kept = acted(&format!("local-first: {{then: [{then}]}}"), here);
    assert_eq!((kept.split(", else ").next(), kept.split(", else ").count()), (Some("`local`"), 64));
    let nobody = |known: &mut Known| {
        many(known);
        known.imports = Imports::default();
    };
    let refused = acted("nearest: []", nobody);
    assert!(refused.len() < 2000 && refused.contains("not imported from there and 988 more"), "{refused}");
}

#[test]
fn a_rule_can_refuse_in_its_own_words() {
    assert_eq!(acted("refuse: use the new service", as_it_is), "refused by rule `shop/r`: use the new service");
}
