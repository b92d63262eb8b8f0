//! Counts what a stream says once and means often: a text that a hundred references stand for, and the name of a class that a hundred
//! objects have by its number, are kept a hundred times.
//!
//! It never counts what the stream says for the first time, which is as long as the stream, but for names: those count from their first use.

use super::error::{DecodeError, Place};

/// Bytes that are said again in one stream at most: values that are read through references, each with [`VALUE_LEN`] besides its own,
/// and the names of classes, types and fields. For a stream of more than a megabyte it is [`VALUE_LEN`] for each of its bytes.
pub const MAX_AGAIN_LEN: usize = 1 << 26;
/// What a value takes in memory, roughly; the shortest is one byte of a stream.
pub const VALUE_LEN: usize = 64;

/// How many bytes were said again, and how many may be.
#[derive(Debug)]
pub(crate) struct Again {
    len: usize,
    limit: usize,
}

impl Again {
    /// For a stream of so many bytes.
    pub(super) fn new(stream_len: usize) -> Self {
        Self { len: 0, limit: MAX_AGAIN_LEN.max(stream_len.saturating_mul(VALUE_LEN)) }
    }

    /// A value of so many bytes that was read before.
    #[inline]
    pub(super) fn value(&mut self, len: usize) -> Result<(), DecodeError> {
        self.count(VALUE_LEN.saturating_add(len))
    }

    /// A name for whoever may keep it.
    #[inline]
    pub(super) fn name(&mut self, name: &str) -> Result<(), DecodeError> {
        self.count(name.len())
    }

    #[inline]
    fn count(&mut self, len: usize) -> Result<(), DecodeError> {
        self.len = self.len.saturating_add(len);
        if self.len > self.limit { Err(self.too_much()) } else { Ok(()) }
    }

    #[cold]
    fn too_much(&self) -> DecodeError {
        DecodeError::TooMuch { place: Place::default(), limit: self.limit }
    }
}
