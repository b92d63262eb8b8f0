//! Writes values: what serde says of a Rust value, as Java has it.
//!
//! It never writes a reference to a value that it has written already, but for a value that contains itself.
//!
//! Long because: serde's face has thirty methods, each with its one form in Java.

use std::borrow::Cow;

use serde::ser::{self, Serialize};

use super::error::EncodeError;
use super::fields;
use super::names::{self, ABOVE, DATE, LIST, MAP, OBJECT, TYPED};
use super::parts::{Dynamic, Entries, Items, Object};
use super::sink::Sink;

/// Levels of lists, maps and objects in one value at most, as many as are read.
const MAX_NESTING: usize = super::reading::MAX_NESTING;

/// A stream of values, and the serializer of the one that is being written.
#[derive(Debug)]
pub(crate) struct Writing<S> {
    pub(crate) sink: S,
    /// Field names of the struct that is about to be written.
    names: Vec<&'static str>,
    /// The Java name of the newtype around the next value.
    around: Option<&'static str>,
    /// Numbers of the lists, maps and objects that are being written, outermost first.
    open: Vec<usize>,
}

impl<S: Sink> Writing<S> {
    pub(crate) fn new(sink: S) -> Self {
        Self { sink, names: Vec::new(), around: None, open: Vec::new() }
    }

    /// Appends a value. All values come this way, also those inside of others: it asks for the names that a struct needs.
    pub(crate) fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        if S::NAMES_FIRST {
            fields::collect(value, &mut self.names);
        }
        value.serialize(self)
    }

    /// The names of the fields of the struct whose head is being written.
    pub(super) fn take_names(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.names)
    }

    /// Gives their room back.
    pub(super) fn give_names(&mut self, names: Vec<&'static str>) {
        self.names = names;
    }

    /// Enters the list, map or object of this number.
    fn enter(&mut self, number: usize) -> Result<(), EncodeError> {
        if self.open.len() == MAX_NESTING {
            return Err(EncodeError::new(format_args!("it is nested deeper than {MAX_NESTING} levels")));
        }
        self.open.push(number);
        Ok(())
    }

    /// Leaves it.
    pub(super) fn leave(&mut self) {
        self.open.pop();
    }

    /// The head of an object of this class.
    pub(super) fn object<N: Into<Cow<'static, str>> + AsRef<str> + Clone>(
        &mut self,
        class: impl Into<Cow<'static, str>>,
        fields: &[N],
    ) -> Result<(), EncodeError> {
        let number = self.sink.open_object(class.into(), fields);
        self.enter(number)
    }

    /// The head of a list; without a length where it is to be written.
    pub(super) fn list(
        &mut self,
        name: Option<Cow<'static, str>>,
        len: Option<usize>,
    ) -> Result<Option<usize>, EncodeError> {
        let number = self.sink.open_list(name, len);
        let place = len.is_none().then(|| self.sink.len());
        self.enter(number)?;
        Ok(place)
    }

    pub(super) fn map(&mut self, name: Option<Cow<'static, str>>) -> Result<(), EncodeError> {
        let number = self.sink.open_map(name);
        self.enter(number)
    }

    /// A value of a class that is no object by itself.
    pub(super) fn typed(
        &mut self,
        class: Cow<'static, str>,
        field: &'static str,
        put: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let level = self.sink.open_typed(class, field);
        if let Some(number) = level {
            self.enter(number)?;
        }
        put(self)?;
        self.sink.close_typed()?;
        if level.is_some() {
            self.leave();
        }
        Ok(())
    }

    /// A plain value; behind a newtype with a Java name it is one of that class.
    fn plain(&mut self, put: impl FnOnce(&mut S)) -> Result<(), EncodeError> {
        match self.around.take() {
            None => {
                put(&mut self.sink);
                Ok(())
            }
            Some(class) => self.typed(Cow::Borrowed(class), "value", |writing| {
                put(&mut writing.sink);
                Ok(())
            }),
        }
    }

    /// The list, map or object so many levels above this value; 0 is the one that it is a part of.
    fn above(&mut self, levels: u64) -> Result<(), EncodeError> {
        let index = usize::try_from(levels).ok().and_then(|levels| self.open.len().checked_sub(levels.checked_add(1)?));
        let index = index.ok_or_else(|| {
            EncodeError::new(format_args!(
                "found the value {levels} levels above, wanted fewer: it is {} deep",
                self.open.len()
            ))
        })?;
        self.sink.reference(&self.open, index);
        Ok(())
    }
}

