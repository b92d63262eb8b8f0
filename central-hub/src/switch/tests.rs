//! Calls through a hub with real links on loopback: what the egress sees, what the ingress sees, what the audit says.

use tunnel::key::PrivateKey;
use wire::tunnel::catalogue::{Entry, Origin, ServiceKey, Update};

use super::line::{BUDGET_LEN, GRANT, SERVICE, policy, with_line};
use super::*;

#[test]
fn a_granted_call_crosses_and_leaves_one_line() {
    with_line("", |line| async move {
        let link = line.ready().await;
        line.call_with(
            &link,
            Head {
                method: "sayHello",
                application: "web",
                stamp: wire::tunnel::Stamp { start: 16, counter: 3 },
                ..Head::default()
            },
            b"hello",
            1,
        );
        assert_eq!(line.reply(1).await, b"hello");
        // The island a call comes from is the link's, whatever the head claims, and the hop is counted.
        assert_eq!(*line.ingress.heads.borrow(), [("shanghai".to_owned(), "sayHello".to_owned(), 1)]);
        let audit = line.audit(1).await.remove(0);
        for (key, value) in [
            ("from", "shanghai"),
            ("egress", "out"),
            ("to", "beijing"),
            ("ingress", "in"),
            ("application", "web"),
            ("service", SERVICE),
            ("method", "sayHello"),
            ("outcome", "replied"),
            ("grant", "greetings"),
            ("stamp", "0000000000000010-3"),
        ] {
            assert_eq!(audit[key], value, "{audit}");
        }
        assert_eq!(
            (audit["request_len"].as_u64(), audit["reply_len"].as_u64(), audit["provider_us"].as_u64()),
            (Some(5), Some(5), Some(77))
        );
        assert_eq!(line.switch.calls.borrow().len(), 0);
        assert!(line.switch.by_exchange.borrow().is_empty());
    });
}

#[test]
fn bodies_of_megabytes_cross_both_ways_and_their_credit_comes_back() {
    with_line("", |line| async move {
        let link = line.ready().await;
        // Ten times 8 MiB is twenty times the session's window: without credit coming back it would stop.
        for token in 0..10u64 {
            let body: Vec<u8> =
                (0..8 * 1024 * 1024u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 ^ token as u8).collect();
            line.call(&link, "echo", &body, token);
            line.egress.until("the whole reply", |egress| egress.finished.get() as u64 == token + 1).await;
            assert!(line.reply(token).await == body);
        }
        let audit = line.audit(10).await;
        assert!(audit.iter().all(|one| one["reply_len"] == 8 * 1024 * 1024 && one["request_len"] == 8 * 1024 * 1024));
        assert!(line.switch.by_exchange.borrow().is_empty());
    });
}

#[test]
fn many_large_and_small_calls_at_once_all_come_back() {
    with_line("", |line| async move {
        let link = line.ready().await;
        for token in 0..200u64 {
            let len = if token % 10 == 0 { 700_000 } else { 300 };
            line.call(&link, "echo", &vec![token as u8; len], token);
        }
        line.egress.until("all replies", |egress| egress.finished.get() == 200).await;
        for token in 0..200u64 {
            let reply = line.reply(token).await;
            assert!(reply.iter().all(|byte| *byte == token as u8) && reply.len() >= 300);
        }
        assert_eq!(line.switch.calls.borrow().len(), 0);
    });
}

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
fn failures_of_the_far_side_come_back_as_they_were() {
    with_line("", |line| async move {
        let link = line.ready().await;
        line.call(&link, "gone", b"x", 1);
        let failure = line.failure(1).await;
        assert_eq!(
            (failure.kind, failure.outcome, failure.stage),
            (Kind::ProviderGone, Reach::Unknown, Stage::Provider)
        );
        line.call(&link, "forged", b"x", 2);
        assert_eq!(line.failure(2).await.kind, Kind::Forged);
        let audit = line.audit(2).await;
        assert_eq!((audit[0]["outcome"].as_str(), audit[1]["outcome"].as_str()), (Some("failed"), Some("forged")));
    });
}

