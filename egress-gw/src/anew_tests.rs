//! What changes while calls wait, and what becomes of them: a switch, another rule, a grant taken away, a local provider that is back.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use route::Snapshot;
use route::rules::{Rules, parse};
use shard::Key;
use wire::dubbo::frame::Status;
use wire::tunnel::failure::{Kind, Outcome, Stage};

use crate::deadline::Timeouts;
use crate::knowledge::Knowledge;
use crate::local::Local;
use crate::testing::*;

const ISLANDS: [&str; 2] = ["shanghai", "beijing"];

/// What is known where these rules are in force and both islands offer Greeter.
fn ruled(generation: u64, rules: &str) -> Knowledge {
    Knowledge { snapshot: Arc::new(snapshot_ruled(generation, &ISLANDS, in_force(rules))), ..Knowledge::default() }
}

/// The same while no hub has told what there is, as after the last link has gone.
fn untold(generation: u64, rules: &str) -> Knowledge {
    let snapshot = Arc::new(snapshot_untold(generation, in_force(rules), &Local::default()));
    Knowledge { snapshot, ..Knowledge::default() }
}

fn in_force(rules: &str) -> Rules {
    let document = parse("shop", &format!("service: com.acme.Greeter\n{rules}")).unwrap();
    Rules::new([Arc::new(document)], SystemTime::now()).unwrap()
}

fn to(island: &str) -> String {
    format!("rules:\n  - name: there\n    act: {{ island: {island} }}\n")
}

/// A gate whose calls go to these islands, in that order.
fn gate(rules: &str) -> Gate {
    GateBuilder { knowledge: ruled(1, rules), ..GateBuilder::default() }.open()
}

/// Calls 1, 2 (one-way) and 3 are to go to shanghai, which has no link, and wait.
async fn three_wait() -> (Gate, Peer) {
    let gate = gate(&to("shanghai"));
    let consumer = three_wait_at(&gate).await;
    (gate, consumer)
}

async fn three_wait_at(gate: &Gate) -> Peer {
    let mut consumer = gate.consumer().await;
    consumer.send(&patient(1)).await;
    let first = gate.link().calls(1).await.remove(0);
    gate.refuse(first.token, no_link());
    consumer.send(&[one_way(patient(2)), patient(3)].concat()).await;
    until(|| gate.core.absent.waiting() == 3).await;
    consumer
}

/// Call 1 is to go to shanghai, and no link is there.
async fn one_waits_for_a_link() -> (Gate, Peer) {
    let knowledge = ruled(1, &to("shanghai"));
    let gate = GateBuilder { knowledge, links: Vec::new(), ..GateBuilder::default() }.open();
    let mut consumer = gate.consumer().await;
    consumer.send(&patient(1)).await;
    until(|| gate.core.waiting.borrow().len() == 1).await;
    (gate, consumer)
}

/// Which calls were sent.
fn ids(sent: &[Opened]) -> Vec<u8> {
    sent.iter().map(|sent| sent.frame[11]).collect()
}

/// Seen with every way of waiting: the switch stopped new calls, and those that waited went out when the island was back.
#[test]
fn a_switch_that_is_thrown_while_calls_wait_stops_them_with_its_sentence() {
    on_shard(async {
        let (gate, mut consumer) = three_wait().await;
        let switch = "switches:\n  - name: stopped\n    say: shanghai is closed, call 555\n";
        gate.core.knowledge.store(Arc::new(ruled(2, &format!("{switch}{}", to("shanghai")))));
        for id in [1, 3] {
            let told = consumer.answer().await;
            assert_eq!((told.id, told.status), (id, Status::OK), "{}", told.text);
            assert!(told.text.contains("shanghai is closed, call 555"), "{}", told.text);
        }
        assert!(gate.core.calls.is_empty(), "the one-way call has ended too");
        gate.core.island_is_back("shanghai");
        assert_eq!(gate.destinations().len(), 1, "nothing is sent any more");
    });
}

#[test]
fn calls_that_wait_go_where_a_changed_rule_leads_them_each_once_and_in_their_order() {
    on_shard(async {
        let (gate, mut consumer) = three_wait().await;
        gate.core.knowledge.store(Arc::new(ruled(2, &to("beijing"))));
        let sent = gate.link().calls(4).await;
        assert_eq!(gate.destinations()[1..], ["beijing", "beijing", "beijing"]);
        assert_eq!(ids(&sent), [1, 1, 2, 3]);
        assert_eq!(sent[1].frame, patient(1), "as it came");
        gate.core.island_is_back("shanghai");
        gate.core.ways_changed();
        assert_eq!(gate.destinations().len(), 4, "nothing is sent twice");
        gate.reply(sent[1].token, &ok_reply(b"\x02hi"));
        gate.reply(sent[3].token, &ok_reply(b"\x02hi"));
        assert_eq!((consumer.frame().await[11], consumer.frame().await[11]), (1, 3));
        assert!(gate.core.calls.is_empty());
    });
}

