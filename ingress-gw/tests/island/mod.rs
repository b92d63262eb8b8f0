//! An island around the real gateway: a hub that opens calls over a real link, and providers that follow a script.
//!
//! ```text
//!  Calling ─▶ Hub ══ link ══ Island (the gateway) ─dubbo─▶ Provider ─▶ Connection
//! ```
//!
//! Everything runs in the one process of the test; no ZooKeeper is needed.
#![allow(dead_code, unused_imports)] // each test file uses its own part
#![allow(clippy::unwrap_used)] // tests, but clippy does not know it of a module of theirs

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use chassis::drain::Teller;
use chassis::{Process, Program};
use highway_ingress_gw::IngressGateway;
use shard::Shard;
use tunnel::key::PrivateKey;
use tunnel::{AcceptConfig, Acceptor, Seal, Traffic};

mod calling;
mod hub;
mod provider;

pub use calling::Calling;
pub use hub::{Ended, Hub};
pub use provider::{Connection, EXPORTED, Provider, certificate, read_call, section, value_for};

use hub::Only;

pub const SERVICE: &str = "com.acme.Greeter";

/// The id that the caller's own connection gave the call: only the gateway there may see another one.
pub const CALLERS_ID: i64 = -42;

/// What is longer goes as `byte[]`: text is written character by character, and an unoptimised test would keep the one
/// thread that it shares with hub and link for seconds.
const LONG_LEN: usize = 10_000;

/// Runs a test on a shard, for at most a minute.
pub fn on_a_shard<F: Future<Output = ()>>(test: impl FnOnce(Shard) -> F) {
    shard::runtime().unwrap().block_on(async {
        let shard = Shard::on_this_thread(0);
        tokio::time::timeout(Duration::from_secs(60), test(shard)).await.expect("the test took over a minute");
    });
}

/// Lets everything that is ready run until `done` holds.
pub async fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A hub, and the gateway linked to it.
pub struct Island {
    pub hub: Rc<Hub>,
    pub process: Process,
    pub teller: Option<Teller>,
    pub gateway: IngressGateway,
    acceptor: Acceptor,
    pub folder: tempfile::TempDir,
    front: String,
}

impl Island {
    /// Starts hub and gateway; `rest` is the configuration behind the sections that every gateway has.
    pub async fn start(shard: &Shard, rest: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (hub_key, key) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
        secret(&folder.path().join("gateway.key"), &key.to_text());
        let hub = Rc::new(Hub::default());
        let config = AcceptConfig {
            key: Arc::new(hub_key.clone()),
            hub: "hub-1".into(),
            hubs: vec!["hub-1".into()],
            start: 1,
            tls: None,
            seal: Seal::Off,
            directory: Rc::new(Only(key.public().unwrap())),
            exchanges: 10_000,
            ping: Duration::from_secs(2),
            connections: 100,
            of_one: tunnel::OfOneKey { sessions: 64, held_len: 256 << 20 },
            budget: shard::Budget::new(1 << 30),
            traffic: Traffic::default(),
            compress: tunnel::Compress::Off,
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let acceptor = tunnel::accept(shard, listener, config, hub.clone()).unwrap();
        let front = format!(
            "shards = 1\n[island]\nid = \"shanghai\"\ngateway = \"in-1\"\n[link]\nkey_file = \"gateway.key\"\nseal = \"off\"\n\
             [[hub]]\nurl = \"http://{}\"\nkey = [\"{}\"]\n[state]\ndir = \"state\"\n[admin]\nlisten = []\n",
            acceptor.local(),
            hub_key.public().unwrap(),
        );
        let (process, teller) = Process::alone();
        let settled = settle(folder.path(), &format!("{front}{rest}"));
        let gateway = highway_ingress_gw::start(settled, process.clone()).await.unwrap();
        Self { hub, process, teller: Some(teller), gateway, acceptor, folder, front }
    }

    /// As an operator who changes the file.
    pub async fn reload(&mut self, rest: &str) -> anyhow::Result<()> {
        let settled = settle(self.folder.path(), &format!("{}{rest}", self.front));
        self.gateway.reload(settled).await
    }

    /// A call from island `beijing`: its head says what its frame says.
    pub async fn call(&self, call: &Calling<'_>) -> u64 {
        let link = self.hub.link().await;
        let frame = call.frame();
        self.hub.open(&link, &call.head(&frame), &frame)
    }

    /// Waits until the hub was told of `service`.
    pub async fn is_offered(&self, service: &str) {
        self.hub.until(|hub| hub.offered().iter().any(|offered| offered == service).then_some(())).await;
    }
}

fn secret(path: &Path, content: &str) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn settle(folder: &Path, text: &str) -> highway_ingress_gw::config::Config {
    let file = folder.join("ingress-gw.toml");
    let settled = chassis::config::settle_text(&file, text, &[], IngressGateway::settle);
    settled.unwrap_or_else(|mistakes| panic!("{mistakes}")).config
}