#[test]
fn an_island_without_a_link_is_said_with_the_hubs_to_try() {
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

#[test]
fn a_caller_that_gives_up_frees_the_far_side_and_a_deadline_that_nobody_keeps_frees_the_hub() {
    with_line("", |line| async move {
        let link = line.ready().await;
        let mut encoded = Vec::new();
        Head {
            protocol: Head::DUBBO,
            serialization: 2,
            remaining_ms: 60_000,
            body_len: 1,
            destination: "beijing",
            service: SERVICE,
            method: "slow",
            ..Head::default()
        }
        .encode_into(&mut encoded)
        .unwrap();
        let id = link.open(&encoded, &[b"x"], 1).unwrap();
        line.ingress.until("the call", |ingress| ingress.kept.borrow().len() == 1).await;
        link.cancel(id);
        line.ingress.until("the cancel", |ingress| ingress.cancelled.get() == 1).await;
        line.call_with(&link, Head { method: "slow", remaining_ms: 50, ..Head::default() }, b"x", 2);
        line.ingress.until("the second cancel", |ingress| ingress.cancelled.get() == 2).await;
        let audit = line.audit(2).await;
        assert_eq!(
            (audit[0]["outcome"].as_str(), audit[1]["outcome"].as_str()),
            (Some("cancelled"), Some("timed_out"))
        );
        assert_eq!(line.switch.calls.borrow().len(), 0);
    });
}

#[test]
fn a_one_way_call_is_passed_on_and_nothing_is_held() {
    with_line("", |line| async move {
        let link = line.ready().await;
        for len in [3, 300_000] {
            line.call_with(
                &link,
                Head { method: "slow", flags: Flags::ONE_WAY, ..Head::default() },
                &vec![1; len],
                len as u64,
            );
            line.ingress.until("the call", |ingress| !ingress.kept.borrow().is_empty()).await;
            line.ingress.kept.borrow_mut().clear();
        }
        let audit = line.audit(2).await;
        assert!(audit.iter().all(|one| one["outcome"] == "sent"), "{audit:?}");
        assert_eq!(audit[1]["request_len"], 300_000);
        assert_eq!(line.switch.calls.borrow().len(), 0);
    });
}

#[test]
fn a_revoked_gateway_is_cut_at_once_and_cannot_come_back() {
    with_line("", |line| async move {
        line.ready().await;
        let nobody = [line.keys[0].clone(), Arc::new(PrivateKey::generate().unwrap()), line.keys[2].clone()];
        line.switch.obey(policy(&nobody, GRANT, ""));
        line.egress.until("the link is down", |egress| egress.downs.get() == 1).await;
        line.switch.obey(policy(&line.keys, GRANT, ""));
        line.egress.until("a new link", |egress| egress.links.borrow().len() == 2).await;
        assert!(!line.acceptor.links().is_empty());
    });
}

#[test]
fn a_grant_taken_away_hides_the_service_and_refuses_the_next_call() {
    with_line("", |line| async move {
        let link = line.ready().await;
        line.switch.obey(policy(&line.keys, "", ""));
        line.egress.until("the service is gone", |egress| egress.offered.borrow().is_empty()).await;
        line.call(&link, "m", b"x", 1);
        assert_eq!(line.failure(1).await.kind, Kind::NotGranted);
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
        assert!(failure.text.contains(&format!("limits.held = {BUDGET_LEN}")), "{}", failure.text);
        drop(others);
        line.call(&link, "echo", b"x", 2);
        assert_eq!(line.reply(2).await, b"x");
        assert_eq!(line.switch.budget.held(), 0);
    });
}

#[test]
fn a_catalogue_of_many_megabytes_reaches_the_egress_and_calls_pass_it() {
    with_line("", |line| async move {
        let egress = line.ready().await;
        let entry = |number: usize| Entry {
            key: ServiceKey { interface: format!("com.example.{number}.{}", "x".repeat(900)), ..ServiceKey::default() },
            healthy: true,
            ..Entry::default()
        };
        let origin = Origin { island: "beijing".to_owned(), gateway: "in".to_owned(), start: 2 };
        let added: Vec<Entry> = (0..11_000).map(entry).collect();
        let update = Update { origin, revision: 2, base: 1, added, removed: vec![], complete: true };
        line.ingress.link().await.send_catalogue(&update).unwrap();
        let mut token = 0;
        while line.egress.offered.borrow().len() < 11_001 {
            token += 1;
            line.call(&egress, "echo", b"x", token);
            assert_eq!(line.reply(token).await, b"x");
        }
        assert!(token > 3, "no call went between the parts");
        assert_eq!((line.egress.downs.get(), line.ingress.downs.get()), (0, 0));
    });
}

#[test]
fn an_egress_hears_that_it_was_told_everything_once_every_ingress_has_spoken() {
    with_line("", |line| async move {
        line.egress.link().await;
        line.ingress.link().await;
        assert!(line.egress.told.borrow().is_empty(), "the only ingress has said nothing yet");
        line.ready().await;
        line.egress.until("the word", |egress| !egress.told.borrow().is_empty()).await;
        assert_eq!(*line.egress.told.borrow(), [1], "after what it is about, and once");
    });
}

/// A hub took 64 links of a gateway, and gateways may run more shards than that: the others never had one.
#[test]
fn a_gateway_of_many_shards_has_a_link_for_each() {
    with_line("", |line| async move {
        line.ready().await;
        let _shards: Vec<_> = (0..80).map(|_| line.ingress_again()).collect();
        while line.switch.links.borrow().all().filter(|link| link.peer().role == tunnel::Role::Ingress).count() < 81 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
}
