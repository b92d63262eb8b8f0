//! What every supported server has to give: publishing, seeing, a reconnect, a restart. The newest runs everything else.

use std::time::Instant;

use super::*;

async fn line_holds_on(version: &str) {
    let mut server = Server::of(version).await;
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;
    let cable = Cable::to(server.address()).await;
    let running = Running::at(&cable.address());
    running.registry.publish(desired("gw-1", 1, 20990, &[B]));
    running.published(1, 1).await;
    running.view("the real provider", |view| view.is_complete() && real(view, A) == 1).await;
    let status = running.registry.status();
    assert_eq!((status.server_version.as_deref(), &status.problems), (Some(version), &vec![]));

    create(&client, &provider_node(A, 20881), "", CreateMode::Ephemeral).await;
    let appeared = Instant::now();
    running.view("another one", |view| real(view, A) == 2).await;
    println!("{version}: a provider is seen {:?} after it registered", appeared.elapsed());

    let before = tree(&client, "/").await;
    cable.cut();
    running.view("the word", |view| !view.is_connected()).await;
    cable.mend();
    let mended = Instant::now();
    running.view("connected again", View::is_connected).await;
    println!("{version}: connected {:?} after the cable was mended", mended.elapsed());
    running.published(1, 1).await;
    assert_eq!(tree(&client, "/").await, before, "the session is the same, and so is every node");

    server.kill().await;
    running.view("the word", |view| !view.is_connected()).await;
    server.resume().await;
    let back = Instant::now();
    let view = running.view("back", View::is_connected).await;
    println!("{version}: connected {:?} after the server was back", back.elapsed());
    assert_eq!(real(&view, A), 2);
    running.published(1, 1).await;
    running.registry.leave().await.unwrap();
    assert_eq!(ours(&tree(&server.client().await, "/").await), Vec::<&str>::new());
}

#[tokio::test]
async fn zookeeper_3_4_carries_the_line() {
    line_holds_on("3.4.14").await;
}

#[tokio::test]
async fn zookeeper_3_5_carries_the_line() {
    line_holds_on("3.5.10").await;
}

#[tokio::test]
async fn zookeeper_3_8_carries_the_line() {
    line_holds_on("3.8.4").await;
}

#[tokio::test]
async fn zookeeper_3_9_carries_the_line() {
    line_holds_on("3.9.5").await;
}
