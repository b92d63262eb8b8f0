//! The loop between hubs that tell, registries that show, and what comes out: nodes, knowledge, files, orders.
//!
//! Long because: one world of hubs and registries is made for all of it.

use std::path::Path;

use chassis::drain::{Drained, Teller};
use tokio::sync::watch;
use wire::tunnel::catalogue::{Entry, Origin, Update};
use zk_bridge::{Consumer, Level, Parameters, Provider, Registry, RegistryFailure, Status, Work};

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

/// A registry that keeps what it is told.
#[derive(Default)]
struct FakeRegistry {
    view: watch::Sender<Arc<zk_bridge::View>>,
    documents: watch::Sender<Arc<zk_bridge::Documents>>,
    desired: Mutex<Option<Desired>>,
    withdrawn: Mutex<bool>,
    kept: Mutex<Option<Vec<String>>>,
}

impl FakeRegistry {
    /// One that nobody has read yet.
    fn unread() -> Arc<Self> {
        let view = watch::channel(Arc::new(zk_bridge::View::unread())).0;
        Arc::new(Self { view, ..Self::default() })
    }
}

impl Registry for FakeRegistry {
    fn name(&self) -> &str {
        "fake"
    }
    fn view(&self) -> watch::Receiver<Arc<zk_bridge::View>> {
        self.view.subscribe()
    }
    fn documents(&self) -> watch::Receiver<Arc<zk_bridge::Documents>> {
        self.documents.subscribe()
    }
    fn publish(&self, desired: Desired) {
        *self.desired.lock().unwrap() = Some(desired);
    }
    fn withdraw(&self) -> Work<'_> {
        *self.withdrawn.lock().unwrap() = true;
        Box::pin(async { Err(RegistryFailure::Stopped("fake".to_owned())) })
    }
    fn keep_only(&self, stays: &dyn Fn(&zk_bridge::VirtualProvider) -> bool) -> Work<'_> {
        let published = self.desired.lock().unwrap().clone().map(|desired| desired.providers).unwrap_or_default();
        let kept = published.iter().filter(|own| stays(own)).map(|own| own.key.to_string()).collect();
        *self.kept.lock().unwrap() = Some(kept);
        Box::pin(async { Ok(()) })
    }
    fn leave(&self) -> Work<'_> {
        self.withdraw()
    }
    fn status(&self) -> Status {
        Status::default()
    }
}

struct World {
    registry: Arc<FakeRegistry>,
    inbox: Arc<Inbox>,
    knowledge: Arc<ArcSwap<Knowledge>>,
    orders: mpsc::Receiver<Order>,
    changes: mpsc::Sender<(Change, oneshot::Sender<()>)>,
    teller: Teller,
    process: Process,
    import: Import,
    folder: tempfile::TempDir,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
}

const TOML: &str = r#"
[island]
id = "cloud"
gateway = "egress-1"
[link]
key_file = "egress.key"
[[hub]]
url = "http://127.0.0.1:1"
key = ["highway-pub-1:kH0r2mAuVTk9h9ljh4dNYQ5yHNs2CJ4M0VNsDgGjVBM="]
[egress]
listen = ["10.0.0.9"]
serve_after_leaving = "10ms"
[egress.ports]
default = 20990
shanghai = 20991
[import]
rule = [{ island = "*", service = "com.acme.*" }]
"#;

fn config(folder: &Path) -> Config {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new();
    let mut file = file.write(true).create(true).truncate(true).mode(0o600).open(folder.join("egress.key")).unwrap();
    let key = tunnel::key::PrivateKey::generate().unwrap().to_text();
    std::io::Write::write_all(&mut file, key.as_bytes()).unwrap();
    chassis::config::settle_text(&folder.join("egress-gw.toml"), TOML, &[], crate::config::settle).unwrap().config
}

impl World {
    fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    fn start_in(folder: tempfile::TempDir) -> Self {
        Self::start_with(folder, Vec::new())
    }

