//! Where a registry can be: under a chroot, under another root.

use super::*;

#[tokio::test]
async fn a_chroot_is_respected_and_a_missing_one_is_told() {
    let server = Server::start().await;
    let client = server.client().await;
    let running = Running::at(&format!("{}/tenants/red", server.address()));
    running.registry.publish(desired("gw-1", 1, 20990, &[A]));
    eventually("the missing chroot is told", || async {
        running.registry.status().problems.iter().any(|it| it.contains("chroot"))
    })
    .await;
    client.mkdir("/tenants/red", &CreateMode::Persistent.with_acls(Acls::anyone_all())).await.unwrap();
    running.published(1, 1).await;
    let tree = tree(&client, "/").await;
    assert!(
        !ours(&tree).is_empty() && ours(&tree).iter().all(|path| path.starts_with("/tenants/red/")),
        "{:#?}",
        ours(&tree)
    );
    eventually("nothing is wrong any more", || async { running.registry.status().problems.is_empty() }).await;
}

#[tokio::test]
async fn another_root_has_interfaces_and_instances_side_by_side() {
    let server = Server::start().await;
    let client = server.client().await;
    let instance = instance_text("shop", ("10.0.0.1", 20880), "r1", "remote");
    create(&client, "/prod/shop/10.0.0.1:20880", &instance, CreateMode::Ephemeral).await;
    create(&client, "/prod/metadata/shop/r1", &metadata_text("shop", "r1", A, 20880), CreateMode::Persistent).await;
    let running = Running::of(&RegistryConfig { root: Some("prod".into()), ..RegistryConfig::at(server.address()) });
    running.registry.publish(desired("gw-1", 1, 20990, &[B]));
    running.published(1, 1).await;
    running.view("the instance", |view| real(view, A) == 1).await;
    let tree = tree(&client, "/").await;
    assert!(ours(&tree).iter().all(|path| path.starts_with("/prod/")), "{:#?}", ours(&tree));
    assert!(!tree.keys().any(|path| path.starts_with("/services")));
}
