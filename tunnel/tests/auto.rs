//! Which transport `auto` chooses, and when it moves: through a box that lets some pass, lets others begin, and changes its mind.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod pair;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use highway_tunnel::{Acceptor, Dialer, Found, Link, Transport, dial};
use pair::relay::eventually;
use pair::{Noted, Pair, body, head, on_shard};
use shard::Shard;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a box does with a connection, by the transport that its first line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Passes,
    /// It is ended at once.
    Closes,
    /// It is answered with a page.
    Page,
    /// It is held, and nothing comes.
    Holds,
    /// It passes so many bytes a direction, and then nothing.
    StallsAfter(usize),
    /// It passes so many bytes down, then one that was not sent.
    ChangesAfter(usize),
}

/// The box.
struct Picky {
    local: SocketAddr,
    rules: RefCell<HashMap<Transport, Rule>>,
    /// What came, in order.
    seen: RefCell<Vec<Transport>>,
    cut: tokio::sync::Notify,
    passes: Cell<usize>,
}

impl Picky {
    async fn start(shard: &Shard, hub: SocketAddr) -> Rc<Picky> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let picky = Rc::new(Picky {
            local: listener.local_addr().unwrap(),
            rules: RefCell::default(),
            seen: RefCell::default(),
            cut: tokio::sync::Notify::new(),
            passes: Cell::new(0),
        });
        let (running, on) = (picky.clone(), shard.clone());
        shard.run(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                on.run(running.clone().pass(stream, hub));
            }
        });
        picky
    }

    fn rule(&self, transport: Transport, rule: Rule) {
        self.rules.borrow_mut().insert(transport, rule);
    }

    async fn pass(self: Rc<Picky>, mut near: TcpStream, hub: SocketAddr) {
        let mut first = Vec::new();
        while !first.contains(&b'\n') {
            if !matches!(near.read_buf(&mut first).await, Ok(1..)) {
                return;
            }
        }
        let transport = match &first[..] {
            line if line.starts_with(b"GET") => Transport::Ws,
            line if line.starts_with(b"PRI") => Transport::H2,
            line if line.starts_with(b"POST /highway/link/post ") => Transport::Post,
            _ => Transport::H1,
        };
        self.seen.borrow_mut().push(transport);
        let rule = self.rules.borrow().get(&transport).copied().unwrap_or(Rule::Passes);
        let limit = match rule {
            Rule::Passes => usize::MAX,
            Rule::Closes => return,
            Rule::Page => {
                let page = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>";
                return drop(near.write_all(page).await);
            }
            Rule::Holds => return std::future::pending().await,
            Rule::StallsAfter(len) | Rule::ChangesAfter(len) => len,
        };
        self.passes.set(self.passes.get() + 1);
        let Ok(mut far) = TcpStream::connect(hub).await else { return };
        far.write_all(&first).await.unwrap();
        let (mut up, mut down) = ([0; 16384], [0; 16384]);
        let (mut up_len, mut down_len) = (0, 0);
        let cut = self.cut.notified();
        tokio::pin!(cut);
        loop {
            tokio::select! {
                () = &mut cut => return,
                read = near.read(&mut up) => {
                    let Ok(len @ 1..) = read else { return };
                    up_len += len;
                    if up_len < limit && far.write_all(&up[..len]).await.is_err() { return }
                }
                read = far.read(&mut down) => {
                    let Ok(len @ 1..) = read else { return };
                    down_len += len;
                    if down_len >= limit {
                        if !matches!(rule, Rule::ChangesAfter(_)) { continue }
                        down[len - 1] ^= 0x20;
                    }
                    if near.write_all(&down[..len]).await.is_err() { return }
                }
            }
        }
    }
}

struct Both {
    pair: Pair,
    picky: Rc<Picky>,
    at_hub: Rc<Noted>,
    at_gateway: Rc<Noted>,
    _hub: Acceptor,
}

