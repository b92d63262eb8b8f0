//! Calls that wait in the pool for a connection of a local provider, while switches are thrown and rules change.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use client::Answers as _;
use route::rules::{Rules, parse};
use tokio::net::TcpListener;
use wire::dubbo::frame::{Codec, FrameKind, Header, Status};

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

    /// The same, while no hub has told what other islands offer.
    fn rules_untold(&self, generation: u64, rules: &str) {
        let local = self.gate.core.knowledge.load().local.clone();
        let snapshot = Arc::new(snapshot_untold(generation, in_force(rules), &local));
        self.gate.core.knowledge.store(Arc::new(Knowledge { snapshot, local, ..Knowledge::default() }));
    }

    fn waiting(&self) -> usize {
        self.gate.core.local.status().iter().map(|provider| provider.waiting).sum()
    }

    fn outstanding(&self) -> usize {
        self.gate.core.local.status().iter().map(|provider| provider.outstanding as usize).sum()
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
    let snapshot = Arc::new(snapshot_ruled_beside(generation, &["beijing"], in_force(rules), &local));
    Knowledge { snapshot, local, ..Knowledge::default() }
}

fn in_force(rules: &str) -> Rules {
    let document =
        (!rules.is_empty()).then(|| Arc::new(parse("shop", &format!("service: com.acme.Greeter\n{rules}")).unwrap()));
    Rules::new(document, SystemTime::now()).unwrap()
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

/// A rule may name islands beside `local`, and while nobody knows what they offer nobody knows whether the call is refused.
#[test]
fn a_call_is_written_to_no_local_provider_while_nobody_knows_where_it_goes() {
    on_shard(async {
        let slow = Slow::open(&[]).await;
        let to = |targets: &str| format!("rules:\n  - name: there\n    act: {{ {targets} }}\n");
        let closed = "switches:\n  - name: stopped\n    island: local\n    say: closed until six\n";
        slow.rules(2, &to("island: local"));
        let mut consumer = slow.wait(&[call(1, "greet", &[("timeout", "9000")])]).await;
        slow.gate.link().usable.set(false);
        slow.rules_untold(3, &format!("{closed}{}", to("failover: [local, beijing]")));
        let mut provider = slow.up().await;
        until(|| slow.gate.core.looked_at() == 3).await;
        assert_eq!((slow.waiting(), slow.outstanding(), slow.gate.core.calls.len()), (0, 0, 1), "it waits elsewhere");
        // The switch is taken back: the call goes, although there is no link.
        slow.rules_untold(4, &to("island: local"));
        let got = provider.frame().await;
        provider.reply_to(&got).await;
        assert_eq!(consumer.frame().await[11], 1);
    });
}

/// A call that was written behind one that does not fit into the socket, and another provider without a connection.
struct Behind {
    slow: Slow,
    consumer: Peer,
    provider: Peer,
    /// Takes connections and makes no handshake.
    _other: TcpListener,
}

impl Behind {
    async fn open() -> Self {
        let slow = Slow::open(&[]).await;
        let mut consumer = slow.wait(&[here(1)]).await;
        let mut provider = slow.up().await;
        let got = provider.frame().await;
        provider.reply_to(&got).await;
        consumer.frame().await;
        let (other, address) = provider_port().await;
        let both = listed(&[slow.address, address], &slow.trust);
        slow.gate.core.knowledge.store(Arc::new(ruled(1, "", both)));
        let long = "x".repeat(7 << 20);
        let attachments = [LOCAL, ("timeout", "9000")];
        consumer.send(&call_in(Codec::Fastjson2, "com.acme.Greeter", 2, "greet", &long, &attachments)).await;
        until(|| slow.outstanding() == 1).await;
        consumer.send(&here(3)).await;
        until(|| slow.outstanding() == 2).await;
        assert_eq!(slow.waiting(), 0, "both are written");
        Self { slow, consumer, provider, _other: other }
    }
}

/// What a provider gets is not kept as it came, so that nothing says whether a switch is about it: the other provider got it.
#[test]
fn a_call_that_comes_back_unwritten_and_is_not_kept_goes_to_no_other_provider_once_things_have_changed() {
    on_shard(async {
        let Behind { slow, mut consumer, provider, _other } = Behind::open().await;
        slow.rules(2, SWITCH);
        drop(provider);
        let mut told = vec![consumer.answer().await];
        assert_eq!((slow.waiting(), slow.gate.core.calls.len()), (0, 0), "both came back at once");
        told.push(consumer.answer().await);
        let third = told.iter().find(|told| told.id == 3).unwrap();
        assert_eq!(third.status, Status::SERVER_ERROR, "its consumer may repeat it");
        assert!(third.text.contains("(the call was not executed)"), "{}", third.text);
    });
}

#[test]
fn a_call_that_came_back_unwritten_waits_for_another_provider_until_things_change() {
    on_shard(async {
        let Behind { slow, mut consumer, provider, _other } = Behind::open().await;
        drop(provider);
        assert_eq!(consumer.answer().await.id, 2);
        assert_eq!(slow.waiting(), 1);
        slow.rules(2, SWITCH);
        until(|| slow.gate.core.looked_at() == 2).await;
        assert_eq!((slow.waiting(), slow.gate.core.calls.len()), (0, 0));
        let told = consumer.answer().await;
        assert_eq!((told.id, told.status), (3, Status::SERVER_ERROR), "{}", told.text);
        assert!(told.text.contains("(the call was not executed)"), "{}", told.text);
    });
}

/// Nobody waits for its answer, so that its consumer need not be there any more.
#[test]
fn a_one_way_call_waits_for_a_local_provider_whether_its_consumer_is_there_or_not() {
    on_shard(async {
        let slow = Slow::open(&[]).await;
        drop(slow.wait(&[one_way(here(1)), here(2)]).await);
        until(|| slow.gate.core.counters.abandoned.get() == 1).await;
        assert_eq!(slow.waiting(), 1);
        let got = slow.up().await.frame().await;
        assert_eq!(Header::decode(&got).unwrap().unwrap().kind(), FrameKind::OneWay);
        until(|| slow.gate.core.calls.is_empty()).await;
    });
}
