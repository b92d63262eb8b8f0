//! Exchanges over real loopback links: all transports, sealed and plain, small and large.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod pair;

use std::rc::Rc;
use std::time::{Duration, Instant};

use highway_tunnel::{Acceptor, Compress, DialConfig, Dialer, HubAddress, Link, Seal, Transport};
use pair::relay::eventually;
use pair::{Noted, Pair, Relayed, body, head, head_with, named, not_offered, on_shard};
use shard::Shard;
use wire::tunnel::catalogue::{Entry, Origin, ServiceKey, Update};
use wire::tunnel::{Flags, Head, Kind, Notice, Outcome};

struct Both {
    at_hub: Rc<Noted>,
    at_gateway: Rc<Noted>,
    hub: Acceptor,
    dialer: Dialer,
    link: Link,
}

async fn linked(shard: &Shard, pair: &Pair, transport: Transport) -> Both {
    let (at_hub, at_gateway) = (Noted::new(), Noted::new());
    let hub = pair.hub(shard, &at_hub);
    let dialer = pair.gateway(shard, &at_gateway, hub.local(), transport);
    let link = at_gateway.link().await;
    at_hub.link().await;
    Both { at_hub, at_gateway, hub, dialer, link }
}

fn ways() -> Vec<(Transport, Seal)> {
    let seals = [Seal::Off, Seal::On];
    let transports = [Transport::Ws, Transport::H2, Transport::H1, Transport::Post];
    transports.into_iter().flat_map(|transport| seals.map(|seal| (transport, seal))).collect()
}

fn with_seal(seal: Seal) -> Pair {
    let mut pair = Pair::new();
    pair.accept.seal = seal;
    pair.dial.seal = seal;
    // No test of these is about silence, and on a full machine each side may stand still for a second.
    pair.accept.ping = Duration::from_secs(10);
    pair.dial.ping = Duration::from_secs(10);
    pair
}

/// A call's frame, which has much in common with the others.
fn frame(number: u64) -> Vec<u8> {
    [&[7; 4][..], &number.to_be_bytes(), &[0; 4], &[b'l'; 200], &number.to_be_bytes(), &[b'a'; 100]].concat()
}

#[test]
fn what_calls_have_in_common_crosses_once_over_every_transport_unless_the_gateway_does_not_want_it() {
    for (transport, seal) in ways() {
        for models in [true, false] {
            on_shard(|shard| async move {
                let pair = with_seal(seal);
                let (at_hub, at_gateway) = (Noted::new(), Noted::new());
                let hub = pair.hub(&shard, &at_hub);
                let hubs = vec![HubAddress { models, ..pair.address(hub.local(), transport) }];
                let _dialer =
                    highway_tunnel::dial(&shard, DialConfig { hubs, ..pair.dial.clone() }, at_gateway.clone());
                let link = at_gateway.link().await;
                for token in 0..100 {
                    link.open(&head(frame(token).len()), &[&frame(token)], token).unwrap();
                }
                at_gateway.until("all replies", |noted| noted.finished.borrow().len() == 100).await;
                for token in 0..100 {
                    assert!(at_gateway.replies.borrow()[&token] == frame(token), "{token} over {transport:?}");
                }
                let (ours, theirs) = (link.status(), at_hub.link().await.status());
                assert_eq!(ours.saved_bytes, [theirs.saved_bytes[1], theirs.saved_bytes[0]]);
                for (way, saved) in ours.saved_bytes.into_iter().enumerate() {
                    assert_eq!(saved > 99 * 300, models, "{saved} by {transport:?}");
                    assert_eq!(ours.bytes[way] < 100 * 200, models, "{} by {transport:?}", ours.bytes[way]);
                }
            });
        }
    }
}

