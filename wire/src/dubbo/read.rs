//! What both readers share: how reading fails, and the list of levels that replaces recursion.
//!
//! It never holds bytes.

use std::ops::Range;

use thiserror::Error;

/// The deepest nesting of lists, maps and objects that is stepped through. Java's own readers recurse and overflow their
/// stack at a few thousand levels; deeper input is refused.
pub const MAX_DEPTH: usize = 4096;

/// Why bytes are no value of their serialization. Offsets are into the slice that was given to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReadError {
    /// The bytes end inside a value.
    #[error("the bytes end at offset {at}, wanted {wanted}")]
    Ended {
        /// Where.
        at: usize,
        /// What should have followed.
        wanted: &'static str,
    },
    /// A byte that cannot stand there.
    #[error("found byte {found:#04x} at offset {at}, wanted {wanted}")]
    Unexpected {
        /// Where.
        at: usize,
        /// The byte.
        found: u8,
        /// What could stand there.
        wanted: &'static str,
    },
    /// A number that cannot stand there: a count above the bytes that are left, an index of nothing.
    #[error("found the number {found} at offset {at}, wanted {wanted}")]
    Number {
        /// Where.
        at: usize,
        /// The number.
        found: i64,
        /// What could stand there.
        wanted: &'static str,
    },
    /// Text that is not UTF-8, UTF-16 or CESU-8 as a writer of Dubbo makes it.
    #[error("the text at offset {at} is not well-formed")]
    Text {
        /// Where the text begins.
        at: usize,
    },
    /// More levels than [`MAX_DEPTH`].
    #[error("values at offset {at} are nested deeper than {MAX_DEPTH} levels")]
    TooDeep {
        /// Where.
        at: usize,
    },
    /// More values than a decoder keeps.
    #[error("there are more than {limit} values at offset {at}")]
    TooMany {
        /// Where.
        at: usize,
        /// How many are kept at most.
        limit: usize,
    },
}

/// Numbers that mostly stay few: the first eight live on the thread's stack, the others in a `Vec`.
#[derive(Debug, Clone, Default)]
pub(super) struct Few {
    first: [u32; 8],
    len: usize,
    rest: Vec<u32>,
}

impl Few {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push(&mut self, number: u32) {
        match self.first.get_mut(self.len) {
            Some(place) => *place = number,
            None => self.rest.push(number),
        }
        self.len += 1;
    }

    pub(super) fn pop(&mut self) {
        if self.len > self.first.len() {
            self.rest.pop();
        }
        self.len = self.len.saturating_sub(1);
    }

    pub(super) fn get(&self, index: usize) -> Option<u32> {
        if index >= self.len {
            return None;
        }
        match self.first.get(index) {
            Some(number) => Some(*number),
            None => self.rest.get(index - self.first.len()).copied(),
        }
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut u32> {
        let last = self.len.checked_sub(1)?;
        match last.checked_sub(self.first.len()) {
            None => self.first.get_mut(last),
            Some(in_rest) => self.rest.get_mut(in_rest),
        }
    }
}

/// Bytes that are looked at ahead: the leading fields or the attachments of an ordinary call.
const WINDOW_LEN: usize = 256;

/// A stretch of ASCII that was checked once, so that the short texts in it need not be checked one by one. Lengths and
/// tags between them are mostly ASCII too.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Window<'a> {
    /// The text at `range` of `bytes`, if it is ASCII.
    #[inline]
    pub(super) fn get(&mut self, bytes: &'a [u8], range: Range<usize>) -> Option<&'a str> {
        if let Some(text) = self.inside(&range) {
            return Some(text);
        }
        self.look_ahead(bytes, range.start);
        self.inside(&range)
    }

    /// Where it ends, if it reaches back to `start`.
    pub(super) fn end_from(&self, start: usize) -> Option<usize> {
        (self.at <= start).then(|| self.at + self.text.len()).filter(|end| *end >= start)
    }

    #[inline]
    fn inside(&self, range: &Range<usize>) -> Option<&'a str> {
        self.text.get(range.start.checked_sub(self.at)?..range.end.checked_sub(self.at)?)
    }

    #[inline(never)]
    fn look_ahead(&mut self, bytes: &'a [u8], at: usize) {
        let ahead = bytes.get(at..).unwrap_or_default();
        let ahead = &ahead[..ahead.len().min(WINDOW_LEN)];
        if let Ok(text) = str::from_utf8(&ahead[..ascii_len(ahead)]) {
            *self = Self { text, at };
        }
    }
}

/// The number of bytes at the front of `bytes` that are ASCII.
pub(super) fn ascii_len(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<32>();
    let plain = blocks.iter().take_while(|block| block.iter().fold(0, |all, byte| all | byte) < 0x80).count();
    let mut len = plain * 32;
    let (words, _) = bytes[len..].as_chunks::<8>();
    for word in words {
        let high = u64::from_le_bytes(*word) & 0x8080_8080_8080_8080;
        if high != 0 {
            return len + (high.trailing_zeros() / 8) as usize;
        }
        len += 8;
    }
    len + bytes[len..].iter().take_while(|byte| byte.is_ascii()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_numbers_come_back_in_order_beyond_the_first_eight() {
        let mut few = Few::default();
        for n in 0..40 {
            few.push(n);
        }
        assert_eq!((0..40).map(|i| few.get(i).unwrap()).collect::<Vec<_>>(), (0..40).collect::<Vec<_>>());
        assert_eq!(few.get(40), None);
        for n in (0..40).rev() {
            assert_eq!(few.last_mut().copied(), Some(n));
            few.pop();
        }
        assert_eq!((few.len(), few.last_mut()), (0, None));
        few.pop();
        assert_eq!(few.len(), 0);
    }

    #[test]
    fn the_ascii_part_is_measured_wherever_it_ends() {
        for len in 0..140 {
            let mut bytes = vec![b'a'; len];
            assert_eq!(ascii_len(&bytes), len);
            bytes.extend([0xc3, 0xa9, b'z', b'z', b'z', b'z', b'z', b'z', b'z', b'z']);
            assert_eq!(ascii_len(&bytes), len);
        }
    }
}
