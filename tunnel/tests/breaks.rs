//! What a link survives, and what it says when it does not: cuts, silence, hubs that are gone, hubs behind one address.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod pair;

use std::time::{Duration, Instant};

use highway_tunnel::{Compress, End, Seal, Transport};
use pair::relay::{Relay, eventually};
use pair::{Noted, Pair, Relayed, body, head, head_with, named, on_shard};
use wire::tunnel::{Head, Kind, Outcome};

#[test]
fn a_connection_that_is_cut_in_mid_load_loses_nothing_and_repeats_nothing() {
    let ways =
        [(Transport::Ws, Seal::Off), (Transport::Ws, Seal::On), (Transport::H2, Seal::Off), (Transport::H1, Seal::On)];
    for (transport, seal) in ways {
        is_cut_in_mid_load(transport, seal, Compress::Off, body);
    }
}

/// What was packed for one connection is unpacked as it came over the next.
#[test]
fn a_connection_that_is_cut_in_mid_load_loses_nothing_of_what_was_packed() {
    for (transport, seal) in [(Transport::Ws, Seal::Off), (Transport::H2, Seal::On), (Transport::H1, Seal::Off)] {
        is_cut_in_mid_load(transport, seal, Compress::On, named);
    }
}

fn is_cut_in_mid_load(transport: Transport, seal: Seal, compress: Compress, body: fn(u64, usize) -> Vec<u8>) {
    on_shard(|shard| async move {
        let mut pair = Pair::new();
        pair.accept.seal = seal;
        pair.accept.compress = compress;
        pair.dial.seal = seal;
        let Relayed { at_hub, at_gateway, hub: _hub, relay, dialer } = pair.relayed(&shard, transport).await;
        let link = at_gateway.link().await;
        let mut token = 0;
        for cut in 1..=4u64 {
            for call in 0..200 {
                let len = if call % 50 == 0 { 400_000 } else { 300 };
                link.open(&head(len), &[&body(token, len)], token).unwrap();
                token += 1;
            }
            at_gateway.until("some answers", |noted| noted.finished.borrow().len() as u64 >= token - 150).await;
            relay.cut();
            eventually("the gateway is back", || link.status().connections > cut && link.connected()).await;
        }
        at_gateway.until("all answers", |noted| noted.finished.borrow().len() as u64 == token).await;
        let mut finished = at_gateway.finished.borrow().clone();
        finished.sort_unstable();
        assert_eq!(finished, (0..token).collect::<Vec<_>>());
        assert_eq!(at_hub.opened.borrow().len() as u64, token);
        for (token, reply) in at_gateway.replies.borrow().iter() {
            assert!(*reply == body(*token, reply.len()), "{token}");
        }
        assert_eq!(at_gateway.replies.borrow()[&150].len(), 400_000);
        assert_eq!((at_gateway.ups.borrow().len(), at_gateway.downs.get()), (1, 0));
        assert!(at_gateway.failures.borrow().is_empty());
        assert_eq!(link.status().packed_bytes.map(|len| len > token * 50), [compress == Compress::On; 2]);
        drop(dialer);
    });
}

#[test]
fn a_path_that_falls_silent_is_noticed_within_three_intervals_and_left() {
    for transport in [Transport::Ws, Transport::H1, Transport::Post] {
        falls_silent(transport);
    }
}

fn falls_silent(transport: Transport) {
    on_shard(|shard| async move {
        let pair = Pair::new();
        let Relayed { at_hub, at_gateway, hub: _hub, relay, dialer: _dialer } = pair.relayed(&shard, transport).await;
        let link = at_gateway.link().await;
        let hub_link = at_hub.link().await;
        // Pings keep it: a healthy quiet link lives longer than that.
        tokio::time::sleep(pair.dial.ping * 5).await;
        assert_eq!(link.status().connections, 1);
        assert!(link.round_trip().is_some() && hub_link.round_trip().is_some());
        relay.fall_silent(true);
        let since = Instant::now();
        eventually("given up at the gateway", || !link.connected()).await;
        assert!(since.elapsed() < pair.dial.ping * 4, "{:?}", since.elapsed());
        eventually("given up at the hub", || !hub_link.connected()).await;
        assert!(since.elapsed() < pair.dial.ping * 4, "{:?}", since.elapsed());
        relay.cut();
        relay.fall_silent(false);
        eventually("back", || link.connected() && hub_link.connected()).await;
        assert_eq!(at_gateway.ups.borrow().len(), 1);
    });
}

