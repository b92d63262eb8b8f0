//! What goes out: records gathered in a batch, numbered by their place, kept until the peer has acknowledged them. It never
//! writes and never decides what may be sent.
//!
//! ```text
//!   push ─▶ batch ──take──▶ connection          control (ack, ping, pong) ──take──▶ connection, then forgotten
//!             └──────────▶ resend: batch | batch | batch ◀── acknowledged: whole batches leave at the front
//!
//!   numbers:  acknowledged <= written <= last
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use wire::tunnel::head::{self, Flags};
use wire::tunnel::record::{self, Decoded, HEADER_LEN};
use wire::tunnel::{End, Record, RecordType};

use super::models::{PLAIN, Telling, remaining_at};
use super::packing::Packing;

/// A batch up to this long is copied behind the last one of the resend buffer, so that a quiet link does not keep a buffer a call.
const JOINED_LEN: usize = 8 * 1024;
/// And this long after it: the deadlines in a batch are of one moment.
const JOINED_WITHIN: Duration = Duration::from_millis(50);
/// A larger spare buffer is given back to the allocator.
const SPARE_LEN: usize = 64 * 1024;
/// Spare buffers kept.
const SPARES: usize = 4;

/// See the module's picture.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    batch: Vec<u8>,
    /// Up to where the batch was there when it was last passed over, and when that was: so old are the deadlines in it.
    passed_over: Option<(usize, Instant)>,
    control: Vec<u8>,
    resend: VecDeque<Batch>,
    resend_len: usize,
    spare: Vec<Vec<u8>>,
    last: u64,
    written: u64,
    /// Bytes of what was written.
    written_len: u64,
    acknowledged: u64,
    /// The last record at the last look of [`Outbound::rest`].
    rested: u64,
    /// By what calls and answers are said, if that was agreed on.
    pub(super) models: Option<Telling>,
    /// What packs them, if that was agreed on.
    pub(super) packing: Option<Box<Packing>>,
}

#[derive(Debug)]
struct Batch {
    /// Number of its last record; its first follows the one before it.
    last: u64,
    /// When its first bytes were written: what time its calls have left is that of then.
    at: Instant,
    bytes: Vec<u8>,
}

impl Outbound {
    /// Puts a numbered record into the batch; returns its number.
    pub(crate) fn push(&mut self, kind: RecordType, end: End, exchange: u64, parts: &[&[u8]]) -> u64 {
        debug_assert!(kind.is_numbered());
        if self.batch.capacity() == 0
            && let Some(spare) = self.spare.pop()
        {
            self.batch = spare;
        }
        record::push(&mut self.batch, kind, end, exchange, parts);
        self.last += 1;
        self.last
    }

    /// Puts a whole call or answer into the batch, said by a model where that is shorter, and packed where that is on; returns
    /// its number. `place`: that of the call's model, for an answer.
    pub(super) fn push_call(&mut self, kind: RecordType, exchange: u64, parts: &[&[u8]], place: u16) -> u64 {
        let at = self.batch.len();
        let number = self.push(kind, End::Yes, exchange, parts);
        self.say(at, kind, place);
        number
    }

    /// Puts an encoded numbered record into the batch, as shortly; returns its number.
    pub(super) fn push_encoded(&mut self, kind: RecordType, record: &[u8], place: u16) -> u64 {
        let at = self.batch.len();
        self.batch.extend_from_slice(record);
        self.last += 1;
        self.say(at, kind, place);
        self.last
    }

    /// Whether anything is ever said otherwise than it is.
    pub(super) fn shortens(&self) -> bool {
        self.models.is_some() || self.packing.is_some()
    }

    fn say(&mut self, at: usize, kind: RecordType, place: u16) {
        if !self.shortens() || !self.may_shorten(at, kind, place) {
            return;
        }
        if let Some(models) = &mut self.models {
            models.say(&mut self.batch, at, kind, place);
        }
        if let Some(packing) = &mut self.packing {
            packing.pack(&mut self.batch, at, kind, self.models.as_ref());
        }
    }

    fn may_shorten(&self, at: usize, kind: RecordType, place: u16) -> bool {
        match kind {
            RecordType::Open => {
                let (flags, _) = head::glance(&self.batch[at + HEADER_LEN..]).unwrap_or_default();
                !flags.contains(Flags::PLAIN)
            }
            RecordType::Reply => place != PLAIN,
            _ => false,
        }
    }

    /// Puts a record that belongs to the connection in front of the batch.
    pub(crate) fn push_control(&mut self, kind: RecordType, parts: &[&[u8]]) {
        debug_assert!(!kind.is_numbered());
        record::push(&mut self.control, kind, End::No, 0, parts);
    }

    /// Looked at now and then: who has sent nothing since the last time, and has all of it acknowledged, keeps no buffer.
    pub(crate) fn rest(&mut self) {
        let idle = std::mem::replace(&mut self.rested, self.last) == self.last;
        if idle && self.resend.is_empty() && self.is_empty() {
            (self.batch, self.control, self.spare) = (Vec::new(), Vec::new(), Vec::new());
        }
    }

    /// Whether anything waits for [`Outbound::take`].
    pub(crate) fn is_empty(&self) -> bool {
        self.batch.is_empty() && self.control.is_empty()
    }

    /// The connection takes nothing at `now`: what is gathered waits, and its calls' time goes on. To be said as soon as something
    /// was gathered that is not taken.
    pub(crate) fn pass_over(&mut self, now: Instant) {
        if self.batch.is_empty() {
            return;
        }
        let since = self.passed_over.map_or(now, |(len, since)| {
            let passed = now.saturating_duration_since(since);
            // Records that have joined since are no older than that.
            if passed <= JOINED_WITHIN {
                return since;
            }
            lower_deadlines(&mut self.batch[..len], passed);
            now
        });
        self.passed_over = Some((self.batch.len(), since));
    }

