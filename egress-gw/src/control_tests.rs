//! The loop between hubs that tell, registries that show, and what comes out: nodes, knowledge, files, orders. What rules add to that
//! stands in `control_rules_tests.rs`.

use chassis::drain::Drained;
use zk_bridge::{Consumer, Provider};

use super::*;
use crate::testing::control::World;
use crate::testing::registry::{FakeRegistry, provider, reference};
use crate::testing::{PATIENCE, until};

/// A caller of the greeter in application `shop`.
fn shop(method: &str) -> crate::knowledge::Caller<'_> {
    crate::knowledge::Caller {
        address: "10.0.0.7".parse().unwrap(),
        application: Some("shop"),
        interface: "com.acme.Greeter",
        group: None,
        version: None,
        method,
    }
}

#[tokio::test]
async fn nothing_is_published_before_the_registry_was_read() {
    let world = World::start();
    world.hub_offers(&["com.acme.Greeter"]);
    until(|| world.knowledge.load().snapshot.knows("shanghai")).await;
    assert_eq!(world.published(), None);
    assert!(!world.process.ready.report().0);
    world.registry_shows(1, Vec::new(), Vec::new());
    world.publishes(&["com.acme.Greeter@20990", "com.acme.Greeter@20991"]).await;
    until(|| world.process.ready.report().0).await;
}

#[tokio::test]
async fn a_local_provider_takes_the_untagged_node_away_and_keeps_it_away_across_a_restart() {
    let world = World::start();
    world.registry_shows(1, Vec::new(), Vec::new());
    world.hub_offers(&["com.acme.Greeter"]);
    world.publishes(&["com.acme.Greeter@20990", "com.acme.Greeter@20991"]).await;
    world.registry_shows(2, vec![provider("com.acme.Greeter", "10.0.0.3", None)], Vec::new());
    world.publishes(&["com.acme.Greeter@20991"]).await;
    world.running.abort();
    assert!(world.running.await.is_err());
    let again = World::start_in(world.folder);
    again.registry_shows(1, Vec::new(), Vec::new());
    again.hub_offers(&["com.acme.Greeter"]);
    again.publishes(&["com.acme.Greeter@20991"]).await;
}

/// Programs that name an island found no gateway where their own island has all services itself.
#[tokio::test]
async fn each_port_stands_in_the_registry_also_where_no_service_of_it_does() {
    let world = World::start();
    world.registry_shows(1, vec![provider("com.acme.Greeter", "10.0.0.3", None)], Vec::new());
    let stands = || {
        let desired = world.registry.desired.lock().unwrap().clone()?;
        let all = desired.stands.iter().map(|stand| format!("{} at {}:{}", stand.island, stand.host, stand.port));
        Some((desired.providers.len(), all.collect::<Vec<_>>()))
    };
    let both = vec!["default at 10.0.0.9:20990".to_owned(), "shanghai at 10.0.0.9:20991".to_owned()];
    world.hub_offers(&["com.acme.Greeter"]);
    world.inbox.put(Event::Told { link: 1 });
    until(|| stands() == Some((1, both.clone()))).await;
    let nothing = Import { imports: route::Imports::default(), ..world.import.clone() };
    world.imports(nothing).await;
    until(|| stands() == Some((0, both.clone()))).await;
}

#[tokio::test]
async fn another_gateways_virtual_provider_is_no_local_one() {
    let world = World::start();
    let others = vec![provider("com.acme.Greeter", "10.0.0.10", Some("egress-2"))];
    world.registry_shows(1, others, Vec::new());
    world.hub_offers(&["com.acme.Greeter"]);
    world.publishes(&["com.acme.Greeter@20990", "com.acme.Greeter@20991"]).await;
}

