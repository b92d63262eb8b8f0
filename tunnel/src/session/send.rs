//! The session's way out: what goes at once, what waits, and whose turn it is. It never sends what the peer gave no credit for.
//!
//! Long because: every way out of a session shares one account of credit.

use std::time::Instant;

use wire::tunnel::head::{self, MAX_HEAD_LEN};
use wire::tunnel::record::{self, HEADER_LEN, SEGMENT_LEN};
use wire::tunnel::{Failure, Flags, Kind, Outcome, RecordType, ReplyHead, Stage};

use super::bulk::{Outgoing, Report};
use super::credit::{BULK_LEN, CATALOGUE_LEN, SMALL_RESERVE};
use super::waiting::{Lane, Waiting};
use super::{Opened, Patience, Session, key_of};
use crate::{End, ExchangeId, Reply};

/// Who waits for what a record brings.
#[derive(Debug, Clone, Copy)]
enum AwaitedBy {
    Caller,
    Nobody,
}

/// What became of a record.
enum Sent {
    /// It is in the batch, under this number.
    Number(u64),
    /// It waits.
    Waits,
    /// There is no room for it to wait.
    NoRoom,
}

impl Session {
    /// Opens an exchange whose body is whole.
    ///
    /// # Errors
    /// Not sent, and why.
    pub(crate) fn open(
        &mut self,
        now: Instant,
        head: &[u8],
        body: &[&[u8]],
        token: u64,
    ) -> Result<ExchangeId, Failure> {
        let body_len: usize = body.iter().map(|part| part.len()).sum();
        let (one_way, remaining_ms) = self.may_open(head)?;
        let patience = Patience::new(now, self.connected, remaining_ms);
        let id = self.enter(token, one_way)?;
        if body_len > SEGMENT_LEN {
            self.queue_long(id, head, patience, Report::No)?;
            self.push_long(id, body, End::Yes);
            return Ok(ExchangeId(id));
        }
        let mut parts = [head; 8];
        let joined;
        let parts = match body.len() {
            count @ 0..=7 => {
                parts[1..=count].copy_from_slice(body);
                &parts[..=count]
            }
            _ => {
                joined = body.concat();
                parts[1] = &joined;
                &parts[..2]
            }
        };
        let awaited = if one_way { AwaitedBy::Nobody } else { AwaitedBy::Caller };
        let sent = if self.connected {
            self.send(RecordType::Open, id, parts, Some(patience), awaited)
        } else {
            self.wait(RecordType::Open, id, parts, Some(patience), awaited)
        };
        match sent {
            Sent::Number(number) => self.opened_is_sent(id, number),
            Sent::Waits => {}
            Sent::NoRoom => {
                self.remove_opened(id);
                return Err(refused(Kind::Overload, "busy: too much waits for this link already"));
            }
        }
        Ok(ExchangeId(id))
    }

    /// Opens an exchange whose body comes in pieces. Also says how many bytes of the first went at once.
    ///
    /// # Errors
    /// Not sent, and why.
    pub(crate) fn open_streaming(
        &mut self,
        now: Instant,
        head: &[u8],
        piece: &[u8],
        token: u64,
    ) -> Result<(ExchangeId, usize), Failure> {
        let (one_way, remaining_ms) = self.may_open(head)?;
        let patience = Patience::new(now, self.connected, remaining_ms);
        let id = self.enter(token, one_way)?;
        self.queue_long(id, head, patience, Report::Yes)?;
        Ok((ExchangeId(id), self.pass_on(id, piece, End::No)))
    }

    /// The next piece of a body in either direction; says how many bytes went at once.
    pub(crate) fn send_data(&mut self, id: ExchangeId, piece: &[u8], end: End) -> usize {
        self.pass_on(id.0, piece, end)
    }

    /// Answers with a whole body.
    pub(crate) fn reply(&mut self, id: ExchangeId, body: &[&[u8]], provider_us: u32) {
        let body_len: usize = body.iter().map(|part| part.len()).sum();
        let Ok(length) = u32::try_from(body_len) else {
            return self.fail(id, &Failure::new(Stage::Tunnel, Kind::TooLarge, Outcome::Executed, "answer over 4 GiB"));
        };
        let head = ReplyHead { body_len: length, provider_us }.encode();
        if body_len > SEGMENT_LEN {
            if self.begin_reply(id, &head, Report::No) {
                self.push_long(id.0, body, End::Yes);
            }
            return;
        }
        if self.accepted_mut(id.0).is_none_or(|accepted| accepted.answering) {
            return;
        }
        let joined;
        let mut parts = [&head[..]; 8];
        let parts = match body.len() {
            count @ 0..=7 => {
                parts[1..=count].copy_from_slice(body);
                &parts[..=count]
            }
            _ => {
                joined = body.concat();
                parts[1] = &joined;
                &parts[..2]
            }
        };
        self.reply_small(id, parts);
    }

