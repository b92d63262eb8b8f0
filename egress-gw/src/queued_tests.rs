//! Calls that wait in the pool for a connection of a local provider, while switches are thrown and rules change.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use client::Answers as _;
use route::rules::{Rules, parse};
use tokio::net::TcpListener;

use crate::knowledge::Knowledge;
use crate::local::{Local, LocalTls};
use crate::testing::*;

const LOCAL: (&str, &str) = ("highway.target", "local");
const SWITCH: &str = "switches:\n  - name: stopped\n    say: closed until six, call 555\n";

/// A provider that takes connections, and calls only after a handshake that the test makes or does not make.
struct Slow {
    gate: Gate,
    listener: TcpListener,
    address: SocketAddr,
    server: Arc<rustls::ServerConfig>,
    trust: client::Trust,
}

impl Slow {
    /// At most `others` are there beside it.
    async fn open(others: &[SocketAddr]) -> Self {
        let own = SelfSigned::new();
        let (server, trust) = (own.server(), own.trust());
        let (listener, address) = provider_port().await;
        let all: Vec<SocketAddr> = [address].iter().chain(others).copied().collect();
        let knowledge = ruled(1, "", listed(&all, &trust));
        let gate = GateBuilder { knowledge, ..GateBuilder::default() }.open();
        Self { gate, listener, address, server, trust }
    }

    /// From now on these rules are in force.
    fn rules(&self, generation: u64, rules: &str) {
        let local = self.gate.core.knowledge.load().local.clone();
        self.gate.core.knowledge.store(Arc::new(ruled(generation, rules, local)));
    }

    fn waiting(&self) -> usize {
        self.gate.core.local.status().iter().map(|provider| provider.waiting).sum()
    }

    /// Calls `ids` wait in the pool.
    async fn wait(&self, calls: &[Vec<u8>]) -> Peer {
        let mut consumer = self.gate.consumer().await;
        consumer.send(&calls.concat()).await;
        until(|| self.waiting() == calls.len()).await;
        consumer
    }

    async fn up(&self) -> Peer {
        accepted_with_tls(&self.listener, self.server.clone()).await
    }
}

fn listed(addresses: &[SocketAddr], trust: &client::Trust) -> Arc<Local> {
    let tls = LocalTls { trust: Some(trust.clone()), ..LocalTls::default() };
    let said: &[(&str, &str)] = &[("ssl-enabled", "true")];
    let all: Vec<(SocketAddr, &[(&str, &str)])> = addresses.iter().map(|address| (*address, said)).collect();
    local_with(&all, tls)
}

fn ruled(generation: u64, rules: &str, local: Arc<Local>) -> Knowledge {
    let document =
        (!rules.is_empty()).then(|| Arc::new(parse("shop", &format!("service: com.acme.Greeter\n{rules}")).unwrap()));
    let rules = Rules::new(document, SystemTime::now()).unwrap();
    let snapshot = Arc::new(snapshot_ruled_beside(generation, &["beijing"], rules, &local));
    Knowledge { snapshot, local, ..Knowledge::default() }
}

fn here(id: i64) -> Vec<u8> {
    call(id, "greet", &[LOCAL, ("timeout", "9000")])
}

/// Seen: the provider was started again after the switch, and ran all that had waited for it.
#[test]
fn a_switch_stops_the_calls_that_wait_for_a_connection_of_a_local_provider() {
    on_shard(async {
        let slow = Slow::open(&[]).await;
        let mut consumer = slow.wait(&[here(1), one_way(here(2)), here(3)]).await;
        slow.rules(2, SWITCH);
        for id in [1, 3] {
            let told = consumer.answer().await;
            assert_eq!(told.id, id);
            assert!(told.text.contains("closed until six, call 555"), "{}", told.text);
        }
        assert!(slow.gate.core.calls.is_empty(), "the one-way call has ended too");
        assert_eq!(slow.waiting(), 0);
        slow.rules(3, "");
        let mut provider = slow.up().await;
        // What had waited would be written in front of it.
        consumer.send(&call(4, "greet", &[LOCAL, ("timeout", "9000"), ("mine", "the next call")])).await;
        let next = b"the next call";
        assert!(provider.frame().await.windows(next.len()).any(|word| word == next), "one of before was sent");
    });
}

