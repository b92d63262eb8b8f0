//! A hub between two gateways with real links on loopback, for the tests of the switch.
//!
//! Long because: one line, with its paths, is made for all of them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;

use chassis::Mistakes;
use chassis::metrics::Metrics;
use shard::Shard;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;
use tunnel::key::{PrivateKey, PublicKey};
use tunnel::{
    AcceptConfig, Acceptor, ClientHello, Compress, DialConfig, Dialer, Directory, Encoding, End, Handler, HubAddress,
    Open, Peer, Refusal, Reply, Role, Seal, Traffic, Transport,
};
use wire::tunnel::catalogue::{Entry, Origin, ServiceKey, Update};
use wire::tunnel::notice::Notice;

use super::*;
use crate::audit::{self, AuditFile};
use crate::directory::Gateways;

/// What the hub of these tests may hold.
pub(super) const BUDGET_LEN: usize = 64 * 1024 * 1024;
pub(super) const SERVICE: &str = "com.example.GreetingService";
pub(super) const GRANT: &str =
    "[[grant]]\nid = 'greetings'\nfrom = ['shanghai']\nto = ['beijing']\nservice = ['com.example.*']\n";

/// A gateway that notes what it hears. Its answer to a call: the body again; `slow` keeps it; `gone` fails it.
#[derive(Default)]
pub(super) struct Gateway {
    pub(super) links: RefCell<Vec<Link>>,
    pub(super) downs: Cell<usize>,
    pub(super) replies: RefCell<HashMap<u64, Vec<u8>>>,
    pub(super) finished: Cell<usize>,
    pub(super) failures: RefCell<HashMap<u64, Failure>>,
    pub(super) heads: RefCell<Vec<(String, String, u8)>>,
    pub(super) bodies: RefCell<HashMap<ExchangeId, (String, Vec<u8>)>>,
    pub(super) kept: RefCell<Vec<(Link, ExchangeId)>>,
    pub(super) cancelled: Cell<usize>,
    pub(super) offered: RefCell<Vec<String>>,
    /// How much was offered each time the hub said that this is everything.
    pub(super) told: RefCell<Vec<usize>>,
    /// Islands whose distance was told, with it.
    pub(super) distances: RefCell<Vec<(String, Duration)>>,
    pub(super) notices: RefCell<Vec<Notice>>,
    pub(super) changed: Notify,
}

impl Gateway {
    pub(super) async fn until(&self, what: &str, is_there: impl Fn(&Gateway) -> bool) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if is_there(self) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| {
            let failures: Vec<String> = self.failures.borrow().values().map(|failure| format!("{failure:?}")).collect();
            panic!("never happened: {what}; links down: {}, failures: {failures:?}", self.downs.get())
        });
    }

    pub(super) async fn link(&self) -> Link {
        self.until("a link", |gateway| gateway.links.borrow().iter().any(Link::usable)).await;
        self.links.borrow().iter().find(|link| link.usable()).cloned().unwrap()
    }

    fn answer(&self, link: &Link, id: ExchangeId) {
        let (method, body) = self.bodies.borrow_mut().remove(&id).unwrap();
        match method.as_str() {
            "slow" => self.kept.borrow_mut().push((link.clone(), id)),
            "gone" => link
                .fail(id, &Failure::new(Stage::Provider, Kind::ProviderGone, Reach::Unknown, "the provider is gone")),
            "forged" => {
                link.fail(id, &Failure::new(Stage::Peek, Kind::Forged, Reach::NotSent, "the frame says another method"))
            }
            _ => link.reply(id, &[&body], 77),
        }
    }
}