    fn reply_small(&mut self, id: ExchangeId, parts: &[&[u8]]) {
        match self.send(RecordType::Reply, id.0, parts, None, AwaitedBy::Caller) {
            Sent::Number(_) => {
                self.remove_accepted(id.0);
            }
            Sent::Waits => {
                if let Some(accepted) = self.accepted_mut(id.0) {
                    accepted.answering = true;
                }
            }
            Sent::NoRoom => self.fail(
                id,
                &Failure::new(
                    Stage::Tunnel,
                    Kind::Overload,
                    Outcome::Executed,
                    "busy: too many answers wait for this link",
                ),
            ),
        }
    }

    /// Passes a piece of an answer on; says how many bytes went at once.
    pub(crate) fn send_reply(&mut self, id: ExchangeId, reply: Reply<'_>) -> usize {
        let Some(head) = reply.head else { return self.pass_on(id.0, reply.piece, reply.end) };
        if self.accepted_mut(id.0).is_none_or(|accepted| accepted.answering) {
            return reply.piece.len();
        }
        if reply.end == End::Yes && reply.piece.len() <= SEGMENT_LEN {
            self.reply_small(id, &[&head.encode(), reply.piece]);
            return reply.piece.len();
        }
        if !self.begin_reply(id, &head.encode(), Report::Yes) {
            return reply.piece.len();
        }
        self.pass_on(id.0, reply.piece, reply.end)
    }

    /// Ends an exchange of the peer without an answer.
    pub(crate) fn fail(&mut self, id: ExchangeId, failure: &Failure) {
        if self.is_ours(id.0) || self.remove_accepted(id.0).is_none() {
            return;
        }
        let mut payload = Vec::with_capacity(256);
        failure.encode_into(&mut payload);
        self.out.push(RecordType::Failure, End::Yes, id.0, &[&payload]);
    }

    /// Loses interest in an exchange of this end.
    pub(crate) fn cancel(&mut self, id: ExchangeId) {
        if !self.is_ours(id.0) {
            return;
        }
        if self.remove_opened(id.0).is_some_and(|opened| opened.is_sent) {
            self.out.push(RecordType::Cancel, End::Yes, id.0, &[]);
        }
    }

    /// Credit for `len` bytes that the next hop has taken.
    pub(crate) fn consumed(&mut self, id: ExchangeId, len: usize) {
        let incoming = if self.is_ours(id.0) {
            self.opened.get_mut(key_of(id.0)).and_then(|opened| opened.incoming.as_deref_mut())
        } else {
            self.accepted_mut(id.0).and_then(|accepted| accepted.incoming.as_deref_mut())
        };
        let Some(incoming) = incoming else { return };
        let len = len.min(incoming.unconsumed());
        if let Some(credit) = incoming.consumed(len) {
            self.out.push(RecordType::Credit, End::No, id.0, &[&credit.to_be_bytes()]);
        }
        self.give_back(len);
    }

    /// A record of the session itself; it waits for credit as calls do. False: there is no room for it to wait.
    pub(crate) fn tell(&mut self, kind: RecordType, payload: &[u8]) -> bool {
        !matches!(self.send(kind, 0, &[payload], None, AwaitedBy::Caller), Sent::NoRoom)
    }

    /// Asks the peer for no new exchanges (`End::No`), or ends the session (`End::Yes`).
    pub(crate) fn go_away(&mut self, end: End, reason: &str) {
        let scope = [u8::from(end == End::Yes)];
        let reason = reason.get(..reason.floor_char_boundary(1024)).unwrap_or_default();
        self.out.push(RecordType::GoAway, end, 0, &[&scope, &self.received.to_be_bytes(), reason.as_bytes()]);
    }

    fn may_open(&self, head: &[u8]) -> Result<(bool, u32), Failure> {
        if self.over {
            return Err(refused(Kind::NoLink, "the link is over"));
        }
        if let Some(reason) = &self.peer_drains {
            return Err(refused(Kind::Draining, reason.clone()));
        }
        if head.len() > MAX_HEAD_LEN {
            return Err(refused(
                Kind::TooLarge,
                format!("head of {} bytes is over the limit of {MAX_HEAD_LEN} bytes", head.len()),
            ));
        }
        let (flags, remaining_ms) = head::glance(head)
            .ok_or_else(|| refused(Kind::Internal, format!("head of {} bytes is none", head.len())))?;
        Ok((flags.contains(Flags::ONE_WAY), remaining_ms))
    }

    fn enter(&mut self, token: u64, one_way: bool) -> Result<u64, Failure> {
        let opened = Opened { token, is_sent: false, complete: 0, one_way, answered: false, out: None, incoming: None };
        match self.opened.insert(opened) {
            Ok(key) => Ok(self.id_of(key)),
            Err(_) => Err(refused(
                Kind::Overload,
                format!("busy: {} exchanges are open on this link already", self.opened.len()),
            )),
        }
    }

