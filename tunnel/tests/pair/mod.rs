//! A hub and gateways on loopback, each with a handler that notes what it sees and does what the test says.

#![allow(dead_code)] // each test file uses its part of it
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

pub mod relay;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use highway_tunnel::key::{PrivateKey, PublicKey};
use highway_tunnel::*;
use shard::{Budget, Shard};
use tokio::sync::Notify;
use wire::tunnel::catalogue::Update;
use wire::tunnel::{Failure, Head, Kind, Notice, Outcome, Stage};

/// Runs a test on a shard of its own.
pub fn on_shard<F: Future<Output = ()>>(test: impl FnOnce(Shard) -> F) {
    let runtime = shard::runtime().unwrap();
    runtime.block_on(async {
        let shard = Shard::on_this_thread(0);
        tokio::time::timeout(Duration::from_secs(60), test(shard)).await.expect("the test takes too long");
    });
}

/// A handler that notes everything, and answers each exchange with its own body unless told otherwise.
#[derive(Default)]
pub struct Noted {
    pub ups: RefCell<Vec<Link>>,
    pub downs: Cell<usize>,
    pub replies: RefCell<HashMap<u64, Vec<u8>>>,
    pub finished: RefCell<Vec<u64>>,
    pub failures: RefCell<HashMap<u64, Failure>>,
    pub opened: RefCell<Vec<(Link, ExchangeId)>>,
    pub cancelled: RefCell<Vec<ExchangeId>>,
    pub notices: RefCell<Vec<Notice>>,
    pub catalogues: RefCell<Vec<Update>>,
    /// Exchanges that are not answered.
    pub keeps: Cell<bool>,
    bodies: RefCell<HashMap<(u64, ExchangeId), Vec<u8>>>,
    changed: Notify,
}

impl Noted {
    pub fn new() -> Rc<Noted> {
        Rc::default()
    }

    /// Waits until `is_there` says so.
    pub async fn until(&self, what: &str, is_there: impl Fn(&Noted) -> bool) {
        self.within(Duration::from_secs(20), what, is_there).await
    }

    pub async fn within(&self, limit: Duration, what: &str, is_there: impl Fn(&Noted) -> bool) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if is_there(self) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(limit, wait).await.unwrap_or_else(|_| panic!("never happened: {what}"));
    }

    pub async fn link(&self) -> Link {
        self.until("a link is up", |noted| noted.ups.borrow().iter().any(Link::connected)).await;
        self.ups.borrow().iter().find(|link| link.connected()).cloned().unwrap()
    }

    fn note(&self) {
        self.changed.notify_waiters();
    }
}

impl Handler for Noted {
    fn up(&self, link: &Link) {
        self.ups.borrow_mut().push(link.clone());
        self.note();
    }

    fn down(&self, _: &Link) {
        self.downs.set(self.downs.get() + 1);
        self.note();
    }

    fn opened(&self, link: &Link, id: ExchangeId, open: Open<'_>) {
        Head::decode(open.head).unwrap();
        self.opened.borrow_mut().push((link.clone(), id));
        self.data(link, id, open.piece, open.end);
    }

    fn data(&self, link: &Link, id: ExchangeId, piece: &[u8], end: End) {
        link.consumed(id, piece.len());
        if end == End::No {
            self.bodies.borrow_mut().entry((link.id(), id)).or_default().extend_from_slice(piece);
        } else if !self.keeps.get() {
            let mut body = self.bodies.borrow_mut().remove(&(link.id(), id)).unwrap_or_default();
            body.extend_from_slice(piece);
            link.reply(id, &[&body], 7);
        }
        self.note();
    }

    fn cancelled(&self, _: &Link, id: ExchangeId) {
        self.cancelled.borrow_mut().push(id);
        self.note();
    }

    fn reply(&self, _: &Link, token: u64, reply: Reply<'_>) {
        self.replies.borrow_mut().entry(token).or_default().extend_from_slice(reply.piece);
        if reply.end == End::Yes {
            self.finished.borrow_mut().push(token);
        }
        self.note();
    }

    fn failed(&self, _: &Link, token: u64, failure: Failure) {
        let before = self.failures.borrow_mut().insert(token, failure);
        assert!(before.is_none(), "token {token} failed twice");
        self.note();
    }

    fn catalogue(&self, _: &Link, update: Update) {
        self.catalogues.borrow_mut().push(update);
        self.note();
    }

    fn notice(&self, _: &Link, notice: Notice) {
        self.notices.borrow_mut().push(notice);
        self.note();
    }

    fn drained(&self, _: &Link, _: ExchangeId, _: usize) {}
}

/// A list of keys that may link; everything else is refused in words.
pub struct Listed {
    pub keys: RefCell<Vec<(PublicKey, Role, &'static str)>>,
    pub takes_forms: Cell<bool>,
}

impl Directory for Listed {
    fn allow(&self, key: &PublicKey, hello: &ClientHello) -> Result<Peer, Refusal> {
        let keys = self.keys.borrow();
        let (key, role, island) = *keys
            .iter()
            .find(|(listed, ..)| listed == key)
            .ok_or_else(|| Refusal::new(RefusalReason::UnknownKey, format!("key {key} is not listed")))?;
        if island != hello.island {
            let text = format!("the key belongs to island {island}, not {}", hello.island);
            return Err(Refusal::new(RefusalReason::Island, text));
        }
        if role != hello.role {
            return Err(Refusal::new(RefusalReason::Role, format!("the key belongs to {role}, not {}", hello.role)));
        }
        Ok(Peer { role, island: island.into(), name: hello.gateway.as_str().into(), key })
    }

