//! The straight line of one shard: a call comes over a link, is verified, gets a provider, and its answer goes back.
//!
//! ```text
//!  link ─ opened ─▶ (arrivals) ─▶ verify ─▶ pick ─▶ edit ─▶ provider's connection
//!                                                                  │
//!  link ◀─ reply ◀────────── shape ◀──────────────── answer ◀──────┤
//!  link ◀─ failure ◀────────────────────────────────── lost ◀──────┘   not sent: another provider, at most two more
//! ```
//!
//! Every call ends exactly once, in a reply or a failure that says how far it got; a one-way call ends when it is handed
//! over. It never waits and never opens an exchange itself.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chassis::metrics::tally::Tallied;
use client::{Candidates, EditError, Offer, Pool, PoolConfig, ProviderStatus, SendError, Times, Untaken};
use rustc_hash::FxHashMap;
use serde::Serialize;
use shard::Shard;
use tunnel::{ExchangeId, Link};
use wire::dubbo::call::Peeked;
use wire::dubbo::frame::FrameKind;
use wire::dubbo::reply::Asked;
use wire::tunnel::question::Providers;
use wire::tunnel::{Failure, Flags, Head, Kind, Notice, Outcome, Stage, Stamp};

use crate::arrivals::{Arrivals, Over};
use crate::catalogue::Catalogue;
use crate::edit;
use crate::in_flight::{Carried, InFlight};
use crate::meters::Meters;
use crate::offers::Exports;
use crate::pick::{Picker, Route};
use crate::readiness::LinksUp;
use crate::shares::Shares;
use crate::verify::{Refusal, Verified, verify};

/// No call waits longer than this, whatever its head says.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Forgeries are logged at most this often; each is counted and reported to the hub.
const FORGERY_LOG_EVERY: Duration = Duration::from_secs(1);

/// The token of calls that nobody waits for; no key has this number.
const NOBODY: u64 = 0;

/// What one shard may hold.
#[derive(Debug, Clone)]
pub struct LineLimits {
    /// Longest frame of a request, header included.
    pub frame_len: usize,
    /// Calls on their way.
    pub in_flight: usize,
}

/// One shard's half of the gateway.
pub struct Line {
    /// Which gateway this is, in words. What leaves the island of a failure names it and no address of a provider: these are for this
    /// island's own log, where a call is found by its stamp.
    pub(crate) here: Box<str>,
    pub(crate) pool: Pool,
    picker: Picker,
    pub(crate) in_flight: InFlight,
    pub(crate) arrivals: Arrivals,
    pub(crate) limits: LineLimits,
    pub(crate) meters: Meters,
    pub(crate) links_up: Arc<LinksUp>,
    pub(crate) links: RefCell<Vec<Link>>,
    catalogue: RefCell<Option<Arc<Catalogue>>>,
    /// Up to which revision each link was told the catalogue.
    pub(crate) told: RefCell<FxHashMap<u64, u64>>,
    pub(crate) draining: RefCell<Option<String>>,
    forgery_logged: Cell<Option<Instant>>,
}

/// What `/status` says of one shard.
#[derive(Debug, Serialize)]
pub struct LineStatus {
    /// Calls that providers have not answered yet.
    pub in_flight: usize,
    /// Bodies that are arriving in pieces.
    pub arriving: usize,
    /// Every provider address.
    pub providers: Vec<ProviderStatus>,
}

impl Line {
    /// A line that exports nothing yet.
    pub fn new(
        shard: &Shard,
        (gateway, island): (&str, &str),
        pool: PoolConfig,
        limits: LineLimits,
        shares: Shares,
        meters: Meters,
        links_up: Arc<LinksUp>,
    ) -> Rc<Self> {
        Rc::new_cyclic(|me: &Weak<Self>| Self {
            here: format!("ingress gateway `{gateway}` of island `{island}`").into(),
            pool: Pool::new(shard, pool, shares.budget().clone(), me.clone()),
            picker: Picker::new(),
            in_flight: InFlight::new(limits.in_flight),
            arrivals: Arrivals::new(shares.clone()),
            limits,
            meters,
            links_up,
            links: RefCell::default(),
            catalogue: RefCell::default(),
            told: RefCell::default(),
            draining: RefCell::default(),
            forgery_logged: Cell::default(),
        })
    }

    /// The counters of its pool.
    pub fn counts(&self) -> Arc<client::Counts> {
        self.pool.counts()
    }

    /// Exports this from now on. Calls that are under way go on.
    pub fn export(&self, exports: Arc<Exports>) {
        self.pool.update(exports.providers.clone());
        self.picker.export(exports);
    }

    /// Every registry was read once, or had its time for it: from now on, what is not exported is not there.
    pub fn know_all(&self) {
        self.picker.know_all();
    }

