//! What the hubs say of a call that nobody makes: whether they would let it in, and who stands behind it ([`wire::tunnel::question`]).
//!
//! ```text
//!  admin page ─ Order::Ask ─▶ a shard ─ Asked ─▶ each of its hubs ─ Judged, Staffed ─▶ the shard ─▶ admin page, until all are here or 2 s
//! ```
//!
//! A hub that does not answer, being away or of a release that does not know the question, is told as such and never waited for longer.
//! Nothing here decides anything, and nothing is on the path of a call.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tunnel::{Dialer, Link};
use wire::tunnel::notice::Notice;
use wire::tunnel::question::{AskedCall, Providers, Verdict};

use crate::listen::Order;

/// How long hubs and the gateways behind them may take.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);
/// Questions at once; who asks one more is told so.
const AT_ONCE: usize = 4;
/// Answers that wait to be taken in; what a hub tells beyond that is dropped.
const ANSWERS_MAX: usize = 1024;

/// A question on its way to a shard.
pub struct Asking {
    calls: Vec<AskedCall>,
    /// Where answers go.
    tell: mpsc::Sender<Told>,
    /// Who was asked.
    asked: oneshot::Sender<Vec<Asked>>,
}

/// A hub of this gateway.
struct Asked {
    hub: String,
    /// Why it could not be asked.
    away: Option<String>,
}

/// An answer to the call of this position.
struct Told {
    hub: Arc<str>,
    at: usize,
    what: What,
}

enum What {
    Judged(Verdict),
    Staffed(String, Providers),
}

/// The open questions of one shard.
#[derive(Default)]
pub struct Questions {
    open: RefCell<BTreeMap<u64, Open>>,
    next: Cell<u64>,
}

struct Open {
    link: u64,
    hub: Arc<str>,
    at: usize,
    tell: mpsc::Sender<Told>,
}

impl Questions {
    /// Asks every hub that is linked.
    pub fn ask(&self, dialer: &Dialer, asking: Asking) {
        let Asking { calls, tell, asked } = asking;
        self.open.borrow_mut().retain(|_, open| !open.tell.is_closed());
        let mut hubs: Vec<Asked> = Vec::new();
        let mut links = dialer.links();
        links.sort_by_key(|link| !link.usable());
        for link in links {
            let hub = link.peer().name.to_string();
            if hubs.iter().any(|known| known.hub == hub) {
                continue;
            }
            let away = (!link.usable()).then(|| "its link has no connection just now, or it is ending".to_owned());
            if away.is_none() {
                self.put(&link, &calls, &tell);
            }
            hubs.push(Asked { hub, away });
        }
        for address in dialer.status().into_iter().filter(|address| address.links.is_empty()) {
            let why = address.last_error.unwrap_or_else(|| "no link yet".to_owned());
            hubs.push(Asked { hub: address.url, away: Some(format!("it is not linked: {why}")) });
        }
        let _ = asked.send(hubs);
    }

    fn put(&self, link: &Link, calls: &[AskedCall], tell: &mpsc::Sender<Told>) {
        let hub: Arc<str> = (&*link.peer().name).into();
        for (at, call) in calls.iter().enumerate() {
            let question = self.next.get() + 1;
            self.next.set(question);
            let open = Open { link: link.id(), hub: hub.clone(), at, tell: tell.clone() };
            self.open.borrow_mut().insert(question, open);
            link.notify(&Notice::Asked { question, call: Box::new(call.clone()) });
        }
    }

    /// A hub says what it would do. What nobody asked for, or not on this link, is dropped.
    pub fn judged(&self, link: u64, question: u64, verdict: Verdict) {
        self.told(link, question, What::Judged(verdict.bounded()));
    }

    /// A hub passes on what a gateway behind it says.
    pub fn staffed(&self, link: u64, question: u64, gateway: String, providers: Providers) {
        self.told(link, question, What::Staffed(gateway, providers.bounded()));
    }

    fn told(&self, link: u64, question: u64, what: What) {
        let open = self.open.borrow();
        let Some(Open { hub, at, tell, .. }) = open.get(&question).filter(|open| open.link == link) else { return };
        // Too many are as good as none.
        let _ = tell.try_send(Told { hub: hub.clone(), at: *at, what });
    }
}

