//! Keeps a link to every hub of a list, also to several hubs behind one address. It never dials faster than its backoff and
//! never changes anything at a hub it already has a link to.
//!
//! ```text
//!  one task an address:   wanted? ─▶ connect ─▶ hello ─▶ hub h answers
//!                            ▲                             ├─ h has no link: confirm ─▶ new link, or the old session goes on
//!                            └── backoff ◀─ failed ◀───────┴─ h is linked already: leave, unconfirmed
//!
//!  an address is wanted while a hub that answered there has no connection, or a hub that any hub named has none
//! ```
//!
//! Long because: the life of one address, from the first attempt to the last, is one loop.

mod auto;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shard::{Budget, Shard};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use wire::tunnel::hello::{ClientHello, ClientPayload, MAX_HUBS, Resume, Role, Seal, VERSION, Welcome, feature};

use crate::address::{HubAddress, Transport};
use crate::handshake::{Answered, HANDSHAKE_LIMIT, HandshakeError, Initiator, initiate};
use crate::key::{PrivateKey, PublicKey};
use crate::link::{Connected, NewLink, TICK};
use crate::moved::Moved;
use crate::path::{Finding, Memory, Path};
use crate::session::Side;
use crate::transport::connect::{self, Made, Target};
use crate::{Handler, Link, LinkStatus, Peer, Traffic, random, transport};

/// The first wait after a failure; each further one is twice as long.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
/// The longest wait after a failure.
const LAST_BACKOFF: Duration = Duration::from_secs(5);
/// A link that lasts no longer is one more failure: a hub that takes links and drops them must not be dialled without pause.
const STEADY: Duration = Duration::from_secs(5);
/// A link that brought so many records was none of these, however short it was: a box cut it that lets so much through and no more, and the
/// next one carries on at once.
const CARRIED: u64 = 64;
/// The longest wait while an address only leads to hubs that are linked already.
const SEEK_BACKOFF: Duration = Duration::from_secs(30);

/// How a gateway reaches its hubs.
#[derive(Clone)]
pub struct DialConfig {
    /// All hubs.
    pub hubs: Vec<HubAddress>,
    /// The gateway's key.
    pub key: Arc<PrivateKey>,
    /// Which half it is.
    pub role: Role,
    /// Its island.
    pub island: String,
    /// Its id within the island.
    pub gateway: String,
    /// The number its process drew when it started.
    pub start: u64,
    /// When records are sealed.
    pub seal: Seal,
    /// Exchanges that a hub may have open with this gateway at once, on one link.
    pub exchanges: u32,
    /// How often a quiet link is asked whether it is alive; after three silent intervals it is given up.
    pub ping: Duration,
    /// What the process may hold of bodies, all together.
    pub budget: Budget,
    /// Where what its links move is summed.
    pub traffic: Traffic,
    /// A file of its own that keeps what works on the way to each hub over restarts.
    pub memory: Option<PathBuf>,
}

/// Keeps the links; dropping it ends them.
pub struct Dialer(Rc<Inner>);

/// One address of the list, from outside.
#[derive(Debug, Clone, serde::Serialize)]
pub struct HubStatus {
    /// Its URL.
    pub url: String,
    /// The proxy through which it is dialled, `HOST:PORT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// What carries its links, as configured.
    pub transport: Transport,
    /// What is known of each transport, where one is chosen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<Finding>,
    /// Why the last attempt failed, if it did.
    pub last_error: Option<String>,
    /// The links that were made through it.
    pub links: Vec<LinkStatus>,
}

struct Inner {
    shard: Shard,
    config: DialConfig,
    memory: Memory,
    handler: Rc<dyn Handler>,
    addresses: Vec<Address>,
    links: RefCell<Vec<Dialled>>,
    /// Hubs whose answer is being confirmed.
    pending: RefCell<BTreeSet<HubId>>,
    /// All hubs, as the last hub that answered named them.
    named: RefCell<BTreeSet<String>>,
    /// Told when a connection is lost.
    lost: Rc<Notify>,
    stop: watch::Sender<bool>,
}

