//! An island around the real gateway: a hub that opens calls over a real link, and providers that follow a script.
//!
//! Long because: hub, gateway, provider and call are one stage, and each test file needs all of it.
#![allow(dead_code)] // each test file uses its own part
#![allow(clippy::unwrap_used)] // tests, but clippy does not know it of a module of theirs

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use chassis::drain::Teller;
use chassis::{Process, Program};
use highway_ingress_gw::IngressGateway;
use shard::Shard;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tunnel::key::{PrivateKey, PublicKey};
use tunnel::{
    AcceptConfig, Acceptor, ClientHello, Directory, End, ExchangeId, Handler, Link, Open, Peer, Refusal, Reply, Seal,
};
use wire::dubbo::call::{Call, Peeked, peek};
use wire::dubbo::frame::{Codec, HEADER_LEN, Header, Serialization, Status};
use wire::dubbo::request::{Arg, Request};
use wire::tunnel::catalogue::Update;
use wire::tunnel::{Failure, Flags, Head, Notice, Stamp};

pub const SERVICE: &str = "com.acme.Greeter";
/// The id that the caller's own connection gave the call: only the gateway there may see another one.
pub const CALLERS_ID: i64 = -42;

/// What is longer goes as `byte[]`: text is written character by character, and an unoptimised test would keep the one
/// thread that it shares with hub and link for seconds.
const LONG_LEN: usize = 10_000;

/// Runs a test on a shard, for at most a minute.
pub fn on_a_shard<F: Future<Output = ()>>(test: impl FnOnce(Shard) -> F) {
    shard::runtime().unwrap().block_on(async {
        let shard = Shard::on_this_thread(0);
        tokio::time::timeout(Duration::from_secs(60), test(shard)).await.expect("the test took over a minute");
    });
}

/// The hub's side of the links.
#[derive(Default)]
pub struct Hub {
    pub links: RefCell<Vec<Link>>,
    pub updates: RefCell<Vec<Update>>,
    pub notices: RefCell<Vec<Notice>>,
    exchanges: RefCell<HashMap<u64, ExchangeId>>,
    ends: RefCell<HashMap<u64, Ended>>,
    partial: RefCell<HashMap<u64, (u32, Vec<u8>)>>,
    changed: Notify,
    next_token: Cell<u64>,
}

/// How an exchange ended.
#[derive(Debug, Clone)]
pub enum Ended {
    Answered { provider_us: u32, frame: Vec<u8> },
    Failed(Failure),
}

impl Handler for Hub {
    fn up(&self, link: &Link) {
        self.links.borrow_mut().push(link.clone());
        self.changed.notify_waiters();
    }

    fn down(&self, link: &Link) {
        self.links.borrow_mut().retain(|known| known != link);
        self.changed.notify_waiters();
    }

    fn opened(&self, _: &Link, _: ExchangeId, _: Open<'_>) {
        panic!("an ingress gateway opens no exchanges");
    }

    fn data(&self, _: &Link, _: ExchangeId, _: &[u8], _: End) {}
    fn cancelled(&self, _: &Link, _: ExchangeId) {}

    fn reply(&self, link: &Link, token: u64, reply: Reply<'_>) {
        // A hub gives credit back once the next hop has taken the bytes; here that is at once.
        let exchange = self.exchanges.borrow().get(&token).copied();
        if let Some(exchange) = exchange {
            link.consumed(exchange, reply.piece.len());
        }
        let mut partial = self.partial.borrow_mut();
        let (provider_us, frame) = partial.entry(token).or_default();
        *provider_us = reply.head.map_or(*provider_us, |head| head.provider_us);
        frame.extend_from_slice(reply.piece);
        if reply.end == End::Yes {
            let (provider_us, frame) = partial.remove(&token).unwrap();
            self.end(token, Ended::Answered { provider_us, frame });
        }
    }

    fn failed(&self, _: &Link, token: u64, failure: Failure) {
        self.end(token, Ended::Failed(failure));
    }

    fn catalogue(&self, _: &Link, update: Update) {
        self.updates.borrow_mut().push(update);
        self.changed.notify_waiters();
    }

