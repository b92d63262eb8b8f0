//! The few numbers in front of an answer. It never says anything of the answer's content.
//!
//! ```text
//!  byte  0 .. 1          2 .. 3     4 .. 7            8 .. 11
//!      | length (u16)   | 0        | body_len (u32)  | provider_us (u32) |  further fields, skipped
//!           `- of this head, 12 or more
//! ```

use thiserror::Error;

/// Bytes of a reply head of this version.
pub const REPLY_HEAD_LEN: usize = 12;

/// What stands in front of the first piece of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyHead {
    /// Bytes of the whole answer.
    pub body_len: u32,
    /// Microseconds the provider took, as the ingress gateway saw it.
    pub provider_us: u32,
}

/// A reply record without a readable head.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("reply head of {0} bytes, wanted at least {REPLY_HEAD_LEN} within the record")]
pub struct ReplyHeadError(usize);

impl ReplyHead {
    /// Reads the head; also returns what follows it.
    ///
    /// # Errors
    /// The record is shorter than its head says, or than a head can be.
    pub fn decode(payload: &[u8]) -> Result<(ReplyHead, &[u8]), ReplyHeadError> {
        let Some(head) = payload.first_chunk::<REPLY_HEAD_LEN>() else { return Err(ReplyHeadError(payload.len())) };
        let [l0, l1, _, _, b0, b1, b2, b3, p0, p1, p2, p3] = *head;
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        if len < REPLY_HEAD_LEN {
            return Err(ReplyHeadError(len));
        }
        let piece = payload.get(len..).ok_or(ReplyHeadError(len))?;
        let body_len = u32::from_be_bytes([b0, b1, b2, b3]);
        Ok((ReplyHead { body_len, provider_us: u32::from_be_bytes([p0, p1, p2, p3]) }, piece))
    }

    /// The bytes of the head.
    pub fn encode(self) -> [u8; REPLY_HEAD_LEN] {
        let mut out = [0; REPLY_HEAD_LEN];
        out[1] = REPLY_HEAD_LEN as u8;
        out[4..8].copy_from_slice(&self.body_len.to_be_bytes());
        out[8..12].copy_from_slice(&self.provider_us.to_be_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_piece_follows_the_head_and_fields_from_the_future_are_skipped() {
        let head = ReplyHead { body_len: 3, provider_us: 70_000 };
        let mut bytes = head.encode().to_vec();
        assert_eq!(bytes, [0, 12, 0, 0, 0, 0, 0, 3, 0, 1, 0x11, 0x70]);
        bytes.extend_from_slice(b"abc");
        assert_eq!(ReplyHead::decode(&bytes), Ok((head, &b"abc"[..])));
        bytes[1] = 13;
        assert_eq!(ReplyHead::decode(&bytes), Ok((head, &b"bc"[..])));
    }

    #[test]
    fn a_head_that_runs_off_the_record_is_refused() {
        let bytes = ReplyHead { body_len: 0, provider_us: 0 }.encode();
        for len in 0..12 {
            assert_eq!(ReplyHead::decode(&bytes[..len]), Err(ReplyHeadError(len)));
        }
        for (lie, found) in [(11, 11), (13, 13)] {
            let mut bytes = bytes;
            bytes[1] = lie;
            assert_eq!(ReplyHead::decode(&bytes), Err(ReplyHeadError(found)));
        }
    }
}