/// What one hub says of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HubSays {
    /// The hub: its id, or its URL while it never was linked.
    pub hub: String,
    /// What it would do.
    pub verdict: Says,
    /// The grant that allows the call.
    pub grant: Option<String>,
    /// Where it refuses: the sentence that the caller would read. Where it says nothing: why.
    pub why: Option<String>,
    /// What this island may send there a second; `None` for no limit.
    pub calls_per_second: Option<u32>,
    /// And have open at once.
    pub concurrent_calls: Option<u32>,
    /// And has open now.
    pub open_calls: u32,
    /// Who offers it there.
    pub gateways: Vec<GatewaySays>,
}

/// What a hub would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Says {
    /// It would send the call on.
    Granted,
    /// It would refuse it.
    Refused,
    /// It did not answer.
    #[default]
    Nothing,
}

/// What a gateway of the island says of its providers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GatewaySays {
    /// Its id.
    pub gateway: String,
    /// Its providers; `None` where it did not answer.
    pub providers: Option<Providers>,
}

/// The way to the hubs.
#[derive(Clone)]
pub struct Hubs {
    shard: mpsc::Sender<Order>,
    room: Arc<Semaphore>,
}

/// Too many ask at once.
#[derive(Debug, thiserror::Error)]
#[error("{AT_ONCE} questions are being answered already; ask again in a moment")]
pub struct Busy;

impl Hubs {
    /// Asks over the links of the shard that takes these orders.
    #[must_use]
    pub fn new(shard: mpsc::Sender<Order>) -> Self {
        Self { shard, room: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// What each hub says of each call, in the order of `calls`.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn ask(&self, calls: Vec<AskedCall>) -> Result<Vec<Vec<HubSays>>, Busy> {
        let _room = self.room.try_acquire().map_err(|_| Busy)?;
        let (tell, told) = mpsc::channel(ANSWERS_MAX);
        let (asked, hubs) = oneshot::channel();
        let count = calls.len();
        if count == 0 || self.shard.send(Order::Ask(Asking { calls, tell, asked })).await.is_err() {
            return Ok(vec![Vec::new(); count]);
        }
        // A shard that is ending asks nobody.
        let hubs = hubs.await.unwrap_or_default();
        Ok(gathered(&hubs, count, told).await)
    }
}

/// Takes answers in until all are here or their time is over.
async fn gathered(hubs: &[Asked], calls: usize, mut told: mpsc::Receiver<Told>) -> Vec<Vec<HubSays>> {
    let silent = |asked: &Asked| {
        HubSays {
        hub: asked.hub.clone(),
        why: Some(asked.away.clone().unwrap_or_else(|| {
            format!("it gave no answer within {ANSWERED_WITHIN:?}: it is busy, or of a release that does not know the question")
        })),
        ..HubSays::default()
    }
    };
    let mut said: Vec<Vec<HubSays>> = vec![hubs.iter().map(silent).collect(); calls];
    let is_whole = |said: &[Vec<HubSays>]| {
        said.iter().flatten().zip(hubs.iter().cycle()).all(|(says, asked)| {
            asked.away.is_some()
                || (says.verdict != Says::Nothing && says.gateways.iter().all(|gateway| gateway.providers.is_some()))
        })
    };
    let until = tokio::time::Instant::now() + ANSWERED_WITHIN;
    while !is_whole(&said) {
        let Ok(Some(Told { hub, at, what })) = tokio::time::timeout_at(until, told.recv()).await else { break };
        let of_call = said.get_mut(at).into_iter().flatten();
        if let Some(says) = of_call.into_iter().find(|says| *says.hub == *hub) {
            says.take(what);
        }
    }
    said
}

impl HubSays {
    fn take(&mut self, what: What) {
        match what {
            What::Judged(verdict) => {
                self.verdict = if verdict.refused.is_none() { Says::Granted } else { Says::Refused };
                (self.grant, self.why) = (verdict.grant, verdict.refused);
                self.calls_per_second = verdict.calls_per_second;
                self.concurrent_calls = verdict.concurrent_calls;
                self.open_calls = verdict.open_calls;
                let gateways = verdict.gateways.into_iter();
                self.gateways = gateways.map(|gateway| GatewaySays { gateway, providers: None }).collect();
            }
            What::Staffed(gateway, providers) => {
                if let Some(says) = self.gateways.iter_mut().find(|says| says.gateway == gateway) {
                    says.providers = Some(providers);
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "hub_says_tests.rs"]
mod tests;
