//! Reads values: what serde asks for, against what the stream has next.
//!
//! ```text
//!   T::deserialize ─▶ Reading ─▶ Source::item ─┬─ plain value ─▶ visitor
//!                                              ├─ list, map, object ─▶ access.rs ─▶ each part is a Reading again
//!                                              └─ reference ─▶ back to where it was, read again, come back
//! ```
//!
//! It never takes one class for another.

use std::borrow::Cow;

use serde::de::{self, Visitor};

use super::access::{Fields, Variant};
use super::error::DecodeError;
use super::key::Unit;
use super::names::{self, DATE, VALUE};
use super::reading::Reading;
use super::source::{Item, Source};
use super::structs::Struct;
use super::whole::Whole;

impl<'de, S: Source<'de>> Reading<'de, S> {
    /// The next item, whatever it is, for a visitor that wants a plain value.
    fn plain<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, DecodeError> {
        self.followed(|reading, item| match item {
            Item::Date(_) => Err(found("a date", &visitor)),
            item => reading.visit(item, visitor),
        })
    }

    /// The object's field `value`, which stands for a newtype over a plain value.
    fn one_field<V: Visitor<'de>>(&mut self, number: usize, class: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.inside(number, |reading| {
            let mut fields = Fields::new(reading, class);
            while let Some(name) = fields.name()? {
                if name == "value" {
                    let value = visitor.visit_newtype_struct(&mut *fields.reading)?;
                    fields.finish()?;
                    return Ok(value);
                }
                fields.skip()?;
            }
            Err(DecodeError::mismatch("found no field `value`, wanted one"))
        })
    }

    /// The next item as one of this class, which it must be if it says its class.
    fn of_class(&mut self, item: Item<'de>, name: &'static str) -> Result<Item<'de>, DecodeError> {
        match item {
            Item::Object { class, .. } | Item::Typed(class) => self.is_class(class, name).map(|()| item),
            item => self.source.as_class(name, item),
        }
    }

    /// That a class is the one of this name, if that is a name of Java's.
    fn is_class(&self, class: usize, name: &'static str) -> Result<(), DecodeError> {
        match self.class(class) {
            found if found == name || !names::is_java(name) => Ok(()),
            found => Err(other_class(found, name)),
        }
    }
}

/// Something else than `visitor` wants.
pub(super) fn found<'de, V: Visitor<'de>>(what: &str, visitor: &V) -> DecodeError {
    DecodeError::mismatch(format_args!("found {what}, wanted {}", visitor as &dyn de::Expected))
}

/// An object of a class that was not asked for.
fn other_class(found: &str, wanted: &str) -> DecodeError {
    let found: String = found.chars().take(128).collect();
    DecodeError::mismatch(format_args!("found an object of class {}, wanted {wanted}", found.escape_debug()))
}

/// Methods for plain values, each with the quick ways to what it expects, in their order.
macro_rules! plain {
    ($($method:ident: $($way:ident $visit:ident),*;)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            $(if let Some(value) = self.quick(S::$way) {
                return visitor.$visit(value);
            })*
            self.plain(visitor)
        })*
    };
}

