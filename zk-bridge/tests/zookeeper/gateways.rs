//! Several gateways, and several lives of one.

use super::*;

#[tokio::test]
async fn two_gateways_share_what_is_shared_and_one_leaves_the_other_alone() {
    let server = Server::start().await;
    let client = server.client().await;
    let first = Running::at(&server.address());
    let second = Running::at(&server.address());
    first.registry.publish(desired("gw-1", 1, 20990, &[A, B]));
    second.registry.publish(desired("gw-2", 2, 20980, &[A]));
    first.published(2, 2).await;
    second.published(1, 1).await;
    let both = tree(&client, "/").await;
    assert!(
        both.contains_key("/services/highway-b-1/10.0.0.9:20990")
            && both.contains_key("/services/highway-b-1/10.0.0.9:20980")
    );

    first.view("both are known", |view| view.is_complete() && view.providers_of(&key(A)).len() == 2).await;
    first.registry.leave().await.unwrap();
    let left = tree(&client, "/").await;
    assert!(ours(&left).iter().all(|path| !path.contains("20990") && !path.contains("gw-1")), "{:#?}", ours(&left));
    assert_eq!(left[&format!("/dubbo/mapping/{A}")].0, "highway-b-1", "the other one still needs it");
    assert!(!left.contains_key(&format!("/dubbo/mapping/{B}")));
    second.published(1, 1).await;
}

#[tokio::test]
async fn what_a_killed_gateway_left_behind_is_replaced_by_its_next_start() {
    let server = Server::start().await;
    let client = server.client().await;
    let cable = Cable::to(server.address()).await;
    let config = RegistryConfig { session_timeout: Some("60s".into()), ..RegistryConfig::at(cable.address()) };
    let killed = Running::of(&config);
    killed.registry.publish(desired("gw-1", 1_000, 20990, &[A, B]));
    killed.published(2, 2).await;
    let before = tree(&client, "/").await;
    cable.cut();
    killed.kill().await;

    let instance = "/services/highway-b-1/10.0.0.9:20990";
    let again = Running::at(&server.address());
    // A is no longer imported.
    again.registry.publish(desired("gw-1", 2_000, 20990, &[B]));
    eventually("the old instance goes away first", || async { client.check_stat(instance).await.unwrap().is_none() })
        .await;
    let gone = std::time::Instant::now();
    again.published(1, 1).await;
    assert!(gone.elapsed().as_millis() > 700, "consumers need time to see that it is gone: {:?}", gone.elapsed());
    let after = tree(&client, "/").await;
    let old = before[instance].1;
    assert!(after.values().all(|(_, owner)| *owner != old), "nothing lives with the old session");
    assert_ne!(after[instance].0, before[instance].0, "a new start has a new revision");
    let nodes: Vec<&String> = after.keys().filter(|path| path.contains("/providers/")).collect();
    assert_eq!(nodes.len(), 1);
    assert!(nodes[0].contains("epoch%3D2000") && nodes[0].contains(B), "{nodes:?}");
}

#[tokio::test]
async fn an_older_process_with_the_same_id_gives_way_and_says_why() {
    let server = Server::start().await;
    let older = Running::at(&server.address());
    older.registry.publish(desired("gw-1", 1_000, 20990, &[A]));
    older.published(1, 1).await;
    let younger = Running::at(&server.address());
    younger.registry.publish(desired("gw-1", 2_000, 20991, &[A]));
    younger.published(1, 1).await;
    eventually("the older one tells", || async {
        older.registry.status().problems.iter().any(|it| it.contains("another process publishes as gateway \"gw-1\""))
    })
    .await;
    let client = server.client().await;
    // It may tell so over the first of the younger one's nodes, before all of its own have gone.
    eventually("its node is gone", || async {
        tree(&client, "/").await.keys().filter(|path| path.contains("/providers/")).count() == 1
    })
    .await;
    drop(younger);
    older.published(1, 1).await;
}