#[test]
fn calls_that_wait_for_a_link_are_stopped_although_none_comes() {
    on_shard(async {
        let (gate, mut consumer) = one_waits_for_a_link().await;
        let switch = "switches:\n  - name: stopped\n    island: shanghai\n    say: until six\n";
        gate.core.knowledge.store(Arc::new(ruled(2, &format!("{switch}{}", to("shanghai")))));
        let told = consumer.answer().await;
        assert!(told.text.contains("until six"), "{}", told.text);
    });
}

/// A link may come up before the clock ticks.
#[test]
fn a_link_that_comes_up_sends_nothing_by_a_rule_of_before() {
    on_shard(async {
        let (gate, _consumer) = one_waits_for_a_link().await;
        let link = FakeLink::new(1, "hub-1");
        gate.core.links.add(link.clone());
        gate.core.knowledge.store(Arc::new(ruled(2, &to("beijing"))));
        gate.core.ways_changed();
        assert_eq!(link.calls(1).await[0].head().destination, "beijing");
    });
}

/// Call 1 was to go to shanghai; then the last link went, these rules came, and a link is up whose hub has told nothing yet.
async fn nobody_knows(rules: &str) -> (Gate, Peer, Rc<FakeLink>) {
    let (gate, consumer) = one_waits_for_a_link().await;
    gate.core.knowledge.store(Arc::new(untold(2, rules)));
    let link = FakeLink::new(1, "hub-1");
    gate.core.links.add(link.clone());
    gate.core.ways_changed();
    gate.core.send_waiting();
    until(|| gate.core.looked_at() == 2).await;
    gate.core.send_waiting();
    assert!(link.opened.borrow().is_empty(), "it was sent by a decision of before");
    (gate, consumer, link)
}

/// A switch that was thrown while no link was there was not obeyed by what waited: a hub tells what there is after its link is up.
#[test]
fn a_call_is_not_sent_to_a_closed_island_while_no_hub_has_told_what_there_is() {
    on_shard(async {
        let closed =
            format!("switches:\n  - name: stopped\n    island: shanghai\n    say: until six\n{}", to("shanghai"));
        let (gate, mut consumer, link) = nobody_knows(&closed).await;
        gate.core.knowledge.store(Arc::new(ruled(3, &closed)));
        let told = consumer.answer().await;
        assert!(told.text.contains("until six"), "{}", told.text);
        assert!(link.opened.borrow().is_empty());
    });
}

#[test]
fn a_call_goes_where_the_rules_of_now_lead_it_once_a_hub_has_told_what_there_is() {
    for island in ISLANDS {
        on_shard(async move {
            let (gate, mut consumer, link) = nobody_knows(&to(island)).await;
            gate.core.knowledge.store(Arc::new(ruled(3, &to(island))));
            let sent = link.calls(1).await.remove(0);
            assert_eq!(sent.head().destination, island);
            gate.reply(sent.token, &ok_reply(b"\x02hi"));
            assert_eq!(consumer.frame().await[11], 1);
        });
    }
}

#[test]
fn a_call_whose_time_is_over_before_a_hub_has_told_what_there_is_is_told_so() {
    on_shard(async {
        let (gate, mut consumer, _link) = nobody_knows(&to("beijing")).await;
        gate.core.expire(Instant::now() + Duration::from_secs(60));
        let told = consumer.answer().await;
        assert_eq!(told.status, Status::SERVER_ERROR, "its consumer may repeat it");
        assert!(told.text.contains("no hub has told this gateway within"), "{}", told.text);
        assert!(told.text.contains("(the call was not executed)"), "{}", told.text);
    });
}

#[test]
fn a_call_that_comes_back_unsent_goes_over_no_other_link_while_nobody_knows_where_it_goes() {
    on_shard(async {
        let knowledge = ruled(1, &to("shanghai"));
        let gate = GateBuilder { knowledge, links: vec!["hub-1", "hub-2"], ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&patient(1)).await;
        let first = gate.link().calls(1).await.remove(0);
        gate.link().usable.set(false);
        gate.core.knowledge.store(Arc::new(untold(2, &to("beijing"))));
        gate.refuse(first.token, failure(Stage::Tunnel, Kind::LinkLost, Outcome::NotSent));
        assert!(gate.links[1].opened.borrow().is_empty(), "it was sent by a decision of before");
        gate.core.knowledge.store(Arc::new(ruled(3, &to("beijing"))));
        assert_eq!(gate.links[1].calls(1).await[0].head().destination, "beijing");
    });
}

