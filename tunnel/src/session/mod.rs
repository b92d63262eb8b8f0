//! A session without a socket: what may be sent, what has arrived, what is still open. It never reads a clock, never
//! blocks and never calls anybody: time comes in, [`Event`]s and bytes go out.
//!
//! ```text
//!  open, reply, …  ─▶ credit there ─▶ batch ─▶ connection          record ─▶ numbered? seen before? ─▶ Event
//!                  ─▶ small, no credit, no connection ─▶ waiting ──▲
//!                  ─▶ long ─▶ ring of bodies, a piece each in turn ┘  (only while little else waits to be written;
//!                                                                      one-way calls that wait have turns with them)
//!
//!  an exchange at its opener:    open ─▶ (data…) ─▶ reply ─▶ (data…) ─▶ gone         cancel, failure: gone at once
//!  an exchange at its acceptor:  opened ─▶ (data…) ─▶ reply ─▶ (data…) ─▶ gone      its slot is free for a later id
//! ```
//!
//! `id = key << 1 | role of the opener`, with the key of the opener's [`Slots`]: the acceptor finds it by its slot.

mod accepted;
mod account;
mod bulk;
mod credit;
mod ends;
mod event;
mod models;
mod outbound;
mod packing;
mod patience;
mod receive;
mod send;
mod small;
mod turns;
mod waiting;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use shard::{Budget, Key, Permit, Slots};
use wire::tunnel::RecordType;
use wire::tunnel::hello::feature;

use crate::{End, ExchangeId};
use accepted::Table;
use bulk::Outgoing;
use credit::Incoming;
pub(crate) use event::{Event, Violation};
use models::{Telling, Told};
use outbound::Outbound;
pub(crate) use packing::Packs;
use packing::{Packing, Unpacking};
use patience::Patience;
pub(crate) use receive::Room;
use waiting::Lane;

/// Which end of the connection a session is; the lowest bit of the ids it gives out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Side {
    /// A gateway.
    Dialler = 0,
    /// A hub.
    Acceptor = 1,
}

/// Places for tokens of one-way calls that are kept from flush to flush.
const SENT_PLACES: usize = 1024;

/// Who gives credit back for pieces of long bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credit {
    /// The session, as soon as they were delivered.
    Automatic,
    /// The owner, when the next hop has taken them.
    ByOwner,
}

/// An exchange that this end has opened.
#[derive(Debug)]
struct Opened {
    token: u64,
    /// Whether its open record is in a batch.
    is_sent: bool,
    /// Number of the record that ends the request; 0 until it is in a batch. Only then can anybody act on it.
    complete: u64,
    one_way: bool,
    /// Whether the first piece of the reply has come.
    answered: bool,
    out: Option<Box<Outgoing>>,
    incoming: Option<Box<Incoming>>,
}

/// An exchange that the peer has opened.
#[derive(Debug)]
struct Accepted {
    one_way: bool,
    /// Whether the last piece of the request has come.
    request_ended: bool,
    /// Whether a reply has begun.
    answering: bool,
    /// The place of the request's model, or none, or that it is plain.
    place: u16,
    out: Option<Box<Outgoing>>,
    incoming: Option<Box<Incoming>>,
}

/// See the module's picture.
#[derive(Debug)]
pub(crate) struct Session {
    side: Side,
    credit: Credit,
    out: Outbound,
    /// Records received in all.
    received: u64,
    /// Bytes of them.
    received_len: u64,
    /// Place of this connection's last record in the peer's numbering; behind `received` while it repeats.
    position: u64,
    /// Records received that the peer was told of.
    told: u64,
    /// Bytes received since.
    untold_len: usize,
    /// Stamp of the last ping that was not answered, and the length of its padding; who sends many gets one answer.
    pinged: Option<([u8; 8], usize)>,
    opened: Slots<Opened>,
    accepted: Table,
    /// Bytes this end may send.
    window: usize,
    /// Bytes the peer may send.
    incoming: Incoming,
    /// By what the peer says its calls and answers, if that was agreed on.
    models: Option<Told>,
    /// What unpacks what the peer packs, if that was agreed on.
    unpacking: Option<Box<Unpacking>>,
    /// When it was last looked after.
    looked: Option<Instant>,
    /// Time in which the thread stood still, that nobody has waited.
    stood_still: Duration,
    /// Small records that wait, but for one-way calls.
    waiting: Lane,
    one_ways: Lane,
    /// Exchanges with pieces that could go now.
    ring: VecDeque<u64>,
    /// Bytes of long bodies that wait.
    bulk: Permit,
    bulk_room: usize,
    /// Records of a catalogue that wait: behind calls, as long bodies do.
    catalogue: VecDeque<Vec<u8>>,
    catalogue_len: usize,
    drained: Vec<(ExchangeId, usize)>,
    /// Tokens of one-way calls that are whole in a batch, and whose owner was not told.
    sent: Vec<u64>,
    connected: bool,
    /// Why the peer takes no new exchanges.
    peer_drains: Option<String>,
    over: bool,
}

