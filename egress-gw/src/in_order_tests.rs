//! A call with several targets in an order: which one gets it when the first is away, and for which it waits when all are.

use std::time::{Duration, Instant};

use wire::dubbo::frame::Codec;
use wire::tunnel::failure::{Kind, Outcome, Stage};

use crate::testing::*;

/// Call 1 was sent to both islands of its list, and neither has a link.
async fn both_away() -> (Gate, Peer) {
    let gate = GateBuilder::in_order(&["shanghai", "beijing"]).open();
    let mut consumer = gate.consumer().await;
    consumer.send(&patient(1)).await;
    let token = gate.link().calls(1).await[0].token;
    gate.refuse(token, no_link());
    gate.refuse(token, no_link());
    assert_eq!(gate.destinations(), ["shanghai", "beijing"]);
    (gate, consumer)
}

#[test]
fn a_call_whose_island_has_no_link_goes_to_the_next_of_its_list_at_once() {
    on_shard(async {
        let gate = GateBuilder::in_order(&["shanghai", "beijing"]).open();
        let mut consumer = gate.consumer().await;
        let traced = call(1, "greet", &[("timeout", "5000"), ("traceparent", "00-1-2-01")]);
        consumer.send(&traced).await;
        let first = gate.link().calls(1).await.remove(0);
        gate.refuse(first.token, no_link());
        let second = gate.link().calls(2).await.remove(1);
        let (before, after) = (first.head(), second.head());
        assert_eq!((before.destination, after.destination), ("shanghai", "beijing"));
        assert_eq!((after.stamp, after.attempt, after.traceparent), (before.stamp, before.attempt + 1, "00-1-2-01"));
        assert_eq!((&second.frame, second.token), (&traced, first.token));
        gate.reply(second.token, &ok_reply(b"\x02hi"));
        assert_eq!(consumer.frame().await[11], 1);
        consumer.send(&[patient(2), one_way(patient(3))].concat()).await;
        gate.link().calls(4).await;
        assert_eq!(gate.destinations()[2..], ["beijing", "beijing"], "the next ones need not find it out anew");
        gate.core.island_is_back("shanghai");
        consumer.send(&patient(4)).await;
        gate.link().calls(5).await;
        assert_eq!(gate.destinations()[4], "shanghai");
    });
}

#[test]
fn where_no_island_of_its_list_has_a_link_a_call_waits_for_whichever_is_back_first() {
    on_shard(async {
        let (gate, mut consumer) = both_away().await;
        consumer.send(&[patient(2), one_way(patient(3))].concat()).await;
        until(|| gate.core.calls.len() == 3).await;
        gate.core.island_is_back("beijing");
        gate.link().calls(5).await;
        assert_eq!(gate.destinations()[2..], ["beijing", "beijing", "beijing"]);
        assert_eq!(gate.core.calls.len(), 2, "the one-way call holds nothing");
    });
}

#[test]
fn a_list_whose_islands_are_all_away_is_tried_as_a_single_island_is() {
    on_shard(async {
        let (gate, mut consumer) = both_away().await;
        consumer.send(&[patient(2), patient(3)].concat()).await;
        until(|| gate.core.calls.len() == 3).await;
        gate.core.try_again(Instant::now() + Duration::from_secs(60));
        let tried = gate.link().opened.borrow()[2..].to_vec();
        let islands: std::collections::BTreeSet<_> =
            tried.iter().map(|sent| sent.head().destination.to_owned()).collect();
        assert_eq!((tried.len(), islands.len()), (2, 2), "one an island, and not one call for both");
        let there = tried[0].head().destination.to_owned();
        gate.reply(tried[0].token, &ok_reply(b"\x02hi"));
        let all = gate.link().calls(5).await;
        assert_eq!(all[4].head().destination, there, "its answer lets the others go");
    });
}

/// The island that is away was away for everybody until that call had its answer.
#[test]
fn an_island_does_not_count_as_absent_for_as_long_as_a_call_runs_elsewhere() {
    on_shard(async {
        let (gate, mut consumer) = both_away().await;
        gate.core.island_is_back("beijing");
        assert_eq!(gate.destinations(), ["shanghai", "beijing", "beijing"]);
        gate.core.try_again(Instant::now() + Duration::from_secs(60));
        consumer.send(&patient(2)).await;
        gate.link().calls(4).await;
        assert_eq!(gate.destinations()[3], "shanghai", "nobody waits for it");
    });
}

