//! Records: what a link carries once both ends know each other. It never looks into a payload.
//!
//! ```text
//!  byte  0     1      2 .. 3        4 .. 7         8 .. 15
//!      | type | flags | model (u16) | length (u32) | exchange (u64) | payload: length bytes
//!                |       `- 0 without MODEL or LIKE   `- 0: the session itself; else lowest bit = who opened it
//!                |- 0x01 END, 0x02 OPTIONAL: a reader that does not know the type skips it
//!                `- of open and reply, where both ends know the feature: 0x04 MODEL, the payload is kept as this model;
//!                   0x08 LIKE, the payload says how it differs from this model (`model.rs`); 0x10 PACKED, beside either or
//!                   alone: what the payload says is compressed (`packed.rs`)
//!
//!  open       head, first piece of the body         data      a further piece, either direction
//!  reply      reply head, first piece of the answer failure   how the exchange ended
//!  cancel     nothing                               credit    bytes (u32) that may be sent again
//!  ack        records received (u64)                ping/pong stamp (u64), padding (as long in the pong)
//!  catalogue  JSON                                  notice    JSON
//!  go-away    scope (u8), received (u64), sentence  accepted, inquire: reserved for exactly-once
//! ```
//!
//! All but ack, ping and pong are numbered, from 1, by their place in their direction of the session: they belong to the
//! session and are sent again on a new connection. Those three belong to the connection.

use thiserror::Error;

use super::model::MODELS;

/// Bytes in front of every payload.
pub const HEADER_LEN: usize = 16;
/// The most body bytes in one record; a longer body goes in several, so that small calls pass between them.
pub const SEGMENT_LEN: usize = 64 * 1024;
/// The longest payload: a segment and the longest head. A longer one ends the link.
pub const MAX_PAYLOAD_LEN: usize = SEGMENT_LEN + super::head::MAX_HEAD_LEN;

const END: u8 = 0x01;
const OPTIONAL: u8 = 0x02;
const MODEL: u8 = 0x04;
const LIKE: u8 = 0x08;
const PACKED: u8 = 0x10;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordType {
    /// Begins an exchange.
    Open = 1,
    /// Goes on with a body.
    Data = 2,
    /// Begins the answer.
    Reply = 3,
    /// Ends an exchange without an answer.
    Failure = 4,
    /// The opener has lost interest.
    Cancel = 5,
    /// Bytes were taken.
    Credit = 6,
    /// Records were received.
    Ack = 7,
    /// Asks for a pong.
    Ping = 8,
    /// Answers a ping.
    Pong = 9,
    /// What an island offers.
    Catalogue = 10,
    /// Anything else worth saying.
    Notice = 11,
    /// No new exchanges, or the end.
    GoAway = 12,
    /// Reserved for exactly-once.
    Accepted = 13,
    /// Reserved for exactly-once.
    Inquire = 14,
}

impl RecordType {
    fn from_byte(byte: u8) -> Option<RecordType> {
        Some(match byte {
            1 => RecordType::Open,
            2 => RecordType::Data,
            3 => RecordType::Reply,
            4 => RecordType::Failure,
            5 => RecordType::Cancel,
            6 => RecordType::Credit,
            7 => RecordType::Ack,
            8 => RecordType::Ping,
            9 => RecordType::Pong,
            10 => RecordType::Catalogue,
            11 => RecordType::Notice,
            12 => RecordType::GoAway,
            13 => RecordType::Accepted,
            14 => RecordType::Inquire,
            _ => return None,
        })
    }

    /// Whether records of this type have a number in the session.
    pub fn is_numbered(self) -> bool {
        !matches!(self, RecordType::Ack | RecordType::Ping | RecordType::Pong)
    }
}

/// Whether more of a body follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// This was the last piece.
    Yes,
    /// More pieces follow.
    No,
}

/// How a record's payload is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// As it is.
    Whole,
    /// As it is, and whoever reads it keeps it as the model of this number.
    AsModel(u16),
    /// By how it differs from the model of this number.
    Like(u16),
}

/// One record, a view into the bytes it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it is.
    pub kind: RecordType,
    /// Whether it ends its direction of the exchange.
    pub end: End,
    /// Whether a reader that cannot use it may ignore it.
    pub optional: bool,
    /// How its payload is said.
    pub said: Said,
    /// Whether that is compressed.
    pub packed: bool,
    /// The exchange; 0 is the session.
    pub exchange: u64,
    /// What it carries.
    pub payload: &'a [u8],
}

/// What stands at the front of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// A record and its whole length.
    Record(Record<'a>, usize),
    /// A record of a type from the future that may be ignored, and its whole length. It is numbered.
    Skipped(usize),
    /// Not all of it is here yet; its whole length, or 0 if not even the header is here.
    Incomplete(usize),
}

