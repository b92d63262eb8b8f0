//! The session's way in: each record once, whatever a new connection repeats. It never trusts an id, a length or a credit.

use wire::tunnel::record::HEADER_LEN;
use wire::tunnel::{Failure, Flags, Head, Record, RecordType, ReplyHead, Said, head};

use super::credit::{EXCHANGE_WINDOW, Incoming, Overdrawn, SESSION_WINDOW};
use super::models::{NONE, PLAIN, Unlike};
use super::packing::Unpackable;
use super::{Accepted, Credit, Event, Session, Violation, key_of};
use crate::{End, ExchangeId, Open, Reply};

/// Room for the payload of one record.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// Where it came packed.
    unpacked: Vec<u8>,
    /// Where it is said by a model.
    whole: Vec<u8>,
}

impl Room {
    /// Gives back what is larger than this.
    pub(crate) fn shrink(&mut self, spare_len: usize) {
        for room in [&mut self.unpacked, &mut self.whole] {
            if room.capacity() > spare_len {
                *room = Vec::new();
            }
        }
    }
}

impl From<Overdrawn> for Violation {
    fn from(wrong: Overdrawn) -> Violation {
        Violation::Overdrawn { len: wrong.len, available: wrong.available }
    }
}

impl Session {
    /// A numbered record of a type this end does not know, of `len` bytes.
    pub(crate) fn skip(&mut self, len: usize) {
        self.is_new(len);
    }

    /// A record has arrived. `room` is for its payload, where that is packed or said by a model.
    ///
    /// # Errors
    /// The peer breaks a rule; the session is over.
    pub(crate) fn receive<'a>(&mut self, record: Record<'a>, room: &'a mut Room) -> Result<Event<'a>, Violation> {
        match record.kind {
            RecordType::Ack => {
                let count = number(&record)?;
                self.out
                    .acknowledge(count)
                    .map_err(|wrong| Violation::Acknowledged { count: wrong.count, written: wrong.written })?;
                return Ok(Event::Nothing);
            }
            RecordType::Ping => {
                // As long as it came: a ping also asks what passes in both directions.
                if let Some((stamp, padding)) = record.payload.split_first_chunk() {
                    self.pinged = Some((*stamp, padding.len()));
                }
                return Ok(Event::Nothing);
            }
            RecordType::Pong => {
                let len = record.payload.len();
                return Ok(number(&record).map_or(Event::Nothing, |stamp| Event::Pong(stamp, len)));
            }
            _ => {}
        }
        if !self.is_new(HEADER_LEN + record.payload.len()) {
            return Ok(Event::Nothing);
        }
        let Room { unpacked, whole } = room;
        let payload = self.unpacked(&record, unpacked)?;
        let (payload, place) = match (&mut self.models, record.said) {
            (None, Said::Whole) => (payload, NONE),
            (None, _) => return Err(Unlike::NotAgreed.into()),
            (Some(models), said) => models.hear(record.kind, said, payload, whole)?,
        };
        let record = Record { payload, ..record };
        match record.kind {
            RecordType::Open => self.receive_open(record, place),
            RecordType::Data if self.is_ours(record.exchange) => self.receive_answer(record, None, record.payload),
            RecordType::Data => self.receive_data(record),
            RecordType::Reply => {
                let (head, piece) = ReplyHead::decode(record.payload).map_err(|why| unreadable(&record, why))?;
                self.receive_answer(record, Some(head), piece)
            }
            RecordType::Failure => self.receive_failure(record),
            RecordType::Cancel => {
                self.check_theirs(record.exchange)?;
                let removed = self.remove_accepted(record.exchange).is_some();
                Ok(if removed { Event::Cancelled(ExchangeId(record.exchange)) } else { Event::Nothing })
            }
            RecordType::Credit => self.receive_credit(record),
            RecordType::Catalogue | RecordType::Notice => {
                let len = HEADER_LEN + record.payload.len();
                self.incoming.arrived(len)?;
                self.give_back(len);
                Ok(if record.kind == RecordType::Notice {
                    Event::Notice(record.payload)
                } else {
                    Event::Catalogue(record.payload)
                })
            }
            RecordType::GoAway => self.receive_go_away(record),
            RecordType::Accepted | RecordType::Inquire if record.optional => Ok(Event::Nothing),
            _ => Err(unreadable(&record, "not in this version")),
        }
    }

