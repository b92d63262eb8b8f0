//! A registry of which only some interfaces are read, among many that are not.

use std::collections::BTreeSet;
use std::time::Instant;

use tokio::sync::watch;

use super::*;

const OTHERS: usize = 150;

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// An application with one instance that exports an interface at instance level alone.
async fn application(client: &Client, name: &str, interface: &str, port: u16) {
    instance(client, name, port).await;
    // Whatever port each instance has.
    let metadata = metadata_text(name, "r1", interface, 0);
    create(client, &format!("/dubbo/metadata/{name}/r1"), &metadata, CreateMode::Persistent).await;
    create(client, &format!("/dubbo/mapping/{interface}"), name, CreateMode::Persistent).await;
}

async fn instance(client: &Client, application: &str, port: u16) {
    let text = instance_text(application, ("10.0.0.1", port), "r1", "remote");
    create(client, &format!("/services/{application}/10.0.0.1:{port}"), &text, CreateMode::Ephemeral).await;
}

async fn others(client: &Client, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let interface = format!("com.acme.Other{number}");
        create(client, &provider_node(&interface, 20880), "", CreateMode::Ephemeral).await;
        application(client, &format!("other-{number}"), &interface, 20881).await;
    }
}

async fn reads_its_own_alone(version: &str) {
    let server = Server::of(version).await;
    let client = server.client().await;
    others(&client, 0..OTHERS).await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;
    let consumer = format!("/dubbo/{A}/consumers/{}", encoded(&format!("consumer://10.0.0.5/{A}?application=web")));
    create(&client, &consumer, "", CreateMode::Ephemeral).await;
    application(&client, "shop", B, 20882).await;

    let before = server.received().await;
    let (scope, wanted) = watch::channel(names(&[A]));
    let running = Running::only(&server.address(), wanted);
    let view = running.view("what is wanted", View::is_complete).await;
    assert_eq!((real(&view, A), view.providers().len(), view.consumers().len()), (1, 1, 0));
    assert!(view.is_read(A) && !view.is_read(B));
    let asked = server.received().await - before;
    println!("{version}: {asked} requests for one interface of {}", OTHERS + 2);
    assert!(asked < 60, "{asked}");

    let grown = Instant::now();
    scope.send_modify(|names| names.extend([B.to_owned()]));
    let view = running.view("what is wanted too, at instance level alone", |view| view.is_read(B)).await;
    println!("{version}: one more interface is read after {:?}", grown.elapsed());
    let [found] = view.providers_of(&key(B)) else { panic!("{view:#?}") };
    assert_eq!((found.level, found.port, view.is_complete()), (Level::Instance, 20882, true));

    create(&client, &provider_node(B, 20883), "", CreateMode::Ephemeral).await;
    instance(&client, "shop", 20884).await;
    running.view("who joins at either level", |view| real(view, B) == 3 && real(view, A) == 1).await;
    application(&client, "market", A, 20885).await;
    running.view("the first application of an interface", |view| real(view, A) == 2).await;
    client.delete(&provider_node(A, 20880), None).await.unwrap();
    client.delete("/services/market/10.0.0.1:20885", None).await.unwrap();
    let view = running.view("who leaves", |view| real(view, A) == 0).await;
    assert!(view.is_read(A), "nobody is there, and that is known");

    scope.send_replace(names(&[A]));
    running.view("what is wanted no more", |view| !view.is_read(B) && view.providers().is_empty()).await;
    assert_eq!(running.registry.status().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_narrow_registry_reads_its_own_services_alone_on_zookeeper_3_4() {
    reads_its_own_alone("3.4.14").await;
}

#[tokio::test]
async fn a_narrow_registry_reads_its_own_services_alone_on_zookeeper_3_8() {
    reads_its_own_alone("3.8.4").await;
}

#[tokio::test]
async fn what_happens_to_other_services_is_not_even_told_to_a_narrow_registry() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;
    application(&client, "shop", A, 20881).await;
    // Folders and first nodes, so that from here on nothing comes but nodes.
    others(&client, 0..1).await;
    let (_scope, wanted) = watch::channel(names(&[A]));
    let running = Running::only(&server.address(), wanted);
    running.view("what is wanted", |view| view.is_complete() && real(view, A) == 2).await;
    let sent_for = async |nodes: Vec<String>| {
        let before = server.sent().await;
        for node in &nodes {
            client.create(node, b"{}", &CreateMode::Ephemeral.with_acls(Acls::anyone_all())).await.unwrap();
        }
        server.sent().await - before
    };
    let interface = |port: u16| provider_node("com.acme.Other0", port);
    let theirs = (0..100).flat_map(|port| [interface(30000 + port), format!("/services/other-0/10.0.0.2:{port}")]);
    let sent = sent_for(theirs.collect()).await;
    assert!(sent < 250, "{sent} packets for 200 nodes");
    let generation = running.registry.view().borrow().generation();

    // The same of its own services does reach it.
    let ours = (0..100).map(|port| format!("/services/shop/10.0.0.2:{port}"));
    let sent = sent_for(ours.collect()).await;
    assert!(sent > 150, "{sent} packets for 100 nodes");
    assert_eq!(running.registry.view().borrow().generation(), generation, "none of them is Dubbo's");
}

#[tokio::test]
async fn a_narrow_registry_finds_the_gateways_of_the_island_without_what_they_offer() {
    let mut server = Server::start().await;
    let client = server.client().await;
    let gateway = Running::at(&server.address());
    let mut wish = desired("gw-1", 1, 20990, &[B]);
    wish.providers[0].island = zk_bridge::ANY_ISLAND.into();
    let tagged = desired("gw-1", 1, 20991, &[B]).providers.remove(0);
    wish.providers.push(zk_bridge::VirtualProvider { tag: Some("b".into()), ..tagged });
    gateway.registry.publish(wish.clone());
    gateway.published(2, 2).await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;

    let (scope, wanted) = watch::channel(names(&[A]));
    let running = Running::only(&server.address(), wanted);
    let addresses = |view: &View| {
        let all = view.gateways().iter();
        all.map(|it| (it.id.clone(), it.host.clone(), it.port, it.island.clone(), it.tag.clone())).collect::<Vec<_>>()
    };
    let at = |port, island: Option<&str>| {
        ("gw-1".to_owned(), "10.0.0.9".to_owned(), port, island.map(str::to_owned), island.map(str::to_owned))
    };
    let view = running.view("all that is wanted", View::is_complete).await;
    assert_eq!(addresses(&view), [at(20990, None), at(20991, Some("b"))]);
    assert_eq!(view.providers().iter().filter(|it| it.is_virtual()).count(), 0);

    scope.send_modify(|names| names.extend([B.to_owned()]));
    let view = running.view("their virtual providers, once wanted", |view| view.is_read(B)).await;
    let ports: Vec<_> = view.providers_of(&key(B)).iter().map(|it| (it.port, it.level)).collect();
    assert_eq!(ports, [(20990, Level::Both), (20991, Level::Both)]);

    // Without a server, and until everybody had the time to come back to it, nothing is lost.
    gateway.kill().await;
    server.kill().await;
    server.lose_everything();
    let view = running.view("the word", |view| !view.is_connected()).await;
    assert_eq!((addresses(&view).len(), view.providers().len()), (2, 3));
    server.resume().await;
    create(&server.client().await, "/dubbo/x", "", CreateMode::Persistent).await;
    let view = running.view("back", View::is_connected).await;
    assert_eq!((addresses(&view).len(), view.providers().len(), view.is_complete()), (2, 3, false));
    let view = running.view("gone at last", |view| view.is_complete()).await;
    assert_eq!((addresses(&view).len(), view.providers().len()), (0, 0));
}

#[tokio::test]
async fn a_gateway_that_offers_nothing_is_found_where_it_says_that_it_stands() {
    let server = Server::start().await;
    let client = server.client().await;
    let gateway = Running::at(&server.address());
    let stand = |island: &str, port| zk_bridge::Stand { island: island.to_owned(), host: "10.0.0.9".to_owned(), port };
    let stands = vec![stand(zk_bridge::ANY_ISLAND, 20990), stand("b", 20991)];
    let wish = zk_bridge::Desired { stands, ..desired("gw-1", 1, 20990, &[]) };
    gateway.registry.publish(wish.clone());
    gateway.registry.settled().await.unwrap();
    let of_metadata = client.list_children("/dubbo/metadata").await.unwrap_or_default();
    assert!(of_metadata.is_empty(), "{of_metadata:?}");

    // Who reads everything waits for no metadata of it.
    let whole = Running::at(&server.address());
    let narrow = Running::only(&server.address(), watch::channel(names(&[A])).1);
    for running in [&whole, &narrow] {
        let view = running.view("all that is wanted", View::is_complete).await;
        let found: Vec<_> = view.gateways().iter().map(|it| (&*it.id, it.port, it.island.as_deref())).collect();
        assert_eq!(found, [("gw-1", 20990, None), ("gw-1", 20991, Some("b"))]);
        assert!(view.providers().is_empty());
    }

    // The next start takes its place, and who leaves for good leaves nothing.
    gateway.kill().await;
    let next = Running::at(&server.address());
    next.registry.publish(zk_bridge::Desired { epoch: 2, ..wish });
    next.registry.settled().await.unwrap();
    let text = client.get_data("/services/highway-default-0/10.0.0.9:20990").await.unwrap().0;
    assert!(String::from_utf8_lossy(&text).contains(r#""epoch":"2""#), "{}", String::from_utf8_lossy(&text));
    next.registry.leave().await.unwrap();
    narrow.view("nobody stands there", |view| view.gateways().is_empty()).await;
    assert!(client.list_children("/services").await.unwrap().is_empty());
}

#[tokio::test]
async fn who_does_not_tell_what_he_exports_keeps_nobody_elses_services_waiting() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;
    create(&client, &format!("/dubbo/mapping/{B}"), "shop, /odd/name,..", CreateMode::Persistent).await;
    instance(&client, "shop", 20882).await;
    let (_scope, wanted) = watch::channel(names(&[A, B, "no/interface"]));
    let running = Running::only(&server.address(), wanted);
    let view = running.view("what can be read", |view| view.is_read(A)).await;
    assert!((real(&view, A), view.is_read(B), view.is_complete()) == (1, false, false), "{view:#?}");
    assert!(running.registry.status().problems.iter().any(|it| it.contains("no/interface")));
    create(&client, "/dubbo/metadata/shop/r1", &metadata_text("shop", "r1", B, 20882), CreateMode::Persistent).await;
    running.view("the rest as soon as it is there", |view| view.is_complete() && real(view, B) == 1).await;
}

/// The client crate cannot reconnect with more than 128 KiB of paths in one-time watches.
#[tokio::test]
async fn a_narrow_registry_of_thousands_of_interfaces_is_back_after_a_cut() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;
    let cable = Cable::to(server.address()).await;
    let name = |number| format!("com.acme.warehouse.of.a.company.with.long.names.Service{number:05}");
    let many: BTreeSet<String> = (0..1500).map(name).chain([A.to_owned()]).collect();
    let paths = many.iter().map(|name| format!("/dubbo/{name}/providers/dubbo/mapping/{name}").len()).sum::<usize>();
    assert!(paths > 128 * 1024, "{paths}");
    let (_scope, wanted) = watch::channel(many);
    let running = Running::only(&cable.address(), wanted);
    running.view("what is wanted", |view| view.is_complete() && real(view, A) == 1).await;
    cable.cut();
    running.view("the word", |view| !view.is_connected()).await;
    cable.mend();
    running.view("connected again", |view| view.is_connected() && view.is_complete()).await;
    create(&client, &provider_node(A, 20881), "", CreateMode::Ephemeral).await;
    running.view("what happens from then on", |view| real(view, A) == 2).await;
    assert_eq!(running.registry.status().problems, Vec::<String>::new());
}
