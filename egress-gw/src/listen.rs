//! The shards: their listeners, their links, their clock, and the orders they take from the control thread.
//!
//! ```text
//!  control ── Order ──▶ shard task          shard ── Event ──▶ Inbox ──▶ control
//!              open, status, readonly, refuse,        up, down, catalogue
//!              begin a link anew, close
//! ```
//!
//! Each shard listens on every port (the system spreads the connections) and dials its own links. Orders and events are
//! rare; no call passes through them.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::rc::{Rc, Weak};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chassis::metrics::tally::Tallied;
use shard::Shard;
use tokio::sync::{Notify, mpsc, oneshot};
use tunnel::{DialConfig, Dialer, End, ExchangeId, Handler, Link, Open, Reply};
use wire::tunnel::catalogue::Update;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};
use wire::tunnel::notice::Notice;

use crate::consumers::SLOW_LOOK;
use crate::core::Core;
use crate::hub_says::{Asking, Questions};
use crate::status::ShardStatus;
use crate::tallies::Pair;

/// How late a deadline is noticed at most.
const TICK: Duration = Duration::from_millis(10);
/// So many ticks without a call, and the clock stops until the next one.
const IDLE_TICKS: u32 = 100;
/// Catalogue updates that wait for the control thread; a hub that sends more is too fast for this gateway.
const INBOX_MAX: usize = 4096;
/// Distances that wait at most: a hub has fewer islands.
const DISTANCES_MAX: usize = 10_000;

/// One listening socket of a shard.
pub struct Door {
    /// The socket.
    pub listener: TcpListener,
    /// The island to which its port is bound.
    pub island: Option<Arc<str>>,
}

/// What a shard is told.
pub enum Order {
    /// Let consumers in. The system takes their connections and calls before, so nobody is refused for coming early.
    Open,
    /// Say how it goes.
    Status(oneshot::Sender<ShardStatus>),
    /// Say what came of calls.
    Tallied(oneshot::Sender<Vec<(Pair, Tallied)>>),
    /// Tell consumers that no new calls are welcome; answered when that is on its way.
    Readonly(oneshot::Sender<()>),
    /// Refuse new calls from now on; answered when that is so.
    Refuse(oneshot::Sender<()>),
    /// Ask the hubs about calls that nobody makes.
    Ask(Asking),
    /// How many calls wait.
    InFlight(oneshot::Sender<usize>),
    /// Close this link, if it is one of this shard's: it is dialled again and tells everything from its beginning.
    Anew {
        /// The link's number.
        link: u64,
        /// Why, for both ends' logs.
        why: &'static str,
    },
    /// Close everything; the shard ends.
    Close(String),
}

/// What a shard tells.
#[derive(Debug)]
pub enum Event {
    /// A session with a hub is up.
    Up {
        /// The link's number.
        link: u64,
        /// The hub.
        hub: String,
    },
    /// It is over.
    Down {
        /// The link's number.
        link: u64,
    },
    /// A hub tells what an island offers.
    Catalogue {
        /// The link's number.
        link: u64,
        /// What it tells.
        update: Update,
    },
    /// It has told everything there is now.
    Told {
        /// The link's number.
        link: u64,
    },
    /// How far an island is by this link.
    Distance {
        /// The link's number.
        link: u64,
        /// The island.
        island: String,
        /// From here to its gateway and back.
        round_trip: Duration,
    },
}

/// Events of all shards, in the order of each; of distances only the newest of each island by each link.
#[derive(Debug, Default)]
pub struct Inbox {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    events: Vec<Event>,
    distances: BTreeMap<(u64, String), Duration>,
}

impl Inbox {
    /// Puts an event in; `false`, and nothing put in, where too many of its kind wait already.
    pub fn put(&self, event: Event) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = match event {
            Event::Catalogue { .. } => waiting.events.len() >= INBOX_MAX,
            Event::Distance { .. } => waiting.distances.len() >= DISTANCES_MAX,
            _ => false,
        };
        if is_full {
            return false;
        }
        match event {
            Event::Distance { link, island, round_trip } => {
                waiting.distances.insert((link, island), round_trip);
            }
            event => {
                if let Event::Down { link: gone } = event {
                    waiting.distances.retain(|(link, _), _| *link != gone);
                }
                waiting.events.push(event);
            }
        }
        drop(waiting);
        self.filled.notify_one();
        true
    }

    /// Waits for events and takes all of them. Cancel safe.
    pub async fn take(&self) -> Vec<Event> {
        loop {
            let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            let Waiting { mut events, distances } = waiting;
            let distances = distances.into_iter();
            events.extend(distances.map(|((link, island), round_trip)| Event::Distance { link, island, round_trip }));
            if !events.is_empty() {
                return events;
            }
            self.filled.notified().await;
        }
    }
}

