//! Small POSTs through boxes that do everything wrong that boxes do: they hold bodies until they are whole, speak HTTP/1.0 to the hub, end
//! each connection, refuse long bodies, lose answers and repeat requests.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod pair;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use highway_tunnel::{Acceptor, Dialer, Link, Seal, Transport};
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use pair::relay::{Relay, eventually};
use pair::{Noted, Pair, body, head, on_shard};
use shard::Shard;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a box does to requests.
#[derive(Default)]
struct Rude {
    hub: Cell<Option<SocketAddr>>,
    /// The longest body it takes.
    body_len: Cell<usize>,
    /// Every so-manieth answer is lost, and every so-manieth request sent twice.
    loses: Cell<usize>,
    repeats: Cell<usize>,
    seen: Cell<usize>,
    refused: Cell<usize>,
    longest: Cell<usize>,
    heads: RefCell<Vec<String>>,
    answers: RefCell<Vec<String>>,
}

impl Rude {
    async fn start(shard: &Shard, hub: SocketAddr) -> (Rc<Rude>, SocketAddr) {
        let rude = Rc::new(Rude::default());
        rude.hub.set(Some(hub));
        rude.body_len.set(usize::MAX);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let local = listener.local_addr().unwrap();
        let running = rude.clone();
        shard.run(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let rude = running.clone();
                let service = service_fn(move |request| rude.clone().pass(request));
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::task::spawn_local(connection);
            }
        });
        (rude, local)
    }

    async fn pass(self: Rc<Rude>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, std::io::Error> {
        let (parts, body) = request.into_parts();
        self.heads.borrow_mut().push(format!("{} {} {:?}", parts.method, parts.uri, parts.headers));
        let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
        let seen = self.seen.get() + 1;
        self.seen.set(seen);
        let status = |status| {
            let mut response = Response::new(Full::new(Bytes::new()));
            *response.status_mut() = status;
            response
        };
        if body.len() > self.body_len.get() {
            self.refused.set(self.refused.get() + 1);
            return Ok(status(StatusCode::PAYLOAD_TOO_LARGE));
        }
        self.longest.set(self.longest.get().max(body.len()));
        let is_due = |every: usize| every > 0 && seen.is_multiple_of(every);
        if is_due(self.repeats.get()) {
            let (rude, path, body) = (self.clone(), parts.uri.path().to_owned(), body.clone());
            tokio::task::spawn_local(async move { drop(rude.ask(&path, body).await) });
        }
        let Some(answer) = self.ask(parts.uri.path(), body).await else { return Ok(status(StatusCode::BAD_GATEWAY)) };
        if is_due(self.loses.get()) {
            return Err(std::io::Error::other("lost"));
        }
        let mut response = Response::new(Full::new(answer));
        response.headers_mut().insert("connection", "close".parse().unwrap());
        Ok(response)
    }

    /// As nginx does without a word about it: HTTP/1.0, a connection each.
    async fn ask(&self, path: &str, body: Bytes) -> Option<Bytes> {
        let mut stream = TcpStream::connect(self.hub.get().unwrap()).await.ok()?;
        let head =
            format!("POST {path} HTTP/1.0\r\nHost: up\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(&body).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let is_ok = head.starts_with("http/1.0 200");
        self.answers.borrow_mut().push(head);
        is_ok.then(|| Bytes::from(answer).slice(end..))
    }
}

struct Both {
    rude: Rc<Rude>,
    at_hub: Rc<Noted>,
    at_gateway: Rc<Noted>,
    _hub: Acceptor,
    _dialer: Dialer,
    link: Link,
}

async fn linked(shard: &Shard) -> Both {
    let mut pair = Pair::new();
    (pair.accept.ping, pair.dial.ping) = (Duration::from_secs(2), Duration::from_secs(2));
    let (at_hub, at_gateway) = (Noted::new(), Noted::new());
    let hub = pair.hub(shard, &at_hub);
    let (rude, at) = Rude::start(shard, hub.local()).await;
    let dialer = pair.gateway(shard, &at_gateway, at, Transport::Post);
    let link = at_gateway.link().await;
    Both { rude, at_hub, at_gateway, _hub: hub, _dialer: dialer, link }
}

impl Both {
    /// So many calls, one in fifty of them long.
    fn call(&self, from: u64, count: u64) {
        for token in from..from + count {
            let len = if token % 50 == 7 { 700_000 } else { 300 };
            self.link.open(&head(len), &[&body(token, len)], token).unwrap();
        }
    }

    async fn answered(&self, count: u64) {
        self.at_gateway.until("all answers", |noted| noted.finished.borrow().len() as u64 >= count).await;
        let mut finished = self.at_gateway.finished.borrow().clone();
        finished.sort_unstable();
        assert_eq!(finished, (0..count).collect::<Vec<_>>());
        for (token, reply) in &*self.at_gateway.replies.borrow() {
            let len = if token % 50 == 7 { 700_000 } else { 300 };
            assert!(*reply == body(*token, len), "the answer to {token} is another's");
        }
        assert_eq!(self.at_hub.opened.borrow().len() as u64, count);
        assert!(self.at_gateway.failures.borrow().is_empty());
    }
}

#[test]
fn a_box_that_holds_every_body_and_speaks_http_1_0_passes_all() {
    on_shard(|shard| async move {
        let both = linked(&shard).await;
        both.call(0, 300);
        both.answered(300).await;
        let status = both.link.status();
        assert_eq!((status.transport, status.sealed, status.connections), (Some("post"), true, 1));
        for head in &*both.rude.heads.borrow() {
            assert!(head.starts_with("POST /highway/link/post ") && head.len() < 3000, "{head}");
            for wanted in
                ["\"user-agent\": \"highway/", "\"accept\": \"*/*\"", "\"content-type\": \"application/octet-stream\""]
            {
                assert!(head.contains(wanted), "{head} has no {wanted}");
            }
        }
        for answer in &*both.rude.answers.borrow() {
            for wanted in [
                "http/1.0 200",
                "content-type: application/octet-stream",
                "cache-control: no-store",
                "x-accel-buffering: no",
            ] {
                assert!(answer.contains(wanted), "{answer} has no {wanted}");
            }
            assert!(!answer.contains("chunked"), "{answer}");
        }
    });
}

#[test]
fn requests_that_are_lost_and_repeated_lose_nothing_and_repeat_nothing() {
    on_shard(|shard| async move {
        let both = linked(&shard).await;
        both.rude.loses.set(7);
        both.rude.repeats.set(3);
        for round in 0..10 {
            both.call(round * 100, 100);
            both.answered((round + 1) * 100).await;
        }
        assert_eq!(both.link.status().connections, 1, "the stream has outlived it all");
    });
}

#[test]
fn a_box_that_answers_for_a_dead_hub_is_no_sign_of_life() {
    on_shard(|shard| async move {
        let both = linked(&shard).await;
        both.call(0, 10);
        both.answered(10).await;
        let hub = both.rude.hub.get();
        // Nobody listens there: the box says 502 to everything, at once.
        both.rude.hub.set(Some("127.0.0.1:1".parse().unwrap()));
        let since = Instant::now();
        eventually("given up", || !both.link.connected()).await;
        assert!(since.elapsed() < Duration::from_secs(7), "{:?}", since.elapsed());
        both.rude.hub.set(hub);
        both.call(10, 10);
        both.answered(20).await;
    });
}

#[test]
fn the_longest_body_of_the_way_is_learnt_downwards() {
    for (limit, steps) in [(300_000, 1), (60_000, 2)] {
        on_shard(|shard| async move {
            let both = linked(&shard).await;
            both.rude.body_len.set(limit);
            both.call(0, 200);
            both.answered(200).await;
            // Several may be under way before the first is refused.
            assert!((1..=4 * steps).contains(&both.rude.refused.get()), "{}", both.rude.refused.get());
            assert!(both.rude.longest.get() > limit / 2, "{}", both.rude.longest.get());
            let before = both.rude.refused.get();
            both.call(200, 100);
            both.answered(300).await;
            assert_eq!(both.rude.refused.get(), before, "what was learnt is kept");
            assert_eq!(both.link.status().connections, 1);
        });
    }
}

#[test]
fn connections_that_are_cut_in_mid_load_do_not_cost_the_stream() {
    on_shard(|shard| async move {
        let mut pair = Pair::new();
        (pair.accept.ping, pair.dial.ping) = (Duration::from_secs(2), Duration::from_secs(2));
        // Whatever both ends say of sealing.
        assert_eq!((pair.accept.seal, pair.dial.seal), (Seal::Off, Seal::Off));
        let both = pair.relayed(&shard, Transport::Post).await;
        let link = both.at_gateway.link().await;
        assert!(link.status().sealed && both.at_hub.link().await.status().sealed);
        let mut token = 0;
        for _ in 0..10 {
            for call in 0..100 {
                let len = if call % 50 == 0 { 400_000 } else { 300 };
                link.open(&head(len), &[&body(token, len)], token).unwrap();
                token += 1;
            }
            both.at_gateway.until("some answers", |noted| noted.finished.borrow().len() as u64 >= token - 70).await;
            both.relay.cut();
        }
        both.at_gateway.until("all answers", |noted| noted.finished.borrow().len() as u64 == token).await;
        assert_eq!(both.at_hub.opened.borrow().len() as u64, token);
        assert_eq!(link.status().connections, 1);
        assert!(both.relay.connections.get() > 20);
    });
}

#[test]
fn connections_are_used_again_and_a_link_that_ends_leaves_none() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        let both = pair.relayed(&shard, Transport::Post).await;
        let link = both.at_gateway.link().await;
        for token in 0..200 {
            link.open(&head(3), &[b"abc"], token).unwrap();
            both.at_gateway.until("an answer", |noted| noted.finished.borrow().len() as u64 > token).await;
        }
        assert!(both.relay.connections.get() <= 6, "{}", both.relay.connections.get());
        link.close("enough");
        both.at_hub.until("the hub hears it at once", |noted| noted.downs.get() == 1).await;
    });
}

