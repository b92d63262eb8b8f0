//! Connections that come, stay silent, break and go, over real sockets.

mod provider;

use std::time::{Duration, Instant};

use highway_client::{Endpoint, Lost, Offer, Outcome, PoolConfig, State};
use provider::*;
use shard::Budget;
use wire::dubbo::frame::{Codec, Event, FrameKind, put_event_notice};

#[test]
fn a_silent_provider_is_sent_heartbeats_and_dropped_after_three() {
    on_a_shard(|shard| async move {
        let mut config = quick();
        config.heartbeat = Duration::from_millis(120);
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, config));
        caller.list(&[listening.offer()]);
        let mut peer = listening.accept().await;
        for _ in 0..2 {
            let (header, body) = peer.read().await;
            assert_eq!((header.kind(), &body[..]), (FrameKind::EventCall, &[0x4e][..]));
        }
        assert!(peer.is_closed_by_peer().await);
        listening.accept().await;
    });
}

#[test]
fn a_gateway_that_stood_still_asks_before_it_gives_a_provider_up() {
    on_a_shard(|shard| async move {
        let mut config = quick();
        config.heartbeat = Duration::from_millis(60);
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, config));
        caller.list(&[listening.offer()]);
        let mut peer = listening.accept().await;
        until(|| caller.pool.counts().connected.get() == 1).await;
        // As a machine that was suspended: the provider had no chance to be heard.
        std::thread::sleep(Duration::from_millis(400));
        let (asked, _) = peer.read().await;
        let mut answer = Vec::new();
        wire::dubbo::frame::put_heartbeat_reply(&mut answer, &asked);
        peer.write(&answer).await;
        peer.read().await;
        assert_eq!(caller.pool.counts().disconnected.get(), 0);
    });
}

#[test]
fn a_provider_that_answers_heartbeats_keeps_its_connection() {
    on_a_shard(|shard| async move {
        let mut config = quick();
        config.heartbeat = Duration::from_millis(60);
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, config));
        caller.list(&[listening.offer()]);
        let mut peer = listening.accept().await;
        for _ in 0..6 {
            let (header, _) = peer.read().await;
            let mut answer = Vec::new();
            wire::dubbo::frame::put_heartbeat_reply(&mut answer, &header);
            peer.write(&answer).await;
        }
        assert_eq!(caller.pool.counts().disconnected.get(), 0);
    });
}

#[test]
fn readonly_moves_new_calls_away_and_writable_brings_them_back() {
    on_a_shard(|shard| async move {
        for codec in [Codec::Hessian2, Codec::Fastjson2] {
            let (one, two) = (Listening::anywhere().await, Listening::anywhere().await);
            let caller = Caller::new(&shard, quick());
            let candidates = caller.list(&[one.offer(), two.offer()]);
            let (mut one, mut two) = (one.accept().await, two.accept().await);
            let provider = &candidates.list()[0].provider;
            until(|| candidates.list().iter().all(|candidate| candidate.provider.state() == State::Up)).await;

            let mut notice = Vec::new();
            put_event_notice(&mut notice, 1, codec, Event::Readonly);
            one.write(&notice).await;
            until(|| provider.state() == State::Readonly).await;
            for token in 0..20 {
                caller.call(&candidates, token, b"x");
                two.echo().await;
                assert_eq!(caller.ends.answered().await.0, token);
            }

            notice.clear();
            put_event_notice(&mut notice, 2, codec, Event::Writable);
            one.write(&notice).await;
            until(|| provider.state() == State::Up).await;
            caller.call(&candidates, 100, b"x");
            while provider.outstanding() == 0 {
                tokio::task::yield_now().await;
                caller.call(&candidates, 100, b"x");
            }
            one.echo().await;
        }
    });
}

#[test]
fn a_readonly_connection_still_brings_the_answers_it_owes() {
    on_a_shard(|shard| async move {
        let (_listening, caller, candidates, mut peer) = connected(&shard, quick()).await;
        caller.call(&candidates, 1, b"x");
        let (asked, body) = peer.read().await;
        let mut bytes = Vec::new();
        put_event_notice(&mut bytes, 1, Codec::Hessian2, Event::Readonly);
        bytes.extend(answer_to(&asked, &body));
        peer.write(&bytes).await;
        assert_eq!(caller.ends.answered().await.0, 1);
    });
}

