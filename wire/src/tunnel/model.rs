//! Models: a call or an answer that was sent whole once and is kept at both ends, so that what later ones have in common with it
//! does not cross again. It never changes what arrives: a record that is said by its model is put together to the same bytes.
//!
//! ```text
//!   whole    head                                   │ frame: 16 bytes of header │ body of the frame
//!            equal but for `numbers`, `trace`       │ first 4 equal             │ `front` bytes equal │ between │ `back` bytes equal
//!   like     | front (u16) | back (u16) | numbers | trace | last 12 of the frame's header | between
//!
//!   numbers  of an open record bytes 12 .. 35 of its head (time left, length, stamp), of a reply bytes 4 .. 11
//!   trace    of an open record the value of its field 10, where its model has one; it is as long as the model's
//! ```
//!
//! The bytes of a body are compared and never read: what repeats is found without knowing what it is. A peer that has no model
//! of a number, or not as many bytes as it is asked for, is being lied to.

use std::ops::Range;

use thiserror::Error;

use super::head::{self, Head};
use super::record::{MAX_PAYLOAD_LEN, RecordType};
use super::reply::REPLY_HEAD_LEN;
use crate::dubbo::frame::HEADER_LEN as FRAME_HEADER_LEN;

/// Models of one kind of record in one direction of a session.
pub const MODELS: usize = 128;
/// The longest head that a model has.
const HEAD_LEN: usize = 1024;
/// Bytes that a model has of the beginning of a body, header included.
const FRONT_LEN: usize = 1536;
/// Bytes that a model has of the end of a body.
const BACK_LEN: usize = 512;
/// Bytes in which a difference says how long its two parts are.
const PARTS_LEN: usize = 4;
/// Where the frame's id and length stand.
const FRAME_NUMBERS: Range<usize> = 4..FRAME_HEADER_LEN;
/// The longest beginning of a difference, up to what is between.
const MAX_STEM_LEN: usize = 128;
/// Where what time is left stands in the difference of an open record, as four bytes.
pub const REMAINING_AT: usize = PARTS_LEN;

/// What is kept of a record. Its memory is at most 3 KiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Head, then the beginning of the body, then its end.
    bytes: Box<[u8]>,
    head_len: usize,
    front_len: usize,
    numbers: Range<usize>,
    trace: Range<usize>,
}

/// A record that cannot be said by models.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ModelError {
    /// It is no model.
    #[error("record of {0} bytes that cannot be a model: its head or its frame is too short or too long for one")]
    NoModel(usize),
    /// It asks for more than its model has.
    #[error("record that takes {front} and {back} bytes of a model with {has_front} and {has_back}")]
    TooMuch {
        /// Bytes that it wants of the model's beginning.
        front: usize,
        /// Bytes that it wants of the model's end.
        back: usize,
        /// What the model has.
        has_front: usize,
        /// What the model has.
        has_back: usize,
    },
    /// It ends before it has said all.
    #[error("record of {0} bytes that says too little of how it differs from its model")]
    Short(usize),
    /// Put together it would be longer than a record can be.
    #[error("record of {0} bytes once put together, over the limit of {MAX_PAYLOAD_LEN} bytes")]
    TooLong(usize),
}

/// What a payload has in common with a model, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Common {
    front: usize,
    back: usize,
    /// Bytes that need not cross.
    pub saved_len: usize,
}

impl Model {
    /// Keeps the payload of an open or reply record.
    ///
    /// # Errors
    /// It cannot be a model; nobody may send it as one.
    pub fn keep(kind: RecordType, payload: &[u8]) -> Result<Model, ModelError> {
        let no_model = || ModelError::NoModel(payload.len());
        let head_len = head_len(kind, payload).filter(|len| *len <= HEAD_LEN).ok_or_else(no_model)?;
        let (head, body) = payload.split_at(head_len);
        if body.len() < FRAME_HEADER_LEN {
            return Err(no_model());
        }
        let (numbers, trace) = match kind {
            RecordType::Open => (head::NUMBERS, head::trace(head).map_err(|_| no_model())?),
            _ => (4..REPLY_HEAD_LEN, head_len..head_len),
        };
        if PARTS_LEN + numbers.len() + trace.len() + FRAME_NUMBERS.len() > MAX_STEM_LEN {
            return Err(no_model());
        }
        let front_len = body.len().min(FRONT_LEN);
        let back = &body[body.len() - body.len().min(BACK_LEN)..];
        let bytes = [head, &body[..front_len], back].concat().into_boxed_slice();
        Ok(Model { bytes, head_len, front_len, numbers, trace })
    }

    /// Bytes of memory that it takes.
    pub fn kept_len(&self) -> usize {
        size_of::<Model>() + self.bytes.len()
    }

