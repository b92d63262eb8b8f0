//! The parts of lists, maps and objects, handed to serde one by one.
//!
//! Whatever a visitor leaves, the stream is behind the whole value afterwards, or the value is refused: a list with more values than
//! were wanted is no such list. It never looks at a part that nobody asked for.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use wire::dubbo::hessian2::Item;

use super::de::Decoder;
use super::error::DecodeError;
use super::key::Key;

/// The values of a list.
pub(super) struct Items<'d, 'de> {
    decoder: &'d mut Decoder<'de>,
    /// How many are still to come; unknown where an end marker tells.
    left: Option<u32>,
    done: usize,
    ended: bool,
}

impl<'d, 'de> Items<'d, 'de> {
    pub(super) fn new(decoder: &'d mut Decoder<'de>, len: Option<u32>) -> Self {
        Self { decoder, left: len, done: 0, ended: false }
    }

    fn more(&mut self) -> Result<bool, DecodeError> {
        match &mut self.left {
            Some(0) => return Ok(false),
            Some(left) => *left -= 1,
            None if self.ended => return Ok(false),
            None => self.ended = self.decoder.pull.end()?,
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
            self.decoder.skip()?;
        }
        Ok(())
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DecodeError> {
        if !self.more()? {
            return Ok(None);
        }
        let value = seed.deserialize(&mut *self.decoder).map_err(|error| error.in_item(self.done))?;
        self.done += 1;
        Ok(Some(value))
    }

    fn size_hint(&self) -> Option<usize> {
        self.left.map(|left| left as usize)
    }
}

/// The keys and values of a map.
pub(super) struct Entries<'d, 'de> {
    decoder: &'d mut Decoder<'de>,
    /// The last key where it is text, for errors.
    key: Option<Cow<'de, str>>,
    ended: bool,
}

impl<'d, 'de> Entries<'d, 'de> {
    pub(super) fn new(decoder: &'d mut Decoder<'de>) -> Self {
        Self { decoder, key: None, ended: false }
    }

    fn more(&mut self) -> Result<bool, DecodeError> {
        if !self.ended {
            self.ended = self.decoder.pull.end()?;
        }
        Ok(!self.ended)
    }

    /// Steps over those that are left.
    pub(super) fn finish(mut self) -> Result<(), DecodeError> {
        while self.more()? {
            self.decoder.skip()?;
            self.decoder.skip()?;
        }
        Ok(())
    }
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DecodeError> {
        if !self.more()? {
            return Ok(None);
        }
        self.key = None;
        match self.decoder.item()? {
            Item::Text(text) => {
                self.key = Some(text.clone());
                seed.deserialize(Key(text)).map(Some)
            }
            item => {
                self.decoder.put_back(item);
                seed.deserialize(&mut *self.decoder).map(Some)
            }
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DecodeError> {
        seed.deserialize(&mut *self.decoder).map_err(|error| error.in_field(self.key.as_deref().unwrap_or("(key)")))
    }
}

/// The fields of an object.
pub(super) struct Fields<'d, 'de> {
    decoder: &'d mut Decoder<'de>,
    class: usize,
    next: usize,
}

impl<'d, 'de> Fields<'d, 'de> {
    pub(super) fn new(decoder: &'d mut Decoder<'de>, class: usize) -> Self {
        Self { decoder, class, next: 0 }
    }

    fn fields(&self) -> &[Cow<'de, str>] {
        self.decoder.pull.class(self.class).map_or(&[][..], |class| &class.fields)
    }

    /// The name of the next field, whose value comes then.
    pub(super) fn name(&mut self) -> Result<Option<Cow<'de, str>>, DecodeError> {
        let name = self.decoder.field_name(self.class, self.next)?;
        self.next += usize::from(name.is_some());
        Ok(name)
    }

    pub(super) fn value<T: serde::Deserialize<'de>>(&mut self) -> Result<T, DecodeError> {
        T::deserialize(&mut *self.decoder)
    }

    pub(super) fn skip(&mut self) -> Result<(), DecodeError> {
        self.decoder.skip()
    }

    /// Steps over those that are left.
    pub(super) fn finish(mut self) -> Result<(), DecodeError> {
        (self.next..self.fields().len()).try_for_each(|_| self.skip())
    }
}

impl<'de> MapAccess<'de> for Fields<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DecodeError> {
        self.name()?.map(|name| seed.deserialize(Key(name))).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DecodeError> {
        seed.deserialize(&mut *self.decoder).map_err(|error| {
            let name = self.next.checked_sub(1).and_then(|last| self.fields().get(last));
            error.in_field(name.map_or("(field)", |name| name))
        })
    }
}

/// An object as the variant of an enum that has its class for a name.
pub(super) struct Variant<'d, 'de> {
    decoder: &'d mut Decoder<'de>,
    class: &'static str,
}

impl<'d, 'de> Variant<'d, 'de> {
    /// The object must have been put back.
    pub(super) fn new(decoder: &'d mut Decoder<'de>, class: &'static str) -> Self {
        Self { decoder, class }
    }
}

impl<'d, 'de> EnumAccess<'de> for Variant<'d, 'de> {
    type Error = DecodeError;
    type Variant = &'d mut Decoder<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), DecodeError> {
        Ok((seed.deserialize(Key(Cow::Borrowed(self.class)))?, self.decoder))
    }
}

impl<'de> VariantAccess<'de> for &mut Decoder<'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        self.skip()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, DecodeError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, DecodeError> {
        Err(DecodeError::mismatch("found an object, wanted several values"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, DecodeError> {
        let item = self.item()?;
        self.visit(item, visitor)
    }
}
