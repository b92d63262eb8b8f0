//! A provider that follows a script: it accepts, reads whole frames and writes whatever the test says.
#![allow(dead_code)] // each test file uses its own part
#![allow(clippy::unwrap_used)] // tests, but clippy does not know it of a module of theirs

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use highway_client::{
    Answer, Answers, CallKind, Candidates, Endpoint, Lost, Offer, Pool, PoolConfig, Provider, ProviderList, SendError,
    Times,
};
use shard::{Budget, Shard};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::server::TlsStream;
use wire::dubbo::frame::{HEADER_LEN, Header, Serialization, Status};

pub const SERVICE: &str = "com.acme.Greeter";

/// Runs a test on a shard, for at most twenty seconds.
pub fn on_a_shard<F: Future<Output = ()>>(test: impl FnOnce(Shard) -> F) {
    shard::runtime().unwrap().block_on(async {
        let shard = Shard::on_this_thread(0);
        tokio::time::timeout(Duration::from_secs(20), test(shard)).await.expect("the test took over 20 s");
    });
}

/// What became of a call.
#[derive(Debug)]
pub enum Ended {
    Answered(Header, Vec<u8>),
    Lost(Lost),
}

/// Remembers how calls ended.
#[derive(Default)]
pub struct Ends {
    ended: RefCell<Vec<(u64, Ended)>>,
    pub passed_on: RefCell<Vec<u64>>,
    /// What is done once, before calls that waited are written.
    pub before_waiting_go: RefCell<Option<Box<dyn FnOnce()>>>,
    more: Notify,
}

impl Answers for Ends {
    fn answer(&self, token: u64, answer: Answer<'_>) {
        self.ended.borrow_mut().push((token, Ended::Answered(*answer.header, answer.frame[HEADER_LEN..].to_vec())));
        self.more.notify_waiters();
    }

    fn lost(&self, token: u64, lost: Lost) {
        self.ended.borrow_mut().push((token, Ended::Lost(lost)));
        self.more.notify_waiters();
    }

    fn passed_on(&self, token: u64) {
        self.passed_on.borrow_mut().push(token);
    }

    fn waiting_go(&self) {
        let before = self.before_waiting_go.take();
        if let Some(before) = before {
            before();
        }
    }
}

impl Ends {
    /// The next end of a call, in the order they came.
    pub async fn next(&self) -> (u64, Ended) {
        loop {
            let more = self.more.notified();
            if !self.ended.borrow().is_empty() {
                return self.ended.borrow_mut().remove(0);
            }
            more.await;
        }
    }

    pub async fn answered(&self) -> (u64, Vec<u8>) {
        match self.next().await {
            (token, Ended::Answered(_, body)) => (token, body),
            (token, Ended::Lost(lost)) => panic!("call {token} was lost: {lost:?}"),
        }
    }

    pub async fn lost(&self) -> (u64, Lost) {
        match self.next().await {
            (token, Ended::Lost(lost)) => (token, lost),
            (token, Ended::Answered(..)) => panic!("call {token} was answered"),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.ended.borrow().is_empty()
    }
}

/// A pool, and what it was told.
pub struct Caller {
    pub pool: Pool,
    pub ends: Rc<Ends>,
}

/// Quick timers, so that a test need not wait a minute for a heartbeat.
pub fn quick() -> PoolConfig {
    PoolConfig {
        backoff: (Duration::from_millis(20), Duration::from_millis(80)),
        heartbeat: Duration::from_secs(30),
        ..PoolConfig::default()
    }
}

impl Caller {
    pub fn new(shard: &Shard, config: PoolConfig) -> Self {
        Self::with_budget(shard, config, Budget::new(64 << 20))
    }

    pub fn with_budget(shard: &Shard, config: PoolConfig, budget: Budget) -> Self {
        let ends = Rc::new(Ends::default());
        let answers: Rc<dyn Answers> = ends.clone();
        let pool = Pool::new(shard, config, budget, Rc::downgrade(&answers));
        Self { pool, ends }
    }

    /// Lists providers of the one service.
    pub fn list(&self, offers: &[Offer]) -> Rc<Candidates> {
        let services = [(Arc::from(SERVICE), offers.to_vec())].into_iter().collect();
        self.pool.update(Arc::new(ProviderList { services }));
        self.pool.candidates(SERVICE, "hello").unwrap()
    }