#[test]
fn calls_in_the_pool_keep_their_place_and_their_order_where_the_change_is_about_others() {
    on_shard(async {
        let slow = Slow::open(&[]).await;
        let _consumer = slow.wait(&[here(1), here(2)]).await;
        slow.rules(2, "switches:\n  - name: others\n    island: beijing\n    say: no\n");
        until(|| slow.gate.core.queued.borrow().len() == 2 && slow.gate.core.looked_at() == 2).await;
        assert_eq!(slow.waiting(), 2);
        let mut provider = slow.up().await;
        let (first, second) = (provider.frame().await, provider.frame().await);
        assert!(first[4..12] < second[4..12], "in their order");
        assert_eq!(slow.gate.core.calls.len(), 2);
    });
}

/// A frame over 64 KiB is not kept for a second try, but a switch is about it as about any other.
#[test]
fn a_long_call_in_the_pool_is_stopped_like_a_short_one() {
    on_shard(async {
        let slow = Slow::open(&[]).await;
        let long = "x".repeat(200 * 1024);
        let mut consumer = slow.wait(&[call(1, "greet", &[LOCAL, ("timeout", "9000"), ("long", &long)])]).await;
        let charged = slow.gate.core.allowance.budget().held();
        assert!(charged >= 2 * long.len(), "as it came and as its provider gets it: {charged}");
        slow.rules(2, SWITCH);
        assert!(consumer.answer().await.text.contains("closed until six"));
        until(|| slow.gate.core.allowance.budget().held() < long.len()).await;
    });
}

/// A provider may be connected before the clock ticks.
#[test]
fn what_waited_is_looked_at_before_the_pool_writes_it() {
    on_shard(async {
        let slow = Slow::open(&[]).await;
        let mut consumer = slow.wait(&[here(1)]).await;
        slow.rules(2, SWITCH);
        slow.gate.core.waiting_go();
        assert_eq!(slow.waiting(), 0);
        assert!(consumer.answer().await.text.contains("closed until six"));
    });
}

/// Its decision was not looked at: the other provider got it.
#[test]
fn a_call_that_comes_back_from_the_pool_goes_to_no_other_provider_by_a_decision_of_before() {
    on_shard(async {
        let (other, address) = provider_port().await;
        let slow = Slow::open(&[address]).await;
        let mut consumer = slow.wait(&[here(1)]).await;
        slow.rules(2, SWITCH);
        let status = slow.gate.core.local.status();
        let has_it = status.iter().find(|provider| provider.waiting == 1).unwrap().address.clone();
        let stays = if has_it.contains(&address.to_string()) { slow.address } else { address };
        // What waits for a provider that is not listed any more comes back at once.
        slow.gate.core.local.follow(&listed(&[stays], &slow.trust));
        assert_eq!((slow.waiting(), slow.gate.core.calls.len()), (0, 0));
        assert!(consumer.answer().await.text.contains("closed until six"));
        drop(other);
    });
}

/// What is on a connection may run: it is neither copied nor taken back.
#[test]
fn a_call_that_is_written_at_once_is_not_kept_and_one_that_is_sent_by_now_not_stopped() {
    on_shard(async {
        let slow = Slow::open(&[]).await;
        let mut consumer = slow.wait(&[here(1)]).await;
        let mut provider = slow.up().await;
        let got = provider.frame().await;
        consumer.send(&here(2)).await;
        provider.frame().await;
        let core = &slow.gate.core;
        assert_eq!(core.queued.borrow().len(), 1, "only the first one waited");
        slow.rules(2, SWITCH);
        until(|| core.looked_at() == 2).await;
        assert_eq!((core.calls.len(), core.queued.borrow().len()), (2, 0));
        provider.reply_to(&got).await;
        assert_eq!(consumer.frame().await[11], 1);
    });
}
