//! The head of a call: who wants what of whom, and until when. The hub decides on it alone. It never holds a clock time.
//!
//! ```text
//!  byte 0      1         2 .. 3   4          5               6          7   8 .. 9         10 .. 11
//!     | hops | attempt | flags  | priority | serialization | protocol | 0 | length (u16) | 0
//!      12 .. 15             16 .. 19         20 .. 27            28 .. 35
//!     | remaining_ms (u32) | body_len (u32) | start id (u64)    | counter (u64)   |  fields
//!                                             `---- stamp: one call, whoever repeats it ----'
//!  field: | tag (u8) | length (u16) | UTF-8 |     length of the head = 36 + fields
//! ```
//!
//! A hop copies the head with [`forward`]: it counts itself, lowers what remains, puts in the island it knows the call came
//! from and drops what anybody else claimed there. Fields from the future pass through unread.
//!
//! Long because: reading, filling and forwarding are three views of one layout.

use std::fmt;
use std::ops::{BitOr, BitOrAssign, Range};

use thiserror::Error;

/// Bytes in front of the fields.
pub const FIXED_LEN: usize = 36;
/// Where the milliseconds stand that remain, as four bytes.
pub const REMAINING_AT: usize = 12;
/// The longest head, fields included. A longer one is refused by who would send it.
pub const MAX_HEAD_LEN: usize = 16 * 1024;
/// `body_len` of a stream whose length nobody knows yet.
pub const UNKNOWN_LEN: u32 = u32::MAX;

mod tag {
    pub const DESTINATION: u8 = 1;
    pub const SOURCE: u8 = 2;
    pub const SERVICE: u8 = 3;
    pub const INTERFACE: u8 = 4;
    pub const GROUP: u8 = 5;
    pub const VERSION: u8 = 6;
    pub const METHOD: u8 = 7;
    pub const GENERIC: u8 = 8;
    pub const APPLICATION: u8 = 9;
    pub const TRACEPARENT: u8 = 10;
}

/// What is true of a call, as bits; unknown bits pass through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Flags(pub u16);

impl Flags {
    /// Nobody waits for an answer, and none comes.
    pub const ONE_WAY: Flags = Flags(0x01);
    /// Running it twice does no harm, says the owner of the service.
    pub const IDEMPOTENT: Flags = Flags(0x02);
    /// Part of a load test.
    pub const LOAD_TEST: Flags = Flags(0x04);
    /// In a serialization that the gateways do not read.
    pub const OPAQUE: Flags = Flags(0x08);
    /// Arguments that call back, or a stub event: only under a grant that says so.
    pub const CALLBACKS: Flags = Flags(0x10);
    /// Links say the call and its answer as they are: by no model, and not packed.
    pub const PLAIN: Flags = Flags(0x20);

    /// Whether all bits of `other` are set.
    pub fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Flags) {
        self.0 |= other.0;
    }
}

/// Names one call for ever: the process that took it in, by a number it drew when it started, and a counter of that process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Stamp {
    /// The number the process drew when it started.
    pub start: u64,
    /// The call's number in that process.
    pub counter: u64,
}

/// `0000000000000abc-1f`, as the hub's audit and the gateways' logs name a call.
impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:x}", self.start, self.counter)
    }
}

/// The head, a view into the bytes it was read from. An empty string is an absent field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head<'a> {
    /// Hubs it has passed.
    pub hops: u8,
    /// 0 for the first try of a call, 1 for the next.
    pub attempt: u8,
    /// What is true of the call.
    pub flags: Flags,
    /// 0 is normal.
    pub priority: u8,
    /// Dubbo's serialization id of the body.
    pub serialization: u8,
    /// What the body is: [`Head::DUBBO`].
    pub protocol: u8,
    /// Milliseconds that remain until nobody waits any more.
    pub remaining_ms: u32,
    /// Bytes of the whole body, or [`UNKNOWN_LEN`].
    pub body_len: u32,
    /// Which call this is.
    pub stamp: Stamp,
    /// The island it shall run in.
    pub destination: &'a str,
    /// The island it came from: true only where the hub has put it in.
    pub source: &'a str,
    /// The service as it is looked up: the effective path.
    pub service: &'a str,
    /// The effective interface, where it is another than `service`.
    pub interface: &'a str,
    /// The effective group.
    pub group: &'a str,
    /// The effective version.
    pub version: &'a str,
    /// The method that runs; of a generic call its first argument.
    pub method: &'a str,
    /// How a generic call is encoded; empty for a call that is not generic.
    pub generic: &'a str,
    /// The calling application, as it says itself.
    pub application: &'a str,
    /// W3C trace context.
    pub traceparent: &'a str,
}

