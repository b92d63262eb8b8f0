//! The arguments of a call as one Rust value: a tuple takes them one by one, `()` takes none.
//!
//! ```text
//!   greet("bo", 3)      "bo" │ 3              values behind each other      (String, i32)
//!   $invoke             name │ types │ list   the list's items              the same
//! ```
//!
//! It never skips an argument that was asked for and never reads one that was not.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::codec::error::DecodeError;
use crate::serialization::Decoder;

/// The next `count` values of a stream as a `T`. `read` counts those that were begun, so that an error can say which.
pub(super) fn behind_each_other<'de, T: Deserialize<'de>>(
    decoder: &mut Decoder<'de>,
    count: usize,
    read: &mut usize,
) -> Result<T, DecodeError> {
    T::deserialize(Arguments { items: Stream(decoder), count: Some(count), read })
}

/// The items of the list that comes next as a `T`; a null is a list without any.
pub(super) fn in_a_list<'de, T: Deserialize<'de>>(
    decoder: &mut Decoder<'de>,
    read: &mut usize,
) -> Result<T, DecodeError> {
    decoder.next(List { read, wanted: PhantomData })
}

/// Values as arguments. Where their number is known, so many are wanted.
struct Arguments<'a, S> {
    items: S,
    count: Option<usize>,
    read: &'a mut usize,
}

impl<'de, S: SeqAccess<'de>> Arguments<'_, S> {
    fn of(&self, wanted: usize) -> Result<(), S::Error> {
        match self.count {
            Some(count) if count != wanted => {
                Err(S::Error::custom(format_args!("found {count} arguments, wanted {wanted}")))
            }
            _ => Ok(()),
        }
    }
}

impl<'de, S: SeqAccess<'de>> Deserializer<'de> for Arguments<'_, S> {
    type Error = S::Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, S::Error> {
        visitor.visit_seq(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, S::Error> {
        self.of(0)?;
        visitor.visit_unit()
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, S::Error> {
        self.of(len)?;
        visitor.visit_seq(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct newtype_struct
        seq tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, S: SeqAccess<'de>> SeqAccess<'de> for Arguments<'_, S> {
    type Error = S::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, S::Error> {
        if self.count.is_some_and(|count| *self.read >= count) {
            return Ok(None);
        }
        *self.read += 1;
        self.items.next_element_seed(seed)
    }
}

/// The values of a stream without an end of its own.
struct Stream<'a, 'de>(&'a mut Decoder<'de>);

impl<'de> SeqAccess<'de> for Stream<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        self.0.next(seed).map(Some)
    }
}

struct List<'a, T> {
    read: &'a mut usize,
    wanted: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for List<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<T, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<'_, T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of arguments")
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        self.visit_seq(serde::de::value::SeqDeserializer::<_, E>::new(std::iter::empty::<()>())).map_err(Error::custom)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, items: S) -> Result<T, S::Error> {
        let count = items.size_hint();
        T::deserialize(Arguments { items, count, read: self.read })
    }
}
