//! What a hub says of a call that nobody makes, with real links on loopback.

use std::cell::RefCell;

use wire::tunnel::question::{AskedCall, Providers, Verdict};

use super::line::{GRANT, Gateway, Line, SERVICE, policy, with_line};
use super::*;

fn call(destination: &str, service: &str) -> AskedCall {
    let head = Head { destination, service, method: "sayHello", application: "web", ..Head::default() };
    AskedCall::of(&Head { serialization: 2, protocol: Head::DUBBO, ..head }).unwrap()
}

fn ask(link: &Link, question: u64, call: AskedCall) {
    link.notify(&Notice::Asked { question, call: Box::new(call) });
}

fn found<T>(notices: &RefCell<Vec<Notice>>, pick: impl Fn(&Notice) -> Option<T>) -> Option<T> {
    notices.borrow().iter().find_map(pick)
}

/// What the hub says to this question.
async fn verdict(line: &Line, question: u64) -> Verdict {
    let of = |gateway: &Gateway| {
        found(&gateway.notices, |notice| match notice {
            Notice::Judged { question: number, verdict } if *number == question => Some(verdict.clone()),
            _ => None,
        })
    };
    line.egress.until("a verdict", |egress| of(egress).is_some()).await;
    *of(&line.egress).unwrap()
}

#[test]
fn a_granted_question_names_the_grant_and_the_gateways_and_brings_their_providers_back() {
    with_line("concurrent_calls = 9", |line| async move {
        let link = line.ready().await;
        ask(&link, 7, call("beijing", SERVICE));
        let said = verdict(&line, 7).await;
        assert_eq!(
            (said.grant.as_deref(), said.refused, said.gateways),
            (Some("greetings"), None, vec!["in".to_owned()])
        );
        assert_eq!((said.calls_per_second, said.concurrent_calls, said.open_calls), (None, Some(9), 0));
        let passed = |gateway: &Gateway| {
            found(&gateway.notices, |notice| match notice {
                Notice::Asked { question, call } => Some((*question, call.clone())),
                _ => None,
            })
        };
        line.ingress.until("the question", |ingress| passed(ingress).is_some()).await;
        let (number, asked) = passed(&line.ingress).unwrap();
        assert_eq!(*asked, call("beijing", SERVICE));
        let providers = Providers { listed: 3, up: 2, ejected: 1, addresses: vec!["10.0.0.1:20880".to_owned()] };
        // What it calls itself does not count, and neither does an answer to what was not asked.
        let answer = |question| Notice::Staffed { question, gateway: "a lie".to_owned(), providers: providers.clone() };
        let ingress = line.ingress.link().await;
        ingress.notify(&answer(number + 1));
        ingress.notify(&answer(number));
        ingress.notify(&answer(number));
        let told = |gateway: &Gateway| {
            gateway.notices.borrow().iter().filter(|one| matches!(one, Notice::Staffed { .. })).count()
        };
        line.egress.until("the providers", |egress| told(egress) > 0).await;
        let expected = Notice::Staffed { question: 7, gateway: "in".to_owned(), providers };
        assert!(line.egress.notices.borrow().contains(&expected));
        // A call is answered behind it: nothing of the question was a call, and nothing else came.
        line.call(&link, "sayHello", b"x", 1);
        assert_eq!(line.reply(1).await, b"x");
        assert_eq!(told(&line.egress), 1);
        assert_eq!(line.audit(1).await.len(), 1);
    });
}

#[test]
fn who_has_no_grant_learns_nothing_of_the_island_not_even_whether_it_exists() {
    with_line("", |line| async move {
        let link = line.ready().await;
        let more = format!("{GRANT}[[island]]\nid = 'moscow'\n");
        line.switch.obey(policy(&line.keys, &more, ""));
        ask(&link, 1, call("moscow", SERVICE));
        ask(&link, 2, call("atlantis", SERVICE));
        ask(&link, 3, call("beijing", "org.other.Secret"));
        let [there, nowhere, beijing] = [verdict(&line, 1).await, verdict(&line, 2).await, verdict(&line, 3).await]
            .map(|said| {
                assert_eq!((said.grant, said.gateways), (None, Vec::new()));
                said.refused.unwrap()
            });
        assert!(there.starts_with("no grant lets application `web` of island `shanghai` call"), "{there}");
        assert_eq!(there.replace("moscow", "X"), nowhere.replace("atlantis", "X"));
        assert!(beijing.starts_with("no grant lets"), "{beijing}");
        assert!(!line.ingress.notices.borrow().iter().any(|one| matches!(one, Notice::Asked { .. })));
    });
}

#[test]
fn an_island_without_a_link_a_service_that_is_gone_and_a_limit_are_told_as_a_call_would_read_them() {
    with_line("calls_per_second = 0", |line| async move {
        let link = line.ready().await;
        ask(&link, 1, call("beijing", SERVICE));
        ask(&link, 2, call("beijing", "com.example.Other"));
        let limited = verdict(&line, 1).await;
        assert_eq!((limited.grant.as_deref(), limited.calls_per_second), (Some("greetings"), Some(0)));
        assert!(limited.refused.unwrap().contains("calls_per_second = 0"));
        let other = verdict(&line, 2).await.refused.unwrap();
        assert!(other.contains("does not offer com.example.Other"), "{other}");
        line.dialers[1].close("it goes");
        line.switch_sees_no_ingress().await;
        ask(&link, 3, call("beijing", SERVICE));
        let away = verdict(&line, 3).await.refused.unwrap();
        assert!(away.contains("island `beijing` has no link to hub `hub-1`"), "{away}");
    });
}

#[test]
fn a_flood_of_questions_is_answered_in_part_and_one_of_a_megabyte_not_at_all() {
    with_line("", |line| async move {
        let link = line.ready().await;
        let long = AskedCall { service: "x".repeat(60_000), ..call("beijing", SERVICE) };
        ask(&link, 1000, long);
        for question in 0..200 {
            ask(&link, question, call("beijing", SERVICE));
        }
        line.call(&link, "sayHello", b"x", 1);
        assert_eq!(line.reply(1).await, b"x");
        let answered = |line: &Line| {
            let notices = line.egress.notices.borrow();
            let numbers = notices.iter().filter_map(|one| match one {
                Notice::Judged { question, .. } => Some(*question),
                _ => None,
            });
            numbers.collect::<Vec<_>>()
        };
        let answered = answered(&line);
        assert!((20..100).contains(&answered.len()), "{answered:?}");
        assert!(!answered.contains(&1000));
        assert_eq!(line.egress.downs.get() + line.ingress.downs.get(), 0);
        // Nobody answers in the gateway's place, and what is too late is forgotten.
        line.switch.questions.borrow_mut().forget_old(Instant::now() + Duration::from_secs(10));
        assert!(line.switch.questions.borrow().is_empty());
    });
}
