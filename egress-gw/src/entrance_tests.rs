//! Who comes in at a real socket: with TLS or without, from which address, over IPv6.

use super::*;
use crate::testing::*;

/// An entrance that shows this certificate.
fn showing(own: &SelfSigned) -> Entrance {
    Entrance { tls: Some(own.server()), ..Entrance::default() }
}

fn allowing(ranges: &[&str]) -> Entrance {
    let typed: Vec<String> = ranges.iter().map(|&range| range.to_owned()).collect();
    Entrance { allow: Sources::settle("egress.allow", &typed, &mut chassis::Mistakes::nowhere()), tls: None }
}

/// A call of this consumer is answered by the island.
async fn is_served(gate: &Gate, consumer: &mut Peer, id: i64) {
    let before = gate.link().opened.borrow().len();
    consumer.send(&call(id, "greet", &[])).await;
    let sent = gate.link().calls(before + 1).await.remove(before);
    gate.reply(sent.token, &ok_reply(b"\x02hi"));
    let mut wanted = ok_reply(b"\x02hi");
    wanted[4..12].copy_from_slice(&id.to_be_bytes());
    assert_eq!(consumer.frame().await, wanted);
}

#[test]
fn consumers_with_tls_and_without_come_in_on_one_port() {
    on_shard(async {
        let own = SelfSigned::new();
        let gate = GateBuilder { entrance: showing(&own), ..GateBuilder::default() }.open();
        let mut secure = Peer::connect_with_tls(gate.address, own.client()).await.unwrap();
        let mut plain = gate.consumer().await;
        is_served(&gate, &mut secure, 1).await;
        is_served(&gate, &mut plain, 2).await;
        secure.nothing_but_a_heartbeat().await;
        assert_eq!((gate.core.counters.connections.get(), gate.core.counters.secured.get()), (2, 1));
    });
}

#[test]
fn a_new_certificate_is_shown_to_those_who_come_and_the_others_stay() {
    on_shard(async {
        let (first, second) = (SelfSigned::new(), SelfSigned::new());
        let gate = GateBuilder { entrance: showing(&first), ..GateBuilder::default() }.open();
        let mut early = Peer::connect_with_tls(gate.address, first.client()).await.unwrap();
        is_served(&gate, &mut early, 1).await;
        gate.core.entrance.store(Arc::new(showing(&second)));
        assert!(Peer::connect_with_tls(gate.address, first.client()).await.is_err());
        let mut late = Peer::connect_with_tls(gate.address, second.client()).await.unwrap();
        is_served(&gate, &mut late, 2).await;
        is_served(&gate, &mut early, 3).await;
    });
}

#[test]
fn without_a_certificate_tls_is_closed_at_once() {
    on_shard(async {
        let gate = GateBuilder::default().open();
        assert!(Peer::connect_with_tls(gate.address, SelfSigned::new().client()).await.is_err());
        let mut plain = gate.consumer().await;
        is_served(&gate, &mut plain, 1).await;
    });
}

#[test]
fn a_stranger_is_closed_at_once_and_counted_and_a_reload_may_let_it_in() {
    on_shard(async {
        let gate = GateBuilder { entrance: allowing(&["10.0.0.0/8", "fd00::/8"]), ..GateBuilder::default() }.open();
        for refused in 1..=3 {
            gate.consumer().await.closed().await;
            assert_eq!(gate.core.counters.strangers.get(), refused);
        }
        assert_eq!(gate.core.strangers.unlogged.get(), 2, "one line for many");
        gate.core.entrance.store(Arc::new(allowing(&["127.0.0.0/8"])));
        let mut friend = gate.consumer().await;
        is_served(&gate, &mut friend, 1).await;
    });
}

#[test]
fn ipv6_consumers_are_served_and_judged_by_their_own_ranges() {
    on_shard(async {
        let gate = GateBuilder { listen: "[::1]:0", entrance: allowing(&["::1"]), ..GateBuilder::default() }.open();
        assert!(gate.address.is_ipv6());
        let mut consumer = gate.consumer().await;
        is_served(&gate, &mut consumer, 1).await;
        gate.core.entrance.store(Arc::new(allowing(&["127.0.0.0/8", "fd00::/8"])));
        gate.consumer().await.closed().await;
    });
}
