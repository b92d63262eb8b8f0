//! Calls that a hub refuses: what the caller hears, what it costs him and others, what the audit says.

use super::line::{BUDGET_LEN, GRANT, offer_as, policy, with_line};
use super::*;

#[test]
fn without_a_grant_nothing_reaches_the_ingress_and_the_audit_says_so() {
    with_line("", |line| async move {
        let link = line.ready().await;
        line.call_with(&link, Head { method: "m", service: "org.secret.Service", ..Head::default() }, b"x", 1);
        let failure = line.failure(1).await;
        assert_eq!((failure.kind, failure.outcome), (Kind::NotGranted, Reach::NotSent));
        line.call_with(&link, Head { method: "m", service: "com.example.Nobody", ..Head::default() }, b"x", 2);
        let failure = line.failure(2).await;
        assert_eq!(failure.kind, Kind::NotOffered);
        assert_eq!(
            failure.text,
            "island `beijing` does not offer com.example.Nobody; see its export policy and whether a provider is up"
        );
        assert!(line.ingress.heads.borrow().is_empty());
        let audit = line.audit(2).await;
        assert!(audit.iter().all(|one| one["outcome"] == "refused" && one["ingress"].is_null()));
    });
}

#[test]
fn a_large_refused_call_takes_no_credit_with_it() {
    with_line("", |line| async move {
        let link = line.ready().await;
        for token in 0..12u64 {
            line.call_with(
                &link,
                Head { method: "m", service: "org.secret.Service", ..Head::default() },
                &vec![0; 1_000_000],
                token,
            );
            assert_eq!(line.failure(token).await.kind, Kind::NotGranted);
        }
        line.call(&link, "echo", b"still there", 99);
        assert_eq!(line.reply(99).await, b"still there");
    });
}

#[test]
fn an_island_without_a_link_is_said_and_no_other_hub_is_named() {
    with_line("", |line| async move {
        let link = line.ready().await;
        line.dialers[1].close("the test ends it");
        line.switch_sees_no_ingress().await;
        line.call(&link, "m", b"x", 1);
        let failure = line.failure(1).await;
        assert_eq!((failure.kind, failure.outcome), (Kind::NoLink, Reach::NotSent));
        assert!(failure.hubs.is_empty(), "it cannot know who has one");
    });
}

/// The only ingress of an island was restarted: calls were sent to it by what its predecessor had offered, before it had read its
/// own registry, and were refused there.
#[test]
fn who_was_refused_hears_when_the_island_can_be_reached_and_not_before_its_gateway_has_said_what_it_offers() {
    with_line("", |line| async move {
        let link = line.ready().await;
        line.dialers[1].close("the test ends it");
        line.switch_sees_no_ingress().await;
        line.call(&link, "echo", b"x", 1);
        assert_eq!(line.failure(1).await.kind, Kind::NoLink);
        let (again, _dialer) = line.ingress_again();
        let ingress = again.link().await;
        line.call(&link, "echo", b"x", 2);
        let failure = line.failure(2).await;
        assert!(failure.text.contains("has not said yet what it offers"), "{}", failure.text);
        assert!(line.egress.notices.borrow().is_empty());
        super::line::offer(&ingress, 3);
        line.egress.until("the notice", |egress| !egress.notices.borrow().is_empty()).await;
        assert_eq!(*line.egress.notices.borrow(), [Notice::Reachable { island: "beijing".to_owned() }]);
        line.call(&link, "echo", b"x", 3);
        assert_eq!(line.reply(3).await, b"x");
    });
}

