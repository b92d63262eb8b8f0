//! What the links tell the switch. No borrow of its state is held while a link is called.

use std::time::{Instant, SystemTime};

use shard::Key;
use tunnel::{End, ExchangeId, Handler, Link, Open, Reply, Role};
use wire::tunnel::catalogue::Update;
use wire::tunnel::failure::{Failure, Kind};
use wire::tunnel::head::{self, Flags};
use wire::tunnel::notice::Notice;

use super::{FORGERY_SAID, Record, Switch};
use crate::audit::Outcome;
use crate::catalogue::{Applied, Who};

impl Handler for Switch {
    fn up(&self, link: &Link) {
        let peer = link.peer();
        if !self.is_listed(link) {
            // The policy changed between the handshake's question and its end.
            return link.close("the hub's policy no longer lists this gateway with this key");
        }
        tracing::info!(island = &*peer.island, gateway = &*peer.name, role = %peer.role, "link up");
        self.links.borrow_mut().add(link, &self.limits);
        match peer.role {
            Role::Ingress => {
                self.catalogue.borrow_mut().link_up(Who::of(link), link.id());
            }
            Role::Egress | Role::Hub => self.catalogue_changed.set(true),
        }
    }

    fn down(&self, link: &Link) {
        if !self.links.borrow_mut().remove(link) {
            // It was closed instead of coming up, and counted nowhere.
            return;
        }
        let peer = link.peer();
        tracing::info!(island = &*peer.island, gateway = &*peer.name, role = %peer.role, "link down");
        self.missed.borrow_mut().retain(|(_, missing)| *missing != link.id());
        if peer.role == Role::Ingress {
            let afresh = self.catalogue.borrow_mut().link_down(&Who::of(link), link.id(), Instant::now());
            let afresh = afresh.and_then(|id| self.links.borrow().all().find(|link| link.id() == id).cloned());
            if let Some(link) = afresh {
                link.close("an earlier process of this gateway was believed and is gone; link again and send all of the catalogue");
            }
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
            tallies: None,
        });
        let Err(failure) = self.forward(link, id, &open, &mut record) else { return };
        link.consumed(id, open.piece.len());
        if !head::glance(open.head).is_some_and(|(flags, _)| flags.contains(Flags::ONE_WAY)) {
            link.fail(id, &failure);
        }
        if let Some(record) = record {
            self.refused(link, &record, &failure.text);
            self.heads_back(record.head);
        }
    }

    fn data(&self, link: &Link, id: ExchangeId, piece: &[u8], end: End) {
        let to = self.key(link, id).and_then(|key| {
            let mut calls = self.calls.borrow_mut();
            let call = calls.get_mut(key)?;
            call.record.request_len += piece.len() as u64;
            call.to.clone()
        });
        let Some((to, to_id)) = to else {
            // The rest of a body whose call is over: nobody holds it, so its credit goes back.
            return link.consumed(id, piece.len());
        };
        let passed = to.send_data(to_id, piece, end);
        link.consumed(id, passed);
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

    fn sent(&self, _: &Link, token: u64) {
        self.finish(Key::from_number(token), Outcome::Sent, "");
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
        let (start, revision) = (update.origin.start, update.revision);
        let applied = self.catalogue.borrow_mut().apply(&who, link.id(), update);
        // Another link of this gateway may have told it before.
        if applied != Applied::Gap && self.catalogue.borrow().is_at(&who, start, revision) {
            self.links.borrow_mut().told(link);
            self.to_learn.borrow_mut().insert(who.clone());
        }
        match applied {
            Applied::Changed => {
                self.to_learn.borrow_mut().insert(who);
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
        match (link.peer().role, notice) {
            // Only an ingress sees frames; the audit line of the call itself says the rest.
            (Role::Ingress, Notice::Forgery { source, claimed, found, .. }) => {
                self.forged(link, &source, &claimed, &found);
            }
            (Role::Ingress, Notice::Staffed { question, providers, .. }) => self.staffed(link, question, providers),
            (Role::Egress, Notice::Asked { question, call }) => self.asked(link, question, &call),
            _ => {}
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

impl Switch {
    fn forged(&self, link: &Link, source: &str, claimed: &str, found: &str) {
        self.counts.forgery();
        let said = self.forgery_said.get().is_some_and(|at| at.elapsed() < FORGERY_SAID);
        if said {
            return;
        }
        self.forgery_said.set(Some(Instant::now()));
        tracing::warn!(
            source,
            claimed,
            found,
            reporter = &*link.peer().island,
            "an ingress found a frame that contradicts its head"
        );
    }

    /// Writes down a call that was not let in. Nothing was sent: in a flood of such calls an island has so many lines a second,
    /// and the next line says how many calls had none, so that it drowns neither the audit nor the others.
    fn refused(&self, link: &Link, record: &Record, why: &str) {
        let limit = self.limits.of(&link.peer().island);
        // A line that cannot be written now takes no count with it.
        match limit.note_refused(record.began, self.audit.is_ready()) {
            Some(unwritten) => self.write_after(unwritten, link, None, record, Outcome::Refused, why),
            None => {
                limit.sent().failed();
                self.counts.call(Outcome::Refused, record.began.elapsed(), record.request_len, 0);
            }
        }
    }
}