    /// With more registries than the first.
    fn start_with(folder: tempfile::TempDir, more: Vec<Arc<FakeRegistry>>) -> Self {
        let config = config(folder.path());
        let registry = FakeRegistry::unread();
        let (process, teller) = Process::alone();
        let (order, orders) = mpsc::channel(8);
        let (changes, changed) = mpsc::channel(1);
        let (inbox, knowledge) = (Arc::new(Inbox::default()), Arc::new(ArcSwap::from_pointee(Knowledge::default())));
        let outside = Outside {
            process: process.clone(),
            orders: vec![order],
            inbox: inbox.clone(),
            knowledge: knowledge.clone(),
            state: StateDir::open(folder.path().join("state")).unwrap(),
            changed,
        };
        let all = std::iter::once(registry.clone()).chain(more);
        let sites = all.map(|registry| Site::new(registry, &process)).collect();
        let control = Control::new(&config, config.ports.clone(), 7, sites, outside);
        let running = tokio::spawn(control.run());
        Self { registry, inbox, knowledge, orders, changes, teller, process, import: config.import, folder, running }
    }

    fn hub_offers(&self, services: &[&str]) {
        self.inbox.put(Event::Up { link: 1, hub: "hub-1".to_owned() });
        self.hub_tells(1, 0, services);
    }

    fn hub_tells(&self, revision: u64, base: u64, services: &[&str]) {
        self.hub_tells_of("shanghai", revision, base, services);
    }

    fn hub_tells_of(&self, island: &str, revision: u64, base: u64, services: &[&str]) {
        let key = |name: &&str| ServiceKey { interface: (*name).to_owned(), ..ServiceKey::default() };
        let update = Update {
            origin: Origin { island: island.to_owned(), gateway: "in-1".to_owned(), start: 1 },
            revision,
            base,
            added: services.iter().map(|name| Entry { key: key(name), healthy: true, ..Entry::default() }).collect(),
            removed: Vec::new(),
            complete: true,
        };
        self.inbox.put(Event::Catalogue { link: 1, update });
    }

    fn registry_shows(&self, generation: u64, providers: Vec<Provider>, consumers: Vec<Consumer>) {
        self.registry.view.send_replace(Arc::new(zk_bridge::View::of(generation, providers, consumers)));
    }

    /// `interface@port` of what is published.
    fn published(&self) -> Option<Vec<String>> {
        let desired = self.registry.desired.lock().unwrap().clone()?;
        assert_eq!((desired.gateway.as_str(), desired.epoch), ("egress-1", 7));
        Some(desired.providers.iter().map(|node| format!("{}@{}", node.key.interface, node.port)).collect())
    }

    async fn publishes(&self, wanted: &[&str]) {
        until(|| self.published().is_some_and(|nodes| nodes == wanted)).await;
    }
}

async fn until(done: impl Fn() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it happens in time");
}

fn provider(interface: &str, host: &str, highway: Option<&str>) -> Provider {
    Provider {
        key: zk_bridge::ServiceKey::new(interface, None, None),
        host: host.to_owned(),
        port: 20880,
        path: interface.to_owned(),
        level: Level::Interface,
        application: None,
        parameters: Parameters::default(),
        highway: highway.map(str::to_owned),
    }
}

fn reference(interface: &str, parameters: &[(&str, &str)]) -> Consumer {
    let parameters = parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Consumer {
        application: Some("shop".to_owned()),
        host: "10.0.0.7".to_owned(),
        interface: interface.to_owned(),
        group: None,
        version: None,
        parameters: Parameters(parameters.collect()),
    }
}

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

/// One document of rules, as a config center shows it.
fn document(text: &str) -> Arc<zk_bridge::Documents> {
    let (name, text) = ("shop".to_owned(), text.to_owned());
    let version = "0x1".parse().unwrap();
    Arc::new(zk_bridge::Documents::read(vec![Arc::new(zk_bridge::Document {
        name,
        text,
        version,
        written: SystemTime::UNIX_EPOCH,
    })]))
}

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
    let (done_in, done) = oneshot::channel();
    world.changes.send((Change { import, local_tls: LocalTls::default() }, done_in)).await.unwrap();
    done.await.unwrap();
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
    let (done_in, done) = oneshot::channel();
    world.changes.send((Change { import, local_tls: LocalTls::default() }, done_in)).await.unwrap();
    done.await.unwrap();
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
            Order::Open | Order::Status(_) | Order::Anew { .. } | Order::Ask(_) => {}
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
    let (done_in, done) = oneshot::channel();
    world.changes.send((Change { import, local_tls: LocalTls::default() }, done_in)).await.unwrap();
    done.await.unwrap();
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
