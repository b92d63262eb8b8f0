//! A service in Rust that registers itself is found by unmodified consumers of every line, at either level, and no more once it is withdrawn.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use highway_sdk::provider::{Invocation, Provider, Service};
use lab::Lab;
use lab::install::Release;
use lab::net::Place;
use lab::peer::{Application, Call, GREETING, Refer};
use lab::process::until;
use serde_json::json;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use zk_bridge::{Desired, Level, Parameters, RegistryConfig, ServiceKey};

/// The groups under which it serves, and where each is registered.
const GROUPS: [(&str, Level); 3] =
    [("both", Level::Both), ("interface", Level::Interface), ("instance", Level::Instance)];

/// Serves and stands in the registry until it is told to withdraw, and says when it has.
async fn serve(host: String, registry: String, stands: mpsc::Sender<()>, withdraw: oneshot::Receiver<()>) {
    let greeter = |group: &str| {
        Service::new(GREETING).group(group).method("sayHello", |call: Invocation| async move {
            let (name,): (String,) = call.args()?;
            Ok(format!("Hello {name}, this is Rust"))
        })
    };
    let provider =
        GROUPS.iter().fold(Provider::builder().listen(format!("{host}:0")), |it, (group, _)| it.serve(greeter(group)));
    let provider = provider.start().await.unwrap();
    let plain = GROUPS.map(|(group, level)| zk_bridge::Provider {
        key: ServiceKey::new(GREETING, Some(group), None),
        host: host.clone(),
        port: provider.address().port(),
        path: String::new(),
        level,
        application: Some("rust-greeter".to_owned()),
        parameters: Parameters([("methods".to_owned(), "sayHello".to_owned())].into()),
        highway: None,
    });
    let (_wanted, nothing) = watch::channel(BTreeSet::new());
    let settings = RegistryConfig::at(registry).settle(Path::new("/")).unwrap();
    let (registry, driver) = zk_bridge::open_only(settings, nothing);
    let mut tasks = JoinSet::new();
    tasks.spawn(driver.run());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let epoch = u64::try_from(now.as_millis()).unwrap();
    registry.publish(Desired { epoch, plain: plain.to_vec(), ..Desired::default() });
    registry.settled().await.unwrap();
    stands.send(()).unwrap();
    withdraw.await.unwrap();
    registry.withdraw().await.unwrap();
    provider.drain(Duration::from_secs(1)).await;
}

/// A consumer of this release calls each of the groups.
fn calls(lab: &Lab, place: &Place, url: &str, release: Release, groups: &[&str]) {
    let consumer = Application::new(&format!("consumer-{}", release.version()), release).registry(url);
    let consumer = consumer.start(place, &lab.tools, lab.folder()).unwrap();
    for group in groups {
        consumer.refer(&Refer::new(group, GREETING).group(group).patient()).unwrap();
        let answer = consumer.call(&Call::new(group, "sayHello", [json!(release.version())])).unwrap();
        let expected = format!("Hello {}, this is Rust", release.version());
        assert_eq!(answer.returned(), json!(expected), "{release:?}, group {group}");
    }
    consumer.stop().unwrap();
}

#[test]
fn consumers_of_every_line_find_a_service_in_rust_at_the_levels_that_they_know() {
    let lab = Lab::new(&["a"]).unwrap();
    let zookeeper = lab.zookeeper("a").unwrap();
    let place = lab.net.island("a");
    let (stands, is_standing) = mpsc::channel();
    let (end, withdraw) = oneshot::channel();
    std::thread::scope(|threads| {
        let (host, registry) = (place.address().to_string(), zookeeper.address().to_string());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let served =
            threads.spawn(move || place.inside(|| runtime.block_on(serve(host, registry, stands, withdraw))).unwrap());
        is_standing.recv_timeout(Duration::from_secs(60)).expect("it stands in the registry");
        for release in [Release::V2_6_12, Release::V2_7_23] {
            calls(&lab, place, &zookeeper.url(), release, &["both", "interface"]);
        }
        for release in [Release::V3_1_11, Release::V3_3_6] {
            calls(&lab, place, &zookeeper.url(), release, &["both", "interface", "instance"]);
        }
        end.send(()).unwrap();
        served.join().unwrap();
        // Consumers' nodes go with their sessions.
        let left =
            || zookeeper.ephemerals().ok().filter(|nodes| !nodes.iter().any(|node| node.contains("rust-greeter")));
        until("nothing of it is left that lives with its session", Duration::from_secs(15), left).unwrap();
    });
}
