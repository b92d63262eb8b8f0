//! Calls and their answers, over real sockets.

mod provider;

use std::rc::Rc;
use std::time::Duration;

use highway_client::{Lost, Outcome};
use provider::*;
use shard::Budget;
use wire::dubbo::frame::{Codec, FrameKind, Status};

#[test]
fn answers_out_of_order_find_their_calls() {
    on_a_shard(|shard| async move {
        let (_listening, caller, candidates, mut peer) = connected(&shard, quick()).await;
        for token in 1..=3 {
            caller.call(&candidates, token, format!("body {token}").as_bytes());
        }
        let mut asked = Vec::new();
        for _ in 0..3 {
            asked.push(peer.read().await);
        }
        asked.rotate_left(1);
        for (header, body) in &asked {
            peer.write(&answer_to(header, body)).await;
        }
        for token in [2, 3, 1] {
            assert_eq!(caller.ends.answered().await, (token, format!("body {token}").into_bytes()));
        }
        assert_eq!(caller.pool.pending(), 0);
    });
}

#[test]
fn two_calls_never_share_an_id_on_the_wire_not_even_in_turn() {
    on_a_shard(|shard| async move {
        let (_listening, caller, candidates, mut peer) = connected(&shard, quick()).await;
        let mut ids = std::collections::BTreeSet::new();
        for round in 0..20 {
            // The same token twice: consumers on one link may use equal ids.
            caller.call(&candidates, 7, b"x");
            caller.call(&candidates, 7, b"x");
            for _ in 0..2 {
                let (asked, body) = peer.read().await;
                assert!(asked.id > 0);
                assert!(ids.insert(asked.id), "round {round}: id {} again", asked.id);
                peer.write(&answer_to(&asked, &body)).await;
                assert_eq!(caller.ends.answered().await.0, 7);
            }
        }
    });
}

#[test]
fn calls_of_one_turn_leave_in_one_write() {
    on_a_shard(|shard| async move {
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, quick()));
        let candidates = caller.list(&[listening.offer()]);
        let peer = listening.accept().await;
        until(|| candidates.list()[0].provider.state() == highway_client::State::Up).await;
        for token in 0..50 {
            caller.call(&candidates, token, b"0123456789");
        }
        let mut bytes = vec![0; 10_000];
        let first_read_len = loop {
            peer.0.readable().await.unwrap();
            if let Ok(len) = peer.0.try_read(&mut bytes) {
                break len;
            }
        };
        assert_eq!(first_read_len, 50 * 26);
    });
}

