//! The registry against a real ZooKeeper server: what it reads, what it writes, and what it does when things break.

mod lab;

use std::collections::BTreeMap;

use lab::{
    Cable, Running, Server, create, delete_all, desired, encoded, eventually, instance_text, metadata_text,
    provider_node, tree,
};
use zk_bridge::{Level, RegistryConfig, ServiceKey, View};
use zookeeper_client::{Acls, Client, CreateMode, Error};

const A: &str = "com.acme.A";
const B: &str = "com.acme.B";

fn key(interface: &str) -> ServiceKey {
    ServiceKey::new(interface, None, None)
}

/// The nodes that gateways of ours made.
fn ours(tree: &BTreeMap<String, (String, i64)>) -> Vec<&str> {
    tree.keys().map(String::as_str).filter(|path| path.contains("highway")).collect()
}

fn real(view: &View, interface: &str) -> usize {
    view.providers_of(&key(interface)).iter().filter(|provider| !provider.is_virtual()).count()
}

#[tokio::test]
async fn providers_and_consumers_are_seen_at_both_levels_as_they_come_and_go() {
    let Some(server) = Server::start().await else { return };
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "10.0.0.1", CreateMode::Ephemeral).await;
    create(&client, "/dubbo/metadata/shop/r1", &metadata_text("shop", "r1", A, 20880), CreateMode::Persistent).await;
    let instance = instance_text("shop", ("10.0.0.1", 20880), "r1", "remote");
    create(&client, "/services/shop/10.0.0.1:20880", &instance, CreateMode::Ephemeral).await;
    let consumer =
        format!("/dubbo/{A}/consumers/{}", encoded(&format!("consumer://10.0.0.5/{A}?application=web&timeout=700")));
    create(&client, &consumer, "", CreateMode::Ephemeral).await;

    let running = Running::at(&server.address());
    let view = running.view("both levels as one", |view| view.is_complete()).await;
    let [provider] = view.providers_of(&key(A)) else { panic!("{view:#?}") };
    assert_eq!((provider.level, provider.release()), (Level::Both, Some("3.3.6")));
    assert_eq!((view.consumers().len(), view.consumers()[0].application.as_deref()), (1, Some("web")));

    create(&client, &provider_node(A, 20881), "", CreateMode::Ephemeral).await;
    create(
        &client,
        &provider_node("com.acme.Outer$Inner", 20880).replace("Outer$", "Outer%24"),
        "",
        CreateMode::Ephemeral,
    )
    .await;
    running
        .view("a second one, and an inner class", |view| real(view, A) == 2 && real(view, "com.acme.Outer$Inner") == 1)
        .await;
    client.delete(&provider_node(A, 20880), None).await.unwrap();
    let view = running
        .view("only the instance is left of it", |view| {
            view.providers_of(&key(A)).iter().any(|provider| provider.level == Level::Instance)
        })
        .await;
    assert_eq!(real(&view, A), 2);
    client.delete("/services/shop/10.0.0.1:20880", None).await.unwrap();
    client.delete(&consumer, None).await.unwrap();
    running.view("one provider, no consumer", |view| real(view, A) == 1 && view.consumers().is_empty()).await;
}

#[tokio::test]
async fn an_instance_with_a_new_revision_keeps_its_services_until_the_new_ones_are_known() {
    let Some(server) = Server::start().await else { return };
    let client = server.client().await;
    create(&client, "/dubbo/metadata/shop/r1", &metadata_text("shop", "r1", A, 20880), CreateMode::Persistent).await;
    let text = |revision| instance_text("shop", ("10.0.0.1", 20880), revision, "remote");
    create(&client, "/services/shop/10.0.0.1:20880", &text("r1"), CreateMode::Ephemeral).await;
    let running = Running::at(&server.address());
    running.view("the first revision", |view| view.is_complete() && real(view, A) == 1).await;

    client.set_data("/services/shop/10.0.0.1:20880", text("r2").as_bytes(), None).await.unwrap();
    let view = running.view("the second is not there", |view| !view.is_complete()).await;
    assert_eq!(real(&view, A), 1, "what was known stays");
    assert!(running.registry.status().problems.iter().any(|it| it.contains("shop exports under revision r2")));
    create(&client, "/dubbo/metadata/shop/r2", &metadata_text("shop", "r2", B, 20880), CreateMode::Persistent).await;
    running.view("the second as soon as it is there", |view| real(view, B) == 1 && real(view, A) == 0).await;
}

#[tokio::test]
async fn virtual_providers_stand_at_both_levels_and_nobody_else_is_touched() {
    let Some(server) = Server::start().await else { return };
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
    after.retain(|path, _| before.contains_key(path) || !matches!(path.rsplit('/').next(), Some("providers" | "metadata" | A | B)));
    assert_eq!(after, before);
}

#[tokio::test]
async fn every_node_that_somebody_deletes_comes_back() {
    let Some(server) = Server::start().await else { return };
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
    let Some(server) = Server::start().await else { return };
    let client = server.client().await;
    let running = Running::at(&server.address());
    running.registry.publish(desired("gw-1", 1, 20990, &[A, B]));
    running.published(2, 2).await;
    let count = ours(&tree(&client, "/").await).len();
    for folder in ["/dubbo", "/services"] {
        delete_all(&client, folder).await;
    }
    eventually("everything is back", || async { ours(&tree(&client, "/").await).len() == count }).await;
}

#[tokio::test]
async fn a_cut_cable_changes_nothing_but_the_word_connected() {
    let Some(server) = Server::start().await else { return };
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
    let Some(server) = Server::start().await else { return };
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
    let Some(mut server) = Server::start().await else { return };
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
    let Some(mut server) = Server::start().await else { return };
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

#[tokio::test]
async fn a_chroot_is_respected_and_a_missing_one_is_told() {
    let Some(server) = Server::start().await else { return };
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
    let Some(server) = Server::start().await else { return };
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
    let Some(server) = Server::start().await else { return };
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
async fn two_gateways_share_what_is_shared_and_one_leaves_the_other_alone() {
    let Some(server) = Server::start().await else { return };
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
    let Some(server) = Server::start().await else { return };
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
    again.published(1, 1).await;
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
    let Some(server) = Server::start().await else { return };
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
    let nodes = tree(&client, "/").await;
    assert_eq!(nodes.keys().filter(|path| path.contains("/providers/")).count(), 1);
    drop(younger);
    older.published(1, 1).await;
}

#[tokio::test]
async fn a_mapping_that_many_write_at_once_loses_nobody() {
    let Some(server) = Server::start().await else { return };
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
    let (data, _) = setup.get_data(&path).await.unwrap();
    let text = String::from_utf8(data).unwrap();
    let names: std::collections::BTreeSet<&str> = text.split(',').collect();
    assert_eq!(names.len(), 65, "{text}");
}

#[tokio::test]
async fn a_local_provider_at_interface_level_only_keeps_the_gateway_off_the_instance_level() {
    let Some(server) = Server::start().await else { return };
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
}

#[tokio::test]
async fn hundreds_of_services_are_written_and_taken_back() {
    let Some(server) = Server::start().await else { return };
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
