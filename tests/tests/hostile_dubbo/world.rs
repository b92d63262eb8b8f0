//! The one line of this binary: the programs, the healthy pair, the scripted providers, and the guard that each test works under.

use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use highway_tests::install::Release;
use highway_tests::line::{Line, Plan, Role, Watched};
use highway_tests::peer::{Application, Call, DUBBO_PORT, GREETING, Peer, Refer, Service};
use highway_tests::process::until;
use serde_json::json;

use crate::scripted::{SCRIPTS, Script, Scripted};
use crate::talker::Talker;

/// No healthy call may take longer: far below its timeout, far above what a busy machine needs.
const SLOWEST: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);
/// One round of the healthy caller.
const ROUND: Duration = Duration::from_millis(150);
/// Bodies that each gateway may hold: little, so that storms reach it.
pub const HELD_MIB: u64 = 32;

/// Everything, running.
pub struct World {
    pub line: Line,
    scripted: Vec<Scripted>,
    healthy: Mutex<Healthy>,
    _provider: Peer,
}

/// What the healthy caller has seen.
#[derive(Debug, Default, Clone)]
struct Healthy {
    rounds: u64,
    ok: u64,
    failed: u64,
    slowest: Duration,
    errors: Vec<String>,
}

/// A test's time with the world. [`Beside::nobody_noticed`] ends it.
pub struct Beside {
    pub world: &'static World,
    watched: Watched<'static>,
    before: Healthy,
    _mine: MutexGuard<'static, ()>,
}

/// The world, for one test at a time.
pub fn beside_a_healthy_caller() -> Beside {
    static WORLD: OnceLock<World> = OnceLock::new();
    static ONE: Mutex<()> = Mutex::new(());
    let mine = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let is_new = WORLD.get().is_none();
    let world = WORLD.get_or_init(World::start);
    if is_new {
        let consumer = world.consumer();
        std::thread::spawn(move || world.call_for_ever(&consumer));
    }
    world.rounds(2);
    world.healthy().slowest = Duration::ZERO;
    let before = world.healthy().clone();
    Beside { world, watched: world.line.watched(), before, _mine: mine }
}

impl Beside {
    /// The healthy caller went on calling all the time, and nothing failed or was slow.
    pub fn nobody_noticed(self) {
        self.world.rounds(2);
        let after = self.world.healthy().clone();
        let (ok, failed) = (after.ok - self.before.ok, after.failed - self.before.failed);
        println!("healthy caller: {ok} calls, {failed} failed, slowest {:?}", after.slowest);
        assert_eq!(failed, 0, "the healthy caller noticed: {:?}", after.errors);
        assert!(ok > 0 && after.slowest < SLOWEST, "{after:?}");
        drop(self.watched);
    }
}

impl World {
    fn start() -> World {
        let limits = format!("\n[limits]\nheld = \"{HELD_MIB}MiB\"\n");
        let plan = Plan::new("a", "b").also(Role::Egress, "a", &limits).also(Role::Ingress, "b", &limits);
        let line = Line::start(plan).unwrap();
        let place = line.island("b").place();
        let port = place.listen(DUBBO_PORT).unwrap().port();
        let provider =
            Application::new("healthy-provider", Release::V3_3_6).port(port).service(Service::new(GREETING, "healthy"));
        let scripted: Vec<Scripted> = SCRIPTS.iter().map(|script| Scripted::start(place, *script)).collect();
        crate::registry::register(&line.island("b").zookeeper, place, &scripted);
        let provider = line.application("b", provider).unwrap();
        line.island("a").finds(GREETING).unwrap();
        for one in &scripted {
            line.island("a").finds(one.service()).unwrap();
        }
        World { line, scripted, healthy: Mutex::default(), _provider: provider }
    }

    fn consumer(&self) -> Peer {
        let consumer = self.line.application("a", Application::new("healthy-consumer", Release::V3_3_6)).unwrap();
        consumer.refer(&Refer::new("greeting", GREETING).timeout(TIMEOUT).retries(0)).unwrap();
        consumer.call(&Call::new("greeting", "sayHello", [json!("first")])).unwrap().returned();
        consumer
    }

    fn call_for_ever(&self, consumer: &Peer) {
        let calls = Call::new("greeting", "sayHello", [json!("you")]).lasting(2, ROUND, Duration::from_millis(2));
        while let Ok(tally) = consumer.many(&calls) {
            let mut healthy = self.healthy();
            healthy.rounds += 1;
            healthy.ok += tally.ok;
            healthy.failed += tally.failed;
            healthy.slowest = healthy.slowest.max(tally.slowest());
            healthy.errors.extend(tally.errors.into_keys());
        }
        let mut healthy = self.healthy();
        healthy.failed += 1;
        healthy.errors.push("the healthy consumer's process is gone".to_owned());
    }

    fn healthy(&self) -> MutexGuard<'_, Healthy> {
        self.healthy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for so many rounds of the healthy caller to end: the first may have begun before.
    fn rounds(&self, count: u64) {
        let wanted = self.healthy().rounds + count;
        until("rounds of the healthy caller", Duration::from_secs(60), || {
            (self.healthy().rounds >= wanted).then_some(())
        })
        .unwrap();
    }

    /// The egress gateway's Dubbo port.
    pub fn address(&self) -> SocketAddr {
        self.line.island("a").egress_url().strip_prefix("dubbo://").unwrap().parse().unwrap()
    }

    /// A consumer of island a that says what the test says.
    pub fn dial(&self) -> Talker {
        self.dial_many(1).pop().unwrap()
    }

    /// Many of them.
    pub fn dial_many(&self, count: usize) -> Vec<Talker> {
        let address = self.address();
        let dial = || (0..count).map(|_| TcpStream::connect(address).unwrap()).collect::<Vec<_>>();
        self.line.island("a").place().inside(dial).unwrap().into_iter().map(Talker::new).collect()
    }

    /// The provider with this script.
    pub fn scripted(&self, script: Script) -> &Scripted {
        self.scripted.iter().find(|one| one.script() == script).unwrap()
    }
}
