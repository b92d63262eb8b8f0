//! Cables that are cut, servers that stop, hang, start again or lose everything.

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
