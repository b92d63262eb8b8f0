//! From link to link: a call that was admitted goes to an ingress of its island, the reply goes back. It never opens a
//! frame; bodies are passed on piece by piece, and credit goes back when the next hop has taken them.
//!
//! ```text
//!  egress link ─ opened ─▶ filters ─▶ choose ─▶ ingress link        calls: slab by token, index by (link, exchange)
//!       ▲ reply / failure ◀─────────────────────── reply / failed        each ends in exactly one audit line
//! ```
//!
//! Long because: calls, links, catalogue and distances meet on one shard, in one order.

mod forward;
mod handler;
mod questions;
mod status;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use chassis::metrics::tally::Tally;
use rustc_hash::FxHashMap;
use shard::{Budget, Key, Permit, Slots, Wheel};
use tunnel::{Encoding, ExchangeId, Link};
use wire::tunnel::failure::{Failure, Kind, Outcome as Reach, Stage};
use wire::tunnel::head::{self, Flags, Head};
use wire::tunnel::notice::Notice;

use crate::admit::{Filter, UNKNOWN_APPLICATION, filters};
use crate::audit::{Audit, Line, Outcome, Stamp, Timestamp};
use crate::catalogue::{Catalogue, Who};
use crate::counts::Counts;
use crate::directory::InForce;
use crate::limits::{self, Limit, Limits};
use crate::links::{Counted, Links};
use crate::policy::Policy;
use questions::Questions;

/// Calls this hub holds at once; above it callers hear `overload`.
const CALLS: usize = 1 << 20;
/// Behind the deadline the egress answers by itself; this much later the hub frees what nobody asks for any more.
const GRACE: Duration = Duration::from_secs(1);
/// What a call under way takes beside its head and body, about: its entries in the tables of this hub and of both links.
const CALL_LEN: usize = 1024;
/// After looking after the catalogue, so many times as long as that took goes to everything else.
const CATALOGUE_SHARE: u32 = 9;
/// How often it is looked how far islands are.
const MEASURED_EVERY: Duration = Duration::from_secs(2);
/// Between two forgeries that are said in the log.
const FORGERY_SAID: Duration = Duration::from_secs(1);
/// The reason of a line about calls that have none of their own.
const LEFT_OUT: &str = "refused calls in a flood of them, which have no line of their own";
/// Copies of heads kept for the next calls, and the longest that is.
const SPARE_HEADS: usize = 1024;
const SPARE_HEAD_LEN: usize = 1024;

/// Everything a hub does with calls, on its shard.
pub struct Switch {
    id: Arc<str>,
    policy: InForce,
    limits: Limits,
    filters: Vec<Box<dyn Filter>>,
    audit: Audit,
    links: RefCell<Links>,
    catalogue: RefCell<Catalogue>,
    /// Whether egresses may have to be told something.
    catalogue_changed: Cell<bool>,
    /// Gateways whose services have changed since their links last learnt them.
    to_learn: RefCell<BTreeSet<Who>>,
    /// Not looked after before: whoever tells a lot takes a share of this core, and no more.
    catalogue_due: Cell<Instant>,
    measure_due: Cell<Instant>,
    /// When a forgery was last said in the log; the audit and the count have each.
    forgery_said: Cell<Option<Instant>>,
    /// What calls and bodies under way hold.
    budget: Budget,
    calls: RefCell<Slots<Call>>,
    by_exchange: RefCell<FxHashMap<(u64, ExchangeId), Key>>,
    wheel: RefCell<Wheel>,
    /// Islands that calls were refused for since none of their links could take them, each with the link that was told so.
    missed: RefCell<BTreeSet<(Box<str>, u64)>>,
    questions: RefCell<Questions>,
    /// Buffers for names and heads, used again call by call.
    name: Cell<Vec<u8>>,
    heads: Cell<Vec<u8>>,
    spare_heads: RefCell<Vec<Vec<u8>>>,
    counts: Counts,
}

