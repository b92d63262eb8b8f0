//! What a consumer sees at its socket: every row of the answers, bounds, events, order.

use std::time::Duration;

use wire::dubbo::frame::{Codec, Serialization, Status, put_event_notice, put_heartbeat_request};
use wire::tunnel::failure::{Kind, Outcome, Stage};
use wire::tunnel::head::Flags;

use super::*;
use crate::config::Limits;
use crate::deadline::Timeouts;
use crate::testing::*;

fn limits(change: impl FnOnce(&mut Limits)) -> GateBuilder {
    let mut builder = GateBuilder::default();
    change(&mut builder.limits);
    builder
}

#[test]
fn a_two_way_heartbeat_is_answered_and_other_events_are_not() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        let mut events = Vec::new();
        put_event_notice(&mut events, 1, Codec::Hessian2, Event::Readonly);
        put_heartbeat_request(&mut events, 2, Codec::Hessian2);
        events[2 + 18] &= !0x40; // one-way: the second frame's flags
        let readonly = events.len();
        put_event_notice(&mut events, 5, Codec::Hessian2, Event::Readonly);
        events[readonly + 2] |= 0x40; // two-way, which asks for nothing anybody defines
        put_heartbeat_request(&mut events, 3, Codec::Fastjson2);
        consumer.send(&events).await;
        let frame = consumer.frame().await;
        assert_eq!(frame, [0xda, 0xbb, 0x37, 20, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0, 1, 0xaf]);
    });
}

#[test]
fn a_call_goes_to_the_island_and_its_answer_comes_back_under_the_consumers_id() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        let frame =
            call(-5, "greet", &[("timeout", "3000"), ("remote.application", "shop"), ("traceparent", "00-ab-cd-01")]);
        consumer.send(&frame).await;
        let sent = gate.link().calls(1).await.remove(0);
        assert_eq!(sent.frame, frame);
        let head = sent.head();
        assert_eq!(
            (head.destination, head.service, head.method, head.application),
            ("shanghai", "com.acme.Greeter", "greet", "shop")
        );
        assert_eq!((head.traceparent, head.body_len as usize), ("00-ab-cd-01", frame.len()));
        assert!((2900..=2950).contains(&head.remaining_ms), "{}", head.remaining_ms);
        assert_eq!((head.stamp.start, head.source, head.flags), (77, "", Flags::default()));
        gate.reply(sent.token, &ok_reply(b"\x02hi"));
        let mut wanted = ok_reply(b"\x02hi");
        wanted[4..12].copy_from_slice(&(-5_i64).to_be_bytes());
        assert_eq!(consumer.frame().await, wanted);
        assert!(gate.core.calls.is_empty());
    });
}

#[test]
fn the_second_call_of_a_kind_comes_from_the_cache_and_a_new_snapshot_empties_it() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        consumer.send(&[call(1, "greet", &[]), call(2, "greet", &[]), call(3, "bye", &[])].concat()).await;
        let sent = gate.link().calls(3).await;
        assert_eq!(gate.core.cache.borrow().entries(), 2);
        assert_ne!(sent[0].head().stamp, sent[1].head().stamp);
        let nothing = crate::knowledge::Knowledge {
            snapshot: Arc::new(route::Snapshot::new(
                2,
                "cloud".into(),
                route::View::Complete,
                route::Imports::default(),
                [],
            )),
            ..Default::default()
        };
        gate.core.knowledge.store(Arc::new(nothing));
        consumer.send(&call(4, "greet", &[])).await;
        assert!(consumer.answer().await.text.contains("no island offers `com.acme.Greeter`"));
    });
}

#[test]
fn equal_calls_on_ports_of_different_islands_are_decided_apart() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut anywhere = gate.consumer().await;
        anywhere.send(&call(1, "greet", &[])).await;
        assert_eq!(gate.link().calls(1).await[0].head().destination, "shanghai");
        let mut bound = Peer::connect(gate.port("beijing")).await;
        bound.send(&call(1, "greet", &[])).await;
        let told = bound.answer().await;
        assert!(
            told.text.contains("the port of the call names island `beijing`, which is not known here"),
            "{}",
            told.text
        );
    });
}

