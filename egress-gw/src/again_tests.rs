//! What becomes of a call that was not sent: over which other link it goes, for what it waits, and who lets it go on.

use std::time::Duration;

use wire::dubbo::frame::Status;

use super::*;
use crate::deadline::Timeouts;
use crate::testing::*;

/// The call with id 1 was refused, since no hub has a link to its island, and waits.
async fn with_an_absent_island() -> (Gate, Peer) {
    let gate = GateBuilder::default().open();
    let mut consumer = gate.consumer().await;
    consumer.send(&patient(1)).await;
    let first = gate.link().calls(1).await.remove(0);
    gate.refuse(first.token, no_link());
    (gate, consumer)
}

#[test]
fn without_a_link_the_consumer_reads_a_sentence_before_its_own_timeout() {
    on_shard(async {
        let gate = GateBuilder { links: Vec::new(), ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[])).await;
        let told = consumer.answer().await;
        assert_eq!((told.id, told.status), (1, Status::SERVER_ERROR));
        assert_eq!(
            told.text,
            "highway: `com.acme.Greeter#greet` was not sent to island `shanghai`: no link from this egress gateway to a hub came up within 60ms; look at the hub and at the links in this gateway's /status (the call was not executed)"
        );
    });
}

#[test]
fn a_link_that_comes_up_in_time_gets_the_waiting_calls_in_their_order() {
    on_shard(async {
        let timeouts = Timeouts { link_wait: Duration::from_secs(5), ..Timeouts::default() };
        let gate = GateBuilder { links: Vec::new(), timeouts, ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        let calls: Vec<u8> = (0..4).flat_map(|id| call(id, "greet", &[])).collect();
        consumer.send(&[calls, one_way(call(9, "greet", &[]))].concat()).await;
        until(|| gate.core.waiting.borrow().len() == 5).await;
        let link = FakeLink::new(1, "hub-1");
        gate.core.links.add(link.clone());
        let sent = link.calls(5).await;
        let ids: Vec<u8> = sent.iter().map(|sent| sent.frame[11]).collect();
        assert_eq!(ids, [0, 1, 2, 3, 9]);
        assert_eq!(gate.core.calls.len(), 4, "the one-way call holds nothing");
        gate.reply(sent[2].token, &ok_reply(b"\x01c"));
        assert_eq!(consumer.frame().await[11], 2);
    });
}

/// Nobody waits for its answer: a consumer that sends and closes is an ordinary one.
#[test]
fn a_one_way_call_waits_for_a_link_whether_its_consumer_is_there_or_not() {
    on_shard(async {
        let gate = GateBuilder { links: Vec::new(), ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&[one_way(patient(1)), patient(2), one_way(patient(3))].concat()).await;
        until(|| gate.core.waiting.borrow().len() == 3).await;
        drop(consumer);
        until(|| gate.core.counters.abandoned.get() > 0).await;
        assert_eq!((gate.core.counters.abandoned.get(), gate.core.calls.len()), (1, 2));
        let link = FakeLink::new(1, "hub-1");
        gate.core.links.add(link.clone());
        let ids: Vec<u8> = link.calls(2).await.iter().map(|sent| sent.frame[11]).collect();
        assert_eq!(ids, [1, 3]);
        assert!(gate.core.calls.is_empty());
    });
}

#[test]
fn a_failure_over_the_link_is_answered_by_the_table() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        for (kind, outcome, status) in [
            (Kind::NotGranted, Outcome::NotSent, Status::OK),
            (Kind::Overload, Outcome::NotSent, Status::OVERLOADED),
            (Kind::ProviderGone, Outcome::NotSent, Status::SERVER_ERROR),
            (Kind::ProviderGone, Outcome::Unknown, Status::OK),
        ] {
            consumer.send(&call(1, "greet", &[])).await;
            until(|| gate.link().opened.borrow().len() == 1).await;
            let token = gate.link().opened.borrow_mut().remove(0).token;
            gate.refuse(token, failure(Stage::Pick, kind, outcome));
            let told = consumer.answer().await;
            assert_eq!(told.status, status, "{kind} {outcome}");
            assert!(told.text.contains("said over the link"), "{}", told.text);
        }
    });
}