/// The only gateway that offered a service lost its connection for a moment, beside others of its island with other services: calls
/// were refused for good where they could wait.
#[test]
fn a_service_is_still_offered_while_its_gateway_is_away_though_others_of_the_island_are_linked() {
    with_line("", |line| async move {
        let key = Arc::new(tunnel::key::PrivateKey::generate().unwrap());
        let listed = format!(
            "{GRANT}\n[[island.gateway]]\nid = 'beside'\nrole = 'ingress'\nkey = '{}'\n",
            key.public().unwrap()
        );
        line.switch.obey(policy(&line.keys, &listed, ""));
        let link = line.ready().await;
        let (beside, _dialer) = line.ingress_beside("beside", &key);
        offer_as(&beside.link().await, "beside", "com.example.Other", 2);
        line.egress.until("both", |egress| egress.offered.borrow().contains(&"com.example.Other".to_owned())).await;
        line.ingress.link().await.go_away("the test restarts it");
        while line.switch.links.borrow().all().any(|link| &*link.peer().name == "in" && link.usable()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        line.call(&link, "echo", b"x", 1);
        let failure = line.failure(1).await;
        assert_eq!((failure.kind, failure.outcome), (Kind::NotYetKnown, Reach::NotSent), "{}", failure.text);
        assert!(failure.text.contains("have no connection to hub `hub-1` now"), "{}", failure.text);
        line.call_with(&link, Head { service: "com.example.Nobody", ..Head::default() }, b"x", 2);
        assert_eq!(line.failure(2).await.kind, Kind::NotOffered);
    });
}

#[test]
fn an_island_over_its_limit_hears_overload_while_calls_are_open() {
    with_line("concurrent_calls = 2", |line| async move {
        let link = line.ready().await;
        line.call(&link, "slow", b"x", 1);
        line.call(&link, "slow", b"x", 2);
        line.call(&link, "m", b"x", 3);
        let failure = line.failure(3).await;
        assert_eq!((failure.kind, failure.outcome), (Kind::Overload, Reach::NotSent));
        line.ingress.until("both calls", |ingress| ingress.kept.borrow().len() == 2).await;
        for (link, id) in line.ingress.kept.take() {
            link.reply(id, &[b"late"], 1);
        }
        line.egress.until("both replies", |egress| egress.finished.get() == 2).await;
        line.call(&link, "m", b"again", 4);
        assert_eq!(line.reply(4).await, b"again");
    });
}

/// An application that kept calling an island which was down once used up what its own island may send to those that were not.
#[test]
fn calls_that_cannot_go_take_nothing_of_what_an_island_may_send() {
    with_line("calls_per_second = 3", |line| async move {
        let link = line.ready().await;
        for token in 0..9 {
            line.call_with(&link, Head { service: "com.example.Nobody", ..Head::default() }, b"x", token);
        }
        for token in 10..13 {
            line.call(&link, "echo", b"x", token);
        }
        line.egress.until("three replies", |egress| egress.finished.get() == 3).await;
        assert!(line.egress.failures.borrow().values().all(|failure| failure.kind == Kind::NotOffered));
    });
}

#[test]
fn a_call_to_an_island_that_does_not_exist_is_remembered_by_nobody() {
    with_line("", |line| async move {
        let link = line.ready().await;
        line.switch.obey(policy(&line.keys, &GRANT.replace("'beijing'", "'*'"), ""));
        line.call_with(&link, Head { destination: "nowhere", ..Head::default() }, b"x", 1);
        assert_eq!(line.failure(1).await.kind, Kind::NoLink);
        assert!(line.switch.missed.borrow().is_empty());
    });
}

#[test]
fn a_flood_of_refused_calls_leaves_few_lines_that_count_them_all() {
    with_line("", |line| async move {
        let link = line.ready().await;
        const FLOOD: u64 = 3000;
        for token in 0..FLOOD {
            line.call_with(&link, Head { service: "org.secret.Service", ..Head::default() }, b"x", token);
        }
        line.egress.until("all are refused", |egress| egress.failures.borrow().len() as u64 == FLOOD).await;
        // The last lines say what had none; calls that may pass are not held up by them.
        line.call(&link, "echo", b"passes", FLOOD);
        assert_eq!(line.reply(FLOOD).await, b"passes");
        for _ in 0..500 {
            let text = std::fs::read_to_string(&line.audit).unwrap();
            let lines: Vec<serde_json::Value> = text.lines().map(|one| serde_json::from_str(one).unwrap()).collect();
            let refused: Vec<_> = lines.iter().filter(|one| one["outcome"] == "refused").collect();
            let own = refused.iter().filter(|one| one["service"] == "org.secret.Service").count() as u64;
            let counted: u64 = refused.iter().filter_map(|one| one["unwritten"].as_u64()).sum();
            if own + counted == FLOOD {
                assert!((100..1500).contains(&own), "{own} lines");
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the audit never counts all of them");
    });
}

#[test]
fn a_hub_that_holds_all_it_may_says_so_and_takes_calls_again_afterwards() {
    with_line("", |line| async move {
        let link = line.ready().await;
        let others = line.switch.budget.take(BUDGET_LEN * 3 / 4 - 100).unwrap();
        line.call(&link, "echo", b"x", 1);
        let failure = line.failure(1).await;
        assert_eq!((failure.kind, failure.outcome), (Kind::Overload, Reach::NotSent));
        let held = failure.text.strip_prefix("the hub holds ").expect(&failure.text);
        let wanted = format!(" bytes of calls and bodies under way; its limit is limits.held = {BUDGET_LEN}");
        assert!(held.ends_with(&wanted), "{}", failure.text);
        drop(others);
        line.call(&link, "echo", b"x", 2);
        assert_eq!(line.reply(2).await, b"x");
        assert_eq!(line.switch.budget.held(), 0);
    });
}
