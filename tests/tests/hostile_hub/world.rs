//! The one line of this binary, the hostile island beside it, and what each test finds.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use highway_tests::healthy::{self, Beside, Stage};
use lab::install::Release;
use lab::line::{Grant, Line, Plan, Role as Half};
use lab::net::Place;
use lab::peer::{Application, DUBBO_PORT, GREETING, Peer, Service};
use lab::process::until;
use lab::program::highway;
use serde_json::Value;
use shard::{Budget, Shard};
use tunnel::key::{PrivateKey, PublicKey};
use tunnel::scripted::Scripted;
use tunnel::{DialConfig, HubAddress, Role, Seal, Traffic};

/// The island whose gateways are hostile. Its keys are listed, and it may call `b` and be called by `a`.
pub const MALLORY: &str = "mallory";
/// An island that mallory may call and that takes nothing.
pub const SINK: &str = "sink";

/// Everything, running.
pub struct World {
    pub line: Line,
    pub hub: SocketAddr,
    hub_key: PublicKey,
    pub egress_key: Arc<PrivateKey>,
    pub ingress_key: Arc<PrivateKey>,
    pub revoked_key: Arc<PrivateKey>,
    sink_key: Arc<PrivateKey>,
    _provider: Peer,
}

/// A test's time with the world.
pub fn beside_a_healthy_caller() -> Beside<World> {
    static STAGE: Stage<World> = Stage::new();
    STAGE.beside_a_healthy_caller()
}

impl healthy::World for World {
    const ANSWER: &'static str = "Hello you, this is b";

    fn start() -> World {
        let plan = Plan::of(&["a", "b", "m"])
            .gateways(Half::Egress, "m", 0)
            .gateways(Half::Ingress, "m", 0)
            .imports("a", &[GREETING])
            .also_hub("compress = \"on\"\n")
            .grants(vec![
                Grant::new("honest", "a", "b", &["com.example.*"]),
                Grant::new("to-mallory", "a", MALLORY, &["com.example.*"]),
                Grant::new("to-sink", MALLORY, SINK, &["com.example.*"]),
                Grant::new("from-mallory", MALLORY, "b", &["com.example.*"]),
            ]);
        let line = Line::start(plan).unwrap();
        let keys = [(); 4].map(|()| Arc::new(PrivateKey::generate().unwrap()));
        let listed = |id: &str, role: &str, key: &PrivateKey, more: &str| {
            let key = key.public().unwrap();
            format!("  [[island.gateway]]\n  id = \"{id}\"\n  role = \"{role}\"\n  key = \"{key}\"\n{more}")
        };
        let mut islands = std::fs::read_to_string(line.hub.folder().join("islands.toml")).unwrap();
        islands += &format!("[[island]]\nid = \"{MALLORY}\"\n");
        islands += &listed("out", "egress", &keys[0], "");
        islands += &listed("in", "ingress", &keys[1], "");
        islands += &listed("old", "egress", &keys[2], "  revoked = true\n");
        islands += &format!("[[island]]\nid = \"{SINK}\"\n");
        islands += &listed("in", "ingress", &keys[3], "");
        line.hub.write("islands.toml", &islands).unwrap();
        let file = line.hub.folder().join("highway.key").display().to_string();
        let hub_key = highway(&["key", "show", &file]).unwrap().trim().parse().unwrap();
        let hub = std::fs::read_to_string(line.hub.configuration()).unwrap();
        let hub = hub.split_once("listen = [\"").unwrap().1.split_once('"').unwrap().0.parse().unwrap();
        let port = line.island("b").place().listen(DUBBO_PORT).unwrap().port();
        let provider = Application::new("provider", Release::V3_3_6).port(port).service(Service::new(GREETING, "b"));
        let provider = line.application("b", provider).unwrap();
        line.island("a").finds(GREETING).unwrap();
        let [egress_key, ingress_key, revoked_key, sink_key] = keys;
        let world = World { line, hub, hub_key, egress_key, ingress_key, revoked_key, sink_key, _provider: provider };
        let is_known = || world.line.hub.status().ok().filter(|status| status["hub"]["islands"] == 5);
        until("the hub knows mallory", Duration::from_secs(20), is_known).unwrap();
        world
    }

    fn line(&self) -> &Line {
        &self.line
    }
}

impl World {
    /// What the hub's metrics page says of one counter.
    pub fn counter(&self, name: &str) -> f64 {
        let page = self.line.hub.metrics().unwrap();
        let line = page.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {page}"));
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    }

    /// Where the hostile island's processes would run.
    pub fn place(&self) -> &Place {
        self.line.island("m").place()
    }

    /// Runs a script from there.
    pub fn hostile<F: Future<Output = ()>>(&self, script: impl FnOnce(Shard) -> F + Send) {
        let work = || shard::runtime().unwrap().block_on(async { script(Shard::on_this_thread(0)).await });
        self.place().inside(work).unwrap();
    }

    /// A gateway of the hostile island, as it would be configured.
    pub fn gateway(&self, role: Role) -> DialConfig {
        let (gateway, key) = match role {
            Role::Ingress => ("in", &self.ingress_key),
            _ => ("out", &self.egress_key),
        };
        let hub = HubAddress::new(format!("http://{}", self.hub), vec![self.hub_key]);
        DialConfig {
            hubs: vec![hub],
            key: key.clone(),
            role,
            island: MALLORY.to_owned(),
            gateway: gateway.to_owned(),
            start: 1,
            seal: Seal::Auto,
            exchanges: 1000,
            ping: Duration::from_secs(2),
            budget: Budget::new(1 << 30),
            traffic: Traffic::default(),
            memory: None,
        }
    }

    /// The one gateway of the island that takes nothing.
    pub async fn sink(&self, shard: &Shard) -> Scripted {
        let (island, key) = (SINK.to_owned(), self.sink_key.clone());
        Scripted::link(shard, &DialConfig { island, key, ..self.gateway(Role::Ingress) }).await.unwrap()
    }

    /// A link of the hostile island.
    pub async fn link(&self, shard: &Shard, role: Role) -> Scripted {
        self.link_with(shard, role, 0).await
    }

    /// A link of the hostile island, of a release that knows these features.
    pub async fn link_with(&self, shard: &Shard, role: Role, features: u64) -> Scripted {
        Scripted::link_with(shard, &self.gateway(role), features).await.unwrap()
    }

    /// How many links the hub has with it, those included that have lost their connection and may still be resumed: what an
    /// earlier test left lives on for half a minute.
    pub fn links(&self) -> usize {
        self.links_that(|_| true)
    }

    /// How many of them are connected.
    pub fn connected(&self) -> usize {
        self.links_that(|link| link["connected"] == true)
    }

    fn links_that(&self, are: impl Fn(&Value) -> bool) -> usize {
        let status = self.line.hub.status().unwrap();
        let all = status["hub"]["links"].as_array().unwrap();
        all.iter().filter(|link| link["island"] == MALLORY && are(link)).count()
    }

    /// How many services the hub keeps of an island.
    pub fn offers(&self, island: &str) -> u64 {
        let status = self.line.hub.status().unwrap();
        let offers = status["hub"]["offers"].as_array().unwrap().iter();
        offers.filter(|offer| offer["island"] == island).filter_map(|offer| offer["services"].as_u64()).sum()
    }

    /// The audit's lines of calls from the hostile island.
    pub fn audit(&self) -> Vec<Value> {
        self.line.audit().unwrap().into_iter().filter(|line| line["from"] == MALLORY).collect()
    }
}