#[test]
fn a_nameless_caller_is_who_the_registry_knows_at_its_address() {
    on_shard(async {
        let mut builder = GateBuilder::default();
        let shop = crate::knowledge::Reference { application: Some("shop".to_owned()), ..Default::default() };
        builder.knowledge.consumers.add("127.0.0.1".parse().unwrap(), "com.acme.Greeter", shop);
        let gate = builder.open();
        let mut consumer = gate.consumer().await;
        let named = call(2, "greet", &[("remote.application", "billing")]);
        consumer.send(&[call(1, "greet", &[]), named].concat()).await;
        let sent = gate.link().calls(2).await;
        assert_eq!((sent[0].head().application, sent[1].head().application), ("shop", "billing"));
    });
}

#[test]
fn two_calls_with_equal_ids_on_one_connection_are_two_calls() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        consumer.send(&[call(7, "greet", &[]), call(7, "bye", &[])].concat()).await;
        let sent = gate.link().calls(2).await;
        gate.reply(sent[1].token, &ok_reply(b"\x01b"));
        gate.reply(sent[0].token, &ok_reply(b"\x01a"));
        let (first, second) = (consumer.frame().await, consumer.frame().await);
        assert_eq!((first[18], second[18]), (b'b', b'a'));
        assert_eq!((first[11], second[11]), (7, 7));
    });
}

#[test]
fn calls_of_one_connection_are_sent_in_their_order_however_their_bytes_come() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        let stream: Vec<u8> = (0..5).flat_map(|id| call(id, "greet", &[])).collect();
        for piece in stream.chunks(7) {
            consumer.send(piece).await;
            tokio::task::yield_now().await;
        }
        let ids: Vec<u8> = gate.link().calls(5).await.iter().map(|sent| sent.frame[11]).collect();
        assert_eq!(ids, [0, 1, 2, 3, 4]);
    });
}

#[test]
fn a_one_way_call_is_sent_and_never_answered() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        let unknown = call_in(Codec::Hessian2, "org.other.X", 2, "x", "", &[]);
        consumer.send(&[one_way(call(1, "greet", &[])), one_way(unknown)].concat()).await;
        consumer.nothing_but_a_heartbeat().await;
        let sent = gate.link().calls(1).await.remove(0);
        assert!(sent.head().flags.contains(Flags::ONE_WAY));
        assert!(gate.core.calls.is_empty());
    });
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

#[test]
fn a_full_connection_is_answered_at_once_with_dubbos_overload_status() {
    on_shard(async {
        let gate = limits(|limits| limits.in_flight_per_connection = 2).open();
        let mut consumer = gate.consumer().await;
        consumer.send(&[call(1, "greet", &[]), call(2, "greet", &[]), call(3, "greet", &[])].concat()).await;
        let told = consumer.answer().await;
        assert_eq!((told.id, told.status), (3, Status::OVERLOADED));
        assert_eq!(
            told.text,
            "highway: 2 calls of this connection wait at this egress gateway, at most 2 are allowed; call less at once, or raise limits.in_flight_per_connection (the call was not executed)"
        );
        gate.consumer().await.send(&call(1, "greet", &[])).await;
        gate.link().calls(3).await;
    });
}

#[test]
fn a_full_shard_is_answered_at_once_with_dubbos_overload_status() {
    on_shard(async {
        let gate = limits(|limits| limits.in_flight = 1).open();
        let mut consumer = gate.consumer().await;
        consumer.send(&[call(1, "greet", &[]), call(2, "greet", &[])].concat()).await;
        let told = consumer.answer().await;
        assert_eq!((told.id, told.status), (2, Status::OVERLOADED));
        assert!(told.text.contains("limits.in_flight"), "{}", told.text);
    });
}