    /// Sends `body` under `token` to whoever is picked, within five seconds.
    pub fn call(&self, candidates: &Candidates, token: u64, body: &[u8]) -> highway_client::CallKey {
        self.call_within(candidates, token, body, Duration::from_secs(5)).unwrap()
    }

    pub fn call_within(
        &self,
        candidates: &Candidates,
        token: u64,
        body: &[u8],
        left: Duration,
    ) -> Result<highway_client::CallKey, SendError<std::convert::Infallible>> {
        let candidate = candidates
            .pick(CallKind::TwoWay, &[])
            .unwrap_or_else(|| panic!("nobody to call: {}", candidates.trouble()));
        candidate.provider.send(token, Times::within(Instant::now(), left), |id, out| {
            out.extend_from_slice(&request(id, body));
            Ok(())
        })
    }
}

/// Sends a one-way call with a body of `len` bytes.
pub fn send_one_way(provider: &Rc<Provider>, len: usize) {
    let sent = provider.send_one_way(0, Times::within(Instant::now(), Duration::from_secs(5)), |id, out| {
        out.extend_from_slice(&request(id, &vec![7; len]));
        Ok::<(), std::convert::Infallible>(())
    });
    sent.unwrap();
}

pub fn request(id: i64, body: &[u8]) -> Vec<u8> {
    let mut frame = Header::request(Serialization::HESSIAN2, id, body.len() as u32).encode().to_vec();
    frame.extend_from_slice(body);
    frame
}

pub fn answer_to(asked: &Header, body: &[u8]) -> Vec<u8> {
    let mut frame = Header::reply(Serialization::HESSIAN2, Status::OK, asked.id, body.len() as u32).encode().to_vec();
    frame.extend_from_slice(body);
    frame
}

/// A listening provider.
pub struct Listening(TcpListener);

impl Listening {
    pub async fn anywhere() -> Self {
        Self::at("127.0.0.1").await
    }

    pub async fn at(address: &str) -> Self {
        Self(TcpListener::bind((address, 0)).await.unwrap())
    }

    pub async fn again_at(offer: &Offer) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(format!("127.0.0.1:{}", offer.endpoint.port).parse().unwrap()).unwrap();
        Self(socket.listen(16).unwrap())
    }

    pub fn offer(&self) -> Offer {
        let address = self.0.local_addr().unwrap();
        Offer::new(Endpoint::new(&address.ip().to_string(), address.port()), SERVICE)
    }

    /// A connection on which the caller has to begin with TLS; why it did not, otherwise.
    pub async fn accept_tls(
        &self,
        config: &Arc<shard::tls::ServerConfig>,
    ) -> std::io::Result<Peer<TlsStream<TcpStream>>> {
        let stream = self.0.accept().await.unwrap().0;
        tokio_rustls::TlsAcceptor::from(config.clone()).accept(stream).await.map(Peer)
    }

    pub async fn accept(&self) -> Peer {
        Peer(self.0.accept().await.unwrap().0)
    }
}

/// A provider, who calls it, the list of it alone, and the provider's end of the connection between them.
pub async fn connected(shard: &Shard, config: PoolConfig) -> (Listening, Caller, Rc<Candidates>, Peer) {
    let (listening, caller) = (Listening::anywhere().await, Caller::new(shard, config));
    let candidates = caller.list(&[listening.offer()]);
    let peer = listening.accept().await;
    (listening, caller, candidates, peer)
}

/// One accepted connection, as the provider sees it.
pub struct Peer<S = TcpStream>(pub S);

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub async fn read(&mut self) -> (Header, Vec<u8>) {
        let mut head = [0; HEADER_LEN];
        self.0.read_exact(&mut head).await.unwrap();
        let header = Header::decode(&head).unwrap().unwrap();
        let mut body = vec![0; header.body_len as usize];
        self.0.read_exact(&mut body).await.unwrap();
        (header, body)
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Reads a call and answers it with its own body.
    pub async fn echo(&mut self) {
        let (asked, body) = self.read().await;
        self.write(&answer_to(&asked, &body)).await;
    }

    /// Whether the other side closes, without another byte.
    pub async fn is_closed_by_peer(&mut self) -> bool {
        matches!(self.0.read(&mut [0; 1]).await, Ok(0) | Err(_))
    }
}

/// Lets everything that is ready run until `done` holds.
pub async fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
