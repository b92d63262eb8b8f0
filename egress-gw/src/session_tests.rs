//! What a consumer sees at its socket: answers, events, order.

use std::sync::Arc;
use std::time::Duration;

use route::rules::Rules;
use wire::dubbo::frame::{Codec, Serialization, Status, put_event_notice, put_heartbeat_request};
use wire::tunnel::head::Flags;

use super::*;
use crate::deadline::Timeouts;
use crate::knowledge::Knowledge;
use crate::testing::*;

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
        assert_eq!(gate.core.decisions.kept(), 2);
        assert_ne!(sent[0].head().stamp, sent[1].head().stamp);
        let nothing = crate::knowledge::Knowledge {
            snapshot: Arc::new(route::Snapshot::new(
                2,
                route::Known { view: route::View::Complete, ..route::Known::default() },
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
        let shop = crate::knowledge::Reference { application: Some("shop".into()), ..Default::default() };
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
fn a_tag_names_any_island_that_is_known_with_or_without_a_port() {
    on_shard(async {
        let knowledge = Knowledge {
            snapshot: Arc::new(snapshot_ruled(1, &["shanghai", "beijing"], Rules::default())),
            islands: heard_of(&["shanghai", "beijing"]),
            ..Knowledge::default()
        };
        let gate = GateBuilder { knowledge, ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[("dubbo.tag", "beijing")])).await;
        assert_eq!(gate.link().calls(1).await[0].head().destination, "beijing");
        consumer.send(&call(2, "greet", &[("dubbo.tag", "beijing"), ("highway.target", "shanghai")])).await;
        assert!(consumer.answer().await.text.contains("names island `beijing`"), "a word like any other");
    });
}

/// The tag of an island whose last offer was withdrawn was nobody's word any more: its calls went to the only island left.
#[test]
fn a_tag_of_an_island_that_was_heard_of_before_goes_nowhere_else() {
    on_shard(async {
        let knowledge = Knowledge {
            snapshot: Arc::new(snapshot_ruled(1, &["shanghai"], Rules::default())),
            islands: heard_of(&["beijing"]),
            ..Knowledge::default()
        };
        let gate = GateBuilder { knowledge, ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[("dubbo.tag", "beijing")])).await;
        assert!(consumer.answer().await.text.contains("tag names island `beijing`, which is not known here"));
        consumer.send(&call(2, "greet", &[("dubbo.tag", "gray")])).await;
        assert_eq!(gate.link().calls(1).await[0].head().destination, "shanghai", "a tag of the team's own");
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
fn a_drain_tells_consumers_that_no_new_calls_are_welcome() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        consumer.nothing_but_a_heartbeat().await;
        gate.core.consumers.say_readonly();
        let frame = consumer.frame().await;
        assert_eq!((frame[2], &frame[16..]), (0xa2, &[0x01, b'R'][..]));
        consumer.send(&call(1, "greet", &[])).await;
        gate.link().calls(1).await;
    });
}

#[test]
fn a_call_in_an_unknown_serialization_may_take_no_longer_than_any_other() {
    on_shard(async {
        let mut kryo = call(1, "greet", &[]);
        kryo[2] = 0xc0 | 8;
        let timeouts = Timeouts { longest: Duration::from_secs(8), ..Timeouts::default() };
        let gate = GateBuilder { bound: Some("shanghai"), timeouts, ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&kryo).await;
        let left = gate.link().calls(1).await[0].head().remaining_ms;
        assert!((7000..=7950).contains(&left), "{left}");
    });
}

#[test]
fn the_time_of_a_call_counts_from_its_header_however_slowly_its_body_comes() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        let mut frame = call(1, "greet", &[("timeout", "64")]);
        consumer.send(&frame[..20]).await;
        until(|| gate.core.allowance.budget().held() > 0).await;
        tokio::time::sleep(Duration::from_millis(70)).await;
        consumer.send(&frame[20..]).await;
        let told = consumer.answer().await;
        assert_eq!((told.id, told.status), (1, Status::SERVER_ERROR));
        assert_eq!(
            told.text,
            "highway: the request took longer to arrive than the 60ms that the call may take; send less, or give the call more time (the call was not executed)"
        );
        assert!(gate.link().opened.borrow().is_empty());
        frame = one_way(frame);
        consumer.send(&frame[..20]).await;
        tokio::time::sleep(Duration::from_millis(70)).await;
        consumer.send(&frame[20..]).await;
        assert_eq!(gate.link().calls(1).await[0].frame, frame);
    });
}

#[test]
fn a_gateway_that_ends_refuses_new_calls_in_words_and_answers_those_it_has() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[])).await;
        let sent = gate.link().calls(1).await.remove(0);
        gate.core.ending.set(true);
        consumer.send(&call(2, "greet", &[])).await;
        let told = consumer.answer().await;
        assert_eq!((told.id, told.status), (2, Status::SERVER_ERROR));
        assert!(told.text.contains("is ending") && told.text.contains("was not executed"), "{}", told.text);
        gate.reply(sent.token, &ok_reply(b"\x02hi"));
        assert_eq!(consumer.frame().await[11], 1);
    });
}