/// What is known of an address.
struct Address {
    path: RefCell<Path>,
    /// Whether a better transport is being tried beside its link.
    is_looking: Cell<bool>,
    last_error: RefCell<Option<String>>,
    /// Hubs that answered there.
    seen: RefCell<BTreeSet<HubId>>,
    /// Answers in a row from hubs that had a link already.
    duplicates: Cell<u32>,
}

/// A hub: the id it claims and the key it proved, since several may be pinned and one must not pass for another.
type HubId = (String, PublicKey);

struct Dialled {
    hub: HubId,
    address: usize,
    /// What carries it.
    via: Cell<Transport>,
    link: Link,
}

/// What an attempt led to.
enum Attempt {
    Linked,
    Duplicate,
}

impl Dialer {
    /// All sessions that are alive, connected or not.
    pub fn links(&self) -> Vec<Link> {
        self.0.links.borrow().iter().map(|dialled| dialled.link.clone()).filter(|link| !link.is_over()).collect()
    }

    /// For `/status`.
    pub fn status(&self) -> Vec<HubStatus> {
        let links = self.0.links.borrow();
        let of = |index| links.iter().filter(move |dialled| dialled.address == index && !dialled.link.is_over());
        let addresses = self.0.config.hubs.iter().zip(&self.0.addresses).enumerate();
        addresses
            .map(|(index, (address, known))| HubStatus {
                url: address.url.clone(),
                proxy: address.proxy.as_ref().map(ToString::to_string),
                transport: address.transport,
                path: if address.transport == Transport::Auto {
                    known.path.borrow().findings().to_vec()
                } else {
                    Vec::new()
                },
                last_error: known.last_error.borrow().clone(),
                links: of(index).map(|dialled| dialled.link.status()).collect(),
            })
            .collect()
    }

    /// Ends all links and dials no more.
    pub fn close(&self, reason: &str) {
        self.0.stop.send_replace(true);
        for link in self.links() {
            link.close(reason);
        }
    }
}

impl Drop for Dialer {
    fn drop(&mut self) {
        self.close("the gateway is stopping");
    }
}

/// Starts to dial, on this shard. Calls nothing of `handler` before the first link is up.
pub fn dial(shard: &Shard, config: DialConfig, handler: Rc<dyn Handler>) -> Dialer {
    let memory = Memory::new(config.memory.clone());
    let known = |address| Address {
        path: RefCell::new(Path::new(memory.recall(address))),
        is_looking: Cell::new(false),
        last_error: RefCell::default(),
        seen: RefCell::default(),
        duplicates: Cell::default(),
    };
    let inner = Rc::new(Inner {
        shard: shard.clone(),
        addresses: config.hubs.iter().map(known).collect(),
        config,
        memory,
        handler,
        links: RefCell::new(Vec::new()),
        pending: RefCell::new(BTreeSet::new()),
        named: RefCell::new(BTreeSet::new()),
        lost: Rc::new(Notify::new()),
        stop: watch::Sender::new(false),
    });
    for index in 0..inner.addresses.len() {
        shard.run(keep(inner.clone(), index));
    }
    shard.run(tick(inner.clone()));
    Dialer(inner)
}

async fn tick(inner: Rc<Inner>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        inner.links.borrow_mut().retain(|dialled| !dialled.link.is_gone());
        let links: Vec<Link> = inner.links.borrow().iter().map(|dialled| dialled.link.clone()).collect();
        if links.is_empty() && *inner.stop.borrow() {
            return;
        }
        let now = Instant::now();
        for link in links {
            link.tick(now);
        }
        inner.look(now);
    }
}