    fn notice(&self, _: &Link, notice: Notice) {
        self.notices.borrow_mut().push(notice);
        self.changed.notify_waiters();
    }

    fn drained(&self, _: &Link, _: ExchangeId, _: usize) {}
}

impl Hub {
    fn end(&self, token: u64, ended: Ended) {
        let before = self.ends.borrow_mut().insert(token, ended);
        assert!(before.is_none(), "call {token} ended twice");
        self.changed.notify_waiters();
    }

    /// Waits until `done` says something.
    pub async fn until<T>(&self, mut done: impl FnMut(&Hub) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            if let Some(value) = done(self) {
                return value;
            }
            changed.await;
        }
    }

    pub async fn link(&self) -> Link {
        self.until(|hub| hub.links.borrow().first().cloned()).await
    }

    /// What is offered, as one who applies every update believes.
    pub fn offered(&self) -> Vec<String> {
        let mut offered = std::collections::BTreeSet::new();
        for update in self.updates.borrow().iter() {
            if update.base == 0 {
                offered.clear();
            }
            for key in &update.removed {
                offered.remove(&key.to_string());
            }
            offered.extend(update.added.iter().map(|entry| entry.key.to_string()));
        }
        offered.into_iter().collect()
    }

    /// Opens a call; its token.
    pub fn open(&self, link: &Link, head: &Head<'_>, frame: &[u8]) -> u64 {
        self.opened_as(link, head, frame).0
    }

    pub fn opened_as(&self, link: &Link, head: &Head<'_>, frame: &[u8]) -> (u64, ExchangeId) {
        self.try_open(link, head, frame).unwrap()
    }

    /// As [`opened_as`](Self::opened_as), or why the link does not take it.
    pub fn try_open(&self, link: &Link, head: &Head<'_>, frame: &[u8]) -> Result<(u64, ExchangeId), Failure> {
        let token = self.next_token.get() + 1;
        self.next_token.set(token);
        let mut encoded = Vec::new();
        head.encode_into(&mut encoded).unwrap();
        let exchange = link.open(&encoded, &[frame], token)?;
        self.exchanges.borrow_mut().insert(token, exchange);
        Ok((token, exchange))
    }

    /// Opens a call whose body goes on after `piece`.
    pub fn begun_as(&self, link: &Link, head: &Head<'_>, piece: &[u8]) -> (u64, ExchangeId) {
        let token = self.next_token.get() + 1;
        self.next_token.set(token);
        let mut encoded = Vec::new();
        head.encode_into(&mut encoded).unwrap();
        let (exchange, _) = link.open_streaming(&encoded, piece, token).unwrap();
        self.exchanges.borrow_mut().insert(token, exchange);
        (token, exchange)
    }

    pub async fn ended(&self, token: u64) -> Ended {
        self.until(|hub| hub.ends.borrow().get(&token).cloned()).await
    }

    pub fn has_ended(&self, token: u64) -> bool {
        self.ends.borrow().contains_key(&token)
    }

    pub async fn answered(&self, token: u64) -> (Header, Vec<u8>) {
        match self.ended(token).await {
            Ended::Answered { frame, .. } => split(&frame),
            Ended::Failed(failure) => panic!("the call failed: {failure}"),
        }
    }

    pub async fn failed(&self, token: u64) -> Failure {
        match self.ended(token).await {
            Ended::Failed(failure) => failure,
            Ended::Answered { .. } => panic!("the call was answered"),
        }
    }
}

fn split(frame: &[u8]) -> (Header, Vec<u8>) {
    let header = Header::decode(frame).unwrap().unwrap();
    assert_eq!(header.frame_len(), frame.len());
    (header, frame[HEADER_LEN..].to_vec())
}

/// Everybody with this key may link.
struct Only(PublicKey);

impl Directory for Only {
    fn allow(&self, key: &PublicKey, hello: &ClientHello) -> Result<Peer, Refusal> {
        assert_eq!(*key, self.0);
        Ok(Peer {
            role: hello.role,
            island: hello.island.as_str().into(),
            name: hello.gateway.as_str().into(),
            key: *key,
        })
    }
}