async fn through(shard: &Shard, rules: &[(Transport, Rule)]) -> Both {
    let mut pair = Pair::new();
    (pair.accept.ping, pair.dial.ping) = (Duration::from_secs(1), Duration::from_secs(1));
    (pair.accept.seal, pair.dial.seal) = (highway_tunnel::Seal::Auto, highway_tunnel::Seal::Auto);
    let (at_hub, at_gateway) = (Noted::new(), Noted::new());
    let hub = pair.hub(shard, &at_hub);
    let picky = Picky::start(shard, hub.local()).await;
    for (transport, rule) in rules {
        picky.rule(*transport, *rule);
    }
    Both { pair, picky, at_hub, at_gateway, _hub: hub }
}

impl Both {
    fn dial(&self, shard: &Shard, memory: Option<PathBuf>) -> Dialer {
        let hubs = vec![self.pair.address(self.picky.local, Transport::Auto)];
        dial(shard, highway_tunnel::DialConfig { hubs, memory, ..self.pair.dial.clone() }, self.at_gateway.clone())
    }

    fn finding(dialer: &Dialer, transport: Transport) -> Found {
        dialer.status()[0].path.iter().find(|finding| finding.transport == transport).unwrap().result
    }

    /// Calls all the time until the link is carried so, each answered once; every fortieth of them is so long.
    async fn calls_until(&self, link: &Link, transport: Transport, within: Duration, long: usize) {
        let (since, mut token) = (Instant::now(), self.at_gateway.finished.borrow().len() as u64);
        loop {
            let len = if token % 40 == 7 { long } else { 300 };
            link.open(&head(len), &[&body(token, len)], token).unwrap();
            token += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
            if link.status().transport == Some(transport.name()) && token > 200 {
                break;
            }
            assert!(since.elapsed() < within, "{:?} instead of {}", link.status().transport, transport.name());
        }
        self.at_gateway.until("all answers", |noted| noted.finished.borrow().len() as u64 >= token).await;
        let mut finished = self.at_gateway.finished.borrow().clone();
        finished.sort_unstable();
        assert_eq!(finished, (0..token).collect::<Vec<_>>());
        assert_eq!(self.at_hub.opened.borrow().len() as u64, token);
        assert!(self.at_gateway.failures.borrow().is_empty());
        assert_eq!((self.at_gateway.ups.borrow().len(), self.at_gateway.downs.get()), (1, 0), "one session all along");
    }
}

#[test]
fn the_first_that_works_is_taken_at_once_and_remembered() {
    on_shard(|shard| async move {
        let both = through(&shard, &[]).await;
        let folder = tempfile::tempdir().unwrap();
        let memory = folder.path().join(highway_tunnel::PATHS_FILE);
        let dialer = both.dial(&shard, Some(memory.clone()));
        both.at_gateway.link().await;
        eventually("it is proven", || Both::finding(&dialer, Transport::Ws) == Found::Works).await;
        assert_eq!(*both.picky.seen.borrow(), [Transport::Ws], "nothing else was asked for");
        assert!(std::fs::read_to_string(memory).unwrap().contains("\"ws\""));
    });
}

#[test]
fn where_only_small_posts_pass_they_are_found_within_two_seconds_and_first_the_next_time() {
    on_shard(|shard| async move {
        let rules = [(Transport::Ws, Rule::Page), (Transport::H2, Rule::Closes), (Transport::H1, Rule::Holds)];
        let both = through(&shard, &rules).await;
        let folder = tempfile::tempdir().unwrap();
        let memory = folder.path().join(highway_tunnel::PATHS_FILE);
        let since = Instant::now();
        let dialer = both.dial(&shard, Some(memory.clone()));
        let link = both.at_gateway.link().await;
        assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
        assert_eq!(link.status().transport, Some("post"));
        eventually("it is proven", || Both::finding(&dialer, Transport::Post) == Found::Works).await;
        let status = dialer.status();
        let ws = &status[0].path[0];
        assert_eq!((ws.transport, ws.result), (Transport::Ws, Found::Fails));
        let meaning = ws.meaning();
        assert!(meaning.starts_with("WebSocket upgrades do not pass (status 200 instead of 101"), "{meaning}");
        drop(dialer);
        both.picky.seen.borrow_mut().clear();
        let _next = both.dial(&shard, Some(memory));
        both.at_gateway.until("a second link", |noted| noted.ups.borrow().len() == 2).await;
        let seen = both.picky.seen.borrow().clone();
        assert!(seen.iter().all(|transport| *transport == Transport::Post), "{seen:?}");
    });
}

