//! A hub that is scripted by the names of methods, behind a real link, and a consumer at a real socket.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use shard::Shard;
use tunnel::key::{PrivateKey, PublicKey};
use tunnel::{
    AcceptConfig, ClientHello, Directory, End, ExchangeId, Handler, Link, Open, Peer, Refusal, RefusalReason, Reply,
    Seal, Traffic,
};
use wire::dubbo::frame::{Codec, HEADER_LEN, Header, Serialization, Status};
use wire::dubbo::request::{Arg, Request};
use wire::tunnel::catalogue::{Entry, Origin, ServiceKey, Update};
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};
use wire::tunnel::head::{Flags, Head};
use wire::tunnel::notice::Notice;

/// Everything that is waited for comes in far less.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the hub saw of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub destination: String,
    pub service: String,
    pub method: String,
    pub frame_len: usize,
    pub one_way: bool,
}

/// A hub on a thread of its own.
pub struct Hub {
    pub address: SocketAddr,
    pub key: PublicKey,
    orders: mpsc::Sender<Order>,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    pub cancelled: Arc<Mutex<usize>>,
}

type Order = Box<dyn FnOnce(&HubState) + Send>;

/// Head and bytes of a call that comes in pieces.
type Body = (Vec<u8>, Vec<u8>);

struct HubState {
    links: RefCell<Vec<Link>>,
    bodies: RefCell<HashMap<(u64, u64), Body>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    cancelled: Arc<Mutex<usize>>,
    offered: RefCell<Update>,
}

struct AnyEgress;

impl Directory for AnyEgress {
    fn allow(&self, key: &PublicKey, hello: &ClientHello) -> Result<Peer, Refusal> {
        if hello.island != "cloud" {
            return Err(Refusal::new(RefusalReason::Island, "only cloud is known here"));
        }
        Ok(Peer {
            role: hello.role,
            island: hello.island.as_str().into(),
            name: hello.gateway.as_str().into(),
            key: *key,
        })
    }
}

