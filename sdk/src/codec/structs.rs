//! The fields of a struct, from an object or a map; where zero is left out, it is put in again.
//!
//! It never puts in what the struct does not want: see `absent.rs`.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, MapAccess, Visitor};

use super::absent::{self, Absent};
use super::error::DecodeError;
use super::key::Key;
use super::reading::Reading;
use super::source::{Item, Source};

/// What a struct asks for, field by field.
pub(crate) struct Struct<'d, 'de, S> {
    reading: &'d mut Reading<'de, S>,
    /// The class of an object; a map has none.
    class: Option<usize>,
    next: usize,
    /// The last name, for errors.
    name: Cow<'de, str>,
    ended: bool,
    /// Fields that are zero where they do not come.
    zero: Vec<&'static str>,
}

impl<'d, 'de, S: Source<'de>> Struct<'d, 'de, S> {
    /// Reads an object or map into a struct of this name with these fields.
    pub(super) fn read<V: Visitor<'de>>(
        reading: &'d mut Reading<'de, S>,
        item: Item<'de>,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        // An object that says all its fields needs nothing put in.
        let (number, class) = match item {
            Item::Object { number, class } if S::LEAVES_ZERO_OUT => (number, Some(class)),
            Item::Map { number, .. } => (number, None),
            item => return reading.visit(item, visitor),
        };
        let zero = if S::LEAVES_ZERO_OUT { absent::known(name, fields) } else { Vec::new() };
        reading.inside(number, |reading| {
            let mut parts = Struct { reading, class, next: 0, name: Cow::Borrowed(""), ended: false, zero };
            let value = visitor.visit_map(&mut parts);
            if let (true, Err(DecodeError::Missing { place, field })) = (S::LEAVES_ZERO_OUT, &value)
                && place.is_here()
            {
                parts.reading.learnt |= absent::learn(name, field);
            }
            let value = value?;
            while parts.more()? {
                parts.reading.skip()?;
            }
            Ok(value)
        })
    }

    /// Whether there is another field, whose name or key was taken then.
    fn more(&mut self) -> Result<bool, DecodeError> {
        if self.ended {
            return Ok(false);
        }
        match self.class {
            Some(class) => match self.reading.field(class, self.next)? {
                Some(name) => {
                    self.next += 1;
                    self.name = name;
                }
                None => self.ended = true,
            },
            None => {
                self.ended = self.reading.source.end()?;
                if !self.ended {
                    self.key()?;
                }
            }
        }
        Ok(!self.ended)
    }

    /// The key of a map; no field has one that is no text.
    fn key(&mut self) -> Result<(), DecodeError> {
        self.name = match self.reading.item()? {
            Item::Text(name) => name,
            item => {
                self.reading.put_back(item);
                self.reading.skip()?;
                Cow::Borrowed("(key)")
            }
        };
        Ok(())
    }
}

impl<'de, S: Source<'de>> MapAccess<'de> for Struct<'_, 'de, S> {
    type Error = DecodeError;

    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        if self.more()? {
            self.zero.retain(|field| *field != self.name);
            return seed.deserialize(Key(&self.name)).map(Some);
        }
        match self.zero.last() {
            Some(field) => seed.deserialize(Key(&Cow::Borrowed(field))).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        match self.zero.last().copied().filter(|_| self.ended) {
            Some(field) => {
                self.zero.pop();
                seed.deserialize(Absent(field))
            }
            None => seed.deserialize(&mut *self.reading).map_err(|error| error.in_field(&self.name)),
        }
    }
}
