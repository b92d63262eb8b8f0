//! Reads values: what serde asks for, against what the stream has next.
//!
//! ```text
//!   T::deserialize ─▶ Decoder ─▶ Pull::item ─┬─ plain value ─▶ visitor
//!                                            ├─ list, map, object ─▶ access.rs ─▶ each part is a Decoder again
//!                                            └─ reference ─▶ back to where it was, read again, come back
//! ```
//!
//! It never follows a reference for a part that nobody asked for, nor further than `again.rs` lets it.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{self, Visitor};
use wire::dubbo::hessian2::{Item, Pull};

use super::access::{Entries, Fields, Items, Variant};
use super::again::Again;
use super::error::{DecodeError, Place};
use super::key::Unit;
use super::names::{self, DATE, VALUE};
use super::whole::Whole;

/// Levels of lists, maps and objects in one value at most: reading recurses.
pub const MAX_NESTING: usize = 128;

/// A stream of values: an answer, or the arguments of a call one after the other.
#[derive(Debug)]
pub struct Decoder<'de> {
    pub(super) pull: Pull<'de>,
    /// An item that was looked at and not taken.
    ahead: Option<Item<'de>>,
    /// The numbers of what is being read, outermost first.
    pub(super) open: Vec<usize>,
    /// How many references are being followed.
    following: usize,
    again: Again,
}

impl<'de> Decoder<'de> {
    /// At the beginning of `bytes`, which must be the beginning of a stream.
    #[must_use]
    pub fn new(bytes: &'de [u8]) -> Self {
        let again = Again::new(bytes.len());
        Self { pull: Pull::new(bytes), ahead: None, open: Vec::new(), following: 0, again }
    }

    /// The next value.
    ///
    /// # Errors
    /// [`DecodeError`]: it is no such value. The place in the stream is then somewhere inside it.
    pub fn take<T: Deserialize<'de>>(&mut self) -> Result<T, DecodeError> {
        T::deserialize(self)
    }

    /// The offset behind what was read.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.pull.at()
    }

    pub(super) fn item(&mut self) -> Result<Item<'de>, DecodeError> {
        if let Some(item) = self.ahead.take() {
            return Ok(item);
        }
        let start = self.pull.at();
        let item = self.pull.item()?;
        if self.following > 0 {
            self.again.value(self.pull.at() - start)?;
        }
        Ok(item)
    }

    pub(super) fn put_back(&mut self, item: Item<'de>) {
        self.ahead = Some(item);
    }

    /// Gives `read` the next item, or the one that the next item refers to.
    pub(super) fn followed<R>(
        &mut self,
        read: impl FnOnce(&mut Self, Item<'de>) -> Result<R, DecodeError>,
    ) -> Result<R, DecodeError> {
        let number = match self.item()? {
            Item::Reference(number) => number,
            item => return read(self, item),
        };
        if self.open.contains(&number) {
            return Err(DecodeError::Cycle { place: Place::default() });
        }
        let Some(place) = self.pull.go_to(number) else { return Err(DecodeError::mismatch("found no such reference")) };
        self.following += 1;
        let item = self.item()?;
        let value = read(self, item)?;
        self.following -= 1;
        self.pull.come_back(place);
        Ok(value)
    }

    /// Reads the parts of the list, map or object `number` by `read`.
    pub(super) fn inside<R>(
        &mut self,
        number: usize,
        read: impl FnOnce(&mut Self) -> Result<R, DecodeError>,
    ) -> Result<R, DecodeError> {
        if self.open.len() == MAX_NESTING {
            return Err(DecodeError::TooDeep { place: Place::default(), limit: MAX_NESTING });
        }
        self.open.push(number);
        let value = read(self)?;
        self.open.pop();
        Ok(value)
    }

    fn class(&self, class: usize) -> &str {
        self.pull.class(class).map_or("", |class| &class.name)
    }

    pub(super) fn class_name(&mut self, class: usize) -> Result<Option<Cow<'de, str>>, DecodeError> {
        self.again.name(self.pull.class(class).map(|class| &class.name))
    }

    pub(super) fn field_name(&mut self, class: usize, index: usize) -> Result<Option<Cow<'de, str>>, DecodeError> {
        self.again.name(self.pull.class(class).and_then(|class| class.fields.get(index)))
    }

    pub(super) fn type_name(&mut self, number: Option<usize>) -> Result<Option<Cow<'de, str>>, DecodeError> {
        self.again.name(number.and_then(|number| self.pull.type_name(number)))
    }

    pub(super) fn visit<V: Visitor<'de>>(&mut self, item: Item<'de>, visitor: V) -> Result<V::Value, DecodeError> {
        match item {
            Item::Null => visitor.visit_unit(),
            Item::Bool(value) => visitor.visit_bool(value),
            Item::Int(number) => visitor.visit_i32(number),
            Item::Long(number) | Item::Date(number) => visitor.visit_i64(number),
            Item::Double(number) => visitor.visit_f64(number),
            Item::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Item::Text(Cow::Owned(text)) => visitor.visit_string(text),
            Item::Binary(Cow::Borrowed(bytes)) => visitor.visit_borrowed_bytes(bytes),
            Item::Binary(Cow::Owned(bytes)) => visitor.visit_byte_buf(bytes),
            Item::List { number, len, .. } => self.inside(number, |decoder| {
                let mut items = Items::new(decoder, len);
                let value = visitor.visit_seq(&mut items)?;
                items.finish()?;
                Ok(value)
            }),
            Item::Map { number, .. } => self.inside(number, |decoder| {
                let mut entries = Entries::new(decoder);
                let value = visitor.visit_map(&mut entries)?;
                entries.finish()?;
                Ok(value)
            }),
            Item::Object { number, class } => self.inside(number, |decoder| {
                let mut fields = Fields::new(decoder, class);
                let value = visitor.visit_map(&mut fields)?;
                fields.finish()?;
                Ok(value)
            }),
            Item::Reference(_) => Err(DecodeError::mismatch("found a reference to a reference")),
        }
    }

    /// Steps over the next value.
    pub(super) fn skip(&mut self) -> Result<(), DecodeError> {
        match self.item()? {
            Item::List { number, len, .. } => self.inside(number, |decoder| Items::new(decoder, len).skip()),
            Item::Map { number, .. } => self.inside(number, |decoder| Entries::new(decoder).finish()),
            Item::Object { number, class } => self.inside(number, |decoder| Fields::new(decoder, class).finish()),
            _ => Ok(()),
        }
    }

    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, DecodeError> {
        self.followed(|decoder, item| match item {
            Item::Date(_) => Err(found("a date", &visitor)),
            item => decoder.visit(item, visitor),
        })
    }

    /// The object's field `value`, which stands for a newtype over a plain value.
    fn one_field<V: Visitor<'de>>(&mut self, number: usize, class: usize, visitor: V) -> Result<V::Value, DecodeError> {
        let fields = self.pull.class(class).map_or(&[][..], |class| &class.fields);
        let count = fields.len();
        let Some(index) = fields.iter().position(|field| field == "value") else {
            return Err(DecodeError::mismatch("found no field `value`, wanted one"));
        };
        self.inside(number, |decoder| {
            for _ in 0..index {
                decoder.skip()?;
            }
            let value = visitor.visit_newtype_struct(&mut *decoder)?;
            for _ in index + 1..count {
                decoder.skip()?;
            }
            Ok(value)
        })
    }
}

