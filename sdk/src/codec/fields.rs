//! Asks a value for the names of its fields before it is written: a class stands in front of its objects.
//!
//! It never looks into a field.

use std::fmt::{self, Display};

use serde::ser::{Serialize, SerializeStruct, SerializeStructVariant, Serializer};

use super::refused::{refuse, refuse_values};

/// Puts the names of the value's fields into `names`: all of them, also those that this value leaves out. Empty for what is no struct.
pub(super) fn collect<T: Serialize + ?Sized>(value: &T, names: &mut Vec<&'static str>) {
    names.clear();
    let _no_struct = value.serialize(Fields(names));
}

/// It is no struct, or its fields are known now.
#[derive(Debug)]
pub(crate) struct Enough;

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

impl Serializer for Fields<'_> {
    type Ok = ();
    type Error = Enough;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    refuse_values! { Enough }

    refuse! {
        Enough;
        serialize_str(&str) -> Ok
        serialize_none() -> Ok
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Enough> {
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
