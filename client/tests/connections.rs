//! Connections that come, stay silent, break and go, over real sockets.
//!
//! Long because: one sentence after the other on what becomes of a connection, all with the same scripted provider.

mod provider;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use highway_client::{CallKind, Endpoint, Lost, Offer, Outcome, PoolConfig, State};
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
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, quick()));
        let candidates = caller.list(&[listening.offer()]);
        let mut peer = listening.accept().await;
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
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, quick()));
        let candidates = caller.list(&[listening.offer()]);
        let mut peer = listening.accept().await;
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
fn a_dead_provider_is_skipped_and_alone_it_is_refused_at_once() {
    on_a_shard(|shard| async move {
        let mut config = quick();
        config.wait = Duration::from_millis(50);
        let (alive, dead) = (Listening::anywhere().await, Listening::anywhere().await);
        let dead_offer = dead.offer();
        drop(dead);
        let caller = Caller::new(&shard, config);
        let both = caller.list(&[dead_offer.clone(), alive.offer()]);
        let mut alive = alive.accept().await;
        until(|| both.list()[0].provider.state() == State::Down).await;
        for token in 0..10 {
            caller.call(&both, token, b"x");
            alive.echo().await;
            caller.ends.answered().await;
        }
        let alone = caller.list(&[dead_offer]);
        assert!(alone.pick(CallKind::TwoWay, &[]).is_none());
        assert!(alone.trouble().contains("refused"), "{}", alone.trouble());
    });
}

#[test]
fn disabled_providers_and_those_of_weight_zero_beside_others_get_no_calls() {
    on_a_shard(|shard| async move {
        let (one, two, three) = (Listening::anywhere().await, Listening::anywhere().await, Listening::anywhere().await);
        let (mut disabled, mut weightless) = (one.offer(), two.offer());
        disabled.enabled = false;
        weightless.weight = 0;
        let caller = Caller::new(&shard, quick());
        let candidates = caller.list(&[disabled.clone(), weightless.clone(), three.offer()]);
        let mut peer = three.accept().await;
        for token in 0..20 {
            caller.call(&candidates, token, b"x");
            peer.echo().await;
            caller.ends.answered().await;
        }
        let none = caller.list(&[disabled]);
        assert!(none.pick(CallKind::TwoWay, &[]).is_none());
        assert_eq!(none.trouble(), "every provider is disabled");
    });
}

/// dubbo-go registers its providers with weight 0 unless told otherwise; Dubbo's consumers then choose as if all had the same.
#[test]
fn providers_of_weight_zero_share_the_calls_where_no_other_has_a_weight() {
    on_a_shard(|shard| async move {
        let (one, two) = (Listening::anywhere().await, Listening::anywhere().await);
        let mut offers = [one.offer(), two.offer()];
        offers.iter_mut().for_each(|offer| offer.weight = 0);
        let mut disabled = Listening::anywhere().await.offer();
        disabled.enabled = false;
        let caller = Caller::new(&shard, quick());
        let candidates = caller.list(&[disabled, offers[0].clone(), offers[1].clone()]);
        assert_eq!(candidates.list().len(), 2);
        assert!(candidates.list().iter().all(|candidate| candidate.offer.weight == 100 && candidate.offer.enabled));
        let mut peer = one.accept().await;
        let only = caller.list(&offers[..1]);
        caller.call(&only, 1, b"x");
        peer.echo().await;
        caller.ends.answered().await;
    });
}

#[test]
fn a_provider_that_lists_the_method_goes_before_one_that_does_not() {
    on_a_shard(|shard| async move {
        let (old, new) = (Listening::anywhere().await, Listening::anywhere().await);
        let (mut without, mut with) = (old.offer(), new.offer());
        without.methods = ["bye".into()].into();
        with.methods = ["bye".into(), "hello".into()].into();
        let caller = Caller::new(&shard, quick());
        let candidates = caller.list(&[without.clone(), with]);
        assert_eq!(candidates.list().len(), 1, "as in a rollout that adds a method");
        let alone = caller.list(&[without]);
        assert_eq!(alone.list().len(), 1, "and where nobody lists it, as with $echo, everybody is asked");
    });
}