/// A hub, and the gateway linked to it.
pub struct Island {
    pub hub: Rc<Hub>,
    pub process: Process,
    pub teller: Option<Teller>,
    pub gateway: IngressGateway,
    acceptor: Acceptor,
    pub folder: tempfile::TempDir,
    front: String,
}

impl Island {
    /// Starts hub and gateway; `rest` is the configuration behind the sections that every gateway has.
    pub async fn start(shard: &Shard, rest: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (hub_key, key) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
        secret(&folder.path().join("gateway.key"), &key.to_text());
        let hub = Rc::new(Hub::default());
        let config = AcceptConfig {
            key: Arc::new(hub_key.clone()),
            hub: "hub-1".into(),
            hubs: vec!["hub-1".into()],
            start: 1,
            tls: None,
            seal: Seal::Off,
            directory: Rc::new(Only(key.public().unwrap())),
            exchanges: 10_000,
            ping: Duration::from_secs(2),
            connections: 100,
            of_one: tunnel::OfOneKey { sessions: 64, held_len: 256 << 20 },
            budget: shard::Budget::new(1 << 30),
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let acceptor = tunnel::accept(shard, listener, config, hub.clone()).unwrap();
        let front = format!(
            "shards = 1\n[island]\nid = \"shanghai\"\ngateway = \"in-1\"\n[link]\nkey_file = \"gateway.key\"\nseal = \"off\"\n\
             [[hub]]\nurl = \"http://{}\"\nkey = [\"{}\"]\n[state]\ndir = \"state\"\n[admin]\nlisten = []\n",
            acceptor.local(),
            hub_key.public().unwrap(),
        );
        let (process, teller) = Process::alone();
        let settled = settle(folder.path(), &format!("{front}{rest}"));
        let gateway = highway_ingress_gw::start(settled, process.clone()).await.unwrap();
        Self { hub, process, teller: Some(teller), gateway, acceptor, folder, front }
    }

    /// As an operator who changes the file.
    pub async fn reload(&mut self, rest: &str) -> anyhow::Result<()> {
        let settled = settle(self.folder.path(), &format!("{}{rest}", self.front));
        self.gateway.reload(settled).await
    }

    /// A call from island `beijing`: its head says what its frame says.
    pub async fn call(&self, call: &Calling<'_>) -> u64 {
        let link = self.hub.link().await;
        let frame = call.frame();
        self.hub.open(&link, &call.head(&frame), &frame)
    }

    /// Waits until the hub was told of `service`.
    pub async fn is_offered(&self, service: &str) {
        self.hub.until(|hub| hub.offered().iter().any(|offered| offered == service).then_some(())).await;
    }
}

fn secret(path: &Path, content: &str) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn settle(folder: &Path, text: &str) -> highway_ingress_gw::config::Config {
    let file = folder.join("ingress-gw.toml");
    let settled = chassis::config::settle_text(&file, text, &[], IngressGateway::settle);
    settled.unwrap_or_else(|mistakes| panic!("{mistakes}")).config
}

/// A call of a consumer elsewhere.
#[derive(Clone)]
pub struct Calling<'a> {
    pub service: &'a str,
    pub arg: &'a str,
    pub attachments: &'a [(&'a str, &'a str)],
    pub left: Duration,
    pub flags: Flags,
}

impl Default for Calling<'_> {
    fn default() -> Self {
        Self { service: SERVICE, arg: "you", attachments: &[], left: Duration::from_secs(10), flags: Flags::default() }
    }
}

impl Calling<'_> {
    pub fn frame(&self) -> Vec<u8> {
        let request = Request {
            codec: Codec::Hessian2,
            service: self.service,
            version: None,
            group: None,
            method: "hello",
            types: if self.arg.len() > LONG_LEN { "[B" } else { "Ljava/lang/String;" },
            args: &[if self.arg.len() > LONG_LEN { Arg::Bytes(self.arg.as_bytes()) } else { Arg::Text(self.arg) }],
            attachments: self.attachments,
        };
        let mut frame = Vec::new();
        request.append(&mut frame, CALLERS_ID);
        if self.flags.contains(Flags::ONE_WAY) {
            frame[2] &= !0x40;
        }
        frame
    }

    pub fn head(&self, frame: &[u8]) -> Head<'_> {
        Head {
            protocol: Head::DUBBO,
            hops: 1,
            flags: self.flags,
            serialization: 2,
            remaining_ms: self.left.as_millis() as u32,
            body_len: frame.len() as u32,
            stamp: Stamp { start: 9, counter: 10 },
            destination: "shanghai",
            source: "beijing",
            service: self.service,
            method: "hello",
            application: "shop",
            ..Head::default()
        }
    }
}