#[test]
fn a_path_that_loses_one_direction_alone_is_noticed_as_soon() {
    for (transport, up, down) in [
        (Transport::Ws, true, false),
        (Transport::Ws, false, true),
        (Transport::H2, true, false),
        (Transport::Post, true, false),
        (Transport::Post, false, true),
    ] {
        on_shard(|shard| async move {
            let pair = Pair::new();
            let Relayed { at_hub, at_gateway, hub: _hub, relay, dialer: _dialer } =
                pair.relayed(&shard, transport).await;
            let (link, hub_link) = (at_gateway.link().await, at_hub.link().await);
            relay.lose(up, down);
            let since = Instant::now();
            // The end that hears nothing learns it from that, the other when the first one leaves, or from the silence after it.
            eventually("given up at one end", || !link.connected() || !hub_link.connected()).await;
            assert!(since.elapsed() < pair.dial.ping * 4, "{transport:?} {up} {down}: {:?}", since.elapsed());
            eventually("given up at the other", || !link.connected() && !hub_link.connected()).await;
            assert!(since.elapsed() < pair.dial.ping * 7, "{transport:?} {up} {down}: {:?}", since.elapsed());
            relay.cut();
            relay.lose(false, false);
            link.open(&head(3), &[b"abc"], 1).unwrap();
            at_gateway.until("an answer", |noted| noted.finished.borrow().contains(&1)).await;
            assert_eq!(at_gateway.ups.borrow().len(), 1);
        });
    }
}

#[test]
fn a_call_made_without_a_connection_waits_for_the_next_one_or_its_deadline() {
    on_shard(|shard| async move {
        // A session is given up after fifteen pings: longer than the longest pause between two attempts to link.
        let mut pair = Pair::new();
        (pair.accept.ping, pair.dial.ping) = (Duration::from_secs(2), Duration::from_secs(2));
        let Relayed { at_hub, at_gateway, hub: _hub, relay, dialer: _dialer } =
            pair.relayed(&shard, Transport::Ws).await;
        let link = at_gateway.link().await;
        at_hub.link().await;
        relay.refuse(true);
        relay.cut();
        eventually("cut", || !link.connected()).await;
        let patient = head_with(Head { remaining_ms: 20_000, body_len: 3, ..Head::default() });
        let patient = link.open(&patient, &[b"abc"], 1);
        let hasty = head_with(Head { remaining_ms: 200, ..Head::default() });
        let hasty = link.open(&hasty, &[b"abc"], 2);
        assert!(patient.is_ok() && hasty.is_ok() && !link.usable());
        at_gateway.until("the hasty one fails", |noted| noted.failures.borrow().contains_key(&2)).await;
        let failure = at_gateway.failures.borrow()[&2].clone();
        assert_eq!((failure.kind, failure.outcome), (Kind::NoLink, Outcome::NotSent));
        relay.refuse(false);
        at_gateway.until("the patient one is answered", |noted| noted.finished.borrow().contains(&1)).await;
    });
}

#[test]
fn a_hub_process_that_is_gone_leaves_unknown_what_it_had_and_not_sent_what_it_had_not() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        let (at_hub, at_gateway) = (Noted::new(), Noted::new());
        let hub = pair.hub(&shard, &at_hub);
        let relay = Relay::start(&shard, &[hub.local()]).await;
        at_hub.keeps.set(true);
        let _dialer = pair.gateway(&shard, &at_gateway, relay.local, Transport::Ws);
        let link = at_gateway.link().await;
        link.open(&head(3), &[b"abc"], 1).unwrap();
        at_hub.until("it came", |noted| noted.opened.borrow().len() == 1).await;
        relay.refuse(true);
        relay.cut();
        eventually("cut", || !link.connected()).await;
        link.open(&head(3), &[b"abc"], 2).unwrap();
        // Another process at the same place, which knows nothing of the session.
        let at_new_hub = Noted::new();
        let mut other = pair.clone();
        other.accept.start = 99;
        let new_hub = other.hub(&shard, &at_new_hub);
        *relay.to.borrow_mut() = vec![new_hub.local()];
        relay.refuse(false);
        at_gateway
            .until("the old session is over", |noted| noted.downs.get() == 1 && noted.failures.borrow().len() == 2)
            .await;
        let failures = at_gateway.failures.borrow().clone();
        assert_eq!((failures[&1].kind, failures[&1].outcome), (Kind::LinkLost, Outcome::Unknown));
        assert_eq!((failures[&2].kind, failures[&2].outcome), (Kind::LinkLost, Outcome::NotSent));
        at_gateway.until("a new session", |noted| noted.ups.borrow().len() == 2).await;
        drop(hub);
    });
}

