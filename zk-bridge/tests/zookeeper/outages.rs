//! Cables that are cut, servers that stop, hang, start again or lose everything.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

#[tokio::test]
async fn a_cut_cable_changes_nothing_but_the_word_connected() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;
    let cable = Cable::to(server.address()).await;
    let running = Running::at(&cable.address());
    running.registry.publish(desired("gw-1", 1, 20990, &[B]));
    running.published(1, 1).await;
    running.view("complete", |view| view.is_complete() && real(view, A) == 1).await;
    let before = tree(&client, "/").await;
    let mut seen = running.registry.view();

    cable.cut();
    let view = running.view("the word", |view| !view.is_connected()).await;
    assert_eq!(real(&view, A), 1, "the list stays");
    assert!(
        running.registry.status().problems.iter().any(|it| it.contains("not connected")),
        "{:?}",
        running.registry.status()
    );
    create(&client, &provider_node(A, 20881), "", CreateMode::Ephemeral).await;
    cable.mend();
    running.view("what happened meanwhile", |view| view.is_connected() && real(view, A) == 2).await;
    client.delete(&provider_node(A, 20881), None).await.unwrap();
    running.view("and what happens after: watches are there again", |view| real(view, A) == 1).await;
    assert_eq!(tree(&client, "/").await, before, "the session is the same, and so is every node");
    assert!(seen.borrow_and_update().generation() > 0);
}

#[tokio::test]
async fn a_session_that_expired_is_followed_by_another_with_the_same_nodes() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;
    let cable = Cable::to(server.address()).await;
    let config = RegistryConfig { session_timeout: Some("1s".into()), ..RegistryConfig::at(cable.address()) };
    let running = Running::of(&config);
    running.registry.publish(desired("gw-1", 1, 20990, &[B]));
    running.published(1, 1).await;
    let before = tree(&client, "/").await;
    let mut views = running.registry.view();
    views.borrow_and_update();

    cable.cut();
    eventually("the server has ended the session", || async {
        ours(&tree(&client, "/").await).iter().all(|path| !path.contains("providers/"))
    })
    .await;
    cable.mend();
    running.view("connected", View::is_connected).await;
    running.published(1, 1).await;
    assert_eq!(real(&running.registry.view().borrow(), A), 1);
    let after = tree(&client, "/").await;
    assert_eq!(ours(&after), ours(&before));
    let session = running.registry.status().session.unwrap();
    let owned = after.iter().filter(|(path, (_, owner))| path.contains("highway") && *owner != 0);
    assert_eq!(owned.clone().count(), 2);
    assert!(owned.clone().all(|(_, (_, owner))| format!("{owner:#x}") == session));
}

#[tokio::test]
async fn no_view_is_ever_empty_while_servers_stop_hang_and_start() {
    let mut server = Server::start().await;
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Persistent).await;
    let running =
        Running::of(&RegistryConfig { session_timeout: Some("2s".into()), ..RegistryConfig::at(server.address()) });
    running.registry.publish(desired("gw-1", 1, 20990, &[B]));
    running.published(1, 1).await;
    running.view("complete", |view| real(view, A) == 1).await;
    let mut views = running.registry.view();
    let watching = tokio::spawn(async move {
        let mut smallest = usize::MAX;
        while views.changed().await.is_ok() {
            smallest = smallest.min(real(&views.borrow_and_update(), A));
        }
        smallest
    });

    server.kill().await;
    running.view("told", |view| !view.is_connected()).await;
    server.resume().await;
    running.view("back", View::is_connected).await;
    running.published(1, 1).await;

    server.signal("-STOP");
    running.view("told again", |view| !view.is_connected()).await;
    server.signal("-CONT");
    running.view("back again", View::is_connected).await;
    running.published(1, 1).await;
    drop(running);
    assert_eq!(watching.await.unwrap(), 1);
}

