//! The control loop between a hub and registries that tell what the test says. It has no shard, no socket and no clock of its own.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use chassis::Process;
use chassis::drain::Teller;
use chassis::state::StateDir;
use tokio::sync::{mpsc, oneshot};
use wire::tunnel::catalogue::{Entry, Origin, ServiceKey, Update};
use zk_bridge::{Consumer, Provider};

use super::registry::FakeRegistry;
use super::until;
use crate::config::{Config, Import};
use crate::control::{Change, Control, Outside};
use crate::knowledge::Knowledge;
use crate::listen::{Event, Inbox, Order};
use crate::local::LocalTls;
use crate::site::Site;

/// The loop of one gateway of island `cloud`, and what it is connected to.
pub struct World {
    pub registry: Arc<FakeRegistry>,
    pub inbox: Arc<Inbox>,
    pub knowledge: Arc<ArcSwap<Knowledge>>,
    pub orders: mpsc::Receiver<Order>,
    changes: mpsc::Sender<(Change, oneshot::Sender<()>)>,
    pub teller: Teller,
    pub process: Process,
    pub import: Import,
    pub folder: tempfile::TempDir,
    pub running: tokio::task::JoinHandle<anyhow::Result<()>>,
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
    pub fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    pub fn start_in(folder: tempfile::TempDir) -> Self {
        Self::start_with(folder, Vec::new())
    }

    /// With more registries than the first.
    pub fn start_with(folder: tempfile::TempDir, more: Vec<Arc<FakeRegistry>>) -> Self {
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

    pub fn hub_offers(&self, services: &[&str]) {
        self.inbox.put(Event::Up { link: 1, hub: "hub-1".to_owned() });
        self.hub_tells(1, 0, services);
    }

    pub fn hub_tells(&self, revision: u64, base: u64, services: &[&str]) {
        self.hub_tells_of("shanghai", revision, base, services);
    }

    pub fn hub_tells_of(&self, island: &str, revision: u64, base: u64, services: &[&str]) {
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

    pub fn registry_shows(&self, generation: u64, providers: Vec<Provider>, consumers: Vec<Consumer>) {
        self.registry.view.send_replace(Arc::new(zk_bridge::View::of(generation, providers, consumers)));
    }

    /// The configuration is changed to this import, and taken to use.
    pub async fn imports(&self, import: Import) {
        let (done_in, done) = oneshot::channel();
        self.changes.send((Change { import, local_tls: LocalTls::default() }, done_in)).await.unwrap();
        done.await.unwrap();
    }

    /// `interface@port` of what is published.
    pub fn published(&self) -> Option<Vec<String>> {
        let desired = self.registry.desired.lock().unwrap().clone()?;
        assert_eq!((desired.gateway.as_str(), desired.epoch), ("egress-1", 7));
        Some(desired.providers.iter().map(|node| format!("{}@{}", node.key.interface, node.port)).collect())
    }

    pub async fn publishes(&self, wanted: &[&str]) {
        until(|| self.published().is_some_and(|nodes| nodes == wanted)).await;
    }
}
