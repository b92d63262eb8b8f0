//! Packed payloads: a call or an answer of which some bytes stand as they are, and the rest is compressed by itself. It says where what is, and how
//! long it will be; it compresses nothing.
//!
//! ```text
//!   | dictionary (u8) | plain (u8) | length (u32) | plain bytes | the rest, compressed |
//!       |                            `- of the whole payload once it is put together
//!       `- its version; 0x80: with the body of the record's model behind it
//! ```
//!
//! The length stands in front so that a bomb is refused before a byte of it is looked at. The plain bytes are the numbers of a head, which
//! differ from call to call, and of which a sender changes the time left in place.

use thiserror::Error;

use super::model::REMAINING_AT as REMAINING_IN_LIKE;
use super::record::{MAX_PAYLOAD_LEN, RecordType};
use super::reply::REPLY_HEAD_LEN;
use super::{Model, head};

/// Bytes in front of the plain ones.
pub const PACKED_HEAD_LEN: usize = 6;
const BESIDE_MODEL: u8 = 0x80;

/// What is compressed beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// The dictionary alone.
    Dictionary,
    /// The dictionary and, behind it, the body of the record's model.
    Model,
}

/// A packed payload, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed<'a> {
    /// The version of the dictionary, below 128.
    pub dictionary: u8,
    /// What it was compressed beside.
    pub beside: Beside,
    /// Bytes that it has once it is put together, at least those of `plain`.
    pub len: usize,
    /// The first of them.
    pub plain: &'a [u8],
    /// The others, compressed.
    pub rest: &'a [u8],
}

/// A packed payload that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PackedError {
    /// It ends before it has said all.
    #[error("packed record of {0} bytes that says too little of what it packs")]
    Short(usize),
    /// Put together it would be longer than a record can be, or shorter than what stands in it as it is.
    #[error("packed record that says it is {len} bytes long, wanted {plain} to {MAX_PAYLOAD_LEN}")]
    Length {
        /// What it says.
        len: usize,
        /// Bytes that stand as they are.
        plain: usize,
    },
}

impl<'a> Packed<'a> {
    /// Takes a payload apart. Nothing is reserved and nothing is looked at of what is compressed.
    ///
    /// # Errors
    /// [`PackedError`]; whoever sent it lies.
    pub fn decode(payload: &'a [u8]) -> Result<Packed<'a>, PackedError> {
        let short = || PackedError::Short(payload.len());
        let (&[dictionary, plain, l0, l1, l2, l3], rest) =
            payload.split_first_chunk::<PACKED_HEAD_LEN>().ok_or_else(short)?;
        let (plain, rest) = rest.split_at_checked(usize::from(plain)).ok_or_else(short)?;
        let len = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        if len > MAX_PAYLOAD_LEN || len < plain.len() {
            return Err(PackedError::Length { len, plain: plain.len() });
        }
        let beside = if dictionary & BESIDE_MODEL == 0 { Beside::Dictionary } else { Beside::Model };
        Ok(Packed { dictionary: dictionary & !BESIDE_MODEL, beside, len, plain, rest })
    }

    /// What stands in front of `plain_len` plain bytes, of a payload of `len`.
    pub fn head(dictionary: u8, beside: Beside, plain_len: u8, len: usize) -> [u8; PACKED_HEAD_LEN] {
        let [l0, l1, l2, l3] = (len as u32).to_be_bytes();
        let beside = if beside == Beside::Model { BESIDE_MODEL } else { 0 };
        [dictionary & !BESIDE_MODEL | beside, plain_len, l0, l1, l2, l3]
    }

    /// Bytes that a sender leaves as they are at the front of a payload that is said by `model`, or by none.
    pub fn plain_len(kind: RecordType, model: Option<&Model>) -> u8 {
        let len = match (model, kind) {
            (Some(model), _) => model.stem_len(),
            (None, RecordType::Open) => head::NUMBERS.end,
            (None, _) => REPLY_HEAD_LEN,
        };
        u8::try_from(len).unwrap_or(u8::MAX)
    }
}

const _: () = assert!(REMAINING_IN_LIKE + 4 <= head::NUMBERS.end, "a sender finds the time left among the plain bytes");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_what_the_header_says() {
        let head = Packed::head(1, Beside::Model, 2, 0x0304);
        assert_eq!(head, [0x81, 2, 0, 0, 3, 4]);
        let payload = [&head[..], b"abcde"].concat();
        let packed = Packed::decode(&payload).unwrap();
        let wanted = Packed { dictionary: 1, beside: Beside::Model, len: 0x0304, plain: &b"ab"[..], rest: &b"cde"[..] };
        assert_eq!(packed, wanted);
        assert_eq!(Packed::head(127, Beside::Dictionary, 0, 9)[0], 0x7f);
    }

    #[test]
    fn what_is_too_short_or_says_a_length_that_cannot_be_is_refused() {
        for len in 0..PACKED_HEAD_LEN {
            assert_eq!(Packed::decode(&vec![0; len]), Err(PackedError::Short(len)));
        }
        let of = |plain: u8, len| [&Packed::head(1, Beside::Dictionary, plain, len)[..], &[0; 40]].concat();
        assert_eq!(Packed::decode(&of(41, 100)), Err(PackedError::Short(46)));
        assert_eq!(Packed::decode(&of(40, 39)), Err(PackedError::Length { len: 39, plain: 40 }));
        let over = MAX_PAYLOAD_LEN + 1;
        assert_eq!(Packed::decode(&of(40, over)), Err(PackedError::Length { len: over, plain: 40 }));
        assert!(Packed::decode(&of(40, MAX_PAYLOAD_LEN)).is_ok());
    }
}
