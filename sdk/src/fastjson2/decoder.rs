//! Where values come out: the fields of a body one after the other.
//!
//! It never reads past a field, whatever stands in it.

use serde::Deserialize;
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
}

impl<'de> Decoder<'de> {
    /// At the first field of `body`.
    #[must_use]
    pub const fn new(body: &'de [u8]) -> Self {
        Self { body, fields: Fields::new(body) }
    }

    /// The value of the next field.
    ///
    /// # Errors
    /// [`DecodeError`]: it is no such value; the next one can be taken all the same. Or there is no further field.
    pub fn take<T: Deserialize<'de>>(&mut self) -> Result<T, DecodeError> {
        let field = self.fields.field()?;
        loop {
            let source = Json::new(Pull::new(self.body, field.clone()));
            let mut reading = Reading::new(source, field.len());
            match T::deserialize(&mut reading) {
                // Each time one more field of one more struct is known to be left out where it is zero.
                Err(_) if reading.has_learnt() => {}
                Ok(_) if !reading.source.is_done() => {
                    let at = reading.source.at();
                    return Err(DecodeError::mismatch(format_args!(
                        "found more than one value in a field, up to offset {at}, wanted one"
                    )));
                }
                taken => return taken,
            }
        }
    }

    /// The offset behind what was read.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.fields.at()
    }
}
