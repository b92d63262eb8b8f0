//! The session's way out: what its owner opens, answers, ends and gives credit for. What may go at once and what waits is said
//! by the small records' account (`small`) and the long bodies' (`turns`); both are of the one window that the peer gave.

use std::time::Instant;

use wire::tunnel::head::{self, MAX_HEAD_LEN};
use wire::tunnel::record::SEGMENT_LEN;
use wire::tunnel::{Failure, Flags, Kind, Outcome, RecordType, ReplyHead, Stage};

use super::bulk::Report;
use super::small::{AwaitedBy, Sent};
use super::{Opened, Patience, Session, key_of};
use crate::{End, ExchangeId, Reply};

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
        let patience = Patience::new((now, self.clock(now)), self.connected, remaining_ms);
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
        let patience = Patience::new((now, self.clock(now)), self.connected, remaining_ms);
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

    pub(super) fn opened_is_sent(&mut self, id: u64, number: u64) {
        let Some(opened) = self.opened.get_mut(key_of(id)) else { return };
        opened.is_sent = true;
        opened.complete = number;
        if opened.one_way {
            self.sent.push(opened.token);
            self.remove_opened(id);
        }
    }
}

pub(super) fn refused(kind: Kind, text: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::new(Stage::Tunnel, kind, Outcome::NotSent, text)
}
