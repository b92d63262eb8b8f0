//! Two islands, each with a Java application that provides and calls, and a hub between them. Examples run in the first.
//!
//! ```text
//!   shanghai: examples, Java 3.3.6, ZooKeeper, egress, ingress  ⇔  hub  ⇔  beijing: Java 2.7.23, the same
//! ```
//! Both applications serve the same, so an answer says which island gave it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lab::install::Release;
use lab::line::{Line, Plan};
use lab::net::Place;
use lab::peer::{Application, DUBBO_PORT, GREETING, INTEROP, Peer, Service, TYPES};
use lab::process::{Process, Stdout, together, until};
use lab::program::folder;

/// What a busy machine does not reach.
pub const PATIENT: Duration = Duration::from_secs(60);

pub struct Stage {
    pub line: Line,
    /// Of shanghai and of beijing.
    pub peers: [Peer; 2],
}

/// All of it, once for the process.
pub fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| {
        // With a port of its own beijing stands in shanghai's registry beside shanghai's own providers.
        let line = Line::start(Plan::new("shanghai", "beijing").port("shanghai", "beijing", 20991)).unwrap();
        let applications = vec![("shanghai", Release::V3_3_6), ("beijing", Release::V2_7_23)];
        let peers = together(applications, |(island, release)| {
            let application = Application::new(&format!("java-{island}"), release)
                .port(line.island(island).place().listen(DUBBO_PORT)?.port())
                .service(patient(GREETING, island))
                .service(patient(INTEROP, island));
            // Something that beijing alone has: for it the egress stands in shanghai's registry with its port for any island.
            let alone = (island == "beijing").then(|| Service::new(TYPES, island));
            line.application(island, alone.into_iter().fold(application, Application::service))
        });
        let peers = peers.unwrap().try_into().unwrap();
        [GREETING, INTEROP, TYPES].into_iter().for_each(|each| line.island("shanghai").finds(each).unwrap());
        Stage { line, peers }
    })
}

/// A service that says of itself that calls may take long, for those of a busy machine that say nothing.
fn patient(interface: &str, island: &str) -> Service {
    Service::new(interface, island).parameter("timeout", &PATIENT.as_millis().to_string())
}

impl Stage {
    /// Where examples run.
    pub fn place(&self) -> &Place {
        self.line.island("shanghai").place()
    }

    /// The registry, as a newcomer writes it.
    pub fn registry(&self) -> String {
        self.line.island("shanghai").zookeeper.address().to_string()
    }

    /// Starts an example with the registry and these arguments, and where it says so with a target for all its calls.
    pub fn start(&self, example: &str, arguments: &[&str], target: Option<&str>) -> Process {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let name = format!("{example}-{}", STARTED.fetch_add(1, Ordering::Relaxed));
        let mut command = self.place().command(folder().unwrap().join(example));
        command.arg(self.registry()).args(arguments).envs(target.map(|target| ("HIGHWAY_TARGET", target)));
        Process::start(&name, self.line.lab.folder(), command, Stdout::Logged).unwrap()
    }

    /// What an example prints that ends by itself, and well.
    pub fn prints(&self, example: &str, arguments: &[&str], target: Option<&str>) -> String {
        let process = self.start(example, arguments, target);
        let status = process.wait(PATIENT).unwrap();
        assert!(status.success(), "{status}\n{}", process.last_words(40));
        process.log()
    }

    /// Waits until a running example has printed this.
    pub fn printed(&self, process: &Process, text: &str) {
        let words = || process.log().contains(text).then_some(());
        until(text, PATIENT, words).map_err(|error| error.context(process.last_words(40))).unwrap();
    }
}