#[test]
fn a_broken_connection_ends_its_calls_at_once_as_unknown_and_is_made_again() {
    on_a_shard(|shard| async move {
        let (listening, caller, candidates, mut peer) = connected(&shard, quick()).await;
        caller.call(&candidates, 1, b"x");
        caller.call(&candidates, 2, b"x");
        peer.read().await;
        peer.read().await;
        drop(peer);
        for token in [1, 2] {
            let (lost, why) = caller.ends.lost().await;
            assert_eq!((lost, why.outcome()), (token, Outcome::Unknown));
        }
        let mut peer = listening.accept().await;
        caller.call(&candidates, 3, b"x");
        peer.echo().await;
        assert_eq!(caller.ends.answered().await.0, 3);
    });
}

#[test]
fn garbage_ends_the_connection_and_no_call_gets_it_as_an_answer() {
    on_a_shard(|shard| async move {
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, quick()));
        let candidates = caller.list(&[listening.offer()]);
        for garbage in
            [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], &[0xda, 0xbb, 2, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0]]
        {
            let mut peer = listening.accept().await;
            caller.call(&candidates, 1, b"x");
            peer.read().await;
            peer.write(garbage).await;
            let (token, lost) = caller.ends.lost().await;
            assert_eq!((token, lost.outcome()), (1, Outcome::Unknown));
            assert!(matches!(lost, Lost::Unknown { why } if why.contains("wanted")));
            assert!(peer.is_closed_by_peer().await);
        }
    });
}

#[test]
fn calls_that_were_never_written_come_back_whole_and_written_ones_are_unknown() {
    on_a_shard(|shard| async move {
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, quick()));
        let candidates = caller.list(&[listening.offer()]);
        let peer = listening.accept().await;
        until(|| candidates.list()[0].provider.state() == State::Up).await;
        // The provider never reads: what the kernel does not take stays here.
        let body = |token: u64| vec![token as u8; 500_000];
        for token in 0..20 {
            caller.call(&candidates, token, &body(token));
        }
        tokio::task::yield_now().await;
        drop(peer);
        let mut ends = Vec::new();
        for token in 0..20 {
            let (lost, why) = caller.ends.lost().await;
            assert_eq!(lost, token, "in the order they were sent");
            if let Lost::NotSent { frame: Some(frame), .. } = &why {
                assert_eq!(frame.len(), 500_016);
                assert!(frame[16..] == body(token));
            }
            ends.push(why);
        }
        let whole = ends.iter().filter(|lost| matches!(lost, Lost::NotSent { frame: Some(_), .. })).count();
        let cut = ends.iter().filter(|lost| matches!(lost, Lost::NotSent { frame: None, .. })).count();
        assert_eq!(ends[0].outcome(), Outcome::Unknown);
        assert_eq!(ends[19].outcome(), Outcome::NotSent);
        assert!(whole >= 5 && cut <= 1, "{whole} whole, {cut} cut");
    });
}

#[test]
fn a_call_waits_for_a_provider_that_is_just_starting() {
    on_a_shard(|shard| async move {
        let listening = Listening::anywhere().await;
        let offer = listening.offer();
        drop(listening);
        let caller = Caller::new(&shard, quick());
        let candidates = caller.list(std::slice::from_ref(&offer));
        let provider = candidates.list()[0].provider.clone();
        until(|| provider.trouble().contains("refused")).await;
        caller.call(&candidates, 1, b"first");
        let listening = Listening::again_at(&offer).await;
        // An attempt that had begun before may still hand the call back: then it is sent again, as a gateway does.
        let accepted = async {
            let mut peer = listening.accept().await;
            peer.echo().await;
            peer
        };
        let resent = async {
            let end = caller.ends.next().await;
            if let (1, Ended::Lost(Lost::NotSent { frame: Some(_), .. })) = end {
                caller.call(&candidates, 1, b"first");
                return caller.ends.answered().await;
            }
            match end {
                (token, Ended::Answered(_, body)) => (token, body),
                other => panic!("{other:?}"),
            }
        };
        let (_peer, answered) = tokio::join!(accepted, resent);
        assert_eq!(answered, (1, b"first".to_vec()));
        assert!(caller.pool.counts().waited.get() >= 1);
    });
}