/// Bytes that are no head, or a head that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeadError {
    /// Shorter than a head can be, or than it says.
    #[error("head of {found} bytes, wanted {wanted}")]
    Short {
        /// Bytes that are there.
        found: usize,
        /// Bytes there should be.
        wanted: usize,
    },
    /// Longer than allowed.
    #[error("head of {0} bytes is over the limit of {MAX_HEAD_LEN} bytes")]
    TooLong(usize),
    /// A field runs off the end.
    #[error("field {tag} of {len} bytes runs off the end of the head")]
    Overrun {
        /// The field's tag.
        tag: u8,
        /// The length it claims.
        len: usize,
    },
    /// The same field twice.
    #[error("field {0} stands in the head twice")]
    Twice(u8),
    /// A field that is no text.
    #[error("field {0} is not UTF-8")]
    NotText(u8),
}

impl<'a> Head<'a> {
    /// The protocol number of Dubbo frames.
    pub const DUBBO: u8 = 1;

    /// Splits the payload of an open record into the bytes of its head and the first piece of the body, unread.
    ///
    /// # Errors
    /// The head is shorter or longer than a head can be, or than the payload.
    pub fn split(payload: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), HeadError> {
        let Some(&[l0, l1]) = payload.get(8..10) else {
            return Err(HeadError::Short { found: payload.len(), wanted: FIXED_LEN });
        };
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        if len > MAX_HEAD_LEN {
            return Err(HeadError::TooLong(len));
        }
        if len < FIXED_LEN {
            return Err(HeadError::Short { found: len, wanted: FIXED_LEN });
        }
        payload.split_at_checked(len).ok_or(HeadError::Short { found: payload.len(), wanted: len })
    }

    /// Reads a head, exactly as [`Head::split`] returns it.
    ///
    /// # Errors
    /// Anything that is not one whole head.
    pub fn decode(bytes: &'a [u8]) -> Result<Head<'a>, HeadError> {
        let (head, rest) = Head::split(bytes)?;
        if !rest.is_empty() {
            return Err(HeadError::Short { found: bytes.len(), wanted: head.len() });
        }
        let (fixed, fields) =
            head.split_first_chunk::<FIXED_LEN>().ok_or(HeadError::Short { found: head.len(), wanted: FIXED_LEN })?;
        let mut decoded = Head {
            hops: fixed[0],
            attempt: fixed[1],
            flags: Flags(u16::from_be_bytes([fixed[2], fixed[3]])),
            priority: fixed[4],
            serialization: fixed[5],
            protocol: fixed[6],
            remaining_ms: u32_at(fixed, 12),
            body_len: u32_at(fixed, 16),
            stamp: Stamp { start: u64_at(fixed, 20), counter: u64_at(fixed, 28) },
            ..Head::default()
        };
        let mut seen = 0u32;
        for field in Fields(fields) {
            let (tag, value) = field?;
            let Some(place) = decoded.place(tag) else { continue };
            *place = std::str::from_utf8(value).map_err(|_| HeadError::NotText(tag))?;
            let bit = 1u32 << tag;
            if seen & bit != 0 {
                return Err(HeadError::Twice(tag));
            }
            seen |= bit;
        }
        Ok(decoded)
    }

    fn place(&mut self, tag: u8) -> Option<&mut &'a str> {
        Some(match tag {
            tag::DESTINATION => &mut self.destination,
            tag::SOURCE => &mut self.source,
            tag::SERVICE => &mut self.service,
            tag::INTERFACE => &mut self.interface,
            tag::GROUP => &mut self.group,
            tag::VERSION => &mut self.version,
            tag::METHOD => &mut self.method,
            tag::GENERIC => &mut self.generic,
            tag::APPLICATION => &mut self.application,
            tag::TRACEPARENT => &mut self.traceparent,
            _ => return None,
        })
    }