#[test]
fn calls_are_packed_where_both_ends_want_that_and_come_back_as_they_were_over_every_transport() {
    for (transport, seal) in ways() {
        for wanted in [[Compress::On; 2], [Compress::On, Compress::Off], [Compress::Off, Compress::On]] {
            on_shard(|shard| async move {
                let mut pair = with_seal(seal);
                pair.accept.compress = wanted[0];
                let (at_hub, at_gateway) = (Noted::new(), Noted::new());
                let hub = pair.hub(&shard, &at_hub);
                let hubs = vec![HubAddress { compress: wanted[1], ..pair.address(hub.local(), transport) }];
                let _dialer =
                    highway_tunnel::dial(&shard, DialConfig { hubs, ..pair.dial.clone() }, at_gateway.clone());
                let link = at_gateway.link().await;
                for token in 0..50 {
                    link.open(&head(600), &[&named(token, 600)], token).unwrap();
                }
                at_gateway.until("all replies", |noted| noted.finished.borrow().len() == 50).await;
                for token in 0..50 {
                    assert!(at_gateway.replies.borrow()[&token] == named(token, 600), "{token} over {transport:?}");
                }
                let (ours, theirs) = (link.status(), at_hub.link().await.status());
                let both = wanted == [Compress::On; 2];
                assert_eq!([ours.packs, theirs.packs], [both; 2]);
                assert_eq!(ours.packed_bytes, [theirs.packed_bytes[1], theirs.packed_bytes[0]]);
                for packed in ours.packed_bytes {
                    assert_eq!(packed > 50 * 100, both, "{packed} by {transport:?}");
                }
            });
        }
    }
}

