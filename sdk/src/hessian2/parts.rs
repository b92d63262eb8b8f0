//! The parts of lists, maps and objects as serde hands them over, and those of a [`Value`](crate::Value), whose names are only known
//! as it is written.
//!
//! It never buffers a part.

use std::borrow::Cow;

use serde::ser::{self, Serialize};
use wire::dubbo::hessian2::writer;

use super::error::EncodeError;
use super::name::Name;
use super::names;
use super::ser::Stream;

/// The values of a list.
#[derive(Debug)]
pub(super) struct Items<'e, 'b> {
    pub(super) stream: &'e mut Stream<'b>,
    /// Where the number of values is to be written, if it was not known before.
    pub(super) place: Option<usize>,
    pub(super) done: usize,
}

impl Items<'_, '_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.stream.put(value).map_err(|error| error.in_item(self.done))?;
        self.done += 1;
        Ok(())
    }

    fn close(self) {
        if let Some(place) = self.place.and_then(|at| self.stream.out.get_mut(at..at + 4)) {
            let count = i32::try_from(self.done).unwrap_or(i32::MAX);
            place.copy_from_slice(&count.to_be_bytes());
        }
        self.stream.leave();
    }
}

/// What serde has two words for is one list in Java.
macro_rules! lists {
    ($($face:ident)*) => {$(
        impl ser::$face for Items<'_, '_> {
            type Ok = ();
            type Error = EncodeError;

            fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.item(value)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.close();
                Ok(())
            }
        }
    )*};
}

lists! { SerializeSeq SerializeTuple }

/// The keys and values of a map.
#[derive(Debug)]
pub(super) struct Entries<'e, 'b> {
    pub(super) stream: &'e mut Stream<'b>,
    /// The key of a struct's field that is written as an entry, for errors.
    pub(super) key: Option<&'static str>,
}

impl ser::SerializeMap for Entries<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.stream.put(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.stream.put(value).map_err(|error| error.in_field(self.key.unwrap_or("(value)")))
    }

    fn end(self) -> Result<(), EncodeError> {
        writer::put_end(self.stream.out);
        self.stream.leave();
        Ok(())
    }
}

/// The fields of a struct: of an object, or, where its name is not Java's, of a map.
#[derive(Debug)]
pub(super) enum Object<'e, 'b> {
    /// Values only; the names stand in the class.
    Class(&'e mut Stream<'b>),
    /// Names and values.
    Map(Entries<'e, 'b>),
}

impl<'e, 'b> Object<'e, 'b> {
    /// Writes the head; the names of the fields were collected just before.
    pub(super) fn open(stream: &'e mut Stream<'b>, name: &'static str) -> Result<Self, EncodeError> {
        if names::is_java(name) {
            let names = stream.take_names();
            stream.object(name, &names)?;
            stream.give_names(names);
            return Ok(Self::Class(stream));
        }
        stream.map(None)?;
        Ok(Self::Map(Entries { stream, key: None }))
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), EncodeError> {
        match self {
            Self::Class(stream) => stream.put(value).map_err(|error| error.in_field(name)),
            Self::Map(entries) => {
                writer::put_text(entries.stream.out, name);
                entries.stream.put(value).map_err(|error| error.in_field(name))
            }
        }
    }

    /// A field that this value leaves out: null in an object, whose class has it; nothing in a map.
    fn left_out(&mut self) {
        if let Self::Class(stream) = self {
            writer::put_null(stream.out);
        }
    }

    fn close(self) {
        match self {
            Self::Class(stream) => stream.leave(),
            Self::Map(entries) => {
                writer::put_end(entries.stream.out);
                entries.stream.leave();
            }
        }
    }
}

/// What serde has two words for is one object in Java.
macro_rules! objects {
    ($($face:ident)*) => {$(
        impl ser::$face for Object<'_, '_> {
            type Ok = ();
            type Error = EncodeError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), EncodeError> {
                self.field(name, value)
            }

            fn skip_field(&mut self, _: &'static str) -> Result<(), EncodeError> {
                self.left_out();
                Ok(())
            }

            fn end(self) -> Result<(), EncodeError> {
                self.close();
                Ok(())
            }
        }
    )*};
}

objects! { SerializeStruct SerializeStructVariant }

/// Between the names in the head of an object; no name in Java has it, and one that does is refused.
pub(crate) const BETWEEN_NAMES: char = '\0';

/// The parts of a value whose name comes first as a part, and those of a tuple struct.
#[derive(Debug)]
pub(super) enum Dynamic<'e, 'b> {
    /// The type, then the values.
    List {
        /// Where to.
        stream: &'e mut Stream<'b>,
        /// How many values.
        len: usize,
        /// Whether the head is written.
        open: bool,
        /// How many values are written.
        done: usize,
    },
    /// The type, then keys and values.
    Map {
        /// Where to.
        stream: &'e mut Stream<'b>,
        /// Whether the head is written.
        open: bool,
    },
    /// The class and the names of its fields in one text, parted by [`BETWEEN_NAMES`], then the values.
    Object {
        /// Where to.
        stream: &'e mut Stream<'b>,
        /// How many values.
        len: usize,
        /// The names, once the head is written.
        fields: Option<Vec<String>>,
        /// How many values are written.
        done: usize,
    },
}

impl ser::SerializeTupleStruct for Dynamic<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, part: &T) -> Result<(), EncodeError> {
        match self {
            Self::List { stream, len, open, done } => {
                if !*open {
                    stream.list(part.serialize(Name)?.map(Cow::Owned), Some(*len))?;
                    *open = true;
                    return Ok(());
                }
                stream.put(part).map_err(|error| error.in_item(*done))?;
                *done += 1;
            }
            Self::Map { stream, open } => {
                if !*open {
                    stream.map(part.serialize(Name)?.map(Cow::Owned))?;
                    *open = true;
                    return Ok(());
                }
                stream.put(part)?;
            }
            Self::Object { stream, fields: Some(fields), done, .. } => {
                let name = fields.get(*done).map_or("(field)", |name| name);
                stream.put(part).map_err(|error| error.in_field(name))?;
                *done += 1;
            }
            Self::Object { stream, len, fields, .. } => {
                let names = part.serialize(Name)?.unwrap_or_default();
                let mut names = names.split(BETWEEN_NAMES).map(str::to_owned);
                let class = names.next().unwrap_or_default();
                let names: Vec<String> = names.collect();
                if names.len() != *len {
                    let what = "found U+0000 in the name of a class or a field, wanted a name without";
                    return Err(EncodeError::new(what));
                }
                stream.object(class, &names)?;
                *fields = Some(names);
            }
        }
        Ok(())
    }

    fn end(self) -> Result<(), EncodeError> {
        match self {
            Self::List { stream, .. } | Self::Object { stream, .. } => stream.leave(),
            Self::Map { stream, .. } => {
                writer::put_end(stream.out);
                stream.leave();
            }
        }
        Ok(())
    }
}
