//! What rules have the loop do: whom they count as local, when they begin and end, what distances move. They decide no call here.

use super::*;
use crate::testing::control::World;
use crate::testing::registry::{document, provider};
use crate::testing::until;

/// By default a service counts as local for a day after its last provider went.
#[tokio::test]
async fn a_rule_that_prefers_local_providers_opens_the_way_out_as_soon_as_the_last_one_is_gone() {
    let world = World::start();
    world.hub_offers(&["com.acme.Greeter"]);
    let here = || vec![provider("com.acme.Greeter", "10.0.0.7", None)];
    let text = "rules:\n  - name: home\n    act: { local-first: { then: [shanghai], back-after: 1s } }\n";
    world.registry.documents.send_replace(document(text));
    world.registry_shows(1, here(), Vec::new());
    world.publishes(&["com.acme.Greeter@20991"]).await;
    world.registry_shows(2, Vec::new(), Vec::new());
    world.publishes(&["com.acme.Greeter@20990", "com.acme.Greeter@20991"]).await;
    let back = Instant::now();
    world.registry_shows(3, here(), Vec::new());
    let greeter = ServiceKey { interface: "com.acme.Greeter".to_owned(), ..ServiceKey::default() };
    until(|| world.knowledge.load().snapshot.local_for(&greeter).is_some()).await;
    assert_eq!(world.published().unwrap().len(), 2, "it came back only just now");
    world.publishes(&["com.acme.Greeter@20991"]).await;
    assert!(back.elapsed() >= Duration::from_secs(1), "{:?}", back.elapsed());
    world.registry.documents.send_replace(Arc::new(zk_bridge::Documents::read(Vec::new())));
    world.registry_shows(4, Vec::new(), Vec::new());
    until(|| world.knowledge.load().snapshot.rules().is_empty()).await;
    assert_eq!(world.published().unwrap(), ["com.acme.Greeter@20991"], "without the rule the day counts");
}

/// While a registry was read anew its providers counted as gone: the way out was opened, and they were held down when they had been read.
#[tokio::test]
async fn a_provider_that_never_left_is_not_held_down_when_its_registry_was_read_anew() {
    let world = World::start();
    world.hub_offers(&["com.acme.Greeter"]);
    let here = || vec![provider("com.acme.Greeter", "10.0.0.7", None)];
    let text = "rules:\n  - name: home\n    act: { local-first: { then: [shanghai], back-after: 1h } }\n";
    world.registry.documents.send_replace(document(text));
    world.registry_shows(1, here(), Vec::new());
    world.publishes(&["com.acme.Greeter@20991"]).await;
    world.registry.view.send_replace(Arc::new(zk_bridge::View::unread()));
    // Something that shows that the loop has seen it.
    world.hub_tells_of("beijing", 1, 0, &["com.acme.Greeter"]);
    until(|| world.knowledge.load().snapshot.knows("beijing")).await;
    world.registry_shows(2, here(), Vec::new());
    world.hub_tells_of("chengdu", 1, 0, &["com.acme.Greeter"]);
    until(|| world.knowledge.load().snapshot.knows("chengdu")).await;
    let greeter = ServiceKey { interface: "com.acme.Greeter".to_owned(), ..ServiceKey::default() };
    assert_eq!(world.knowledge.load().snapshot.local_for(&greeter), None);
    assert_eq!(world.published().unwrap(), ["com.acme.Greeter@20991"]);
}

/// The loop looks at its clock once a second, and what ends just behind such a look does not wait for the next one.
#[tokio::test]
async fn a_rule_ends_at_its_moment_and_not_with_the_next_tick() {
    let (world, began) = (World::start(), Instant::now());
    world.hub_offers(&["com.acme.Greeter"]);
    world.hub_tells_of("beijing", 1, 0, &["com.acme.Greeter"]);
    world.registry_shows(1, Vec::new(), Vec::new());
    let greeter = ServiceKey { interface: "com.acme.Greeter".to_owned(), ..ServiceKey::default() };
    let call = route::Call { service: Some(&greeter), method: "greet", ..route::Call::default() };
    let goes = |island: &str| {
        let plan = route::decide(&call, &world.knowledge.load().snapshot);
        plan.is_ok_and(|plan| plan.choice.targets().next().unwrap().to_string() == island)
    };
    let mut late = Vec::new();
    for _ in 0..2 {
        let gone = began.elapsed();
        let tick = Duration::from_secs(gone.as_secs() + 2) - gone;
        let end = SystemTime::now() + tick + CLOCK / 10;
        world.registry.documents.send_replace(document(&format!(
            "rules:\n  - name: still\n    priority: 10\n    until: {}\n    act: {{ island: beijing }}\n  - name: then\n    act: {{ island: shanghai }}\n",
            humantime::format_rfc3339_millis(end)
        )));
        until(|| goes("beijing")).await;
        until(|| goes("shanghai")).await;
        late.push(SystemTime::now().duration_since(end).unwrap_or_default());
    }
    // The machine may have stood still once.
    assert!(late.iter().min().unwrap() < &(CLOCK / 2), "{late:?}");
}

/// What hubs measure moves the calls of such a rule, and of no other.
#[tokio::test]
async fn a_rule_for_the_nearest_island_follows_what_hubs_measured() {
    let world = World::start();
    world.hub_offers(&["com.acme.Greeter"]);
    world.hub_tells_of("beijing", 1, 0, &["com.acme.Greeter"]);
    world.registry_shows(1, Vec::new(), Vec::new());
    let greeter = ServiceKey { interface: "com.acme.Greeter".to_owned(), ..ServiceKey::default() };
    let call = route::Call { service: Some(&greeter), method: "greet", ..route::Call::default() };
    let snapshot = || world.knowledge.load().snapshot.clone();
    let goes = || route::decide(&call, &snapshot()).map(|plan| plan.choice.targets().next().unwrap().to_string());
    let measured = |link, island: &str, millis| {
        let (island, round_trip) = (island.to_owned(), Duration::from_millis(millis));
        world.inbox.put(Event::Distance { link, island, round_trip });
    };
    until(|| snapshot().offers(&greeter).len() == 2).await;
    let before = snapshot().generation();
    measured(1, "beijing", 40);
    measured(1, "shanghai", 9);
    world.registry.documents.send_replace(document("rules:\n  - name: near\n    act: { nearest: [] }\n"));
    until(|| goes() == Ok("shanghai".to_owned())).await;
    assert!(snapshot().generation() > before);
    measured(1, "shanghai", 90);
    until(|| goes() == Ok("beijing".to_owned())).await;
    world.inbox.put(Event::Up { link: 2, hub: "hub-2".to_owned() });
    measured(2, "shanghai", 5);
    until(|| goes() == Ok("shanghai".to_owned())).await;
    // Nothing but the lost link moves them back.
    world.inbox.put(Event::Down { link: 2 });
    until(|| goes() == Ok("beijing".to_owned())).await;
    world
        .registry
        .documents
        .send_replace(document("rules:\n  - name: near\n    act: { nearest: [shanghai, beijing] }\n"));
    until(|| goes() == Ok("beijing".to_owned())).await;
}