/// The same services and paths, and yet kept decisions led to the service under which the path stood before.
#[tokio::test]
async fn a_path_that_comes_to_mean_another_service_is_decided_anew() {
    let world = World::start();
    let shows = |revision, of_a: &str, of_b: &str| {
        let at = |interface, host, path: &str| Provider { path: path.to_owned(), ..provider(interface, host, None) };
        let providers = vec![at("com.acme.A", "10.0.0.3", of_a), at("com.acme.B", "10.0.0.4", of_b)];
        world.registry_shows(revision, providers, Vec::new());
    };
    let path = zk_bridge::ServiceKey::new("shop/greeter", None, None);
    let means = |interface: &str| {
        let known = world.knowledge.load();
        known.local.service(&path).is_some_and(|service| service.interface == interface)
    };
    shows(1, "shop/greeter", "com.acme.B");
    until(|| means("com.acme.A")).await;
    let before = world.knowledge.load().snapshot.generation();
    shows(2, "com.acme.A", "shop/greeter");
    until(|| means("com.acme.B")).await;
    assert!(world.knowledge.load().snapshot.generation() > before);
}

#[tokio::test]
async fn decisions_know_the_providers_that_are_here_now() {
    let world = World::start();
    let greeter = ServiceKey { interface: "com.acme.Greeter".to_owned(), ..ServiceKey::default() };
    let has_local = || world.knowledge.load().snapshot.has_local(&greeter);
    world.registry_shows(1, vec![provider("com.acme.Greeter", "10.0.0.10", Some("egress-2"))], Vec::new());
    world.hub_offers(&["com.acme.Greeter"]);
    world.publishes(&["com.acme.Greeter@20990", "com.acme.Greeter@20991"]).await;
    assert!(!has_local(), "another gateway's virtual provider is none");
    let before = world.knowledge.load().snapshot.generation();
    world.registry_shows(2, vec![provider("com.acme.Greeter", "10.0.0.3", None)], Vec::new());
    until(has_local).await;
    assert!(world.knowledge.load().snapshot.generation() > before, "what was decided without it is forgotten");
    world.registry_shows(3, Vec::new(), Vec::new());
    until(|| !has_local()).await;
}

#[tokio::test]
async fn a_provider_that_speaks_only_other_protocols_is_a_local_one_too() {
    let world = World::start();
    let foreign = [zk_bridge::ServiceKey::new("com.acme.Greeter", None, None)];
    let view = zk_bridge::View::of(1, Vec::new(), Vec::new()).with_foreign(foreign);
    world.registry.view.send_replace(Arc::new(view));
    world.hub_offers(&["com.acme.Greeter"]);
    world.publishes(&["com.acme.Greeter@20991"]).await;
}

#[tokio::test]
async fn what_an_earlier_start_left_stays_until_a_hub_has_told_everything() {
    let world = World::start();
    let left = |interface| provider(interface, "10.0.0.9", Some("egress-1"));
    let reference = reference("com.acme.Greeter", &[("timeout", "1200")]);
    world.registry_shows(1, vec![left("com.acme.Greeter"), left("com.acme.Ledger")], vec![reference.clone()]);
    until(|| world.knowledge.load().consumers.timeout(&shop("greet")).is_some()).await;
    assert_eq!(world.published(), None, "no hub has told anything");
    world.hub_offers(&["com.acme.Greeter"]);
    until(|| world.knowledge.load().snapshot.knows("shanghai")).await;
    // What comes later is gathered with it, so a first look has been taken by then.
    let there = crate::knowledge::Caller { address: "10.0.0.8".parse().unwrap(), ..shop("greet") };
    let other = Consumer { host: "10.0.0.8".to_owned(), ..reference.clone() };
    world.registry_shows(2, vec![left("com.acme.Greeter"), left("com.acme.Ledger")], vec![reference, other]);
    until(|| world.knowledge.load().consumers.timeout(&there).is_some()).await;
    assert_eq!(world.published(), None, "the hub may still have to tell of the ledger");
    world.inbox.put(Event::Told { link: 1 });
    world.publishes(&["com.acme.Greeter@20990", "com.acme.Greeter@20991"]).await;
}

#[tokio::test]
async fn a_hub_that_leaves_a_gap_is_dialled_anew() {
    let mut world = World::start();
    world.hub_offers(&["com.acme.Greeter"]);
    world.hub_tells(9, 8, &["com.acme.Ledger"]);
    let order = tokio::time::timeout(PATIENCE, world.orders.recv()).await.unwrap();
    assert!(matches!(order, Some(Order::Anew { link: 1, .. })));
}

