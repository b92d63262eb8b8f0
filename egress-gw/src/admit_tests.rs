//! The bounds as a consumer meets them: each is answered in words, and what is refused holds nothing.

use std::time::Duration;

use wire::dubbo::frame::{Codec, HEADER_LEN, Serialization, Status};

use crate::config::Limits;
use crate::testing::*;

fn limits(change: impl FnOnce(&mut Limits)) -> GateBuilder {
    let mut builder = GateBuilder::default();
    change(&mut builder.limits);
    builder
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
            told.text.contains("0 bytes are held at this egress gateway, at most 22500 are allowed"),
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
fn a_body_that_stalls_while_it_holds_budget_is_given_up_with_a_word() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        let (mut stalled, mut idle) = (gate.consumer().await, gate.consumer().await);
        let large = call_in(Codec::Hessian2, "com.acme.Greeter", 1, "greet", &"x".repeat(40_000), &[]);
        stalled.send(&large[..1000]).await;
        idle.send(&large).await;
        gate.link().calls(1).await;
        let budget = gate.core.allowance.budget();
        until(|| budget.held() == 2 * large.len()).await;
        let now = std::time::Instant::now();
        gate.core.give_up_slow(now + Duration::from_secs(15));
        idle.nothing_but_a_heartbeat().await;
        assert_eq!(budget.held(), 2 * large.len());
        gate.core.give_up_slow(now + Duration::from_secs(60));
        let told = stalled.answer().await;
        assert_eq!((told.id, told.status), (1, Status::SERVER_ERROR));
        let wanted = format!(
            "highway: the request body of {} bytes comes too slowly to wait for it: no byte came for 60s; the connection is closed (the call was not executed)",
            large.len() - HEADER_LEN
        );
        assert_eq!(told.text.replace("59s", "60s"), wanted);
        stalled.closed().await;
        until(|| budget.held() == large.len()).await;
        idle.nothing_but_a_heartbeat().await;
    });
}

/// Each connection announces as much as it may and sends next to nothing: they once held all of the budget, for as long as
/// they sent a byte now and then, and everybody else heard of an overload.
#[test]
fn bodies_that_never_end_do_not_keep_out_the_calls_of_others() {
    on_shard(async {
        let gate = GateBuilder { held_len: 1 << 20, ..GateBuilder::default() }.open();
        let body = call_in(Codec::Hessian2, "com.acme.Greeter", 1, "greet", &"x".repeat(100_000), &[]);
        let mut endless = Vec::new();
        for _ in 0..10 {
            let mut peer = gate.consumer().await;
            peer.send(&body[..1000]).await;
            endless.push(peer);
        }
        let budget = gate.core.allowance.budget();
        until(|| gate.core.counters.failed_calls() == 3).await;
        assert_eq!(budget.held(), 7 * body.len());
        for mut refused in endless.drain(7..) {
            let told = refused.answer().await;
            assert_eq!((told.id, told.status), (1, Status::OVERLOADED));
            assert!(told.text.contains("bytes are held at this egress gateway, at most 786432 are allowed"));
        }
        let mut healthy = gate.consumer().await;
        healthy.send(&call(2, "greet", &[])).await;
        assert_eq!(gate.link().calls(1).await[0].frame[11], 2);
        // While room is short, nobody waits half a minute for those who do not go on.
        gate.core.give_up_slow(std::time::Instant::now() + Duration::from_secs(5));
        for peer in &mut endless {
            assert_eq!(peer.answer().await.status, Status::SERVER_ERROR);
            peer.closed().await;
        }
        until(|| budget.held() < 300_000).await;
    });
}
