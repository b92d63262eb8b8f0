//! Calls through a hub with real links on loopback: what the egress sees, what the ingress sees, what the audit says.

use std::rc::Rc;

use tunnel::key::PrivateKey;
use wire::tunnel::catalogue::{Entry, Origin, ServiceKey, Update};

use super::line::{GRANT, SERVICE, offer, policy, with_line};
use super::*;

/// Once: nothing is notably otherwise on a quiet path.
#[test]
fn an_egress_hears_how_far_the_islands_are_that_it_sees() {
    with_line("", |line| async move {
        line.ready().await;
        line.egress.until("a distance", |egress| !egress.distances.borrow().is_empty()).await;
        assert_eq!(line.egress.distances.borrow()[0].0, "beijing");
    });
}

/// A path takes at least what it is made to take, however busy the machine is; the others are only awaited to be shorter.
#[test]
fn an_island_is_as_far_as_the_shortest_path_to_it() {
    with_line("", |line| async move {
        line.ready().await;
        let (delay, told) = (Duration::from_millis(150), &line.egress.distances);
        line.dialers[1].close("it goes");
        line.switch_sees_no_ingress().await;
        told.borrow_mut().clear();
        let (far, _far) = line.ingress_from_afar(delay).await;
        far.link().await;
        line.egress.until("a long way", |_| !told.borrow().is_empty()).await;
        let first = told.borrow()[0].1;
        assert!(first >= 2 * delay, "{first:?}");
        let (near, _near) = line.ingress_again();
        offer(&near.link().await, 2);
        line.egress.until("a shorter way", |_| told.borrow().last().is_some_and(|(_, way)| *way < 2 * delay)).await;
    });
}

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
fn what_came_of_calls_is_counted_by_island_and_service_and_outlives_a_changed_catalogue() {
    with_line("", |line| async move {
        let link = line.ready().await;
        line.call(&link, "m", b"x", 1);
        line.reply(1).await;
        line.call(&link, "gone", b"x", 2);
        line.failure(2).await;
        line.call_with(&link, Head { method: "m", service: "org.secret.Service", ..Head::default() }, b"x", 3);
        line.failure(3).await;
        let said = line.switch.status();
        let of = |list: &str, island: &str| {
            let rows = said[list].as_array().unwrap().iter();
            let row = rows.filter(|row| row["island"] == island).map(|row| &row["calls"]).next().unwrap();
            ["calls", "failed", "answered"].map(|field| row[field].as_u64().unwrap())
        };
        assert_eq!(of("sent", "shanghai"), [3, 2, 1], "{said}");
        assert_eq!(of("sent", "beijing"), [0, 0, 0]);
        assert_eq!(of("services", "beijing"), [2, 1, 1], "what was refused went to no service");
        assert_eq!(said["services"][0]["service"], SERVICE);
        let listed = said["gateways"].as_array().unwrap();
        assert!(listed.iter().any(|one| one["gateway"] == "in" && one["role"] == "ingress"), "{said}");
        // The catalogue is learnt anew, with the same service in it.
        let ingress = line.switch.links.borrow().all().find(|link| link.peer().name == "in".into()).cloned().unwrap();
        let who = Who::of(&ingress);
        line.switch.links.borrow_mut().learn(&who, &line.switch.catalogue.borrow());
        assert_eq!(line.switch.status()["services"][0]["calls"]["calls"], 2);
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

/// What waited at the hub for a link that took nothing, and was late there, was written down as sent.
#[test]
fn one_way_calls_that_never_leave_the_hub_are_not_written_down_as_sent() {
    const CALLS: u64 = 90;
    with_line("", |line| async move {
        line.ready().await;
        line.dialers[1].close("the test ends it");
        line.switch_sees_no_ingress().await;
        let is_stuck = Rc::new(Cell::new(false));
        let (again, _dialer) = line.ingress_on_a_path(is_stuck.clone()).await;
        let (ingress, link) = (again.link().await, line.egress.link().await);
        super::line::offer(&ingress, 3);
        while !line.switch.links.borrow().reach("beijing") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        is_stuck.set(true);
        let head = Head { method: "tell", flags: Flags::ONE_WAY, remaining_ms: 1500, ..Head::default() };
        for token in 0..CALLS {
            line.call_with(&link, head, &[7; 60_000], token);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let told = || {
            let text = std::fs::read_to_string(&line.audit).unwrap();
            let lines = text.lines().map(|one| serde_json::from_str::<serde_json::Value>(one).unwrap());
            lines.filter(|one| one["method"] == "tell").collect::<Vec<_>>()
        };
        while (told().len() as u64) < CALLS {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let (told, count) = (told(), |outcome: &str| told().iter().filter(|one| one["outcome"] == outcome).count());
        // What waits for credit is late after a second, what waits for the connection at its deadline.
        assert!(count("failed") > 10 && count("timed_out") > 0, "{} {}", count("failed"), count("timed_out"));
        let late = told.iter().find(|one| one["outcome"] == "failed").unwrap();
        assert_eq!(late["reason"], "busy: no credit for it in time");
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
fn posts_that_are_forms_are_taken_while_the_policy_says_so_and_the_audit_tells_of_them() {
    with_line("multipart = true", |line| async move {
        line.ready().await;
        let (forms, _dialer) = line.egress_of_forms();
        let link = forms.link().await;
        line.call(&link, "m", b"x", 1);
        forms.until("an answer", |egress| egress.finished.get() == 1).await;
        line.call(&line.egress.link().await, "m", b"x", 2);
        line.reply(2).await;
        let told: Vec<_> = line.audit(2).await.iter().map(|line| line["multipart"].as_bool()).collect();
        assert_eq!(told, [Some(true), None]);
        line.switch.obey(policy(&line.keys, GRANT, ""));
        forms.until("the link is down", |egress| egress.downs.get() == 1).await;
        assert_eq!(line.egress.downs.get(), 0, "its other link is none of them");
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

/// Such a link was uncounted when it was closed, and never counted: what its gateway offered over the link that it had all the
/// while was removed after the hold-down.
#[test]
fn a_link_that_the_policy_turns_away_at_its_last_moment_takes_no_other_along() {
    with_line("", |line| async move {
        line.ready().await;
        let before = line.switch.policy.borrow().clone();
        let nobody = [line.keys[0].clone(), line.keys[1].clone(), Arc::new(PrivateKey::generate().unwrap())];
        line.next_policy.set(Some(policy(&nobody, GRANT, "")));
        let (again, dialer) = line.ingress_again();
        again.until("it is turned away", |gateway| gateway.downs.get() == 1).await;
        dialer.close("the test has seen it");
        *line.switch.policy.borrow_mut() = before;
        let linked: Vec<bool> = line.switch.catalogue.borrow().origins().map(|(_, _, linked)| linked).collect();
        assert_eq!((linked, line.ingress.downs.get()), (vec![true], 0));
    });
}

/// A process that drained linked once more and was believed. When it had gone, the hub heard nothing of what the later one told.
#[test]
fn a_gateway_whose_earlier_process_was_believed_last_links_anew_and_tells_all_of_it() {
    with_line("", |line| async move {
        line.ready().await;
        let who = Who { island: "beijing".to_owned(), gateway: "in".to_owned() };
        let believed = async |start| {
            while !line.switch.catalogue.borrow().is_at(&who, start, 1) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let (later, _later) = line.ingress_again();
        super::line::offer(&later.link().await, 3);
        believed(3).await;
        line.dialers[1].close("its link is lost");
        let (once_more, dialer) = line.ingress_again();
        super::line::offer(&once_more.link().await, 2);
        believed(2).await;
        assert_eq!(later.downs.get(), 0);
        dialer.close("it has drained");
        later.until("it links anew", |gateway| gateway.downs.get() == 1).await;
        super::line::offer(&later.link().await, 3);
        believed(3).await;
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