#[test]
fn a_gateway_that_was_restarted_does_not_leave_its_old_session_waiting() {
    // Also where its clock was set back meanwhile.
    for start in [3, 1] {
        on_shard(|shard| a_gateway_is_restarted(shard, start));
    }
}

async fn a_gateway_is_restarted(shard: shard::Shard, start: u64) {
    let mut pair = Pair::new();
    pair.accept.ping = Duration::from_secs(2);
    let (at_hub, at_gateway, at_new_gateway) = (Noted::new(), Noted::new(), Noted::new());
    let hub = pair.hub(&shard, &at_hub);
    let relay = Relay::start(&shard, &[hub.local()]).await;
    at_gateway.keeps.set(true);
    let _dialer = pair.gateway(&shard, &at_gateway, relay.local, Transport::Ws);
    let hub_link = at_hub.link().await;
    hub_link.open(&head(3), &[b"abc"], 1).unwrap();
    at_gateway.until("it came", |noted| noted.opened.borrow().len() == 1).await;
    // The old process vanishes without a word, a new one of the same gateway comes.
    relay.refuse(true);
    relay.cut();
    eventually("cut", || !hub_link.connected()).await;
    pair.dial.start = start;
    let since = Instant::now();
    let _new = pair.gateway(&shard, &at_new_gateway, hub.local(), Transport::Ws);
    at_hub.until("the call has failed", |noted| noted.failures.borrow().len() == 1).await;
    assert_eq!(at_hub.failures.borrow()[&1].outcome, Outcome::Unknown);
    assert!(since.elapsed() < pair.accept.ping * 5, "{:?}", since.elapsed());
    assert_eq!(hub.links().len(), 1);
}

#[test]
fn a_session_that_nobody_comes_back_for_is_over_at_both_ends() {
    on_shard(|shard| async move {
        let mut pair = Pair::new();
        pair.accept.ping = Duration::from_millis(60);
        pair.dial.ping = Duration::from_millis(60);
        let (at_hub, at_gateway) = (Noted::new(), Noted::new());
        let hub = pair.hub(&shard, &at_hub);
        let relay = Relay::start(&shard, &[hub.local()]).await;
        at_hub.keeps.set(true);
        let _dialer = pair.gateway(&shard, &at_gateway, relay.local, Transport::Ws);
        let link = at_gateway.link().await;
        link.open(&head(3), &[b"abc"], 1).unwrap();
        at_hub.until("it came", |noted| noted.opened.borrow().len() == 1).await;
        relay.refuse(true);
        relay.cut();
        at_gateway.until("over at the gateway", |noted| noted.downs.get() == 1).await;
        at_hub.until("over at the hub", |noted| noted.downs.get() == 1).await;
        assert_eq!(at_gateway.failures.borrow()[&1].outcome, Outcome::Unknown);
        assert_eq!(at_hub.cancelled.borrow().len(), 1);
        relay.refuse(false);
        at_gateway.until("a new session", |noted| noted.ups.borrow().len() == 2).await;
    });
}

#[test]
fn several_hubs_behind_one_address_are_all_linked() {
    on_shard(|shard| async move {
        let first = Pair::new();
        let mut second = Pair::new();
        second.directory = first.directory.clone();
        second.accept.directory = first.directory.clone();
        second.accept.hub = "hub-2".to_owned();
        let both = vec!["hub-1".to_owned(), "hub-2".to_owned()];
        let (mut first, noted) = (first, [Noted::new(), Noted::new(), Noted::new()]);
        first.accept.hubs = both.clone();
        second.accept.hubs = both;
        let hubs = [first.hub(&shard, &noted[0]), second.hub(&shard, &noted[1])];
        // Twice the first, so that chance alone leads there again.
        let relay = Relay::start(&shard, &[hubs[0].local(), hubs[0].local(), hubs[1].local()]).await;
        let mut address = first.address(relay.local, Transport::Ws);
        address.keys.push(second.hub_key.public().unwrap());
        let config = highway_tunnel::DialConfig { hubs: vec![address], ..first.dial.clone() };
        let dialer = highway_tunnel::dial(&shard, config, noted[2].clone());
        noted[2].until("two links", |noted| noted.ups.borrow().len() == 2).await;
        let mut names: Vec<String> = dialer.links().iter().map(|link| link.peer().name.to_string()).collect();
        names.sort();
        assert_eq!(names, ["hub-1", "hub-2"]);
        let connections = relay.connections.get();
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(relay.connections.get(), connections, "nothing is left to look for");
        // Each session finds its own hub again.
        relay.cut();
        eventually("both are back", || {
            dialer.links().iter().all(|link| link.connected() && link.status().connections == 2)
        })
        .await;
        assert_eq!(noted[2].ups.borrow().len(), 2);
    });
}

