//! What is decided for which call: each test one sentence of the decision.

use super::*;
use crate::call::Word;
use crate::import::{Imports, Verdict};
use crate::snapshot::{Health, Known};
use crate::testing::{imports, known, offer, service};

const GREETER: &str = "g1/com.acme.Greeter:1.0.0";

/// Island `cloud` imports com.acme.* from everywhere but com.acme.internal.*.
fn snapshot(view: View, offers: &[(&str, &str, Health)]) -> Snapshot {
    let imports = imports(&[("*", "com.acme.internal.*", Verdict::Leave), ("*", "com.acme.*", Verdict::Import)]);
    let offers = offers.iter().map(|(key, island, health)| (*key, offer(island, *health)));
    Snapshot::new(7, Known { view, local: [service("com.acme.Home").into()].into(), ..known(imports, offers) })
}

fn two_islands() -> Snapshot {
    snapshot(
        View::Complete,
        &[
            (GREETER, "shanghai", Health::Healthy),
            (GREETER, "beijing", Health::Healthy),
            ("com.acme.Only", "shanghai", Health::Healthy),
            ("com.acme.internal.Ledger", "shanghai", Health::Healthy),
        ],
    )
}

fn call(service: &ServiceKey) -> Call<'_> {
    Call { service: Some(service), method: "greet", ..Call::default() }
}

fn text(refused: Result<Plan, Refusal>) -> String {
    refused.unwrap_err().to_string()
}

/// All calls go to this one target.
fn one(decided: Result<Plan, Refusal>) -> (String, Reason) {
    match decided.unwrap() {
        Plan { reason, choice: Choice::One(target) } => (target.to_string(), reason),
        plan => panic!("{plan:?}"),
    }
}

fn to(target: &str, reason: Reason) -> (String, Reason) {
    (target.to_owned(), reason)
}

#[test]
fn the_only_island_that_offers_the_service_is_chosen() {
    assert_eq!(one(decide(&call(&service("com.acme.Only")), &two_islands())), to("shanghai", Reason::OnlyOffer));
}

#[test]
fn the_target_decides_between_islands() {
    let key = service(GREETER);
    assert_eq!(
        one(decide(&Call { target: Some("beijing"), ..call(&key) }, &two_islands())),
        to("beijing", Reason::Target)
    );
}

#[test]
fn the_port_and_the_tag_decide_where_no_target_is_set() {
    let key = service(GREETER);
    assert_eq!(
        one(decide(&Call { bound: Some("beijing"), ..call(&key) }, &two_islands())),
        to("beijing", Reason::Port)
    );
    assert_eq!(
        one(decide(&Call { tagged: Some("shanghai"), ..call(&key) }, &two_islands())),
        to("shanghai", Reason::Tag)
    );
}

#[test]
fn a_target_and_a_port_that_agree_are_fine() {
    let key = service(GREETER);
    let both = Call { target: Some("beijing"), bound: Some("beijing"), ..call(&key) };
    assert_eq!(one(decide(&both, &two_islands())).0, "beijing");
}

#[test]
fn a_caller_that_contradicts_itself_is_refused_with_both_named() {
    let key = service(GREETER);
    let both = Call { target: Some("beijing"), bound: Some("shanghai"), ..call(&key) };
    assert_eq!(
        text(decide(&both, &two_islands())),
        "attachment highway.target names island `beijing` but the port of the call names island `shanghai`: one call goes to one island, set one of them or make them agree"
    );
}

#[test]
fn several_islands_and_a_silent_caller_are_refused_with_the_choices() {
    assert_eq!(
        text(decide(&call(&service(GREETER)), &two_islands())),
        "`g1/com.acme.Greeter:1.0.0` is offered by `beijing`, `shanghai` and the call names none of them; set attachment highway.target, use an island's port, or import it from one island only"
    );
}

#[test]
fn of_several_islands_the_only_one_with_a_provider_up_is_chosen() {
    let snapshot =
        snapshot(View::Complete, &[(GREETER, "shanghai", Health::Unhealthy), (GREETER, "beijing", Health::Healthy)]);
    assert_eq!(one(decide(&call(&service(GREETER)), &snapshot)), to("beijing", Reason::OnlyHealthyOffer));
}

