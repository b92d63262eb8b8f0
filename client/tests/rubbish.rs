//! Providers that send what no provider means to send: it costs their own connection, and never memory without end.

mod provider;

use std::time::Duration;

use highway_client::{Lost, Outcome};
use provider::*;
use shard::Budget;
use wire::dubbo::frame::{Codec, HEADER_LEN, Header, Serialization, Status, put_heartbeat_request};

#[test]
fn a_length_beyond_reason_ends_its_call_and_the_connection() {
    on_a_shard(|shard| async move {
        let (_listening, caller, candidates, mut peer) = connected(&shard, quick()).await;
        caller.call(&candidates, 1, b"x");
        caller.call(&candidates, 2, b"x");
        let (asked, _) = peer.read().await;
        peer.write(&Header::reply(Serialization::HESSIAN2, Status::OK, asked.id, i32::MAX as u32).encode()).await;
        let limit_len = (8 << 20) + HEADER_LEN;
        let found_len = i32::MAX as usize + HEADER_LEN;
        assert_eq!(caller.ends.lost().await, (1, Lost::TooLong { found_len, limit_len }));
        let why = "a frame says that its body has 2147483647 bytes, more than anybody sends on purpose".to_owned();
        assert_eq!(caller.ends.lost().await, (2, Lost::Unknown { why }));
        // Its other call may be in the stream still; then nothing more comes.
        peer.read().await;
        assert!(peer.is_closed_by_peer().await);
    });
}

/// A provider may ask us, and is answered; one that floods and does not read once made us hold every answer.
#[test]
fn a_provider_that_asks_without_end_and_reads_nothing_is_left() {
    on_a_shard(|shard| async move {
        let mut config = quick();
        config.unwritten_limit_len = 100_000;
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, config));
        let candidates = caller.list(&[listening.offer()]);
        for flood in ["heartbeats", "calls"] {
            let mut peer = listening.accept().await;
            caller.call(&candidates, 1, b"x");
            let mut questions = Vec::new();
            for id in 0..10_000 {
                match flood {
                    "calls" => questions.extend(Header::request(Serialization::HESSIAN2, id, 0).encode()),
                    _ => put_heartbeat_request(&mut questions, id, Codec::Hessian2),
                }
            }
            let mut sent = 0;
            while tokio::io::AsyncWriteExt::write_all(&mut peer.0, &questions).await.is_ok() {
                sent += questions.len();
                assert!(sent < 200 << 20, "{flood}: it is never left");
            }
            let (token, lost) = caller.ends.lost().await;
            let why = "the provider asks without end and does not read what it is told".to_owned();
            assert_eq!((token, lost), (1, Lost::Unknown { why }), "{flood}");
        }
    });
}

/// One frame that never ends kept a connection, and the budget for all of it, for as long as a byte came now and then.
#[test]
fn a_frame_that_does_not_go_on_ends_its_connection_whether_it_is_held_or_skipped() {
    on_a_shard(|shard| async move {
        for answer_len in [200_000, 9 << 20] {
            let mut config = quick();
            config.heartbeat = Duration::from_secs(12);
            // Scarce, so that nobody waits for half a minute.
            let budget = Budget::new(1 << 20);
            let others = budget.take(560_000).unwrap();
            let listening = Listening::anywhere().await;
            let caller = Caller::with_budget(&shard, config, budget.clone());
            let candidates = caller.list(&[listening.offer()]);
            let mut peer = listening.accept().await;
            caller.call(&candidates, 1, b"x");
            caller.call(&candidates, 2, b"x");
            let (asked, _) = peer.read().await;
            peer.read().await;
            peer.write(&answer_to(&asked, &vec![0; answer_len])[..1000]).await;
            let (first, second) = (caller.ends.lost().await, caller.ends.lost().await);
            let outcome = if answer_len > 8 << 20 { Outcome::Executed } else { Outcome::Unknown };
            assert_eq!((first.0, first.1.outcome(), second.0), (1, outcome, 2), "{first:?}");
            match second.1 {
                Lost::Unknown { why } => {
                    assert!(why.starts_with("a frame comes too slowly to wait for it: no byte came for "), "{why}");
                }
                other => panic!("{other:?}"),
            }
            assert!(peer.is_closed_by_peer().await);
            assert_eq!(budget.held(), others.len());
        }
    });
}