async fn keep(inner: Rc<Inner>, index: usize) {
    let mut stop = inner.stop.subscribe();
    let work = async {
        let mut failures = 0;
        let mut linked: Option<(Instant, u64)> = None;
        loop {
            let lost = inner.lost.notified();
            if !inner.wants(index) {
                lost.await;
                continue;
            }
            if let Some((since, received)) = linked.take() {
                let carried = inner.received(index).saturating_sub(received);
                failures = if since.elapsed() < STEADY && carried < CARRIED { failures + 1 } else { 0 };
                if failures > 0 {
                    sleep(jittered(backoff(failures, LAST_BACKOFF))).await;
                    continue;
                }
            }
            inner.look(Instant::now());
            let attempt = match inner.config.hubs[index].transport {
                Transport::Auto => auto::link(&inner, index).await,
                transport => inner.attempt(index, transport).await,
            };
            let wait = match attempt {
                Ok(Attempt::Linked) => {
                    linked = Some((Instant::now(), inner.received(index)));
                    *inner.addresses[index].last_error.borrow_mut() = None;
                    FIRST_BACKOFF
                }
                Ok(Attempt::Duplicate) => {
                    failures = 0;
                    *inner.addresses[index].last_error.borrow_mut() = None;
                    backoff(inner.addresses[index].duplicates.get(), SEEK_BACKOFF)
                }
                Err(error) => {
                    failures += 1;
                    inner.note(index, failures, &error);
                    backoff(failures, LAST_BACKOFF)
                }
            };
            let is_seeking = inner.addresses[index].duplicates.get() > 0;
            tokio::select! {
                () = sleep(jittered(wait)) => {}
                // A link that breaks while its address only looks for others must not wait for that.
                () = inner.lost.notified(), if is_seeking => {}
            }
        }
    };
    tokio::select! {
        // A stopped dialler changes nothing any more; so does one that is gone.
        _ = stop.wait_for(|stop| *stop) => {}
        () = work => {}
    }
}

fn backoff(failures: u32, longest: Duration) -> Duration {
    FIRST_BACKOFF.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(longest)
}

/// Between half and all of it, so that gateways that lost a hub together do not come back together.
fn jittered(wait: Duration) -> Duration {
    let random = random::number().unwrap_or(0) % 1000;
    wait / 2 + (wait / 2).mul_f64(random as f64 / 1000.0)
}

impl Inner {
    fn is_connected(&self, is_it: impl Fn(&HubId) -> bool) -> bool {
        self.links.borrow().iter().any(|dialled| is_it(&dialled.hub) && dialled.link.connected())
    }

    fn wants(&self, index: usize) -> bool {
        let seen = self.addresses[index].seen.borrow();
        let named = self.named.borrow();
        seen.is_empty()
            || seen.iter().any(|hub| !self.is_connected(|linked| linked == hub))
            || named.iter().any(|name| !self.is_connected(|(linked, _)| linked == name))
    }

    /// Records that the sessions made through this address have received.
    fn received(&self, index: usize) -> u64 {
        let links = self.links.borrow();
        links.iter().filter(|dialled| dialled.address == index).map(|dialled| dialled.link.received()).sum()
    }

    fn note(&self, index: usize, failures: u32, error: &HandshakeError) {
        let url = &self.config.hubs[index].url;
        let text = error.to_string();
        let is_news = self.addresses[index].last_error.borrow().as_deref() != Some(&text);
        // A person must act where the reason is new; that it lasts is no news.
        if is_news {
            tracing::warn!(url, error = text, "cannot link to the hub");
        } else {
            tracing::debug!(url, failures, error = text, "cannot link to the hub");
        }
        *self.addresses[index].last_error.borrow_mut() = Some(text);
    }

    /// Notes what came of links whose transport is chosen.
    fn look(self: &Rc<Self>, now: Instant) {
        for (index, address) in self.config.hubs.iter().enumerate() {
            if address.transport == Transport::Auto {
                auto::look(self, index, now);
            }
        }
    }

    /// One connection, one handshake.
    async fn attempt(&self, index: usize, transport: Transport) -> Result<Attempt, HandshakeError> {
        let work = async {
            let made = self.connect(index, transport).await?;
            self.shake_hands(index, transport, made).await
        };
        let late = || match transport {
            Transport::H2 | Transport::H1 => HandshakeError::Held,
            _ => HandshakeError::Timeout,
        };
        timeout(HANDSHAKE_LIMIT, work).await.unwrap_or_else(|_| Err(late()))
    }

