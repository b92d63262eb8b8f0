//! What is written, and that it is all that is written.

use super::*;

#[tokio::test]
async fn virtual_providers_stand_at_both_levels_and_nobody_else_is_touched() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &provider_node("com.acme.Other", 20880), "10.0.0.1", CreateMode::Ephemeral).await;
    create(&client, &format!("/dubbo/mapping/{A}"), "shop", CreateMode::Persistent).await;
    create(&client, "/dubbo/config/dubbo/dubbo.properties", "a=b", CreateMode::Persistent).await;
    create(&client, "/services/spring/1", "{}", CreateMode::Ephemeral).await;
    let before = tree(&client, "/").await;

    let running = Running::at(&server.address());
    running.registry.publish(desired("gw-1", 1, 20990, &[A, B]));
    running.published(2, 2).await;
    let during = tree(&client, "/").await;
    assert_eq!(ours(&during).len(), 8, "{:#?}", ours(&during));
    assert_eq!(during[&format!("/dubbo/mapping/{A}")].0, "highway-b-1,shop");
    assert_eq!(during[&format!("/dubbo/mapping/{B}")].0, "highway-b-1");
    let session = running.registry.status().session.unwrap();
    for (path, (_, owner)) in during.iter().filter(|(path, (_, owner))| path.contains("highway") && *owner != 0) {
        assert_eq!(format!("{owner:#x}"), session, "{path}");
    }

    running.registry.withdraw().await.unwrap();
    let drained = tree(&client, "/").await;
    assert!(ours(&drained).iter().all(|path| drained[*path].1 == 0), "only what is persistent: {:#?}", ours(&drained));
    assert!(drained.keys().any(|path| path.starts_with("/dubbo/metadata/highway-b-1/")));

    running.registry.publish(desired("gw-1", 1, 20990, &[A, B]));
    running.published(2, 2).await;
    running.registry.leave().await.unwrap();
    let mut after = tree(&client, "/").await;
    // Folders of interfaces belong to everybody and stay.
    after.retain(|path, _| {
        before.contains_key(path) || !matches!(path.rsplit('/').next(), Some("providers" | "metadata" | A | B))
    });
    assert_eq!(after, before);
}

#[tokio::test]
async fn every_node_that_somebody_deletes_comes_back() {
    let server = Server::start().await;
    let client = server.client().await;
    let running = Running::at(&server.address());
    running.registry.publish(desired("gw-1", 1, 20990, &[A, B]));
    running.published(2, 2).await;
    let whole = tree(&client, "/").await;
    let leaves: Vec<&String> = whole
        .keys()
        .filter(|path| path.contains("highway") || path.starts_with("/dubbo/mapping/"))
        .filter(|path| !whole.keys().any(|other| other.starts_with(&format!("{path}/"))))
        .collect();
    assert_eq!(leaves.len(), 7, "{leaves:#?}");
    for path in leaves {
        client.delete(path, None).await.unwrap();
        eventually(&format!("{path} is back"), || async { client.check_stat(path).await.unwrap().is_some() }).await;
    }
    running.published(2, 2).await;
    let names = |tree: BTreeMap<String, (String, i64)>| {
        tree.into_iter().map(|(path, (data, _))| (path, data)).collect::<Vec<_>>()
    };
    assert_eq!(names(tree(&client, "/").await), names(whole));
}

