//! A balancer that hands the requests of one link to several hubs: small POSTs cannot live there, which is said with what to ask for; streams can.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod pair;

use highway_tunnel::Transport;
use pair::relay::{Relay, eventually};
use pair::{Noted, Pair, body, head, on_shard};

#[test]
fn posts_that_reach_several_hubs_say_so_and_ask_for_stickiness() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        let (one, other) = (pair.hub(&shard, &Noted::new()), pair.hub(&shard, &Noted::new()));
        // Each connection goes to the other hub, and a link of POSTs has several.
        let balancer = Relay::start(&shard, &[one.local(), other.local()]).await;
        let dialer = pair.gateway(&shard, &Noted::new(), balancer.local, Transport::Post);
        let told = || dialer.status()[0].last_error.clone().unwrap_or_default();
        eventually("a finding", || told().contains("requests of one link reach several hubs")).await;
        assert!(told().contains("ask for stickiness"), "{}", told());
    });
}

#[test]
fn links_that_choose_go_over_a_stream_there_and_lose_no_call() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        let (one, other) = (pair.hub(&shard, &Noted::new()), pair.hub(&shard, &Noted::new()));
        let balancer = Relay::start(&shard, &[one.local(), other.local()]).await;
        let at_gateway = Noted::new();
        let _dialer = pair.gateway(&shard, &at_gateway, balancer.local, Transport::Auto);
        let link = at_gateway.link().await;
        assert_eq!(link.status().transport, Some("ws"));
        for token in 0..50 {
            link.open(&head(300), &[&body(token, 300)], token).unwrap();
        }
        at_gateway.until("all answers", |noted| noted.finished.borrow().len() == 50).await;
    });
}