    fn takes_forms(&self, _: &Peer) -> bool {
        self.takes_forms.get()
    }
}

/// Keys and settings of one hub and one gateway.
#[derive(Clone)]
pub struct Pair {
    pub hub_key: Arc<PrivateKey>,
    pub gateway_key: Arc<PrivateKey>,
    pub directory: Rc<Listed>,
    pub accept: AcceptConfig,
    pub dial: DialConfig,
}

impl Pair {
    pub fn new() -> Pair {
        let hub_key = Arc::new(PrivateKey::generate().unwrap());
        let gateway_key = Arc::new(PrivateKey::generate().unwrap());
        let keys = RefCell::new(vec![(gateway_key.public().unwrap(), Role::Egress, "beijing")]);
        let directory = Rc::new(Listed { keys, takes_forms: Cell::new(false) });
        let accept = AcceptConfig {
            key: hub_key.clone(),
            hub: "hub-1".to_owned(),
            hubs: vec!["hub-1".to_owned()],
            start: 1,
            tls: None,
            seal: Seal::Off,
            directory: directory.clone(),
            exchanges: 10_000,
            ping: Duration::from_millis(400),
            connections: 100,
            of_one: OfOneKey { sessions: 64, held_len: 256 << 20 },
            budget: budget(),
            traffic: Traffic::default(),
            compress: Compress::Off,
        };
        let dial = DialConfig {
            hubs: Vec::new(),
            key: gateway_key.clone(),
            role: Role::Egress,
            island: "beijing".to_owned(),
            gateway: "out-1".to_owned(),
            start: 2,
            seal: Seal::Off,
            exchanges: 10_000,
            ping: Duration::from_millis(400),
            budget: budget(),
            traffic: Traffic::default(),
            memory: None,
        };
        Pair { hub_key, gateway_key, directory, accept, dial }
    }

    /// A hub on a port of its own.
    pub fn hub(&self, shard: &Shard, handler: &Rc<Noted>) -> Acceptor {
        self.hub_at(shard, handler, "127.0.0.1:0".parse().unwrap())
    }

    pub fn hub_at(&self, shard: &Shard, handler: &Rc<Noted>, address: SocketAddr) -> Acceptor {
        let listener = std::net::TcpListener::bind(address).unwrap();
        accept(shard, listener, self.accept.clone(), handler.clone()).unwrap()
    }

    pub fn address(&self, at: SocketAddr, transport: Transport) -> HubAddress {
        let plain = HubAddress::new(format!("http://{at}"), vec![self.hub_key.public().unwrap()]);
        HubAddress { transport, compress: self.accept.compress, ..plain }
    }

    /// A gateway that dials `at`.
    pub fn gateway(&self, shard: &Shard, handler: &Rc<Noted>, at: SocketAddr, transport: Transport) -> Dialer {
        let hubs = vec![self.address(at, transport)];
        dial(shard, DialConfig { hubs, ..self.dial.clone() }, handler.clone())
    }

    /// A hub, and a gateway that dials it through a relay.
    pub async fn relayed(&self, shard: &Shard, transport: Transport) -> Relayed {
        let (at_hub, at_gateway) = (Noted::new(), Noted::new());
        let hub = self.hub(shard, &at_hub);
        let relay = relay::Relay::start(shard, &[hub.local()]).await;
        let dialer = self.gateway(shard, &at_gateway, relay.local, transport);
        Relayed { at_hub, at_gateway, hub, relay, dialer }
    }
}

/// Both ends of links through a relay. They go when these are dropped.
pub struct Relayed {
    pub at_hub: Rc<Noted>,
    pub at_gateway: Rc<Noted>,
    pub hub: Acceptor,
    pub relay: Rc<relay::Relay>,
    pub dialer: Dialer,
}

/// A head with ten seconds left.
pub fn head(body_len: usize) -> Vec<u8> {
    head_with(Head { body_len: body_len as u32, remaining_ms: 10_000, ..Head::default() })
}

pub fn head_with(head: Head<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    Head {
        protocol: Head::DUBBO,
        destination: "shanghai",
        service: "com.example.GreetingService",
        method: "sayHello",
        ..head
    }
    .encode_into(&mut out)
    .unwrap();
    out
}

/// A body that differs at every place and with every seed.
pub fn body(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// A frame of names that repeat, and between them of what is another each time.
pub fn named(number: u64, len: usize) -> Vec<u8> {
    let mut frame = [&[7; 4][..], &number.to_be_bytes(), &[0; 4]].concat();
    for at in 0.. {
        if frame.len() >= len {
            break;
        }
        let own = (number + at).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        frame.extend(format!("fieldName{}={own}", at % 20).bytes());
    }
    frame.truncate(len);
    frame
}

pub fn not_offered() -> Failure {
    Failure::new(Stage::Pick, Kind::NotOffered, Outcome::NotSent, "nobody offers it")
}

pub fn budget() -> Budget {
    Budget::new(1 << 30)
}