/// Bytes that are no record. The link cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecordError {
    /// A type this version does not know, without permission to skip it.
    #[error("record of unknown type {0}, which is not marked as optional")]
    UnknownType(u8),
    /// A payload over the limit.
    #[error("record payload of {0} bytes is over the limit of {MAX_PAYLOAD_LEN} bytes")]
    TooLong(usize),
    /// Flags that do not exist or do not go together, or a model that they say nothing of.
    #[error(
        "record with flags {flags:#04x} and model {model:#06x}, wanted known flags, and a model below {MODELS} with one of its two flags alone"
    )]
    Flags {
        /// The flags byte.
        flags: u8,
        /// The model.
        model: u16,
    },
}

impl<'a> Record<'a> {
    /// Reads the record at the front of `bytes`. The limit is checked on the header, before the payload has arrived.
    ///
    /// # Errors
    /// [`RecordError`]; nothing behind such bytes can be trusted.
    pub fn decode(bytes: &'a [u8]) -> Result<Decoded<'a>, RecordError> {
        let Some((header, rest)) = bytes.split_first_chunk::<HEADER_LEN>() else { return Ok(Decoded::Incomplete(0)) };
        let [kind, flags, m0, m1, l0, l1, l2, l3, e0, e1, e2, e3, e4, e5, e6, e7] = *header;
        let model = u16::from_be_bytes([m0, m1]);
        let said = said(kind, flags, model).ok_or(RecordError::Flags { flags, model })?;
        let len = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        if len > MAX_PAYLOAD_LEN {
            return Err(RecordError::TooLong(len));
        }
        let (optional, packed) = (flags & OPTIONAL != 0, flags & PACKED != 0);
        let known = RecordType::from_byte(kind);
        if known.is_none() && !optional {
            return Err(RecordError::UnknownType(kind));
        }
        let Some(payload) = rest.get(..len) else { return Ok(Decoded::Incomplete(HEADER_LEN + len)) };
        let Some(kind) = known else { return Ok(Decoded::Skipped(HEADER_LEN + len)) };
        let end = if flags & END != 0 { End::Yes } else { End::No };
        let exchange = u64::from_be_bytes([e0, e1, e2, e3, e4, e5, e6, e7]);
        Ok(Decoded::Record(Record { kind, end, optional, said, packed, exchange, payload }, HEADER_LEN + len))
    }
}

fn said(kind: u8, flags: u8, model: u16) -> Option<Said> {
    if flags & !(END | OPTIONAL) == 0 {
        return (model == 0).then_some(Said::Whole);
    }
    let may_have_one = kind == RecordType::Open as u8 || kind == RecordType::Reply as u8;
    if !may_have_one || usize::from(model) >= MODELS {
        return None;
    }
    match flags & !(END | OPTIONAL | PACKED) {
        0 if model == 0 => Some(Said::Whole),
        MODEL => Some(Said::AsModel(model)),
        LIKE => Some(Said::Like(model)),
        _ => None,
    }
}

/// Makes the encoded record in `bytes`, whose payload is whole or was changed by [`super::Model::shorten`], say so. Its length is
/// that of `bytes`. Does nothing to bytes that hold no header.
pub fn mark(bytes: &mut [u8], said: Said) {
    let len = bytes.len().saturating_sub(HEADER_LEN) as u32;
    let Some(header) = bytes.first_chunk_mut::<HEADER_LEN>() else { return };
    let (flag, model) = match said {
        Said::Whole => (0, 0),
        Said::AsModel(model) => (MODEL, model),
        Said::Like(model) => (LIKE, model),
    };
    header[1] = header[1] & !(MODEL | LIKE) | flag;
    header[2..4].copy_from_slice(&model.to_be_bytes());
    header[4..8].copy_from_slice(&len.to_be_bytes());
}

/// Makes the encoded record in `bytes`, whose payload was put into [`super::Packed::head`] and what follows it, say so. Its length is that of
/// `bytes`. Does nothing to bytes that hold no header.
pub fn mark_packed(bytes: &mut [u8]) {
    let len = bytes.len().saturating_sub(HEADER_LEN) as u32;
    let Some(header) = bytes.first_chunk_mut::<HEADER_LEN>() else { return };
    header[1] |= PACKED;
    header[4..8].copy_from_slice(&len.to_be_bytes());
}

/// Puts a record behind `out`; its payload is `parts` one after another. Returns its whole length.
/// The caller keeps the payload within [`MAX_PAYLOAD_LEN`].
pub fn push(out: &mut Vec<u8>, kind: RecordType, end: End, exchange: u64, parts: &[&[u8]]) -> usize {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    debug_assert!(len <= MAX_PAYLOAD_LEN, "payload of {len} bytes");
    let mut header = [0; HEADER_LEN];
    header[0] = kind as u8;
    header[1] = if end == End::Yes { END } else { 0 };
    header[4..8].copy_from_slice(&(len as u32).to_be_bytes());
    header[8..16].copy_from_slice(&exchange.to_be_bytes());
    out.reserve(HEADER_LEN + len);
    out.extend_from_slice(&header);
    for part in parts {
        out.extend_from_slice(part);
    }
    HEADER_LEN + len
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(bytes: &[u8]) -> (Record<'_>, usize) {
        match Record::decode(bytes).unwrap() {
            Decoded::Record(record, used) => (record, used),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_layout_is_what_the_header_says() {
        let mut out = Vec::new();
        push(&mut out, RecordType::Data, End::Yes, 0x0102030405060709, &[b"ab", b"c"]);
        assert_eq!(out, [2, 1, 0, 0, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 9, b'a', b'b', b'c']);
        let (record, used) = one(&out);
        assert_eq!(used, 19);
        assert_eq!((record.kind, record.end, record.payload), (RecordType::Data, End::Yes, &b"abc"[..]));
    }

    #[test]
    fn what_has_not_arrived_yet_is_no_error() {
        let mut out = Vec::new();
        push(&mut out, RecordType::Open, End::No, 3, &[&[7; 100]]);
        for len in 0..16 {
            assert_eq!(Record::decode(&out[..len]).unwrap(), Decoded::Incomplete(0));
        }
        for len in 16..116 {
            assert_eq!(Record::decode(&out[..len]).unwrap(), Decoded::Incomplete(116));
        }
        assert_eq!(one(&out).1, 116);
    }

    #[test]
    fn a_record_from_the_future_is_skipped_only_if_it_may_be() {
        let mut out = Vec::new();
        push(&mut out, RecordType::Notice, End::No, 0, &[b"hello"]);
        out[0] = 200;
        assert_eq!(Record::decode(&out), Err(RecordError::UnknownType(200)));
        out[1] = OPTIONAL;
        assert_eq!(Record::decode(&out).unwrap(), Decoded::Skipped(21));
    }

    #[test]
    fn a_length_beyond_reason_is_refused_on_the_header_alone() {
        let mut out = Vec::new();
        push(&mut out, RecordType::Data, End::No, 1, &[]);
        out[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(Record::decode(&out), Err(RecordError::TooLong(u32::MAX as usize)));
    }

    #[test]
    fn reserved_bits_in_use_are_refused() {
        let mut out = Vec::new();
        push(&mut out, RecordType::Data, End::No, 1, &[]);
        out[1] = 0x20;
        assert!(matches!(Record::decode(&out), Err(RecordError::Flags { flags: 0x20, .. })));
        out[1] = 0;
        out[3] = 1;
        assert!(matches!(Record::decode(&out), Err(RecordError::Flags { model: 1, .. })));
    }

    #[test]
    fn calls_and_answers_alone_are_packed_beside_a_model_or_without() {
        for said in [Said::Whole, Said::AsModel(7), Said::Like(7)] {
            for kind in [RecordType::Open, RecordType::Reply, RecordType::Data, RecordType::Notice] {
                let mut out = Vec::new();
                push(&mut out, kind, End::Yes, 2, &[b"payload"]);
                if kind == RecordType::Open || kind == RecordType::Reply {
                    mark(&mut out, said);
                    assert!(!one(&out).0.packed);
                    out.push(1);
                    mark_packed(&mut out);
                    let record = one(&out).0;
                    assert_eq!((record.said, record.packed, record.payload), (said, true, &b"payload\x01"[..]));
                    assert_eq!((record.end, record.exchange), (End::Yes, 2));
                } else {
                    mark_packed(&mut out);
                    assert_eq!(Record::decode(&out), Err(RecordError::Flags { flags: 0x11, model: 0 }));
                }
            }
        }
        let mut stray = Vec::new();
        push(&mut stray, RecordType::Open, End::No, 2, &[]);
        mark_packed(&mut stray);
        stray[3] = 1;
        assert!(Record::decode(&stray).is_err(), "a model that nothing is said of");
    }

    #[test]
    fn a_model_is_one_that_can_be_and_of_a_call_or_an_answer() {
        let marked = |kind, said| {
            let mut out = Vec::new();
            push(&mut out, kind, End::Yes, 2, &[b"payload"]);
            mark(&mut out, said);
            Record::decode(&out).map(|_| one(&out).0.said)
        };
        for said in [Said::Whole, Said::AsModel(0), Said::Like(0), Said::AsModel(127), Said::Like(127)] {
            assert_eq!(marked(RecordType::Open, said), Ok(said));
            assert_eq!(marked(RecordType::Reply, said), Ok(said));
            assert_eq!(marked(RecordType::Data, said).is_ok(), said == Said::Whole);
        }
        assert_eq!(marked(RecordType::Open, Said::Like(128)), Err(RecordError::Flags { flags: 0x09, model: 128 }));
        let mut both = Vec::new();
        push(&mut both, RecordType::Open, End::No, 2, &[]);
        both[1] = MODEL | LIKE;
        assert!(matches!(Record::decode(&both), Err(RecordError::Flags { .. })));
    }
}