impl Session {
    /// A session of which nothing was sent yet. `may_open`: exchanges the peer allows at once; `may_accept`: this end.
    /// `budget`: what all sessions of the process may hold of long bodies.
    pub(crate) fn new(side: Side, credit: Credit, may_open: u32, may_accept: u32, budget: &Budget) -> Session {
        Session {
            side,
            credit,
            out: Outbound::default(),
            received: 0,
            received_len: 0,
            position: 0,
            told: 0,
            untold_len: 0,
            pinged: None,
            opened: Slots::new(may_open as usize),
            accepted: Table::new(may_accept as usize),
            window: credit::SESSION_WINDOW,
            incoming: Incoming::new(credit::SESSION_WINDOW),
            models: None,
            unpacking: None,
            looked: None,
            stood_still: Duration::ZERO,
            waiting: Lane::answered(),
            one_ways: Lane::one_way(),
            ring: VecDeque::new(),
            bulk: budget.open(),
            bulk_room: 0,
            catalogue: VecDeque::new(),
            catalogue_len: 0,
            drained: Vec::new(),
            sent: Vec::new(),
            connected: false,
            peer_drains: None,
            over: false,
        }
    }

    /// Whether what this end sends is packed from now on, where that was agreed on.
    pub(crate) fn pack(&mut self, now: Packs) {
        if let Some(packing) = &mut self.out.packing {
            packing.now = now;
        }
    }

    /// The same session, with what both ends know and want.
    pub(crate) fn with(mut self, features: u64) -> Session {
        if features & feature::MODELS != 0 {
            self.out.models = Some(Telling::default());
            self.models = Some(Told::default());
        }
        if features & feature::PACKING != 0 {
            self.unpacking = Some(Box::default());
            self.out.packing = Some(Box::new(Packing::new()));
        }
        self
    }

    /// Gives back buffers that were not used since the last time.
    pub(crate) fn rest(&mut self) {
        self.out.rest();
        self.waiting.rest();
        self.one_ways.rest();
    }

    /// Whether the peer takes no new exchanges.
    pub(crate) fn peer_drains(&self) -> bool {
        self.peer_drains.is_some()
    }

    /// Whether the session has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// A connection carries the session from now on. `position`: records this end had received when it said so to the peer;
    /// `peer_received`: records the peer has. What it lacks is handed to `write`.
    ///
    /// # Errors
    /// The peer claims what cannot be.
    pub(crate) fn connect(
        &mut self,
        now: Instant,
        position: u64,
        peer_received: u64,
        write: impl FnMut(&[u8]),
    ) -> Result<(), Violation> {
        self.out
            .resume(now, peer_received, write)
            .map_err(|wrong| Violation::Acknowledged { count: wrong.count, written: wrong.written })?;
        self.position = position;
        self.told = position;
        self.pinged = None;
        self.connected = true;
        self.bulk_room = credit::BULK_ROOM;
        Ok(())
    }

    /// The connection is gone; the session waits for the next.
    pub(crate) fn disconnect(&mut self, now: Instant) {
        self.out.pass_over(now);
        self.connected = false;
    }

    /// Whether something could be handed to the connection now.
    pub(crate) fn wants_flush(&self) -> bool {
        let has_small = !self.out.is_empty() || self.pinged.is_some() || self.waiting_can_go();
        self.bulk_room > 0 && self.wants_more() || self.connected && has_small
    }

    /// Whether more could go at once, now that the connection has taken everything.
    pub(crate) fn wants_more(&self) -> bool {
        let bulk = self.spare() > 0 && !self.ring.is_empty() || self.catalogue_can_go();
        self.connected && (!self.out.is_empty() || bulk || self.pinged.is_some() || self.waiting_can_go())
    }

