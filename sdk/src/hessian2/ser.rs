//! Writes values: what serde says of a Rust value, as Java would have written it.
//!
//! ```text
//!   struct Order { id, items }      C "com.acme.Order" 2 "id" "items"     once a stream; the fields are asked for first
//!                                   60  <id>  <items>                     then each object by the number of its class
//! ```
//!
//! It never writes a reference to a value that it has written already, but for a value that contains itself.
//!
//! Long because: serde's face has thirty methods, each with its one form in Java.

use std::borrow::Cow;

use rustc_hash::FxHashMap;
use serde::ser::{self, Serialize};
use wire::dubbo::hessian2::writer::{self, TypeName};

use super::error::EncodeError;
use super::fields;
use super::names::{self, ABOVE, DATE, LIST, MAP, OBJECT};
use super::parts::{Dynamic, Entries, Items, Object};

/// Levels of lists, maps and objects in one value at most, as many as are read.
const MAX_NESTING: usize = super::MAX_NESTING;

/// A stream of values, and the serializer of the one that is being written.
#[derive(Debug)]
pub(super) struct Stream<'b> {
    pub(super) out: &'b mut Vec<u8>,
    classes: FxHashMap<Cow<'static, str>, Vec<Known>>,
    classes_len: usize,
    types: FxHashMap<Cow<'static, str>, usize>,
    /// Field names of the struct that is about to be written.
    names: Vec<&'static str>,
    /// The Java name of the newtype around the next value.
    around: Option<&'static str>,
    /// Numbers of the lists, maps and objects that are being written, outermost first, and the next number.
    open: Vec<usize>,
    next: usize,
}

#[derive(Debug)]
struct Known {
    number: usize,
    fields: Vec<Cow<'static, str>>,
}

impl<'b> Stream<'b> {
    pub(super) fn new(out: &'b mut Vec<u8>) -> Self {
        Self {
            out,
            classes: FxHashMap::default(),
            classes_len: 0,
            types: FxHashMap::default(),
            names: Vec::new(),
            around: None,
            open: Vec::new(),
            next: 0,
        }
    }

    /// Appends a value. All values come this way, also those inside of others: it asks for the names that a struct needs.
    pub(super) fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        fields::collect(value, &mut self.names);
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

    /// Enters a list, map or object.
    pub(super) fn enter(&mut self) -> Result<(), EncodeError> {
        if self.open.len() == MAX_NESTING {
            return Err(EncodeError::new(format_args!("it is nested deeper than {MAX_NESTING} levels")));
        }
        self.open.push(self.next);
        self.next += 1;
        Ok(())
    }

    /// Leaves it.
    pub(super) fn leave(&mut self) {
        self.open.pop();
    }

    /// The head of an object of this class; its class is defined first where it is new.
    pub(super) fn object<N: Into<Cow<'static, str>> + AsRef<str> + Clone>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        fields: &[N],
    ) -> Result<(), EncodeError> {
        let name = name.into();
        let known = self.classes.get(&name).into_iter().flatten();
        let same = |known: &&Known| {
            known.fields.len() == fields.len() && known.fields.iter().zip(fields).all(|(a, b)| a == b.as_ref())
        };
        let number = match known.into_iter().find(same) {
            Some(known) => known.number,
            None => {
                writer::put_class(self.out, &name, fields.iter().map(AsRef::as_ref));
                let number = self.classes_len;
                self.classes_len += 1;
                let fields = fields.iter().cloned().map(Into::into).collect();
                self.classes.entry(name).or_default().push(Known { number, fields });
                number
            }
        };
        writer::put_object_head(self.out, number);
        self.enter()
    }

    /// The head of a list; without a length room is left for it.
    pub(super) fn list(
        &mut self,
        name: Option<Cow<'static, str>>,
        len: Option<usize>,
    ) -> Result<Option<usize>, EncodeError> {
        let name = name.map(|name| self.type_name(name));
        let name = name.as_ref().map(Named::get);
        let place = match len {
            Some(len) => {
                writer::put_list_head(self.out, name, len);
                None
            }
            None => {
                writer::put_long_list_head(self.out, name);
                Some(self.out.len() - 4)
            }
        };
        self.enter()?;
        Ok(place)
    }

    pub(super) fn map(&mut self, name: Option<Cow<'static, str>>) -> Result<(), EncodeError> {
        let name = name.map(|name| self.type_name(name));
        writer::put_map_head(self.out, name.as_ref().map(Named::get));
        self.enter()
    }

    fn type_name(&mut self, name: Cow<'static, str>) -> Named {
        if let Some(number) = self.types.get(&name) {
            return Named::Known(*number);
        }
        self.types.insert(name.clone(), self.types.len());
        Named::New(name)
    }

    /// A plain value; behind a newtype with a Java name it is the one field of an object.
    fn plain(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> Result<(), EncodeError> {
        match self.around.take() {
            None => put(self.out),
            Some(name) => {
                self.object(name, &["value"])?;
                put(self.out);
                self.leave();
            }
        }
        Ok(())
    }

    /// The list, map or object so many levels above this value; 0 is the one that it is a part of.
    fn above(&mut self, levels: u64) -> Result<(), EncodeError> {
        let number = usize::try_from(levels).ok().and_then(|levels| self.open.iter().rev().nth(levels).copied());
        let number = number.ok_or_else(|| {
            EncodeError::new(format_args!(
                "found the value {levels} levels above, wanted fewer: it is {} deep",
                self.open.len()
            ))
        })?;
        writer::put_reference(self.out, number);
        Ok(())
    }
}

