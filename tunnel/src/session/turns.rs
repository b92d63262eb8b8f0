//! What takes turns for the credit that small calls leave: pieces of long bodies, records of a catalogue, one-way calls. It
//! never lets one of them keep the others out, and never touches what is left to small calls.
//!
//! ```text
//!   catalogue ───── a record ───────────╮
//!   one-way calls ─ a piece's worth ────┼─▶ round and round, while there is credit and the connection has little to write
//!   bodies: ring ── a piece of the next ╯
//! ```

use std::time::Instant;

use wire::tunnel::head::MAX_HEAD_LEN;
use wire::tunnel::record::{HEADER_LEN, SEGMENT_LEN};
use wire::tunnel::{Failure, Kind, Outcome, RecordType, Stage};

use super::bulk::{Outgoing, Report};
use super::credit::{BULK_LEN, CATALOGUE_LEN, SMALL_RESERVE};
use super::send::refused;
use super::{Patience, Session, key_of};
use crate::{End, ExchangeId};

impl Session {
    /// The turn of the one-way calls between two pieces of long bodies: as many bytes of them as a piece has.
    fn send_one_ways(&mut self, now: Instant) {
        let mut left = SEGMENT_LEN;
        while left > 0 && self.waiting.is_empty() && self.one_ways.can_go(self.window) {
            let Some(waiting) = self.one_ways.pop() else { return };
            let len = waiting.bytes.len();
            left = left.saturating_sub(len);
            self.bulk_room = self.bulk_room.saturating_sub(len);
            self.send_waited(now, waiting);
        }
    }

    /// Why no further long body may wait here, if so.
    fn is_full(&self) -> Option<String> {
        if self.bulk.len() > BULK_LEN {
            return Some(format!("busy: {} bytes of long bodies wait in this link", self.bulk.len()));
        }
        let budget = self.bulk.budget();
        let is_full = budget.held() >= budget.unfinished_limit();
        is_full.then(|| {
            format!(
                "busy: {} bytes of bodies are held here, the limit is limits.held = {}",
                budget.held(),
                budget.limit()
            )
        })
    }

    pub(super) fn queue_long(
        &mut self,
        id: u64,
        head: &[u8],
        patience: Patience,
        report: Report,
    ) -> Result<(), Failure> {
        if let Some(why) = self.is_full() {
            self.remove_opened(id);
            return Err(refused(Kind::Overload, why));
        }
        if let Some(opened) = self.opened.get_mut(key_of(id)) {
            let mut out = Outgoing::new(head.to_vec(), report);
            out.patience = Some(patience);
            opened.out = Some(Box::new(out));
        }
        Ok(())
    }

    /// False: the exchange is over, or was answered already.
    pub(super) fn begin_reply(&mut self, id: ExchangeId, head: &[u8], report: Report) -> bool {
        let is_full = self.is_full();
        let Some(accepted) = self.accepted_mut(id.0).filter(|accepted| !accepted.answering) else { return false };
        if let Some(why) = is_full {
            self.fail(id, &Failure::new(Stage::Tunnel, Kind::Overload, Outcome::Executed, why));
            return false;
        }
        accepted.answering = true;
        accepted.out = Some(Box::new(Outgoing::new(head.to_vec(), report)));
        true
    }

    pub(super) fn push_long(&mut self, id: u64, parts: &[&[u8]], end: End) {
        let Some(out) = self.outgoing_mut(id) else { return };
        let before = out.waiting();
        out.push(parts, end);
        let added = out.waiting() - before;
        let joins = !std::mem::replace(&mut out.in_ring, true);
        self.bulk.charge(added);
        if joins {
            self.ring.push_back(id);
        }
    }

    /// A piece of a streamed body: at once where nothing is in its way, else behind what waits. Bytes for an exchange that is
    /// over count as gone.
    pub(super) fn pass_on(&mut self, id: u64, piece: &[u8], end: End) -> usize {
        let room = self.bulk_room.min(self.window.saturating_sub(SMALL_RESERVE));
        let connected = self.connected;
        let no_turns = self.one_ways.is_empty();
        let Some(out) = self.outgoing_mut(id) else { return piece.len() };
        let straight = connected
            && out.waiting() == 0
            && !out.in_ring
            && no_turns
            && piece.len() <= out.credit().min(SEGMENT_LEN)
            && piece.len() + MAX_HEAD_LEN + HEADER_LEN <= room;
        if !straight {
            self.push_long(id, &[piece], end);
            return 0;
        }
        out.spend(piece.len());
        let front = out.front.take();
        self.bulk_room = self.bulk_room.saturating_sub(HEADER_LEN + piece.len());
        self.put_piece(id, front, piece, end);
        piece.len()
    }

