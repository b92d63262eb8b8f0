//! Asks a value for the names of its fields before it is written: a class stands in front of its objects.
//!
//! It never looks into a field.

use std::fmt::{self, Display};

use serde::ser::{Impossible, Serialize, SerializeStruct, SerializeStructVariant, Serializer};

/// Puts the names of the value's fields into `names`: all of them, also those that this value leaves out. Empty for what is no struct.
pub(super) fn collect<T: Serialize + ?Sized>(value: &T, names: &mut Vec<&'static str>) {
    names.clear();
    let _no_struct = value.serialize(Fields(names));
}

/// It is no struct, or its fields are known now.
#[derive(Debug)]
pub(super) struct Enough;

impl Display for Enough {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("no field is looked into")
    }
}

impl std::error::Error for Enough {}

impl serde::ser::Error for Enough {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

struct Fields<'n>(&'n mut Vec<&'static str>);

macro_rules! no_struct {
    ($($method:ident($($of:ty),*))*) => {
        $(fn $method(self, $(_: $of),*) -> Result<(), Enough> {
            Err(Enough)
        })*
    };
}

impl Serializer for Fields<'_> {
    type Ok = ();
    type Error = Enough;
    type SerializeSeq = Impossible<(), Enough>;
    type SerializeTuple = Impossible<(), Enough>;
    type SerializeTupleStruct = Impossible<(), Enough>;
    type SerializeTupleVariant = Impossible<(), Enough>;
    type SerializeMap = Impossible<(), Enough>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    no_struct! {
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
        serialize_str(&str)
        serialize_bytes(&[u8])
        serialize_none()
        serialize_unit()
        serialize_unit_struct(&'static str)
        serialize_unit_variant(&'static str, u32, &'static str)
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Enough> {
        Err(Enough)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Result<(), Enough> {
        Err(Enough)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Enough> {
        Err(Enough)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Enough> {
        Err(Enough)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Enough> {
        Err(Enough)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Enough> {
        Err(Enough)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Enough> {
        Err(Enough)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Enough> {
        Err(Enough)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Enough> {
        Ok(self)
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Self, Enough> {
        Ok(self)
    }
}

impl SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = Enough;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, _: &T) -> Result<(), Enough> {
        self.0.push(name);
        Ok(())
    }

    fn skip_field(&mut self, name: &'static str) -> Result<(), Enough> {
        self.0.push(name);
        Ok(())
    }

    fn end(self) -> Result<(), Enough> {
        Ok(())
    }
}

impl SerializeStructVariant for Fields<'_> {
    type Ok = ();
    type Error = Enough;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Enough> {
        SerializeStruct::serialize_field(self, name, value)
    }

    fn skip_field(&mut self, name: &'static str) -> Result<(), Enough> {
        SerializeStruct::skip_field(self, name)
    }

    fn end(self) -> Result<(), Enough> {
        Ok(())
    }
}