#[test]
fn a_call_does_not_wait_for_ever_and_hears_the_reason_before_its_deadline() {
    on_a_shard(|shard| async move {
        // A full backlog: connecting neither succeeds nor fails.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let full = socket.listen(1).unwrap();
        let address = full.local_addr().unwrap();
        let mut fillers = Vec::new();
        while let Ok(Ok(filler)) =
            tokio::time::timeout(Duration::from_millis(200), tokio::net::TcpStream::connect(address)).await
        {
            fillers.push(filler);
        }
        let caller = Caller::new(&shard, quick());
        let offer = highway_client::Offer::new(highway_client::Endpoint::new("127.0.0.1", address.port()), SERVICE);
        let candidates = caller.list(&[offer]);
        let began = std::time::Instant::now();
        caller.call_within(&candidates, 1, b"x", Duration::from_millis(400)).unwrap();
        let (token, lost) = caller.ends.lost().await;
        let after = began.elapsed();
        assert_eq!((token, lost.outcome()), (1, Outcome::NotSent));
        assert!(after >= Duration::from_millis(290) && after < Duration::from_millis(390), "after {after:?}");
    });
}

#[test]
fn a_one_way_call_arrives_and_holds_nothing() {
    on_a_shard(|shard| async move {
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, quick()));
        let candidates = caller.list(&[listening.offer()]);
        let provider = &candidates.list()[0].provider;
        let times = highway_client::Times::within(std::time::Instant::now(), Duration::from_secs(5));
        let write = |id: i64, out: &mut Vec<u8>| {
            out.extend_from_slice(&request(id, b"fire"));
            Ok::<(), std::convert::Infallible>(())
        };
        // Before the connection is there, and after.
        assert!(provider.send_one_way(7, times, write).unwrap().is_some(), "it waits");
        let mut peer = listening.accept().await;
        assert_eq!(peer.read().await.1, b"fire");
        assert_eq!(caller.ends.passed_on.borrow_mut().pop(), Some(7));
        assert!(provider.send_one_way(8, times, write).unwrap().is_none());
        assert_eq!(peer.read().await.1, b"fire");
        assert_eq!((caller.pool.pending(), provider.outstanding()), (0, 0));
        assert!(caller.ends.passed_on.borrow().is_empty(), "it never waited");
    });
}

/// It was dropped without a word, although whoever sent it may know another provider.
#[test]
fn a_one_way_call_that_waited_in_vain_comes_back() {
    on_a_shard(|shard| async move {
        let closed = tokio::net::TcpSocket::new_v4().unwrap();
        closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = closed.local_addr().unwrap();
        let caller = Caller::new(&shard, quick());
        let candidates = caller.list(&[Offer::new(Endpoint::new("127.0.0.1", address.port()), SERVICE)]);
        let provider = &candidates.list()[0].provider;
        send_one_way(provider, 10);
        let (_, lost) = caller.ends.lost().await;
        let Lost::NotSent { frame: Some(frame), .. } = lost else { panic!("{lost:?}") };
        assert_eq!(frame, request(0, &[7; 10]));
        assert_eq!((caller.pool.pending(), provider.outstanding()), (0, 0));
    });
}

