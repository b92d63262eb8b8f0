//! Where values go in: the fields of a body one after the other, each with its length in front.
//!
//! It never carries a name from one field into the next: Java begins anew with each.

use serde::Serialize;

use super::FIELD_LEN;
use super::sink::Json;
use crate::codec::error::EncodeError;
use crate::codec::sink::Sink;
use crate::codec::write::Writing;

/// A body.
#[derive(Debug)]
pub struct Encoder<'b>(Writing<Json<'b>>);

impl<'b> Encoder<'b> {
    /// Appends fields to `out`.
    #[must_use]
    pub fn new(out: &'b mut Vec<u8>) -> Self {
        Self(Writing::new(Json::new(out)))
    }

    /// Appends a value as a field.
    ///
    /// # Errors
    /// [`EncodeError`]: something in it has no form in Java. What was written before it stays, with a part of it behind.
    pub fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let start = self.start();
        self.0.put(value)?;
        self.end(start)
    }

    /// Text for a gateway's own fields, as [`Encoder::put`] of it.
    pub fn put_text(&mut self, text: &str) {
        let start = self.start();
        self.0.sink.text(text);
        let _fits = self.end(start);
    }

    /// Leaves room for the length; where the field begins.
    fn start(&mut self) -> usize {
        self.0.sink.restart();
        self.0.sink.out.extend([0; FIELD_LEN]);
        self.0.sink.out.len()
    }

    fn end(&mut self, start: usize) -> Result<(), EncodeError> {
        let out = &mut *self.0.sink.out;
        let found = out.len() - start;
        let len = i32::try_from(found).map_err(|_| {
            EncodeError::new(format_args!("found {found} bytes in one field, wanted at most {}", i32::MAX))
        })?;
        out[start - FIELD_LEN..start].copy_from_slice(&len.to_be_bytes());
        Ok(())
    }
}