/// A call on its way.
struct Call {
    from: Link,
    from_id: ExchangeId,
    /// Where it went, from the moment it was sent.
    to: Option<(Link, ExchangeId)>,
    record: Record,
    /// Counted until the call ends.
    _open: (limits::Open, Counted, Permit),
}

/// What the audit will say.
struct Record {
    at: SystemTime,
    began: Instant,
    head: Vec<u8>,
    grant: Option<Arc<str>>,
    request_len: u64,
    reply_len: u64,
    provider_us: Option<u32>,
    /// Its island, and the service to which it went, from the moment it was let in.
    tallies: Option<(Rc<Limit>, Rc<Tally>)>,
}

impl Switch {
    /// A hub without links.
    pub fn new(
        id: Arc<str>,
        policy: InForce,
        audit: Audit,
        catalogue: Catalogue,
        counts: Counts,
        budget: Budget,
    ) -> Switch {
        let limits = Limits::default();
        limits.obey(&policy.borrow());
        Switch {
            id,
            policy,
            limits,
            filters: filters(),
            audit,
            links: RefCell::default(),
            catalogue: RefCell::new(catalogue),
            catalogue_changed: Cell::new(false),
            to_learn: RefCell::default(),
            catalogue_due: Cell::new(Instant::now()),
            measure_due: Cell::new(Instant::now()),
            forgery_said: Cell::default(),
            budget,
            calls: RefCell::new(Slots::new(CALLS)),
            by_exchange: RefCell::default(),
            wheel: RefCell::new(Wheel::new(Instant::now())),
            missed: RefCell::default(),
            questions: RefCell::default(),
            name: Cell::default(),
            heads: Cell::default(),
            spare_heads: RefCell::default(),
            counts,
        }
    }

    /// Takes a new policy: links whose key lost its place are cut, what is seen changes, calls are judged by it from now on.
    pub fn obey(&self, policy: Arc<Policy>) {
        self.limits.obey(&policy);
        let cut: Vec<Link> = {
            *self.policy.borrow_mut() = policy;
            let links = self.links.borrow();
            links.all().filter(|link| !self.is_listed(link) || !self.may_be_encoded(link)).cloned().collect()
        };
        for link in cut {
            let why = if self.is_listed(&link) {
                "the hub's policy no longer takes POSTs of this island as forms"
            } else {
                "the hub's policy no longer lists this gateway with this key"
            };
            tracing::info!(island = &*link.peer().island, gateway = &*link.peer().name, why, "a link is cut");
            link.close(why);
        }
        self.catalogue_changed.set(true);
    }

    /// Whether the policy in force has the gateway at the other end, as what it is.
    fn is_listed(&self, link: &Link) -> bool {
        let peer = link.peer();
        self.policy.borrow().gateway(&peer.key).is_some_and(|gateway| {
            !gateway.revoked
                && *gateway.island == *peer.island
                && *gateway.id == *peer.name
                && gateway.role == peer.role
        })
    }

    /// Whether the policy in force takes what carries the link.
    fn may_be_encoded(&self, link: &Link) -> bool {
        link.encoding() == Encoding::Plain || self.policy.borrow().takes_forms(&link.peer().island)
    }

    /// Tells those who were refused that an island can be reached again. Looked at with the clock, since a link takes calls
    /// again for several reasons: it is new, its gateway has said what it offers, its connection was lost and is back.
    fn tell_reachable(&self) {
        if self.missed.borrow().is_empty() {
            return;
        }
        let mut back = Vec::new();
        let links = self.links.borrow();
        self.missed.borrow_mut().retain(|(island, link)| {
            let reached = links.reach(island);
            if reached {
                back.extend(links.egress_link(*link).map(|link| (link, island.to_string())));
            }
            !reached
        });
        drop(links);
        for (link, island) in back {
            link.notify(&Notice::Reachable { island });
        }
    }