#[test]
fn over_the_budget_a_call_is_refused_by_its_header_before_its_body_is_there() {
    on_shard(async {
        let gate = GateBuilder { held_len: 30_000, ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        let large = call_in(Codec::Hessian2, "com.acme.Greeter", 1, "greet", &"x".repeat(40_000), &[]);
        consumer.send(&large[..20]).await;
        let told = consumer.answer().await;
        assert_eq!((told.id, told.status), (1, Status::OVERLOADED));
        assert!(
            told.text.contains("0 bytes are held at this egress gateway, at most 30000 are allowed"),
            "{}",
            told.text
        );
        consumer.send(&large[20..]).await;
        consumer.send(&call(2, "greet", &[])).await;
        assert_eq!(gate.link().calls(1).await[0].frame[11], 2);
    });
}

#[test]
fn a_body_over_the_limit_is_skipped_and_answered_with_both_numbers() {
    on_shard(async {
        let gate = limits(|limits| limits.frame_len = 1000).open();
        let mut consumer = gate.consumer().await;
        // What is skipped looks like frames, and must not be read as such.
        let trap = "\u{6abb}".repeat(2000);
        let large = call_in(Codec::Hessian2, "com.acme.Greeter", 1, "greet", &trap, &[]);
        consumer.send(&large).await;
        let told = consumer.answer().await;
        assert_eq!((told.id, told.status, told.serialization), (1, Status::OK, Serialization::HESSIAN2));
        let body_len = large.len() - HEADER_LEN;
        assert_eq!(
            told.text,
            format!(
                "highway: the request body of {body_len} bytes is over the limit of 1000 bytes of this egress gateway; send less, or raise limits.frame here and at the other end (the call was not executed)"
            )
        );
        consumer.send(&call(2, "greet", &[])).await;
        assert_eq!(gate.link().calls(1).await[0].frame[11], 2);
    });
}

#[test]
fn what_is_not_offered_becomes_an_exception_in_the_requests_serialization() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        for codec in [Codec::Hessian2, Codec::Fastjson2] {
            consumer.send(&call_in(codec, "com.acme.Nowhere", 1, "greet", "", &[])).await;
            let told = consumer.answer().await;
            assert_eq!((told.status, told.serialization), (Status::OK, codec.serialization()));
            assert!(
                told.text.starts_with("highway: no island offers `com.acme.Nowhere` to this island"),
                "{}",
                told.text
            );
        }
    });
}

#[test]
fn an_old_consumer_gets_the_old_form_of_an_exception() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        let mut old = call_in(Codec::Hessian2, "com.acme.Nowhere", 1, "greet", "", &[]);
        let version = old.windows(5).position(|bytes| bytes == b"2.0.2").unwrap();
        for (release, first_byte) in [(b"2.5.3", 0x90), (b"2.0.2", 0x93)] {
            old[version..version + 5].copy_from_slice(release);
            consumer.send(&old).await;
            assert_eq!(consumer.frame().await[HEADER_LEN], first_byte);
        }
    });
}

#[test]
fn a_target_that_contradicts_the_port_is_refused_with_both_named() {
    on_shard(async {
        let gate = GateBuilder { bound: Some("shanghai"), ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[("highway.target", "beijing")])).await;
        let told = consumer.answer().await;
        assert_eq!(told.status, Status::OK);
        assert!(
            told.text.contains(
                "attachment highway.target names island `beijing` but the port of the call names island `shanghai`"
            ),
            "{}",
            told.text
        );
        consumer.send(&call(2, "greet", &[("highway.target", "shanghai"), ("dubbo.tag", "shanghai")])).await;
        gate.link().calls(1).await;
    });
}

#[test]
fn a_tag_that_names_no_island_is_somebody_elses() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[("dubbo.tag", "gray")])).await;
        assert_eq!(gate.link().calls(1).await[0].head().destination, "shanghai");
    });
}

#[test]
fn a_frame_that_cannot_be_parsed_gets_status_40_and_the_connection_stays() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        let mut broken = call(1, "greet", &[]);
        let end = broken.len();
        broken[end - 1] = 0x48; // a map that is never closed
        consumer.send(&broken).await;
        let told = consumer.answer().await;
        assert_eq!((told.id, told.status, told.serialization), (1, Status::BAD_REQUEST, Serialization::HESSIAN2));
        assert!(told.text.contains("(the call was not executed)"), "{}", told.text);
        consumer.send(&one_way(broken)).await;
        consumer.nothing_but_a_heartbeat().await;
    });
}

