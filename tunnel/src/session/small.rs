//! Small records: at once where there is credit for them, else they wait in their lane. It never sends what the peer gave no
//! credit for, and never lets a one-way call go before one that somebody waits for.

use std::time::Instant;

use wire::tunnel::RecordType;
use wire::tunnel::record::{self, HEADER_LEN};

use super::models::NONE;
use super::waiting::{Lane, Waiting};
use super::{Patience, Session, key_of};
use crate::End;

/// Who waits for what a record brings.
#[derive(Debug, Clone, Copy)]
pub(super) enum AwaitedBy {
    Caller,
    Nobody,
}

/// What became of a record.
pub(super) enum Sent {
    /// It is in the batch, under this number.
    Number(u64),
    /// It waits.
    Waits,
    /// There is no room for it to wait.
    NoRoom,
}

impl Session {
    /// Sends a small record, or lets it wait.
    pub(super) fn send(
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
        let place = self.place(kind, id);
        Sent::Number(self.out.push_call(kind, id, parts, place))
    }

    pub(super) fn wait(
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

    /// The place of the model of the call that is answered, where there are models, or that it is plain.
    fn place(&mut self, kind: RecordType, id: u64) -> u16 {
        if kind != RecordType::Reply || !self.out.shortens() {
            return NONE;
        }
        self.accepted_mut(id).map_or(NONE, |accepted| accepted.place)
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

    pub(super) fn send_waited(&mut self, now: Instant, mut waiting: Waiting) {
        if !self.is_wanted(&waiting) {
            return;
        }
        let id = waiting.exchange;
        if let Some(patience) = waiting.patience {
            patience.lower(now, &mut waiting.bytes[HEADER_LEN..]);
        }
        self.window -= waiting.bytes.len();
        let place = self.place(waiting.kind, id);
        let number = self.out.push_encoded(waiting.kind, &waiting.bytes, place);
        match waiting.kind {
            RecordType::Open => self.opened_is_sent(id, number),
            RecordType::Reply => drop(self.remove_accepted(id)),
            _ => {}
        }
    }
}
