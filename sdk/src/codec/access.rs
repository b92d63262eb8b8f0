//! The parts of lists, maps and objects, handed to serde one by one.
//!
//! Whatever a visitor leaves, the stream is behind the whole value afterwards, or the value is refused: a list with more values than
//! were wanted is no such list. It never looks at a part that nobody asked for.

use std::borrow::Cow;

use super::error::DecodeError;
use super::key::Key;
use super::reading::Reading;
use super::source::{Item, Source};
use super::structs::Struct;
use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

/// The values of a list.
pub(crate) struct Items<'d, 'de, S> {
    reading: &'d mut Reading<'de, S>,
    /// How many are still to come; unknown where an end marker tells.
    left: Option<u32>,
    done: usize,
    ended: bool,
}

impl<'d, 'de, S: Source<'de>> Items<'d, 'de, S> {
    pub(super) fn new(reading: &'d mut Reading<'de, S>, len: Option<u32>) -> Self {
        Self { reading, left: len, done: 0, ended: false }
    }

    #[inline]
    fn more(&mut self) -> Result<bool, DecodeError> {
        match &mut self.left {
            Some(left) => {
                let more = *left > 0;
                *left -= u32::from(more);
                return Ok(more);
            }
            None if self.ended => {}
            None => self.ended = self.reading.source.end()?,
        }
        Ok(!self.ended)
    }

    /// That all were taken.
    pub(super) fn finish(mut self) -> Result<(), DecodeError> {
        let taken = self.done;
        if self.more()? {
            return Err(DecodeError::mismatch(format_args!("found more than {taken} values, wanted {taken}")));
        }
        Ok(())
    }

    /// Steps over those that are left.
    pub(super) fn skip(mut self) -> Result<(), DecodeError> {
        while self.more()? {
            self.reading.skip()?;
        }
        Ok(())
    }
}

impl<'de, S: Source<'de>> SeqAccess<'de> for Items<'_, 'de, S> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        if !self.more()? {
            return Ok(None);
        }
        match seed.deserialize(&mut *self.reading) {
            Ok(value) => {
                self.done += 1;
                Ok(Some(value))
            }
            Err(error) => Err(error.in_item(self.done)),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        self.left.map(|left| left as usize)
    }
}

/// The keys and values of a map.
pub(crate) struct Entries<'d, 'de, S> {
    reading: &'d mut Reading<'de, S>,
    /// The last key where it is text, for errors.
    key: Option<Cow<'de, str>>,
    ended: bool,
}

impl<'d, 'de, S: Source<'de>> Entries<'d, 'de, S> {
    pub(super) fn new(reading: &'d mut Reading<'de, S>) -> Self {
        Self { reading, key: None, ended: false }
    }

    #[inline]
    fn more(&mut self) -> Result<bool, DecodeError> {
        if !self.ended {
            self.ended = self.reading.source.end()?;
        }
        Ok(!self.ended)
    }

    /// Steps over those that are left.
    pub(super) fn finish(mut self) -> Result<(), DecodeError> {
        while self.more()? {
            self.reading.skip()?;
            self.reading.skip()?;
        }
        Ok(())
    }
}

impl<'de, S: Source<'de>> MapAccess<'de> for Entries<'_, 'de, S> {
    type Error = DecodeError;

    #[inline]
    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        if !self.more()? {
            return Ok(None);
        }
        let text = match self.reading.quick(S::text) {
            Some(text) => Cow::Borrowed(text),
            None => match self.reading.item()? {
                Item::Text(text) => text,
                item => {
                    self.key = None;
                    self.reading.put_back(item);
                    return seed.deserialize(&mut *self.reading).map(Some);
                }
            },
        };
        seed.deserialize(Key(self.key.insert(text))).map(Some)
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(&mut *self.reading).map_err(|error| error.in_field(self.key.as_deref().unwrap_or("(key)")))
    }
}

/// The fields of an object.
pub(crate) struct Fields<'d, 'de, S> {
    pub(super) reading: &'d mut Reading<'de, S>,
    class: usize,
    next: usize,
    /// The last name that no quick way gave.
    name: Cow<'de, str>,
    ended: bool,
}

impl<'d, 'de, S: Source<'de>> Fields<'d, 'de, S> {
    pub(super) fn new(reading: &'d mut Reading<'de, S>, class: usize) -> Self {
        Self { reading, class, next: 0, name: Cow::Borrowed("(field)"), ended: false }
    }

    /// The name of the next field, whose value comes then.
    pub(super) fn name(&mut self) -> Result<Option<&Cow<'de, str>>, DecodeError> {
        match self.reading.field(self.class, self.next)? {
            Some(name) => {
                self.next += 1;
                self.name = name;
                Ok(Some(&self.name))
            }
            None => {
                self.ended = true;
                Ok(None)
            }
        }
    }

    /// The name of the field whose value comes, for errors.
    fn last(&self) -> &str {
        let quick = self.next.checked_sub(1).and_then(|last| self.reading.source.field_name(self.class, last));
        quick.unwrap_or(&self.name)
    }

    pub(super) fn value<T: serde::Deserialize<'de>>(&mut self) -> Result<T, DecodeError> {
        T::deserialize(&mut *self.reading)
    }

    pub(super) fn skip(&mut self) -> Result<(), DecodeError> {
        self.reading.skip()
    }

    /// Steps over those that are left.
    pub(super) fn finish(mut self) -> Result<(), DecodeError> {
        // Nobody keeps these names.
        while !self.ended && self.reading.source.field(self.class, self.next)?.is_some() {
            self.next += 1;
            self.skip()?;
        }
        Ok(())
    }
}

impl<'de, S: Source<'de>> MapAccess<'de> for Fields<'_, 'de, S> {
    type Error = DecodeError;

    #[inline]
    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        if let Some(name) = self.reading.source.field_name(self.class, self.next) {
            self.reading.again.name(name)?;
            self.next += 1;
            return seed.deserialize(Key(&Cow::Borrowed(name))).map(Some);
        }
        match self.name()? {
            Some(name) => seed.deserialize(Key(name)).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(&mut *self.reading).map_err(|error| error.in_field(self.last()))
    }
}

/// An object as the variant of an enum that has its class for a name.
pub(crate) struct Variant<'d, 'de, S> {
    reading: &'d mut Reading<'de, S>,
    class: &'static str,
}

impl<'d, 'de, S: Source<'de>> Variant<'d, 'de, S> {
    /// The object must have been put back.
    pub(super) fn new(reading: &'d mut Reading<'de, S>, class: &'static str) -> Self {
        Self { reading, class }
    }
}

impl<'d, 'de, S: Source<'de>> EnumAccess<'de> for Variant<'d, 'de, S> {
    type Error = DecodeError;
    type Variant = &'d mut Reading<'de, S>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self::Variant), DecodeError> {
        Ok((seed.deserialize(Key(&Cow::Borrowed(self.class)))?, self.reading))
    }
}

impl<'de, S: Source<'de>> VariantAccess<'de> for &mut Reading<'de, S> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        self.skip()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, DecodeError> {
        Err(DecodeError::mismatch("found an object, wanted several values"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let item = self.item()?;
        Struct::read(self, item, "", fields, visitor)
    }
}
