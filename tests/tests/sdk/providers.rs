//! One island with a ZooKeeper and a provider on each line of Dubbo, and the SDK in it.

use std::sync::OnceLock;
use std::time::Duration;

use highway_sdk::{CallOptions, Codec, Highway, Service};
use lab::Lab;
use lab::install::Release;
use lab::peer::{Application, DUBBO_PORT, GREETING, INTEROP, Peer, Service as Exported, TYPES};
use lab::process::together;
use lab::zookeeper::ZooKeeper;

/// What a busy machine does not reach.
pub const PATIENT: Duration = Duration::from_secs(30);

/// What has a provider read fastjson2 and nothing else.
pub const ONLY_FASTJSON2: [&str; 2] =
    ["-Ddubbo.protocol.serialization=fastjson2", "-Ddubbo.protocol.prefer-serialization=fastjson2"];
/// Releases that can.
pub const WITH_FASTJSON2: [Release; 2] = [Release::V3_2_16, Release::V3_3_6];
/// One that cannot.
pub const WITHOUT: Release = Release::V2_7_23;
/// A group in which one provider reads hessian2 alone and others fastjson2 alone.
pub const MIXED: &str = "mixed";

pub struct Providers {
    lab: Lab,
    zookeeper: ZooKeeper,
    peers: Vec<Peer>,
    _others: Vec<Peer>,
}

/// Each release offers its services in a group of its version; `GreetingService` has a version of its own besides.
pub fn providers() -> &'static Providers {
    static ALL: OnceLock<Providers> = OnceLock::new();
    ALL.get_or_init(|| start().unwrap())
}

fn start() -> anyhow::Result<Providers> {
    let lab = Lab::new(&["a"])?;
    let zookeeper = lab.zookeeper("a")?;
    let place = lab.net.island("a");
    let numbered: Vec<(u16, Release)> = (0..).zip(Release::ALL).collect();
    let peers = together(numbered, |(number, release)| {
        Application::new(&format!("provider-{}", release.version()), release)
            .registry(zookeeper.url())
            .port(port(number))
            .service(Exported::new(INTEROP, release.version()).group(release.version()))
            .service(Exported::new(TYPES, release.version()).group(release.version()))
            .service(Exported::new(GREETING, release.version()).group(release.version()).version("1.0.0"))
            .start(place, &lab.tools, lab.folder())
    })?;
    let numbered: Vec<(u16, Release)> = (FASTJSON2..).zip(WITH_FASTJSON2.into_iter().chain([WITHOUT])).collect();
    let others = together(numbered, |(number, release)| {
        let application = Application::new(&format!("provider-{}-other", release.version()), release)
            .registry(zookeeper.url())
            .port(port(number))
            .service(Exported::new(GREETING, release.version()).group(MIXED));
        let application = match release {
            WITHOUT => application,
            _ => {
                let interop = Exported::new(INTEROP, release.version()).group(&in_fastjson2(release));
                ONLY_FASTJSON2.into_iter().fold(application.service(interop), Application::flag)
            }
        };
        application.start(place, &lab.tools, lab.folder())
    })?;
    Ok(Providers { lab, zookeeper, peers, _others: others })
}

/// The first number of a provider that reads fastjson2 alone.
const FASTJSON2: u16 = Release::ALL.len() as u16;

/// The group of a provider that reads fastjson2 alone.
fn in_fastjson2(release: Release) -> String {
    format!("{}-fastjson2", release.version())
}

fn port(number: u16) -> u16 {
    DUBBO_PORT + number
}

impl Providers {
    /// Does something on each release, with a service that was found in the registry and with one that was given the address; the same on
    /// those with fastjson2 where they read nothing else.
    pub fn on_each(&self, does: impl Fn(&Service, Release) + Sync) {
        let place = self.lab.net.island("a");
        place
            .inside(|| {
                let highway = self.highway();
                for (number, release) in (0..).zip(Release::ALL) {
                    let interop = || highway.service(INTEROP).group(release.version());
                    does(&interop().build().unwrap(), release);
                    let address = format!("{}:{}", place.address(), port(number));
                    does(&interop().address(&address).build().unwrap(), release);
                }
                self.with_fastjson2(&highway, Codec::Fastjson2, &does);
            })
            .unwrap();
    }

    /// Does something on each provider that reads fastjson2 alone; where its address is given, calls are written in `codec`.
    pub fn with_fastjson2(&self, highway: &Highway, codec: Codec, mut does: impl FnMut(&Service, Release)) {
        let place = self.lab.net.island("a");
        for (number, release) in (FASTJSON2..).zip(WITH_FASTJSON2) {
            let interop = || highway.service(INTEROP).group(&in_fastjson2(release));
            does(&interop().build().unwrap(), release);
            let address = format!("{}:{}", place.address(), port(number));
            let options = CallOptions::new().serialization(codec);
            does(&interop().address(&address).options(options).build().unwrap(), release);
        }
    }

    /// Does something with the SDK in this island.
    pub fn inside(&self, does: impl FnOnce(&Highway) + Send) {
        self.lab.net.island("a").inside(|| does(&self.highway())).unwrap();
    }

    /// Does something with `TypesService` on each release, which tells what it received.
    pub fn on_each_with_types(&self, does: impl Fn(&Service, &Peer, Release) + Sync) {
        let inside = || {
            let highway = self.highway();
            for (peer, release) in self.peers.iter().zip(Release::ALL) {
                does(&highway.service(TYPES).group(release.version()).build().unwrap(), peer, release);
            }
        };
        self.lab.net.island("a").inside(inside).unwrap();
    }

    /// What the operator's command says of this island's registry.
    ///
    /// # Errors
    /// It refuses; its words are in the error.
    pub fn says(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let address = self.zookeeper.address().to_string();
        self.lab.net.island("a").highway(&[arguments, &["--registry", &address]].concat())
    }

    /// Gives the registry's own command line these lines.
    pub fn write(&self, lines: &[&str]) {
        self.zookeeper.command_line(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()).unwrap();
    }

    /// The SDK in this island. Only inside of it.
    pub fn highway(&self) -> Highway {
        let address = self.zookeeper.url();
        Highway::builder()
            .application("rust-consumer")
            .registry(&address)
            .options(CallOptions::new().timeout(PATIENT))
            .build()
            .unwrap()
    }
}

/// Waits for a future on this thread.
pub fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
