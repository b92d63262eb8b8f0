//! Calls through a hub with real links on loopback: what the egress sees, what the ingress sees, what the audit says.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::rc::Rc;

use chassis::Mistakes;
use chassis::metrics::Metrics;
use shard::Shard;
use tokio::sync::Notify;
use tunnel::key::PrivateKey;
use tunnel::{AcceptConfig, Acceptor, DialConfig, Dialer, HubAddress, Seal, Transport};
use wire::tunnel::catalogue::{Entry, Origin, ServiceKey};

use super::*;
use crate::audit::{self, AuditFile};
use crate::directory::Gateways;

const SERVICE: &str = "com.example.GreetingService";
const GRANT: &str = "[[grant]]\nid = 'greetings'\nfrom = ['shanghai']\nto = ['beijing']\nservice = ['com.example.*']\n";

/// A gateway that notes what it hears. Its answer to a call: the body again; `slow` keeps it; `gone` fails it.
#[derive(Default)]
struct Gateway {
    links: RefCell<Vec<Link>>,
    downs: Cell<usize>,
    replies: RefCell<HashMap<u64, Vec<u8>>>,
    finished: Cell<usize>,
    failures: RefCell<HashMap<u64, Failure>>,
    heads: RefCell<Vec<(String, String, u8)>>,
    bodies: RefCell<HashMap<ExchangeId, (String, Vec<u8>)>>,
    kept: RefCell<Vec<(Link, ExchangeId)>>,
    cancelled: Cell<usize>,
    offered: RefCell<Vec<String>>,
    changed: Notify,
}

impl Gateway {
    async fn until(&self, what: &str, is_there: impl Fn(&Gateway) -> bool) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if is_there(self) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("never happened: {what}"));
    }

    async fn link(&self) -> Link {
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
    fn notice(&self, _: &Link, _: Notice) {}
    fn drained(&self, _: &Link, _: ExchangeId, _: usize) {}
}

struct Line {
    switch: Rc<Switch>,
    egress: Rc<Gateway>,
    ingress: Rc<Gateway>,
    acceptor: Acceptor,
    dialers: [Dialer; 2],
    keys: [Arc<PrivateKey>; 3],
    audit: PathBuf,
    _folder: tempfile::TempDir,
}

