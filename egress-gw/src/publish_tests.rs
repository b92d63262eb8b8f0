//! What stands in the registry when.

use std::sync::Arc;

use route::{ImportRule, Verdict};
use wire::tunnel::catalogue::MethodSettings;

use super::*;

const HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9));

fn key(interface: &str) -> ServiceKey {
    ServiceKey { interface: interface.to_owned(), ..ServiceKey::default() }
}

fn entry(interface: &str) -> Entry {
    Entry { key: key(interface), methods: vec!["greet".to_owned()], healthy: true, ..Entry::default() }
}

fn imports(beside_local: BesideLocal) -> Imports {
    Imports::new(vec![ImportRule {
        island: "*".parse().unwrap(),
        service: "com.acme.*".parse().unwrap(),
        verdict: Verdict::Import,
        beside_local,
        idempotent: Vec::new(),
        plain: false,
    }])
}

fn ports() -> Vec<Port> {
    vec![Port { number: 20990, island: None }, Port { number: 20991, island: Some("shanghai".into()) }]
}

struct World {
    offered: Vec<(Arc<str>, Arc<Entry>)>,
    remembered: Remembered,
    imports: Imports,
    tagging: Tagging,
    local: Vec<ServiceKey>,
}

impl World {
    fn new(offered: Vec<(&'static str, Entry)>) -> Self {
        let mut world = Self {
            offered: offered.into_iter().map(|(island, entry)| (island.into(), Arc::new(entry))).collect(),
            remembered: Remembered::default(),
            imports: imports(BesideLocal::Never),
            tagging: Tagging::ByIsland,
            local: Vec::new(),
        };
        world.observe();
        world
    }

    fn observe(&mut self) -> bool {
        let offered: Vec<Offered<'_>> = self.offered.iter().map(|(island, entry)| Offered { island, entry }).collect();
        self.remembered.observe(&ports(), &self.imports, &offered)
    }

    fn desired(&self) -> Vec<VirtualProvider> {
        let offered: Vec<Offered<'_>> = self.offered.iter().map(|(island, entry)| Offered { island, entry }).collect();
        let ports = ports();
        let face = Face { host: HOST, ports: &ports, tagging: self.tagging };
        let is_local = |key: &ServiceKey| self.local.contains(key);
        desired(&face, &self.imports, &offered, &self.remembered, &is_local, &|_| true)
    }

    /// `interface@port[tag]` of each.
    fn shown(&self) -> Vec<String> {
        let show = |provider: VirtualProvider| {
            let tag = provider.tag.map(|tag| format!("[{tag}]")).unwrap_or_default();
            format!("{}@{}{tag}", provider.key.interface, provider.port)
        };
        self.desired().into_iter().map(show).collect()
    }
}

#[test]
fn an_imported_service_stands_on_the_default_port_and_tagged_on_its_islands() {
    let world = World::new(vec![("shanghai", entry("com.acme.Greeter")), ("beijing", entry("com.acme.Ledger"))]);
    assert_eq!(world.shown(), ["com.acme.Greeter@20990", "com.acme.Ledger@20990", "com.acme.Greeter@20991[shanghai]"]);
    let first = &world.desired()[0];
    assert_eq!((first.host.as_str(), first.island.as_str()), ("10.0.0.9", "default"));
}

#[test]
fn what_is_not_imported_stands_nowhere() {
    let world = World::new(vec![("shanghai", entry("org.other.Service"))]);
    assert!(world.shown().is_empty());
}

#[test]
fn a_service_with_local_providers_gets_no_untagged_node_unless_a_rule_says_so() {
    let mut world = World::new(vec![("shanghai", entry("com.acme.Greeter"))]);
    world.local.push(key("com.acme.Greeter"));
    assert_eq!(world.shown(), ["com.acme.Greeter@20991[shanghai]"]);
    world.tagging = Tagging::Off;
    assert!(world.shown().is_empty());
    world.imports = imports(BesideLocal::Allowed);
    assert_eq!(world.shown(), ["com.acme.Greeter@20990", "com.acme.Greeter@20991"]);
}

#[test]
fn when_its_island_is_gone_the_tagged_node_stays_and_the_untagged_one_goes() {
    let mut world = World::new(vec![("shanghai", entry("com.acme.Greeter"))]);
    world.offered.clear();
    assert!(!world.observe());
    assert_eq!(world.shown(), ["com.acme.Greeter@20991[shanghai]"]);
}

#[test]
fn a_living_island_that_offers_other_services_replaces_what_was_remembered() {
    let mut world = World::new(vec![("shanghai", entry("com.acme.Greeter"))]);
    world.offered = vec![("shanghai".into(), Arc::new(entry("com.acme.Ledger")))];
    assert!(world.observe());
    assert_eq!(world.shown(), ["com.acme.Ledger@20990", "com.acme.Ledger@20991[shanghai]"]);
}

#[test]
fn of_what_nobody_imports_nothing_is_remembered() {
    let mut world = World::new(vec![("shanghai", entry("com.acme.Greeter")), ("shanghai", entry("org.other.Ledger"))]);
    assert_eq!(world.remembered.services().collect::<Vec<_>>(), [&key("com.acme.Greeter")]);
    world.offered.remove(0);
    assert!(world.observe());
    assert_eq!(world.remembered.services().count(), 0, "the island is there and does not offer it any more");
}

#[test]
fn what_is_remembered_survives_a_restart() {
    let mut world = World::new(vec![("shanghai", entry("com.acme.Greeter"))]);
    let kept = serde_json::to_vec(&world.remembered).unwrap();
    world.remembered = serde_json::from_slice(&kept).unwrap();
    world.offered.clear();
    assert_eq!(world.shown(), ["com.acme.Greeter@20991[shanghai]"]);
    let unbound = [Port { number: 20990, island: None }];
    assert!(world.remembered.observe(&unbound, &world.imports, &[]));
    assert!(world.shown().is_empty());
}

#[test]
fn several_gateways_make_one_node_that_none_of_them_contradicts() {
    let settings = |timeout_ms, retries| MethodSettings { timeout_ms, retries };
    let one = Entry {
        methods: vec!["greet".to_owned(), "bye".to_owned()],
        timeout_ms: Some(3000),
        retries: Some(2),
        serializations: vec!["fastjson2".to_owned(), "hessian2".to_owned()],
        per_method: [("greet".to_owned(), settings(Some(100), Some(1)))].into(),
        ..entry("com.acme.Greeter")
    };
    let two = Entry {
        timeout_ms: Some(1000),
        retries: Some(0),
        per_method: [("greet".to_owned(), settings(Some(900), Some(3)))].into(),
        ..entry("com.acme.Greeter")
    };
    let world = World::new(vec![("beijing", one), ("tokyo", two)]);
    let [node] = <[VirtualProvider; 1]>::try_from(world.desired()).unwrap();
    assert_eq!(node.methods, ["bye", "greet"]);
    assert_eq!((node.timeout, node.retries), (Some(Duration::from_secs(3)), Some(0)));
    assert_eq!(node.method_timeouts["greet"], Duration::from_millis(900));
    assert_eq!(node.method_retries["greet"], 1);
    assert_eq!(node.serializations, ["hessian2"]);
}

#[test]
fn where_one_gateway_does_not_know_the_methods_none_are_named() {
    let silent = Entry { methods: Vec::new(), ..entry("com.acme.Greeter") };
    let world = World::new(vec![("beijing", entry("com.acme.Greeter")), ("tokyo", silent)]);
    assert!(world.desired()[0].methods.is_empty());
}