/// Runs one shard until it is told to close.
pub async fn run(core: Rc<Core>, doors: Vec<Door>, dial: DialConfig, inbox: Arc<Inbox>, orders: mpsc::Receiver<Order>) {
    let shard = core.shard.clone();
    run_clocks(&core);
    let questions = Rc::new(Questions::default());
    let hub_side = HubSide { core: core.clone(), inbox, questions: questions.clone() };
    let dialer = tunnel::dial(&shard, dial, Rc::new(hub_side));
    let stop = Rc::new(Notify::new());
    obey(&core, &dialer, &questions, orders, doors, &stop).await;
    stop.notify_waiters();
}

fn serve(shard: &Shard, core: &Rc<Core>, door: Door, stop: Rc<Notify>) {
    let core = core.clone();
    let island = door.island;
    let accept = move |peer: SocketAddr, _: SocketAddr| core.accept(peer, island.as_ref());
    match shard::listen(shard, door.listener, accept) {
        Ok(listening) => shard.run(async move {
            tokio::select! {
                () = listening => {}
                () = stop.notified() => {}
            }
        }),
        Err(error) => tracing::error!(%error, "a port cannot be served on this shard"),
    }
}

async fn obey(
    core: &Rc<Core>,
    dialer: &Dialer,
    questions: &Questions,
    mut orders: mpsc::Receiver<Order>,
    mut doors: Vec<Door>,
    stop: &Rc<Notify>,
) {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Open => doors.drain(..).for_each(|door| serve(&core.shard, core, door, stop.clone())),
            Order::Status(answer) => drop(answer.send(status(core, dialer))),
            Order::Tallied(answer) => drop(answer.send(core.decisions.tallied())),
            Order::Ask(asking) => questions.ask(dialer, asking),
            Order::InFlight(answer) => drop(answer.send(core.calls.len())),
            Order::Readonly(told) => {
                core.consumers.say_readonly();
                let _ = told.send(());
            }
            Order::Refuse(told) => {
                core.ending.set(true);
                let _ = told.send(());
            }
            Order::Anew { link, why } => {
                for one in dialer.links().iter().filter(|one| one.id() == link) {
                    one.close(why);
                }
            }
            Order::Close(why) => {
                core.consumers.close(&why);
                dialer.close(&why);
                // The closing sockets get a turn to write what was appended.
                tokio::time::sleep(TICK).await;
                return;
            }
        }
    }
}

fn status(core: &Core, dialer: &Dialer) -> ShardStatus {
    ShardStatus {
        shard: core.shard.index(),
        handlers: core.handlers(),
        connections: core.counters.connections.get(),
        in_flight: core.calls.len(),
        waiting_for_a_link: core.waiting.borrow().len() + core.absent.waiting(),
        answered: core.counters.answered_calls(),
        failed: core.counters.failed_calls(),
        cached_decisions: core.decisions.kept(),
        hubs: dialer.status(),
        local_providers: core.local.status(),
    }
}

/// Starts what a shard looks at from time to time, for as long as `core` is there.
pub fn run_clocks(core: &Rc<Core>) {
    core.shard.run(tick(Rc::downgrade(core)));
    let weak = Rc::downgrade(core);
    core.shard.every(SLOW_LOOK, move || {
        if let Some(core) = weak.upgrade() {
            core.give_up_slow(Instant::now());
            core.local.follow(&core.knowledge.load().local);
            core.local.give_up_idle(Instant::now());
        }
    });
}

/// Notices deadlines and links that take calls again. Sleeps while nothing waits.
async fn tick(core: Weak<Core>) {
    let mut idle = 0;
    loop {
        {
            let Some(core) = core.upgrade() else { return };
            core.expire(Instant::now());
            core.decide_waiting_anew();
            core.look_for_providers();
            core.try_again(Instant::now());
            core.send_waiting();
            idle = if core.calls.is_empty() { idle + 1 } else { 0 };
            if idle > IDLE_TICKS {
                core.clock.running.set(false);
                core.clock.wake.notified().await;
                idle = 0;
            }
        }
        tokio::time::sleep(TICK).await;
    }
}