#[test]
fn a_provider_that_is_gone_and_does_not_read_is_waited_for_no_longer_than_a_heartbeat() {
    on_a_shard(|shard| async move {
        let (budget, heartbeat) = (Budget::new(64 << 20), Duration::from_millis(300));
        let config = PoolConfig { heartbeat, ..quick() };
        let (listening, caller) = (Listening::anywhere().await, Caller::with_budget(&shard, config, budget.clone()));
        let candidates = caller.list(&[listening.offer()]);
        let _unread = listening.accept().await;
        let provider = &candidates.list()[0].provider;
        until(|| provider.state() == State::Up).await;
        for _ in 0..12 {
            send_one_way(provider, 1_000_000);
        }
        until(|| budget.held() > 0).await;
        let began = Instant::now();
        caller.list(&[]);
        until(|| budget.held() == 0).await;
        assert!(began.elapsed() >= heartbeat, "{:?}", began.elapsed());
    });
}

#[test]
fn a_dropped_pool_closes_its_connections_and_ends_its_calls() {
    on_a_shard(|shard| async move {
        let (_listening, caller, candidates, mut peer) = connected(&shard, quick()).await;
        caller.call(&candidates, 1, b"x");
        peer.read().await;
        let Caller { pool, ends } = caller;
        drop((candidates, pool));
        assert_eq!(ends.lost().await.0, 1);
        assert!(peer.is_closed_by_peer().await);
    });
}

#[test]
fn what_waited_is_not_poured_into_a_provider_that_does_not_read() {
    on_a_shard(|shard| async move {
        let mut config = quick();
        config.unwritten_limit_len = 1_000_000;
        let listening = Listening::anywhere().await;
        let caller = Caller::new(&shard, config);
        let candidates = caller.list(&[listening.offer()]);
        // All of this waits for the connection, and is far more than a provider may have waiting for it.
        for token in 0..40 {
            caller.call(&candidates, token, &vec![7; 500_000]);
        }
        let _never_reads = listening.accept().await;
        for _ in 0..30 {
            let (_, lost) = caller.ends.lost().await;
            let Lost::NotSent { frame: Some(frame), why } = &lost else { panic!("{lost:?}") };
            assert!(frame.len() == 500_016 && why.contains("reads slower than it is written to"), "{why}");
        }
        assert!(caller.pool.counts().sent.get() <= 10, "{}", caller.pool.counts().sent.get());
    });
}

/// 16 MiB for each provider that does not read were held beside the budget, however many of them there were; and then of the budget, until
/// no body of others had room.
#[test]
fn what_a_provider_does_not_read_takes_room_of_the_budget_and_costs_no_call() {
    on_a_shard(|shard| async move {
        let budget = Budget::new(4 << 20);
        let (listening, caller) = (Listening::anywhere().await, Caller::with_budget(&shard, quick(), budget.clone()));
        let candidates = caller.list(&[listening.offer()]);
        let mut peer = listening.accept().await;
        until(|| candidates.list()[0].provider.state() == State::Up).await;
        let body = vec![7; 500_000];
        let call = |token| caller.call_within(&candidates, token, &body, Duration::from_secs(15));
        let mut sent = 0;
        let refused = loop {
            match call(sent) {
                Ok(_) => sent += 1,
                Err(error) => break error.to_string(),
            }
            assert!(sent < 200, "it takes all there is");
            tokio::task::yield_now().await;
        };
        assert!(refused.starts_with("no room to hold more for 127.0.0.1:"), "{refused}");
        assert!(budget.held() > 0 && budget.held() <= budget.unread_limit(), "{}", budget.held());
        for _ in 0..sent {
            let (asked, _) = peer.read().await;
            peer.write(&answer_to(&asked, b"done")).await;
        }
        for token in 0..sent {
            assert_eq!(caller.ends.answered().await, (token, b"done".to_vec()));
        }
        until(|| budget.held() == 0).await;
        call(sent).unwrap();
    });
}

#[test]
fn a_provider_is_reached_over_ipv6() {
    on_a_shard(|shard| async move {
        let (listening, caller) = (Listening::at("::1").await, Caller::new(&shard, quick()));
        let candidates = caller.list(&[listening.offer()]);
        caller.call(&candidates, 1, b"x");
        listening.accept().await.echo().await;
        assert_eq!(caller.ends.answered().await.0, 1);
        assert!(caller.pool.status()[0].address.starts_with("[::1]:"));
    });
}
