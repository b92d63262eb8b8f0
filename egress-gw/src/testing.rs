//! One shard at a real socket with a scripted link, for tests: consumers' bytes in, consumers' bytes out.
//!
//! Long because: one stage is made, once, for the tests of the whole crate.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use arc_swap::ArcSwap;
use chassis::metrics::Metrics;
use route::rules::Rules;
use route::{BesideLocal, Health, ImportRule, Imports, Known, Offer, Snapshot, Verdict, View};
use shard::{Budget, Shard};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tunnel::{End, Reply};
use wire::dubbo::frame::{Codec, HEADER_LEN, Header, Serialization, Status};
use wire::dubbo::request::{Arg, Request};
use wire::tunnel::catalogue::ServiceKey;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};
use wire::tunnel::head::Head;
use wire::tunnel::{Keyed, ReplyHead};

use crate::config::{Limits, Tagging};
use crate::core::{Core, Parts, Stamps};
use crate::deadline::Timeouts;
use crate::entrance::Entrance;
use crate::fallback::{Fallback, Routing};
use crate::held::Allowance;
use crate::knowledge::Knowledge;
use crate::links::{Exchange, Uplink};
use crate::local::Local;
use crate::status::{Counters, Families};
use crate::tags::Tags;

mod providers;

pub use providers::{
    InOrder, accepted, accepted_with_tls, closed_port, knowing, local_of, local_of_services, local_with, provider_port,
    with_providers,
};

/// Everything that is waited for comes in far less.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a test on a shard's runtime.
pub fn on_shard(test: impl Future<Output = ()> + 'static) {
    let runtime = shard::runtime().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE * 2, test).await.expect("the test ends in time");
    });
}

/// How a gate is made.
pub struct GateBuilder {
    pub limits: Limits,
    pub timeouts: Timeouts,
    pub chain: Vec<Box<dyn Fallback>>,
    pub knowledge: Knowledge,
    pub bound: Option<&'static str>,
    pub links: Vec<&'static str>,
    pub held_len: usize,
    pub entrance: Entrance,
    pub listen: &'static str,
}

/// One shard of the gateway with a port.
pub struct Gate {
    pub core: Rc<Core>,
    pub address: SocketAddr,
    pub links: Vec<Rc<FakeLink>>,
}

impl Default for GateBuilder {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            timeouts: Timeouts { link_wait: Duration::from_millis(60), ..Timeouts::default() },
            chain: vec![Box::new(Routing)],
            knowledge: Knowledge { snapshot: Arc::new(snapshot(1)), ..Knowledge::default() },
            bound: None,
            links: vec!["hub-1"],
            held_len: Limits::default().held_len,
            entrance: Entrance::default(),
            listen: "127.0.0.1:0",
        }
    }
}

/// Island `cloud`; shanghai offers Greeter, which is imported.
pub fn snapshot(generation: u64) -> Snapshot {
    snapshot_with(generation, HashSet::new())
}

fn snapshot_with(generation: u64, local: HashSet<Keyed>) -> Snapshot {
    Snapshot::new(generation, Known { local, ..known(&["shanghai"]) })
}

/// The same of these islands, under these rules.
pub fn snapshot_ruled(generation: u64, islands: &[&str], rules: Rules) -> Snapshot {
    Snapshot::new(generation, Known { rules: Arc::new(rules), ..known(islands) })
}

/// The same where `local` are the providers of this island.
pub fn snapshot_ruled_beside(generation: u64, islands: &[&str], rules: Rules, local: &Local) -> Snapshot {
    Snapshot::new(generation, Known { rules: Arc::new(rules), local: providers::served(local), ..known(islands) })
}

fn known(islands: &[&str]) -> Known {
    let key = ServiceKey { interface: "com.acme.Greeter".to_owned(), ..ServiceKey::default() };
    let offer = |island: &&str| (key.clone().into(), Offer { island: (*island).into(), health: Health::Healthy });
    let rule = ImportRule {
        island: "*".parse().unwrap(),
        service: "com.acme.*".parse().unwrap(),
        verdict: Verdict::Import,
        beside_local: BesideLocal::Never,
        idempotent: vec!["get*".parse().unwrap()],
    };
    Known {
        own_island: "cloud".into(),
        view: View::Complete,
        imports: Imports::new(vec![rule]),
        offers: islands.iter().map(offer).collect(),
        ..Known::default()
    }
}

