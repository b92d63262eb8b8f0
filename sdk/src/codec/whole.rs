//! Reads any value with everything that Java said of it, for [`Value`](crate::Value): types, classes, and where it contains itself.
//!
//! Serde has no words for these, so they come as the variants of an enum under the names in `names.rs`. It never loses an entry.

use std::borrow::Cow;

use serde::de::value::{I64Deserializer, U64Deserializer, UnitDeserializer};
use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::access::{Entries, Fields, Items};
use super::error::DecodeError;
use super::key::Key;
use super::names::{ABOVE, DATE, LIST, MAP, OBJECT, TYPED};
use super::reading::Reading;
use super::source::{Item, Source};

/// A value that is no plain one.
pub(crate) struct Whole<'d, 'de, S> {
    reading: &'d mut Reading<'de, S>,
    item: Item<'de>,
}

impl<'d, 'de, S: Source<'de>> Whole<'d, 'de, S> {
    /// Reads the next value into a visitor that takes these variants.
    pub(super) fn read<V: Visitor<'de>>(reading: &'d mut Reading<'de, S>, visitor: V) -> Result<V::Value, DecodeError> {
        let item = reading.item()?;
        match item {
            Item::Reference(number) if !reading.open.contains(&number) => {
                reading.put_back(item);
                reading.followed(|reading, item| Whole::visit(reading, item, visitor))
            }
            item => Whole::visit(reading, item, visitor),
        }
    }

    fn visit<V: Visitor<'de>>(
        reading: &'d mut Reading<'de, S>,
        item: Item<'de>,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match item {
            Item::Date(_)
            | Item::List { .. }
            | Item::Map { .. }
            | Item::Object { .. }
            | Item::Typed(_)
            | Item::Reference(_) => visitor.visit_enum(Whole { reading, item }),
            item => reading.visit(item, visitor),
        }
    }
}

impl<'de, S: Source<'de>> EnumAccess<'de> for Whole<'_, 'de, S> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), DecodeError> {
        let variant = match self.item {
            Item::List { .. } => LIST,
            Item::Map { .. } => MAP,
            Item::Object { .. } => OBJECT,
            Item::Date(_) => DATE,
            Item::Typed(_) => TYPED,
            _ => ABOVE,
        };
        Ok((seed.deserialize(Key(&Cow::Borrowed(variant)))?, self))
    }
}

impl<'de, S: Source<'de>> VariantAccess<'de> for Whole<'_, 'de, S> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Err(DecodeError::mismatch("found a value, wanted none"))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        match self.item {
            Item::Date(millis) => seed.deserialize(I64Deserializer::new(millis)),
            Item::Reference(number) => {
                let levels = self.reading.open.iter().rev().position(|open| *open == number).unwrap_or_default();
                seed.deserialize(U64Deserializer::new(levels as u64))
            }
            _ => Err(DecodeError::mismatch("found several values, wanted one")),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DecodeError> {
        match self.item {
            Item::List { number, name, len } => {
                let name = self.reading.type_name(name)?;
                self.reading.inside(number, |reading| visitor.visit_seq(Named::new(name, Items::new(reading, len))))
            }
            Item::Map { number, name } => {
                let name = self.reading.type_name(name)?;
                self.reading
                    .inside(number, |reading| visitor.visit_seq(Named::new(name, InTurn::new(Entries::new(reading)))))
            }
            Item::Object { number, class } => {
                let name = self.reading.class_name(class)?;
                self.reading.inside(number, |reading| {
                    visitor.visit_seq(Named::new(name, InTurn::new(Fields::new(reading, class))))
                })
            }
            Item::Typed(class) => {
                let name = self.reading.class_name(class)?;
                visitor.visit_seq(Named::new(name, Once(Some(self.reading))))
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
            Some(Some(name)) => seed.deserialize(Key(&name)).map(Some),
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

/// The plain value behind a class.
struct Once<'d, 'de, S>(Option<&'d mut Reading<'de, S>>);

impl<'de, S: Source<'de>> SeqAccess<'de> for Once<'_, 'de, S> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        self.0.take().map(|reading| seed.deserialize(reading)).transpose()
    }
}