#[tokio::test]
async fn an_emptied_tree_is_filled_again() {
    let server = Server::start().await;
    let client = server.client().await;
    let theirs = provider_node("com.acme.Other", 20880);
    create(&client, &theirs, "", CreateMode::Ephemeral).await;
    let running = Running::at(&server.address());
    running.registry.publish(desired("gw-1", 1, 20990, &[A, B]));
    running.published(2, 2).await;
    running.view("complete", |view| view.is_complete() && real(view, "com.acme.Other") == 1).await;
    let before: Vec<String> = tree(&client, "/").await.into_keys().collect();
    for folder in ["/dubbo", "/services"] {
        delete_all(&client, folder).await;
    }
    // Whoever deletes on a live connection says so: there is nothing to hold on to.
    running.view("a provider that was deleted is gone", |view| real(view, "com.acme.Other") == 0).await;
    let others = |path: &String| !path.contains("com.acme.Other");
    let expected: Vec<String> = before.into_iter().filter(others).collect();
    eventually("ours is back and nothing of others is made up", || async {
        let mut after: Vec<String> = tree(&client, "/").await.into_keys().collect();
        // The folder of consumers is made by consumers.
        after.retain(|path| !path.ends_with("/consumers"));
        after == expected
    })
    .await;
    running.published(2, 2).await;
}

#[tokio::test]
async fn a_mapping_that_many_write_at_once_loses_nobody() {
    let server = Server::start().await;
    let path = format!("/dubbo/mapping/{A}");
    let setup = server.client().await;
    create(&setup, &path, "first", CreateMode::Persistent).await;
    let rival = {
        let (client, path) = (server.client().await, path.clone());
        tokio::spawn(async move {
            for number in 0..60 {
                loop {
                    let (data, stat) = client.get_data(&path).await.unwrap();
                    let text = format!("{},app{number}", String::from_utf8(data).unwrap());
                    match client.set_data(&path, text.as_bytes(), Some(stat.version)).await {
                        Ok(_) => break,
                        Err(Error::BadVersion) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        })
    };
    let running: Vec<Running> = (0..4).map(|_| Running::at(&server.address())).collect();
    for (number, gateway) in running.iter().enumerate() {
        let mut wish = desired(&format!("gw-{number}"), 1, 20990 + number as u16, &[A]);
        wish.providers[0].island = format!("island-{number}");
        gateway.registry.publish(wish);
    }
    rival.await.unwrap();
    for gateway in &running {
        gateway.published(1, 1).await;
    }
    eventually("all 65 are named", || async {
        let (data, _) = setup.get_data(&path).await.unwrap();
        let text = String::from_utf8(data).unwrap();
        let names: std::collections::BTreeSet<&str> = text.split(',').collect();
        assert!(names.iter().filter(|name| name.starts_with("app")).count() == 60 && names.contains("first"), "{text}");
        names.len() == 65
    })
    .await;
}

#[tokio::test]
async fn a_local_provider_at_interface_level_only_keeps_the_gateway_off_the_instance_level() {
    let server = Server::start().await;
    let client = server.client().await;
    let running = Running::at(&server.address());
    running.registry.publish(desired("gw-1", 1, 20990, &[A, B]));
    running.published(2, 2).await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;
    running.published(2, 1).await;
    create(&client, "/dubbo/metadata/shop/r1", &metadata_text("shop", "r1", A, 20880), CreateMode::Persistent).await;
    let instance = instance_text("shop", ("10.0.0.1", 20880), "r1", "remote");
    create(&client, "/services/shop/10.0.0.1:20880", &instance, CreateMode::Ephemeral).await;
    running.published(2, 2).await;

    let triple = provider_node(B, 50051).replace("providers/dubbo", "providers/tri");
    create(&client, &triple, "", CreateMode::Ephemeral).await;
    running.published(2, 1).await;
    let view =
        running.view("a local provider that nobody here can call", |view| view.has_local_provider(&key(B))).await;
    assert_eq!(real(&view, B), 0);
}

#[tokio::test]
async fn hundreds_of_services_are_written_and_taken_back() {
    let server = Server::start().await;
    let client = server.client().await;
    let names: Vec<String> = (0..700).map(|number| format!("com.acme.Service{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let running = Running::at(&server.address());
    running.registry.publish(desired("gw-1", 1, 20990, &names));
    running.published(700, 700).await;
    let instances = client.list_children("/services").await.unwrap();
    assert!(instances.len() >= 2, "{instances:?}");
    running.registry.withdraw().await.unwrap();
    assert!(tree(&client, "/services").await.values().all(|(_, owner)| *owner == 0));
}