impl<'de, S: Source<'de>> de::Deserializer<'de> for &mut Reading<'de, S> {
    type Error = DecodeError;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.followed(|reading, item| reading.visit(item, visitor))
    }

    plain! {
        deserialize_bool: bool visit_bool;
        deserialize_i8: int visit_i32;
        deserialize_i16: int visit_i32;
        deserialize_i32: int visit_i32;
        deserialize_i64: long visit_i64, int visit_i32;
        deserialize_i128: long visit_i64;
        deserialize_u8: int visit_i32;
        deserialize_u16: int visit_i32;
        deserialize_u32: long visit_i64, int visit_i32;
        deserialize_u64: long visit_i64, int visit_i32;
        deserialize_u128: long visit_i64;
        deserialize_f32: double visit_f64;
        deserialize_f64: double visit_f64;
        deserialize_char: text visit_borrowed_str;
        deserialize_str: text visit_borrowed_str;
        deserialize_string: text visit_borrowed_str;
        deserialize_identifier: text visit_borrowed_str;
        deserialize_unit:;
        deserialize_bytes:;
        deserialize_byte_buf:;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.quick(S::null) {
            Some(true) => return visitor.visit_none(),
            Some(false) => return visitor.visit_some(self),
            None => {}
        }
        match self.item()? {
            Item::Null => visitor.visit_none(),
            item => {
                self.put_back(item);
                visitor.visit_some(self)
            }
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        self.plain(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if !names::is_java(name) {
            return visitor.visit_newtype_struct(self);
        }
        if name == DATE
            && let Some(millis) = self.quick(S::date)
        {
            return visitor.visit_newtype_struct(de::value::I64Deserializer::new(millis));
        }
        if let Some((number, class)) = self.quick(S::object) {
            self.is_class(class, name)?;
            return self.one_field(number, class, visitor);
        }
        self.followed(|reading, item| match reading.of_class(item, name)? {
            Item::Date(millis) if name == DATE => visitor.visit_newtype_struct(de::value::I64Deserializer::new(millis)),
            Item::Object { number, class } => reading.one_field(number, class, visitor),
            Item::Typed(_) => visitor.visit_newtype_struct(reading),
            item @ (Item::List { .. } | Item::Map { .. }) if name != DATE => {
                reading.put_back(item);
                visitor.visit_newtype_struct(reading)
            }
            item @ (Item::Text(_) | Item::Date(_)) if S::NEWTYPES_ARE_PLAIN => {
                reading.put_back(item);
                visitor.visit_newtype_struct(reading)
            }
            Item::Null => Err(DecodeError::mismatch(format_args!("found null, wanted {name}"))),
            item => Err(DecodeError::mismatch(format_args!("found {}, wanted {name}", kind(&item)))),
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if let Some((number, len)) = self.quick(S::list) {
            return self.list(number, Some(len), visitor);
        }
        self.followed(|reading, item| match item {
            Item::Binary(bytes) => {
                let mut items = de::value::SeqDeserializer::<_, DecodeError>::new(bytes.iter().copied());
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            item => reading.visit(item, visitor),
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
        if let Some(number) = self.quick(S::map) {
            return self.map(number, visitor);
        }
        self.plain(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if !S::LEAVES_ZERO_OUT
            && let Some((number, class)) = self.quick(S::object)
        {
            self.is_class(class, name)?;
            return self.object(number, class, visitor);
        }
        self.followed(|reading, item| {
            let item = if names::is_java(name) { reading.of_class(item, name)? } else { item };
            match item {
                Item::Object { .. } | Item::Map { .. } => Struct::read(reading, item, name, fields, visitor),
                item => Err(found(kind(&item), &visitor)),
            }
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
        self.followed(|reading, item| match item {
            Item::Text(text) => visitor.visit_enum(Unit(&text)),
            Item::Int(number) if S::NEWTYPES_ARE_PLAIN && names::is_java(name) => {
                let constant = usize::try_from(number).ok().and_then(|number| variants.get(number));
                let constant = constant.ok_or_else(|| {
                    let wanted = variants.len();
                    DecodeError::mismatch(format_args!(
                        "found constant number {number}, wanted one of the first {wanted}"
                    ))
                })?;
                visitor.visit_enum(Unit(&Cow::Borrowed(constant)))
            }
            Item::Typed(class) => {
                let found = reading.class(class);
                if names::is_java(name) && found != name {
                    return Err(other_class(found, name));
                }
                match reading.item()? {
                    Item::Text(text) => visitor.visit_enum(Unit(&text)),
                    item => Err(self::found(kind(&item), &visitor)),
                }
            }
            Item::Object { number, class } => {
                let found = reading.class(class);
                if let Some(variant) = variants.iter().find(|variant| **variant == found) {
                    reading.put_back(item);
                    return visitor.visit_enum(Variant::new(reading, variant));
                }
                if found != name {
                    return Err(other_class(found, name));
                }
                let mut constant = None;
                reading.inside(number, |reading| {
                    let mut fields = Fields::new(reading, class);
                    while let Some(field) = fields.name()? {
                        match &**field {
                            "name" => constant = Some(fields.value()?),
                            _ => fields.skip()?,
                        }
                    }
                    Ok(())
                })?;
                visitor.visit_enum(Unit(&constant.ok_or_else(|| DecodeError::mismatch("found no field `name`"))?))
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
pub(super) fn kind(item: &Item<'_>) -> &'static str {
    match item {
        Item::Null => "null",
        Item::Bool(_) => "a boolean",
        Item::Byte(_) | Item::Short(_) | Item::Int(_) | Item::Long(_) => "a whole number",
        Item::Float(_) | Item::Double(_) => "a double",
        Item::Char(_) => "a char",
        Item::Date(_) => "a date",
        Item::Text(_) | Item::Name(_) => "text",
        Item::Binary(_) => "a byte[]",
        Item::List { .. } => "a list",
        Item::Map { .. } => "a map",
        Item::Object { .. } | Item::Typed(_) => "an object",
        Item::Reference(_) => "a reference",
    }
}