    /// What is due at `now`: deadlines, and news for those who wait for an island.
    pub fn tick(&self, now: Instant) {
        self.tell_reachable();
        let mut due = Vec::new();
        self.wheel.borrow_mut().expire(now, &mut due);
        for slot in due {
            let Some(key) = self.calls.borrow().at(slot).map(|(key, _)| key) else { continue };
            let Some(call) = self.end(key) else { continue };
            if let Some((to, id)) = &call.to {
                to.cancel(*id);
            }
            let text = if one_way(&call.record.head) {
                "the deadline passed while the call waited for a connection to its provider's island"
            } else {
                "the deadline passed while the call was at its provider's island, and nobody answered"
            };
            let failure = Failure::new(Stage::Switch, Kind::DeadlinePassed, Reach::Unknown, text);
            call.from.fail(call.from_id, &failure);
            self.write(&call.from, call.to_link(), &call.record, Outcome::TimedOut, &failure.text);
        }
    }

    /// Lets the audit's writer end; nothing is written after this.
    pub fn end_audit(&self) {
        self.audit.end();
    }

    /// What is due now and then: lines to the writer, the catalogue to those who may see it.
    pub fn housekeep(&self, now: Instant) {
        self.questions.borrow_mut().forget_old(now);
        for (island, count) in self.limits.take_unwritten(now) {
            self.audit.write(&Line { unwritten: count, ..self.line(&island, Outcome::Refused, LEFT_OUT) });
        }
        self.audit.hand_over();
        if now >= self.measure_due.get() {
            self.measure_due.set(now + MEASURED_EVERY);
            self.tell_distances();
        }
        if now < self.catalogue_due.get() {
            return;
        }
        self.look_after_catalogue(now);
        let took = now.elapsed();
        self.catalogue_due.set(now + took * CATALOGUE_SHARE);
    }

    /// How far islands are, to egresses that see them.
    fn tell_distances(&self) {
        let news = self.links.borrow_mut().measure();
        for (link, island, distance) in news {
            let micros = u64::try_from(distance.as_micros()).unwrap_or(u64::MAX);
            link.notify(&Notice::Distance { island: island.to_string(), micros });
        }
    }

    /// What islands have told since the last time: to the links that calls go out on, and to those who may see it.
    fn look_after_catalogue(&self, now: Instant) {
        for who in std::mem::take(&mut *self.to_learn.borrow_mut()) {
            self.links.borrow_mut().learn(&who, &self.catalogue.borrow());
        }
        if self.catalogue.borrow_mut().forget_gone(now) {
            self.catalogue_changed.set(true);
        }
        let changed = self.catalogue_changed.replace(false);
        let whole = self.catalogue.borrow().is_whole(&self.policy.borrow(), now);
        let egress = self.links.borrow().egress();
        for link in egress {
            // What it was told last has to be on its way first: it is told the difference to that.
            if link.catalogue_len() > 0 {
                self.catalogue_changed.set(changed || self.catalogue_changed.get());
                continue;
            }
            if changed {
                self.tell_difference(&link);
            }
            // Once it has heard all of it, that this was everything.
            if whole && link.catalogue_len() == 0 && self.links.borrow_mut().hears_whole(&link) {
                link.notify(&Notice::CatalogueTold);
            }
        }
    }

    /// What the egress may see now and was not told yet.
    fn tell_difference(&self, link: &Link) {
        let Some(mut shown) = self.links.borrow_mut().shown(link).map(std::mem::take) else { return };
        let (catalogue, policy) = (self.catalogue.borrow(), self.policy.borrow().clone());
        catalogue.updates(&link.peer().island, &policy, &mut shown, |update| {
            if let Err(error) = link.send_catalogue(&update) {
                tracing::warn!(%error, island = &*link.peer().island, "a catalogue cannot be passed on");
            }
        });
        drop(catalogue);
        if let Some(place) = self.links.borrow_mut().shown(link) {
            *place = shown;
        }
    }

    /// How many calls are on their way, and bytes that links have not been told to have arrived.
    pub fn is_idle(&self) -> bool {
        self.calls.borrow().is_empty()
            && self.links.borrow().all().all(|link| !link.connected() || link.status().unacknowledged_len == 0)
    }