    /// Hands what may go now to `write`: acknowledgements, small records, then a bounded amount of long bodies.
    /// `unwritten_len`: bytes of earlier calls that the connection still holds; over a bound it gets no more, since what is
    /// handed to a connection that does not move is held twice.
    ///
    /// # Errors
    /// The peer does not acknowledge, and the session must end.
    pub(crate) fn flush(
        &mut self,
        now: Instant,
        unwritten_len: usize,
        write: impl FnOnce(&[&[u8]]),
    ) -> Result<(), Violation> {
        self.bulk_room = credit::BULK_ROOM.saturating_sub(unwritten_len);
        if unwritten_len <= credit::UNWRITTEN_LEN {
            self.send_waiting(now);
            self.send_bulk(now);
            if let Some((stamp, padding_len)) = self.pinged.take() {
                self.out.push_control(RecordType::Pong, &[&stamp, &vec![0; padding_len]]);
            }
            if self.received > self.told {
                self.told = self.received;
                self.untold_len = 0;
                self.out.push_control(RecordType::Ack, &[&self.received.to_be_bytes()]);
            }
            if !self.out.is_empty() {
                self.out.take(now, write);
            }
        } else {
            self.out.pass_over(now);
        }
        if self.out.held_len() > credit::RESEND_LEN {
            return Err(Violation::Unacknowledged(self.out.held_len()));
        }
        Ok(())
    }

    /// Whether an acknowledgement is due, be there something else to send or not.
    pub(crate) fn owes_ack(&self) -> bool {
        self.received > self.told
    }

    /// Whether so much has arrived that the acknowledgement should not wait.
    pub(crate) fn owes_much(&self) -> bool {
        self.untold_len >= credit::ACK_LEN
    }

    /// A ping for the connection, with `padding` bytes.
    pub(crate) fn ping(&mut self, stamp: u64, padding: &[u8]) {
        self.out.push_control(RecordType::Ping, &[&stamp.to_be_bytes(), padding]);
    }

    /// Bytes of long bodies that left since the last call, by exchange.
    pub(crate) fn take_drained(&mut self) -> Vec<(ExchangeId, usize)> {
        std::mem::take(&mut self.drained)
    }

    /// Tokens of one-way calls whose last byte was handed to a connection since the last time.
    pub(crate) fn take_sent(&mut self) -> Vec<u64> {
        if self.out.is_written() { std::mem::take(&mut self.sent) } else { Vec::new() }
    }

    /// Takes the place for such tokens back.
    pub(crate) fn restore_sent(&mut self, mut place: Vec<u64>) {
        if self.sent.capacity() == 0 && place.capacity() <= SENT_PLACES {
            place.clear();
            self.sent = place;
        }
    }

    fn id_of(&self, key: Key) -> u64 {
        key.number() << 1 | self.side as u64
    }

    fn is_ours(&self, id: u64) -> bool {
        id & 1 == self.side as u64
    }

    fn accepted_mut(&mut self, id: u64) -> Option<&mut Accepted> {
        self.accepted.get_mut(id)
    }

    /// The body of this exchange that is on its way out, in either role.
    fn outgoing_mut(&mut self, id: u64) -> Option<&mut Outgoing> {
        let out =
            if self.is_ours(id) { &mut self.opened.get_mut(key_of(id))?.out } else { &mut self.accepted_mut(id)?.out };
        out.as_deref_mut()
    }

    fn remove_opened(&mut self, id: u64) -> Option<Opened> {
        let mut opened = self.opened.remove(key_of(id))?;
        self.forget(opened.out.take(), opened.incoming.take());
        Some(opened)
    }

    fn remove_accepted(&mut self, id: u64) -> Option<Accepted> {
        let mut accepted = self.accepted.remove(id)?;
        self.forget(accepted.out.take(), accepted.incoming.take());
        Some(accepted)
    }

    /// What an ended exchange held goes: its unsent bytes, and the session's credit for bytes nobody will say consumed.
    fn forget(&mut self, out: Option<Box<Outgoing>>, incoming: Option<Box<Incoming>>) {
        if let Some(out) = out {
            self.bulk.shrink(out.waiting());
        }
        if let Some(incoming) = incoming {
            self.give_back(incoming.unconsumed());
        }
    }

    /// Credit of the session for `len` bytes.
    fn give_back(&mut self, len: usize) {
        if let Some(credit) = self.incoming.consumed(len) {
            self.out.push(RecordType::Credit, End::No, 0, &[&credit.to_be_bytes()]);
        }
    }
}

fn key_of(id: u64) -> Key {
    Key::from_number(id >> 1)
}

#[cfg(test)]
mod tests;