    /// Tells every hub the new state of the catalogue.
    pub fn publish(&self, catalogue: Arc<Catalogue>) {
        self.catalogue.replace(Some(catalogue));
        let links = self.links.borrow().clone();
        links.iter().for_each(|link| self.tell(link));
    }

    pub(crate) fn tell(&self, link: &Link) {
        let Some(catalogue) = self.catalogue.borrow().clone() else { return };
        let known = self.told.borrow_mut().insert(link.id(), catalogue.revision()).unwrap_or(0);
        let Some(update) = catalogue.update_from(known) else { return };
        if let Err(error) = link.send_catalogue(&update) {
            tracing::error!(%error, "an entry of the catalogue cannot be told to the hub");
        }
    }

    /// Asks the hubs for no new calls; what is under way goes on.
    pub fn drain(&self, reason: &str) {
        self.draining.replace(Some(reason.to_owned()));
        let links = self.links.borrow().clone();
        links.iter().for_each(|link| link.go_away(reason));
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.in_flight.len() == 0 && self.arrivals.len() == 0
    }

    /// Ends bodies that did not arrive in time. To be called now and then.
    pub fn expire(&self) {
        for (arrival, over) in self.arrivals.over(Instant::now()) {
            let text = match over {
                Over::Deadline => "the body of the call had not arrived when its deadline passed".to_owned(),
                Over::TooSlow(why) => {
                    format!(
                        "the body of the call comes too slowly over the link to wait for it: {why} of its part of the link's time"
                    )
                }
            };
            let failure = Failure::new(Stage::Tunnel, Kind::DeadlinePassed, Outcome::NotSent, text);
            let one_way = Head::decode(&arrival.head).is_ok_and(|head| head.flags.contains(Flags::ONE_WAY));
            self.refuse(&arrival.link, arrival.exchange, one_way, &failure);
        }
    }

    /// Who stands behind such a call; a hub asks for somebody who may make it.
    pub(crate) fn behind(&self, head: &Head<'_>) -> Providers {
        self.picker.behind(&self.pool, head).bounded()
    }

    /// For `/status`.
    pub fn status(&self) -> LineStatus {
        LineStatus { in_flight: self.in_flight.len(), arriving: self.arrivals.len(), providers: self.pool.status() }
    }

    /// What came of calls, by service.
    pub fn tallied(&self) -> Vec<(Arc<str>, Tallied)> {
        self.picker.tallied()
    }

    pub(crate) fn refuse(&self, link: &Link, exchange: ExchangeId, one_way: bool, failure: &Failure) {
        self.meters.failed(failure.kind);
        if !one_way {
            link.fail(exchange, failure);
        }
    }

    /// A call is here as a whole: verifies it, picks a provider and sends it.
    pub(crate) fn carry(&self, link: &Link, exchange: ExchangeId, head: &Head<'_>, frame: &[u8], since: Instant) {
        self.meters.arrived(frame.len());
        let one_way = head.flags.contains(Flags::ONE_WAY);
        let now = self.pool.now();
        let deadline = since + Duration::from_millis(u64::from(head.remaining_ms)).min(LONGEST);
        let left = deadline.saturating_duration_since(now);
        if left.is_zero() {
            let text = "the call's deadline had passed when it reached the providing island";
            let failure = Failure::new(Stage::Tunnel, Kind::DeadlinePassed, Outcome::NotSent, text);
            return self.refuse(link, exchange, one_way, &failure);
        }
        let sent = self.checked(link, head, frame).and_then(|verified| {
            let route = self.picker.decide(&self.pool, head, &verified).map_err(|failure| (*failure).clone())?;
            let times = Times::within(now, left);
            match verified.header.kind() {
                FrameKind::OneWay => self.send_one_way(head, &verified, &route, times),
                _ => {
                    let asked = match &verified.peeked {
                        Peeked::Call(call) => Asked::of(&verified.header, call),
                        Peeked::Opaque(_) => Asked::unread(&verified.header),
                    };
                    let carried = Carried {
                        link: link.clone(),
                        exchange,
                        stamp: head.stamp,
                        asked,
                        times,
                        route,
                        tried: Vec::new(),
                        provider: None,
                    };
                    let route = carried.route.clone();
                    self.dispatch(carried, &route.candidates, |offer, id, out| {
                        edit::append(&verified, head, &route.target, offer, left, id, out)
                    })
                }
            }
        });
        if let Err(failure) = sent {
            self.refuse(link, exchange, one_way, &failure);
        }
    }

    fn checked<'a>(&self, link: &Link, head: &Head<'_>, frame: &'a [u8]) -> Result<Verified<'a>, Failure> {
        verify(head, frame).map_err(|refusal| {
            let kind = match &refusal {
                Refusal::NoCall(_) | Refusal::Peek(_) => Kind::Unparsable,
                Refusal::Forged { .. } => Kind::Forged,
            };
            if let Refusal::Forged { field, claimed, found } = &refusal {
                self.forged(link, head, field, claimed, found);
            }
            Failure::new(Stage::Peek, kind, Outcome::NotSent, refusal.to_string())
        })
    }