/// A type's name, held while its head is written.
enum Named {
    New(Cow<'static, str>),
    Known(usize),
}

impl Named {
    fn get(&self) -> TypeName<'_> {
        match self {
            Self::New(name) => TypeName::New(name),
            Self::Known(number) => TypeName::Known(*number),
        }
    }
}

impl<'e, 'b> ser::Serializer for &'e mut Stream<'b> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Items<'e, 'b>;
    type SerializeTuple = Items<'e, 'b>;
    type SerializeTupleStruct = Dynamic<'e, 'b>;
    type SerializeTupleVariant = ser::Impossible<(), EncodeError>;
    type SerializeMap = Entries<'e, 'b>;
    type SerializeStruct = Object<'e, 'b>;
    type SerializeStructVariant = Object<'e, 'b>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        self.plain(|out| writer::put_bool(out, value))
    }

    fn serialize_i8(self, value: i8) -> Result<(), EncodeError> {
        self.serialize_i32(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), EncodeError> {
        self.serialize_i32(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), EncodeError> {
        self.plain(|out| writer::put_int(out, value))
    }

    fn serialize_i64(self, value: i64) -> Result<(), EncodeError> {
        if self.around == Some(DATE) {
            self.around = None;
            writer::put_date(self.out, value);
            return Ok(());
        }
        self.plain(|out| writer::put_long(out, value))
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
        // Java goes through the digits as well: 1.1f is 1.1 and not 1.100000023841858.
        let digits = value.to_string().parse().unwrap_or_else(|_| f64::from(value));
        self.serialize_f64(digits)
    }

    fn serialize_f64(self, value: f64) -> Result<(), EncodeError> {
        self.plain(|out| writer::put_double(out, value))
    }

    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        match value.len_utf16() {
            1 => self.serialize_str(value.encode_utf8(&mut [0; 4])),
            _ => Err(EncodeError::new(format_args!(
                "found the char U+{:X}, wanted one of a single UTF-16 unit",
                value as u32
            ))),
        }
    }

    fn serialize_str(self, text: &str) -> Result<(), EncodeError> {
        self.plain(|out| writer::put_text(out, text))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.plain(|out| writer::put_binary(out, bytes))
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.around = None;
        writer::put_null(self.out);
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
        self.object(name, &["name"])?;
        writer::put_text(self.out, variant);
        self.leave();
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), EncodeError> {
        if names::is_java(name) || name == ABOVE {
            // A date around a date: the outer one is an object whose one field is the inner.
            if let Some(outer) = self.around.take() {
                self.object(outer, &["value"])?;
                self.around = Some(name);
                self.put(value)?;
                self.leave();
                return Ok(());
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

    fn serialize_seq(self, len: Option<usize>) -> Result<Items<'e, 'b>, EncodeError> {
        let name = self.around.take().map(Cow::Borrowed);
        let place = self.list(name, len)?;
        Ok(Items { stream: self, place, done: 0 })
    }

    fn serialize_tuple(self, len: usize) -> Result<Items<'e, 'b>, EncodeError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<Dynamic<'e, 'b>, EncodeError> {
        self.around = None;
        let parts = len.saturating_sub(1);
        match name {
            LIST => Ok(Dynamic::List { stream: self, len: parts, open: false, done: 0 }),
            MAP => Ok(Dynamic::Map { stream: self, open: false }),
            OBJECT => Ok(Dynamic::Object { stream: self, len: parts, fields: None, done: 0 }),
            _ => {
                let name = names::is_java(name).then_some(Cow::Borrowed(name));
                self.list(name, Some(len))?;
                Ok(Dynamic::List { stream: self, len, open: true, done: 0 })
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

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'e, 'b>, EncodeError> {
        let name = self.around.take().map(Cow::Borrowed);
        self.map(name)?;
        Ok(Entries { stream: self, key: None })
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Object<'e, 'b>, EncodeError> {
        self.around = None;
        Object::open(self, name)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'e, 'b>, EncodeError> {
        self.around = None;
        Object::open(self, variant)
    }
}