#[test]
fn a_link_packs_by_itself_for_as_long_as_calls_fill_it() {
    on_shard(|shard| async move {
        let mut pair = Pair::new();
        pair.accept.compress = Compress::Auto;
        let Relayed { at_hub, at_gateway, hub: _hub, relay, dialer } = pair.relayed(&shard, Transport::Ws).await;
        let (link, hub_link) = (at_gateway.link().await, at_hub.link().await);
        let packs = || [&link, &hub_link].map(|link| link.status().packs);
        let mut token = 0;
        let mut until_packed = |wanted: [bool; 2], in_flight: u64| {
            let (link, at_gateway) = (link.clone(), at_gateway.clone());
            let (mut next, last) = (token, token + 1_000_000);
            token = last;
            async move {
                let since = Instant::now();
                let first = next;
                while packs() != wanted {
                    assert!(since.elapsed() < Duration::from_secs(20), "wanted {wanted:?}, found {:?}", packs());
                    let done = at_gateway.finished.borrow().iter().filter(|token| **token >= first).count() as u64;
                    while next - first < done + in_flight {
                        link.open(&head(2048), &[&named(next, 2048)], next).unwrap();
                        next += 1;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        };
        eventually("both know how long a ping takes", || {
            [&link, &hub_link].iter().all(|link| link.round_trip().is_some())
        })
        .await;
        assert_eq!(packs(), [false; 2]);
        relay.is_thin();
        until_packed([true; 2], 16).await;
        for token in 500_000..500_064 {
            link.open(&head(2048), &[&named(token, 2048)], token).unwrap();
        }
        let are_packed = || link.status().packed_bytes.iter().all(|len| *len > 10_000);
        eventually("calls and answers are packed", are_packed).await;
        until_packed([false; 2], 0).await;
        assert_eq!(link.status().connections, 1, "{:?}", dialer.status());
        let replies = at_gateway.replies.borrow();
        assert!(replies.iter().all(|(token, reply)| *reply == named(*token, 2048)));
    });
}

#[test]
fn calls_of_every_size_come_back_whole_over_every_transport() {
    for (transport, seal) in ways() {
        on_shard(|shard| async move {
            let both = linked(&shard, &with_seal(seal), transport).await;
            let status = both.link.status();
            assert_eq!(status.sealed, seal == Seal::On || transport == Transport::Post);
            let sizes = [0, 1, 300, 65_535, 65_536, 65_537, 262_144, 300_000, 1_000_000, 5_000_000];
            for (token, size) in sizes.into_iter().enumerate() {
                let body = body(token as u64, size);
                both.link.open(&head(size), &[&body[..size / 2], &body[size / 2..]], token as u64).unwrap();
            }
            both.at_gateway.until("all replies", |noted| noted.finished.borrow().len() == sizes.len()).await;
            for (token, size) in sizes.into_iter().enumerate() {
                assert!(
                    both.at_gateway.replies.borrow()[&(token as u64)] == body(token as u64, size),
                    "{size} over {transport:?}"
                );
            }
            assert_eq!(both.link.status().exchanges, 0);
            assert!(both.at_gateway.failures.borrow().is_empty());
        });
    }
}

#[test]
fn many_small_calls_leave_nothing_behind() {
    for (transport, seal) in ways() {
        on_shard(|shard| async move {
            let both = linked(&shard, &with_seal(seal), transport).await;
            for round in 0..50u64 {
                for call in 0..200u64 {
                    both.link.open(&head(300), &[&body(call, 300)], round * 1000 + call).unwrap();
                }
                both.at_gateway
                    .until("a round", |noted| noted.finished.borrow().len() as u64 == (round + 1) * 200)
                    .await;
            }
            let hub_link = both.at_hub.link().await;
            both.at_gateway.until("acknowledged", |_| true).await;
            let waited = Instant::now();
            while both.link.status().unacknowledged_len + hub_link.status().unacknowledged_len > 0 {
                assert!(waited.elapsed() < Duration::from_secs(2), "never acknowledged");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(both.link.status().exchanges + hub_link.status().exchanges, 0);
        });
    }
}

#[test]
fn the_hub_opens_exchanges_too_and_ids_do_not_meet() {
    on_shard(|shard| async move {
        let both = linked(&shard, &Pair::new(), Transport::Ws).await;
        let hub_link = both.at_hub.link().await;
        for token in 0..20 {
            both.link.open(&head(3), &[b"abc"], token).unwrap();
            hub_link.open(&head(100_000), &[&body(token, 100_000)], token).unwrap();
        }
        both.at_gateway.until("the gateway's", |noted| noted.finished.borrow().len() == 20).await;
        both.at_hub.until("the hub's", |noted| noted.finished.borrow().len() == 20).await;
        assert!(both.at_hub.replies.borrow()[&12] == body(12, 100_000));
    });
}

#[test]
fn a_small_call_is_not_held_up_by_a_large_one() {
    on_shard(|shard| async move {
        let both = linked(&shard, &Pair::new(), Transport::Ws).await;
        let large = body(1, 32 * 1024 * 1024);
        both.link.open(&head(large.len()), &[&large], 1).unwrap();
        both.link.open(&head(large.len()), &[&large], 2).unwrap();
        let mut worst = Duration::ZERO;
        for token in 100..200 {
            let started = Instant::now();
            both.link.open(&head(3), &[b"abc"], token).unwrap();
            both.at_gateway.until("a small reply", |noted| noted.finished.borrow().contains(&token)).await;
            worst = worst.max(started.elapsed());
        }
        assert!(both.at_gateway.finished.borrow().len() == 100, "the large ones were there first");
        assert!(worst < Duration::from_millis(400), "a small call took {worst:?}");
        both.at_gateway.until("the large ones", |noted| noted.finished.borrow().len() == 102).await;
        assert!(both.at_gateway.replies.borrow()[&2] == large);
    });
}

#[test]
fn a_failure_arrives_with_its_words_and_a_cancel_is_heard() {
    on_shard(|shard| async move {
        let both = linked(&shard, &Pair::new(), Transport::Ws).await;
        both.at_hub.keeps.set(true);
        both.link.open(&head(3), &[b"abc"], 1).unwrap();
        both.at_hub.until("it came", |noted| noted.opened.borrow().len() == 1).await;
        let (hub_link, id) = both.at_hub.opened.borrow()[0].clone();
        hub_link.fail(id, &not_offered());
        hub_link.reply(id, &[b"too late"], 0);
        both.at_gateway.until("the failure", |noted| noted.failures.borrow().len() == 1).await;
        assert_eq!(both.at_gateway.failures.borrow()[&1], not_offered());
        let id = both.link.open(&head(3), &[b"abc"], 2).unwrap();
        both.link.cancel(id);
        both.at_hub.until("the cancel", |noted| *noted.cancelled.borrow() == [id]).await;
        hub_link.reply(id, &[b"nobody waits"], 0);
        assert_eq!(both.link.status().exchanges, 0);
        assert!(both.at_gateway.replies.borrow().is_empty());
    });
}

#[test]
fn a_one_way_call_holds_nothing_on_the_way_back() {
    on_shard(|shard| async move {
        let both = linked(&shard, &Pair::new(), Transport::Ws).await;
        for (token, len) in [3, 200_000].into_iter().enumerate() {
            let head =
                head_with(Head { flags: Flags::ONE_WAY, body_len: len as u32, remaining_ms: 1000, ..Head::default() });
            both.link.open(&head, &[&body(1, len)], token as u64).unwrap();
        }
        both.at_hub.until("both came", |noted| noted.opened.borrow().len() == 2).await;
        both.link.open(&head(1), &[b"x"], 9).unwrap();
        both.at_gateway.until("a reply", |noted| noted.finished.borrow().len() == 1).await;
        let hub_link = both.at_hub.link().await;
        let waited = Instant::now();
        while both.link.status().exchanges + hub_link.status().exchanges > 0 {
            assert!(waited.elapsed() < Duration::from_secs(5), "a one-way call is still held");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(*both.at_gateway.finished.borrow(), [9]);
    });
}

#[test]
fn a_full_link_answers_at_once() {
    on_shard(|shard| async move {
        let mut pair = Pair::new();
        pair.accept.exchanges = 10;
        let both = linked(&shard, &pair, Transport::Ws).await;
        both.at_hub.keeps.set(true);
        for token in 0..10 {
            both.link.open(&head(1), &[b"x"], token).unwrap();
        }
        let failure = both.link.open(&head(1), &[b"x"], 10).unwrap_err();
        assert_eq!((failure.kind, failure.outcome), (Kind::Overload, Outcome::NotSent));
    });
}

#[test]
fn a_draining_hub_takes_no_new_calls_and_finishes_old_ones() {
    on_shard(|shard| async move {
        let both = linked(&shard, &Pair::new(), Transport::Ws).await;
        both.at_hub.keeps.set(true);
        both.link.open(&head(3), &[b"abc"], 1).unwrap();
        both.at_hub.until("it came", |noted| noted.opened.borrow().len() == 1).await;
        both.hub.drain("restart");
        both.at_gateway
            .until("told", |noted| noted.notices.borrow().contains(&Notice::GoingAway { reason: "restart".into() }))
            .await;
        assert!(!both.link.usable() && both.link.connected());
        let failure = both.link.open(&head(3), &[b"abc"], 2).unwrap_err();
        assert_eq!((failure.kind, failure.outcome), (Kind::Draining, Outcome::NotSent));
        let (hub_link, id) = both.at_hub.opened.borrow()[0].clone();
        hub_link.reply(id, &[b"done"], 1);
        both.at_gateway.until("the old reply", |noted| noted.finished.borrow().contains(&1)).await;
    });
}

#[test]
fn a_closed_link_says_why_and_fails_what_is_open() {
    on_shard(|shard| async move {
        let both = linked(&shard, &Pair::new(), Transport::Ws).await;
        both.at_hub.keeps.set(true);
        both.link.open(&head(3), &[b"abc"], 1).unwrap();
        both.at_hub.until("it came", |noted| noted.opened.borrow().len() == 1).await;
        let hub_link = both.at_hub.link().await;
        hub_link.close("the key was revoked");
        both.at_gateway.until("over", |noted| noted.downs.get() == 1).await;
        let failure = both.at_gateway.failures.borrow()[&1].clone();
        assert_eq!(failure.outcome, Outcome::Unknown);
        assert!(failure.text.contains("the key was revoked"), "{failure}");
        assert_eq!(both.at_hub.downs.get(), 1);
        assert_eq!(both.at_hub.cancelled.borrow().len(), 1);
        assert!(both.link.open(&head(1), &[b"x"], 2).is_err());
        // The dialler comes back by itself.
        both.at_gateway.until("a new link", |noted| noted.ups.borrow().len() == 2).await;
        assert_eq!(both.dialer.links().len(), 1);
    });
}

#[test]
fn catalogues_larger_than_a_record_arrive_in_parts() {
    on_shard(|shard| async move {
        let both = linked(&shard, &Pair::new(), Transport::Ws).await;
        let entry = |number: usize| Entry {
            key: ServiceKey { interface: format!("com.example.Service{number}"), ..ServiceKey::default() },
            methods: (0..20).map(|method| format!("method{method}")).collect(),
            ..Entry::default()
        };
        let update = Update {
            origin: Origin { island: "beijing".into(), gateway: "in-1".into(), start: 1 },
            revision: 1,
            base: 0,
            added: (0..5000).map(entry).collect(),
            removed: Vec::new(),
            complete: true,
        };
        both.link.send_catalogue(&update).unwrap();
        both.at_hub
            .until("the last part", |noted| noted.catalogues.borrow().last().is_some_and(|part| part.complete))
            .await;
        let parts = both.at_hub.catalogues.borrow();
        assert!(parts.len() > 10);
        let entries: Vec<Entry> = parts.iter().flat_map(|part| part.added.clone()).collect();
        assert!(entries == update.added);
    });
}