impl GateBuilder {
    /// Opens the port. Must be called on a shard's runtime.
    pub fn open(self) -> Gate {
        let shard = Shard::on_this_thread(0);
        let core = Core::new(Parts {
            shard,
            limits: self.limits,
            timeouts: self.timeouts,
            knowledge: Arc::new(ArcSwap::from_pointee(self.knowledge)),
            counters: Counters::new(&Families::new(&Metrics::new())),
            allowance: Allowance::new(Budget::new(self.held_len)),
            stamps: Stamps { start: 77, next: Cell::new(0), step: 1 },
            tags: Tags::new(Tagging::ByIsland, &[]),
            chain: self.chain,
            connections: Arc::new(AtomicUsize::new(0)),
            entrance: Arc::new(ArcSwap::from_pointee(self.entrance)),
        });
        crate::listen::run_clocks(&core);
        let address = open_port(&core, self.listen, self.bound);
        let gate =
            Gate { core, address, links: (1..).zip(self.links).map(|(id, hub)| FakeLink::new(id, hub)).collect() };
        for link in &gate.links {
            gate.core.links.add(link.clone());
        }
        gate
    }
}

fn open_port(core: &Rc<Core>, listen: &str, island: Option<&'static str>) -> SocketAddr {
    let listener = std::net::TcpListener::bind(listen).unwrap();
    let address = listener.local_addr().unwrap();
    let (accepts, island) = (core.clone(), island.map(Arc::from));
    let accept = move |peer: SocketAddr, _: SocketAddr| accepts.accept(peer, island.as_ref());
    core.shard.run(shard::listen(&core.shard, listener, accept).unwrap());
    address
}

impl Gate {
    /// The only link.
    pub fn link(&self) -> &FakeLink {
        &self.links[0]
    }

    /// Another port, bound to `island`.
    pub fn port(&self, island: &'static str) -> SocketAddr {
        open_port(&self.core, "127.0.0.1:0", Some(island))
    }

    /// A consumer's connection.
    pub async fn consumer(&self) -> Peer {
        Peer::connect(self.address).await
    }

    /// The island answers the call with this token.
    pub fn reply(&self, token: u64, frame: &[u8]) {
        let head = ReplyHead { body_len: frame.len() as u32, provider_us: 1 };
        self.core.reply(token, Reply { head: Some(head), piece: frame, end: End::Yes });
    }
}

/// A link that keeps what is sent on it.
pub struct FakeLink {
    id: u64,
    hub: &'static str,
    pub usable: Cell<bool>,
    /// The next call is refused with this.
    pub refuses: RefCell<Option<Failure>>,
    pub opened: RefCell<Vec<Opened>>,
    pub cancelled: Cell<usize>,
}

/// A call that was sent.
#[derive(Debug, Clone)]
pub struct Opened {
    pub head: Vec<u8>,
    pub frame: Vec<u8>,
    pub token: u64,
}

impl Opened {
    pub fn head(&self) -> Head<'_> {
        Head::decode(&self.head).unwrap()
    }
}

impl FakeLink {
    pub fn new(id: u64, hub: &'static str) -> Rc<Self> {
        Rc::new(Self {
            id,
            hub,
            usable: Cell::new(true),
            refuses: RefCell::default(),
            opened: RefCell::default(),
            cancelled: Cell::new(0),
        })
    }

    /// Waits until `count` calls were sent, and returns them.
    pub async fn calls(&self, count: usize) -> Vec<Opened> {
        until(|| self.opened.borrow().len() >= count).await;
        assert_eq!(self.opened.borrow().len(), count);
        self.opened.borrow().clone()
    }
}

impl Uplink for FakeLink {
    fn id(&self) -> u64 {
        self.id
    }
    fn hub(&self) -> &str {
        self.hub
    }
    fn usable(&self) -> bool {
        self.usable.get()
    }
    fn open(&self, head: &[u8], body: &[u8], token: u64) -> Result<Exchange, Failure> {
        if let Some(failure) = self.refuses.borrow_mut().take() {
            return Err(failure);
        }
        self.opened.borrow_mut().push(Opened { head: head.to_vec(), frame: body.to_vec(), token });
        Ok(Exchange(None))
    }
    fn cancel(&self, _: Exchange) {
        self.cancelled.set(self.cancelled.get() + 1);
    }
}

/// Gives the shard turns until `done`.
pub async fn until(done: impl Fn() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it happens in time");
}

/// A consumer that says what the test says.
pub struct Peer {
    stream: Box<dyn Stream>,
}

/// What a consumer's bytes go through: a socket, or TLS on one.
pub trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

