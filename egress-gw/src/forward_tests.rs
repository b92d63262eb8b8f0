//! What becomes of a call on its way: links that refuse it or go, times that are over, answers in every form.

use std::time::Duration;

use shard::Key;
use wire::dubbo::frame::{Header, Serialization, Status};
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
fn at_its_deadline_a_call_is_cancelled_and_its_consumer_told_that_it_may_have_run() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[("timeout", "64")])).await;
        let told = consumer.answer().await;
        assert_eq!((told.id, told.status), (1, Status::SERVER_TIMEOUT), "as its own clock would say a moment later");
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
fn a_call_to_its_own_island_is_refused_in_words() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[("highway.target", "local")])).await;
        let told = consumer.answer().await;
        assert_eq!(told.status, Status::OK, "an exception, which no consumer repeats");
        assert!(told.text.contains("island `cloud` has no provider of `com.acme.Greeter` registered"), "{}", told.text);
    });
}

/// A consumer that said no timeout may wait longer than the gateway's own, and must not repeat what may have run.
#[test]
fn at_the_gateways_own_deadline_its_consumer_gets_an_exception_that_it_does_not_repeat() {
    on_shard(async {
        let gate = GateBuilder { timeouts: short(), ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&[call(1, "greet", &[]), call(2, "greet", &[("timeout", "9000")])].concat()).await;
        for _ in 0..2 {
            let told = consumer.answer().await;
            assert_eq!(told.status, Status::OK, "{}", told.text);
            assert!(told.text.contains("gave no answer to `com.acme.Greeter#greet` within 60ms"), "{}", told.text);
        }
    });
}

fn short() -> Timeouts {
    let short = Duration::from_millis(64);
    Timeouts { call: short, longest: short, ..Timeouts::default() }
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
        // What a link calls the body is the frame with its header.
        let head = wire::tunnel::ReplyHead { body_len: 90_016, provider_us: 0 };
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

/// Seen with Java: an answer of exactly Dubbo's `payload` came through whole where it was small and not where it came in pieces.
#[test]
fn an_answer_of_exactly_the_limit_is_delivered_in_one_piece_or_in_several() {
    on_shard(async {
        let gate = limits(|limits| limits.reply_len = 1000).open();
        let mut consumer = gate.consumer().await;
        consumer.send(&[call(1, "greet", &[]), call(2, "greet", &[])].concat()).await;
        let sent = gate.link().calls(2).await;
        let exact = ok_reply(&[2; 999]);
        gate.reply(sent[0].token, &exact);
        assert_eq!(consumer.frame().await.len(), exact.len());
        let head = wire::tunnel::ReplyHead { body_len: exact.len() as u32, provider_us: 0 };
        let (first, second) = exact.split_at(600);
        gate.core.reply(sent[1].token, tunnel::Reply { head: Some(head), piece: first, end: tunnel::End::No });
        gate.core.reply(sent[1].token, tunnel::Reply { head: None, piece: second, end: tunnel::End::Yes });
        assert_eq!(consumer.frame().await.len(), exact.len());
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
fn an_answer_after_the_deadline_is_late_even_before_the_clock_has_noticed() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[("timeout", "3000")])).await;
        let token = gate.link().calls(1).await[0].token;
        let now = Instant::now();
        gate.core.calls.with(Key::from_number(token), |call| call.deadline = now);
        gate.reply(token, &ok_reply(b"\x02hi"));
        let told = consumer.answer().await;
        assert!(told.text.contains("gave no answer to `com.acme.Greeter#greet` within"), "{}", told.text);
        assert_eq!(gate.core.counters.late.get(), 1);
        assert!(gate.core.calls.is_empty());
    });
}
