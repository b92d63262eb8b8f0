//! The lab itself, before anything of ours runs in it: real Dubbo works inside an island, and nothing passes between islands.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::net::SocketAddrV4;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use lab::Lab;
use lab::install::Release;
use lab::net::{Dial, HUB_PORT, Isolation};
use lab::peer::{Application, Call, DUBBO_PORT, GREETING, INTEROP, Peer, Refer, Service};
use lab::process::{Process, Stdout, until};
use lab::zookeeper::ZooKeeper;
use serde_json::json;

struct Island {
    lab: Lab,
    zookeeper: ZooKeeper,
}

/// One lab for this file; its tests use other names and ports inside of it.
fn island() -> &'static Island {
    static LAB: OnceLock<Island> = OnceLock::new();
    LAB.get_or_init(|| {
        let lab = Lab::new(&["a", "b"]).unwrap();
        let zookeeper = lab.zookeeper("a").unwrap();
        Island { lab, zookeeper }
    })
}

fn provider(release: Release, port: u16, group: &str) -> Peer {
    let Island { lab, zookeeper } = island();
    let place = lab.net.island("a");
    Application::new(&format!("provider-{group}"), release)
        .registry(zookeeper.url())
        .port(place.listen(port).unwrap().port())
        .service(Service::new(GREETING, release.version()).group(group))
        .service(Service::new(INTEROP, release.version()).group(group).version("1.0.0"))
        .start(place, &lab.tools, lab.folder())
        .unwrap()
}

fn consumer(release: Release, name: &str) -> Peer {
    let Island { lab, zookeeper } = island();
    let application = Application::new(name, release).registry(zookeeper.url());
    application.start(lab.net.island("a"), &lab.tools, lab.folder()).unwrap()
}

fn calls_cross(consumer_release: Release, provider_release: Release, port: u16, group: &str) {
    let provider = provider(provider_release, port, group);
    let consumer = consumer(consumer_release, &format!("consumer-{group}"));
    consumer.refer(&Refer::new("greeting", GREETING).group(group).patient()).unwrap();
    consumer.refer(&Refer::new("interop", INTEROP).group(group).version("1.0.0").patient()).unwrap();

    let hello = consumer.call(&Call::new("greeting", "sayHello", [json!("wörld 🚀")])).unwrap();
    let declared = consumer.call(&Call::new("interop", "declared", [json!("none left")])).unwrap().threw();
    let bytes = consumer.call(&Call::new("interop", "bytes", [json!({ "length": 300_000, "seed": 7 })])).unwrap();

    assert_eq!(hello.returned(), json!(format!("Hello wörld 🚀, this is {}", provider_release.version())));
    assert_eq!(
        (declared.class.as_str(), declared.text(), declared.code),
        ("com.example.OutOfStockException", "none left", Some(42))
    );
    assert_eq!(bytes.returned()["length"], 300_000);
    let counts = provider.counts().unwrap();
    assert_eq!(counts[&format!("{}.sayHello", provider_release.version())], 1);
    consumer.stop().unwrap();
    provider.stop().unwrap();
    let left = || island().zookeeper.ephemerals().ok().filter(|nodes| !nodes.iter().any(|node| node.contains(group)));
    until("a stopped provider leaves the registry", Duration::from_secs(15), left).unwrap();
}

#[test]
fn a_consumer_on_2_7_calls_a_provider_on_3_3_in_its_island() {
    calls_cross(Release::V2_7_23, Release::V3_3_6, DUBBO_PORT, "new");
}

#[test]
fn a_consumer_on_3_3_calls_a_provider_on_2_7_in_its_island() {
    calls_cross(Release::V3_3_6, Release::V2_7_23, DUBBO_PORT + 1, "old");
}