    /// What it has of the body: its beginning, then its end.
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.head_len..]
    }

    /// What `payload`, of the same kind of record, has in common with it; `None` if they are not alike.
    pub fn common(&self, payload: &[u8]) -> Option<Common> {
        let (head, body) = payload.split_at_checked(self.head_len)?;
        let (frame, body) = body.split_at_checked(FRAME_HEADER_LEN)?;
        if !self.has_head(head) || frame[..4] != self.front()[..4] {
            return None;
        }
        let front = same_front(&self.front()[FRAME_HEADER_LEN..], body);
        let back = same_back(self.back(), &body[front..]);
        let whole_len = self.head_len + FRAME_HEADER_LEN + front + back;
        Some(Common { front, back, saved_len: whole_len.checked_sub(self.stem_len())? })
    }

    /// Whether `head` says the same as the model's, but for what differs from call to call.
    pub fn has_head(&self, head: &[u8]) -> bool {
        let ours = &self.bytes[..self.head_len];
        let (numbers, trace) = (&self.numbers, &self.trace);
        head.len() == ours.len()
            && head[..numbers.start] == ours[..numbers.start]
            && head[numbers.end..trace.start] == ours[numbers.end..trace.start]
            && (trace.end == ours.len() || head[trace.end..] == ours[trace.end..])
    }

    /// Makes the payload that stands in `out` from `at` on, of which `common` was said, its difference to this model.
    pub fn shorten(&self, out: &mut Vec<u8>, at: usize, common: Common) {
        let payload = &out[at..];
        let frame = self.head_len + FRAME_NUMBERS.start..self.head_len + FRAME_NUMBERS.end;
        let mut stem = [0; MAX_STEM_LEN];
        stem[..2].copy_from_slice(&(common.front as u16).to_be_bytes());
        stem[2..PARTS_LEN].copy_from_slice(&(common.back as u16).to_be_bytes());
        let mut len = PARTS_LEN;
        for part in [&payload[self.numbers.clone()], &payload[self.trace.clone()], &payload[frame]] {
            stem[len..len + part.len()].copy_from_slice(part);
            len += part.len();
        }
        let between = self.head_len + FRAME_HEADER_LEN + common.front..payload.len() - common.back;
        let end = at + len + between.len();
        out.copy_within(at + between.start..at + between.end, at + len);
        out[at..at + len].copy_from_slice(&stem[..len]);
        out.truncate(end);
    }

    /// Puts the payload together whose difference to this model is `like`, in place of what stands in `out`.
    ///
    /// # Errors
    /// Whoever sent it has another model, or lies.
    pub fn put_together(&self, like: &[u8], out: &mut Vec<u8>) -> Result<(), ModelError> {
        let (parts, rest) = like.split_first_chunk::<PARTS_LEN>().ok_or(ModelError::Short(like.len()))?;
        let [f0, f1, b0, b1] = *parts;
        let (front, back) = (usize::from(u16::from_be_bytes([f0, f1])), usize::from(u16::from_be_bytes([b0, b1])));
        let (ours, end) = (&self.front()[FRAME_HEADER_LEN..], self.back());
        if front > ours.len() || back > end.len() {
            return Err(ModelError::TooMuch { front, back, has_front: ours.len(), has_back: end.len() });
        }
        let short = || ModelError::Short(like.len());
        let (numbers, rest) = rest.split_at_checked(self.numbers.len()).ok_or_else(short)?;
        let (trace, rest) = rest.split_at_checked(self.trace.len()).ok_or_else(short)?;
        let (frame, between) = rest.split_at_checked(FRAME_NUMBERS.len()).ok_or_else(short)?;
        let len = self.head_len + FRAME_HEADER_LEN + front + between.len() + back;
        if len > MAX_PAYLOAD_LEN {
            return Err(ModelError::TooLong(len));
        }
        out.clear();
        out.reserve(len);
        // Head and beginning stand one behind the other here too.
        out.extend_from_slice(&self.bytes[..self.head_len + FRAME_HEADER_LEN + front]);
        out[self.numbers.clone()].copy_from_slice(numbers);
        if !trace.is_empty() {
            out[self.trace.clone()].copy_from_slice(trace);
        }
        out[self.head_len + FRAME_NUMBERS.start..self.head_len + FRAME_NUMBERS.end].copy_from_slice(frame);
        out.extend_from_slice(between);
        out.extend_from_slice(&end[end.len() - back..]);
        Ok(())
    }

    fn front(&self) -> &[u8] {
        &self.bytes[self.head_len..self.head_len + self.front_len]
    }

    fn back(&self) -> &[u8] {
        &self.bytes[self.head_len + self.front_len..]
    }

    /// Bytes in front of what is between, in a payload that is said by this model.
    pub fn stem_len(&self) -> usize {
        PARTS_LEN + self.numbers.len() + self.trace.len() + FRAME_NUMBERS.len()
    }
}

/// Bytes in front of the body in the payload of an open or reply record; `None` if it is none.
fn head_len(kind: RecordType, payload: &[u8]) -> Option<usize> {
    match kind {
        RecordType::Open => Head::split(payload).ok().map(|(head, _)| head.len()),
        RecordType::Reply => {
            let len = usize::from(u16::from_be_bytes(*payload.first_chunk()?));
            (REPLY_HEAD_LEN..=payload.len()).contains(&len).then_some(len)
        }
        _ => None,
    }
}

/// Bytes with which both begin.
fn same_front(a: &[u8], b: &[u8]) -> usize {
    let len = a.len().min(b.len());
    let ((a16, _), (b16, _)) = (a[..len].as_chunks::<16>(), b[..len].as_chunks::<16>());
    let mut same = 0;
    for (a, b) in a16.iter().zip(b16) {
        let differs = u128::from_le_bytes(*a) ^ u128::from_le_bytes(*b);
        if differs != 0 {
            return same + differs.trailing_zeros() as usize / 8;
        }
        same += 16;
    }
    same + a[same..len].iter().zip(&b[same..len]).take_while(|(a, b)| a == b).count()
}

/// Bytes with which both end.
fn same_back(a: &[u8], b: &[u8]) -> usize {
    let len = a.len().min(b.len());
    let (a, b) = (&a[a.len() - len..], &b[b.len() - len..]);
    let ((_, a16), (_, b16)) = (a.as_rchunks::<16>(), b.as_rchunks::<16>());
    let mut same = 0;
    for (a, b) in a16.iter().zip(b16).rev() {
        let differs = u128::from_le_bytes(*a) ^ u128::from_le_bytes(*b);
        if differs != 0 {
            return same + differs.leading_zeros() as usize / 8;
        }
        same += 16;
    }
    same + a[..len - same].iter().rev().zip(b[..len - same].iter().rev()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