    /// Hands everything gathered to `write`; from now on it counts as written. Calls that were passed over have less time left by
    /// what has passed since.
    pub(crate) fn take(&mut self, now: Instant, write: impl FnOnce(&[&[u8]])) {
        if let Some((len, since)) = self.passed_over.take() {
            lower_deadlines(&mut self.batch[..len], now.saturating_duration_since(since));
        }
        write(&[&self.control, &self.batch]);
        self.control.clear();
        if self.control.capacity() > SPARE_LEN {
            self.control = Vec::new();
        }
        self.written = self.last;
        if self.batch.is_empty() {
            return;
        }
        self.resend_len += self.batch.len();
        self.written_len += self.batch.len() as u64;
        match self.resend.back_mut() {
            Some(back)
                if back.bytes.len() + self.batch.len() <= JOINED_LEN
                    && now.saturating_duration_since(back.at) <= JOINED_WITHIN =>
            {
                back.bytes.extend_from_slice(&self.batch);
                back.last = self.last;
                self.batch.clear();
            }
            _ => {
                let bytes = std::mem::replace(&mut self.batch, self.spare.pop().unwrap_or_default());
                self.resend.push_back(Batch { last: self.last, at: now, bytes });
            }
        }
    }

    /// The peer has received `count` records: batches that it has whole are forgotten.
    ///
    /// # Errors
    /// It cannot have: so many were never written.
    pub(crate) fn acknowledge(&mut self, count: u64) -> Result<(), Impossible> {
        if count > self.written {
            return Err(Impossible { count, written: self.written });
        }
        self.acknowledged = self.acknowledged.max(count);
        while self.resend.front().is_some_and(|batch| batch.last <= count) {
            let Some(mut batch) = self.resend.pop_front() else { break };
            self.resend_len -= batch.bytes.len();
            if self.spare.len() < SPARES && batch.bytes.capacity() <= SPARE_LEN {
                batch.bytes.clear();
                self.spare.push(batch.bytes);
            }
        }
        Ok(())
    }

    /// Records that the peer is known to have.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// A new connection: everything behind the peer's first `count` records is handed to `write` again. Calls among it have
    /// less time left by what has passed since they were written.
    ///
    /// # Errors
    /// The peer has fewer than it acknowledged before, or more than were written.
    pub(crate) fn resume(&mut self, now: Instant, count: u64, mut write: impl FnMut(&[u8])) -> Result<(), Impossible> {
        if count < self.acknowledged {
            return Err(Impossible { count, written: self.written });
        }
        self.acknowledge(count)?;
        self.control.clear();
        // A front batch of which the peer has a part began right behind the batches it has whole.
        let mut number = self.written - self.resend.iter().map(|batch| records(&batch.bytes)).sum::<u64>();
        for batch in &mut self.resend {
            let passed = now.saturating_duration_since(std::mem::replace(&mut batch.at, now));
            lower_deadlines(&mut batch.bytes, passed);
            let mut bytes = &batch.bytes[..];
            while number < count
                && let Some(len) = first_len(bytes)
            {
                bytes = &bytes[len..];
                number += 1;
            }
            number = batch.last;
            write(bytes);
        }
        Ok(())
    }

    /// The session is over: nothing is sent again.
    pub(crate) fn forget(&mut self) {
        self.batch = Vec::new();
        self.passed_over = None;
        self.control = Vec::new();
        self.resend = VecDeque::new();
        self.resend_len = 0;
        self.spare = Vec::new();
    }

    /// Bytes that are kept for the peer's acknowledgement or wait to be written.
    pub(crate) fn held_len(&self) -> usize {
        self.resend_len + self.batch.len()
    }

    /// Whether all that was pushed was handed to a connection.
    pub(crate) fn is_written(&self) -> bool {
        self.written == self.last
    }

    /// Bytes of records that were handed to a connection, once each.
    pub(crate) fn written_len(&self) -> u64 {
        self.written_len
    }

    /// Number of the last record that was handed to a connection.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }
}

/// An acknowledgement that cannot be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Impossible {
    pub(crate) count: u64,
    pub(crate) written: u64,
}

/// Takes `passed` off what time the calls that open in `bytes` have left.
fn lower_deadlines(bytes: &mut [u8], passed: Duration) {
    let passed = u32::try_from(passed.as_millis()).unwrap_or(u32::MAX);
    let mut at = 0;
    while let Ok(Decoded::Record(record, len)) = Record::decode(&bytes[at..]) {
        let (is_call, left) = (record.kind == RecordType::Open, remaining_at(&record));
        if is_call && let Some(left) = bytes[at..at + len].get_mut(left..).and_then(|bytes| bytes.first_chunk_mut()) {
            *left = u32::from_be_bytes(*left).saturating_sub(passed).to_be_bytes();
        }
        at += len;
    }
}

fn first_len(bytes: &[u8]) -> Option<usize> {
    match Record::decode(bytes) {
        Ok(Decoded::Record(_, len) | Decoded::Skipped(len)) => Some(len),
        _ => None,
    }
}

fn records(mut bytes: &[u8]) -> u64 {
    let mut count = 0;
    while let Some(len) = first_len(bytes) {
        bytes = &bytes[len..];
        count += 1;
    }
    count
}

#[cfg(test)]
#[path = "outbound_tests.rs"]
mod tests;
