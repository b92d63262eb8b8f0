//! Ten thousand services: they appear, are published, survive a restart of the server, and leave.

use std::time::{Duration, Instant};

use zk_bridge::RegistryFailure;

use super::*;

const MANY: usize = 10_000;
/// Much longer than a busy machine takes.
const WITHDRAWN_WITHIN: Duration = Duration::from_secs(120);

/// Creates or deletes nodes, many requests on their way at once.
async fn create_all(client: &Client, paths: &[String], mode: CreateMode) {
    let options = mode.with_acls(Acls::anyone_all());
    for some in paths.chunks(1000) {
        // The crate sends a request when its future is made.
        let sent: Vec<_> = some.iter().map(|path| client.create(path, b"", &options)).collect();
        for created in sent {
            created.await.unwrap();
        }
    }
}

async fn delete_these(client: &Client, paths: &[String]) {
    for some in paths.chunks(1000) {
        let sent: Vec<_> = some.iter().map(|path| client.delete(path, None)).collect();
        for deleted in sent {
            deleted.await.unwrap();
        }
    }
}

/// Of this test process, in MiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}

/// Paths of so many services are several times the 128 KiB of watched paths with which the client crate cannot reconnect.
#[tokio::test]
async fn ten_thousand_services_appear_are_published_survive_a_restart_and_leave() {
    let mut server = Server::with(Settings { flags: "-Xmx400m", ..Settings::default() }).await;
    let client = server.client().await;
    // A debug build on a busy machine computes for seconds, in the thread that has to keep the session alive.
    let running =
        Running::of(&RegistryConfig { session_timeout: Some("40s".into()), ..RegistryConfig::at(server.address()) });
    running.view("complete", View::is_complete).await;
    let began = resident();

    let names: Vec<String> = (0..MANY).map(|number| format!("com.acme.warehouse.Service{number:05}")).collect();
    create_all(&client, &["/dubbo".into()], CreateMode::Persistent).await;
    let folders = |suffix: &str| names.iter().map(|name| format!("/dubbo/{name}{suffix}")).collect::<Vec<_>>();
    create_all(&client, &folders(""), CreateMode::Persistent).await;
    create_all(&client, &folders("/providers"), CreateMode::Persistent).await;
    let nodes: Vec<String> = names.iter().map(|name| provider_node(name, 20880)).collect();
    create_all(&client, &nodes, CreateMode::Ephemeral).await;
    let appeared = Instant::now();
    running.view("all are seen", |view| view.is_complete() && view.providers().len() == MANY).await;
    println!("{MANY} services: seen {:?} after the last appeared, {} MiB more", appeared.elapsed(), resident() - began);

    let remote: Vec<String> = (0..MANY).map(|number| format!("com.acme.remote.Service{number:05}")).collect();
    let remote: Vec<&str> = remote.iter().map(String::as_str).collect();
    let wanted = Instant::now();
    running.registry.publish(desired("gw-1", 1, 20990, &remote));
    running.published(MANY, MANY).await;
    println!(
        "{MANY} virtual providers: written in {:?}, {} MiB over the beginning",
        wanted.elapsed(),
        resident() - began
    );

    server.kill().await;
    running.view("told", |view| !view.is_connected()).await;
    server.resume().await;
    let back = Instant::now();
    running.view("connected again", View::is_connected).await;
    running.published(MANY, MANY).await;
    let view = running.view("complete again", View::is_complete).await;
    println!("{MANY} and {MANY}: whole again {:?} after the server was back", back.elapsed());
    assert_eq!(view.providers().iter().filter(|provider| !provider.is_virtual()).count(), MANY);

    let left = Instant::now();
    delete_these(&client, &nodes).await;
    running.view("all have left", |view| view.providers().iter().all(|provider| provider.is_virtual())).await;
    println!("{MANY} services: gone {:?} after the first left", left.elapsed());

    let withdrawn = Instant::now();
    // On a busy machine so many take longer than it waits by itself; what it was told stays, and is only waited for again.
    while let Err(error) = running.registry.withdraw().await {
        assert!(matches!(error, RegistryFailure::NotYet { .. }) && withdrawn.elapsed() < WITHDRAWN_WITHIN, "{error}");
    }
    println!("{MANY} virtual providers: withdrawn in {:?}", withdrawn.elapsed());
    let status = running.registry.status();
    assert_eq!((status.published, status.problems), (0, vec![]));
}