/// A listening provider.
pub struct Provider(pub TcpListener);

impl Provider {
    pub async fn anywhere() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// Listens at a port that another one has left.
    pub fn at(port: u16) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(format!("127.0.0.1:{port}").parse().unwrap()).unwrap();
        Self(socket.listen(16).unwrap())
    }

    pub fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Its section of the configuration.
    pub fn section(&self, more: &str) -> String {
        section(self.port(), more)
    }

    pub async fn accept(&self) -> Connection {
        Connection(self.0.accept().await.unwrap().0)
    }
}

/// A certificate for `provider.internal` that signs itself, as PEM, and a provider's side of it.
pub fn certificate(folder: &Path) -> tokio_rustls::TlsAcceptor {
    let own = rcgen::generate_simple_self_signed(vec!["provider.internal".to_owned()]).unwrap();
    let (certificate, key) = (folder.join("provider.pem"), folder.join("provider.key"));
    fs::write(&certificate, own.cert.pem()).unwrap();
    fs::write(&key, own.signing_key.serialize_pem()).unwrap();
    let identity = shard::tls::Identity { certificate_file: &certificate, key_file: &key };
    shard::tls::server(identity, None).unwrap().into()
}

pub fn section(port: u16, more: &str) -> String {
    format!("[[provider]]\naddress = \"127.0.0.1:{port}\"\nservice = \"{SERVICE}\"\n{more}\n")
}

/// A rule that exports the service.
pub const EXPORTED: &str = "[[export.rule]]\nservice = \"com.acme.*\"\n";

/// One connection of the gateway, as the provider sees it.
pub struct Connection<S = TcpStream>(pub S);

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub async fn read(&mut self) -> Vec<u8> {
        let mut frame = vec![0; HEADER_LEN];
        self.0.read_exact(&mut frame).await.unwrap();
        let header = Header::decode(&frame).unwrap().unwrap();
        frame.resize(header.frame_len(), 0);
        self.0.read_exact(&mut frame[HEADER_LEN..]).await.unwrap();
        frame
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Reads a call and answers it with a value and attachments.
    pub async fn answer(&mut self, value: &str) {
        let frame = self.read().await;
        self.write(&value_for(&frame, value, &[])).await;
    }

    pub async fn is_closed_by_peer(&mut self) -> bool {
        matches!(self.0.read(&mut [0; 1]).await, Ok(0) | Err(_))
    }
}

/// An OK answer to `frame`.
pub fn value_for(frame: &[u8], value: &str, attachments: &[(&str, &str)]) -> Vec<u8> {
    use wire::dubbo::hessian2::writer::{put_binary, put_int, put_text, put_text_map};
    let asked = Header::decode(frame).unwrap().unwrap();
    let mut body = Vec::new();
    put_int(&mut body, 4);
    if value.len() > LONG_LEN {
        put_binary(&mut body, value.as_bytes())
    } else {
        put_text(&mut body, value)
    }
    put_text_map(&mut body, attachments.iter().copied());
    let header = Header::reply(Serialization::HESSIAN2, Status::OK, asked.id, body.len() as u32);
    [&header.encode()[..], &body].concat()
}

/// What a provider finds in a call.
pub fn read_call(frame: &[u8], look: impl FnOnce(&Header, &Call<'_>)) {
    let header = Header::decode(frame).unwrap().unwrap();
    match peek(&header, &frame[HEADER_LEN..]).unwrap() {
        Peeked::Call(call) => look(&header, &call),
        Peeked::Opaque(_) => panic!("opaque"),
    }
}

/// Lets everything that is ready run until `done` holds.
pub async fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
