//! Tests of how the hubs' answers are gathered.

use std::time::Instant;

use super::*;

fn asked(hub: &str, away: Option<&str>) -> Asked {
    Asked { hub: hub.to_owned(), away: away.map(str::to_owned) }
}

fn judged(hub: &str, verdict: Verdict) -> Told {
    Told { hub: hub.into(), at: 0, what: What::Judged(verdict) }
}

fn staffed(hub: &str, gateway: &str, listed: u32) -> Told {
    let providers = Providers { listed, up: listed, ..Providers::default() };
    Told { hub: hub.into(), at: 0, what: What::Staffed(gateway.to_owned(), providers) }
}

fn gather(hubs: &[Asked], answers: Vec<Told>) -> (Vec<HubSays>, Duration) {
    let began = Instant::now();
    let said = shard::runtime().unwrap().block_on(async {
        let (tell, told) = mpsc::channel(ANSWERS_MAX);
        for answer in answers {
            tell.try_send(answer).ok().unwrap();
        }
        gathered(hubs, 1, told).await.remove(0)
    });
    (said, began.elapsed())
}

#[test]
fn every_hub_is_named_with_what_it_says_and_nobody_is_waited_for_who_cannot_answer() {
    let granted = Verdict {
        grant: Some("greetings".to_owned()),
        gateways: vec!["in-1".to_owned(), "in-2".to_owned()],
        ..Verdict::default()
    };
    let refused = Verdict { refused: Some("no grant lets".to_owned()), ..Verdict::default() };
    let hubs = [asked("hub-1", None), asked("hub-2", None), asked("http://hub-3", Some("it is not linked"))];
    let answers = vec![
        judged("hub-1", granted),
        staffed("hub-1", "in-2", 3),
        // One that the hub did not name, and a hub that nobody asked.
        staffed("hub-1", "in-9", 9),
        judged("hub-9", Verdict::default()),
        judged("hub-2", refused),
        staffed("hub-1", "in-1", 1),
    ];
    let (said, took) = gather(&hubs, answers);
    let shown: Vec<_> = said.iter().map(|says| (says.hub.as_str(), says.verdict, says.why.as_deref())).collect();
    assert_eq!(
        shown,
        [
            ("hub-1", Says::Granted, None),
            ("hub-2", Says::Refused, Some("no grant lets")),
            ("http://hub-3", Says::Nothing, Some("it is not linked")),
        ]
    );
    let providers: Vec<_> = said[0].gateways.iter().map(|one| one.providers.as_ref().unwrap().listed).collect();
    assert_eq!(providers, [1, 3]);
    assert!(took < ANSWERED_WITHIN, "{took:?}");
}

#[test]
fn a_hub_that_does_not_know_the_question_is_waited_for_so_long_and_then_named() {
    let (tell, told) = mpsc::channel(1);
    let hubs = [asked("old", None)];
    let said = shard::runtime().unwrap().block_on(gathered(&hubs, 1, told)).remove(0);
    drop(tell);
    assert_eq!(said[0].verdict, Says::Nothing);
    assert!(said[0].why.as_deref().unwrap().contains("a release that does not know the question"), "{said:?}");
}

#[test]
fn a_fifth_question_at_once_is_told_to_come_again() {
    shard::runtime().unwrap().block_on(async {
        let (orders, mut received) = mpsc::channel(8);
        let hubs = Hubs::new(orders);
        let ask = || hubs.ask(vec![AskedCall::default()]);
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..AT_ONCE {
            let hubs = hubs.clone();
            all.spawn_local(async move { hubs.ask(vec![AskedCall::default()]).await.map(|said| said.len()) });
        }
        let mut kept = Vec::new();
        for _ in 0..AT_ONCE {
            kept.push(received.recv().await.unwrap());
        }
        assert!(ask().await.unwrap_err().to_string().contains("ask again"));
        // The shard is gone: nobody was asked.
        drop(kept);
        while let Some(said) = all.join_next().await {
            assert_eq!(said.unwrap().unwrap(), 1);
        }
    });
}