    /// Takes a call out of all indexes.
    fn end(&self, key: Key) -> Option<Call> {
        let call = self.calls.borrow_mut().remove(key)?;
        self.wheel.borrow_mut().clear(key.slot());
        let mut index = self.by_exchange.borrow_mut();
        index.remove(&(call.from.id(), call.from_id));
        if let Some((to, id)) = &call.to {
            index.remove(&(to.id(), *id));
        }
        Some(call)
    }

    fn finish(&self, key: Key, outcome: Outcome, reason: &str) {
        if let Some(call) = self.end(key) {
            self.write(&call.from, call.to_link(), &call.record, outcome, reason);
            self.heads_back(call.record.head);
        }
    }

    fn key(&self, link: &Link, id: ExchangeId) -> Option<Key> {
        self.by_exchange.borrow().get(&(link.id(), id)).copied()
    }

    /// The one audit line of a call, and its counts.
    fn write(&self, from: &Link, ingress: Option<&Link>, record: &Record, outcome: Outcome, reason: &str) {
        self.write_after(0, from, ingress, record, outcome, reason);
    }

    /// The same after `unwritten` calls of its island that were refused and have no line of their own.
    fn write_after(
        &self,
        unwritten: u64,
        from: &Link,
        ingress: Option<&Link>,
        record: &Record,
        outcome: Outcome,
        reason: &str,
    ) {
        let head = Head::decode(&record.head).unwrap_or_default();
        let hub = record.began.elapsed();
        self.counts.call(outcome, hub, record.request_len, record.reply_len);
        match &record.tallies {
            Some((island, service)) => {
                Counts::tally(island.sent(), outcome, hub);
                Counts::tally(service, outcome, hub);
            }
            None => Counts::tally(self.limits.of(&from.peer().island).sent(), outcome, hub),
        }
        self.audit.write(&Line {
            at: Timestamp(record.at),
            egress: &from.peer().name,
            application: if head.application.is_empty() { UNKNOWN_APPLICATION } else { head.application },
            to: head.destination,
            ingress: ingress.map_or("", |link| &link.peer().name),
            group: head.group,
            service: head.service,
            version: head.version,
            method: head.method,
            generic: head.generic,
            serialization: head.serialization,
            one_way: head.flags.contains(Flags::ONE_WAY),
            multipart: from.encoding() == Encoding::Multipart,
            stamp: Stamp { start: head.stamp.start, counter: head.stamp.counter },
            attempt: head.attempt,
            traceparent: head.traceparent,
            request_len: record.request_len,
            reply_len: record.reply_len,
            hub_us: u64::try_from(hub.as_micros()).unwrap_or(u64::MAX),
            provider_us: record.provider_us,
            grant: record.grant.as_deref().unwrap_or_default(),
            unwritten,
            ..self.line(&from.peer().island, outcome, reason)
        });
    }

    /// A line of this hub, of now, about no call yet.
    fn line<'a>(&'a self, from: &'a str, outcome: Outcome, reason: &'a str) -> Line<'a> {
        Line::new(&self.id, from, outcome, reason)
    }

    fn heads_back(&self, head: Vec<u8>) {
        let mut spare = self.spare_heads.borrow_mut();
        if spare.len() < SPARE_HEADS && head.capacity() <= SPARE_HEAD_LEN {
            spare.push(head);
        }
    }

    fn copy_head(&self, head: &[u8]) -> Vec<u8> {
        let mut copy = self.spare_heads.borrow_mut().pop().unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(head);
        copy
    }
}

impl Call {
    fn to_link(&self) -> Option<&Link> {
        self.to.as_ref().map(|(link, _)| link)
    }
}

fn one_way(head: &[u8]) -> bool {
    head::glance(head).is_some_and(|(flags, _)| flags.contains(Flags::ONE_WAY))
}

#[cfg(test)]
mod line;
#[cfg(test)]
mod questions_tests;
#[cfg(test)]
mod refused_tests;
#[cfg(test)]
mod tests;