impl Hub {
    /// A hub that offers `services` of island shanghai, on a port of the system's choice or on `address`.
    pub fn start(key: &PrivateKey, address: Option<SocketAddr>, services: &[&str]) -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        let listener = std::net::TcpListener::bind(address.unwrap_or(any)).unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, cancelled) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let (orders, received) = mpsc::channel::<Order>();
        let public = key.public().unwrap();
        let hub = Self { address, key: public, orders, seen: seen.clone(), cancelled: cancelled.clone() };
        let (key, offered) = (Arc::new(key.clone()), snapshot(services));
        std::thread::spawn(move || {
            shard::runtime().unwrap().block_on(async move {
                let shard = Shard::on_this_thread(0);
                let state = Rc::new(HubState {
                    links: RefCell::default(),
                    bodies: RefCell::default(),
                    seen,
                    cancelled,
                    offered: RefCell::new(offered),
                });
                let config = AcceptConfig {
                    key,
                    hub: "hub-1".to_owned(),
                    hubs: vec!["hub-1".to_owned()],
                    start: 1,
                    tls: None,
                    seal: Seal::Auto,
                    directory: Rc::new(AnyEgress),
                    exchanges: 10_000,
                    ping: Duration::from_secs(2),
                    connections: 100,
                    of_one: tunnel::OfOneKey { sessions: 64, held_len: 256 << 20 },
                    budget: shard::Budget::new(1 << 30),
                    traffic: Traffic::default(),
                    compress: tunnel::Compress::Off,
                };
                let _acceptor = tunnel::accept(&shard, listener, config, Rc::new(Scripted(state.clone()))).unwrap();
                loop {
                    match received.try_recv() {
                        Ok(order) => order(&state),
                        Err(mpsc::TryRecvError::Empty) => tokio::time::sleep(Duration::from_millis(2)).await,
                        Err(mpsc::TryRecvError::Disconnected) => return,
                    }
                }
            });
        });
        hub
    }

    /// Offers other services from now on.
    pub fn offer(&self, services: &[&str]) {
        let mut offered = snapshot(services);
        self.order(move |state| {
            offered.revision = state.offered.borrow().revision + 1;
            for link in state.links.borrow().iter() {
                link.send_catalogue(&offered).unwrap();
            }
            *state.offered.borrow_mut() = offered;
        });
    }

    /// Tells a difference from a revision that it never told; a new link is told everything, which is nothing.
    pub fn leave_a_gap(&self) {
        self.order(move |state| {
            let offered = Update { revision: 9, ..snapshot(&[]) };
            for link in state.links.borrow().iter() {
                link.send_catalogue(&Update { base: 8, ..offered.clone() }).unwrap();
            }
            *state.offered.borrow_mut() = offered;
        });
    }

    fn order(&self, order: impl FnOnce(&HubState) + Send + 'static) {
        self.orders.send(Box::new(order)).unwrap();
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn snapshot(services: &[&str]) -> Update {
    let entry = |name: &&str| Entry {
        key: ServiceKey { interface: (*name).to_owned(), ..ServiceKey::default() },
        healthy: true,
        gateway: "in-1".to_owned(),
        ..Entry::default()
    };
    Update {
        origin: Origin { island: "shanghai".to_owned(), gateway: "in-1".to_owned(), start: 1 },
        revision: 1,
        base: 0,
        added: services.iter().map(entry).collect(),
        removed: Vec::new(),
        complete: true,
    }
}

struct Scripted(Rc<HubState>);

impl Scripted {
    fn whole(&self, link: &Link, id: ExchangeId, head: &[u8], frame: &[u8]) {
        let head = Head::decode(head).unwrap();
        self.0.seen.lock().unwrap().push(Seen {
            destination: head.destination.to_owned(),
            service: head.service.to_owned(),
            method: head.method.to_owned(),
            frame_len: frame.len(),
            one_way: head.flags.contains(Flags::ONE_WAY),
        });
        let fail = |kind, outcome| {
            link.fail(id, &Failure::new(Stage::Pick, kind, outcome, "the provider in shanghai went away"));
        };
        match head.method {
            _ if head.flags.contains(Flags::ONE_WAY) => {}
            "silent" => {}
            "gone" => fail(Kind::ProviderGone, Outcome::Unknown),
            "forbidden" => fail(Kind::NotGranted, Outcome::NotSent),
            "big" => link.reply(id, &[&ok_reply(&vec![b'x'; 3 << 20])], 5),
            _ => link.reply(id, &[&ok_reply(b"\x02hi")], 5),
        }
    }
}

impl Handler for Scripted {
    fn up(&self, link: &Link) {
        link.send_catalogue(&self.0.offered.borrow()).unwrap();
        link.notify(&Notice::CatalogueTold);
        self.0.links.borrow_mut().push(link.clone());
    }
    fn down(&self, link: &Link) {
        self.0.links.borrow_mut().retain(|other| other != link);
    }
    fn opened(&self, link: &Link, id: ExchangeId, open: Open<'_>) {
        match open.end {
            End::Yes => self.whole(link, id, open.head, open.piece),
            End::No => {
                link.consumed(id, open.piece.len());
                let body = (open.head.to_vec(), open.piece.to_vec());
                self.0.bodies.borrow_mut().insert((link.id(), id.number()), body);
            }
        }
    }
    fn data(&self, link: &Link, id: ExchangeId, piece: &[u8], end: End) {
        link.consumed(id, piece.len());
        let key = (link.id(), id.number());
        let mut bodies = self.0.bodies.borrow_mut();
        let body = bodies.get_mut(&key).unwrap();
        body.1.extend_from_slice(piece);
        if end == End::Yes {
            let (head, frame) = bodies.remove(&key).unwrap();
            drop(bodies);
            self.whole(link, id, &head, &frame);
        }
    }
    fn cancelled(&self, _: &Link, _: ExchangeId) {
        *self.0.cancelled.lock().unwrap() += 1;
    }
    fn reply(&self, _: &Link, _: u64, _: Reply<'_>) {}
    fn failed(&self, _: &Link, _: u64, _: Failure) {}
    fn catalogue(&self, _: &Link, _: Update) {}
    fn notice(&self, _: &Link, _: Notice) {}
    fn drained(&self, _: &Link, _: ExchangeId, _: usize) {}
}

/// A provider's OK reply.
pub fn ok_reply(value: &[u8]) -> Vec<u8> {
    let mut frame = Header::reply(Serialization::HESSIAN2, Status::OK, 999, 1 + value.len() as u32).encode().to_vec();
    frame.push(0x91);
    frame.extend_from_slice(value);
    frame
}

/// `egress-gw.toml` with its key, in `folder`.
pub fn configure(folder: &Path, hub: &Hub, more: &str) -> String {
    let key = PrivateKey::generate().unwrap().to_text();
    let mut file = std::fs::OpenOptions::new();
    let mut file = file.write(true).create(true).truncate(true).mode(0o600).open(folder.join("egress.key")).unwrap();
    file.write_all(key.as_bytes()).unwrap();
    format!(
        r#"
shards = 2
[island]
id = "cloud"
gateway = "egress-1"
[link]
key_file = "egress.key"
[[hub]]
url = "http://{}"
key = ["{}"]
[state]
dir = "state"
{more}"#,
        hub.address, hub.key
    )
}

/// A consumer's connection.
pub struct Consumer(TcpStream);

impl Consumer {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    pub fn send(&mut self, id: i64, method: &str, text: &str, attachments: &[(&str, &str)]) {
        self.0.write_all(&call(id, method, text, attachments)).unwrap();
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    pub fn frame(&mut self) -> Vec<u8> {
        let mut frame = vec![0; HEADER_LEN];
        self.0.read_exact(&mut frame).unwrap();
        let header = Header::decode(&frame).unwrap().unwrap();
        frame.resize(header.frame_len(), 0);
        self.0.read_exact(&mut frame[HEADER_LEN..]).unwrap();
        frame
    }

    /// Status and everything readable of the next answer.
    pub fn answer(&mut self) -> (i64, Status, String) {
        let frame = self.frame();
        let header = Header::decode(&frame).unwrap().unwrap();
        (header.id, header.status(), String::from_utf8_lossy(&frame[HEADER_LEN..]).into_owned())
    }

    /// Whether the gateway has closed the connection.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0; 64]), Ok(0) | Err(_))
    }
}

/// A call of com.acme.Greeter.
pub fn call(id: i64, method: &str, text: &str, attachments: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    let request = Request {
        codec: Codec::Hessian2,
        service: "com.acme.Greeter",
        version: None,
        group: None,
        method,
        types: "Ljava/lang/String;",
        args: &[Arg::Text(text)],
        attachments,
    };
    request.append(&mut out, id);
    out
}

/// Waits until `done`.
pub async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < PATIENCE, "{what} does not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