/// The call was on its way when the switch was thrown, and came back unsent.
#[test]
fn a_call_that_was_not_sent_goes_on_by_the_rules_of_now() {
    on_shard(async {
        let list = |islands: &str| format!("rules:\n  - name: there\n    act: {{ failover: [{islands}] }}\n");
        let gate = gate(&list("shanghai, beijing"));
        let mut consumer = gate.consumer().await;
        consumer.send(&patient(1)).await;
        let first = gate.link().calls(1).await.remove(0);
        let switch = "switches:\n  - name: stopped\n    say: beijing is closed\n";
        gate.core.knowledge.store(Arc::new(ruled(2, &format!("{switch}{}", list("shanghai, beijing")))));
        gate.refuse(first.token, no_link());
        assert!(consumer.answer().await.text.contains("beijing is closed"));
        assert_eq!(gate.destinations().len(), 1);
    });
}

#[test]
fn a_call_keeps_its_place_and_its_name_where_the_change_is_about_others() {
    on_shard(async {
        let (gate, mut consumer) = three_wait().await;
        let other = "rules:\n  - name: others\n    match: { methods: [pay] }\n    act: { island: beijing }\n  - name: there\n    act: { island: shanghai }\n";
        gate.core.knowledge.store(Arc::new(ruled(2, other)));
        until(|| gate.core.last_look.generation.get() == 2).await;
        assert_eq!((gate.core.absent.waiting(), gate.destinations().len()), (3, 1));
        gate.core.island_is_back("shanghai");
        let sent = gate.link().calls(4).await;
        assert_eq!((sent[1].head().attempt, sent[1].head().stamp), (1, sent[0].head().stamp));
        gate.reply(sent[1].token, &ok_reply(b"\x02hi"));
        assert_eq!(consumer.frame().await[11], 1);
    });
}

#[test]
fn where_nobody_knows_any_more_who_offers_the_service_a_call_waits_on_and_where_nobody_offers_it_the_call_ends() {
    on_shard(async {
        let (gate, mut consumer) = three_wait().await;
        let nothing = |generation, view| {
            let known = route::Known { own_island: "cloud".into(), view, ..route::Known::default() };
            Arc::new(Knowledge { snapshot: Arc::new(Snapshot::new(generation, known)), ..Knowledge::default() })
        };
        gate.core.knowledge.store(nothing(2, route::View::Partial));
        until(|| gate.core.last_look.generation.get() == 2).await;
        assert_eq!(gate.core.absent.waiting(), 3);
        gate.core.knowledge.store(nothing(3, route::View::Complete));
        assert!(consumer.answer().await.text.contains("no island offers"), "as a call that comes now");
    });
}

/// A handler may have taken the call for itself, or kept it from an island.
#[test]
fn a_call_that_is_led_elsewhere_goes_through_the_handlers_again() {
    struct NotToBeijing;
    impl crate::fallback::Fallback for NotToBeijing {
        fn name(&self) -> &str {
            "not to beijing"
        }
        fn handle<'a>(&self, request: crate::fallback::Request<'a>) -> crate::fallback::Handled<'a> {
            match request.decide() {
                Ok(decision) if decision.targets().any(|target| target == "beijing") => request.refuse("not there"),
                Ok(decision) => request.carry(decision),
                Err(failure) => request.fail(&failure),
            }
        }
    }
    on_shard(async {
        let knowledge = ruled(1, &to("shanghai"));
        let gate = GateBuilder { knowledge, chain: vec![Box::new(NotToBeijing)], ..GateBuilder::default() }.open();
        let mut consumer = three_wait_at(&gate).await;
        gate.core.knowledge.store(Arc::new(ruled(2, &to("beijing"))));
        assert!(consumer.answer().await.text.contains("not there"));
        assert_eq!(gate.destinations().len(), 1);
    });
}

