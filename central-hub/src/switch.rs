//! From link to link: a call that was admitted goes to an ingress of its island, the reply goes back. It never opens a
//! frame; bodies are passed on piece by piece, and credit goes back when the next hop has taken them.
//!
//! ```text
//!  egress link ─ opened ─▶ filters ─▶ choose ─▶ ingress link        calls: slab by token, index by (link, exchange)
//!       ▲ reply / failure ◀─────────────────────── reply / failed        each ends in exactly one audit line
//! ```

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rustc_hash::FxHashMap;
use shard::{Key, Slots, Wheel};
use tunnel::{End, ExchangeId, Handler, Link, Open, Reply, Role};
use wire::tunnel::catalogue::Update;
use wire::tunnel::failure::{Failure, Kind, Outcome as Reach, Stage};
use wire::tunnel::head::{self, Flags, Head, HeadError, Hop};
use wire::tunnel::notice::Notice;

use crate::admit::{Admission, Filter, filters, service_text};
use crate::audit::{Audit, Line, Outcome, Stamp, Timestamp};
use crate::catalogue::{Applied, Catalogue, Who};
use crate::counts::Counts;
use crate::directory::InForce;
use crate::limits::{self, Limits};
use crate::links::{self, Counted, Links, NoLink};
use crate::policy::Policy;

/// Calls this hub holds at once; above it callers hear `overload`.
const CALLS: usize = 1 << 20;
/// Behind the deadline the egress answers by itself; this much later the hub frees what nobody asks for any more.
const GRACE: Duration = Duration::from_secs(1);
/// Copies of heads kept for the next calls, and the longest that is.
const SPARE_HEADS: usize = 1024;
const SPARE_HEAD_LEN: usize = 1024;

/// Everything a hub does with calls, on its shard.
pub struct Switch {
    id: Arc<str>,
    other_hubs: Vec<String>,
    policy: InForce,
    limits: Limits,
    filters: Vec<Box<dyn Filter>>,
    audit: Audit,
    links: RefCell<Links>,
    catalogue: RefCell<Catalogue>,
    catalogue_changed: Cell<bool>,
    calls: RefCell<Slots<Call>>,
    by_exchange: RefCell<FxHashMap<(u64, ExchangeId), Key>>,
    wheel: RefCell<Wheel>,
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
    /// Both are counted until the call ends.
    _open: (Option<limits::Open>, Counted),
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
}

impl Switch {
    /// A hub without links.
    pub fn new(
        id: Arc<str>,
        hubs: &[String],
        policy: InForce,
        audit: Audit,
        catalogue: Catalogue,
        counts: Counts,
    ) -> Switch {
        let limits = Limits::default();
        limits.obey(&policy.borrow());
        Switch {
            other_hubs: hubs.iter().filter(|hub| ***hub != *id).cloned().collect(),
            id,
            policy,
            limits,
            filters: filters(),
            audit,
            links: RefCell::default(),
            catalogue: RefCell::new(catalogue),
            catalogue_changed: Cell::new(false),
            calls: RefCell::new(Slots::new(CALLS)),
            by_exchange: RefCell::default(),
            wheel: RefCell::new(Wheel::new(Instant::now())),
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
            let links = self.links.borrow();
            let stays = |link: &Link| {
                let peer = link.peer();
                policy.gateway(&peer.key).is_some_and(|gateway| {
                    !gateway.revoked
                        && *gateway.island == *peer.island
                        && *gateway.id == *peer.name
                        && gateway.role == peer.role
                })
            };
            links.all().filter(|link| !stays(link)).cloned().collect()
        };
        *self.policy.borrow_mut() = policy;
        for link in cut {
            tracing::info!(
                island = &*link.peer().island,
                gateway = &*link.peer().name,
                "the policy no longer lists this gateway; its link is cut"
            );
            link.close("the hub's policy no longer lists this gateway with this key");
        }
        self.catalogue_changed.set(true);
    }

    /// What is due at `now`: deadlines.
    pub fn tick(&self, now: Instant) {
        let mut due = Vec::new();
        self.wheel.borrow_mut().expire(now, &mut due);
        for slot in due {
            let Some(key) = self.calls.borrow().at(slot).map(|(key, _)| key) else { continue };
            let Some(call) = self.end(key) else { continue };
            if let Some((to, id)) = &call.to {
                to.cancel(*id);
            }
            let text = "the deadline passed while the call was at its provider's island, and nobody answered";
            let failure = Failure::new(Stage::Switch, Kind::DeadlinePassed, Reach::Unknown, text);
            call.from.fail(call.from_id, &failure);
            self.write(&call.from, call.to_link(), &call.record, Outcome::TimedOut, &failure.text);
        }
    }