    /// Bytes of a piece that the session's window has room for beside small calls.
    pub(super) fn spare(&self) -> usize {
        self.window.saturating_sub(SMALL_RESERVE + MAX_HEAD_LEN + HEADER_LEN)
    }

    /// Puts records of a catalogue behind those that wait. False: there is no room.
    pub(crate) fn tell_catalogue(&mut self, parts: Vec<Vec<u8>>) -> bool {
        let len: usize = parts.iter().map(Vec::len).sum();
        if self.over || self.catalogue_len + len > CATALOGUE_LEN {
            return false;
        }
        self.catalogue_len += len;
        self.catalogue.extend(parts);
        true
    }

    /// Bytes of records that [`Session::tell_catalogue`] has taken and that wait.
    pub(crate) fn catalogue_len(&self) -> usize {
        self.catalogue_len
    }

    /// Whether the next record of the catalogue could go now.
    pub(super) fn catalogue_can_go(&self) -> bool {
        self.catalogue.front().is_some_and(|part| part.len() <= self.spare())
    }

    fn send_catalogue_part(&mut self) {
        if !self.catalogue_can_go() {
            return;
        }
        let Some(part) = self.catalogue.pop_front() else { return };
        let len = HEADER_LEN + part.len();
        self.catalogue_len -= part.len();
        self.window -= len;
        self.bulk_room = self.bulk_room.saturating_sub(len);
        self.out.push(RecordType::Catalogue, End::Yes, 0, &[&part]);
    }

    /// One piece for each body in turn, of the catalogue, and of one-way calls, until the room, the credit or both are used up.
    pub(super) fn send_bulk(&mut self, now: Instant) {
        while self.connected && self.bulk_room > 0 {
            self.send_catalogue_part();
            self.send_one_ways(now);
            let spare = self.spare();
            if spare == 0 {
                return;
            }
            if self.ring.is_empty() && self.catalogue_can_go() {
                continue;
            }
            let Some(id) = self.ring.pop_front() else { return };
            let Some(mut out) = self.take_outgoing(id) else { continue };
            let Some(len) = out.next_len(SEGMENT_LEN.min(spare)) else {
                out.in_ring = false;
                self.restore_outgoing(id, out);
                continue;
            };
            let mut front = out.front.take();
            if let (Some(head), Some(patience)) = (&mut front, out.patience) {
                patience.lower(now, head);
            }
            let (piece, end) = out.take(len);
            self.bulk.shrink(len);
            self.bulk_room = self.bulk_room.saturating_sub(HEADER_LEN + len);
            let is_over = self.put_piece(id, front, piece, end);
            if out.report == Report::Yes && len > 0 {
                self.drained.push((ExchangeId(id), len));
            }
            if !is_over {
                self.ring.push_back(id);
                self.restore_outgoing(id, out);
            }
        }
    }

    /// Puts one piece into the batch. True: with it the body has ended.
    fn put_piece(&mut self, id: u64, front: Option<Vec<u8>>, piece: &[u8], end: End) -> bool {
        let ours = self.is_ours(id);
        let kind = match (&front, ours) {
            (None, _) => RecordType::Data,
            (Some(_), true) => RecordType::Open,
            (Some(_), false) => RecordType::Reply,
        };
        let front = front.unwrap_or_default();
        let number = self.out.push(kind, end, id, &[&front, piece]);
        self.window = self.window.saturating_sub(HEADER_LEN + front.len() + piece.len());
        if ours && let Some(opened) = self.opened.get_mut(key_of(id)) {
            opened.is_sent = true;
        }
        if end == End::No {
            return false;
        }
        if ours {
            if let Some(opened) = self.opened.get_mut(key_of(id)) {
                opened.out = None;
            }
            self.opened_is_sent(id, number);
        } else {
            self.remove_accepted(id);
        }
        true
    }

    fn take_outgoing(&mut self, id: u64) -> Option<Box<Outgoing>> {
        if self.is_ours(id) { self.opened.get_mut(key_of(id))?.out.take() } else { self.accepted_mut(id)?.out.take() }
    }

    fn restore_outgoing(&mut self, id: u64, out: Box<Outgoing>) {
        if self.is_ours(id) {
            if let Some(opened) = self.opened.get_mut(key_of(id)) {
                opened.out = Some(out);
            }
        } else if let Some(accepted) = self.accepted_mut(id) {
            accepted.out = Some(out);
        }
    }

    /// The peer has taken `len` bytes of this exchange. False: more than it can have.
    pub(super) fn credited(&mut self, id: u64, len: usize) -> bool {
        let Some(out) = self.outgoing_mut(id) else { return true };
        if !out.give(len) {
            return false;
        }
        if out.waiting() > 0 && !std::mem::replace(&mut out.in_ring, true) {
            self.ring.push_back(id);
        }
        true
    }
}
