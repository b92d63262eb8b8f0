//! Where a registry can be: under a chroot, under another root, behind a password.

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

/// A tree that only `dubbo:secret` may read or write.
async fn guarded(server: &Server) -> Client {
    let client = Client::connector()
        .with_server_version(3, 4, 0)
        .with_auth("digest", b"dubbo:secret")
        .connect(&server.address())
        .await
        .unwrap();
    for folder in ["/dubbo", "/services"] {
        client.create(folder, b"", &CreateMode::Persistent.with_acls(Acls::creator_all())).await.unwrap();
    }
    client
}

#[tokio::test]
async fn a_guarded_tree_opens_for_the_right_password() {
    let server = Server::start().await;
    let client = guarded(&server).await;
    let password = server.folder().join("password");
    std::fs::write(&password, "secret\n").unwrap();
    std::fs::set_permissions(&password, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let config = RegistryConfig {
        username: Some("dubbo".into()),
        password_file: Some(password.clone()),
        ..RegistryConfig::at(server.address())
    };
    let running = Running::of(&config);
    running.registry.publish(desired("gw-1", 1, 20990, &[A]));
    running.published(1, 1).await;
    let nodes = tree(&client, "/").await;
    let stranger = server.client().await;
    let denied = nodes.keys().filter(|path| path.contains("highway"));
    for path in denied {
        assert_eq!(stranger.get_data(path).await.unwrap_err(), Error::NoAuth, "{path} is ours alone");
    }

    std::fs::write(&password, "wrong\n").unwrap();
    let mistaken = Running::of(&config);
    mistaken.registry.publish(desired("gw-2", 1, 20990, &[A]));
    eventually("the refusal is told, without the password", || async {
        let problems = mistaken.registry.status().problems.join("\n");
        assert!(!problems.contains("wrong"));
        problems.contains("may not read /dubbo")
    })
    .await;
    assert!(!mistaken.registry.view().borrow().is_complete(), "what may not be read is not taken for empty");
}

#[tokio::test]
async fn one_closed_folder_is_told_and_keeps_nobody_waiting() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;
    create(&client, &provider_node(B, 20880), "", CreateMode::Ephemeral).await;
    let closed = [Acl::new(Permission::ALL, AuthId::new("digest", "somebody:else"))];
    client.set_acl(&format!("/dubbo/{B}/providers"), &closed, None).await.unwrap();
    let running = Running::at(&server.address());
    let view = running.view("all that may be read", |view| view.is_complete()).await;
    assert_eq!((real(&view, A), real(&view, B)), (1, 0));
    let problems = running.registry.status().problems;
    assert!(problems.iter().any(|it| it.contains(&format!("may not read /dubbo/{B}/providers"))), "{problems:?}");
}