    async fn connect(&self, index: usize, transport: Transport) -> io::Result<Made> {
        let target = Target::of(&self.config.hubs[index])?;
        match transport {
            Transport::Auto | Transport::Ws => connect::ws(&self.shard, &target).await,
            Transport::H2 => connect::h2(&self.shard, &target).await,
            Transport::H1 => connect::h1(&self.shard, &target).await,
            Transport::Post => connect::post(&self.shard, target),
        }
    }

    async fn shake_hands(&self, index: usize, via: Transport, made: Made) -> Result<Attempt, HandshakeError> {
        let Made { mut transport, exporter, is_tls } = made;
        let answered = self.ask(index, &mut *transport, exporter, |link| !link.connected()).await?;
        let hub = (answered.welcome.hub.clone(), answered.key);
        self.learn(index, &hub, &answered.welcome);
        if self.is_connected(|linked| *linked == hub) || !self.pending.borrow_mut().insert(hub.clone()) {
            let duplicates = &self.addresses[index].duplicates;
            duplicates.set(duplicates.get().saturating_add(1));
            return Ok(Attempt::Duplicate);
        }
        let pending = Pending { inner: self, hub: &hub };
        let position = answered.position();
        let established = answered.confirm(None).await?;
        let connected = Connected { transport, seal: established.seal, is_tls, rest: established.rest, guard: None };
        drop(pending);
        self.addresses[index].duplicates.set(0);
        self.take(index, via, hub, established.said, connected, position);
        Ok(Attempt::Linked)
    }

    /// Moves the link with this hub, which stands, to a connection over another transport. False: another hub has answered.
    async fn move_to(&self, index: usize, hub: &HubId, via: Transport) -> Result<bool, HandshakeError> {
        let Made { mut transport, exporter, is_tls } = self.connect(index, via).await?;
        let answered = self.ask(index, &mut *transport, exporter, |_| true).await?;
        let is_same = (&answered.welcome.hub, &answered.key) == (&hub.0, &hub.1);
        let (Some(told), true) = (answered.welcome.resumed, is_same) else { return Ok(false) };
        let standing = |dialled: &&Dialled| dialled.hub == *hub && dialled.link.connected();
        let Some(link) = self.links.borrow().iter().find(standing).map(|dialled| dialled.link.clone()) else {
            return Ok(false);
        };
        if link.session_id() != answered.welcome.session || !self.pending.borrow_mut().insert(hub.clone()) {
            return Ok(false);
        }
        // From here on nothing moves: what has come and what is known to have come is what the new connection begins with.
        let (_gap, _pending) = (Gap(&self.lost), Pending { inner: self, hub });
        let [received, acknowledged] = link.let_go();
        let moved = Moved { received, acknowledged: acknowledged.max(told) };
        let mut established = answered.confirm(Some(moved)).await?;
        let connected = Connected { transport, seal: established.seal, is_tls, rest: established.rest, guard: None };
        established.said.resumed = Some(moved.acknowledged);
        self.take(index, via, hub.clone(), established.said, connected, moved.received);
        Ok(true)
    }

