//! Where values come out: an answer, or the arguments of a call one after the other.
//!
//! It never goes back over a value that was taken.

use serde::Deserialize;
use serde::de::DeserializeSeed;
use wire::dubbo::hessian2::Pull;

use crate::codec::error::DecodeError;
use crate::codec::reading::Reading;
use crate::codec::source::Source;

/// A stream of values.
#[derive(Debug)]
pub struct Decoder<'de>(Reading<'de, Pull<'de>>);

impl<'de> Decoder<'de> {
    /// At the beginning of `bytes`, which must be the beginning of a stream.
    #[must_use]
    pub fn new(bytes: &'de [u8]) -> Self {
        Self(Reading::new(Pull::new(bytes), bytes.len()))
    }

    /// The next value.
    ///
    /// # Errors
    /// [`DecodeError`]: it is no such value. The place in the stream is then somewhere inside it.
    pub fn take<T: Deserialize<'de>>(&mut self) -> Result<T, DecodeError> {
        T::deserialize(&mut self.0)
    }

    /// The next value as `seed` reads it.
    pub(crate) fn next<D: DeserializeSeed<'de>>(&mut self, seed: D) -> Result<D::Value, DecodeError> {
        seed.deserialize(&mut self.0)
    }

    /// The offset behind what was read.
    #[must_use]
    pub fn at(&self) -> usize {
        Source::at(&self.0.source)
    }
}
