//! The real gateway between a consumer at its socket and a hub at the other end of a real link; no registry.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use chassis::drain::Drained;
use chassis::{Process, Program};
use highway_egress_gw::EgressGateway;
use support::{Consumer, Hub, Seen, call, configure, ok_reply, until};
use tunnel::key::PrivateKey;
use wire::dubbo::frame::{HEADER_LEN, Status};

const IMPORT_ALL: &str = r#"
[egress]
listen = ["127.0.0.1"]
serve_after_leaving = "100ms"
[egress.ports]
default = 0
shanghai = 0
[import]
rule = [{ island = "*", service = "com.acme.*" }]
"#;

struct World {
    gateway: EgressGateway,
    process: Process,
    teller: chassis::drain::Teller,
    hub: Hub,
    hub_key: PrivateKey,
    folder: tempfile::TempDir,
}

fn settled(folder: &std::path::Path, text: &str) -> highway_egress_gw::Config {
    chassis::config::settle_text(&folder.join("egress-gw.toml"), text, &[], EgressGateway::settle).unwrap().config
}

impl World {
    async fn start(more: &str) -> Self {
        let hub_key = PrivateKey::generate().unwrap();
        let hub = Hub::start(&hub_key, None, &["com.acme.Greeter"]);
        let folder = tempfile::tempdir().unwrap();
        let config = settled(folder.path(), &configure(folder.path(), &hub, more));
        let (process, teller) = Process::alone();
        let gateway = EgressGateway::start(config, process.clone()).await.unwrap();
        let world = Self { gateway, process, teller, hub, hub_key, folder };
        until("ready", || world.process.ready.report().0).await;
        world
    }

    /// Connects to the default port, or the one of an island.
    fn consumer(&self, island: Option<&str>) -> Consumer {
        let (_, address) = self.gateway.addresses().find(|(bound, _)| *bound == island).unwrap();
        Consumer::connect(address)
    }

