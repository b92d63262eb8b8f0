//! Takes a fastjson2 body apart into its fields.
//!
//! It never looks into a field.

use std::ops::Range;

use super::super::read::ReadError;

/// The fields of a body, one after the other.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// The fields of `body` from its beginning.
    #[must_use]
    pub const fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0 }
    }

    /// The offset of the next field's length.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Where the next field's JSONB stands in the body; its length stands in the four bytes before.
    ///
    /// # Errors
    /// [`ReadError`] where the bytes end or the length is larger than what is left of them.
    pub fn field(&mut self) -> Result<Range<usize>, ReadError> {
        let at = self.at;
        let rest = self.body.get(at..).unwrap_or_default();
        let len =
            rest.first_chunk::<4>().ok_or(ReadError::Ended { at: self.body.len(), wanted: "the length of a field" })?;
        let found = i32::from_be_bytes(*len);
        let start = at + 4;
        let len = usize::try_from(found).ok().filter(|len| *len <= self.body.len() - start && *len > 0);
        let wanted = "a length above 0 that fits the bytes left";
        let len = len.ok_or(ReadError::Number { at, found: i64::from(found), wanted })?;
        self.at = start + len;
        Ok(start..self.at)
    }
}
