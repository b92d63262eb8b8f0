//! A hub that opens calls over real links and keeps what comes of them. It decides nothing.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::Notify;
use tunnel::key::PublicKey;
use tunnel::{ClientHello, Directory, End, ExchangeId, Handler, Link, Open, Peer, Refusal, Reply};
use wire::dubbo::frame::{HEADER_LEN, Header};
use wire::tunnel::catalogue::Update;
use wire::tunnel::{Failure, Head, Notice};

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
pub struct Only(pub PublicKey);

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