    /// Waits until calls of com.acme.Greeter are routed.
    async fn routed(&self) {
        loop {
            let report = self.process.status.report().await;
            if report["egress"]["islands"].as_array().is_some_and(|islands| !islands.is_empty()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_call_by_direct_url_crosses_the_link_and_comes_back() {
    let world = World::start(IMPORT_ALL).await;
    world.routed().await;
    for island in [None, Some("shanghai")] {
        let mut consumer = world.consumer(island);
        consumer.send(-3, "greet", "bo", &[]);
        let mut wanted = ok_reply(b"\x02hi");
        wanted[4..12].copy_from_slice(&(-3_i64).to_be_bytes());
        assert_eq!(consumer.frame(), wanted);
    }
    let frame_len = call(-3, "greet", "bo", &[]).len();
    let seen = Seen {
        destination: "shanghai".to_owned(),
        service: "com.acme.Greeter".to_owned(),
        method: "greet".to_owned(),
        frame_len,
        one_way: false,
    };
    assert_eq!(world.hub.seen(), [seen.clone(), seen]);
}

/// A port that the system chose is the same on each; `::` would be IPv6 alone, so both families are two addresses.
#[tokio::test]
async fn every_listen_address_takes_calls_on_every_port() {
    let world = World::start(&IMPORT_ALL.replace(r#"["127.0.0.1"]"#, r#"["127.0.0.1", "::1"]"#)).await;
    world.routed().await;
    for island in [None, Some("shanghai")] {
        let opened = world.gateway.addresses().filter(|(bound, _)| *bound == island);
        let opened: Vec<SocketAddr> = opened.map(|(_, address)| address).collect();
        let hosts: Vec<String> = opened.iter().map(|address| address.ip().to_string()).collect();
        assert_eq!(hosts, ["127.0.0.1", "::1"]);
        assert_eq!(opened[0].port(), opened[1].port(), "{island:?}");
        for address in opened {
            let mut consumer = Consumer::connect(address);
            consumer.send(7, "greet", "bo", &[]);
            let (id, status, body) = consumer.answer();
            assert_eq!((id, status), (7, Status::OK), "{address}: {body}");
        }
    }
    assert_eq!(world.hub.seen().len(), 4);
}

#[tokio::test]
async fn a_hundred_calls_at_once_on_one_connection_are_all_answered_under_their_ids() {
    let world = World::start(IMPORT_ALL).await;
    world.routed().await;
    let mut consumer = world.consumer(None);
    let calls: Vec<u8> = (0..100).flat_map(|id| call(id, "greet", "bo", &[])).collect();
    consumer.send_bytes(&calls);
    let mut ids: Vec<i64> = (0..100).map(|_| consumer.answer().0).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..100).collect::<Vec<i64>>());
    assert_eq!(world.hub.seen().len(), 100);
    let page = world.process.metrics.scrape();
    assert!(page.contains("highway_egress_calls_total{outcome=\"answered\",kind=\"\"} 100"), "{page}");
    let calls = &world.process.status.report().await["calls"]["services"][0];
    assert_eq!((&calls["service"], &calls["target"]), (&"com.acme.Greeter".into(), &"shanghai".into()), "{calls}");
    assert_eq!((&calls["calls"]["answered"], &calls["calls"]["failed"]), (&100.into(), &0.into()), "{calls}");
}

#[tokio::test]
async fn a_large_call_and_a_large_answer_pass_whole() {
    let world = World::start(IMPORT_ALL).await;
    world.routed().await;
    let mut consumer = world.consumer(None);
    let large = "x".repeat(4 << 20);
    consumer.send(1, "greet", &large, &[]);
    assert_eq!(consumer.answer().1, Status::OK);
    assert_eq!(world.hub.seen()[0].frame_len, call(1, "greet", &large, &[]).len());
    consumer.send(2, "big", "", &[]);
    let frame = consumer.frame();
    assert_eq!((frame[11], frame.len()), (2, HEADER_LEN + 1 + (3 << 20)));
}

#[tokio::test]
async fn a_failure_from_the_other_island_becomes_what_the_table_says() {
    let world = World::start(IMPORT_ALL).await;
    world.routed().await;
    let mut consumer = world.consumer(None);
    for (method, text) in [("gone", "may have been executed"), ("forbidden", "was not executed")] {
        consumer.send(1, method, "", &[]);
        let (_, status, body) = consumer.answer();
        assert_eq!(status, Status::OK, "{body}");
        assert!(body.contains("the provider in shanghai went away") && body.contains(text), "{body}");
    }
}

#[tokio::test]
async fn a_silent_provider_is_given_up_at_the_calls_own_deadline() {
    let world = World::start(IMPORT_ALL).await;
    world.routed().await;
    let mut consumer = world.consumer(None);
    consumer.send(1, "silent", "", &[("timeout", "200")]);
    let (_, status, body) = consumer.answer();
    assert!(status == Status::SERVER_TIMEOUT && body.contains("gave no answer"), "{status} {body}");
    until("the cancel", || *world.hub.cancelled.lock().unwrap() == 1).await;
}

#[tokio::test]
async fn what_is_not_imported_is_refused_until_a_reload_imports_it() {
    let none = IMPORT_ALL.replace("com.acme.*", "org.other.*");
    let mut world = World::start(&none).await;
    world.routed().await;
    let mut consumer = world.consumer(None);
    consumer.send(1, "greet", "", &[]);
    let (_, status, body) = consumer.answer();
    assert!(status == Status::OK && body.contains("is not imported by island `cloud`"), "{status} {body}");
    let text = configure(world.folder.path(), &world.hub, IMPORT_ALL);
    // The key of the file just written is another one: that needs a restart, and nothing of the change is taken.
    let error = world.gateway.reload(settled(world.folder.path(), &text)).await.unwrap_err();
    assert_eq!(error.to_string(), "[link] can only change with a restart");
    consumer.send(2, "greet", "", &[]);
    assert!(consumer.answer().2.contains("is not imported"));
}

#[tokio::test]
async fn a_reload_of_imports_takes_effect_for_the_next_call() {
    let none = IMPORT_ALL.replace("com.acme.*", "org.other.*");
    let hub_key = PrivateKey::generate().unwrap();
    let hub = Hub::start(&hub_key, None, &["com.acme.Greeter"]);
    let folder = tempfile::tempdir().unwrap();
    let before = configure(folder.path(), &hub, &none);
    let after = before.replace("org.other.*", "com.acme.*");
    let (process, _teller) = Process::alone();
    let mut gateway = EgressGateway::start(settled(folder.path(), &before), process.clone()).await.unwrap();
    until("ready", || process.ready.report().0).await;
    let address = gateway.addresses().next().unwrap().1;
    let mut consumer = Consumer::connect(address);
    gateway.reload(settled(folder.path(), &after)).await.unwrap();
    loop {
        consumer.send(1, "greet", "", &[]);
        let (_, status, body) = consumer.answer();
        if !body.contains("highway: ") {
            break;
        }
        // Until the catalogue has come, which is a passing refusal.
        assert!(status == Status::SERVER_ERROR, "{status} {body}");
    }
}

#[tokio::test]
async fn a_service_that_is_withdrawn_is_refused_and_comes_back() {
    let world = World::start(IMPORT_ALL).await;
    world.routed().await;
    let mut consumer = world.consumer(None);
    world.hub.offer(&["com.acme.Other"]);
    let refused = |body: &str| body.contains("no island offers") || body.contains("no hub has told");
    let mut told = String::new();
    for id in 0.. {
        consumer.send(id, "greet", "", &[]);
        told = consumer.answer().2;
        if refused(&told) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(refused(&told), "{told}");
    world.hub.offer(&["com.acme.Greeter"]);
    loop {
        consumer.send(1, "greet", "", &[]);
        if !consumer.answer().2.contains("highway: ") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn after_a_gap_the_hub_is_dialled_anew_and_tells_everything() {
    let world = World::start(IMPORT_ALL).await;
    world.routed().await;
    let mut consumer = world.consumer(None);
    world.hub.leave_a_gap();
    until("what the new link does not tell is gone", || {
        consumer.send(2, "greet", "bo", &[]);
        let told = consumer.answer().2;
        told.contains("no island offers") || told.contains("no hub has told")
    })
    .await;
}

#[tokio::test]
async fn with_the_hub_gone_calls_fail_in_words_and_with_a_new_one_they_pass_again() {
    let world = World::start(IMPORT_ALL).await;
    world.routed().await;
    let mut consumer = world.consumer(None);
    let address = world.hub.address;
    let World { hub, hub_key, gateway: _gateway, process, .. } = world;
    drop(hub);
    until("not ready", || !process.ready.report().0).await;
    consumer.send(1, "greet", "", &[]);
    let (_, status, body) = consumer.answer();
    assert!(
        status == Status::SERVER_ERROR && body.contains("no link from this egress gateway to a hub"),
        "{status} {body}"
    );
    let _again = Hub::start(&hub_key, Some(address), &["com.acme.Greeter"]);
    until("ready again", || process.ready.report().0).await;
    consumer.send(2, "greet", "", &[]);
    let (id, status, body) = consumer.answer();
    assert_eq!((id, status), (2, Status::OK), "{body}");
}

#[tokio::test]
async fn a_drain_serves_what_is_in_flight_then_closes() {
    let world = World::start(IMPORT_ALL).await;
    world.routed().await;
    let mut consumer = world.consumer(None);
    consumer.send(1, "silent", "", &[("timeout", "600")]);
    until("the call is out", || world.hub.seen().len() == 1).await;
    let World { gateway: _gateway, teller, hub: _hub, .. } = world;
    let drained = tokio::spawn(teller.drain(Duration::from_secs(10)));
    tokio::time::sleep(Duration::from_millis(20)).await;
    consumer.send(2, "greet", "", &[]);
    assert_eq!(consumer.answer().0, 2, "while it drains it still serves");
    assert_eq!(consumer.answer().0, 1, "what is in flight is answered");
    assert_eq!(drained.await.unwrap(), Drained::Empty);
    assert!(consumer.is_closed());
}

#[tokio::test]
async fn the_status_shows_links_islands_and_connections() {
    let world = World::start(IMPORT_ALL).await;
    world.routed().await;
    let mut consumer = world.consumer(None);
    consumer.send(1, "greet", "", &[]);
    consumer.answer();
    let report = world.process.status.report().await;
    let egress = &report["egress"];
    assert_eq!(egress["island"], "cloud");
    assert_eq!(egress["services"][0]["service"], "com.acme.Greeter");
    assert_eq!(egress["services"][0]["islands"][0], serde_json::json!(["shanghai", true, true]));
    let shards = report["shards"].as_array().unwrap();
    let sum = |key: &str| shards.iter().map(|shard| shard[key].as_i64().unwrap()).sum::<i64>();
    assert_eq!((shards.len(), sum("connections"), sum("answered"), sum("in_flight")), (2, 1, 1, 0));
    assert_eq!(shards[0]["hubs"][0]["links"][0]["name"], "hub-1");
}