    /// The payload of a record as it was before it was packed.
    fn unpacked<'a>(&mut self, record: &Record<'a>, room: &'a mut Vec<u8>) -> Result<&'a [u8], Violation> {
        let Some(unpacking) = &mut self.unpacking else {
            return if record.packed { Err(Unpackable::NotAgreed.into()) } else { Ok(record.payload) };
        };
        unpacking.heard(record);
        if !record.packed {
            return Ok(record.payload);
        }
        unpacking.unpack(record, self.models.as_ref(), room)?;
        Ok(room)
    }

    /// Counts a numbered record; false if an earlier connection had brought it already.
    fn is_new(&mut self, len: usize) -> bool {
        self.position += 1;
        if self.position <= self.received {
            return false;
        }
        self.received = self.position;
        self.untold_len += len;
        self.received_len += len as u64;
        true
    }

    fn check_theirs(&self, id: u64) -> Result<(), Violation> {
        if self.is_ours(id) || id < 2 { Err(Violation::WrongId(id)) } else { Ok(()) }
    }

    fn check_ours(&self, id: u64) -> Result<(), Violation> {
        if self.is_ours(id) && id >= 2 { Ok(()) } else { Err(Violation::WrongId(id)) }
    }

    fn receive_open<'a>(&mut self, record: Record<'a>, place: u16) -> Result<Event<'a>, Violation> {
        let id = record.exchange;
        self.check_theirs(id)?;
        let (head, piece) = Head::split(record.payload).map_err(|why| unreadable(&record, why))?;
        let (flags, _) = head::glance(head).ok_or_else(|| unreadable(&record, "no head"))?;
        self.accepted.claim(id)?;
        let len = HEADER_LEN + record.payload.len();
        self.incoming.arrived(len)?;
        let open = Open { head, piece, end: record.end };
        let one_way = flags.contains(Flags::ONE_WAY);
        if record.end == End::Yes && one_way {
            self.give_back(len);
            return Ok(Event::Opened(ExchangeId(id), open));
        }
        let incoming = match record.end {
            End::Yes => None,
            End::No => Some(Box::new(Incoming::new(EXCHANGE_WINDOW))),
        };
        let request_ended = record.end == End::Yes;
        let place = if flags.contains(Flags::PLAIN) { PLAIN } else { place };
        self.accepted.insert(id, Accepted { one_way, request_ended, answering: false, place, out: None, incoming });
        self.take_piece(id, len, piece.len())?;
        Ok(Event::Opened(ExchangeId(id), open))
    }

    fn receive_data<'a>(&mut self, record: Record<'a>) -> Result<Event<'a>, Violation> {
        let id = record.exchange;
        self.check_theirs(id)?;
        let len = HEADER_LEN + record.payload.len();
        self.incoming.arrived(len)?;
        let Some(accepted) = self.accepted_mut(id) else {
            // Answered or failed before the request had ended: the rest of it is on its way.
            self.give_back(len);
            return Ok(Event::Nothing);
        };
        if accepted.request_ended {
            return Err(unreadable(&record, "the request had ended"));
        }
        accepted.request_ended = record.end == End::Yes;
        let is_over = accepted.one_way && accepted.request_ended;
        self.take_piece(id, len, record.payload.len())?;
        if is_over {
            self.remove_accepted(id);
        }
        Ok(Event::Data(ExchangeId(id), record.payload, record.end))
    }

    fn receive_answer<'a>(
        &mut self,
        record: Record<'a>,
        head: Option<ReplyHead>,
        piece: &'a [u8],
    ) -> Result<Event<'a>, Violation> {
        let id = record.exchange;
        self.check_ours(id)?;
        let len = HEADER_LEN + record.payload.len();
        self.incoming.arrived(len)?;
        let Some(opened) = self.opened.get_mut(key_of(id)) else {
            // Cancelled meanwhile.
            self.give_back(len);
            return Ok(Event::Nothing);
        };
        if !opened.is_sent || opened.answered != head.is_none() {
            return Err(unreadable(&record, "out of order"));
        }
        opened.answered = true;
        let token = opened.token;
        let event = Event::Reply(token, Reply { head, piece, end: record.end });
        if record.end == End::Yes && opened.incoming.is_none() {
            self.remove_opened(id);
            self.give_back(len);
            return Ok(event);
        }
        opened.incoming.get_or_insert_with(|| Box::new(Incoming::new(EXCHANGE_WINDOW)));
        self.take_piece(id, len, piece.len())?;
        if record.end == End::Yes {
            self.remove_opened(id);
        }
        Ok(event)
    }

    /// Accounts for a piece of `piece_len` bytes in a record of `len` that the session's window has counted.
    fn take_piece(&mut self, id: u64, len: usize, piece_len: usize) -> Result<(), Violation> {
        let mode = self.credit;
        let ours = self.is_ours(id);
        let incoming = if ours {
            self.opened.get_mut(key_of(id)).and_then(|opened| opened.incoming.as_deref_mut())
        } else {
            self.accepted_mut(id).and_then(|accepted| accepted.incoming.as_deref_mut())
        };
        let Some(incoming) = incoming else {
            self.give_back(len);
            return Ok(());
        };
        incoming.arrived(piece_len)?;
        if mode == Credit::ByOwner {
            self.give_back(len - piece_len);
            return Ok(());
        }
        if let Some(credit) = incoming.consumed(piece_len) {
            self.out.push(RecordType::Credit, End::No, id, &[&credit.to_be_bytes()]);
        }
        self.give_back(len);
        Ok(())
    }

    fn receive_failure<'a>(&mut self, record: Record<'a>) -> Result<Event<'a>, Violation> {
        self.check_ours(record.exchange)?;
        let failure = Failure::decode(record.payload).map_err(|why| unreadable(&record, why))?;
        match self.remove_opened(record.exchange) {
            Some(opened) => Ok(Event::Failed(opened.token, failure)),
            None => Ok(Event::Nothing),
        }
    }

    fn receive_credit<'a>(&mut self, record: Record<'a>) -> Result<Event<'a>, Violation> {
        let bytes = record.payload.first_chunk::<4>().ok_or_else(|| unreadable(&record, "no number"))?;
        let len = u32::from_be_bytes(*bytes) as usize;
        let fits = if record.exchange == 0 {
            self.window += len;
            self.window <= SESSION_WINDOW
        } else {
            self.credited(record.exchange, len)
        };
        if fits { Ok(Event::Nothing) } else { Err(Violation::TooMuchCredit) }
    }

    fn receive_go_away<'a>(&mut self, record: Record<'a>) -> Result<Event<'a>, Violation> {
        let Some((&[scope, r0, r1, r2, r3, r4, r5, r6, r7], reason)) = record.payload.split_first_chunk::<9>() else {
            return Err(unreadable(&record, "no scope"));
        };
        let reason = String::from_utf8_lossy(reason).into_owned();
        if scope != 0 {
            return Ok(Event::Over(u64::from_be_bytes([r0, r1, r2, r3, r4, r5, r6, r7]), reason));
        }
        self.peer_drains = Some(reason.clone());
        Ok(Event::Draining(reason))
    }
}

fn number(record: &Record<'_>) -> Result<u64, Violation> {
    let bytes = record.payload.first_chunk::<8>().ok_or_else(|| unreadable(record, "no number"))?;
    Ok(u64::from_be_bytes(*bytes))
}

fn unreadable(record: &Record<'_>, why: impl ToString) -> Violation {
    Violation::Payload { kind: record.kind, exchange: record.exchange, why: why.to_string() }
}