/// Something else than `visitor` wants.
fn found<'de, V: Visitor<'de>>(what: &str, visitor: &V) -> DecodeError {
    DecodeError::mismatch(format_args!("found {what}, wanted {}", visitor as &dyn de::Expected))
}

/// An object of a class that was not asked for.
fn other_class(found: &str, wanted: &str) -> DecodeError {
    let found: String = found.chars().take(128).collect();
    DecodeError::mismatch(format_args!("found an object of class {}, wanted {wanted}", found.escape_debug()))
}

macro_rules! numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            self.number(visitor)
        })*
    };
}

impl<'de> de::Deserializer<'de> for &mut Decoder<'de> {
    type Error = DecodeError;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.followed(|decoder, item| decoder.visit(item, visitor))
    }

    numbers! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_identifier deserialize_unit
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.number(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.number(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.item()? {
            Item::Null => visitor.visit_none(),
            item => {
                self.put_back(item);
                visitor.visit_some(self)
            }
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        self.number(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if !names::is_java(name) {
            return visitor.visit_newtype_struct(self);
        }
        self.followed(|decoder, item| match item {
            Item::Date(millis) if name == DATE => visitor.visit_newtype_struct(de::value::I64Deserializer::new(millis)),
            Item::Object { number, class } => {
                let found = decoder.class(class);
                if found != name {
                    return Err(other_class(found, name));
                }
                decoder.one_field(number, class, visitor)
            }
            item @ (Item::List { .. } | Item::Map { .. }) if name != DATE => {
                decoder.put_back(item);
                visitor.visit_newtype_struct(decoder)
            }
            Item::Null => Err(DecodeError::mismatch(format_args!("found null, wanted {name}"))),
            item => Err(DecodeError::mismatch(format_args!("found {}, wanted {name}", kind(&item)))),
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.followed(|decoder, item| match item {
            Item::Binary(bytes) => {
                let mut items = de::value::SeqDeserializer::<_, DecodeError>::new(bytes.iter().copied());
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            item => decoder.visit(item, visitor),
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.number(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.followed(|decoder, item| match item {
            Item::Object { class, .. } if names::is_java(name) && decoder.class(class) != name => {
                Err(other_class(decoder.class(class), name))
            }
            Item::Object { .. } | Item::Map { .. } => decoder.visit(item, visitor),
            item => Err(found(kind(&item), &visitor)),
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name == VALUE {
            return Whole::read(self, visitor);
        }
        self.followed(|decoder, item| match item {
            Item::Text(text) => visitor.visit_enum(Unit(text)),
            Item::Object { number, class } => {
                let found = decoder.class(class);
                if let Some(variant) = variants.iter().find(|variant| **variant == found) {
                    decoder.put_back(item);
                    return visitor.visit_enum(Variant::new(decoder, variant));
                }
                if found != name {
                    return Err(other_class(found, name));
                }
                let mut constant = None;
                decoder.inside(number, |decoder| {
                    let mut fields = Fields::new(decoder, class);
                    while let Some(field) = fields.name()? {
                        match &*field {
                            "name" => constant = Some(fields.value()?),
                            _ => fields.skip()?,
                        }
                    }
                    Ok(())
                })?;
                visitor.visit_enum(Unit(constant.ok_or_else(|| DecodeError::mismatch("found no field `name`"))?))
            }
            item => Err(found(kind(&item), &visitor)),
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.skip()?;
        visitor.visit_unit()
    }
}

/// What an item is, for people.
fn kind(item: &Item<'_>) -> &'static str {
    match item {
        Item::Null => "null",
        Item::Bool(_) => "a boolean",
        Item::Int(_) | Item::Long(_) => "a whole number",
        Item::Double(_) => "a double",
        Item::Date(_) => "a date",
        Item::Text(_) => "text",
        Item::Binary(_) => "a byte[]",
        Item::List { .. } => "a list",
        Item::Map { .. } => "a map",
        Item::Object { .. } => "an object",
        Item::Reference(_) => "a reference",
    }
}