    /// Asks whoever answers for a link; sessions for which `goes_on` says so may go on over it.
    async fn ask<'a>(
        &self,
        index: usize,
        transport: &'a mut dyn transport::Transport,
        exporter: Option<String>,
        goes_on: impl Fn(&Link) -> bool,
    ) -> Result<Answered<'a>, HandshakeError> {
        let initiator = Initiator {
            key: &self.config.key,
            hub_keys: &self.config.hubs[index].keys,
            hello: ClientHello {
                version_min: VERSION,
                version_max: VERSION,
                features: self.features(index),
                role: self.config.role,
                island: self.config.island.clone(),
                gateway: self.config.gateway.clone(),
                hub_key: String::new(),
            },
            payload: &|key| ClientPayload {
                seal: self.config.seal,
                exporter: exporter.clone(),
                start: self.config.start,
                exchanges: self.config.exchanges,
                resume: self.resumable(key, &goes_on),
            },
        };
        let seals = transport.seals();
        let answered = initiate(transport, initiator).await?;
        if seals && !answered.welcome.sealed {
            return Err(HandshakeError::Unsealed);
        }
        Ok(answered)
    }

    /// Sessions with the hub of this key that may go on.
    fn resumable(&self, key: &PublicKey, goes_on: &dyn Fn(&Link) -> bool) -> Vec<Resume> {
        let links = self.links.borrow();
        let waiting =
            links.iter().filter(|dialled| dialled.hub.1 == *key && !dialled.link.is_over() && goes_on(&dialled.link));
        waiting
            .take(MAX_HUBS)
            .map(|dialled| Resume {
                hub: dialled.hub.0.clone(),
                session: dialled.link.session_id().to_owned(),
                received: dialled.link.received(),
            })
            .collect()
    }

    /// What this end knows of [`feature`], and wants with the hubs of this address.
    fn features(&self, index: usize) -> u64 {
        if self.config.hubs[index].models { feature::KNOWN } else { feature::KNOWN & !feature::MODELS }
    }

    fn learn(&self, index: usize, hub: &HubId, welcome: &Welcome) {
        let mut seen = self.addresses[index].seen.borrow_mut();
        // A hub whose key was changed does not come back with the old one.
        seen.retain(|known| known.0 != hub.0 || self.is_connected(|linked| linked == known));
        seen.insert(hub.clone());
        *self.named.borrow_mut() = welcome.hubs.iter().take(MAX_HUBS).chain([&welcome.hub]).cloned().collect();
    }

    /// A hub has a connection: its session goes on, or a new one begins.
    fn take(&self, index: usize, via: Transport, hub: HubId, welcome: Welcome, connected: Connected, position: u64) {
        let is_chosen = self.config.hubs[index].transport == Transport::Auto;
        let old = self
            .links
            .borrow()
            .iter()
            .find(|dialled| dialled.hub == hub && !dialled.link.is_over())
            .map(|dialled| (dialled.via.set(via), dialled.link.clone()));
        if let Some(((), link)) = old {
            match welcome.resumed {
                Some(received) if link.session_id() == welcome.session => {
                    link.attach(connected, position, received);
                    if is_chosen {
                        link.prove();
                    }
                    return;
                }
                _ => link.abandon("the hub does not know the session any more", welcome.ended),
            }
        }
        let peer = Peer { role: Role::Hub, island: "".into(), name: hub.0.as_str().into(), key: hub.1 };
        let new = NewLink {
            session_id: welcome.session,
            peer,
            side: Side::Dialler,
            exchanges: [welcome.exchanges, self.config.exchanges],
            features: welcome.features & self.features(index),
            ping: self.config.ping,
            lost: self.lost.clone(),
            budget: self.config.budget.clone(),
            traffic: self.config.traffic.clone(),
        };
        let link = Link::new(&self.shard, self.handler.clone(), new);
        tracing::info!(hub = %welcome.hub, url = self.config.hubs[index].url, transport = via.name(), sealed = welcome.sealed, "link is up");
        self.links.borrow_mut().push(Dialled { hub, address: index, via: Cell::new(via), link: link.clone() });
        link.attach(connected, 0, 0);
        if is_chosen {
            link.prove();
        }
    }
}

/// A hub whose answer is being confirmed, until this is dropped.
struct Pending<'a> {
    inner: &'a Inner,
    hub: &'a HubId,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.inner.pending.borrow_mut().remove(self.hub);
    }
}

/// While a link has let its connection go for another: if that does not come about, it is dialled anew.
struct Gap<'a>(&'a Notify);

impl Drop for Gap<'_> {
    fn drop(&mut self) {
        self.0.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_a_tenth_of_a_second_to_the_longest_and_are_jittered() {
        let waits: Vec<u128> = (1..=8).map(|failures| backoff(failures, LAST_BACKOFF).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(backoff(u32::MAX, SEEK_BACKOFF), SEEK_BACKOFF);
        let waits: BTreeSet<Duration> = (0..50).map(|_| jittered(LAST_BACKOFF)).collect();
        assert!(waits.len() > 10 && waits.iter().all(|wait| *wait >= LAST_BACKOFF / 2 && *wait <= LAST_BACKOFF));
    }
}
