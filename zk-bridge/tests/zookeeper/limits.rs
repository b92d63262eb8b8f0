//! Servers that take only so many connections, or only so much at once.

use std::time::{Duration, Instant};

use super::*;

#[tokio::test]
async fn a_server_that_is_full_is_asked_now_and_then_and_joined_as_soon_as_there_is_room() {
    let server = Server::with(Settings { more: "maxClientCnxns=2\n", ..Settings::default() }).await;
    let log = lab::Log::here();
    let (first, second) = (server.client().await, server.client().await);
    let running = Running::at(&server.address());
    running.registry.publish(desired("gw-1", 1, 20990, &[A]));
    eventually("it is told", || async {
        running.registry.status().problems.iter().any(|it| it.contains("takes a session"))
    })
    .await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(log.lines("the registry has a problem"), 1, "{}", log.text());
    drop((first, second));
    let room = Instant::now();
    running.published(1, 1).await;
    println!("a server that was full: published {:?} after there was room", room.elapsed());
    assert!(room.elapsed() < Duration::from_secs(8));
    eventually("nothing is wrong any more", || async { running.registry.status().problems.is_empty() }).await;
    assert_eq!(log.lines("no problem any more"), 1, "{}", log.text());
}

/// Beyond `jute.maxbuffer` a server ends the connection and says nothing: what else there is to do must not suffer.
#[tokio::test]
async fn what_is_too_large_for_a_server_is_told_and_everything_else_is_written() {
    let server = Server::with(Settings { flags: "-Djute.maxbuffer=40000", ..Settings::default() }).await;
    let client = server.client().await;
    let log = lab::Log::here();
    let names: Vec<String> = (0..300).map(|number| format!("com.acme.Service{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let running = Running::at(&server.address());
    running.registry.publish(desired("gw-1", 1, 20990, &names));
    eventually("it is told", || async {
        running.registry.status().problems.iter().any(|it| it.contains("jute.maxbuffer"))
    })
    .await;
    running.published(300, 0).await;
    let session = running.registry.status().session;
    create(&client, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;
    running.view("what happens beside it", |view| real(view, A) == 1).await;
    running.registry.publish(desired("gw-1", 1, 20990, &names[..20]));
    running.published(20, 20).await;
    eventually("nothing is wrong any more", || async { running.registry.status().problems.is_empty() }).await;
    assert_eq!(running.registry.status().session, session);
    assert!(log.lines("") < 12, "no storm: {}", log.text());
}
