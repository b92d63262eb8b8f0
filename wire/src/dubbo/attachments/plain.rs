//! Entries of a hessian2 map as almost all are, without the general way of reading: by their lengths alone.
//!
//! It never takes what is not ASCII, and stops before the first entry that is anything else than two such texts.

use std::ops::Range;

use super::super::read::ascii_len;

/// Entries of which key and value are ASCII of less than a thousand characters, as almost all are: one look for each length, and one over
/// the map for all of their characters.
pub(super) struct Plain<'a> {
    body: &'a [u8],
    /// Before here, and behind the last entry, everything is ASCII.
    ascii_end: usize,
    end: usize,
}

impl<'a> Plain<'a> {
    /// Of the entries before `end`; `ascii_end` is where the first that is not ASCII stands.
    pub(super) const fn new(body: &'a [u8], end: usize, ascii_end: usize) -> Self {
        Self { body, ascii_end, end }
    }

    /// The key and the text at `at`, and where the next entry begins.
    #[inline]
    pub(super) fn entry(&mut self, at: usize) -> Option<(&'a [u8], &'a [u8], usize)> {
        if at >= self.end {
            return None;
        }
        if at >= self.ascii_end {
            self.ascii_end = ascii_end(self.body, at, self.end);
        }
        let key = self.text(at)?;
        let text = self.text(key.end)?;
        let next = text.end;
        Some((self.body.get(key)?, self.body.get(text)?, next))
    }

    #[inline]
    fn text(&self, at: usize) -> Option<Range<usize>> {
        let (start, len) = match *self.body.get(at)? {
            tag @ 0x00..=0x1f => (at + 1, usize::from(tag)),
            tag @ 0x30..=0x33 => (at + 2, usize::from(tag - 0x30) << 8 | usize::from(*self.body.get(at + 1)?)),
            _ => return None,
        };
        (start + len <= self.ascii_end).then(|| start..start + len)
    }
}

/// Where the ASCII from `at` on ends, at `end` at the latest.
pub(super) fn ascii_end(body: &[u8], at: usize, end: usize) -> usize {
    at + body.get(at..end).map_or(0, ascii_len)
}
