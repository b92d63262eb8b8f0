//! The gateway's last word in a handshake, which makes the link: that it goes on, and where.
//!
//! ```text
//!  "go"                                     as both ends told each other before
//!  "go", received (u64), acknowledged (u64) the session had a connection meanwhile: from these counts of records on
//! ```

/// What it begins with.
const GO: &[u8] = b"go";

/// Where both directions of a session go on that had a connection while this one shook hands, in records: what both ends told each other
/// at its beginning is behind by now. It is said when nothing moves on the other connection any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Those that the gateway has.
    pub(crate) received: u64,
    /// Those that it knows the hub to have: the next that it sends is the one behind.
    pub(crate) acknowledged: u64,
}

impl Moved {
    /// The gateway's last word: `go`, and behind it the two numbers, big-endian, where the session moves.
    pub(crate) fn last_word(moved: Option<Moved>) -> Vec<u8> {
        let mut word = GO.to_vec();
        if let Some(Moved { received, acknowledged }) = moved {
            word.extend_from_slice(&received.to_be_bytes());
            word.extend_from_slice(&acknowledged.to_be_bytes());
        }
        word
    }

    /// Reads it; `None` if it is another.
    pub(crate) fn read(word: &[u8]) -> Option<Option<Moved>> {
        let numbers = word.strip_prefix(GO)?;
        if numbers.is_empty() {
            return Some(None);
        }
        let (received, rest) = numbers.split_first_chunk()?;
        let acknowledged = rest.try_into().ok()?;
        Some(Some(Moved { received: u64::from_be_bytes(*received), acknowledged: u64::from_be_bytes(acknowledged) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_and_nothing_else_goes() {
        let moved = Some(Moved { received: 7, acknowledged: 1 << 40 });
        for said in [None, moved] {
            assert_eq!(Moved::read(&Moved::last_word(said)), Some(said));
        }
        let whole = Moved::last_word(moved);
        for cut in 0..whole.len() {
            assert_eq!(Moved::read(&whole[..cut]).is_some(), cut == GO.len(), "{cut}");
        }
        assert_eq!(Moved::read(&[&whole[..], b"x"].concat()), None);
    }
}