    /// What is due now and then: lines to the writer, the catalogue to those who may see it.
    pub fn housekeep(&self, now: Instant) {
        self.audit.hand_over();
        if self.catalogue.borrow_mut().forget_gone(now) {
            self.catalogue_changed.set(true);
        }
        if !self.catalogue_changed.replace(false) {
            return;
        }
        let mut to_send = Vec::new();
        {
            let (mut links, catalogue, policy) =
                (self.links.borrow_mut(), self.catalogue.borrow(), self.policy.borrow());
            for egress in links.egress() {
                for update in catalogue.updates(&egress.link.peer().island, &policy, &mut egress.shown) {
                    to_send.push((egress.link.clone(), update));
                }
            }
        }
        for (link, update) in to_send {
            if let Err(error) = link.send_catalogue(&update) {
                tracing::warn!(%error, island = &*link.peer().island, "a catalogue entry cannot be passed on");
            }
        }
    }

    /// What `/status` says.
    pub fn status(&self) -> serde_json::Value {
        let catalogue = self.catalogue.borrow();
        let offers: Vec<_> = catalogue
            .origins()
            .map(|(who, services, linked)| serde_json::json!({ "island": who.island, "gateway": who.gateway, "services": services, "linked": linked }))
            .collect();
        let links: Vec<_> = self.links.borrow().all().map(Link::status).collect();
        let policy = self.policy.borrow();
        serde_json::json!({
            "id": &*self.id,
            "islands": policy.islands().count(),
            "grants": policy.grants_len(),
            "links": links,
            "offers": offers,
            "calls_open": self.calls.borrow().len(),
        })
    }

    /// How many calls are on their way.
    pub fn calls_len(&self) -> usize {
        self.calls.borrow().len()
    }

    /// Admits a call and sends it on. What the audit needs is taken out of `record` once the call is on its way.
    ///
    /// # Errors
    /// Why not; nothing was sent.
    fn forward(
        &self,
        link: &Link,
        id: ExchangeId,
        open: &Open<'_>,
        record: &mut Option<Record>,
    ) -> Result<(), Failure> {
        let head = Head::decode(open.head).map_err(|error| unreadable(&error))?;
        let limit = self.links.borrow().limit(link).ok_or_else(|| {
            refuse(Stage::Admit, Kind::NotGranted, "calls come from egress gateways; this link is an ingress gateway's")
        })?;
        let policy = self.policy.borrow().clone();
        let island = link.peer().island.clone();
        let now = record.as_ref().map_or_else(Instant::now, |record| record.began);
        let mut admission = Admission {
            head: &head,
            from: &island,
            limit: &limit,
            policy: &policy,
            audit: &self.audit,
            now,
            grant: None,
            open: None,
        };
        for filter in &self.filters {
            filter.admit(&mut admission)?;
        }
        let (grant, counted) = (admission.grant.take(), admission.open.take());
        let chosen = self.choose(&head)?;
        let Some(mut taken) = record.take() else { return Ok(()) };
        taken.grant = grant;
        let call = Call { from: link.clone(), from_id: id, to: None, record: taken, _open: (counted, chosen.open) };
        let key = match self.calls.borrow_mut().insert(call) {
            Ok(key) => key,
            Err(call) => {
                *record = Some(call.record);
                return Err(refuse(Stage::Switch, Kind::Overload, "the hub has as many calls open as it can hold"));
            }
        };
        match self.send(&chosen.link, open, Hop { source: &island, remaining_ms: head.remaining_ms }, key) {
            Ok((to_id, passed)) => {
                self.on_its_way(link, id, open, &head, (chosen.link, to_id), key);
                link.consumed(id, passed);
                Ok(())
            }
            Err(failure) => {
                *record = self.calls.borrow_mut().remove(key).map(|call| call.record);
                Err(failure)
            }
        }
    }

    /// Files the call under both links, or ends it here if nothing more is to come.
    fn on_its_way(
        &self,
        link: &Link,
        id: ExchangeId,
        open: &Open<'_>,
        head: &Head<'_>,
        to: (Link, ExchangeId),
        key: Key,
    ) {
        if open.end == End::No {
            self.by_exchange.borrow_mut().insert((to.0.id(), to.1), key);
        }
        self.by_exchange.borrow_mut().insert((link.id(), id), key);
        if let Some(call) = self.calls.borrow_mut().get_mut(key) {
            let remaining = Duration::from_millis(head.remaining_ms.into());
            self.wheel.borrow_mut().set(key.slot(), call.record.began + remaining + GRACE);
            call.to = Some(to);
        }
        if open.end == End::Yes && head.flags.contains(Flags::ONE_WAY) {
            self.finish(key, Outcome::Sent, "");
        }
    }