    fn opened_is_sent(&mut self, id: u64, number: u64) {
        let Some(opened) = self.opened.get_mut(key_of(id)) else { return };
        opened.is_sent = true;
        opened.complete = number;
        if opened.one_way {
            self.sent.push(opened.token);
            self.remove_opened(id);
        }
    }

    /// Sends a small record, or lets it wait.
    fn send(
        &mut self,
        kind: RecordType,
        id: u64,
        parts: &[&[u8]],
        patience: Option<Patience>,
        awaited: AwaitedBy,
    ) -> Sent {
        let len = HEADER_LEN + parts.iter().map(|part| part.len()).sum::<usize>();
        let may_go = match awaited {
            AwaitedBy::Caller => self.waiting.lets_pass(len, self.window),
            AwaitedBy::Nobody => self.one_ways_may_go() && self.one_ways.lets_pass(len, self.window),
        };
        if !may_go {
            return self.wait(kind, id, parts, patience, awaited);
        }
        self.window -= len;
        Sent::Number(self.out.push(kind, End::Yes, id, parts))
    }

    fn wait(
        &mut self,
        kind: RecordType,
        id: u64,
        parts: &[&[u8]],
        patience: Option<Patience>,
        awaited: AwaitedBy,
    ) -> Sent {
        let len = HEADER_LEN + parts.iter().map(|part| part.len()).sum::<usize>();
        let lane = match awaited {
            AwaitedBy::Caller => &mut self.waiting,
            AwaitedBy::Nobody => &mut self.one_ways,
        };
        if !lane.has_room(len) {
            return Sent::NoRoom;
        }
        let mut bytes = Vec::with_capacity(len);
        record::push(&mut bytes, kind, End::Yes, id, parts);
        lane.push(Waiting { kind, exchange: id, bytes, patience });
        Sent::Waits
    }

    /// Whether a small record that waits could go now.
    pub(super) fn waiting_can_go(&self) -> bool {
        self.waiting.can_go(self.window) || self.one_ways_may_go() && self.one_ways.can_go(self.window)
    }

    /// Whether one-way calls need not let others go first, nor take turns with long bodies.
    fn one_ways_may_go(&self) -> bool {
        self.waiting.is_empty() && self.ring.is_empty()
    }

    /// The next one that may go, first those that somebody waits for.
    fn next_waiting(&mut self) -> Option<Waiting> {
        if !self.waiting.is_empty() {
            return if self.waiting.can_go(self.window) { self.waiting.pop() } else { None };
        }
        if self.one_ways_may_go() && self.one_ways.can_go(self.window) { self.one_ways.pop() } else { None }
    }

    fn is_wanted(&mut self, waiting: &Waiting) -> bool {
        match waiting.kind {
            RecordType::Open => self.opened.get(key_of(waiting.exchange)).is_some(),
            RecordType::Reply => self.accepted_mut(waiting.exchange).is_some(),
            _ => true,
        }
    }

    /// Makes room where records wait whose exchanges are over: nobody may take them out before there is a connection again.
    pub(super) fn forget_unwanted(&mut self) {
        let waiting = std::mem::replace(&mut self.waiting, Lane::answered());
        self.waiting = self.wanted(waiting);
        let one_ways = std::mem::replace(&mut self.one_ways, Lane::one_way());
        self.one_ways = self.wanted(one_ways);
    }

    fn wanted(&mut self, mut lane: Lane) -> Lane {
        lane.retain(|waiting| self.is_wanted(waiting));
        lane
    }

    /// Small records that waited, as far as credit goes. Those of exchanges that are over just leave.
    pub(super) fn send_waiting(&mut self, now: Instant) {
        while self.connected {
            let Some(waiting) = self.next_waiting() else { break };
            self.send_waited(now, waiting);
        }
    }

    fn send_waited(&mut self, now: Instant, mut waiting: Waiting) {
        if !self.is_wanted(&waiting) {
            return;
        }
        let id = waiting.exchange;
        if let Some(patience) = waiting.patience {
            patience.lower(now, &mut waiting.bytes[HEADER_LEN..]);
        }
        self.window -= waiting.bytes.len();
        let number = self.out.push_encoded(&waiting.bytes);
        match waiting.kind {
            RecordType::Open => self.opened_is_sent(id, number),
            RecordType::Reply => drop(self.remove_accepted(id)),
            _ => {}
        }
    }

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

    fn queue_long(&mut self, id: u64, head: &[u8], patience: Patience, report: Report) -> Result<(), Failure> {
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
    fn begin_reply(&mut self, id: ExchangeId, head: &[u8], report: Report) -> bool {
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

    fn push_long(&mut self, id: u64, parts: &[&[u8]], end: End) {
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
    fn pass_on(&mut self, id: u64, piece: &[u8], end: End) -> usize {
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

fn refused(kind: Kind, text: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::new(Stage::Tunnel, kind, Outcome::NotSent, text)
}
