//! What a process registers of itself, without a mark: its references and what it serves.

use std::collections::BTreeSet;

use tokio::sync::watch;
use zk_bridge::{Consumer, Desired, Parameters, Provider};

use super::*;

const SHOP: &str = "/services/shop/10.0.0.7:20880";

fn parameters(pairs: &[(&str, &str)]) -> Parameters {
    Parameters(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

fn reference(interface: &str) -> Consumer {
    Consumer {
        application: Some("web".into()),
        host: "10.0.0.9".into(),
        interface: interface.into(),
        group: None,
        version: None,
        parameters: parameters(&[("timeout", "900"), ("highway.b", "ALL")]),
    }
}

fn served(interface: &str) -> Provider {
    Provider {
        key: key(interface),
        host: "10.0.0.7".into(),
        port: 20880,
        path: String::new(),
        level: Level::Both,
        application: Some("shop".into()),
        parameters: parameters(&[("methods", "hello")]),
        highway: None,
    }
}

/// A registry that reads next to nothing.
fn narrow(address: &str) -> (watch::Sender<BTreeSet<String>>, Running) {
    let (scope, wanted) = watch::channel(BTreeSet::new());
    (scope, Running::only(address, wanted))
}

/// Nodes that live as long as a session, of this epoch.
fn ours_since(tree: &BTreeMap<String, (String, i64)>, epoch: u64) -> Vec<&String> {
    let stamp = epoch.to_string();
    let ephemeral = tree.iter().filter(|(_, (_, owner))| *owner != 0);
    ephemeral.filter(|(path, (data, _))| path.contains(&stamp) || data.contains(&stamp)).map(|(path, _)| path).collect()
}

async fn a_process_stands_and_is_healed_on(version: &str) {
    let mut server = Server::of(version).await;
    let client = server.client().await;
    let theirs = format!("/dubbo/{A}/consumers/{}", encoded(&format!("consumer://10.0.0.5/{A}?application=web")));
    create(&client, &theirs, "", CreateMode::Ephemeral).await;
    create(&client, &format!("/dubbo/mapping/{B}"), "market", CreateMode::Persistent).await;
    let (_scope, running) = narrow(&server.address());
    let whole = Running::at(&server.address());
    let epoch = 1_795_000_000_000;
    let wish = Desired { epoch, plain: vec![served(B)], consumers: vec![reference(A)], ..Desired::default() };
    running.registry.publish(wish.clone());
    running.registry.settled().await.unwrap();
    running.published(2, 1).await;
    let during = tree(&client, "/").await;
    let nodes = ours_since(&during, epoch);
    assert_eq!(nodes.len(), 3, "{nodes:#?}");
    let session = running.registry.status().session.unwrap();
    assert!(nodes.iter().all(|path| format!("{:#x}", during[*path].1) == session));
    assert_eq!(during[&format!("/dubbo/mapping/{B}")].0, "market,shop");
    assert!(during.keys().all(|path| !path.contains("highway-")), "no mark, no application of gateways");

    let view = whole.view("what others see of it", |view| view.consumers().len() == 2 && real(view, B) == 1).await;
    let consumer = view.consumers().iter().find(|it| it.host == "10.0.0.9").unwrap();
    assert_eq!((consumer.application.as_deref(), consumer.parameters.get("highway.b")), (Some("web"), Some("ALL")));
    assert_eq!(consumer.parameters.timeout(None), Some(std::time::Duration::from_millis(900)));
    let [provider] = view.providers_of(&key(B)) else { panic!("{view:#?}") };
    assert_eq!((provider.level, provider.is_virtual(), provider.port), (Level::Both, false, 20880));
    assert_eq!((provider.application.as_deref(), provider.parameters.methods()), (Some("shop"), vec!["hello"]));

    for path in nodes {
        client.delete(path, None).await.unwrap();
        eventually(&format!("{path} is back"), || async { client.check_stat(path).await.unwrap().is_some() }).await;
    }
    server.kill().await;
    server.lose_everything();
    server.resume().await;
    let client = server.client().await;
    running.published(2, 1).await;
    eventually("all is written to the new tree", || async { ours_since(&tree(&client, "/").await, epoch).len() == 3 })
        .await;

    create(&client, &theirs, "", CreateMode::Ephemeral).await;
    running.registry.publish(Desired { consumers: Vec::new(), ..wish });
    running.registry.settled().await.unwrap();
    let left = tree(&client, "/").await;
    assert_eq!((ours_since(&left, epoch).len(), left.contains_key(&theirs)), (2, true));
    running.registry.withdraw().await.unwrap();
    let after = tree(&client, "/").await;
    assert_eq!(ours_since(&after, epoch), Vec::<&String>::new());
    assert!(after.contains_key(&theirs), "what is not ours stays");
    // Other processes of the application may need it, and Java leaves it as well.
    assert_eq!(after[&format!("/dubbo/mapping/{B}")].0, "shop");
    assert!(after.keys().any(|path| path.starts_with("/dubbo/metadata/shop/")));
    assert_eq!(running.registry.status().problems, Vec::<String>::new());
}

#[tokio::test]
async fn references_and_providers_of_a_process_stand_and_are_healed_on_zookeeper_3_4() {
    a_process_stands_and_is_healed_on("3.4.14").await;
}

#[tokio::test]
async fn references_and_providers_of_a_process_stand_and_are_healed_on_zookeeper_3_8() {
    a_process_stands_and_is_healed_on("3.8.4").await;
}

#[tokio::test]
async fn two_processes_of_an_application_share_their_metadata_and_one_leaves_the_other_alone() {
    let server = Server::start().await;
    let client = server.client().await;
    let running = [narrow(&server.address()), narrow(&server.address())];
    for (number, (_, process)) in running.iter().enumerate() {
        let plain = Provider { host: format!("10.0.0.{number}"), ..served(A) };
        process.registry.publish(Desired { epoch: 1, plain: vec![plain], ..Desired::default() });
        process.registry.settled().await.unwrap();
    }
    let both = tree(&client, "/").await;
    assert_eq!(both.keys().filter(|path| path.starts_with("/dubbo/metadata/shop/")).count(), 1);
    let [(_, first), (_, second)] = &running;
    // Neither the one nor, after the last, the other takes away what belongs to the application.
    first.registry.leave().await.unwrap();
    second.published(1, 1).await;
    let left = tree(&client, "/").await;
    assert!(left.contains_key("/services/shop/10.0.0.1:20880") && !left.contains_key("/services/shop/10.0.0.0:20880"));
    assert_eq!(left[&format!("/dubbo/mapping/{A}")].0, "shop");
    assert_eq!(left.keys().filter(|path| path.starts_with("/dubbo/metadata/shop/")).count(), 1);
}

#[tokio::test]
async fn the_instance_of_the_process_before_is_replaced_and_that_of_a_later_one_is_left() {
    let server = Server::start().await;
    let client = server.client().await;
    // Of a process that was killed, and whose session has not ended.
    let before = instance_text("shop", ("10.0.0.7", 20880), "r1", "remote");
    create(&client, SHOP, &before, CreateMode::Ephemeral).await;
    let old = tree(&client, SHOP.rsplit_once('/').unwrap().0).await[SHOP].1;
    let (_scope, running) = narrow(&server.address());
    let wish = |epoch| Desired { epoch, plain: vec![served(A)], ..Desired::default() };
    running.registry.publish(wish(1_000));
    eventually("it goes first, for consumers to see", || async { client.check_stat(SHOP).await.unwrap().is_none() })
        .await;
    running.registry.settled().await.unwrap();
    assert_ne!(tree(&client, "/services").await[SHOP].1, old, "settled is settled, at instance level too");

    let (_scope, younger) = narrow(&server.address());
    younger.registry.publish(wish(2_000));
    eventually("the older one tells", || async {
        running.registry.status().problems.iter().any(|it| it.contains("started later (at 2000, we at 1000)"))
    })
    .await;
    younger.published(1, 1).await;
    running.registry.withdraw().await.unwrap();
    let left = tree(&client, "/").await;
    assert!(left[SHOP].0.contains("2000") && ours_since(&left, 1_000).is_empty(), "{left:#?}");
}

#[tokio::test]
async fn a_narrow_registry_publishes_no_virtual_providers_and_says_so() {
    let server = Server::start().await;
    let (_scope, running) = narrow(&server.address());
    running.registry.publish(Desired { plain: vec![served(A)], ..desired("gw-1", 1, 20990, &[B]) });
    running.published(1, 1).await;
    assert!(running.registry.status().problems.iter().any(|it| it.contains("1 virtual providers are not published")));
    assert_eq!(ours(&tree(&server.client().await, "/").await), Vec::<&str>::new());
}
