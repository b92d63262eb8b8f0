//! The parts of lists, maps and objects as serde hands them over, and those of a [`Value`](crate::Value), whose names are only known
//! as it is written.
//!
//! It never buffers a part.

use std::borrow::Cow;

use serde::ser::{self, Serialize};

use super::error::EncodeError;
use super::name::Name;
use super::names;
use super::sink::Sink;
use super::write::Writing;

/// The values of a list.
#[derive(Debug)]
pub(crate) struct Items<'e, S> {
    pub(super) writing: &'e mut Writing<S>,
    /// Where the number of values is to be written, if it was not known before.
    pub(super) place: Option<usize>,
    pub(super) done: usize,
}

impl<S: Sink> Items<'_, S> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.writing.put(value).map_err(|error| error.in_item(self.done))?;
        self.done += 1;
        Ok(())
    }

    fn close(self) {
        self.writing.sink.close_list(self.place, self.done);
        self.writing.leave();
    }
}

/// What serde has two words for is one list in Java.
macro_rules! lists {
    ($($face:ident)*) => {$(
        impl<S: Sink> ser::$face for Items<'_, S> {
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
pub(crate) struct Entries<'e, S> {
    pub(super) writing: &'e mut Writing<S>,
    /// The key of a struct's field that is written as an entry, for errors.
    pub(super) key: Option<&'static str>,
}

impl<S: Sink> ser::SerializeMap for Entries<'_, S> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.writing.put(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.writing.put(value).map_err(|error| error.in_field(self.key.unwrap_or("(value)")))
    }

    fn end(self) -> Result<(), EncodeError> {
        self.writing.sink.close_map();
        self.writing.leave();
        Ok(())
    }
}

/// The fields of a struct: of an object, or, where its name is not Java's, of a map.
#[derive(Debug)]
pub(crate) enum Object<'e, S> {
    /// Values only; the names stand in the class.
    Class(&'e mut Writing<S>),
    /// Names and values.
    Map(Entries<'e, S>),
}

impl<'e, S: Sink> Object<'e, S> {
    /// Writes the head; the names of the fields were collected just before.
    pub(super) fn open(writing: &'e mut Writing<S>, name: &'static str) -> Result<Self, EncodeError> {
        if names::is_java(name) {
            let names = writing.take_names();
            writing.object(name, &names)?;
            writing.give_names(names);
            return Ok(Self::Class(writing));
        }
        writing.map(None)?;
        Ok(Self::Map(Entries { writing, key: None }))
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), EncodeError> {
        match self {
            Self::Class(writing) => {
                writing.sink.field(name);
                writing.put(value).map_err(|error| error.in_field(name))
            }
            Self::Map(entries) => {
                entries.writing.sink.text(name);
                entries.writing.put(value).map_err(|error| error.in_field(name))
            }
        }
    }

    /// A field that this value leaves out: null in an object, whose class has it; nothing in a map.
    fn left_out(&mut self, name: &str) {
        if let Self::Class(writing) = self {
            writing.sink.field(name);
            writing.sink.null();
        }
    }

    fn close(self) -> Result<(), EncodeError> {
        let writing = match self {
            Self::Class(writing) => {
                writing.sink.close_object()?;
                writing
            }
            Self::Map(entries) => {
                entries.writing.sink.close_map();
                entries.writing
            }
        };
        writing.leave();
        Ok(())
    }
}

/// What serde has two words for is one object in Java.
macro_rules! objects {
    ($($face:ident)*) => {$(
        impl<S: Sink> ser::$face for Object<'_, S> {
            type Ok = ();
            type Error = EncodeError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), EncodeError> {
                self.field(name, value)
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), EncodeError> {
                self.left_out(name);
                Ok(())
            }

            fn end(self) -> Result<(), EncodeError> {
                self.close()
            }
        }
    )*};
}

objects! { SerializeStruct SerializeStructVariant }

/// Between the names in the head of an object; no name in Java has it, and one that does is refused.
pub(crate) const BETWEEN_NAMES: char = '\0';

/// The parts of a value whose name comes first as a part, and those of a tuple struct.
#[derive(Debug)]
pub(crate) enum Dynamic<'e, S> {
    /// The type, then the values.
    List {
        /// Where to.
        writing: &'e mut Writing<S>,
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
        writing: &'e mut Writing<S>,
        /// Whether the head is written.
        open: bool,
    },
    /// The class and the names of its fields in one text, parted by [`BETWEEN_NAMES`], then the values.
    Object {
        /// Where to.
        writing: &'e mut Writing<S>,
        /// How many values.
        len: usize,
        /// The names, once the head is written.
        fields: Option<Vec<String>>,
        /// How many values are written.
        done: usize,
    },
    /// The class, then a plain value.
    Typed {
        /// Where to.
        writing: &'e mut Writing<S>,
        /// The class, once it is known.
        class: Option<String>,
    },
}

impl<S: Sink> ser::SerializeTupleStruct for Dynamic<'_, S> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, part: &T) -> Result<(), EncodeError> {
        match self {
            Self::List { writing, len, open, done } => {
                if !*open {
                    writing.list(part.serialize(Name)?.map(Cow::Owned), Some(*len))?;
                    *open = true;
                    return Ok(());
                }
                writing.put(part).map_err(|error| error.in_item(*done))?;
                *done += 1;
            }
            Self::Map { writing, open } => {
                if !*open {
                    writing.map(part.serialize(Name)?.map(Cow::Owned))?;
                    *open = true;
                    return Ok(());
                }
                writing.put(part)?;
            }
            Self::Object { writing, fields: Some(fields), done, .. } => {
                let name = fields.get(*done).map_or("(field)", |name| name);
                writing.sink.field(name);
                writing.put(part).map_err(|error| error.in_field(name))?;
                *done += 1;
            }
            Self::Object { writing, len, fields, .. } => {
                let names = part.serialize(Name)?.unwrap_or_default();
                let mut names = names.split(BETWEEN_NAMES).map(str::to_owned);
                let class = names.next().unwrap_or_default();
                let names: Vec<String> = names.collect();
                if names.len() != *len {
                    let what = "found U+0000 in the name of a class or a field, wanted a name without";
                    return Err(EncodeError::new(what));
                }
                writing.object(class, &names)?;
                *fields = Some(names);
            }
            Self::Typed { writing, class } => match class.take() {
                None => *class = Some(part.serialize(Name)?.unwrap_or_default()),
                Some(class) => {
                    let is_text = matches!(part.serialize(Name), Ok(Some(_)));
                    let field = if is_text && !class.starts_with("java.") { "name" } else { "value" };
                    writing.typed(Cow::Owned(class), field, |writing| writing.put(part))?;
                }
            },
        }
        Ok(())
    }

    fn end(self) -> Result<(), EncodeError> {
        let writing = match self {
            Self::List { writing, done, .. } => {
                writing.sink.close_list(None, done);
                writing
            }
            Self::Object { writing, .. } => {
                writing.sink.close_object()?;
                writing
            }
            Self::Map { writing, .. } => {
                writing.sink.close_map();
                writing
            }
            Self::Typed { .. } => return Ok(()),
        };
        writing.leave();
        Ok(())
    }
}
