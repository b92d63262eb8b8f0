//! The name of a field as a key, on its way into a visitor.
//!
//! It never copies a name that the visitor can borrow.

use std::borrow::Cow;

use serde::de::{Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::error::DecodeError;

/// A name that is asked for by serde.
pub(crate) struct Key<'k, 'de>(pub(super) &'k Cow<'de, str>);

impl<'de> Deserializer<'de> for Key<'_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Cow::Borrowed(name) => visitor.visit_borrowed_str(name),
            Cow::Owned(name) => visitor.visit_str(name),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match name {
            super::names::VALUE => self.deserialize_any(visitor),
            _ => visitor.visit_enum(Unit(self.0)),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The constant of an enum.
pub(crate) struct Unit<'k, 'de>(pub(super) &'k Cow<'de, str>);

impl<'de> serde::de::EnumAccess<'de> for Unit<'_, 'de> {
    type Error = DecodeError;
    type Variant = OnlyUnit;

    fn variant_seed<S: serde::de::DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, OnlyUnit), DecodeError> {
        Ok((seed.deserialize(Key(self.0))?, OnlyUnit))
    }
}

/// What stands behind a constant: nothing.
pub(crate) struct OnlyUnit;

impl<'de> serde::de::VariantAccess<'de> for OnlyUnit {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Ok(())
    }

    fn newtype_variant_seed<S: serde::de::DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, DecodeError> {
        Err(DecodeError::mismatch("found a constant of an enum, wanted an object"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, DecodeError> {
        Err(DecodeError::mismatch("found a constant of an enum, wanted several values"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, DecodeError> {
        Err(DecodeError::mismatch("found a constant of an enum, wanted an object"))
    }
}