#[test]
fn what_was_not_sent_goes_over_another_link_and_what_may_have_run_does_not() {
    on_shard(async {
        let gate = GateBuilder { links: vec!["hub-1", "hub-2"], ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[("timeout", "5000")])).await;
        let first = gate.link().calls(1).await.remove(0);
        gate.link().usable.set(false);
        let lost = |outcome| failure(Stage::Tunnel, Kind::LinkLost, outcome);
        gate.refuse(first.token, lost(Outcome::NotSent));
        let second = gate.links[1].calls(1).await.remove(0);
        assert_eq!(second.frame, first.frame);
        assert_eq!((second.head().attempt, second.head().stamp), (1, first.head().stamp));
        gate.refuse(second.token, lost(Outcome::Unknown));
        assert_eq!(consumer.answer().await.status, Status::OK);
        assert_eq!(gate.links[1].opened.borrow().len(), 1);
    });
}

#[test]
fn a_hub_without_the_island_sends_the_call_to_the_hub_it_names() {
    on_shard(async {
        let timeouts = Timeouts { link_wait: Duration::from_millis(800), ..Timeouts::default() };
        let gate = GateBuilder { links: vec!["hub-1", "hub-2", "hub-3"], timeouts, ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[])).await;
        let first = gate.link().calls(1).await.remove(0);
        let mut elsewhere = no_link();
        elsewhere.hubs = vec!["hub-3".to_owned()];
        gate.refuse(first.token, elsewhere.clone());
        let second = gate.links[2].calls(1).await.remove(0);
        gate.refuse(second.token, elsewhere);
        let told = consumer.answer().await;
        assert_eq!(told.status, Status::SERVER_ERROR);
        assert_eq!(
            told.text,
            "highway: `com.acme.Greeter#greet` was not sent to island `shanghai`: no hub had a link to that island within 800ms; see whether its ingress gateway runs and reaches the hub (the call was not executed)"
        );
        assert!(gate.links[1].opened.borrow().is_empty());
    });
}

/// The only ingress gateway of an island was restarted: for a second every call failed, although each could have waited.
#[test]
fn calls_to_an_island_without_a_link_wait_for_it_and_go_out_in_their_order_when_the_hub_says_so() {
    on_shard(async {
        let (gate, mut consumer) = with_an_absent_island().await;
        consumer.send(&[patient(2), patient(3)].concat()).await;
        until(|| gate.core.absent.waiting() == 3).await;
        assert_eq!(
            gate.link().opened.borrow().len(),
            1,
            "while the island is absent nothing crosses the link to be refused"
        );
        gate.core.island_is_back("shanghai");
        let ids: Vec<u8> = gate.link().calls(4).await[1..].iter().map(|sent| sent.frame[11]).collect();
        assert_eq!(ids, [1, 2, 3]);
    });
}

#[test]
fn an_absent_island_is_tried_again_without_a_word_from_the_hub() {
    on_shard(async {
        let (gate, _consumer) = with_an_absent_island().await;
        assert_eq!(gate.core.absent.waiting(), 1);
        let again = gate.link().calls(2).await.remove(1);
        assert_eq!(again.head().attempt, 1);
    });
}

/// Each second all of them once crossed the link to be refused: each was a refusal in the audit, and one-way calls were lost.
#[test]
fn of_the_calls_to_an_absent_island_one_after_the_other_is_tried_and_its_answer_lets_all_go() {
    on_shard(async {
        let (gate, mut consumer) = with_an_absent_island().await;
        consumer.send(&[one_way(patient(2)), patient(3), patient(4)].concat()).await;
        until(|| gate.core.absent.waiting() == 4).await;
        for (count, id) in [(2, 1), (3, 3), (4, 4), (5, 1)] {
            gate.core.ways_changed();
            assert_eq!(gate.link().opened.borrow().len(), count, "one of them is tried");
            let tried = gate.link().calls(count).await.remove(count - 1);
            assert_eq!(tried.frame[11], id, "each in its turn, but the one-way call");
            if count < 5 {
                gate.refuse(tried.token, no_link());
                assert_eq!(gate.core.absent.waiting(), 4);
            } else {
                gate.reply(tried.token, &ok_reply(b"\x02hi"));
            }
        }
        let ids: Vec<u8> = gate.link().calls(8).await[5..].iter().map(|sent| sent.frame[11]).collect();
        assert_eq!(ids, [2, 3, 4], "in the order in which they came");
        assert!(gate.core.absent.is_empty());
    });
}