#[tokio::test]
async fn a_server_that_lost_its_tree_is_filled_again_and_providers_get_time_to_come_back() {
    let mut server = Server::start().await;
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;
    create(&client, &provider_node(A, 20881), "", CreateMode::Ephemeral).await;
    let running =
        Running::of(&RegistryConfig { session_timeout: Some("3s".into()), ..RegistryConfig::at(server.address()) });
    running.registry.publish(desired("gw-1", 1, 20990, &[B]));
    running.published(1, 1).await;
    running.view("complete", |view| real(view, A) == 2).await;
    drop(client);
    server.kill().await;
    server.lose_everything();
    server.resume().await;
    let view = running.view("back", View::is_connected).await;
    assert_eq!((real(&view, A), view.is_complete()), (2, false), "nobody is forgotten at once");
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;
    running.view("who does not come back is gone in the end", |view| view.is_complete() && real(view, A) == 1).await;
    running.published(1, 1).await;
    assert_eq!(ours(&tree(&client, "/").await).len(), 7);
}

/// A server that hangs for less than the session lives: nothing is different afterwards, not even who owns a node.
#[tokio::test]
async fn a_short_pause_keeps_the_session_and_every_node() {
    let server = Server::start().await;
    let client = server.client().await;
    let running = Running::at(&server.address());
    running.registry.publish(desired("gw-1", 1, 20990, &[A, B]));
    running.published(2, 2).await;
    let before = tree(&client, "/").await;
    server.signal("-STOP");
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.signal("-CONT");
    let over = Instant::now();
    let connected = || running.registry.status().connected;
    eventually("connected", || async { connected() }).await;
    running.published(2, 2).await;
    println!("a pause of 3 s with a session of 6 s: connected {:?} after it", over.elapsed());
    assert_eq!(tree(&client, "/").await, before);
}

/// A server that hangs for longer: its own clock stood still as well, and ours did not.
#[tokio::test]
async fn a_pause_longer_than_the_session_is_over_within_seconds() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Persistent).await;
    let config = RegistryConfig { session_timeout: Some("1s".into()), ..RegistryConfig::at(server.address()) };
    let running = Running::of(&config);
    running.registry.publish(desired("gw-1", 1, 20990, &[B]));
    running.published(1, 1).await;
    running.view("complete", |view| view.is_complete() && real(view, A) == 1).await;
    server.signal("-STOP");
    running.view("told", |view| !view.is_connected()).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(real(&running.registry.view().borrow(), A), 1);
    server.signal("-CONT");
    let over = Instant::now();
    running.view("connected", View::is_connected).await;
    running.published(1, 1).await;
    println!("a pause of 5 s with a session of 1 s: all is published {:?} after it", over.elapsed());
    assert!(over.elapsed() < Duration::from_secs(10), "{:?}", over.elapsed());
}

/// How long it was away makes no difference: here many times the session, whatever a session's seconds are.
#[tokio::test]
async fn the_end_of_an_outage_many_times_as_long_as_a_session_is_noticed_within_seconds() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Persistent).await;
    let cable = Cable::to(server.address()).await;
    let log = lab::Log::here();
    let config = RegistryConfig { session_timeout: Some("1s".into()), ..RegistryConfig::at(cable.address()) };
    let running = Running::of(&config);
    running.registry.publish(desired("gw-1", 1, 20990, &[B]));
    running.published(1, 1).await;
    running.view("complete", |view| view.is_complete() && real(view, A) == 1).await;
    cable.cut();
    tokio::time::sleep(Duration::from_secs(14)).await;
    assert_eq!(real(&running.registry.view().borrow(), A), 1, "the list stays");
    let text = log.text();
    assert!(log.lines("the registry has a problem") <= 3, "a line for each change, not for each attempt: {text}");
    cable.mend();
    let mended = Instant::now();
    running.view("connected", View::is_connected).await;
    running.published(1, 1).await;
    println!("14 s away with a session of 1 s: all is published {:?} after the return", mended.elapsed());
    assert!(mended.elapsed() < Duration::from_secs(6), "{:?}", mended.elapsed());
    assert_eq!(log.lines("no problem any more"), 1, "{}", log.text());
}