#[test]
fn a_hub_that_ends_a_link_is_heard() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        let both = pair.relayed(&shard, Transport::Post).await;
        let link = both.at_gateway.link().await;
        both.at_hub.keeps.set(true);
        link.open(&head(3), &[b"abc"], 1).unwrap();
        let at_hub = both.at_hub.link().await;
        both.at_hub.until("it came", |noted| noted.opened.borrow().len() == 1).await;
        at_hub.close("the hub is stopping");
        both.at_gateway.until("it fails", |noted| noted.failures.borrow().contains_key(&1)).await;
        let failure = both.at_gateway.failures.borrow()[&1].clone();
        assert!(failure.text.contains("the hub is stopping"), "{failure:?}");
    });
}

/// A request to the hub that nobody made for it.
async fn post(hub: SocketAddr, body: &[u8]) -> (StatusCode, Vec<u8>) {
    let stream = TcpStream::connect(hub).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::task::spawn_local(connection);
    let request = Request::builder()
        .method(Method::POST)
        .version(Version::HTTP_11)
        .uri("/highway/link/post")
        .header("host", "hub.example")
        .body(Full::new(Bytes::copy_from_slice(body)))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    let status = response.status();
    (status, response.into_body().collect().await.unwrap().to_bytes().to_vec())
}

