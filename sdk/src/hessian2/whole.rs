//! Reads any value with everything that Java said of it, for [`Value`](crate::Value): types, classes, and where it contains itself.
//!
//! Serde has no words for these, so they come as the variants of an enum under the names in `names.rs`. It never loses an entry.

use std::borrow::Cow;

use serde::de::value::{I64Deserializer, U64Deserializer, UnitDeserializer};
use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use wire::dubbo::hessian2::Item;

use super::access::{Entries, Fields, Items};
use super::de::Decoder;
use super::error::DecodeError;
use super::key::Key;
use super::names::{ABOVE, DATE, LIST, MAP, OBJECT};

/// A value that is no plain one.
pub(super) struct Whole<'d, 'de> {
    decoder: &'d mut Decoder<'de>,
    item: Item<'de>,
}

impl<'d, 'de> Whole<'d, 'de> {
    /// Reads the next value into a visitor that takes these variants.
    pub(super) fn read<V: Visitor<'de>>(decoder: &'d mut Decoder<'de>, visitor: V) -> Result<V::Value, DecodeError> {
        let item = decoder.item()?;
        match item {
            Item::Reference(number) if !decoder.open.contains(&number) => {
                decoder.put_back(item);
                decoder.followed(|decoder, item| Self::visit(decoder, item, visitor))
            }
            item => Self::visit(decoder, item, visitor),
        }
    }

    fn visit<V: Visitor<'de>>(
        decoder: &mut Decoder<'de>,
        item: Item<'de>,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match item {
            Item::Date(_) | Item::List { .. } | Item::Map { .. } | Item::Object { .. } | Item::Reference(_) => {
                visitor.visit_enum(Whole { decoder, item })
            }
            item => decoder.visit(item, visitor),
        }
    }
}

impl<'de> EnumAccess<'de> for Whole<'_, 'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), DecodeError> {
        let variant = match self.item {
            Item::List { .. } => LIST,
            Item::Map { .. } => MAP,
            Item::Object { .. } => OBJECT,
            Item::Date(_) => DATE,
            _ => ABOVE,
        };
        Ok((seed.deserialize(Key(Cow::Borrowed(variant)))?, self))
    }
}

impl<'de> VariantAccess<'de> for Whole<'_, 'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Err(DecodeError::mismatch("found a value, wanted none"))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, DecodeError> {
        match self.item {
            Item::Date(millis) => seed.deserialize(I64Deserializer::new(millis)),
            Item::Reference(number) => {
                let levels = self.decoder.open.iter().rev().position(|open| *open == number).unwrap_or_default();
                seed.deserialize(U64Deserializer::new(levels as u64))
            }
            _ => Err(DecodeError::mismatch("found several values, wanted one")),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DecodeError> {
        match self.item {
            Item::List { number, name, len } => {
                let name = self.decoder.type_name(name)?;
                self.decoder.inside(number, |decoder| visitor.visit_seq(Named::new(name, Items::new(decoder, len))))
            }
            Item::Map { number, name } => {
                let name = self.decoder.type_name(name)?;
                self.decoder
                    .inside(number, |decoder| visitor.visit_seq(Named::new(name, InTurn::new(Entries::new(decoder)))))
            }
            Item::Object { number, class } => {
                let name = self.decoder.class_name(class)?;
                self.decoder.inside(number, |decoder| {
                    visitor.visit_seq(Named::new(name, InTurn::new(Fields::new(decoder, class))))
                })
            }
            _ => Err(DecodeError::mismatch("found one value, wanted several")),
        }
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, DecodeError> {
        Err(DecodeError::mismatch("found a value, wanted named fields"))
    }
}

/// First the name, if there is one, then the parts.
struct Named<'de, P> {
    name: Option<Option<Cow<'de, str>>>,
    parts: P,
}

impl<'de, P> Named<'de, P> {
    fn new(name: Option<Cow<'de, str>>, parts: P) -> Self {
        Self { name: Some(name), parts }
    }
}

impl<'de, P: SeqAccess<'de, Error = DecodeError>> SeqAccess<'de> for Named<'de, P> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DecodeError> {
        match self.name.take() {
            Some(Some(name)) => seed.deserialize(Key(name)).map(Some),
            Some(None) => seed.deserialize(UnitDeserializer::new()).map(Some),
            None => self.parts.next_element_seed(seed),
        }
    }
}

/// Keys, or the names of fields, and values, in turn.
struct InTurn<M> {
    parts: M,
    /// Whether a key was taken and its value was not.
    half: bool,
}

impl<M> InTurn<M> {
    fn new(parts: M) -> Self {
        Self { parts, half: false }
    }
}

impl<'de, M: MapAccess<'de>> SeqAccess<'de> for InTurn<M> {
    type Error = M::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, M::Error> {
        self.half = !self.half;
        if self.half {
            return self.parts.next_key_seed(seed);
        }
        self.parts.next_value_seed(seed).map(Some)
    }
}