#[test]
fn an_unlisted_provider_answers_what_it_has_and_is_then_left() {
    on_a_shard(|shard| async move {
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, quick()));
        let candidates = caller.list(&[listening.offer()]);
        let mut peer = listening.accept().await;
        caller.call(&candidates, 1, b"x");
        let (asked, body) = peer.read().await;
        let none = caller.list(&[]);
        assert!(none.pick(CallKind::TwoWay, &[]).is_none());
        assert!(candidates.pick(CallKind::TwoWay, &[]).is_none(), "not through an old list either");
        peer.write(&answer_to(&asked, &body)).await;
        assert_eq!(caller.ends.answered().await.0, 1);
        assert!(peer.is_closed_by_peer().await);
        let again = tokio::time::timeout(Duration::from_millis(150), listening.accept()).await;
        assert!(again.is_err(), "it is not connected to again");
    });
}

#[test]
fn a_provider_that_stays_listed_keeps_its_connection() {
    on_a_shard(|shard| async move {
        let (one, two) = (Listening::anywhere().await, Listening::anywhere().await);
        let caller = Caller::new(&shard, quick());
        caller.list(&[one.offer()]);
        let mut peer = one.accept().await;
        let candidates = caller.list(&[one.offer()]);
        caller.list(&[two.offer(), one.offer()]);
        caller.call(&candidates, 1, b"x");
        peer.echo().await;
        assert_eq!(caller.ends.answered().await.0, 1);
        assert_eq!(caller.pool.counts().disconnected.get(), 0);
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
fn several_connections_share_the_calls() {
    on_a_shard(|shard| async move {
        let mut config = quick();
        config.connections = 3;
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, config));
        let candidates = caller.list(&[listening.offer()]);
        let mut peers = [listening.accept().await, listening.accept().await, listening.accept().await];
        until(|| caller.pool.counts().connected.get() == 3).await;
        for token in 0..6 {
            caller.call(&candidates, token, b"x");
        }
        for peer in &mut peers {
            peer.read().await;
            peer.read().await;
        }
    });
}

#[test]
fn a_dropped_pool_closes_its_connections_and_ends_its_calls() {
    on_a_shard(|shard| async move {
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, quick()));
        let candidates = caller.list(&[listening.offer()]);
        let mut peer = listening.accept().await;
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

#[test]
fn a_service_more_is_called_beside_the_others_which_stay_as_they_were_looked_up() {
    on_a_shard(|shard| async move {
        let (one, two) = (Listening::anywhere().await, Listening::anywhere().await);
        let caller = Caller::new(&shard, quick());
        let candidates = caller.list(&[one.offer()]);
        let generation = caller.pool.generation();
        caller.pool.add("com.acme.Other".into(), vec![two.offer(), one.offer()]);
        let others = caller.pool.candidates("com.acme.Other", "hello").unwrap();
        assert_eq!((caller.pool.generation(), others.list().len()), (generation, 2));
        assert_eq!(caller.pool.status().len(), 2);
        caller.call(&candidates, 1, b"x");
        one.accept().await.echo().await;
        assert_eq!(caller.ends.answered().await.0, 1);
        two.accept().await;
        caller.list(&[one.offer()]);
        assert_eq!(caller.pool.status().len(), 1, "an update says all");
    });
}

/// Each had a list of its own, so that names that callers make up filled the memory with all providers once a name.
#[test]
fn methods_that_nobody_lists_share_one_list_of_providers_and_a_listed_one_has_one_too() {
    on_a_shard(|shard| async move {
        let provider = Listening::anywhere().await;
        let offer = Offer { methods: Arc::from(["hello".into()]), ..provider.offer() };
        let caller = Caller::new(&shard, quick());
        let hello = caller.list(&[offer.clone(), provider.offer()]);
        let of = |method: &str| caller.pool.candidates(SERVICE, method).unwrap();
        let (made_up, again) = (of("made-up-1"), of("made-up-2"));
        assert!(Rc::ptr_eq(&made_up, &again) && Rc::ptr_eq(&hello, &of("hello")) && !Rc::ptr_eq(&hello, &made_up));
        // The caller, the pool.
        assert_eq!(Rc::strong_count(&hello), 2);
        let listed_anew = caller.list(&[offer]);
        assert!(!Rc::ptr_eq(&hello, &listed_anew), "it may name others");
        assert_eq!(Rc::strong_count(&hello), 1, "nobody keeps what was listed before");
    });
}