#[test]
fn an_answer_in_pieces_is_one_answer() {
    on_a_shard(|shard| async move {
        let (_listening, caller, candidates, mut peer) = connected(&shard, quick()).await;
        caller.call(&candidates, 1, b"hello");
        let (asked, _) = peer.read().await;
        for byte in answer_to(&asked, b"in pieces") {
            peer.write(&[byte]).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(caller.ends.answered().await, (1, b"in pieces".to_vec()));
    });
}

#[test]
fn a_large_answer_is_charged_while_it_arrives_and_given_back() {
    on_a_shard(|shard| async move {
        let budget = Budget::new(10 << 20);
        let listening = Listening::anywhere().await;
        let caller = Caller::with_budget(&shard, quick(), budget.clone());
        let candidates = caller.list(&[listening.offer()]);
        let mut peer = listening.accept().await;
        caller.call(&candidates, 1, b"much, please");
        let (asked, _) = peer.read().await;
        let frame = answer_to(&asked, &vec![7; 4_000_000]);
        peer.write(&frame[..500_000]).await;
        until(|| budget.held() == frame.len()).await;
        peer.write(&frame[500_000..]).await;
        let (token, body) = caller.ends.answered().await;
        assert_eq!((token, body.len()), (1, 4_000_000));
        until(|| budget.held() == 0).await;
    });
}

#[test]
fn an_answer_over_the_limit_costs_its_call_and_nothing_else() {
    on_a_shard(|shard| async move {
        let mut config = quick();
        config.frame_limit_len = 100_000;
        let (_listening, caller, candidates, mut peer) = connected(&shard, config).await;
        caller.call(&candidates, 1, b"too much");
        caller.call(&candidates, 2, b"small");
        let (first, _) = peer.read().await;
        peer.write(&answer_to(&first, &vec![0xda; 3_000_000])).await;
        peer.echo().await;
        let (token, lost) = caller.ends.lost().await;
        assert_eq!((token, lost.outcome()), (1, Outcome::Executed));
        assert_eq!(lost, Lost::TooLong { found_len: 3_000_016, limit_len: 100_000 });
        assert_eq!(caller.ends.answered().await, (2, b"small".to_vec()));
    });
}

#[test]
fn an_answer_that_finds_no_room_costs_its_call_and_nothing_else() {
    on_a_shard(|shard| async move {
        let listening = Listening::anywhere().await;
        let caller = Caller::with_budget(&shard, quick(), Budget::new(200_000));
        let candidates = caller.list(&[listening.offer()]);
        let mut peer = listening.accept().await;
        caller.call(&candidates, 1, b"much");
        caller.call(&candidates, 2, b"small");
        let (first, _) = peer.read().await;
        peer.write(&answer_to(&first, &vec![1; 3_000_000])).await;
        peer.echo().await;
        assert_eq!(caller.ends.lost().await, (1, Lost::NoRoom { found_len: 3_000_016 }));
        assert_eq!(caller.ends.answered().await.0, 2);
    });
}

#[test]
fn a_call_over_its_deadline_ends_and_its_late_answer_is_dropped() {
    on_a_shard(|shard| async move {
        let (_listening, caller, candidates, mut peer) = connected(&shard, quick()).await;
        until(|| candidates.list()[0].provider.state() == highway_client::State::Up).await;
        caller.call_within(&candidates, 1, b"slow", Duration::from_millis(60)).unwrap();
        let (slow, body) = peer.read().await;
        assert_eq!(caller.ends.lost().await, (1, Lost::DeadlinePassed));
        peer.write(&answer_to(&slow, &body)).await;
        caller.call(&candidates, 2, b"next");
        peer.echo().await;
        assert_eq!(caller.ends.answered().await.0, 2);
        assert_eq!(caller.pool.counts().unknown_answers.get(), 1);
        assert_eq!(candidates.list()[0].provider.outstanding(), 0);
    });
}

#[test]
fn an_answer_to_nobody_is_counted_and_dropped() {
    on_a_shard(|shard| async move {
        let (_listening, caller, candidates, mut peer) = connected(&shard, quick()).await;
        caller.call(&candidates, 1, b"x");
        let (mut asked, body) = peer.read().await;
        let own = asked.id;
        for id in [0, -1, i64::MIN, i64::MAX, own + 1, own | 1 << 60] {
            asked.id = id;
            peer.write(&answer_to(&asked, b"not yours")).await;
        }
        // Long and made up: skipped without being held.
        asked.id = 99;
        peer.write(&answer_to(&asked, &vec![2; 1_000_000])).await;
        asked.id = own;
        peer.write(&answer_to(&asked, &body)).await;
        peer.write(&answer_to(&asked, b"a second time")).await;
        assert_eq!(caller.ends.answered().await, (1, b"x".to_vec()));
        until(|| caller.pool.counts().unknown_answers.get() == 8).await;
        assert!(caller.ends.is_empty());
    });
}

/// Calls to one provider that had just died could fill the budget, so that those to all others were refused.
#[test]
fn calls_that_wait_for_a_provider_leave_the_last_quarter_of_the_budget() {
    on_a_shard(|shard| async move {
        let budget = Budget::new(100_000);
        let caller = Caller::with_budget(&shard, quick(), budget.clone());
        let nobody = Listening::anywhere().await.offer();
        let candidates = caller.list(&[nobody]);
        caller.call(&candidates, 1, &[0; 60_000]);
        assert!(budget.held() >= 60_000, "it waits");
        let refused = caller.call_within(&candidates, 2, &[0; 20_000], Duration::from_secs(5)).unwrap_err();
        assert!(refused.to_string().contains("no room to hold"), "{refused}");
    });
}

#[test]
fn a_long_answer_to_nobody_is_skipped_as_it_comes_and_never_held() {
    on_a_shard(|shard| async move {
        let budget = Budget::new(10 << 20);
        let listening = Listening::anywhere().await;
        let caller = Caller::with_budget(&shard, quick(), budget.clone());
        let candidates = caller.list(&[listening.offer()]);
        let mut peer = listening.accept().await;
        caller.call(&candidates, 1, b"x");
        let (mut asked, body) = peer.read().await;
        let answer = answer_to(&asked, &body);
        asked.id += 1;
        let nobodys = answer_to(&asked, &vec![2; 1_000_000]);
        peer.write(&nobodys[..300_000]).await;
        until(|| caller.pool.counts().unknown_answers.get() == 1).await;
        assert_eq!(budget.held(), 0);
        peer.write(&nobodys[300_000..]).await;
        peer.write(&answer).await;
        assert_eq!(caller.ends.answered().await, (1, b"x".to_vec()));
    });
}

#[test]
fn an_answer_on_another_connection_than_the_calls_is_nobodys() {
    on_a_shard(|shard| async move {
        let (one, two) = (Listening::anywhere().await, Listening::anywhere().await);
        let caller = Caller::new(&shard, quick());
        let candidates = caller.list(&[one.offer()]);
        caller.list(&[one.offer(), two.offer()]);
        let (mut one, mut two) = (one.accept().await, two.accept().await);
        caller.call(&candidates, 1, b"x");
        let (asked, body) = one.read().await;
        two.write(&answer_to(&asked, b"stolen")).await;
        until(|| caller.pool.counts().unknown_answers.get() == 1).await;
        one.write(&answer_to(&asked, &body)).await;
        assert_eq!(caller.ends.answered().await, (1, b"x".to_vec()));
    });
}

#[test]
fn a_cancelled_call_is_not_told_and_holds_nothing() {
    on_a_shard(|shard| async move {
        let (_listening, caller, candidates, mut peer) = connected(&shard, quick()).await;
        let key = caller.call(&candidates, 1, b"x");
        let (asked, body) = peer.read().await;
        caller.pool.cancel(key);
        assert_eq!((caller.pool.pending(), candidates.list()[0].provider.outstanding()), (0, 0));
        peer.write(&answer_to(&asked, &body)).await;
        until(|| caller.pool.counts().unknown_answers.get() == 1).await;
        assert!(caller.ends.is_empty());
    });
}

#[test]
fn calls_that_waited_can_be_cancelled_until_they_are_written() {
    on_a_shard(|shard| async move {
        let (listening, caller) = (Listening::anywhere().await, Rc::new(Caller::new(&shard, quick())));
        let candidates = caller.list(&[listening.offer()]);
        let provider = candidates.list()[0].provider.clone();
        let [first, second, third] = [1, 2, 3].map(|token| caller.call(&candidates, token, &[token as u8]));
        assert!([first, second, third].into_iter().all(|call| provider.is_waiting(call)));
        caller.pool.cancel(second);
        assert!(provider.is_waiting(first) && !provider.is_waiting(second) && provider.is_waiting(third));
        let (pool, waits) = (caller.clone(), provider.clone());
        *caller.ends.before_waiting_go.borrow_mut() = Some(Box::new(move || {
            assert!(waits.is_waiting(first), "nothing is written yet");
            pool.pool.cancel(first);
        }));
        let mut peer = listening.accept().await;
        assert_eq!(peer.read().await.1, [3]);
        assert!(!provider.is_waiting(third), "it is sent");
        assert_eq!((caller.pool.pending(), provider.outstanding()), (1, 1));
        assert!(caller.ends.is_empty(), "nobody is told of those that were cancelled");
    });
}

#[test]
fn a_provider_that_calls_us_is_refused_and_goes_on() {
    on_a_shard(|shard| async move {
        let (_listening, caller, candidates, mut peer) = connected(&shard, quick()).await;
        peer.write(&request(5, b"call me back")).await;
        let (answer, text) = peer.read().await;
        assert_eq!((answer.kind(), answer.status(), answer.id), (FrameKind::Reply, Status::BAD_REQUEST, 5));
        assert!(!text.is_empty());
        caller.call(&candidates, 1, b"x");
        peer.echo().await;
        assert_eq!(caller.ends.answered().await.0, 1);
    });
}

#[test]
fn the_least_busy_provider_gets_the_next_call() {
    on_a_shard(|shard| async move {
        let (slow, fast) = (Listening::anywhere().await, Listening::anywhere().await);
        let caller = Caller::new(&shard, quick());
        let candidates = caller.list(&[slow.offer(), fast.offer()]);
        let (_slow, mut fast) = (slow.accept().await, fast.accept().await);
        until(|| candidates.list().iter().all(|candidate| candidate.provider.state() == highway_client::State::Up))
            .await;
        let mut answered = 0;
        for token in 0..100 {
            let before = candidates.list()[1].provider.outstanding();
            caller.call(&candidates, token, b"x");
            if candidates.list()[1].provider.outstanding() > before {
                fast.echo().await;
                caller.ends.answered().await;
                answered += 1;
            }
            tokio::task::yield_now().await;
        }
        assert!(answered >= 98, "{answered} of 100 calls went to the provider that answers");
    });
}

#[test]
fn the_limit_of_pending_calls_is_told_at_once() {
    on_a_shard(|shard| async move {
        let mut config = quick();
        config.pending_limit = 2;
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, config));
        let candidates = caller.list(&[listening.offer()]);
        let _peer = listening.accept().await;
        caller.call(&candidates, 1, b"x");
        caller.call(&candidates, 2, b"x");
        let error = caller.call_within(&candidates, 3, b"x", Duration::from_secs(1)).unwrap_err();
        assert_eq!(error.to_string(), "2 calls to providers are pending already");
    });
}

#[test]
fn a_heartbeat_from_the_provider_is_answered_in_its_own_serialization() {
    on_a_shard(|shard| async move {
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, quick()));
        caller.list(&[listening.offer()]);
        let mut peer = listening.accept().await;
        for codec in [Codec::Hessian2, Codec::Fastjson2] {
            let mut heartbeat = Vec::new();
            wire::dubbo::frame::put_heartbeat_request(&mut heartbeat, -4, codec);
            peer.write(&heartbeat).await;
            let (header, body) = peer.read().await;
            assert_eq!((header.kind(), header.id, header.status()), (FrameKind::EventReply, -4, Status::OK));
            assert_eq!((header.serialization(), &body[..]), (codec.serialization(), codec.null_body()));
        }
    });
}
