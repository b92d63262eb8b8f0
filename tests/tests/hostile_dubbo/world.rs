//! The one line of this binary: the programs, the healthy pair, the scripted providers, and what each test finds.

use std::net::{SocketAddr, TcpStream};

use highway_tests::healthy::{self, Beside, Stage};
use lab::install::Release;
use lab::line::{Line, Plan, Role};
use lab::peer::{Application, DUBBO_PORT, GREETING, Peer, Service};

use crate::scripted::{SCRIPTS, Script, Scripted};
use crate::talker::Talker;

/// Bodies that each gateway may hold: little, so that storms reach it.
const HELD_MIB: u64 = 32;

/// Everything, running.
pub struct World {
    pub line: Line,
    scripted: Vec<Scripted>,
    _provider: Peer,
}

/// A test's time with the world.
pub fn beside_a_healthy_caller() -> Beside<World> {
    static STAGE: Stage<World> = Stage::new();
    STAGE.beside_a_healthy_caller()
}

impl healthy::World for World {
    const ANSWER: &'static str = "Hello you, this is healthy";

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
        World { line, scripted, _provider: provider }
    }

    fn line(&self) -> &Line {
        &self.line
    }
}

impl World {
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
