//! One shard of the gateway with a port, made as the test says. It links to no hub but to scripted ones.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use arc_swap::ArcSwap;
use chassis::metrics::Metrics;
use shard::{Budget, Key, Shard};
use tunnel::{End, Reply};
use wire::tunnel::ReplyHead;
use wire::tunnel::failure::Failure;

use super::known::snapshot;
use super::link::FakeLink;
use super::peer::Peer;
use super::providers::with_providers;
use crate::config::{Limits, Tagging};
use crate::core::{Core, Parts, Stamps};
use crate::deadline::Timeouts;
use crate::entrance::Entrance;
use crate::fallback::{Fallback, Routing};
use crate::held::Allowance;
use crate::knowledge::Knowledge;
use crate::status::{Counters, Families};
use crate::tags::Tags;

/// How a gate is made.
pub struct GateBuilder {
    pub limits: Limits,
    pub timeouts: Timeouts,
    pub chain: Vec<Box<dyn Fallback>>,
    pub knowledge: Knowledge,
    pub bound: Option<&'static str>,
    pub links: Vec<&'static str>,
    pub held_len: usize,
    pub entrance: Entrance,
    pub listen: &'static str,
}

/// One shard of the gateway with a port.
pub struct Gate {
    pub core: Rc<Core>,
    pub address: SocketAddr,
    pub links: Vec<Rc<FakeLink>>,
}

impl Default for GateBuilder {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            timeouts: Timeouts { link_wait: Duration::from_millis(60), ..Timeouts::default() },
            chain: vec![Box::new(Routing)],
            knowledge: Knowledge { snapshot: Arc::new(snapshot(1)), ..Knowledge::default() },
            bound: None,
            links: vec!["hub-1"],
            held_len: Limits::default().held_len,
            entrance: Entrance::default(),
            listen: "127.0.0.1:0",
        }
    }
}

impl GateBuilder {
    /// The same with one provider of Greeter in the own island, which says this of itself.
    pub fn beside(self, provider: SocketAddr, said: &[(&str, &str)]) -> Self {
        Self { knowledge: with_providers(&[(provider, said)]), ..self }
    }

    /// Opens the port. Must be called on a shard's runtime.
    pub fn open(self) -> Gate {
        let shard = Shard::on_this_thread(0);
        let core = Core::new(Parts {
            shard,
            limits: self.limits,
            timeouts: self.timeouts,
            knowledge: Arc::new(ArcSwap::from_pointee(self.knowledge)),
            counters: Counters::new(&Families::new(&Metrics::new())),
            allowance: Allowance::new(Budget::new(self.held_len)),
            stamps: Stamps { start: 77, next: Cell::new(0), step: 1 },
            tags: Tags::new(Tagging::ByIsland, &[]),
            chain: self.chain,
            connections: Arc::new(AtomicUsize::new(0)),
            entrance: Arc::new(ArcSwap::from_pointee(self.entrance)),
        });
        crate::listen::run_clocks(&core);
        let address = open_port(&core, self.listen, self.bound);
        let gate =
            Gate { core, address, links: (1..).zip(self.links).map(|(id, hub)| FakeLink::new(id, hub)).collect() };
        for link in &gate.links {
            gate.core.links.add(link.clone());
        }
        gate
    }
}

fn open_port(core: &Rc<Core>, listen: &str, island: Option<&'static str>) -> SocketAddr {
    let listener = std::net::TcpListener::bind(listen).unwrap();
    let address = listener.local_addr().unwrap();
    let (accepts, island) = (core.clone(), island.map(Arc::from));
    let accept = move |peer: SocketAddr, _: SocketAddr| accepts.accept(peer, island.as_ref());
    core.shard.run(shard::listen(&core.shard, listener, accept).unwrap());
    address
}

impl Gate {
    /// The only link.
    pub fn link(&self) -> &FakeLink {
        &self.links[0]
    }

    /// Another port, bound to `island`.
    pub fn port(&self, island: &'static str) -> SocketAddr {
        open_port(&self.core, "127.0.0.1:0", Some(island))
    }

    /// A consumer's connection.
    pub async fn consumer(&self) -> Peer {
        Peer::connect(self.address).await
    }

    /// The island answers the call with this token.
    pub fn reply(&self, token: u64, frame: &[u8]) {
        let head = ReplyHead { body_len: frame.len() as u32, provider_us: 1 };
        self.core.reply(token, Reply { head: Some(head), piece: frame, end: End::Yes });
    }

    /// The hub, or the island behind it, refuses the call with this token.
    pub fn refuse(&self, token: u64, failure: Failure) {
        self.core.failed(Key::from_number(token), failure);
    }

    /// Where the calls went that were sent so far.
    pub fn destinations(&self) -> Vec<String> {
        self.link().opened.borrow().iter().map(|sent| sent.head().destination.to_owned()).collect()
    }
}
