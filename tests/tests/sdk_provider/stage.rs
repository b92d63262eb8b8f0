//! One Java application of each release, which consumes and provides, and a provider of ours that all of them call.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use highway_sdk::Codec;
use highway_sdk::provider::{Builder, Provider, Service};
use highway_tests::matrix::SERVICES;
use highway_tests::matrix::cases::Case;
use lab::Lab;
use lab::install::{self, Release};
use lab::net::Place;
use lab::peer::{self, Application, INTEROP, Peer, Refer, Runtime};
use lab::process::together;
use lab::zookeeper::ZooKeeper;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::services;

/// What both sides greet with.
pub const LABEL: &str = "the lab";
const ISLAND: &str = "a";
/// For one case, longer than all its calls may take.
const CASE: Duration = Duration::from_secs(120);

pub struct Stage {
    pub consumers: Vec<Consumer>,
    _provider: Provider,
    lab: Lab,
}

/// A Java application.
pub struct Consumer {
    pub peer: Peer,
    name: String,
    calls: BTreeSet<String>,
    /// Where it provides, and where ours does.
    own: String,
    ours: String,
    /// What it calls in.
    codec: Codec,
    made: Mutex<BTreeSet<String>>,
}

/// A runtime for handlers that lives as long as the process.
pub fn runtime() -> Handle {
    static RUNTIME: OnceLock<Handle> = OnceLock::new();
    let start = || {
        let (handle_in, handle) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            handle_in.send(runtime.handle().clone()).unwrap();
            runtime.block_on(std::future::pending::<()>());
        });
        handle.recv().unwrap()
    };
    RUNTIME.get_or_init(start).clone()
}

/// `dubbo://…` of a provider.
pub fn url(address: SocketAddr) -> String {
    format!("dubbo://{address}")
}

/// All of it, once for the process.
pub fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| {
        let lab = Lab::new(&[ISLAND]).unwrap();
        let services = applications().into_iter().flat_map(|(release, codec)| {
            let name = ours(&name(release, codec));
            services::all().into_iter().map(move |service| service.group(&name).version(&name))
        });
        let provider = start(lab.net.island(ISLAND), services.collect());
        let address = url(provider.address());
        let start = |(application, port)| Ok(Consumer::start(application, port, &lab, &address));
        let consumers = together(applications().into_iter().zip(30880..).collect(), start).unwrap();
        Stage { consumers, _provider: provider, lab }
    })
}

/// Each release, and once more those that call in fastjson2 where the address says so.
fn applications() -> Vec<(Release, Codec)> {
    let with_fastjson2 = [Release::V3_2_16, Release::V3_3_6].map(|release| (release, Codec::Fastjson2));
    Release::ALL.into_iter().map(|release| (release, Codec::Hessian2)).chain(with_fastjson2).collect()
}

/// What an application is called.
fn name(release: Release, codec: Codec) -> String {
    format!("{}{}", release.version(), if codec == Codec::Fastjson2 { "-fastjson2" } else { "" })
}

/// Group and version of our services for the consumer of this name: as long as its own, so that all frames are.
fn ours(name: &str) -> String {
    format!("{}x", &name[..name.len() - 1])
}

/// The address of a provider, for calls in this serialization.
fn called_in(codec: Codec, url: String) -> String {
    match codec {
        Codec::Hessian2 => url,
        Codec::Fastjson2 => format!("{url}?serialization=fastjson2&prefer.serialization=fastjson2"),
    }
}

/// A provider of these at a free port of the place.
fn of(place: &Place, services: Vec<Service>) -> Builder {
    let address = (place.address(), 0);
    let listener = place.inside(|| TcpListener::bind(address)).unwrap().unwrap();
    let builder = Provider::builder().application("ours").listener(listener);
    services.into_iter().fold(builder, Builder::serve)
}

fn start(place: &Place, services: Vec<Service>) -> Provider {
    runtime().block_on(of(place, services).start()).unwrap()
}

impl Stage {
    /// A dubbo-go consumer with the reference `interop` to ours; none where there is no Go.
    pub fn golang(&self) -> Option<Peer> {
        if let Some(reason) = install::no_go() {
            println!("LEFT OUT: dubbo-go: {reason}");
            return None;
        }
        let place = self.lab.net.island(ISLAND);
        let peer =
            Application::new("go-consumer", Runtime::Go).start(place, &self.lab.tools, self.lab.folder()).unwrap();
        peer.refer(&self.consumers[0].refer("interop", INTEROP)).unwrap();
        Some(peer)
    }

