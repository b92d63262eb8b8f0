//! Takes the name that stands first among the parts of a [`Value`](crate::Value): text or nothing.
//!
//! It never takes anything else.

use serde::ser::{Impossible, Serialize, Serializer};

use super::error::EncodeError;
use super::refused::{refuse, refuse_values};

/// A serializer that gives the text back.
pub(crate) struct Name;

/// Its refusal.
fn no_name() -> EncodeError {
    EncodeError::new("found a value, wanted the name of a type first")
}

impl Serializer for Name {
    type Ok = Option<String>;
    type Error = EncodeError;
    type SerializeStruct = Impossible<Option<String>, EncodeError>;
    type SerializeStructVariant = Impossible<Option<String>, EncodeError>;

    refuse_values! { no_name() }

    refuse! {
        no_name();
        serialize_struct(&'static str, usize) -> SerializeStruct
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant
    }

    fn serialize_str(self, text: &str) -> Result<Option<String>, EncodeError> {
        Ok(Some(text.to_owned()))
    }

    fn serialize_none(self) -> Result<Option<String>, EncodeError> {
        Ok(None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Option<String>, EncodeError> {
        value.serialize(self)
    }
}
