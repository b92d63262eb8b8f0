//! The one line of this binary, the hostile island beside it, and the guard that each test works under.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use highway_tests::install::Release;
use highway_tests::line::{Grant, Line, Plan, Role as Half, Watched};
use highway_tests::net::Place;
use highway_tests::peer::{Application, Call, DUBBO_PORT, GREETING, Peer, Refer, Service};
use highway_tests::process::until;
use highway_tests::program::{Program, highway};
use serde_json::{Value, json};
use shard::{Budget, Shard};
use tunnel::key::{PrivateKey, PublicKey};
use tunnel::scripted::Scripted;
use tunnel::{DialConfig, HubAddress, Role, Seal, Transport};

const TIMEOUT: Duration = Duration::from_secs(10);
/// What any program may have over what it had idle, in MiB.
const OVER_IDLE_MIB: u64 = 64;
/// The island whose gateways are hostile. Its keys are listed, and it may call `b` and be called by `a`.
pub const MALLORY: &str = "mallory";
/// An island that mallory may call and that takes nothing.
pub const SINK: &str = "sink";
/// No healthy call may take longer, on a busy machine and in a debug build.
const SLOWEST: Duration = Duration::from_secs(6);

/// Everything, running.
pub struct World {
    pub line: Line,
    pub hub: SocketAddr,
    hub_key: PublicKey,
    pub egress_key: Arc<PrivateKey>,
    pub ingress_key: Arc<PrivateKey>,
    pub revoked_key: Arc<PrivateKey>,
    sink_key: Arc<PrivateKey>,
    idle: Vec<u64>,
    healthy: Mutex<Healthy>,
    _provider: Peer,
}

#[derive(Debug, Default, Clone)]
struct Healthy {
    calls: u64,
    failed: Vec<String>,
    slowest: Duration,
}

/// A test's time with the world; [`Beside::nobody_noticed`] ends it.
pub struct Beside {
    pub world: &'static World,
    what: &'static str,
    before: Healthy,
    memory: Vec<u64>,
    watched: Watched<'static>,
    _mine: MutexGuard<'static, ()>,
}

/// The world, for one test at a time.
pub fn beside_a_healthy_caller(what: &'static str) -> Beside {
    static WORLD: OnceLock<World> = OnceLock::new();
    static ONE: Mutex<()> = Mutex::new(());
    let mine = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let is_new = WORLD.get().is_none();
    let world = WORLD.get_or_init(World::start);
    if is_new {
        let consumer = world.consumer();
        std::thread::spawn(move || world.call_for_ever(&consumer));
    }
    world.some_calls();
    world.healthy().slowest = Duration::ZERO;
    let before = world.healthy().clone();
    Beside { world, what, before, memory: world.memory(), watched: world.line.watched(), _mine: mine }
}

impl Beside {
    /// The healthy caller went on all the time, nothing failed or was slow, and no program took more memory than it may.
    pub fn nobody_noticed(self) {
        let world = self.world;
        world.some_calls();
        let now = world.healthy().clone();
        println!("{}: {} healthy calls, slowest {:?}", self.what, now.calls - self.before.calls, now.slowest);
        println!("  {:<16} {:>6} {:>6} {:>6} {:>6}  MiB", "program", "idle", "before", "peak", "after");
        let after = world.memory();
        for (at, program) in world.programs().iter().enumerate() {
            let (idle, peak) = (world.idle[at], program.peak_memory().unwrap() >> 20);
            println!("  {:<16} {idle:>6} {:>6} {peak:>6} {:>6}", program.name(), self.memory[at], after[at]);
            assert!(peak <= idle + OVER_IDLE_MIB, "{} took {peak} MiB in {}, idle {idle}", program.name(), self.what);
        }
        assert!(now.failed.len() == self.before.failed.len(), "the healthy caller noticed: {:?}", now.failed);
        assert!(now.slowest < SLOWEST, "a healthy call took {:?}", now.slowest);
        drop(self.watched);
    }

    /// What the hub's metrics page says of one counter.
    pub fn counter(&self, name: &str) -> f64 {
        let page = self.world.line.hub.metrics().unwrap();
        let line = page.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {page}"));
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    }
}

impl World {
    fn start() -> World {
        let plan = Plan::of(&["a", "b", "m"])
            .gateways(Half::Egress, "m", 0)
            .gateways(Half::Ingress, "m", 0)
            .imports("a", &[GREETING])
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
        let (idle, healthy) = (Vec::new(), Mutex::default());
        let mut world = World {
            line,
            hub,
            hub_key,
            egress_key,
            ingress_key,
            revoked_key,
            sink_key,
            idle,
            healthy,
            _provider: provider,
        };
        let is_known = || world.line.hub.status().ok().filter(|status| status["hub"]["islands"] == 5);
        until("the hub knows mallory", Duration::from_secs(20), is_known).unwrap();
        world.idle = world.memory();
        world
    }

    fn consumer(&self) -> Peer {
        let consumer = self.line.application("a", Application::new("consumer", Release::V3_3_6)).unwrap();
        consumer.refer(&Refer::new("greeting", GREETING).timeout(TIMEOUT).retries(0)).unwrap();
        consumer
    }

    fn call_for_ever(&self, consumer: &Peer) {
        let call = Call::new("greeting", "sayHello", [json!("you")]);
        loop {
            let answer = consumer.call(&call);
            let mut healthy = self.healthy();
            healthy.calls += 1;
            match answer {
                Ok(answer) => {
                    healthy.slowest = healthy.slowest.max(answer.elapsed());
                    if answer.result != json!("Hello you, this is b") {
                        healthy.failed.push(format!("{answer:?}"));
                    }
                }
                Err(error) => return healthy.failed.push(format!("{error:#}")),
            }
            drop(healthy);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn healthy(&self) -> MutexGuard<'_, Healthy> {
        self.healthy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn some_calls(&self) {
        let from = self.healthy().calls;
        until("some healthy calls", Duration::from_secs(60), || (self.healthy().calls > from + 5).then_some(()))
            .unwrap();
    }

    fn programs(&self) -> Vec<&Program> {
        let gateways = ["a", "b"].into_iter().flat_map(|island| self.line.island(island).gateways());
        [&self.line.hub].into_iter().chain(gateways).collect()
    }

    fn memory(&self) -> Vec<u64> {
        self.programs().iter().map(|program| program.memory().unwrap() >> 20).collect()
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
        let hub = HubAddress {
            url: format!("http://{}", self.hub),
            server_name: None,
            keys: vec![self.hub_key],
            tls: None,
            transport: Transport::Ws,
        };
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
        }
    }

    /// The one gateway of the island that takes nothing.
    pub async fn sink(&self, shard: &Shard) -> Scripted {
        let (island, key) = (SINK.to_owned(), self.sink_key.clone());
        Scripted::link(shard, &DialConfig { island, key, ..self.gateway(Role::Ingress) }).await.unwrap()
    }

    /// A link of the hostile island.
    pub async fn link(&self, shard: &Shard, role: Role) -> Scripted {
        Scripted::link(shard, &self.gateway(role)).await.unwrap()
    }

    /// How many links the hub has with it.
    pub fn links(&self) -> usize {
        let status = self.line.hub.status().unwrap();
        status["hub"]["links"].as_array().unwrap().iter().filter(|link| link["island"] == MALLORY).count()
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