/// The front of a request: see `transport/post/frame.rs`.
fn front(flags: u8, wait: u16, stream: u8, up: u64, have: u64) -> Vec<u8> {
    let mut front = vec![0xf8, 0xb0, 0xd7, 1, flags, 2];
    front.extend(wait.to_be_bytes());
    front.extend(1u32.to_be_bytes());
    front.extend([stream; 16]);
    front.extend(up.to_be_bytes());
    front.extend(have.to_be_bytes());
    front
}

#[test]
fn strangers_get_a_handshakes_worth_and_no_more() {
    const UNKNOWN: u8 = 2;
    const FULL: u8 = 1;
    on_shard(|shard| async move {
        let pair = Pair::new();
        let at_hub = Noted::new();
        let hub = pair.hub(&shard, &at_hub);
        let at = hub.local();
        let (status, text) = post(at, b"<xml>no link</xml>").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(text, b"Here go the POSTs of a Highway link; this is none.\n");
        assert_eq!(post(at, &front(1, 100, 7, 0, 0)[..43]).await.0, StatusCode::BAD_REQUEST);
        // Nobody has opened it.
        for asked in [front(0, 0, 7, 1, 0), front(1, 100, 7, 0, 0), front(1, 100, 7, 0, 5)] {
            let (status, answer) = post(at, &[&asked[..], b""].concat()).await;
            assert_eq!((status, answer[4]), (StatusCode::OK, UNKNOWN));
        }
        // A first request without end.
        let (_, answer) = post(at, &[front(1, 100, 8, 0, 0), vec![0; 500_000]].concat()).await;
        assert!(answer[4] == FULL || answer[4] == 3, "{answer:?}");
        assert!(u64::from_be_bytes(answer[8..16].try_into().unwrap()) <= 64 * 1024);
        // Bytes that no handshake begins with end it, and what is said to have come and cannot have.
        let open = [front(1, 2000, 9, 0, 0), vec![0xff; 10]].concat();
        assert_eq!(post(at, &open).await.1[4], 3);
        eventually("it is forgotten", || hub.links().is_empty()).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(post(at, &front(1, 100, 9, 10, 0)).await.1[4], UNKNOWN);
        // And the door is as open as before.
        let at_gateway = Noted::new();
        let relay = Relay::start(&shard, &[at]).await;
        let _dialer = pair.gateway(&shard, &at_gateway, relay.local, Transport::Post);
        at_gateway.link().await;
    });
}
