//! How much one source address and one key may have at a hub, and that others do not notice.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod pair;

use std::sync::Arc;
use std::time::Duration;

use highway_tunnel::key::PrivateKey;
use highway_tunnel::{DialConfig, Role, Transport};
use pair::relay::{Relay, eventually};
use pair::{Noted, Pair, head, on_shard};

#[test]
fn a_gateway_has_so_many_sessions_and_those_it_left_go_first() {
    on_shard(|shard| async move {
        let mut pair = Pair::new();
        (pair.accept.of_one.sessions, pair.accept.ping, pair.dial.ping) =
            (8, Duration::from_secs(2), Duration::from_secs(2));
        let (at_hub, at_gateway, at_last) = (Noted::new(), Noted::new(), Noted::new());
        let hub = pair.hub(&shard, &at_hub);
        let relay = Relay::start(&shard, &[hub.local()]).await;
        let dialers: Vec<_> = (0..10).map(|_| pair.gateway(&shard, &at_gateway, relay.local, Transport::Ws)).collect();
        let refused = || {
            let reasons = dialers.iter().filter_map(|dialer| dialer.status().remove(0).last_error);
            reasons.filter(|why| why.contains("gateway `out-1` has 8 links to this hub already")).count()
        };
        // Those that came together with the eighth are let go when they confirm, and told when they come again.
        eventually("all are linked or told why not", || hub.links().len() == 8 && refused() == 2).await;
        relay.refuse(true);
        relay.cut();
        eventually("all wait", || hub.links().iter().all(|link| !link.connected())).await;
        let _last = pair.gateway(&shard, &at_last, hub.local(), Transport::Ws);
        at_last.link().await;
        at_hub.until("the oldest has gone", |noted| noted.downs.get() > 0).await;
        assert_eq!((hub.links().len(), at_hub.downs.get()), (8, 1));
    });
}

/// Calls that wait in a session for its gateway were not counted.
#[test]
fn what_waits_for_gateways_that_are_away_is_bounded_when_another_comes() {
    on_shard(|shard| async move {
        let mut pair = Pair::new();
        pair.accept.of_one.held_len = 16 * 100 * 1024;
        (pair.accept.ping, pair.dial.ping) = (Duration::from_secs(2), Duration::from_secs(2));
        let (at_hub, at_gateway) = (Noted::new(), Noted::new());
        let hub = pair.hub(&shard, &at_hub);
        let relay = Relay::start(&shard, &[hub.local()]).await;
        let _dialers = [(); 3].map(|()| pair.gateway(&shard, &at_gateway, relay.local, Transport::Ws));
        at_hub.until("all are linked", |noted| noted.ups.borrow().len() == 3).await;
        relay.refuse(true);
        relay.cut();
        eventually("all wait", || hub.links().iter().all(|link| !link.connected())).await;
        for (token, link) in hub.links().iter().enumerate() {
            link.open(&head(45_000), &[&[7; 45_000]], token as u64).unwrap();
        }
        let _last = pair.gateway(&shard, &at_gateway, hub.local(), Transport::Ws);
        at_hub.until("another has come", |noted| noted.ups.borrow().len() == 4).await;
        assert_eq!((at_hub.downs.get(), hub.links().len()), (1, 3));
        assert!(at_hub.failures.borrow().contains_key(&0), "the oldest has gone");
    });
}

/// One session may keep a bounded amount at the hub; a gateway that is faulty, or somebody else's, could make hundreds of them.
#[test]
fn all_links_of_a_gateway_keep_so_much_together_and_the_one_that_keeps_most_ends() {
    on_shard(|shard| async move {
        let mut pair = Pair::new();
        pair.accept.of_one.held_len = 100 * 1024;
        let other = Pair { gateway_key: Arc::new(PrivateKey::generate().unwrap()), ..pair.clone() };
        pair.directory.keys.borrow_mut().push((other.gateway_key.public().unwrap(), Role::Egress, "beijing"));
        let (at_hub, gateways) = (Noted::new(), [(); 3].map(|()| Noted::new()));
        at_hub.keeps.set(true);
        let hub = pair.hub(&shard, &at_hub);
        // What the hub keeps of ids that were used, in slots of which so many were needed at once.
        let keys = [(&pair, 1500), (&other, 600), (&pair, 2500)];
        let mut dialers = Vec::new();
        for ((of, exchanges), gateway) in keys.into_iter().zip(&gateways) {
            let dial = DialConfig {
                hubs: vec![pair.address(hub.local(), Transport::Ws)],
                key: of.gateway_key.clone(),
                ..pair.dial.clone()
            };
            dialers.push(highway_tunnel::dial(&shard, dial, gateway.clone()));
            let link = gateway.link().await;
            for token in 0..exchanges {
                link.open(&head(1), &[b"x"], token).unwrap();
            }
        }
        let [first, of_another_key, most] = &gateways;
        most.until("it has ended", |noted| noted.downs.get() == 1).await;
        let why = most.failures.borrow()[&0].text.clone();
        assert!(
            why.contains("this hub keeps ")
                && why.contains(" bytes for what the gateway has not taken, over all its links; the limit is 102400"),
            "{why}"
        );
        assert_eq!((first.downs.get(), of_another_key.downs.get()), (0, 0));
        // With that it is back under its limit.
        let link = most.link().await;
        at_hub.keeps.set(false);
        link.open(&head(3), &[b"abc"], 9999).unwrap();
        most.until("an answer", |noted| noted.finished.borrow().contains(&9999)).await;
        assert_eq!((first.downs.get(), of_another_key.downs.get(), most.downs.get()), (0, 0, 1));
    });
}

#[test]
fn a_crowd_of_silent_connections_from_one_address_gets_its_share_and_links_stay() {
    on_shard(|shard| async move {
        let mut pair = Pair::new();
        pair.accept.connections = 10_000;
        let (at_hub, at_gateway) = (Noted::new(), Noted::new());
        let hub = pair.hub(&shard, &at_hub);
        let _dialer = pair.gateway(&shard, &at_gateway, hub.local(), Transport::Ws);
        let link = at_gateway.link().await;
        let mut crowd = Vec::new();
        for _ in 0..300 {
            crowd.push(tokio::net::TcpStream::connect(hub.local()).await.unwrap());
        }
        let is_closed = |one: &tokio::net::TcpStream| matches!(one.try_read(&mut [0]), Ok(0));
        eventually("the rest is closed", || crowd.iter().filter(|one| is_closed(one)).count() == 300 - 256).await;
        link.open(&head(3), &[b"abc"], 1).unwrap();
        at_gateway.until("the answer", |noted| noted.finished.borrow().len() == 1).await;
        drop(crowd);
        // Their places are free again.
        let late = Noted::new();
        let _late = pair.gateway(&shard, &late, hub.local(), Transport::Ws);
        late.link().await;
    });
}
