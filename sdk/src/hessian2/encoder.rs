//! Where values go in: the arguments of a call one after the other.
//!
//! It is no serializer for others: a class stands in front of its objects, so a value is asked for its fields before it is written,
//! which [`Encoder::put`] does and `value.serialize(…)` would not.

use serde::Serialize;

use super::sink::Hessian2;
use crate::codec::error::EncodeError;
use crate::codec::sink::Sink;
use crate::codec::write::Writing;

/// A stream of values.
#[derive(Debug)]
pub struct Encoder<'b>(Writing<Hessian2<'b>>);

impl<'b> Encoder<'b> {
    /// Appends to `out` a stream that begins there: names and numbers count from here.
    #[must_use]
    pub fn new(out: &'b mut Vec<u8>) -> Self {
        Self(Writing::new(Hessian2::new(out)))
    }

    /// Appends a value.
    ///
    /// # Errors
    /// [`EncodeError`]: something in it has no form in Java. What was written before it stays, with a part of it behind.
    pub fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.0.put(value)
    }

    /// Text for a gateway's own fields, as [`Encoder::put`] of it.
    pub fn put_text(&mut self, text: &str) {
        self.0.sink.text(text);
    }
}
