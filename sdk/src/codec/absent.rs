//! Fields that a serialization leaves out where they are zero, and structs that want them.
//!
//! Serde does not say of a field whether it is a number: a struct is read without it, and where it says that it misses the field, this
//! is remembered, so that the second look, and every later one of this thread, finds a zero there. So a field with `#[serde(default)]` or an
//! `Option` keeps what it says of itself, and text that is missing stays missing.
//!
//! It never remembers more than the structs of a program have fields.

use std::cell::RefCell;

use rustc_hash::FxHashSet;
use serde::de::{Deserializer, Error, Visitor};
use serde::forward_to_deserialize_any;

use super::error::DecodeError;

thread_local! {
    /// The names of structs and of their fields that were missed.
    static MISSED: RefCell<FxHashSet<(&'static str, &'static str)>> = RefCell::default();
}

/// Those of these fields that this struct was found to miss.
pub(super) fn known(name: &'static str, fields: &'static [&'static str]) -> Vec<&'static str> {
    MISSED.with_borrow(|missed| {
        let of_this = |field: &&&'static str| !missed.is_empty() && missed.contains(&(name, **field));
        fields.iter().filter(of_this).copied().collect()
    })
}

/// Remembers that this struct misses the field. `false` where it was known: zero was no help then, so that it is forgotten.
pub(super) fn learn(name: &'static str, field: &'static str) -> bool {
    MISSED.with_borrow_mut(|missed| missed.insert((name, field)) || !missed.remove(&(name, field)))
}

/// What a field that is not there is: zero, if it is a number, a boolean or a char; else it is missing.
pub(crate) struct Absent(pub(super) &'static str);

macro_rules! zeroes {
    ($($method:ident $visit:ident $zero:expr),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            visitor.$visit($zero)
        })*
    };
}

impl<'de> Deserializer<'de> for Absent {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, DecodeError> {
        Err(DecodeError::missing_field(self.0))
    }

    zeroes! {
        deserialize_bool visit_bool false,
        deserialize_i8 visit_i8 0, deserialize_i16 visit_i16 0, deserialize_i32 visit_i32 0, deserialize_i64 visit_i64 0,
        deserialize_u8 visit_u8 0, deserialize_u16 visit_u16 0, deserialize_u32 visit_u32 0, deserialize_u64 visit_u64 0,
        deserialize_i128 visit_i128 0, deserialize_u128 visit_u128 0,
        deserialize_f32 visit_f32 0.0, deserialize_f64 visit_f64 0.0, deserialize_char visit_char '\0'
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