fn policy(keys: &[Arc<PrivateKey>; 3], grants: &str, more: &str) -> Arc<Policy> {
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

fn line(shard: &Shard, more: &str) -> Line {
    let keys = [(); 3].map(|()| Arc::new(PrivateKey::generate().unwrap()));
    let folder = tempfile::tempdir().unwrap();
    let audit_file = folder.path().join("audit.jsonl");
    let (audit, writer) = audit::open(AuditFile { path: audit_file.clone(), rotate_len: 1 << 40, keep: 1 }).unwrap();
    std::thread::spawn(|| writer.run());
    let in_force: InForce = Rc::new(RefCell::new(policy(&keys, GRANT, more)));
    let catalogue = Catalogue::new(Duration::from_secs(30));
    let counts = Counts::new(&Metrics::new());
    let switch = Rc::new(Switch::new(
        "hub-1".into(),
        &["hub-1".to_owned(), "hub-2".to_owned()],
        in_force.clone(),
        audit,
        catalogue,
        counts,
    ));
    let config = AcceptConfig {
        key: keys[0].clone(),
        hub: "hub-1".to_owned(),
        hubs: vec!["hub-1".to_owned()],
        start: 1,
        tls: None,
        seal: Seal::Off,
        directory: Rc::new(Gateways(in_force)),
        exchanges: 10_000,
        ping: Duration::from_secs(1),
        connections: 100,
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let acceptor = tunnel::accept(shard, listener, config, switch.clone()).unwrap();
    let (egress, ingress) = (Rc::new(Gateway::default()), Rc::new(Gateway::default()));
    let dial = |role: Role, island: &str, gateway: &str, key: &Arc<PrivateKey>, handler: &Rc<Gateway>| {
        let url = format!("http://{}", acceptor.local());
        let hub = HubAddress {
            url,
            server_name: None,
            keys: vec![keys[0].public().unwrap()],
            tls: None,
            transport: Transport::Ws,
        };
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
        };
        tunnel::dial(shard, config, handler.clone())
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
    Line { switch, egress, ingress, acceptor, dialers, keys, audit: audit_file, _folder: folder }
}

impl Line {
    /// Both links are up and the egress knows what beijing offers.
    async fn ready(&self) -> Link {
        let link = self.ingress.link().await;
        let key = ServiceKey { interface: SERVICE.to_owned(), ..ServiceKey::default() };
        let entry = Entry { key, healthy: true, gateway: "in".to_owned(), ..Entry::default() };
        let origin = Origin { island: "beijing".to_owned(), gateway: "in".to_owned(), start: 2 };
        link.send_catalogue(&Update {
            origin,
            revision: 1,
            base: 0,
            added: vec![entry],
            removed: vec![],
            complete: true,
        })
        .unwrap();
        self.egress.until("the catalogue", |egress| egress.offered.borrow().contains(&SERVICE.to_owned())).await;
        self.egress.link().await
    }

    fn call(&self, link: &Link, method: &str, body: &[u8], token: u64) {
        self.call_with(link, Head { method, ..Head::default() }, body, token);
    }

    fn call_with(&self, link: &Link, head: Head<'_>, body: &[u8], token: u64) {
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

    async fn reply(&self, token: u64) -> Vec<u8> {
        self.egress
            .until("a reply", |egress| egress.finished.get() > 0 && egress.replies.borrow().contains_key(&token))
            .await;
        self.egress.replies.borrow_mut().remove(&token).unwrap()
    }

    async fn failure(&self, token: u64) -> Failure {
        self.egress.until("a failure", |egress| egress.failures.borrow().contains_key(&token)).await;
        self.egress.failures.borrow_mut().remove(&token).unwrap()
    }

    /// The audit's lines, once there are so many.
    async fn audit(&self, len: usize) -> Vec<serde_json::Value> {
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

fn with_line<F: Future<Output = ()>>(more: &'static str, test: impl FnOnce(Line) -> F) {
    shard::runtime().unwrap().block_on(async {
        let shard = Shard::on_this_thread(0);
        tokio::time::timeout(Duration::from_secs(60), test(line(&shard, more))).await.expect("the test takes too long");
    });
}

#[test]
fn a_granted_call_crosses_and_leaves_one_line() {
    with_line("", |line| async move {
        let link = line.ready().await;
        line.call_with(
            &link,
            Head {
                method: "sayHello",
                application: "web",
                stamp: wire::tunnel::Stamp { start: 16, counter: 3 },
                ..Head::default()
            },
            b"hello",
            1,
        );
        assert_eq!(line.reply(1).await, b"hello");
        // The island a call comes from is the link's, whatever the head claims, and the hop is counted.
        assert_eq!(*line.ingress.heads.borrow(), [("shanghai".to_owned(), "sayHello".to_owned(), 1)]);
        let audit = line.audit(1).await.remove(0);
        for (key, value) in [
            ("from", "shanghai"),
            ("egress", "out"),
            ("to", "beijing"),
            ("ingress", "in"),
            ("application", "web"),
            ("service", SERVICE),
            ("method", "sayHello"),
            ("outcome", "replied"),
            ("grant", "greetings"),
            ("stamp", "0000000000000010-3"),
        ] {
            assert_eq!(audit[key], value, "{audit}");
        }
        assert_eq!(
            (audit["request_len"].as_u64(), audit["reply_len"].as_u64(), audit["provider_us"].as_u64()),
            (Some(5), Some(5), Some(77))
        );
        assert_eq!(line.switch.calls_len(), 0);
        assert!(line.switch.by_exchange.borrow().is_empty());
    });
}

#[test]
fn bodies_of_megabytes_cross_both_ways_and_their_credit_comes_back() {
    with_line("", |line| async move {
        let link = line.ready().await;
        // Ten times 8 MiB is twenty times the session's window: without credit coming back it would stop.
        for token in 0..10u64 {
            let body: Vec<u8> =
                (0..8 * 1024 * 1024u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 ^ token as u8).collect();
            line.call(&link, "echo", &body, token);
            line.egress.until("the whole reply", |egress| egress.finished.get() as u64 == token + 1).await;
            assert!(line.reply(token).await == body);
        }
        let audit = line.audit(10).await;
        assert!(audit.iter().all(|one| one["reply_len"] == 8 * 1024 * 1024 && one["request_len"] == 8 * 1024 * 1024));
        assert!(line.switch.by_exchange.borrow().is_empty());
    });
}

#[test]
fn many_large_and_small_calls_at_once_all_come_back() {
    with_line("", |line| async move {
        let link = line.ready().await;
        for token in 0..200u64 {
            let len = if token % 10 == 0 { 700_000 } else { 300 };
            line.call(&link, "echo", &vec![token as u8; len], token);
        }
        line.egress.until("all replies", |egress| egress.finished.get() == 200).await;
        for token in 0..200u64 {
            let reply = line.reply(token).await;
            assert!(reply.iter().all(|byte| *byte == token as u8) && reply.len() >= 300);
        }
        assert_eq!(line.switch.calls_len(), 0);
    });
}

#[test]
fn without_a_grant_nothing_reaches_the_ingress_and_the_audit_says_so() {
    with_line("", |line| async move {
        let link = line.ready().await;
        line.call_with(&link, Head { method: "m", service: "org.secret.Service", ..Head::default() }, b"x", 1);
        let failure = line.failure(1).await;
        assert_eq!((failure.kind, failure.outcome), (Kind::NotGranted, Reach::NotSent));
        line.call_with(&link, Head { method: "m", service: "com.example.Nobody", ..Head::default() }, b"x", 2);
        let failure = line.failure(2).await;
        assert_eq!(failure.kind, Kind::NotOffered);
        assert_eq!(
            failure.text,
            "island `beijing` does not offer com.example.Nobody; see its export policy and whether a provider is up"
        );
        assert!(line.ingress.heads.borrow().is_empty());
        let audit = line.audit(2).await;
        assert!(audit.iter().all(|one| one["outcome"] == "refused" && one["ingress"].is_null()));
    });
}

#[test]
fn a_large_refused_call_takes_no_credit_with_it() {
    with_line("", |line| async move {
        let link = line.ready().await;
        for token in 0..12u64 {
            line.call_with(
                &link,
                Head { method: "m", service: "org.secret.Service", ..Head::default() },
                &vec![0; 1_000_000],
                token,
            );
            assert_eq!(line.failure(token).await.kind, Kind::NotGranted);
        }
        line.call(&link, "echo", b"still there", 99);
        assert_eq!(line.reply(99).await, b"still there");
    });
}

#[test]
fn failures_of_the_far_side_come_back_as_they_were() {
    with_line("", |line| async move {
        let link = line.ready().await;
        line.call(&link, "gone", b"x", 1);
        let failure = line.failure(1).await;
        assert_eq!(
            (failure.kind, failure.outcome, failure.stage),
            (Kind::ProviderGone, Reach::Unknown, Stage::Provider)
        );
        line.call(&link, "forged", b"x", 2);
        assert_eq!(line.failure(2).await.kind, Kind::Forged);
        let audit = line.audit(2).await;
        assert_eq!((audit[0]["outcome"].as_str(), audit[1]["outcome"].as_str()), (Some("failed"), Some("forged")));
    });
}

#[test]
fn an_island_without_a_link_is_said_with_the_hubs_to_try() {
    with_line("", |line| async move {
        let link = line.ready().await;
        line.dialers[1].close("the test ends it");
        line.switch_sees_no_ingress().await;
        line.call(&link, "m", b"x", 1);
        let failure = line.failure(1).await;
        assert_eq!((failure.kind, failure.outcome), (Kind::NoLink, Reach::NotSent));
        assert_eq!(failure.hubs, ["hub-2"]);
    });
}

impl Line {
    async fn switch_sees_no_ingress(&self) {
        while self.switch.links.borrow().all().any(|link| link.peer().role == Role::Ingress && link.usable()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[test]
fn a_caller_that_gives_up_frees_the_far_side_and_a_deadline_that_nobody_keeps_frees_the_hub() {
    with_line("", |line| async move {
        let link = line.ready().await;
        let mut encoded = Vec::new();
        Head {
            protocol: Head::DUBBO,
            serialization: 2,
            remaining_ms: 60_000,
            body_len: 1,
            destination: "beijing",
            service: SERVICE,
            method: "slow",
            ..Head::default()
        }
        .encode_into(&mut encoded)
        .unwrap();
        let id = link.open(&encoded, &[b"x"], 1).unwrap();
        line.ingress.until("the call", |ingress| ingress.kept.borrow().len() == 1).await;
        link.cancel(id);
        line.ingress.until("the cancel", |ingress| ingress.cancelled.get() == 1).await;
        line.call_with(&link, Head { method: "slow", remaining_ms: 50, ..Head::default() }, b"x", 2);
        line.ingress.until("the second cancel", |ingress| ingress.cancelled.get() == 2).await;
        let audit = line.audit(2).await;
        assert_eq!(
            (audit[0]["outcome"].as_str(), audit[1]["outcome"].as_str()),
            (Some("cancelled"), Some("timed_out"))
        );
        assert_eq!(line.switch.calls_len(), 0);
    });
}

#[test]
fn a_one_way_call_is_passed_on_and_nothing_is_held() {
    with_line("", |line| async move {
        let link = line.ready().await;
        for len in [3, 300_000] {
            line.call_with(
                &link,
                Head { method: "slow", flags: Flags::ONE_WAY, ..Head::default() },
                &vec![1; len],
                len as u64,
            );
            line.ingress.until("the call", |ingress| !ingress.kept.borrow().is_empty()).await;
            line.ingress.kept.borrow_mut().clear();
        }
        let audit = line.audit(2).await;
        assert!(audit.iter().all(|one| one["outcome"] == "sent"), "{audit:?}");
        assert_eq!(audit[1]["request_len"], 300_000);
        assert_eq!(line.switch.calls_len(), 0);
    });
}

#[test]
fn a_revoked_gateway_is_cut_at_once_and_cannot_come_back() {
    with_line("", |line| async move {
        line.ready().await;
        let nobody = [line.keys[0].clone(), Arc::new(PrivateKey::generate().unwrap()), line.keys[2].clone()];
        line.switch.obey(policy(&nobody, GRANT, ""));
        line.egress.until("the link is down", |egress| egress.downs.get() == 1).await;
        line.switch.obey(policy(&line.keys, GRANT, ""));
        line.egress.until("a new link", |egress| egress.links.borrow().len() == 2).await;
        assert!(!line.acceptor.links().is_empty());
    });
}

#[test]
fn a_grant_taken_away_hides_the_service_and_refuses_the_next_call() {
    with_line("", |line| async move {
        let link = line.ready().await;
        line.switch.obey(policy(&line.keys, "", ""));
        line.egress.until("the service is gone", |egress| egress.offered.borrow().is_empty()).await;
        line.call(&link, "m", b"x", 1);
        assert_eq!(line.failure(1).await.kind, Kind::NotGranted);
    });
}

#[test]
fn an_island_over_its_limit_hears_overload_while_calls_are_open() {
    with_line("concurrent_calls = 2", |line| async move {
        let link = line.ready().await;
        line.call(&link, "slow", b"x", 1);
        line.call(&link, "slow", b"x", 2);
        line.call(&link, "m", b"x", 3);
        let failure = line.failure(3).await;
        assert_eq!((failure.kind, failure.outcome), (Kind::Overload, Reach::NotSent));
        line.ingress.until("both calls", |ingress| ingress.kept.borrow().len() == 2).await;
        for (link, id) in line.ingress.kept.take() {
            link.reply(id, &[b"late"], 1);
        }
        line.egress.until("both replies", |egress| egress.finished.get() == 2).await;
        line.call(&link, "m", b"again", 4);
        assert_eq!(line.reply(4).await, b"again");
    });
}