    /// The first piece goes out; returns the bytes of it that were taken at once.
    fn send(&self, to: &Link, open: &Open<'_>, hop: Hop<'_>, key: Key) -> Result<(ExchangeId, usize), Failure> {
        let mut forwarded = self.heads.take();
        forwarded.clear();
        let sent =
            head::forward(open.head, hop, &mut forwarded).map_err(|error| unreadable(&error)).and_then(|()| match open
                .end
            {
                End::Yes => to.open(&forwarded, &[open.piece], key.number()).map(|id| (id, open.piece.len())),
                End::No => to.open_streaming(&forwarded, open.piece, key.number()),
            });
        self.heads.set(forwarded);
        sent
    }

    /// The ingress link for a call.
    fn choose(&self, head: &Head<'_>) -> Result<links::Chosen, Failure> {
        let name = links::name(head.group, head.service, head.version, self.name.take());
        let chosen = self.links.borrow().choose(head.destination, &name);
        self.name.set(name);
        let to = head.destination;
        chosen.map_err(|why| match why {
            NoLink::Island => {
                let mut failure = refuse(Stage::Switch, Kind::NoLink, format!("island `{to}` has no link to hub `{}` now; see whether its ingress gateway runs and reaches the hub", self.id));
                failure.hubs.clone_from(&self.other_hubs);
                failure
            }
            NoLink::NoCatalogue => refuse(Stage::Switch, Kind::NoLink, format!("island `{to}` has just linked to hub `{}` and has not said yet what it offers; try again", self.id)),
            NoLink::Service => {
                let service = service_text(head.group, head.service, head.version);
                refuse(Stage::Switch, Kind::NotOffered, format!("island `{to}` does not offer {service}; see its export policy and whether a provider is up"))
            }
        })
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
        let head = Head::decode(&record.head).unwrap_or_default();
        let hub = record.began.elapsed();
        self.counts.call(outcome, hub, record.request_len, record.reply_len);
        self.audit.write(&Line {
            at: Timestamp(record.at),
            hub: &self.id,
            from: &from.peer().island,
            egress: &from.peer().name,
            application: head.application,
            to: head.destination,
            ingress: ingress.map_or("", |link| &link.peer().name),
            group: head.group,
            service: head.service,
            version: head.version,
            method: head.method,
            generic: head.generic,
            serialization: head.serialization,
            one_way: head.flags.contains(Flags::ONE_WAY),
            stamp: Stamp { start: head.stamp.start, counter: head.stamp.counter },
            attempt: head.attempt,
            traceparent: head.traceparent,
            request_len: record.request_len,
            reply_len: record.reply_len,
            hub_us: u64::try_from(hub.as_micros()).unwrap_or(u64::MAX),
            provider_us: record.provider_us,
            outcome,
            reason,
            grant: record.grant.as_deref().unwrap_or_default(),
        });
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

fn refuse(stage: Stage, kind: Kind, text: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::new(stage, kind, Reach::NotSent, text)
}

fn unreadable(error: &HeadError) -> Failure {
    refuse(Stage::Admit, Kind::Unparsable, format!("the head of the call cannot be read or passed on: {error}"))
}

impl Handler for Switch {
    fn up(&self, link: &Link) {
        let peer = link.peer();
        tracing::info!(island = &*peer.island, gateway = &*peer.name, role = %peer.role, "link up");
        self.links.borrow_mut().add(link, &self.limits);
        match peer.role {
            Role::Ingress => {
                let who = Who::of(link);
                self.catalogue.borrow_mut().link_up(who.clone());
                self.links.borrow_mut().learn(&who, &self.catalogue.borrow());
            }
            Role::Egress | Role::Hub => self.catalogue_changed.set(true),
        }
    }

    fn down(&self, link: &Link) {
        let peer = link.peer();
        tracing::info!(island = &*peer.island, gateway = &*peer.name, role = %peer.role, "link down");
        self.links.borrow_mut().remove(link);
        if peer.role == Role::Ingress {
            self.catalogue.borrow_mut().link_down(&Who::of(link), Instant::now());
        }
    }

    fn opened(&self, link: &Link, id: ExchangeId, open: Open<'_>) {
        let mut record = Some(Record {
            at: SystemTime::now(),
            began: Instant::now(),
            head: self.copy_head(open.head),
            grant: None,
            request_len: open.piece.len() as u64,
            reply_len: 0,
            provider_us: None,
        });
        let Err(failure) = self.forward(link, id, &open, &mut record) else { return };
        link.consumed(id, open.piece.len());
        if !head::glance(open.head).is_some_and(|(flags, _)| flags.contains(Flags::ONE_WAY)) {
            link.fail(id, &failure);
        }
        if let Some(record) = record {
            self.write(link, None, &record, Outcome::Refused, &failure.text);
            self.heads_back(record.head);
        }
    }

    fn data(&self, link: &Link, id: ExchangeId, piece: &[u8], end: End) {
        let to = self.key(link, id).and_then(|key| {
            let mut calls = self.calls.borrow_mut();
            let call = calls.get_mut(key)?;
            call.record.request_len += piece.len() as u64;
            Some((key, call.to.clone()?, one_way(&call.record.head)))
        });
        let Some((key, (to, to_id), one_way)) = to else {
            // The rest of a body whose call is over: nobody holds it, so its credit goes back.
            return link.consumed(id, piece.len());
        };
        let passed = to.send_data(to_id, piece, end);
        link.consumed(id, passed);
        if end == End::Yes && one_way {
            self.finish(key, Outcome::Sent, "");
        }
    }

    fn cancelled(&self, link: &Link, id: ExchangeId) {
        let Some(key) = self.key(link, id) else { return };
        let Some(call) = self.end(key) else { return };
        if let Some((to, to_id)) = &call.to {
            to.cancel(*to_id);
        }
        self.write(
            &call.from,
            call.to_link(),
            &call.record,
            Outcome::Cancelled,
            "the caller's gateway gave the call up, or its link was lost",
        );
        self.heads_back(call.record.head);
    }

    fn reply(&self, link: &Link, token: u64, reply: Reply<'_>) {
        let key = Key::from_number(token);
        let back = {
            let mut calls = self.calls.borrow_mut();
            calls.get_mut(key).map(|call| {
                call.record.reply_len += reply.piece.len() as u64;
                if let Some(head) = reply.head {
                    call.record.provider_us = Some(head.provider_us);
                }
                (call.from.clone(), call.from_id, call.to.as_ref().map(|(_, id)| *id))
            })
        };
        let Some((from, from_id, to_id)) = back else { return };
        let streams = reply.end == End::No && reply.head.is_some();
        if streams {
            self.by_exchange.borrow_mut().insert((from.id(), from_id), key);
        }
        let passed = from.send_reply(from_id, reply);
        if let Some(to_id) = to_id {
            link.consumed(to_id, passed);
        }
        if reply.end == End::Yes {
            self.finish(key, Outcome::Replied, "");
        }
    }

    fn failed(&self, _: &Link, token: u64, failure: Failure) {
        let Some(call) = self.end(Key::from_number(token)) else { return };
        call.from.fail(call.from_id, &failure);
        let outcome = if failure.kind == Kind::Forged { Outcome::Forged } else { Outcome::Failed };
        self.write(&call.from, call.to_link(), &call.record, outcome, &failure.text);
        self.heads_back(call.record.head);
    }

    fn catalogue(&self, link: &Link, update: Update) {
        if link.peer().role != Role::Ingress {
            tracing::warn!(
                island = &*link.peer().island,
                gateway = &*link.peer().name,
                "an egress gateway sent a catalogue; it is ignored"
            );
            return;
        }
        let who = Who::of(link);
        let applied = self.catalogue.borrow_mut().apply(&who, update);
        match applied {
            Applied::Changed => {
                self.links.borrow_mut().learn(&who, &self.catalogue.borrow());
                self.catalogue_changed.set(true);
            }
            Applied::Known => {}
            Applied::Gap => {
                tracing::warn!(
                    island = who.island,
                    gateway = who.gateway,
                    "a catalogue difference does not fit what is here; the link begins anew"
                );
                link.close("the catalogue's difference builds on a revision that this hub does not have; link again and send all of it");
            }
        }
    }

    fn notice(&self, link: &Link, notice: Notice) {
        if let Notice::Forgery { source, claimed, found, .. } = &notice {
            self.counts.forgery();
            tracing::warn!(
                source,
                claimed,
                found,
                reporter = &*link.peer().island,
                "an ingress found a frame that contradicts its head"
            );
        }
    }

    fn drained(&self, link: &Link, id: ExchangeId, len: usize) {
        let back = self.key(link, id).and_then(|key| {
            let calls = self.calls.borrow();
            let call = calls.get(key)?;
            let (to, to_id) = call.to.clone()?;
            // What waited in the link to the ingress came from the egress, and the other way round.
            Some(if *link == to { (call.from.clone(), call.from_id) } else { (to, to_id) })
        });
        if let Some((source, source_id)) = back {
            source.consumed(source_id, len);
        }
    }
}

fn one_way(head: &[u8]) -> bool {
    head::glance(head).is_some_and(|(flags, _)| flags.contains(Flags::ONE_WAY))
}

#[cfg(test)]
#[path = "switch_tests.rs"]
mod tests;