#[test]
fn a_session_goes_on_at_another_address_of_its_hub() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        let (at_hub, at_gateway) = (Noted::new(), Noted::new());
        let hub = pair.hub(&shard, &at_hub);
        let second = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Relay::start(&shard, &[hub.local(), second.local_addr().unwrap()]).await;
        hub.listen(second).unwrap();
        let _dialer = pair.gateway(&shard, &at_gateway, relay.local, Transport::Ws);
        let link = at_gateway.link().await;
        at_hub.link().await;
        relay.cut();
        eventually("the gateway is back", || link.status().connections == 2 && link.connected()).await;
        assert_eq!((at_gateway.ups.borrow().len(), at_hub.ups.borrow().len()), (1, 1));
    });
}

#[test]
fn a_hub_that_takes_links_and_drops_them_is_not_dialled_without_pause() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        let Relayed { at_hub, at_gateway, hub: _hub, relay, dialer: _dialer } =
            pair.relayed(&shard, Transport::Ws).await;
        let link = at_gateway.link().await;
        at_hub.link().await;
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(3) {
            if link.connected() {
                relay.cut();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let connections = relay.connections.get();
        assert!((3..=9).contains(&connections), "{connections} connections in three seconds");
    });
}

/// A proxy that lets a megabyte through and then ends the stream was dialled as slowly as a hub that takes links and drops them: up to five
/// seconds passed for each megabyte.
#[test]
fn a_link_that_is_cut_often_and_carries_much_meanwhile_is_made_anew_at_once() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        let Relayed { at_gateway, hub: _hub, relay, dialer: _dialer, .. } = pair.relayed(&shard, Transport::Ws).await;
        let link = at_gateway.link().await;
        let since = Instant::now();
        let mut token = 0;
        for cut in 1..=6u64 {
            for _ in 0..100 {
                link.open(&head(300), &[&body(token, 300)], token).unwrap();
                token += 1;
            }
            at_gateway.until("the answers", |noted| noted.finished.borrow().len() as u64 == token).await;
            relay.cut();
            eventually("the gateway is back", || link.status().connections > cut && link.connected()).await;
        }
        let took = since.elapsed();
        // Pauses that double would add up to more than six seconds.
        assert!(took < Duration::from_secs(3), "six cuts took {took:?}");
    });
}

#[test]
fn a_hub_that_claims_the_id_of_another_gets_neither_its_place_nor_its_sessions() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        let mut other = Pair::new();
        other.accept.directory = pair.directory.clone();
        let [at_hub, at_other, at_gateway] = [Noted::new(), Noted::new(), Noted::new()];
        let (hub, impostor) = (pair.hub(&shard, &at_hub), other.hub(&shard, &at_other));
        let relay = Relay::start(&shard, &[hub.local()]).await;
        let hubs = vec![pair.address(relay.local, Transport::Ws), other.address(impostor.local(), Transport::Ws)];
        let dialer =
            highway_tunnel::dial(&shard, highway_tunnel::DialConfig { hubs, ..pair.dial.clone() }, at_gateway.clone());
        at_gateway.until("two links", |noted| noted.ups.borrow().len() == 2).await;
        at_hub.link().await;
        relay.cut();
        eventually("its own hub goes on with the session", || {
            dialer
                .links()
                .iter()
                .any(|link| link.peer().key == pair.hub_key.public().unwrap() && link.status().connections == 2)
        })
        .await;
        assert_eq!((at_hub.ups.borrow().len(), at_other.ups.borrow().len(), at_gateway.downs.get()), (1, 1, 0));
    });
}

#[test]
fn the_hub_answers_a_stream_of_pieces_as_they_come() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        let (at_hub, at_gateway) = (Noted::new(), Noted::new());
        let hub = pair.hub(&shard, &at_hub);
        let _dialer = pair.gateway(&shard, &at_gateway, hub.local(), Transport::H2);
        let link = at_gateway.link().await;
        let whole = body(3, 3000);
        let (id, taken) = link.open_streaming(&head(3000), &whole[..1000], 1).unwrap();
        assert_eq!(taken, 1000);
        assert_eq!(link.send_data(id, &whole[1000..2000], End::No), 1000);
        at_hub.until("the first pieces", |noted| noted.opened.borrow().len() == 1).await;
        link.send_data(id, &whole[2000..], End::Yes);
        at_gateway.until("the answer", |noted| noted.finished.borrow().len() == 1).await;
        assert!(at_gateway.replies.borrow()[&1] == whole);
    });
}