    /// Puts the head behind `out`.
    ///
    /// # Errors
    /// [`HeadError::TooLong`]; `out` is as it was.
    pub fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), HeadError> {
        let start = out.len();
        let mut fixed = [0; FIXED_LEN];
        fixed[0] = self.hops;
        fixed[1] = self.attempt;
        fixed[2..4].copy_from_slice(&self.flags.0.to_be_bytes());
        fixed[4] = self.priority;
        fixed[5] = self.serialization;
        fixed[6] = self.protocol;
        fixed[12..16].copy_from_slice(&self.remaining_ms.to_be_bytes());
        fixed[16..20].copy_from_slice(&self.body_len.to_be_bytes());
        fixed[20..28].copy_from_slice(&self.stamp.start.to_be_bytes());
        fixed[28..36].copy_from_slice(&self.stamp.counter.to_be_bytes());
        out.extend_from_slice(&fixed);
        for (tag, value) in [
            (tag::DESTINATION, self.destination),
            (tag::SOURCE, self.source),
            (tag::SERVICE, self.service),
            (tag::INTERFACE, self.interface),
            (tag::GROUP, self.group),
            (tag::VERSION, self.version),
            (tag::METHOD, self.method),
            (tag::GENERIC, self.generic),
            (tag::APPLICATION, self.application),
            (tag::TRACEPARENT, self.traceparent),
        ] {
            push_field(out, tag, value.as_bytes());
        }
        close(out, start)
    }
}

/// What a hop changes in a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop<'a> {
    /// The island that the call came from, as this hop knows it.
    pub source: &'a str,
    /// Milliseconds that remain now.
    pub remaining_ms: u32,
}

/// Puts a copy of `head` behind `out` as the next hop shall see it: one hop more, the source this hop vouches for, what
/// remains; everything else byte for byte, fields from the future too.
///
/// # Errors
/// `head` is none, or the copy would be too long; `out` is as it was.
pub fn forward(head: &[u8], hop: Hop<'_>, out: &mut Vec<u8>) -> Result<(), HeadError> {
    let (head, _) = Head::split(head)?;
    let start = out.len();
    let (fixed, fields) =
        head.split_first_chunk::<FIXED_LEN>().ok_or(HeadError::Short { found: head.len(), wanted: FIXED_LEN })?;
    out.reserve(head.len() + 3 + hop.source.len());
    out.extend_from_slice(fixed);
    out[start] = fixed[0].saturating_add(1);
    out[start + 12..start + 16].copy_from_slice(&hop.remaining_ms.to_be_bytes());
    for field in Fields(fields) {
        match field {
            Ok((tag::SOURCE, _)) => {}
            Ok((tag, value)) => push_field(out, tag, value),
            Err(error) => {
                out.truncate(start);
                return Err(error);
            }
        }
    }
    push_field(out, tag::SOURCE, hop.source.as_bytes());
    close(out, start)
}

/// What differs between two calls with equal decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fresh<'a> {
    /// Set beside the template's own flags.
    pub flags: Flags,
    /// Milliseconds until nobody waits any more.
    pub remaining_ms: u32,
    /// Bytes of the whole body.
    pub body_len: u32,
    /// Which call this is.
    pub stamp: Stamp,
    /// W3C trace context; the template has none.
    pub traceparent: &'a str,
}

/// Puts a copy of `template`, a whole head without trace context, behind `out` and makes it the head of one call.
///
/// # Errors
/// `template` is no head, or the copy would be too long; `out` is as it was.
pub fn fill(template: &[u8], fresh: &Fresh<'_>, out: &mut Vec<u8>) -> Result<(), HeadError> {
    let (template, _) = Head::split(template)?;
    let start = out.len();
    out.extend_from_slice(template);
    let flags = u16::from_be_bytes([template[2], template[3]]) | fresh.flags.0;
    out[start + 2..start + 4].copy_from_slice(&flags.to_be_bytes());
    out[start + 12..start + 16].copy_from_slice(&fresh.remaining_ms.to_be_bytes());
    out[start + 16..start + 20].copy_from_slice(&fresh.body_len.to_be_bytes());
    out[start + 20..start + 28].copy_from_slice(&fresh.stamp.start.to_be_bytes());
    out[start + 28..start + 36].copy_from_slice(&fresh.stamp.counter.to_be_bytes());
    push_field(out, tag::TRACEPARENT, fresh.traceparent.as_bytes());
    close(out, start)
}