impl<'e, S: Sink> ser::Serializer for &'e mut Writing<S> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Items<'e, S>;
    type SerializeTuple = Items<'e, S>;
    type SerializeTupleStruct = Dynamic<'e, S>;
    type SerializeTupleVariant = ser::Impossible<(), EncodeError>;
    type SerializeMap = Entries<'e, S>;
    type SerializeStruct = Object<'e, S>;
    type SerializeStructVariant = Object<'e, S>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        self.plain(|sink| sink.bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<(), EncodeError> {
        self.plain(|sink| sink.byte(value))
    }

    fn serialize_i16(self, value: i16) -> Result<(), EncodeError> {
        self.plain(|sink| sink.short(value))
    }

    fn serialize_i32(self, value: i32) -> Result<(), EncodeError> {
        self.plain(|sink| sink.int(value))
    }

    fn serialize_i64(self, value: i64) -> Result<(), EncodeError> {
        if self.around == Some(DATE) {
            self.around = None;
            self.sink.date(value);
            return Ok(());
        }
        self.plain(|sink| sink.long(value))
    }

    fn serialize_u8(self, value: u8) -> Result<(), EncodeError> {
        self.serialize_i32(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), EncodeError> {
        self.serialize_i32(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), EncodeError> {
        self.serialize_i64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), EncodeError> {
        if self.around == Some(ABOVE) {
            self.around = None;
            return self.above(value);
        }
        match i64::try_from(value) {
            Ok(value) => self.serialize_i64(value),
            Err(_) => {
                Err(EncodeError::new(format_args!("found {value}, wanted at most {}, the largest long", i64::MAX)))
            }
        }
    }

    fn serialize_f32(self, value: f32) -> Result<(), EncodeError> {
        self.plain(|sink| sink.float(value))
    }

    fn serialize_f64(self, value: f64) -> Result<(), EncodeError> {
        self.plain(|sink| sink.double(value))
    }

    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        match u16::try_from(u32::from(value)) {
            Ok(unit) => self.plain(|sink| sink.char(unit)),
            Err(_) => Err(EncodeError::new(format_args!(
                "found the char U+{:X}, wanted one of a single UTF-16 unit",
                value as u32
            ))),
        }
    }

    fn serialize_str(self, text: &str) -> Result<(), EncodeError> {
        self.plain(|sink| sink.text(text))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.plain(|sink| sink.binary(bytes))
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.around = None;
        self.sink.null();
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        self.put(value)
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), EncodeError> {
        self.serialize_none()
    }

    fn serialize_unit_variant(self, name: &'static str, _: u32, variant: &'static str) -> Result<(), EncodeError> {
        if !names::is_java(name) {
            return self.serialize_str(variant);
        }
        self.around = None;
        self.typed(Cow::Borrowed(name), "name", |writing| {
            writing.sink.text(variant);
            Ok(())
        })
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), EncodeError> {
        if names::is_java(name) || name == ABOVE {
            // A date around a date: the outer one is an object whose one field is the inner.
            if let Some(outer) = self.around.take() {
                return self.typed(Cow::Borrowed(outer), "value", |writing| {
                    writing.around = Some(name);
                    writing.put(value)
                });
            }
            self.around = Some(name);
        }
        self.put(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.put(value)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items<'e, S>, EncodeError> {
        let name = self.around.take().map(Cow::Borrowed);
        let place = self.list(name, len)?;
        Ok(Items { writing: self, place, done: 0 })
    }

    fn serialize_tuple(self, len: usize) -> Result<Items<'e, S>, EncodeError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<Dynamic<'e, S>, EncodeError> {
        self.around = None;
        let parts = len.saturating_sub(1);
        match name {
            LIST => Ok(Dynamic::List { writing: self, len: parts, open: false, done: 0 }),
            MAP => Ok(Dynamic::Map { writing: self, open: false }),
            TYPED => Ok(Dynamic::Typed { writing: self, class: None }),
            OBJECT => Ok(Dynamic::Object { writing: self, len: parts, fields: None, done: 0 }),
            _ => {
                let name = names::is_java(name).then_some(Cow::Borrowed(name));
                self.list(name, Some(len))?;
                Ok(Dynamic::List { writing: self, len, open: true, done: 0 })
            }
        }
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, EncodeError> {
        Err(EncodeError::new(format_args!(
            "the variant {variant} has several values without names, wanted named fields"
        )))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'e, S>, EncodeError> {
        let name = self.around.take().map(Cow::Borrowed);
        self.map(name)?;
        Ok(Entries { writing: self, key: None })
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Object<'e, S>, EncodeError> {
        self.around = None;
        Object::open(self, name)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'e, S>, EncodeError> {
        self.around = None;
        Object::open(self, variant)
    }
}