impl Peer {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: Box::new(TcpStream::connect(address).await.unwrap()) }
    }

    /// With TLS, as `dubbo.ssl` makes a consumer.
    pub async fn connect_with_tls(address: SocketAddr, config: Arc<rustls::ClientConfig>) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = shard::tls::ServerName::try_from("localhost").unwrap();
        Ok(Self { stream: Box::new(tokio_rustls::TlsConnector::from(config).connect(name, stream).await?) })
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next whole frame.
    pub async fn frame(&mut self) -> Vec<u8> {
        let read = async {
            let mut frame = vec![0; HEADER_LEN];
            self.stream.read_exact(&mut frame).await.unwrap();
            let header = Header::decode(&frame).unwrap().unwrap();
            frame.resize(header.frame_len(), 0);
            self.stream.read_exact(&mut frame[HEADER_LEN..]).await.unwrap();
            frame
        };
        tokio::time::timeout(PATIENCE, read).await.expect("a frame comes")
    }

    /// The next frame as status, id and text.
    pub async fn answer(&mut self) -> Told {
        told(&self.frame().await)
    }

    /// A heartbeat comes back as the very next frame: nothing else was answered.
    pub async fn nothing_but_a_heartbeat(&mut self) {
        let mut asked = Vec::new();
        wire::dubbo::frame::put_heartbeat_request(&mut asked, 4242, Codec::Hessian2);
        self.send(&asked).await;
        let frame = self.frame().await;
        let header = Header::decode(&frame).unwrap().unwrap();
        assert!(header.is_event() && header.id == 4242, "{header:?}");
    }

    /// The gateway closes the connection without another byte.
    pub async fn closed(&mut self) {
        let mut rest = Vec::new();
        let read =
            tokio::time::timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await.expect("it is closed in time");
        assert!(read.is_err() || rest.is_empty(), "{rest:?}");
    }
}

/// What a consumer was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub id: i64,
    pub status: Status,
    pub serialization: Serialization,
    /// The error text, or the message of the exception.
    pub text: String,
}

fn told(frame: &[u8]) -> Told {
    let header = Header::decode(frame).unwrap().unwrap();
    let body = &frame[HEADER_LEN..];
    assert!(!body.is_empty(), "an empty body ends a dubbo-go session");
    let text = match header.status() {
        Status::OK => {
            let answer = wire::dubbo::answer::peek(&header, body).unwrap().unwrap();
            assert_eq!(answer.kind, wire::dubbo::answer::AnswerType::Exception);
            readable(&body[answer.value])
        }
        _ => wire::dubbo::answer::error_text(&header, body).unwrap().into_owned(),
    };
    Told { id: header.id, status: header.status(), serialization: header.serialization(), text }
}

/// The text inside an exception, without the bytes around it.
fn readable(exception: &[u8]) -> String {
    let text = String::from_utf8_lossy(exception).into_owned();
    let from = text.find("highway: ").expect("a text of the gateway");
    let end = text[from..].find(')').map_or(text.len(), |end| from + end + 1);
    text[from..end].to_owned()
}

/// A call of `method` with its id and attachments.
pub fn call(id: i64, method: &str, attachments: &[(&str, &str)]) -> Vec<u8> {
    call_in(Codec::Hessian2, "com.acme.Greeter", id, method, "bo", attachments)
}

/// A call of any service, in any serialization.
pub fn call_in(
    codec: Codec,
    service: &str,
    id: i64,
    method: &str,
    text: &str,
    attachments: &[(&str, &str)],
) -> Vec<u8> {
    let mut out = Vec::new();
    Request {
        codec,
        service,
        version: None,
        group: None,
        method,
        types: "Ljava/lang/String;",
        args: &[Arg::Text(text)],
        attachments,
    }
    .append(&mut out, id);
    out
}

/// The same call, wanting no answer.
pub fn one_way(mut frame: Vec<u8>) -> Vec<u8> {
    frame[2] &= !0x40;
    frame
}

/// A provider's OK reply with an id of its own.
pub fn ok_reply(value: &[u8]) -> Vec<u8> {
    let mut body = vec![0x91];
    body.extend_from_slice(value);
    let mut frame = Header::reply(Serialization::HESSIAN2, Status::OK, 999, body.len() as u32).encode().to_vec();
    frame.extend_from_slice(&body);
    frame
}

/// A failure as it comes over a link.
pub fn failure(stage: Stage, kind: Kind, outcome: Outcome) -> Failure {
    Failure::new(stage, kind, outcome, "said over the link")
}