#[test]
fn a_call_that_came_in_by_the_port_of_an_island_still_means_that_island() {
    on_shard(async {
        let gate = gate(&to("shanghai"));
        let mut consumer = Peer::connect(gate.port("beijing")).await;
        consumer.send(&patient(1)).await;
        let first = gate.link().calls(1).await.remove(0);
        assert_eq!(first.head().destination, "beijing");
        gate.refuse(first.token, no_link());
        gate.core.knowledge.store(Arc::new(ruled(2, &to("shanghai"))));
        until(|| gate.core.last_look.generation.get() == 2).await;
        gate.core.island_is_back("beijing");
        assert_eq!(gate.link().calls(2).await[1].head().destination, "beijing");
    });
}

/// Only links let the calls of a list go, and a list may end, or begin, in this island.
#[test]
fn calls_that_wait_go_to_the_local_provider_that_is_back_whatever_the_links_do() {
    on_shard(async {
        let (closed, address) = closed_port();
        let timeouts = Timeouts { link_wait: Duration::from_secs(8), ..Timeouts::default() };
        let builder = GateBuilder { timeouts, links: Vec::new(), ..GateBuilder::in_order(&["local", "shanghai"]) };
        let gate = builder.beside(address, &[]).open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[("timeout", "9000")])).await;
        until(|| gate.core.waiting.borrow().len() == 1).await;
        let listener = closed.listen(8).unwrap();
        let mut provider = accepted(&listener).await;
        let got = provider.frame().await;
        provider.reply_to(&got).await;
        assert_eq!(consumer.frame().await[11], 1);
        assert!(gate.core.calls.is_empty());
    });
}

#[test]
fn calls_that_wait_for_an_absent_island_go_to_the_local_provider_that_is_back() {
    on_shard(async {
        let (closed, address) = closed_port();
        let gate = GateBuilder::in_order(&["local", "shanghai"]).beside(address, &[]).open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[("timeout", "9000")])).await;
        let sent = gate.link().calls(1).await.remove(0);
        gate.refuse(sent.token, no_link());
        until(|| gate.core.absent.has("shanghai")).await;
        // Who was tried in vain does not answer for longer than this test takes.
        gate.link().usable.set(false);
        let listener = closed.listen(8).unwrap();
        accepted(&listener).await.frame().await;
        assert_eq!(gate.link().opened.borrow().len(), 1);
    });
}

/// Its deadline was over between two ticks, and it was sent where nobody waited for its answer.
#[test]
fn a_call_whose_time_is_over_is_told_so_and_not_decided_anew() {
    on_shard(async {
        let gate = gate(&to("shanghai"));
        let mut consumer = gate.consumer().await;
        consumer.send(&patient(1)).await;
        let first = gate.link().calls(1).await.remove(0);
        let key = Key::from_number(first.token);
        gate.refuse(first.token, no_link());
        gate.core.calls.with(key, |call| call.deadline = std::time::Instant::now());
        gate.core.knowledge.store(Arc::new(ruled(2, &to("beijing"))));
        gate.core.decide_waiting_anew();
        assert_eq!(gate.destinations().len(), 1, "nothing is sent");
        let told = consumer.answer().await;
        assert!(told.text.contains("no hub had a link to that island"), "{}", told.text);
        assert!(told.text.contains("(the call was not executed)"), "{}", told.text);
    });
}

/// All were looked at in one turn, at each generation: with many that wait nothing else got its turn.
#[test]
fn so_many_calls_are_looked_at_in_a_tick_and_each_has_its_turn_however_often_things_change() {
    on_shard(async {
        let (gate, _consumer) = three_wait().await;
        for (generation, sent) in [(2, 2), (3, 3), (4, 4)] {
            gate.core.knowledge.store(Arc::new(ruled(generation, &to("beijing"))));
            gate.core.look_at_waiting(1);
            assert_eq!(gate.destinations().len(), sent, "one more");
        }
        assert_eq!(ids(&gate.link().opened.borrow()), [1, 1, 2, 3]);
    });
}

#[test]
fn a_call_whose_turn_has_not_come_is_not_sent_by_a_rule_of_before() {
    on_shard(async {
        let (gate, mut consumer) = three_wait().await;
        let switch = "switches:\n  - name: stopped\n    say: shanghai is closed\n";
        gate.core.knowledge.store(Arc::new(ruled(2, &format!("{switch}{}", to("shanghai")))));
        gate.core.look_at_waiting(1);
        assert_eq!(gate.core.calls.len(), 2);
        gate.core.island_is_back("shanghai");
        assert_eq!((gate.destinations().len(), gate.core.calls.len()), (1, 0));
        for id in [1, 3] {
            let told = consumer.answer().await;
            assert_eq!((told.id, told.text.contains("shanghai is closed")), (id, true), "{}", told.text);
        }
    });
}