/// The client crate doubles its pauses as long as the session may live: with a long one it would sleep through the return.
#[tokio::test]
async fn a_long_session_does_not_make_a_return_be_noticed_late() {
    let server = Server::start().await;
    let cable = Cable::to(server.address()).await;
    let config = RegistryConfig { session_timeout: Some("60s".into()), ..RegistryConfig::at(cable.address()) };
    let running = Running::of(&config);
    running.registry.publish(desired("gw-1", 1, 20990, &[B]));
    running.published(1, 1).await;
    cable.cut();
    // After 12.7 s the crate sleeps for 12.8 s.
    tokio::time::sleep(Duration::from_millis(13_500)).await;
    cable.mend();
    let mended = Instant::now();
    running.view("connected", View::is_connected).await;
    running.published(1, 1).await;
    println!("13.5 s away with a session of 60 s: all is published {:?} after the return", mended.elapsed());
    assert!(mended.elapsed() < Duration::from_secs(9), "{:?}", mended.elapsed());
}

/// With 10 000 services a gateway computed for longer than its session lived, lost it, and began anew, for ever.
#[tokio::test]
async fn a_gateway_that_computes_for_long_keeps_its_session() {
    let server = Server::start().await;
    let config = RegistryConfig { session_timeout: Some("1s".into()), ..RegistryConfig::at(server.address()) };
    let running = Running::of(&config);
    running.registry.publish(desired("gw-1", 1, 20990, &[A]));
    running.published(1, 1).await;
    let session = running.registry.status().session;
    // The thread of the control loop, which is this one, is not there for anybody.
    std::thread::sleep(Duration::from_secs(3));
    tokio::time::sleep(Duration::from_millis(100)).await;
    running.published(1, 1).await;
    assert_eq!(running.registry.status().session, session);
}

/// The session is closed behind our back, as by an operator or a process that took it over.
#[tokio::test]
async fn a_session_that_somebody_else_closed_is_followed_by_another_at_once() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Persistent).await;
    let running = Running::at(&server.address());
    running.registry.publish(desired("gw-1", 1, 20990, &[B]));
    running.published(1, 1).await;
    running.view("complete", |view| view.is_complete() && real(view, A) == 1).await;
    let session = running.registry.status().session.unwrap();
    let id = i64::from_str_radix(session.trim_start_matches("0x"), 16).unwrap();
    let closed = Instant::now();
    eventually("another session", || async {
        // Ours may have dialled in between, and have the session back.
        close_session(&server.address(), id).await;
        running.registry.status().session != Some(session.clone())
    })
    .await;
    running.published(1, 1).await;
    println!("a session closed by somebody else: all is published {:?} later", closed.elapsed());
    assert_eq!(real(&running.registry.view().borrow(), A), 1);
    assert!(closed.elapsed() < Duration::from_secs(6), "{:?}", closed.elapsed());
}

/// Takes a session over and closes it. The password of a session follows from its id: `ZooKeeperServer.generatePasswd`.
async fn close_session(address: &str, id: i64) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut connect =
        [&0i32.to_be_bytes()[..], &0i64.to_be_bytes(), &30_000i32.to_be_bytes(), &id.to_be_bytes()].concat();
    connect.extend(16i32.to_be_bytes());
    connect.extend(java_random_bytes(id ^ 0xB341_5C00));
    connect.push(0);
    let close = [1i32.to_be_bytes(), (-11i32).to_be_bytes()].concat();
    // At once: whom it is taken from dials again at once as well.
    stream.write_all(&[framed(&connect), framed(&close)].concat()).await.unwrap();
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&i32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

/// `new Random(seed).nextBytes(16)`.
fn java_random_bytes(seed: i64) -> Vec<u8> {
    let mask = (1i64 << 48) - 1;
    let mut state = (seed ^ 0x5_DEEC_E66D) & mask;
    let mut next = || {
        state = state.wrapping_mul(0x5_DEEC_E66D).wrapping_add(0xB) & mask;
        (state >> 16) as i32
    };
    (0..4).flat_map(|_| next().to_le_bytes()).collect()
}