impl Handler for Gateway {
    fn up(&self, link: &Link) {
        self.links.borrow_mut().push(link.clone());
        self.changed.notify_waiters();
    }
    fn down(&self, _: &Link) {
        self.downs.set(self.downs.get() + 1);
        self.changed.notify_waiters();
    }
    fn opened(&self, link: &Link, id: ExchangeId, open: Open<'_>) {
        let head = Head::decode(open.head).unwrap();
        self.heads.borrow_mut().push((head.source.to_owned(), head.method.to_owned(), head.hops));
        self.bodies.borrow_mut().insert(id, (head.method.to_owned(), Vec::new()));
        self.data(link, id, open.piece, open.end);
    }
    fn data(&self, link: &Link, id: ExchangeId, piece: &[u8], end: End) {
        if let Some((_, body)) = self.bodies.borrow_mut().get_mut(&id) {
            body.extend_from_slice(piece);
        }
        if end == End::Yes {
            self.answer(link, id);
        }
        self.changed.notify_waiters();
    }
    fn cancelled(&self, _: &Link, _: ExchangeId) {
        self.cancelled.set(self.cancelled.get() + 1);
        self.changed.notify_waiters();
    }
    fn reply(&self, _: &Link, token: u64, reply: Reply<'_>) {
        self.replies.borrow_mut().entry(token).or_default().extend_from_slice(reply.piece);
        if reply.end == End::Yes {
            self.finished.set(self.finished.get() + 1);
        }
        self.changed.notify_waiters();
    }
    fn failed(&self, _: &Link, token: u64, failure: Failure) {
        assert!(self.failures.borrow_mut().insert(token, failure).is_none());
        self.changed.notify_waiters();
    }
    fn catalogue(&self, _: &Link, update: Update) {
        let mut offered = self.offered.borrow_mut();
        offered.retain(|name| !update.removed.iter().any(|key| key.to_string() == *name));
        offered.extend(update.added.iter().map(|entry| entry.key.to_string()));
        self.changed.notify_waiters();
    }
    fn notice(&self, _: &Link, notice: Notice) {
        match notice {
            Notice::CatalogueTold => self.told.borrow_mut().push(self.offered.borrow().len()),
            Notice::Distance { island, micros } => {
                self.distances.borrow_mut().push((island, Duration::from_micros(micros)));
            }
            notice => self.notices.borrow_mut().push(notice),
        }
        self.changed.notify_waiters();
    }
    fn drained(&self, _: &Link, _: ExchangeId, _: usize) {}
}

type NextPolicy = Rc<Cell<Option<Arc<Policy>>>>;

/// The gateways of a policy that changes while one of them shakes hands.
struct Turning(Gateways, NextPolicy);

impl Directory for Turning {
    fn allow(&self, key: &PublicKey, hello: &ClientHello) -> Result<Peer, Refusal> {
        let allowed = self.0.allow(key, hello);
        if let Some(next) = self.1.take() {
            *self.0.0.borrow_mut() = next;
        }
        allowed
    }

    fn takes_forms(&self, peer: &Peer) -> bool {
        self.0.takes_forms(peer)
    }
}

pub(super) struct Line {
    pub(super) switch: Rc<Switch>,
    pub(super) egress: Rc<Gateway>,
    pub(super) ingress: Rc<Gateway>,
    pub(super) acceptor: Acceptor,
    pub(super) dialers: [Dialer; 2],
    pub(super) keys: [Arc<PrivateKey>; 3],
    pub(super) audit: PathBuf,
    /// What is in force from the moment on at which the next gateway that dials was found in the policy.
    pub(super) next_policy: NextPolicy,
    shard: Shard,
    _folder: tempfile::TempDir,
}

pub(super) fn policy(keys: &[Arc<PrivateKey>; 3], grants: &str, more: &str) -> Arc<Policy> {
    let key = |at: usize| keys[at].public().unwrap();
    let text = format!(
        "[[island]]\nid = 'shanghai'\n{more}\n[[island.gateway]]\nid = 'out'\nrole = 'egress'\nkey = '{}'\n\
         [[island]]\nid = 'beijing'\n[[island.gateway]]\nid = 'in'\nrole = 'ingress'\nkey = '{}'\n{grants}",
        key(1),
        key(2)
    );
    let mut mistakes = Mistakes::nowhere();
    let policy = Policy::settle(toml::from_str(&text).unwrap(), &mut mistakes).unwrap();
    assert!(mistakes.is_empty(), "{mistakes:?}");
    Arc::new(policy)
}