    /// Another provider of ours in the island.
    pub fn another(&self, services: Vec<Service>) -> Provider {
        start(self.lab.net.island(ISLAND), services)
    }

    /// Another one, in a registry of the island.
    pub fn registered(&self, zookeeper: &ZooKeeper, services: Vec<Service>) -> Provider {
        self.registered_with(zookeeper, services, |builder| builder)
    }

    /// The same of which more is said.
    pub fn registered_with(
        &self,
        zookeeper: &ZooKeeper,
        services: Vec<Service>,
        more: impl FnOnce(Builder) -> Builder,
    ) -> Provider {
        let place = self.lab.net.island(ISLAND);
        let builder = more(of(place, services).registry(&zookeeper.url()));
        let started = async {
            let provider = builder.start().await.unwrap();
            provider.registered().await.unwrap();
            provider
        };
        // Its threads stay in the island where they are made.
        place.inside(|| runtime().block_on(started)).unwrap()
    }

    /// The registry of the island.
    pub fn zookeeper(&self) -> ZooKeeper {
        self.lab.zookeeper(ISLAND).unwrap()
    }

    /// A consumer that asks this registry.
    pub fn consumer(&self, release: Release, zookeeper: &ZooKeeper) -> Peer {
        let application = Application::new(&format!("consumer-{}", release.version()), release);
        let application = application.registry(zookeeper.url());
        application.start(self.lab.net.island(ISLAND), &self.lab.tools, self.lab.folder()).unwrap()
    }
}

impl Consumer {
    fn start((release, codec): (Release, Codec), port: u16, lab: &Lab, ours: &str) -> Consumer {
        let name = name(release, codec);
        let place = lab.net.island(ISLAND);
        let address = place.listen(port).unwrap();
        let service = |interface| peer::Service::new(interface, LABEL).group(&name).version(&name);
        let application = Application::new(&format!("app-{name}"), release).port(address.port());
        let application = SERVICES.into_iter().map(service).fold(application, Application::service);
        let peer = application.start(place, &lab.tools, lab.folder()).unwrap();
        let able = peer.ask(json!({ "op": "cases" }), CASE).unwrap();
        let calls = serde_json::from_value(able["calls"].clone()).unwrap();
        let (own, ours) = (called_in(codec, url(address.into())), called_in(codec, ours.to_owned()));
        Consumer { peer, name, calls, own, ours, codec, made: Mutex::default() }
    }

    /// What it calls in.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// The same address with what says so.
    pub fn at(&self, url: String) -> String {
        called_in(self.codec, url)
    }

    /// The release, and `fastjson2` where it calls in that.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A reference of this name to an interface of ours.
    pub fn refer(&self, name: &str, interface: &str) -> Refer {
        let at = ours(&self.name);
        Refer::new(name, interface).group(&at).version(&at).url(&self.ours).patient().retries(0)
    }

    /// A reference of this name to an interface of its own provider.
    pub fn refer_to_its_own(&self, name: &str, interface: &str) -> Refer {
        self.refer(name, interface).group(&self.name).version(&self.name).url(&self.own).remote()
    }

    /// Whether it knows this case.
    pub fn calls(&self, case: &Case) -> bool {
        self.calls.contains(case.name)
    }

    /// What it saw of a case with its own provider.
    pub fn with_its_own(&self, case: &Case) -> Value {
        self.case(case, &self.name, &self.own)
    }

    /// What it saw of a case with ours.
    pub fn with_ours(&self, case: &Case) -> Value {
        self.case(case, &ours(&self.name), &self.ours)
    }

    fn case(&self, case: &Case, at: &str, address: &str) -> Value {
        for kind in case.references {
            if self.made.lock().unwrap().insert(format!("{kind:?}@{at}")) {
                self.peer.refer(&kind.refer(at).url(address)).unwrap();
            }
        }
        let key = format!("{}-{at}", case.name);
        let asked = json!({ "op": "case", "name": case.name, "at": at, "key": key });
        self.peer.ask(asked, CASE).unwrap()["outcomes"].take()
    }
}
