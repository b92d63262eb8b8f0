//! The Dubbo frames of a measurement: the question a 2.7 consumer sends ([`Question`], [`Varied`]) and the answer a 2.7 provider gives
//! ([`append_answer`]).
//!
//!  byte  0    1    2      3       4 .. 11        12 .. 15
//!      | da | bb | flag | status | id (i64, BE) | len (u32) | body
//!
//! Written by hand and not by `wire`, so that the programs under test are judged by frames which are not their own; the tests
//! parse them with `wire`. Never allocates once a buffer has grown. No panic on any input.
//! Source: frames of Dubbo 2.7.23 (`wire/tests/golden`).

mod answer;
pub mod business;
mod calls;
mod question;
mod text;
mod varied;

pub use answer::append_answer;
pub use calls::Calls;
pub use question::{Around, MIN_ARGUMENT_LEN, Question, text_of};
pub use text::MAX_LEN as MAX_ARGUMENT_LEN;
pub use varied::{Chance, Payload, Varied};

/// Length of the header in front of every frame.
pub const HEADER_LEN: usize = 16;
/// Longest body that is believed; a peer that announces more is broken.
const MAX_BODY_LEN: usize = 16 * 1024 * 1024;

const REQUEST: u8 = 0x80;
const TWO_WAY: u8 = 0x40;
const EVENT: u8 = 0x20;
const HESSIAN2: u8 = 2;
/// What begins the body of an answer: a value, with attachments behind it.
const VALUE_BESIDE: u8 = 0x94;
const OK: u8 = 20;
const BAD_REQUEST: u8 = 40;

/// One whole frame, borrowed from the read buffer.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Byte 2: request, two-way, event, serialization.
    pub flags: u8,
    /// Byte 3: meaningful on responses only.
    pub status: u8,
    /// Bytes 4..12, as they are.
    pub id: u64,
    /// What follows the header.
    pub body: &'a [u8],
}

impl Frame<'_> {
    /// Bytes that the frame takes on the wire.
    pub fn total_len(&self) -> usize {
        HEADER_LEN + self.body.len()
    }

    /// Whether this answers a call (and is no heartbeat).
    pub fn is_answer(&self) -> bool {
        self.flags & (REQUEST | EVENT) == 0
    }
}

/// Why bytes are no frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The first two bytes.
    Magic(u8, u8),
    /// The announced length.
    Length(usize),
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Magic(a, b) => write!(f, "found {a:02x}{b:02x} where a frame starts, wanted dabb"),
            Self::Length(len) => write!(f, "frame body of {len} bytes is over the limit of {MAX_BODY_LEN} bytes"),
        }
    }
}

impl std::error::Error for Malformed {}

/// The first whole frame of `bytes`; `None` while it has not arrived whole.
///
/// # Errors
/// Wrong magic, or a length beyond reason: the connection is of no use any more.
pub fn first_frame(bytes: &[u8]) -> Result<Option<Frame<'_>>, Malformed> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_LEN>() else { return Ok(None) };
    let [m0, m1, flags, status, i0, i1, i2, i3, i4, i5, i6, i7, l0, l1, l2, l3] = *header;
    if (m0, m1) != (0xda, 0xbb) {
        return Err(Malformed::Magic(m0, m1));
    }
    let body_len = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    if body_len > MAX_BODY_LEN {
        return Err(Malformed::Length(body_len));
    }
    let Some(body) = rest.get(..body_len) else { return Ok(None) };
    Ok(Some(Frame { flags, status, id: u64::from_be_bytes([i0, i1, i2, i3, i4, i5, i6, i7]), body }))
}

fn header(flags: u8, status: u8, id: u64) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..4].copy_from_slice(&[0xda, 0xbb, flags, status]);
    header[4..12].copy_from_slice(&id.to_be_bytes());
    header
}

/// Writes the length of the frame that starts at `start` and ends where `out` ends.
fn close_frame(out: &mut [u8], start: usize) {
    let body_len = (out.len() - start - HEADER_LEN) as u32;
    out[start + 12..start + 16].copy_from_slice(&body_len.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::dubbo::frame::{Header, Serialization, Status};

    pub fn question() -> Question {
        Question::new("highway.bench.Echo", "echo", 300)
    }

    pub fn call(id: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        question().append(id, &mut bytes);
        bytes
    }

    pub fn answer_to(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        append_answer(&first_frame(bytes).unwrap().unwrap(), &mut out);
        out
    }

    #[test]
    fn the_header_says_what_wire_reads() {
        let bytes = call(u64::MAX - 1);
        let header = Header::decode(&bytes).unwrap().unwrap();
        assert_eq!(header, Header::request(Serialization::HESSIAN2, -2, (bytes.len() - HEADER_LEN) as u32));
        let answer = answer_to(&bytes);
        let header = Header::decode(&answer).unwrap().unwrap();
        assert_eq!(header, Header::reply(Serialization::HESSIAN2, Status::OK, -2, (answer.len() - HEADER_LEN) as u32));
    }

    #[test]
    fn a_frame_is_taken_whole_or_not_at_all() {
        let bytes = call(5);
        for cut in 0..bytes.len() {
            assert!(first_frame(&bytes[..cut]).unwrap().is_none(), "{cut} bytes");
        }
        assert_eq!(first_frame(&bytes).unwrap().unwrap().total_len(), bytes.len());
    }

    #[test]
    fn a_broken_peer_is_named() {
        assert_eq!(first_frame(&[0; 16]).err(), Some(Malformed::Magic(0, 0)));
        let mut endless = header(HESSIAN2, OK, 1);
        endless[12] = 0x7f;
        assert_eq!(first_frame(&endless).err(), Some(Malformed::Length(0x7f00_0000)));
    }
}