#[test]
fn an_unknown_serialization_is_carried_only_from_the_port_of_an_island() {
    on_shard(async {
        let mut kryo = call(1, "greet", &[]);
        kryo[2] = 0xc0 | 8;
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        consumer.send(&kryo).await;
        let told = consumer.answer().await;
        assert_eq!(told.status, Status::BAD_REQUEST);
        assert!(told.text.contains("use hessian2, or the port of an island"), "{}", told.text);
    });
    on_shard(async {
        let mut kryo = call(1, "greet", &[]);
        kryo[2] = 0xc0 | 8;
        let gate = GateBuilder { bound: Some("shanghai"), ..GateBuilder::default() }.open();
        gate.consumer().await.send(&kryo).await;
        let sent = gate.link().calls(1).await.remove(0);
        let head = sent.head();
        assert!(head.flags.contains(Flags::OPAQUE));
        assert_eq!((head.serialization, head.service, head.destination), (8, "", "shanghai"));
    });
}

#[test]
fn a_wrong_magic_closes_that_connection_and_no_other() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let (mut wrong, mut right) = (gate.consumer().await, gate.consumer().await);
        wrong.send(b"GET / HTTP/1.1\r\n\r\n").await;
        wrong.closed().await;
        right.nothing_but_a_heartbeat().await;
    });
}

#[test]
fn a_length_beyond_reason_is_answered_and_then_the_connection_is_closed() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        for (len, says) in
            [(-1_i32, "has -1 bytes, wanted 0 or more"), (i32::MAX, "has 2147483647 bytes, more than anybody sends")]
        {
            let mut consumer = gate.consumer().await;
            let mut frame = call(6, "greet", &[]);
            frame[12..16].copy_from_slice(&len.to_be_bytes());
            consumer.send(&frame).await;
            let told = consumer.answer().await;
            assert_eq!((told.id, told.status), (6, Status::BAD_REQUEST));
            assert!(told.text.contains(says), "{}", told.text);
            consumer.closed().await;
        }
    });
}

#[test]
fn at_its_deadline_a_call_is_cancelled_and_its_consumer_told_that_it_may_have_run() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[("timeout", "64")])).await;
        let told = consumer.answer().await;
        assert_eq!((told.id, told.status), (1, Status::OK));
        assert_eq!(
            told.text,
            "highway: island `shanghai` gave no answer to `com.acme.Greeter#greet` within 60ms; look at the provider there, or give the call more time (the call may have been executed, so look before you repeat it)"
        );
        assert_eq!(gate.link().cancelled.get(), 1);
        let late = gate.link().calls(1).await[0].token;
        gate.reply(late, &ok_reply(b"\x02hi"));
        consumer.nothing_but_a_heartbeat().await;
    });
}

#[test]
fn a_method_that_was_declared_idempotent_gets_the_status_that_consumers_repeat() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "getName", &[("timeout", "32")])).await;
        assert_eq!(consumer.answer().await.status, Status::SERVER_TIMEOUT);
        assert!(gate.link().calls(1).await[0].head().flags.contains(Flags::IDEMPOTENT));
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
            gate.core.failed(shard::Key::from_number(token), failure(Stage::Pick, kind, outcome));
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
        gate.core.failed(shard::Key::from_number(first.token), lost(Outcome::NotSent));
        let second = gate.links[1].calls(1).await.remove(0);
        assert_eq!(second.frame, first.frame);
        assert_eq!((second.head().attempt, second.head().stamp), (1, first.head().stamp));
        gate.core.failed(shard::Key::from_number(second.token), lost(Outcome::Unknown));
        assert_eq!(consumer.answer().await.status, Status::OK);
        assert_eq!(gate.links[1].opened.borrow().len(), 1);
    });
}

#[test]
fn a_hub_without_the_island_sends_the_call_to_the_hub_it_names() {
    on_shard(async {
        let gate = GateBuilder { links: vec!["hub-1", "hub-2", "hub-3"], ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[])).await;
        let first = gate.link().calls(1).await.remove(0);
        let mut elsewhere = failure(Stage::Switch, Kind::NoLink, Outcome::NotSent);
        elsewhere.hubs = vec!["hub-3".to_owned()];
        gate.core.failed(shard::Key::from_number(first.token), elsewhere.clone());
        let second = gate.links[2].calls(1).await.remove(0);
        gate.core.failed(shard::Key::from_number(second.token), elsewhere);
        let told = consumer.answer().await;
        assert_eq!(told.status, Status::SERVER_ERROR);
        assert!(gate.links[1].opened.borrow().is_empty());
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
fn when_a_consumer_leaves_its_calls_are_cancelled() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        consumer.send(&[call(1, "greet", &[]), call(2, "greet", &[])].concat()).await;
        let sent = gate.link().calls(2).await;
        drop(consumer);
        until(|| gate.link().cancelled.get() == 2).await;
        assert!(gate.core.calls.is_empty());
        gate.reply(sent[0].token, &ok_reply(b"\x02hi"));
        assert_eq!(gate.core.counters.late.get(), 1);
    });
}