#[test]
fn an_island_without_a_provider_up_is_still_the_only_one() {
    let snapshot = snapshot(View::Complete, &[(GREETER, "shanghai", Health::Unhealthy)]);
    assert_eq!(decide(&call(&service(GREETER)), &snapshot).unwrap().reason, Reason::OnlyOffer);
}

#[test]
fn what_is_not_imported_is_refused_however_it_was_named() {
    let key = service("com.acme.internal.Ledger");
    let wanted = "`com.acme.internal.Ledger` of island `shanghai` is not imported by island `cloud`; add a rule to [import] of this egress gateway";
    assert_eq!(text(decide(&call(&key), &two_islands())), wanted);
    assert_eq!(text(decide(&Call { target: Some("shanghai"), ..call(&key) }, &two_islands())), wanted);
    assert_eq!(text(decide(&Call { bound: Some("shanghai"), ..call(&key) }, &two_islands())), wanted);
}

#[test]
fn an_island_that_is_not_imported_does_not_make_the_choice_ambiguous() {
    let offers = [("shanghai", Health::Healthy), ("beijing", Health::Healthy)]
        .map(|(island, health)| (GREETER, offer(island, health)));
    let rules = imports(&[("beijing", "*", Verdict::Import)]);
    let snapshot = Snapshot::new(1, known(rules, offers));
    assert_eq!(one(decide(&call(&service(GREETER)), &snapshot)).0, "beijing");
}

#[test]
fn an_unknown_target_is_refused_with_the_known_islands() {
    let key = service(GREETER);
    assert_eq!(
        text(decide(&Call { target: Some("mars"), ..call(&key) }, &two_islands())),
        "attachment highway.target names island `mars`, which is not known here; known islands: `beijing`, `shanghai`; check the name, and that the hub lets this island see it"
    );
}

#[test]
fn a_target_that_does_not_offer_the_service_is_refused_with_those_that_do() {
    let key = service("com.acme.Only");
    assert_eq!(
        text(decide(&Call { target: Some("beijing"), ..call(&key) }, &two_islands())),
        "island `beijing` does not offer `com.acme.Only` to this island; islands that do: `shanghai`; check group and version, the export there and the grant at the hub"
    );
}

#[test]
fn a_service_that_nobody_offers_is_refused() {
    assert_eq!(
        text(decide(&call(&service("com.acme.Nowhere")), &two_islands())),
        "no island offers `com.acme.Nowhere` to this island; check group and version, the export at the providing island and the grant at the hub"
    );
}

#[test]
fn before_a_hub_has_told_everything_absence_is_a_passing_refusal() {
    let key = service(GREETER);
    let snapshot = snapshot(View::Partial, &[]);
    for call in [call(&key), Call { target: Some("shanghai"), ..call(&key) }] {
        let refusal = decide(&call, &snapshot).unwrap_err();
        assert_eq!(refusal.lasts(), crate::Lasts::Passing);
        assert_eq!(
            refusal.to_string(),
            "no hub has told this gateway yet which islands offer `g1/com.acme.Greeter:1.0.0`; try again, and look at the links of this gateway if it lasts"
        );
    }
}

#[test]
fn the_own_island_is_a_target_where_it_has_a_provider() {
    let (home, greeter) = (service("com.acme.Home"), service(GREETER));
    for own in ["cloud", "local"] {
        let named = |key| decide(&Call { target: Some(own), ..call(key) }, &two_islands());
        assert_eq!(
            named(&home),
            Ok(Plan { reason: Reason::Target, choice: Choice::One(Target::Local) }),
            "the own island's name means the same"
        );
        assert_eq!(
            text(named(&greeter)),
            "attachment highway.target names `local`, but island `cloud` has no provider of `g1/com.acme.Greeter:1.0.0` registered; start one, check group and version, or name another island"
        );
    }
    assert_eq!(
        text(decide(&call(&home), &two_islands())),
        "no island offers `com.acme.Home` to this island; check group and version, the export at the providing island and the grant at the hub",
        "nothing falls through to a local provider by itself"
    );
}