#[test]
fn a_call_that_was_tried_at_one_island_of_its_list_still_waits_for_the_others() {
    on_shard(async {
        let (gate, mut consumer) = both_away().await;
        consumer.send(&patient(2)).await;
        until(|| gate.core.calls.len() == 2).await;
        for minute in 1..=3 {
            gate.core.try_again(Instant::now() + Duration::from_secs(60 * minute));
        }
        let tried: Vec<_> = gate.link().opened.borrow()[2..].to_vec();
        assert_eq!(tried.len(), 2, "one an island");
        tried.iter().for_each(|sent| gate.refuse(sent.token, no_link()));
        let before = gate.destinations().len();
        gate.core.island_is_back(tried[0].head().destination);
        assert_eq!(gate.destinations().len(), before + 2, "both go where an island is back");
    });
}

#[test]
fn a_provider_that_is_gone_there_is_a_reason_to_go_on_and_overload_or_a_call_that_may_have_run_is_none() {
    on_shard(async {
        let gate = GateBuilder::in_order(&["shanghai", "beijing"]).open();
        let mut consumer = gate.consumer().await;
        let mut sent = 0;
        for (kind, outcome, goes_on) in [
            (Kind::ProviderGone, Outcome::NotSent, true),
            (Kind::NotOffered, Outcome::NotSent, true),
            (Kind::Overload, Outcome::NotSent, false),
            (Kind::NotGranted, Outcome::NotSent, false),
            (Kind::ProviderGone, Outcome::Unknown, false),
        ] {
            consumer.send(&patient(1)).await;
            sent += 1;
            let token = gate.link().calls(sent).await[sent - 1].token;
            gate.refuse(token, failure(Stage::Pick, kind, outcome));
            if goes_on {
                sent += 1;
                gate.link().calls(sent).await;
                assert_eq!(*gate.destinations().last().unwrap(), "beijing", "{kind} {outcome}");
                // And there it ends: nobody goes round in circles.
                gate.refuse(token, failure(Stage::Pick, Kind::ProviderGone, Outcome::NotSent));
            }
            assert!(consumer.answer().await.text.contains("said over the link"));
            assert!(gate.core.calls.is_empty(), "{kind} {outcome}");
        }
    });
}

/// One island is away and the provider of the other is gone: the call was sent to the latter with every tick of the clock, and the island
/// counted as absent for everybody.
#[test]
fn a_call_that_was_refused_there_waits_for_the_others_and_holds_up_nobody() {
    on_shard(async {
        let gate = GateBuilder::in_order(&["shanghai", "beijing"]).open();
        let mut consumer = gate.consumer().await;
        consumer.send(&patient(1)).await;
        let token = gate.link().calls(1).await[0].token;
        gate.refuse(token, no_link());
        gate.link().calls(2).await;
        gate.reply(token, &ok_reply(b"\x02hi"));
        assert_eq!(consumer.frame().await[11], 1);
        consumer.send(&patient(2)).await;
        let token = gate.link().calls(3).await[2].token;
        gate.refuse(token, failure(Stage::Pick, Kind::ProviderGone, Outcome::NotSent));
        assert_eq!(gate.core.calls.len(), 1, "it waits for shanghai");
        assert!(gate.core.absent.has("shanghai") && !gate.core.absent.has("beijing"));
        for _ in 0..5 {
            gate.core.send_waiting();
        }
        assert_eq!(gate.destinations(), ["shanghai", "beijing", "beijing"]);
        gate.core.island_is_back("shanghai");
        gate.link().calls(4).await;
        assert_eq!(gate.destinations()[3], "shanghai");
        gate.reply(token, &ok_reply(b"\x02hi"));
        assert_eq!(consumer.frame().await[11], 2);
    });
}

#[test]
fn without_any_link_a_call_goes_to_the_local_provider_of_its_list_as_it_came() {
    on_shard(async {
        let (listener, address) = provider_port().await;
        let builder = GateBuilder { links: Vec::new(), ..GateBuilder::in_order(&["shanghai", "local"]) };
        let gate = builder.beside(address, &[]).open();
        let mut consumer = gate.consumer().await;
        consumer.send(&patient(1)).await;
        let mut provider = accepted(&listener).await;
        provider.frame().await;
        consumer.send(&one_way(patient(2))).await;
        provider.frame().await;
        assert_eq!(gate.core.counters.local.get(), 2);
    });
}

#[test]
fn a_call_that_was_not_sent_over_a_link_goes_to_the_local_provider_of_its_list() {
    on_shard(async {
        let (listener, address) = provider_port().await;
        let gate = GateBuilder::in_order(&["shanghai", "local"]).beside(address, &[]).open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[("timeout", "5000"), ("highway.target", "local")])).await;
        let token = gate.link().calls(1).await[0].token;
        gate.refuse(token, no_link());
        let mut provider = accepted(&listener).await;
        let got = provider.frame().await;
        assert!(!got.windows(8).any(|bytes| bytes == b"highway."), "its own words are taken out");
        provider.reply_to(&got).await;
        assert_eq!(consumer.frame().await[11], 1);
        assert!(gate.core.calls.is_empty());
    });
}