/// The gateway's end of its links.
struct HubSide {
    core: Rc<Core>,
    inbox: Arc<Inbox>,
    questions: Rc<Questions>,
}

impl Handler for HubSide {
    fn up(&self, link: &Link) {
        tracing::info!(hub = &*link.peer().name, shard = self.core.shard.index(), "a link is up");
        self.inbox.put(Event::Up { link: link.id(), hub: link.peer().name.to_string() });
        self.core.links.add(Rc::new(link.clone()));
        self.core.ways_changed();
        self.core.send_waiting();
    }

    fn down(&self, link: &Link) {
        tracing::warn!(hub = &*link.peer().name, shard = self.core.shard.index(), "a link is over");
        self.core.links.remove(link.id());
        self.core.ways_changed();
        self.inbox.put(Event::Down { link: link.id() });
    }

    fn opened(&self, link: &Link, id: ExchangeId, _: Open<'_>) {
        let text = "an egress gateway takes no calls; only ingress gateways do";
        link.fail(id, &Failure::new(Stage::Pick, Kind::NotOffered, Outcome::NotSent, text));
    }

    // The exchange was failed when it was opened.
    fn data(&self, _: &Link, _: ExchangeId, _: &[u8], _: End) {}
    fn cancelled(&self, _: &Link, _: ExchangeId) {}

    fn reply(&self, _: &Link, token: u64, reply: Reply<'_>) {
        self.core.reply(token, reply);
    }

    fn failed(&self, _: &Link, token: u64, failure: Failure) {
        match token {
            // One-way: nobody waits, but it is counted.
            0 => self.core.counters.failed(&failure),
            token => self.core.failed(shard::Key::from_number(token), failure),
        }
    }

    fn catalogue(&self, link: &Link, update: Update) {
        if !self.inbox.put(Event::Catalogue { link: link.id(), update }) {
            tracing::warn!(hub = &*link.peer().name, "a hub sends catalogue updates faster than they can be taken in");
            link.close("catalogue updates come faster than this gateway takes them in");
        }
    }

    fn notice(&self, link: &Link, notice: Notice) {
        match notice {
            Notice::CatalogueTold => {
                self.inbox.put(Event::Told { link: link.id() });
            }
            Notice::Reachable { island } => self.core.island_is_back(&island),
            Notice::Distance { island, micros } => {
                let own = link.round_trip().map(|own| own.took).unwrap_or_default();
                let round_trip = own.saturating_add(Duration::from_micros(micros));
                self.inbox.put(Event::Distance { link: link.id(), island, round_trip });
            }
            Notice::Judged { question, verdict } => self.questions.judged(link.id(), question, *verdict),
            Notice::Staffed { question, gateway, providers } => {
                self.questions.staffed(link.id(), question, gateway, providers);
            }
            notice => tracing::debug!(hub = &*link.peer().name, ?notice, "a notice"),
        }
    }

    // Only streamed exchanges drain; this gateway sends whole bodies.
    fn drained(&self, _: &Link, _: ExchangeId, _: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each was an event of its own, and nothing bounded them.
    #[test]
    fn of_distances_that_wait_only_the_newest_count_and_a_link_that_is_gone_has_none() {
        let inbox = Inbox::default();
        let measured = |link, island: &str, millis| {
            inbox.put(Event::Distance { link, island: island.to_owned(), round_trip: Duration::from_millis(millis) })
        };
        for millis in 0..100_000 {
            measured(1, "shanghai", millis);
        }
        measured(2, "shanghai", 7);
        inbox.put(Event::Down { link: 2 });
        let waiting = std::mem::take(&mut *inbox.waiting.lock().unwrap());
        assert_eq!(waiting.distances, [((1, "shanghai".to_owned()), Duration::from_millis(99_999))].into());
        assert_eq!(waiting.events.len(), 1);
        let taken = (0..2 * DISTANCES_MAX).filter(|at| measured(1, &format!("i{at}"), 1)).count();
        assert_eq!(taken, DISTANCES_MAX);
    }
}