#[test]
fn the_parameters_of_the_reference_decide_where_nothing_else_is_set() {
    let (home, greeter) = (service("com.acme.Home"), service(GREETER));
    let by = |word, key| decide(&Call { reference: Some(word), ..call(key) }, &two_islands());
    assert_eq!(one(by(Word::Island("beijing"), &greeter)), to("beijing", Reason::Reference));
    assert_eq!(one(by(Word::Local, &home)), to("local", Reason::Reference));
    let disagrees = Call { reference: Some(Word::Local), target: Some("beijing"), ..call(&greeter) };
    assert_eq!(
        text(decide(&disagrees, &two_islands())),
        "attachment highway.target names island `beijing` but the reference's parameter names island `local`: one call goes to one island, set one of them or make them agree"
    );
}

#[test]
fn references_that_contradict_each_other_are_refused_unless_the_call_itself_says_which() {
    let key = service(GREETER);
    let torn = Call { reference: Some(Word::Contradiction(["beijing", "shanghai"])), ..call(&key) };
    assert_eq!(
        text(decide(&torn, &two_islands())),
        "the parameters of two references contradict each other: calls of `g1/com.acme.Greeter:1.0.0#greet` go to `beijing` by one and to `shanghai` by the other, and calls of the two cannot be told apart; make them agree, or set attachment highway.target or the tag of an island for each call instead"
    );
    let settled = Call { target: Some("shanghai"), ..torn };
    assert_eq!(one(decide(&settled, &two_islands())), to("shanghai", Reason::Target));
    let third = Call { target: Some("local"), ..torn };
    assert!(text(decide(&third, &two_islands())).contains("names island `local` but the reference's parameter"));
}

#[test]
fn what_is_no_islands_name_is_refused_as_such() {
    let key = service(GREETER);
    for (name, shown) in [("", ""), ("bei\njing", "bei?jing"), ("Beijing", "Beijing"), ("\u{1b}[31m", "?[31m")] {
        assert_eq!(
            text(decide(&Call { target: Some(name), ..call(&key) }, &two_islands())),
            format!(
                "attachment highway.target names `{shown}`, which is no target; wanted an island's id (1 to 32 of a-z, 0-9 and -) or `local`"
            )
        );
    }
}

#[test]
fn an_opaque_call_goes_to_the_island_of_its_port_or_nowhere() {
    let opaque = Call::default();
    assert_eq!(decide(&opaque, &two_islands()), Err(Refusal::Opaque));
    let bound = Call { bound: Some("shanghai"), ..opaque };
    assert_eq!(one(decide(&bound, &two_islands())).0, "shanghai");
    let nothing = Snapshot::new(1, known(Imports::default(), []));
    assert!(text(decide(&Call { bound: Some("local"), ..opaque }, &nothing)).contains("cannot read"));
    assert_eq!(
        text(decide(&bound, &nothing)),
        "`anything` of island `shanghai` is not imported by island `cloud`; add a rule to [import] of this egress gateway"
    );
}

#[test]
fn a_claimed_name_is_cut_and_cleaned_before_it_stands_in_a_text() {
    let key = service(GREETER);
    let long = format!("x\n{}", "y".repeat(1000));
    let refused = text(decide(&Call { target: Some(&long), ..call(&key) }, &two_islands()));
    assert!(refused.contains("`x?yyyy"), "{refused}");
    assert!(refused.len() < 300, "{refused}");
}

#[test]
fn an_explanation_holds_the_steps_and_the_same_outcome() {
    let key = service(GREETER);
    for call in
        [call(&key), Call { target: Some("beijing"), ..call(&key) }, Call { target: Some("mars"), ..call(&key) }]
    {
        let explained = explain(&call, &two_islands());
        assert_eq!(explained.outcome, decide(&call, &two_islands()));
        assert!(explained.steps.iter().any(|step| step.stage == Stage::Caller));
    }
    let chosen = explain(&Call { target: Some("beijing"), ..call(&key) }, &two_islands());
    let found: Vec<&str> = chosen.steps.iter().map(|step| step.found.as_str()).collect();
    assert_eq!(
        found,
        [
            "attachment highway.target names island `beijing`",
            "attachment dubbo.tag names no island",
            "the port of the call names no island",
            "the reference's parameter names no island",
            "`beijing` offers the service, which is imported from there, and has a provider up",
        ]
    );
}