    /// A gateway of another island lied, or is faulty: the hub has to know.
    fn forged(&self, link: &Link, head: &Head<'_>, field: &str, claimed: &str, found: &str) {
        link.notify(&Notice::Forgery {
            source: head.source.to_owned(),
            stamp_start: head.stamp.start,
            stamp_counter: head.stamp.counter,
            claimed: format!("{field} {claimed}"),
            found: format!("{field} {found}"),
        });
        let now = self.pool.now();
        if self.forgery_logged.get().is_none_or(|last| now.saturating_duration_since(last) >= FORGERY_LOG_EVERY) {
            self.forgery_logged.set(Some(now));
            tracing::warn!(
                island = head.source,
                field,
                claimed,
                found,
                "refused a call whose head is not what its frame says"
            );
        }
    }

    /// Hands a call to a provider; to others where the first cannot take it.
    pub(crate) fn dispatch(
        &self,
        mut carried: Carried,
        candidates: &Candidates,
        write: impl Fn(&Offer, i64, &mut Vec<u8>) -> Result<(), EditError>,
    ) -> Result<(), Failure> {
        let (route, stamp, times) = (carried.route.clone(), carried.stamp, carried.times);
        let mut tried = std::mem::take(&mut carried.tried);
        let Some(token) = self.in_flight.insert(carried) else { return Err(self.full()) };
        match candidates.send(token, times, &mut tried, write) {
            Ok((call, provider)) => {
                self.in_flight.sent(token, call, provider, tried);
                self.meters.in_flight(self.in_flight.len());
                Ok(())
            }
            // It may have ended meanwhile, with its link.
            Err(untaken) => match self.in_flight.take(token) {
                Some(_) => Err(self.not_sent(&route, stamp, candidates, untaken)),
                None => Ok(()),
            },
        }
    }

    fn full(&self) -> Failure {
        let text = format!("{} calls are under way in this ingress gateway's shard already", self.limits.in_flight);
        Failure::new(Stage::Provider, Kind::Overload, Outcome::NotSent, text)
    }

    fn send_one_way(
        &self,
        head: &Head<'_>,
        verified: &Verified<'_>,
        route: &Route,
        times: Times,
    ) -> Result<(), Failure> {
        let (candidates, stamp) = (&*route.candidates, head.stamp);
        let left = times.deadline.saturating_duration_since(self.pool.now());
        let write =
            |offer: &Offer, id, out: &mut Vec<u8>| edit::append(verified, head, &route.target, offer, left, id, out);
        // Nothing is kept of it that could be told what becomes of it.
        let sent = candidates.send_one_way(NOBODY, times, &mut Vec::new(), write);
        sent.map_err(|untaken| self.not_sent(route, stamp, candidates, untaken))?;
        self.meters.one_way();
        route.tally.ended();
        Ok(())
    }

    /// What is told of a call that nobody took.
    fn not_sent(&self, route: &Route, stamp: Stamp, candidates: &Candidates, untaken: Untaken<EditError>) -> Failure {
        route.tally.failed();
        let (label, here) = (&route.label, &self.here);
        let (by, error) = match untaken {
            Untaken::Nobody => return self.nobody(route, stamp, candidates),
            Untaken::Refused { by, error } => (by, error),
        };
        tracing::debug!(call = %stamp, %label, provider = %by, why = %error, "a call was not sent to a provider");
        let (kind, why) = match error {
            SendError::Busy(_) => (Kind::Overload, format!("{here} holds as many calls for its provider as it may")),
            SendError::Down(_) => (Kind::ProviderGone, self.no_connection()),
            SendError::Write(error @ EditError::TooLong { .. }) => (Kind::TooLarge, error.to_string()),
            SendError::Write(error) => (Kind::Unparsable, error.to_string()),
        };
        Failure::new(Stage::Provider, kind, Outcome::NotSent, format!("`{label}` was not sent: {why}"))
    }

    fn nobody(&self, route: &Route, stamp: Stamp, candidates: &Candidates) -> Failure {
        tracing::debug!(call = %stamp, label = &*route.label, why = candidates.trouble(), "a call finds no provider");
        let text = match candidates.list() {
            [] => format!("every provider of `{}` is disabled at {}", route.label, self.here),
            _ => format!("{} reaches no provider of `{}`; see its /status", self.here, route.label),
        };
        Failure::new(Stage::Pick, Kind::ProviderGone, Outcome::NotSent, text)
    }

    pub(crate) fn no_connection(&self) -> String {
        format!("{} has no connection to its provider; see its /status", self.here)
    }
}