#[tokio::test]
async fn what_hubs_tell_again_does_not_empty_the_caches() {
    let world = World::start();
    world.hub_offers(&["com.acme.Greeter"]);
    until(|| world.knowledge.load().snapshot.knows("shanghai")).await;
    let before = world.knowledge.load_full();
    world.hub_tells(2, 0, &["com.acme.Greeter"]);
    world.inbox.put(Event::Up { link: 2, hub: "hub-2".to_owned() });
    world.inbox.put(Event::Down { link: 2 });
    until(|| !Arc::ptr_eq(&before, &world.knowledge.load_full())).await;
    assert_eq!(world.knowledge.load().snapshot.generation(), before.snapshot.generation());
}

#[tokio::test]
async fn on_demand_a_node_stands_while_somebody_subscribes() {
    let world = World::start();
    let import = Import { publish: Publish::OnDemand { memory: Duration::from_millis(50) }, ..world.import.clone() };
    world.imports(import).await;
    world.registry_shows(1, Vec::new(), Vec::new());
    world.hub_offers(&["com.acme.Greeter", "com.acme.Ledger"]);
    world.inbox.put(Event::Told { link: 1 });
    world.publishes(&[]).await;
    world.registry_shows(2, Vec::new(), vec![reference("com.acme.Ledger", &[])]);
    world.publishes(&["com.acme.Ledger@20990", "com.acme.Ledger@20991"]).await;
    world.registry_shows(3, Vec::new(), Vec::new());
    world.publishes(&[]).await;
}

#[tokio::test]
async fn a_registry_that_never_answers_keeps_the_others_waiting_for_the_hold_down_and_no_longer() {
    let silent = FakeRegistry::unread();
    let world = World::start_with(tempfile::tempdir().unwrap(), vec![silent.clone()]);
    world.registry_shows(1, Vec::new(), Vec::new());
    world.hub_offers(&["com.acme.Greeter"]);
    until(|| world.knowledge.load().snapshot.knows("shanghai")).await;
    assert_eq!(world.published(), None, "the silent one may hold local providers");
    let import = Import { hold_down: Duration::from_millis(50), ..world.import.clone() };
    world.imports(import).await;
    world.publishes(&["com.acme.Greeter@20990", "com.acme.Greeter@20991"]).await;
    assert!(silent.desired.lock().unwrap().is_none(), "what is in it is not known");
}

#[tokio::test]
async fn consumers_say_their_timeouts_and_islands_and_do_not_empty_the_caches() {
    let world = World::start();
    world.hub_offers(&["com.acme.Greeter"]);
    until(|| world.knowledge.load().snapshot.knows("shanghai")).await;
    let generation = world.knowledge.load().snapshot.generation();
    let parameters =
        [("timeout", "1200"), ("slow.timeout", "9000"), ("connect.timeout", "3000"), ("highway.shanghai", "slow")];
    world.registry_shows(1, Vec::new(), vec![reference("com.acme.Greeter", &parameters)]);
    let ask = |method| world.knowledge.load().consumers.timeout(&shop(method)).map(|known| known.longest);
    until(|| ask("greet").is_some()).await;
    assert_eq!(ask("greet"), Some(Duration::from_millis(1200)));
    assert_eq!(ask("slow"), Some(Duration::from_secs(9)));
    assert_eq!(ask("connect"), Some(Duration::from_millis(1200)));
    let known = world.knowledge.load();
    let said = ["slow", "greet"].map(|method| known.consumers.made(shop(method)).word());
    assert_eq!(said, [Some(route::Word::Island("shanghai")), Some(route::Word::Local)]);
    assert_eq!(world.knowledge.load().snapshot.generation(), generation);
}

#[tokio::test]
async fn what_a_lost_hub_had_told_is_still_known_and_readiness_says_that_it_is_lost() {
    let world = World::start();
    world.registry_shows(1, Vec::new(), Vec::new());
    world.hub_offers(&["com.acme.Greeter"]);
    world.publishes(&["com.acme.Greeter@20990", "com.acme.Greeter@20991"]).await;
    world.inbox.put(Event::Down { link: 1 });
    until(|| world.process.ready.report().1.contains("no link to a hub is up")).await;
    assert!(world.knowledge.load().snapshot.knows("shanghai"));
    assert_eq!(world.published().unwrap().len(), 2);
}