/// Makes an encoded head the head of the next try of its call; `false` if it is none.
pub fn next_attempt(head: &mut [u8], remaining_ms: u32) -> bool {
    let Some(fixed) = head.first_chunk_mut::<FIXED_LEN>() else { return false };
    fixed[1] = fixed[1].saturating_add(1);
    fixed[12..16].copy_from_slice(&remaining_ms.to_be_bytes());
    true
}

/// The flags and the remaining milliseconds of an encoded head, without reading the rest; `None` if it is none.
pub fn glance(head: &[u8]) -> Option<(Flags, u32)> {
    let fixed = head.first_chunk::<FIXED_LEN>()?;
    Some((Flags(u16::from_be_bytes([fixed[2], fixed[3]])), u32_at(fixed, 12)))
}

/// Lowers the remaining milliseconds of an encoded head that had to wait; does nothing to bytes that are none.
pub fn lower_remaining(head: &mut [u8], remaining_ms: u32) {
    if let Some(fixed) = head.first_chunk_mut::<FIXED_LEN>() {
        let lowered = remaining_ms.min(u32_at(fixed, REMAINING_AT));
        fixed[REMAINING_AT..REMAINING_AT + 4].copy_from_slice(&lowered.to_be_bytes());
    }
}

/// Bytes of a head that differ from call to call: time left, length, stamp.
pub(super) const NUMBERS: Range<usize> = REMAINING_AT..FIXED_LEN;

/// Where the trace context stands in `head`, which is a whole one: nowhere, as an empty range at its end.
///
/// # Errors
/// A field runs off the end.
pub(super) fn trace(head: &[u8]) -> Result<Range<usize>, HeadError> {
    let mut at = FIXED_LEN;
    for field in Fields(head.get(FIXED_LEN..).unwrap_or_default()) {
        let (tag, value) = field?;
        at += 3 + value.len();
        if tag == tag::TRACEPARENT {
            return Ok(at - value.len()..at);
        }
    }
    Ok(head.len()..head.len())
}

/// What a head says that does not differ from call to call, in parts.
///
/// # Errors
/// `head` is not a whole one.
pub fn lasting(head: &[u8]) -> Result<[&[u8]; 3], HeadError> {
    let trace = trace(head)?;
    let short = HeadError::Short { found: head.len(), wanted: FIXED_LEN };
    let fields = head.get(NUMBERS.end..trace.start).ok_or(short)?;
    Ok([&head[..NUMBERS.start], fields, &head[trace.end..]])
}

fn push_field(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    if value.is_empty() {
        return;
    }
    // A value that does not fit its length makes the head too long, which `close` refuses.
    let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.push(tag);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(value);
}

fn close(out: &mut Vec<u8>, start: usize) -> Result<(), HeadError> {
    let len = out.len() - start;
    match u16::try_from(len).ok().filter(|_| len <= MAX_HEAD_LEN) {
        Some(field) => {
            out[start + 8..start + 10].copy_from_slice(&field.to_be_bytes());
            Ok(())
        }
        None => {
            out.truncate(start);
            Err(HeadError::TooLong(len))
        }
    }
}

fn u32_at(fixed: &[u8; FIXED_LEN], at: usize) -> u32 {
    fixed[at..at + 4].iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn u64_at(fixed: &[u8; FIXED_LEN], at: usize) -> u64 {
    fixed[at..at + 8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u8, &'a [u8]), HeadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (&tag, rest) = self.0.split_first()?;
        let Some((len, rest)) = rest.split_first_chunk::<2>() else {
            self.0 = &[];
            return Some(Err(HeadError::Overrun { tag, len: 2 }));
        };
        let len = usize::from(u16::from_be_bytes(*len));
        match rest.split_at_checked(len) {
            Some((value, rest)) => {
                self.0 = rest;
                Some(Ok((tag, value)))
            }
            None => {
                self.0 = &[];
                Some(Err(HeadError::Overrun { tag, len }))
            }
        }
    }
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;
