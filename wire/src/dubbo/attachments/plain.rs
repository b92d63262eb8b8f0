//! Entries of a hessian2 map as almost all are, without the general way of reading: by their lengths alone.
//!
//! It never takes what is not ASCII, and stops before the first entry that is anything else than two such texts.

use super::super::read::ascii_len;

/// Entries of which key and value are ASCII of less than a thousand characters, as almost all are: one look for each length, and one over
/// the map for all of their characters.
pub(super) struct Plain<'a> {
    body: &'a [u8],
    /// The body up to where the first byte stands that is not ASCII, of those that were looked at.
    ascii: &'a [u8],
    end: usize,
}

impl<'a> Plain<'a> {
    /// Of the entries before `end`; `ascii_end` is where the first that is not ASCII stands.
    pub(super) fn new(body: &'a [u8], end: usize, ascii_end: usize) -> Self {
        Self { body, ascii: body.get(..ascii_end).unwrap_or_default(), end }
    }

    /// The key and the text at `at`, and where the next entry begins.
    #[inline]
    pub(super) fn entry(&mut self, at: usize) -> Option<(&'a [u8], &'a [u8], usize)> {
        if at >= self.ascii.len() {
            if at >= self.end {
                return None;
            }
            self.ascii = self.body.get(..ascii_end(self.body, at, self.end))?;
        }
        let (key, text_at) = self.text(at)?;
        let (text, next) = self.text(text_at)?;
        Some((key, text, next))
    }

    /// The text at `at`, and what comes behind it.
    #[inline]
    fn text(&self, at: usize) -> Option<(&'a [u8], usize)> {
        let (start, len) = match *self.ascii.get(at)? {
            tag @ 0x00..=0x1f => (at + 1, usize::from(tag)),
            tag @ 0x30..=0x33 => (at + 2, usize::from(tag - 0x30) << 8 | usize::from(*self.ascii.get(at + 1)?)),
            _ => return None,
        };
        Some((self.ascii.get(start..start + len)?, start + len))
    }
}

/// Where the ASCII from `at` on ends, at `end` at the latest.
pub(super) fn ascii_end(body: &[u8], at: usize, end: usize) -> usize {
    at + body.get(at..end).map_or(0, ascii_len)
}