/// Somebody listens in every place on two ports, one of them the hub's, so that silence is the firewall's doing.
#[test]
fn islands_reach_the_port_of_the_hub_and_nothing_else() {
    let lab = Lab::new(&["a", "b"]).unwrap();
    if let Isolation::None { reason } = lab.net.isolation() {
        println!("not shown on this machine: {reason}");
        return;
    }
    let other = 9999;
    let places = [lab.net.hub(), lab.net.island("a"), lab.net.island("b")];
    let listeners = places.map(|place| place.listener(&[HUB_PORT, other], lab.folder()).unwrap());

    let mut seen = Vec::new();
    for from in places {
        for to in places {
            for port in [HUB_PORT, other] {
                let dialled = from.dial(SocketAddrV4::new(to.address(), port)).unwrap();
                seen.push(format!("{} -> {}:{port} {dialled:?}", from.name(), to.name()));
            }
        }
    }

    let open: Vec<&str> = seen.iter().filter_map(|line| line.strip_suffix(" Open")).collect();
    let expected = [
        "hub -> hub:8443",
        "hub -> hub:9999",
        "a -> hub:8443",
        "a -> a:8443",
        "a -> a:9999",
        "b -> hub:8443",
        "b -> b:8443",
        "b -> b:9999",
    ];
    assert_eq!(open, expected);
    assert_eq!(seen.iter().filter(|line| line.ends_with(" Silent")).count(), seen.len() - expected.len());
    assert_eq!(lab.net.packets_between_islands().unwrap(), 0);
    assert!(lab.net.packets_to_hub().unwrap() > 0, "the counters count");
    drop(listeners);
}

#[test]
fn a_cut_island_is_silent_until_it_is_mended() {
    let lab = Lab::new(&["a"]).unwrap();
    if let Isolation::None { reason } = lab.net.isolation() {
        println!("not shown on this machine: {reason}");
        return;
    }
    let (hub, island) = (lab.net.hub(), lab.net.island("a"));
    let _listener = hub.listener(&[HUB_PORT], lab.folder()).unwrap();
    let address = SocketAddrV4::new(hub.address(), HUB_PORT);

    let before = island.dial(address).unwrap();
    lab.net.cut(island).unwrap();
    let cut = island.dial(address).unwrap();
    lab.net.mend().unwrap();

    assert_eq!((before, cut), (Dial::Open, Dial::Silent));
    until("the mended island reaches the hub", Duration::from_secs(20), || {
        (island.dial(address).ok()? == Dial::Open).then_some(())
    })
    .unwrap();
}

#[test]
fn a_frozen_zookeeper_answers_again_when_it_is_thawed_and_a_killed_one_when_it_is_restarted() {
    let lab = Lab::new(&["a"]).unwrap();
    let zookeeper = lab.zookeeper("a").unwrap();

    zookeeper.freeze().unwrap();
    let frozen = zookeeper.ephemerals();
    zookeeper.thaw().unwrap();
    let thawed = zookeeper.ephemerals();
    zookeeper.kill();
    let killed = zookeeper.ephemerals();
    zookeeper.again().unwrap();

    assert!(frozen.is_err() && killed.is_err(), "{frozen:?} {killed:?}");
    assert!(thawed.is_ok(), "{thawed:?}");
    assert!(zookeeper.ephemerals().is_ok());
}

/// The reaper's promise: what a run leaves when it is killed is gone a moment later.
#[test]
fn nothing_outlives_a_run_that_was_killed() {
    let lab = Lab::new(&["a"]).unwrap();
    let mut run = Command::new(lab::helper::program().unwrap());
    run.arg("linger");
    let run = Process::start("linger", lab.folder(), run, Stdout::Logged).unwrap();
    let started = || run.log().lines().find_map(|line| line.strip_prefix("started ").map(str::to_owned));
    let child = until("the run has started a child", Duration::from_secs(10), started).unwrap();
    assert!(Path::new("/proc").join(&child).exists());

    run.kill();

    // Ended is gone: in a container whose first process waits for nobody, the name of an orphan stays.
    let state = || std::fs::read_to_string(Path::new("/proc").join(&child).join("status")).unwrap_or_default();
    let gone = || state().lines().all(|line| !line.starts_with("State:") || line.contains('Z')).then_some(());
    until("the child of a killed run is gone", Duration::from_secs(10), gone).unwrap();
}

#[test]
fn a_namespace_that_a_dead_run_has_left_is_cleared_away() {
    // No process can have this id: Linux ends at four millions.
    let left = "hw99999999-0-a";
    let made = Command::new("ip").args(["netns", "add", left]).output().unwrap();
    let lab = Lab::new(&["a"]).unwrap();
    if let Isolation::None { reason } = lab.net.isolation() {
        println!("not shown on this machine: {reason}");
        return;
    }
    assert!(made.status.success(), "{made:?}");
    let listed = Command::new("ip").args(["netns", "list"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(!listed.contains(left), "{listed}");
    assert!(listed.contains(lab.net.island("a").namespace().unwrap()), "{listed}");
}