/// A gateway that stops answers what it has taken: each such answer once sent all who waited to be refused again.
#[test]
fn the_answer_to_a_call_that_was_sent_before_lets_nobody_go() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        consumer.send(&[patient(1), patient(2)].concat()).await;
        let sent = gate.link().calls(2).await;
        gate.refuse(sent[1].token, no_link());
        gate.reply(sent[0].token, &ok_reply(b"\x02hi"));
        assert_eq!(consumer.frame().await[11], 1);
        assert_eq!((gate.core.absent.waiting(), gate.link().opened.borrow().len()), (1, 2));
    });
}

#[test]
fn what_says_that_there_is_a_link_lets_all_go_also_where_it_is_a_refusal() {
    for kind in [Kind::NotOffered, Kind::Overload, Kind::NotYetKnown] {
        on_shard(async move {
            let (gate, mut consumer) = with_an_absent_island().await;
            consumer.send(&patient(2)).await;
            until(|| gate.core.absent.waiting() == 2).await;
            gate.core.ways_changed();
            let tried = gate.link().calls(2).await.remove(1);
            gate.refuse(tried.token, failure(Stage::Switch, kind, Outcome::NotSent));
            assert_eq!(gate.link().calls(3).await[2].frame[11], 2, "{kind}");
        });
    }
}

/// Nobody tells that a one-way call was refused, so that it is no use to try one.
#[test]
fn where_only_one_way_calls_wait_a_new_link_lets_them_go_and_time_does_not() {
    on_shard(async {
        let (gate, mut consumer) = with_an_absent_island().await;
        consumer.send(&one_way(patient(2))).await;
        until(|| gate.core.absent.waiting() == 2).await;
        let first = Key::from_number(gate.link().opened.borrow()[0].token);
        drop(gate.core.calls.remove(first));
        gate.core.try_again(Instant::now() + Duration::from_secs(60));
        assert_eq!(gate.link().opened.borrow().len(), 1);
        gate.core.ways_changed();
        assert_eq!(gate.link().calls(2).await[1].frame[11], 2);
    });
}

/// A second gateway of an island that could not read its registry once parked the calls to what the first one offers.
#[test]
fn a_call_whose_service_may_be_offered_yet_waits_alone() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        consumer.send(&patient(1)).await;
        let first = gate.link().calls(1).await.remove(0);
        gate.refuse(first.token, failure(Stage::Switch, Kind::NotYetKnown, Outcome::NotSent));
        consumer.send(&patient(2)).await;
        assert_eq!(gate.link().calls(2).await[1].frame[11], 2, "others go on");
        assert_eq!(gate.core.absent.waiting(), 1);
        gate.core.island_is_back("shanghai");
        assert_eq!(gate.link().calls(3).await[2].frame[11], 1);
    });
}

#[test]
fn a_call_that_waits_for_its_island_is_tried_at_once_when_a_link_comes_or_goes() {
    on_shard(async {
        let (gate, _consumer) = with_an_absent_island().await;
        let other = FakeLink::new(2, "hub-2");
        gate.core.links.add(other.clone());
        gate.core.links.remove(1);
        gate.core.ways_changed();
        assert_eq!(other.opened.borrow().len(), 1);
    });
}

#[test]
fn a_link_that_refuses_a_call_does_not_lose_it() {
    on_shard(async {
        let gate = GateBuilder { links: vec!["hub-1", "hub-2"], ..GateBuilder::default() }.open();
        *gate.link().refuses.borrow_mut() = Some(failure(Stage::Tunnel, Kind::Draining, Outcome::NotSent));
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[])).await;
        let sent = gate.links[1].calls(1).await.remove(0);
        gate.reply(sent.token, &ok_reply(b"\x02hi"));
        assert_eq!(consumer.frame().await[11], 1);
    });
}

#[test]
fn a_one_way_call_that_a_link_refuses_goes_over_another() {
    on_shard(async {
        let gate = GateBuilder { links: vec!["hub-1", "hub-2"], ..GateBuilder::default() }.open();
        *gate.link().refuses.borrow_mut() = Some(failure(Stage::Tunnel, Kind::Draining, Outcome::NotSent));
        let mut consumer = gate.consumer().await;
        let frame = one_way(call(1, "greet", &[]));
        consumer.send(&frame).await;
        let sent = gate.links[1].calls(1).await.remove(0);
        assert_eq!((sent.frame, sent.token), (frame, 0));
        consumer.nothing_but_a_heartbeat().await;
        assert!(gate.core.calls.is_empty(), "it holds nothing once it is on a link");
    });
}
