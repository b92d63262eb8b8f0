//! Prints what a link carries on this machine: calls a second with 300-byte bodies, one and many in flight, and megabytes a
//! second of long ones, over each transport, plain and sealed. Both ends run on one core, so a hop costs about half of what
//! is shown. It proves nothing; the tests do.
//!
//! `cargo run --release -p highway-tunnel --example records`

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use highway_tunnel::key::{PrivateKey, PublicKey};
use highway_tunnel::*;
use shard::Shard;
use tokio::sync::Notify;
use wire::tunnel::catalogue::Update;
use wire::tunnel::{Failure, Head, Notice};

#[derive(Default)]
struct Load {
    link: RefCell<Option<Link>>,
    head: Vec<u8>,
    body: Vec<u8>,
    left: Cell<u64>,
    open: Cell<u64>,
    done: Notify,
}

impl Load {
    fn call(&self, link: &Link) {
        if self.left.get() > 0 {
            self.left.set(self.left.get() - 1);
            self.open.set(self.open.get() + 1);
            link.open(&self.head, &[&self.body], 0).unwrap();
        }
    }
}

impl Handler for Load {
    fn up(&self, link: &Link) {
        *self.link.borrow_mut() = Some(link.clone());
        self.done.notify_one();
    }
    fn down(&self, _: &Link) {}
    fn opened(&self, link: &Link, id: ExchangeId, open: Open<'_>) {
        link.consumed(id, open.piece.len());
        if open.end == End::Yes {
            link.reply(id, &[open.piece], 1);
        }
    }
    fn data(&self, link: &Link, id: ExchangeId, piece: &[u8], end: End) {
        link.consumed(id, piece.len());
        if end == End::Yes {
            link.reply(id, &[piece], 1);
        }
    }
    fn cancelled(&self, _: &Link, _: ExchangeId) {}
    fn reply(&self, link: &Link, _: u64, reply: Reply<'_>) {
        if reply.end == End::Yes {
            self.open.set(self.open.get() - 1);
            self.call(link);
            if self.open.get() == 0 {
                self.done.notify_one();
            }
        }
    }
    fn failed(&self, _: &Link, _: u64, failure: Failure) {
        panic!("{failure}");
    }
    fn catalogue(&self, _: &Link, _: Update) {}
    fn notice(&self, _: &Link, _: Notice) {}
    fn drained(&self, _: &Link, _: ExchangeId, _: usize) {}
}

struct Anybody;

impl Directory for Anybody {
    fn allow(&self, key: &PublicKey, hello: &ClientHello) -> Result<Peer, Refusal> {
        Ok(Peer { role: hello.role, island: "a".into(), name: "b".into(), key: *key })
    }
}

async fn run(shard: &Shard, transport: Transport, seal: Seal, body_len: usize, in_flight: u64, calls: u64) -> Duration {
    let key = Arc::new(PrivateKey::generate().unwrap());
    let accept_config = AcceptConfig {
        key: key.clone(),
        hub: "hub".to_owned(),
        hubs: vec!["hub".to_owned()],
        start: 1,
        tls: None,
        seal,
        directory: Rc::new(Anybody),
        exchanges: 10_000,
        ping: Duration::from_secs(2),
        connections: 10,
        of_one: highway_tunnel::OfOneKey { sessions: 2, held_len: 256 << 20 },
        budget: shard::Budget::new(1 << 30),
        traffic: Traffic::default(),
        compress: Compress::Off,
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hub = accept(shard, listener, accept_config, Rc::new(Load::default())).unwrap();
    let address = HubAddress::new(format!("http://{}", hub.local()), vec![key.public().unwrap()]);
    let address = HubAddress { transport, ..address };
    let dial_config = DialConfig {
        hubs: vec![address],
        key,
        role: Role::Egress,
        island: "beijing".to_owned(),
        gateway: "out".to_owned(),
        start: 2,
        seal,
        exchanges: 10_000,
        ping: Duration::from_secs(2),
        budget: shard::Budget::new(1 << 30),
        traffic: Traffic::default(),
        memory: None,
    };
    let mut head = Vec::new();
    let service = "com.example.GreetingService";
    Head {
        remaining_ms: 60_000,
        body_len: body_len as u32,
        destination: "shanghai",
        service,
        method: "sayHello",
        ..Head::default()
    }
    .encode_into(&mut head)
    .unwrap();
    let load = Rc::new(Load { head, body: vec![7; body_len], left: Cell::new(calls), ..Load::default() });
    let _dialer = dial(shard, dial_config, load.clone());
    load.done.notified().await;
    let link = load.link.borrow().clone().unwrap();
    let started = Instant::now();
    for _ in 0..in_flight {
        load.call(&link);
    }
    load.done.notified().await;
    started.elapsed()
}

fn main() {
    let runtime = shard::runtime().unwrap();
    runtime.block_on(async {
        let shard = Shard::on_this_thread(0);
        println!("transport  seal  1 in flight    1000 in flight      8 MB bodies");
        for transport in [Transport::Ws, Transport::H2] {
            for seal in [Seal::Off, Seal::On] {
                let lone = run(&shard, transport, seal, 300, 1, 20_000).await;
                let busy = run(&shard, transport, seal, 300, 1000, 1_000_000).await;
                let long = run(&shard, transport, seal, 8_000_000, 4, 100).await;
                let name = format!("{transport:?}");
                let sealed = format!("{seal:?}");
                println!(
                    "{name:9}  {sealed:4}  {:6.1} µs/call  {:9.0} calls/s  {:8.0} MB/s up",
                    lone.as_secs_f64() * 1e6 / 20_000.0,
                    1e6 / busy.as_secs_f64(),
                    800.0 / long.as_secs_f64(),
                );
            }
        }
    });
}