#[test]
fn a_transport_that_lets_small_messages_pass_and_no_long_ones_is_left_and_no_call_is_lost() {
    on_shard(|shard| async move {
        let stalls = Rule::StallsAfter(40_000);
        let both =
            through(&shard, &[(Transport::Ws, stalls), (Transport::H2, stalls), (Transport::H1, Rule::Page)]).await;
        let dialer = both.dial(&shard, None);
        let link = both.at_gateway.link().await;
        assert_eq!(link.status().transport, Some("ws"));
        both.calls_until(&link, Transport::Post, Duration::from_secs(20), 200_000).await;
        let found = |transport| Both::finding(&dialer, transport);
        assert_eq!((found(Transport::Ws), found(Transport::H2)), (Found::Breaks, Found::Breaks));
    });
}

#[test]
fn a_transport_that_changes_what_it_carries_is_left_at_once() {
    on_shard(|shard| async move {
        let both = through(&shard, &[(Transport::Ws, Rule::ChangesAfter(100_000))]).await;
        let dialer = both.dial(&shard, None);
        let link = both.at_gateway.link().await;
        eventually("it is proven", || Both::finding(&dialer, Transport::Ws) == Found::Works).await;
        // What was changed may be a length: then nothing more is understood, and three pings have to pass.
        both.calls_until(&link, Transport::H2, Duration::from_secs(20), 300).await;
        assert_eq!(Both::finding(&dialer, Transport::Ws), Found::Breaks);
        let why = dialer.status()[0].path[0].meaning();
        assert!(why.starts_with("connections of ws are made and do not last ("), "{why}");
    });
}

#[test]
fn a_link_moves_up_beside_its_calls_once_a_better_transport_works() {
    on_shard(|shard| async move {
        let both = through(&shard, &[(Transport::Ws, Rule::Page)]).await;
        let dialer = both.dial(&shard, None);
        let link = both.at_gateway.link().await;
        assert_eq!(link.status().transport, Some("h2"));
        both.picky.rule(Transport::Ws, Rule::Passes);
        let since = Instant::now();
        both.calls_until(&link, Transport::Ws, Duration::from_secs(30), 200_000).await;
        assert!(since.elapsed() > Duration::from_secs(5), "not at once: {:?}", since.elapsed());
        assert_eq!(link.status().connections, 2, "it has moved, and lost nothing on the way");
        eventually("it is proven", || Both::finding(&dialer, Transport::Ws) == Found::Works).await;
    });
}

#[test]
fn one_cut_is_no_reason_to_leave_and_many_are() {
    on_shard(|shard| async move {
        let both = through(&shard, &[]).await;
        let dialer = both.dial(&shard, None);
        let link = both.at_gateway.link().await;
        for connections in 1..=3 {
            assert_eq!(link.status().transport, Some("ws"));
            eventually("it is proven", || Both::finding(&dialer, Transport::Ws) == Found::Works).await;
            both.picky.cut.notify_waiters();
            eventually("it is back", || link.status().connections > connections && link.connected()).await;
        }
        assert_eq!(link.status().transport, Some("h2"));
        assert_eq!(Both::finding(&dialer, Transport::Ws), Found::Breaks);
    });
}

#[test]
fn a_hub_that_refuses_is_asked_once() {
    on_shard(|shard| async move {
        let both = through(&shard, &[]).await;
        both.pair.directory.keys.borrow_mut().clear();
        let dialer = both.dial(&shard, None);
        eventually("it is told why", || dialer.status()[0].last_error.is_some()).await;
        let told = dialer.status()[0].last_error.clone().unwrap();
        assert!(told.contains("is not listed") && !told.contains("h2:"), "{told}");
        assert_eq!(*both.picky.seen.borrow(), [Transport::Ws]);
    });
}
