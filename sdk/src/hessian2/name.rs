//! Takes the name that stands first among the parts of a [`Value`](crate::Value): text or nothing.
//!
//! It never takes anything else.

use serde::ser::{Impossible, Serialize, Serializer};

use super::error::EncodeError;

/// A serializer that gives the text back.
pub(super) struct Name;

/// Its refusal.
fn no_name<T>() -> Result<T, EncodeError> {
    Err(EncodeError::new("found a value, wanted the name of a type first"))
}

macro_rules! refused {
    ($($method:ident($($of:ty),*))*) => {
        $(fn $method(self, $(_: $of),*) -> Result<Option<String>, EncodeError> {
            no_name()
        })*
    };
}

macro_rules! refused_parts {
    ($($method:ident($($of:ty),*))*) => {
        $(fn $method(self, $(_: $of),*) -> Result<Impossible<Option<String>, EncodeError>, EncodeError> {
            no_name()
        })*
    };
}

impl Serializer for Name {
    type Ok = Option<String>;
    type Error = EncodeError;
    type SerializeSeq = Impossible<Option<String>, EncodeError>;
    type SerializeTuple = Impossible<Option<String>, EncodeError>;
    type SerializeTupleStruct = Impossible<Option<String>, EncodeError>;
    type SerializeTupleVariant = Impossible<Option<String>, EncodeError>;
    type SerializeMap = Impossible<Option<String>, EncodeError>;
    type SerializeStruct = Impossible<Option<String>, EncodeError>;
    type SerializeStructVariant = Impossible<Option<String>, EncodeError>;

    fn serialize_str(self, text: &str) -> Result<Option<String>, EncodeError> {
        Ok(Some(text.to_owned()))
    }

    fn serialize_none(self) -> Result<Option<String>, EncodeError> {
        Ok(None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Option<String>, EncodeError> {
        value.serialize(self)
    }

    refused! {
        serialize_bool(bool)
        serialize_i8(i8)
        serialize_i16(i16)
        serialize_i32(i32)
        serialize_i64(i64)
        serialize_u8(u8)
        serialize_u16(u16)
        serialize_u32(u32)
        serialize_u64(u64)
        serialize_f32(f32)
        serialize_f64(f64)
        serialize_char(char)
        serialize_bytes(&[u8])
        serialize_unit()
        serialize_unit_struct(&'static str)
        serialize_unit_variant(&'static str, u32, &'static str)
    }

    refused_parts! {
        serialize_seq(Option<usize>)
        serialize_tuple(usize)
        serialize_tuple_struct(&'static str, usize)
        serialize_tuple_variant(&'static str, u32, &'static str, usize)
        serialize_map(Option<usize>)
        serialize_struct(&'static str, usize)
        serialize_struct_variant(&'static str, u32, &'static str, usize)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<Option<String>, EncodeError> {
        no_name()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Option<String>, EncodeError> {
        no_name()
    }
}