#[test]
fn an_answer_in_pieces_is_delivered_whole() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(3, "greet", &[])).await;
        let token = gate.link().calls(1).await[0].token;
        let mut frame = ok_reply(&[b'x'; 200_000]);
        let head = wire::tunnel::ReplyHead { body_len: frame.len() as u32, provider_us: 0 };
        let pieces: Vec<&[u8]> = frame.chunks(65_536).collect();
        for (at, piece) in pieces.iter().enumerate() {
            let end = if at + 1 == pieces.len() { tunnel::End::Yes } else { tunnel::End::No };
            gate.core.reply(token, tunnel::Reply { head: (at == 0).then_some(head), piece, end });
        }
        frame[4..12].copy_from_slice(&3_i64.to_be_bytes());
        assert_eq!(consumer.frame().await, frame);
        assert_eq!(gate.core.allowance.budget().held(), 256 * 1024, "only the block of small frames is left");
    });
}

#[test]
fn an_answer_over_the_limit_is_replaced_by_an_exception_with_both_numbers() {
    on_shard(async {
        let gate = limits(|limits| limits.reply_len = 1000).open();
        let mut consumer = gate.consumer().await;
        consumer.send(&[call(1, "greet", &[]), call(2, "greet", &[])].concat()).await;
        let sent = gate.link().calls(2).await;
        gate.reply(sent[0].token, &ok_reply(&[0; 2000]));
        let head = wire::tunnel::ReplyHead { body_len: 90_000, provider_us: 0 };
        gate.core.reply(sent[1].token, tunnel::Reply { head: Some(head), piece: &[0; 10], end: tunnel::End::No });
        for numbers in ["2001 bytes is over the limit of 1000", "90000 bytes is over the limit of 1000"] {
            let told = consumer.answer().await;
            assert_eq!(told.status, Status::OK);
            assert!(told.text.contains(numbers) && told.text.contains("was executed"), "{}", told.text);
        }
        gate.core.reply(sent[1].token, tunnel::Reply { head: None, piece: &[0; 10], end: tunnel::End::Yes });
        consumer.nothing_but_a_heartbeat().await;
    });
}

#[test]
fn an_answer_that_is_no_frame_never_reaches_the_consumer() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        let empty = Header::reply(Serialization::HESSIAN2, Status::OK, 1, 0).encode();
        for broken in [&b"no frame at all......"[..], &call(1, "greet", &[]), &ok_reply(b"\x02hi")[..17], &empty] {
            consumer.send(&call(1, "greet", &[])).await;
            until(|| gate.link().opened.borrow().len() == 1).await;
            let token = gate.link().opened.borrow_mut().remove(0).token;
            gate.reply(token, broken);
            let told = consumer.answer().await;
            assert!(told.status == Status::OK && told.text.contains("was executed"), "{told:?}");
        }
    });
}

#[test]
fn over_the_limit_of_connections_a_new_one_is_closed_and_a_gone_one_makes_room() {
    on_shard(async {
        let gate = limits(|limits| limits.connections = 1).open();
        let mut first = gate.consumer().await;
        first.nothing_but_a_heartbeat().await;
        gate.consumer().await.closed().await;
        drop(first);
        until(|| gate.core.counters.connections.get() == 0).await;
        gate.consumer().await.nothing_but_a_heartbeat().await;
    });
}

#[test]
fn a_drain_tells_consumers_that_no_new_calls_are_welcome() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        consumer.nothing_but_a_heartbeat().await;
        gate.core.say_readonly();
        let frame = consumer.frame().await;
        assert_eq!((frame[2], &frame[16..]), (0xa2, &[0x01, b'R'][..]));
        consumer.send(&call(1, "greet", &[])).await;
        gate.link().calls(1).await;
    });
}
