//! What stands in front of the bytes in a request and in an answer. All numbers are big-endian.
//!
//! ```text
//!  request  0 .. 3   4      5     6 .. 7       8 .. 11  12 .. 27  28 .. 35             36 .. 43
//!           f8b0d701 flags  lane  longest wait number   stream    place of the bytes   bytes of the stream down      bytes …
//!                    |            in ms        in lane                                 that have come
//!                    1 wait for bytes down · 2 the answer before this, in this lane, has not come · 4 no byte will follow these
//!
//!  answer   0 .. 3   4       5 .. 7        8 .. 15                           16 .. 23
//!           f8b0d701 verdict bytes (u24)   bytes of the stream up that       place of the bytes                          bytes …
//!                                          have come
//! ```
//!
//! Who polls asks for one answer at a time in each of his lanes, with a number that grows: a request that a box repeats is known by it, and
//! gets the same bytes. The first four bytes spell the layout and its version, and no text: an answer without them is not a hub's. Pure and total.

use std::time::Duration;

/// See the module's picture.
const MARK: [u8; 4] = [0xf8, 0xb0, 0xd7, 1];
/// Bytes in front of a request's.
pub(super) const ASK_LEN: usize = 44;
/// Bytes in front of an answer's.
pub(super) const TOLD_LEN: usize = 24;

const POLL: u8 = 1;
const AGAIN: u8 = 2;
const ENDS: u8 = 4;

/// The name of a stream: random, drawn by who opens it.
pub(super) type StreamId = [u8; 16];

/// A lane of polls, and the number of one in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Turn {
    pub(super) lane: u8,
    pub(super) number: u32,
}

/// What a request says beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Ask {
    pub(super) stream: StreamId,
    /// Whether it wants bytes down, and waits for them.
    pub(super) polls: bool,
    /// Where it stands among those that poll.
    pub(super) turn: Turn,
    /// Whether the answer before this one in its lane was lost.
    pub(super) again: bool,
    /// Whether no byte up follows these.
    pub(super) ends: bool,
    /// The longest wait.
    pub(super) wait: Duration,
    /// Place of its first byte in the stream up.
    pub(super) up: u64,
    /// Bytes of the stream down that have come.
    pub(super) have: u64,
}

/// How a request was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Verdict {
    Taken = 0,
    /// There was no room for its bytes: send them again.
    Full = 1,
    /// There is no such stream.
    Unknown = 2,
    /// The hub has ended the stream.
    Ended = 3,
}

/// What an answer says beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) verdict: Verdict,
    /// Bytes of the stream up that have come, in order.
    pub(super) has: u64,
    /// Place of its first byte in the stream down.
    pub(super) down: u64,
    /// Bytes behind.
    pub(super) len: usize,
}

impl Ask {
    /// The front of a body.
    pub(super) fn encode(&self) -> [u8; ASK_LEN] {
        let mut out = [0; ASK_LEN];
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        out[..4].copy_from_slice(&MARK);
        out[4] = flag(self.polls, POLL) | flag(self.again, AGAIN) | flag(self.ends, ENDS);
        let wait = u16::try_from(self.wait.as_millis()).unwrap_or(u16::MAX);
        out[5] = self.turn.lane;
        out[6..8].copy_from_slice(&wait.to_be_bytes());
        out[8..12].copy_from_slice(&self.turn.number.to_be_bytes());
        out[12..28].copy_from_slice(&self.stream);
        out[28..36].copy_from_slice(&self.up.to_be_bytes());
        out[36..].copy_from_slice(&self.have.to_be_bytes());
        out
    }

    /// Reads the front of a body; `None` if it is not one of ours.
    pub(super) fn decode(front: &[u8; ASK_LEN]) -> Option<Ask> {
        let rest = front.strip_prefix(&MARK)?;
        let (&[flags, lane, wait_high, wait_low], rest) = rest.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (stream, rest) = rest.split_first_chunk()?;
        let (up, have) = rest.split_first_chunk()?;
        Some(Ask {
            stream: *stream,
            polls: flags & POLL != 0,
            turn: Turn { lane, number: u32::from_be_bytes(*number) },
            again: flags & AGAIN != 0,
            ends: flags & ENDS != 0,
            wait: Duration::from_millis(u16::from_be_bytes([wait_high, wait_low]).into()),
            up: u64::from_be_bytes(*up),
            have: u64::from_be_bytes(*have.first_chunk()?),
        })
    }
}

impl Told {
    /// The front of a body.
    pub(super) fn encode(&self) -> [u8; TOLD_LEN] {
        let mut out = [0; TOLD_LEN];
        out[..4].copy_from_slice(&MARK);
        let [_, len @ ..] = u32::try_from(self.len).unwrap_or(u32::MAX).to_be_bytes();
        out[4] = self.verdict as u8;
        out[5..8].copy_from_slice(&len);
        out[8..16].copy_from_slice(&self.has.to_be_bytes());
        out[16..].copy_from_slice(&self.down.to_be_bytes());
        out
    }

    /// Reads the front of a body; `None` if it is not one of ours.
    pub(super) fn decode(front: &[u8; TOLD_LEN]) -> Option<Told> {
        let rest = front.strip_prefix(&MARK)?;
        let (&[verdict, high, middle, low], rest) = rest.split_first_chunk::<4>()?;
        let (has, down) = rest.split_first_chunk()?;
        let verdict = match verdict {
            0 => Verdict::Taken,
            1 => Verdict::Full,
            2 => Verdict::Unknown,
            3 => Verdict::Ended,
            _ => return None,
        };
        Some(Told {
            verdict,
            has: u64::from_be_bytes(*has),
            down: u64::from_be_bytes(*down.first_chunk()?),
            len: u32::from_be_bytes([0, high, middle, low]) as usize,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_pages_of_others_are_not() {
        let wait = Duration::from_millis(2500);
        let turn = Turn { lane: 2, number: 70_000 };
        let stream = *b"sixteen of these";
        let ask = Ask { stream, polls: true, turn, again: false, ends: true, wait, up: 7, have: 1 << 40 };
        assert_eq!(Ask::decode(&ask.encode()), Some(ask));
        let again = Ask { polls: false, again: true, ends: false, ..ask };
        assert_eq!(Ask::decode(&again.encode()), Some(again));
        for verdict in [Verdict::Taken, Verdict::Full, Verdict::Unknown, Verdict::Ended] {
            let told = Told { verdict, has: 1 << 50, down: 3, len: 70_000 };
            assert_eq!(Told::decode(&told.encode()), Some(told));
        }
        assert_eq!(Told::decode(b"<!DOCTYPE html><html><he"), None);
        let mut newer = ask.encode();
        newer[3] = 2;
        assert_eq!(Ask::decode(&newer), None);
        let told = Told { verdict: Verdict::Taken, has: 0, down: 0, len: 0 };
        let mut odd = told.encode();
        odd[4] = 4;
        assert_eq!(Told::decode(&odd), None);
    }
}
