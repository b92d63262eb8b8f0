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

mod attempt;
mod auto;
mod learnt;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shard::{Budget, Shard};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use wire::tunnel::hello::{Role, Seal};

use crate::address::{HubAddress, Transport};
use crate::handshake::HandshakeError;
use crate::key::{PrivateKey, PublicKey};
use crate::link::TICK;
use crate::path::{Break, Finding, Idle, Memory, Path, Remembered};
use crate::{Handler, Link, LinkStatus, Traffic, random};

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
    /// The silence after which boxes on the way cut connections, in milliseconds, where they do sooner than `link.ping`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_after_silence_ms: Option<u64>,
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
    /// How long it lets connections be silent.
    idle: RefCell<Idle>,
    /// How the last connection was lost, until there is another.
    lost: Cell<Option<Break>>,
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
                cut_after_silence_ms: known
                    .idle
                    .borrow()
                    .limit()
                    .and_then(|limit| u64::try_from(limit.as_millis()).ok()),
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
    // Read before anything is carried.
    let recalled = |address| {
        let Remembered { transport, silence } = memory.recall(address);
        (RefCell::new(Path::new(transport)), RefCell::new(Idle::new(silence)))
    };
    let known = |(path, idle)| Address {
        path,
        idle,
        lost: Cell::default(),
        is_looking: Cell::new(false),
        last_error: RefCell::default(),
        seen: RefCell::default(),
        duplicates: Cell::default(),
    };
    let inner = Rc::new(Inner {
        shard: shard.clone(),
        addresses: config.hubs.iter().map(recalled).map(known).collect(),
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
            let lost = self.lost_since(index);
            self.learn_silence(index, &lost);
            if let Some((_, loss)) = lost.last() {
                // Until there is another connection; a path that lets links come up and takes them away shows why.
                *self.addresses[index].last_error.borrow_mut() = Some(loss.why.clone());
            }
            if address.transport == Transport::Auto {
                auto::look(self, index, lost, now);
            }
        }
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