/// The frame that a provider got has its token and path in it, and neither is for another island.
#[test]
fn local_first_goes_to_an_island_when_the_provider_is_gone_and_takes_no_token_along() {
    on_shard(async {
        let (listener, address) = provider_port().await;
        let gate = GateBuilder::in_order(&["local", "shanghai"]).beside(address, &[("token", "hush")]).open();
        let mut consumer = gate.consumer().await;
        consumer.send(&patient(1)).await;
        let mut provider = accepted(&listener).await;
        let got = provider.frame().await;
        assert!(got.windows(4).any(|bytes| bytes == b"hush"));
        provider.reply_to(&got).await;
        assert_eq!(consumer.frame().await[11], 1);
        drop((provider, listener));
        until(|| gate.core.local.status()[0].connections == 0).await;
        consumer.send(&patient(2)).await;
        let sent = gate.link().calls(1).await.remove(0);
        assert_eq!(gate.core.counters.local.get(), 1, "at once, without waiting for a connection");
        assert_eq!((sent.head().destination, &sent.frame), ("shanghai", &patient(2)));
    });
}

/// The connection is made with the first call, which does not know yet that nobody listens.
#[test]
fn a_call_that_waited_for_its_local_provider_in_vain_goes_on_as_it_came() {
    on_shard(async {
        let (_closed, address) = closed_port();
        let gate = GateBuilder::in_order(&["local", "shanghai"]).beside(address, &[("token", "hush")]).open();
        let mut consumer = gate.consumer().await;
        consumer.send(&patient(1)).await;
        let sent = gate.link().calls(1).await.remove(0);
        assert_eq!((sent.head().destination, &sent.frame), ("shanghai", &patient(1)));
        gate.reply(sent.token, &ok_reply(b"\x02hi"));
        assert_eq!(consumer.frame().await[11], 1);
    });
}

/// It waited for the connection to its provider, which failed, and nobody heard of it again.
#[test]
fn a_one_way_call_that_waited_for_its_local_provider_in_vain_goes_on_as_it_came() {
    on_shard(async {
        let (_closed, address) = closed_port();
        let gate = GateBuilder::in_order(&["local", "shanghai"]).beside(address, &[("token", "hush")]).open();
        let mut consumer = gate.consumer().await;
        consumer.send(&one_way(patient(1))).await;
        let sent = gate.link().calls(1).await.remove(0);
        assert_eq!((sent.head().destination, &sent.frame, sent.token), ("shanghai", &one_way(patient(1)), 0));
        assert!(gate.core.calls.is_empty(), "it holds nothing once it is on a link");
    });
}

#[test]
fn a_one_way_call_that_nobody_of_its_list_takes_waits_and_stays_charged() {
    on_shard(async {
        let (_closed, address) = closed_port();
        let builder = GateBuilder { links: Vec::new(), ..GateBuilder::in_order(&["local", "shanghai"]) };
        let gate = builder.beside(address, &[]).open();
        let mut consumer = gate.consumer().await;
        let text = "x".repeat(100_000);
        let large = call_in(Codec::Hessian2, "com.acme.Greeter", 1, "greet", &text, &[("timeout", "5000")]);
        let large = one_way(large);
        consumer.send(&large).await;
        until(|| gate.core.waiting.borrow().len() == 1).await;
        assert!(gate.core.allowance.budget().held() >= large.len());
        let link = FakeLink::new(1, "hub-1");
        gate.core.links.add(link.clone());
        assert_eq!(link.calls(1).await[0].frame, large);
        until(|| gate.core.allowance.budget().held() < large.len()).await;
        assert!(gate.core.calls.is_empty());
    });
}

#[test]
fn a_one_way_call_waits_for_the_connection_to_its_local_provider_and_is_forgotten_once_it_is_written() {
    on_shard(async {
        let (listener, address) = provider_port().await;
        let gate = GateBuilder::in_order(&["local", "shanghai"]).beside(address, &[]).open();
        let mut consumer = gate.consumer().await;
        consumer.send(&one_way(patient(1))).await;
        let mut provider = accepted(&listener).await;
        provider.frame().await;
        until(|| gate.core.calls.is_empty()).await;
        consumer.send(&one_way(patient(2))).await;
        provider.frame().await;
        assert!(gate.core.calls.is_empty() && gate.link().opened.borrow().is_empty());
        assert_eq!(gate.core.counters.local.get(), 2);
    });
}