/// What a drain told the shards; withdrawals stand between.
async fn drained(world: World) -> Vec<String> {
    let World { mut orders, teller, registry, running, .. } = world;
    let draining = tokio::spawn(teller.drain(PATIENCE));
    let mut told = Vec::new();
    let left = |told: &mut Vec<String>| {
        let all = std::mem::take(&mut *registry.withdrawn.lock().unwrap()).then(|| "all nodes go".to_owned());
        let kept = registry.kept.lock().unwrap().take().map(|kept| format!("only {} stays", kept.join(" ")));
        told.extend(all.into_iter().chain(kept));
    };
    while let Some(order) = orders.recv().await {
        left(&mut told);
        match order {
            Order::Readonly(answer) => {
                told.push("readonly".to_owned());
                answer.send(()).unwrap();
            }
            Order::Refuse(answer) => {
                told.push("refuse".to_owned());
                answer.send(()).unwrap();
            }
            Order::InFlight(answer) => {
                answer.send(0).unwrap();
                told.push("in flight?".to_owned());
            }
            Order::Close(_) => {
                told.push("close".to_owned());
                break;
            }
            Order::Open | Order::Status(_) | Order::Tallied(_) | Order::Anew { .. } | Order::Ask(_) => {}
        }
    }
    drop(orders);
    assert_eq!(draining.await.unwrap(), Drained::Empty);
    running.await.unwrap().unwrap();
    told
}

/// A sole egress took its nodes out first and served nobody for the fifteen seconds of its drain: consumers had no address.
#[tokio::test]
async fn a_drain_sends_away_who_has_another_address_and_stays_in_the_registry_for_the_others() {
    let ours = |interface| provider(interface, "10.0.0.9", Some("egress-1"));
    let twin = |interface| provider(interface, "10.0.0.10", Some("egress-2"));
    let world = |providers| async {
        let world = World::start();
        world.registry_shows(1, providers, Vec::new());
        world.hub_offers(&["com.acme.Greeter", "com.acme.Ledger"]);
        until(|| world.published().is_some_and(|published| published.len() == 4)).await;
        world
    };
    let (greeter, ledger) = ("com.acme.Greeter", "com.acme.Ledger");
    let twins = world(vec![ours(greeter), ours(ledger), twin(greeter), twin(ledger)]).await;
    assert_eq!(drained(twins).await, ["readonly", "all nodes go", "in flight?", "close"]);
    let alone = world(vec![ours(greeter)]).await;
    assert_eq!(drained(alone).await, ["only com.acme.Greeter stays", "refuse", "in flight?", "close"]);
    let mixed = world(vec![ours(greeter), ours(ledger), twin(greeter)]).await;
    assert_eq!(drained(mixed).await, ["only com.acme.Ledger stays", "refuse", "in flight?", "close"]);
}

#[tokio::test]
async fn after_the_hold_down_a_lost_islands_services_are_unknown_and_only_its_tagged_nodes_stay() {
    let world = World::start();
    let import = Import { hold_down: Duration::from_millis(50), ..world.import.clone() };
    world.imports(import).await;
    world.registry_shows(1, Vec::new(), Vec::new());
    world.hub_offers(&["com.acme.Greeter"]);
    world.publishes(&["com.acme.Greeter@20990", "com.acme.Greeter@20991"]).await;
    world.inbox.put(Event::Down { link: 1 });
    world.publishes(&["com.acme.Greeter@20991"]).await;
    until(|| !world.knowledge.load().snapshot.knows("shanghai")).await;
    assert!(world.knowledge.load().islands.know("shanghai"), "its tag goes nowhere else");
    world.running.abort();
    assert!(world.running.await.is_err());
    let again = World::start_in(world.folder);
    again.registry_shows(1, Vec::new(), Vec::new());
    until(|| again.knowledge.load().islands.know("shanghai")).await;
}
