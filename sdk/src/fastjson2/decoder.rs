//! Where values come out: the fields of a body one after the other.
//!
//! It never reads past a field, whatever stands in it.

use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::DeserializeSeed;
use wire::dubbo::fastjson2::{Fields, Pull};

use super::source::Json;
use crate::codec::error::DecodeError;
use crate::codec::reading::Reading;
use crate::codec::source::Source;

/// A body.
#[derive(Debug)]
pub struct Decoder<'de> {
    body: &'de [u8],
    fields: Fields<'de>,
    learnt: bool,
}

impl<'de> Decoder<'de> {
    /// At the first field of `body`.
    #[must_use]
    pub const fn new(body: &'de [u8]) -> Self {
        Self { body, fields: Fields::new(body), learnt: false }
    }

    /// The value of the next field.
    ///
    /// # Errors
    /// [`DecodeError`]: it is no such value; the next one can be taken all the same. Or there is no further field.
    pub fn take<T: Deserialize<'de>>(&mut self) -> Result<T, DecodeError> {
        loop {
            let before = self.fields.clone();
            match self.next(PhantomData::<T>) {
                // Each time one more field of one more struct is known to be left out where it is zero.
                Err(_) if self.has_learnt() => self.fields = before,
                taken => return taken,
            }
        }
    }

    /// The value of the next field as `seed` reads it. Where that fails and [`Decoder::has_learnt`], it may be read once more from where it
    /// begins.
    pub(crate) fn next<D: DeserializeSeed<'de>>(&mut self, seed: D) -> Result<D::Value, DecodeError> {
        let field = self.fields.field()?;
        let source = Json::new(Pull::new(self.body, field.clone()));
        let mut reading = Reading::new(source, field.len());
        let value = seed.deserialize(&mut reading);
        self.learnt = value.is_err() && reading.has_learnt();
        let value = value?;
        if !reading.source.is_done() {
            let at = reading.source.at();
            return Err(DecodeError::mismatch(format_args!(
                "found more than one value in a field, up to offset {at}, wanted one"
            )));
        }
        Ok(value)
    }

    /// Whether what failed last failed for a field of which it is now known that it is left out where it is zero; asks once.
    pub(crate) fn has_learnt(&mut self) -> bool {
        std::mem::take(&mut self.learnt)
    }

    /// The offset behind what was read.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.fields.at()
    }
}