pub(super) fn line(shard: &Shard, more: &str) -> Line {
    let keys = [(); 3].map(|()| Arc::new(PrivateKey::generate().unwrap()));
    let folder = tempfile::tempdir().unwrap();
    let audit_file = folder.path().join("audit.jsonl");
    let (audit, writer) = audit::open(AuditFile { path: audit_file.clone(), rotate_len: 1 << 40, keep: 1 }).unwrap();
    std::thread::spawn(|| writer.run());
    let in_force: InForce = Rc::new(RefCell::new(policy(&keys, GRANT, more)));
    let next_policy = NextPolicy::default();
    let catalogue = Catalogue::new(Duration::from_secs(30), 1 << 24, Instant::now());
    let budget = shard::Budget::new(BUDGET_LEN);
    let counts = Counts::new(&Metrics::new());
    let switch = Rc::new(Switch::new("hub-1".into(), in_force.clone(), audit, catalogue, counts, budget.clone()));
    let config = AcceptConfig {
        key: keys[0].clone(),
        hub: "hub-1".to_owned(),
        hubs: vec!["hub-1".to_owned()],
        start: 1,
        tls: None,
        seal: Seal::Off,
        directory: Rc::new(Turning(Gateways(in_force), next_policy.clone())),
        exchanges: 10_000,
        ping: Duration::from_secs(1),
        connections: 1000,
        of_one: crate::OF_ONE_KEY,
        budget,
        traffic: Traffic::default(),
        compress: Compress::Off,
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let acceptor = tunnel::accept(shard, listener, config, switch.clone()).unwrap();
    let (egress, ingress) = (Rc::new(Gateway::default()), Rc::new(Gateway::default()));
    let dial = |role, island, gateway, key: &Arc<PrivateKey>, handler: &Rc<Gateway>| {
        dial(shard, acceptor.local(), &keys[0], (role, island, gateway, key), handler)
    };
    let dialers = [
        dial(Role::Egress, "shanghai", "out", &keys[1], &egress),
        dial(Role::Ingress, "beijing", "in", &keys[2], &ingress),
    ];
    let ticking = switch.clone();
    shard.every(Duration::from_millis(10), move || {
        ticking.tick(Instant::now());
        ticking.housekeep(Instant::now());
    });
    Line {
        switch,
        egress,
        ingress,
        acceptor,
        dialers,
        keys,
        audit: audit_file,
        next_policy,
        shard: shard.clone(),
        _folder: folder,
    }
}

/// A gateway's end.
fn dial(
    shard: &Shard,
    hub: SocketAddr,
    hub_key: &PrivateKey,
    who: (Role, &str, &str, &Arc<PrivateKey>),
    handler: &Rc<Gateway>,
) -> Dialer {
    dial_to(shard, HubAddress::new(format!("http://{hub}"), vec![hub_key.public().unwrap()]), who, handler)
}

fn dial_to(
    shard: &Shard,
    hub: HubAddress,
    (role, island, gateway, key): (Role, &str, &str, &Arc<PrivateKey>),
    handler: &Rc<Gateway>,
) -> Dialer {
    let (island, gateway) = (island.to_owned(), gateway.to_owned());
    let config = DialConfig {
        hubs: vec![hub],
        key: key.clone(),
        role,
        island,
        gateway,
        start: 2,
        seal: Seal::Off,
        exchanges: 10_000,
        ping: Duration::from_secs(1),
        budget: Budget::new(1 << 30),
        traffic: Traffic::default(),
        memory: None,
    };
    tunnel::dial(shard, config, handler.clone())
}

/// Each byte as late as that, at least.
async fn delayed(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(len @ 1..) = from.read(&mut piece).await {
        tokio::time::sleep(delay).await;
        if to.write_all(&piece[..len]).await.is_err() {
            return;
        }
    }
}

/// Beijing's gateway tells what it offers, as the process of this start.
pub(super) fn offer(link: &Link, start: u64) {
    offer_as(link, "in", SERVICE, start);
}

/// A gateway of beijing tells that it offers this service alone.
pub(super) fn offer_as(link: &Link, gateway: &str, service: &str, start: u64) {
    let key = ServiceKey { interface: service.to_owned(), ..ServiceKey::default() };
    let entry = Entry { key, healthy: true, gateway: gateway.to_owned(), ..Entry::default() };
    let origin = Origin { island: "beijing".to_owned(), gateway: gateway.to_owned(), start };
    let update = Update { origin, revision: 1, base: 0, added: vec![entry], removed: vec![], complete: true };
    link.send_catalogue(&update).unwrap();
}

impl Line {
    /// Another process of beijing's gateway dials.
    pub(super) fn ingress_again(&self) -> (Rc<Gateway>, Dialer) {
        self.ingress_at(self.acceptor.local())
    }

    /// The same, over a path that stops to bring anything from the hub once `is_stuck`.
    pub(super) async fn ingress_on_a_path(&self, is_stuck: Rc<Cell<bool>>) -> (Rc<Gateway>, Dialer) {
        let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (path, hub) = (door.local_addr().unwrap(), self.acceptor.local());
        self.shard.run(async move {
            let (gateway, _) = door.accept().await.unwrap();
            let to_hub = tokio::net::TcpStream::connect(hub).await.unwrap();
            let ((mut from_gateway, mut to_gateway), (mut from_hub, mut to_hub)) =
                (gateway.into_split(), to_hub.into_split());
            let mut piece = vec![0; 64 * 1024];
            let back = async {
                while !is_stuck.get() {
                    let len = from_hub.read(&mut piece).await.unwrap();
                    to_gateway.write_all(&piece[..len]).await.unwrap();
                }
                std::future::pending::<()>().await;
            };
            tokio::join!(back, tokio::io::copy(&mut from_gateway, &mut to_hub)).1.unwrap();
        });
        self.ingress_at(path)
    }

    /// The same, over a path that takes `delay` in each direction.
    pub(super) async fn ingress_from_afar(&self, delay: Duration) -> (Rc<Gateway>, Dialer) {
        let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (path, hub) = (door.local_addr().unwrap(), self.acceptor.local());
        self.shard.run(async move {
            while let Ok((gateway, _)) = door.accept().await {
                let Ok(to_hub) = tokio::net::TcpStream::connect(hub).await else { return };
                let ((from_gateway, to_gateway), (from_hub, to_hub)) = (gateway.into_split(), to_hub.into_split());
                tokio::join!(delayed(from_gateway, to_hub, delay), delayed(from_hub, to_gateway, delay));
            }
        });
        self.ingress_at(path)
    }

    fn ingress_at(&self, hub: SocketAddr) -> (Rc<Gateway>, Dialer) {
        self.gateway_at(hub, (Role::Ingress, "beijing", "in", &self.keys[2]))
    }

    /// Shanghai's gateway dials once more, with POSTs that are forms.
    pub(super) fn egress_of_forms(&self) -> (Rc<Gateway>, Dialer) {
        let gateway = Rc::new(Gateway::default());
        let hub = HubAddress {
            transport: Transport::Post,
            encoding: Encoding::Multipart,
            ..HubAddress::new(format!("http://{}", self.acceptor.local()), vec![self.keys[0].public().unwrap()])
        };
        let dialer = dial_to(&self.shard, hub, (Role::Egress, "shanghai", "out", &self.keys[1]), &gateway);
        (gateway, dialer)
    }

    /// Another gateway of beijing dials, which the policy has to list with this key.
    pub(super) fn ingress_beside(&self, name: &str, key: &Arc<PrivateKey>) -> (Rc<Gateway>, Dialer) {
        self.gateway_at(self.acceptor.local(), (Role::Ingress, "beijing", name, key))
    }

    fn gateway_at(&self, hub: SocketAddr, who: (Role, &str, &str, &Arc<PrivateKey>)) -> (Rc<Gateway>, Dialer) {
        let gateway = Rc::new(Gateway::default());
        let dialer = dial(&self.shard, hub, &self.keys[0], who, &gateway);
        (gateway, dialer)
    }

    /// Both links are up and the egress knows what beijing offers.
    pub(super) async fn ready(&self) -> Link {
        let link = self.ingress.link().await;
        offer(&link, 2);
        self.egress.until("the catalogue", |egress| egress.offered.borrow().contains(&SERVICE.to_owned())).await;
        self.egress.link().await
    }

    pub(super) fn call(&self, link: &Link, method: &str, body: &[u8], token: u64) {
        self.call_with(link, Head { method, ..Head::default() }, body, token);
    }

    pub(super) fn call_with(&self, link: &Link, head: Head<'_>, body: &[u8], token: u64) {
        let remaining_ms = if head.remaining_ms == 0 { 10_000 } else { head.remaining_ms };
        let mut encoded = Vec::new();
        let destination = if head.destination.is_empty() { "beijing" } else { head.destination };
        let service = if head.service.is_empty() { SERVICE } else { head.service };
        Head {
            protocol: Head::DUBBO,
            serialization: 2,
            remaining_ms,
            body_len: body.len() as u32,
            destination,
            service,
            source: "a lie",
            ..head
        }
        .encode_into(&mut encoded)
        .unwrap();
        link.open(&encoded, &[body], token).unwrap();
    }

    pub(super) async fn reply(&self, token: u64) -> Vec<u8> {
        self.egress
            .until("a reply", |egress| egress.finished.get() > 0 && egress.replies.borrow().contains_key(&token))
            .await;
        self.egress.replies.borrow_mut().remove(&token).unwrap()
    }

    pub(super) async fn failure(&self, token: u64) -> Failure {
        self.egress.until("a failure", |egress| egress.failures.borrow().contains_key(&token)).await;
        self.egress.failures.borrow_mut().remove(&token).unwrap()
    }

    /// The audit's lines, once there are so many.
    pub(super) async fn audit(&self, len: usize) -> Vec<serde_json::Value> {
        for _ in 0..500 {
            let text = std::fs::read_to_string(&self.audit).unwrap();
            let lines: Vec<_> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            if lines.len() >= len {
                assert_eq!(lines.len(), len, "{text}");
                return lines;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the audit never had {len} lines");
    }
}

pub(super) fn with_line<F: Future<Output = ()>>(more: &'static str, test: impl FnOnce(Line) -> F) {
    shard::runtime().unwrap().block_on(async {
        let shard = Shard::on_this_thread(0);
        tokio::time::timeout(Duration::from_secs(60), test(line(&shard, more))).await.expect("the test takes too long");
    });
}

impl Line {
    pub(super) async fn switch_sees_no_ingress(&self) {
        while self.switch.links.borrow().all().any(|link| link.peer().role == Role::Ingress && link.usable()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
