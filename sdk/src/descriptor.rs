//! Which Java type a value is an argument of: the JVM descriptor that stands in front of the arguments, by which providers since 3.0
//! look for the method.
//!
//! ```text
//!   7_i32            I                       Option<i32>   Ljava/lang/Integer;
//!   "bo"             Ljava/lang/String;      vec![…]       Ljava/util/List;
//!   Order { … }      Lcom/acme/Order;        None          nobody can tell: the caller says it
//! ```
//!
//! It looks at the value's outermost form alone, and never writes it. A parameter that is declared otherwise (a `Collection`, a base
//! class) has to be named by the caller.

use std::borrow::Cow;
use std::fmt::{self, Display};

use serde::ser::{Impossible, Serialize, Serializer};

use crate::codec::name::Name;
use crate::codec::names::{DATE, LIST, MAP, OBJECT, TYPED, is_java};
use crate::java_type::class;

/// Nothing tells the Java type of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Untold;

impl Display for Untold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("nothing tells its Java type")
    }
}

impl std::error::Error for Untold {}

impl serde::ser::Error for Untold {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

/// The descriptor of the parameter that this value is for.
pub(crate) fn of<T: Serialize + ?Sized>(value: &T) -> Result<Cow<'static, str>, Untold> {
    value.serialize(Descriptor { boxed: false })
}

struct Descriptor {
    /// Whether it may be null, so that it is an object.
    boxed: bool,
}

impl Descriptor {
    fn plain(&self, letter: &'static str, boxed: &'static str) -> Result<Cow<'static, str>, Untold> {
        Ok(Cow::Borrowed(if self.boxed { boxed } else { letter }))
    }

    fn text() -> Result<Cow<'static, str>, Untold> {
        Ok(Cow::Borrowed("Ljava/lang/String;"))
    }

    fn list() -> Cow<'static, str> {
        Cow::Borrowed("Ljava/util/List;")
    }

    fn map() -> Cow<'static, str> {
        Cow::Borrowed("Ljava/util/Map;")
    }
}

/// Takes parts that tell nothing more.
struct Told(Cow<'static, str>);

macro_rules! told {
    ($($face:ident $method:ident($($of:ty),*))*) => {
        $(impl serde::ser::$face for Told {
            type Ok = Cow<'static, str>;
            type Error = Untold;

            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $of,)* _: &T) -> Result<(), Untold> {
                Ok(())
            }

            fn end(self) -> Result<Cow<'static, str>, Untold> {
                Ok(self.0)
            }
        })*
    };
}

told! {
    SerializeSeq serialize_element()
    SerializeTuple serialize_element()
    SerializeStruct serialize_field(&'static str)
    SerializeStructVariant serialize_field(&'static str)
}

impl serde::ser::SerializeMap for Told {
    type Ok = Cow<'static, str>;
    type Error = Untold;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Untold> {
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Untold> {
        Ok(())
    }

    fn end(self) -> Result<Cow<'static, str>, Untold> {
        Ok(self.0)
    }
}

/// The parts of a [`Value`](crate::Value), the first of which may name its type.
struct Parts {
    told: Cow<'static, str>,
    first: bool,
}

impl serde::ser::SerializeTupleStruct for Parts {
    type Ok = Cow<'static, str>;
    type Error = Untold;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, part: &T) -> Result<(), Untold> {
        if std::mem::take(&mut self.first)
            && let Ok(Some(name)) = part.serialize(Name)
        {
            self.told = class(&name).into();
        }
        Ok(())
    }

    fn end(self) -> Result<Cow<'static, str>, Untold> {
        Ok(self.told)
    }
}

impl Serializer for Descriptor {
    type Ok = Cow<'static, str>;
    type Error = Untold;
    type SerializeSeq = Told;
    type SerializeTuple = Told;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Impossible<Self::Ok, Untold>;
    type SerializeMap = Told;
    type SerializeStruct = Told;
    type SerializeStructVariant = Told;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, _: bool) -> Result<Self::Ok, Untold> {
        self.plain("Z", "Ljava/lang/Boolean;")
    }

    fn serialize_i8(self, _: i8) -> Result<Self::Ok, Untold> {
        self.plain("B", "Ljava/lang/Byte;")
    }

    fn serialize_i16(self, _: i16) -> Result<Self::Ok, Untold> {
        self.plain("S", "Ljava/lang/Short;")
    }

    fn serialize_i32(self, _: i32) -> Result<Self::Ok, Untold> {
        self.plain("I", "Ljava/lang/Integer;")
    }

    fn serialize_i64(self, _: i64) -> Result<Self::Ok, Untold> {
        self.plain("J", "Ljava/lang/Long;")
    }

    fn serialize_u8(self, value: u8) -> Result<Self::Ok, Untold> {
        self.serialize_i32(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<Self::Ok, Untold> {
        self.serialize_i32(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<Self::Ok, Untold> {
        self.serialize_i64(value.into())
    }

    fn serialize_u64(self, _: u64) -> Result<Self::Ok, Untold> {
        self.serialize_i64(0)
    }

    fn serialize_f32(self, _: f32) -> Result<Self::Ok, Untold> {
        self.plain("F", "Ljava/lang/Float;")
    }

    fn serialize_f64(self, _: f64) -> Result<Self::Ok, Untold> {
        self.plain("D", "Ljava/lang/Double;")
    }

    fn serialize_char(self, _: char) -> Result<Self::Ok, Untold> {
        self.plain("C", "Ljava/lang/Character;")
    }

    fn serialize_str(self, _: &str) -> Result<Self::Ok, Untold> {
        Self::text()
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Self::Ok, Untold> {
        Ok(Cow::Borrowed("[B"))
    }

    fn serialize_none(self) -> Result<Self::Ok, Untold> {
        Err(Untold)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Self::Ok, Untold> {
        value.serialize(Self { boxed: true })
    }

    fn serialize_unit(self) -> Result<Self::Ok, Untold> {
        Err(Untold)
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<Self::Ok, Untold> {
        if is_java(name) { Ok(class(name).into()) } else { Err(Untold) }
    }

    fn serialize_unit_variant(self, name: &'static str, _: u32, _: &'static str) -> Result<Self::Ok, Untold> {
        if is_java(name) { Ok(class(name).into()) } else { Self::text() }
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Self::Ok, Untold> {
        if is_java(name) || name == DATE { Ok(class(name).into()) } else { value.serialize(self) }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<Self::Ok, Untold> {
        if is_java(name) { Ok(class(name).into()) } else { value.serialize(self) }
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Told, Untold> {
        Ok(Told(Self::list()))
    }

    fn serialize_tuple(self, _: usize) -> Result<Told, Untold> {
        Ok(Told(Self::list()))
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Parts, Untold> {
        let told = match name {
            MAP => Self::map(),
            OBJECT | TYPED => Cow::Borrowed("Ljava/lang/Object;"),
            _ if name == LIST || !is_java(name) => Self::list(),
            _ => class(name).into(),
        };
        Ok(Parts { told, first: matches!(name, MAP | OBJECT | TYPED | LIST) })
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Untold> {
        Err(Untold)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Told, Untold> {
        Ok(Told(Self::map()))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Told, Untold> {
        Ok(Told(if is_java(name) { class(name).into() } else { Self::map() }))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Told, Untold> {
        if is_java(variant) { Ok(Told(class(variant).into())) } else { Err(Untold) }
    }
}

#[cfg(test)]
#[path = "descriptor_tests.rs"]
mod tests;
