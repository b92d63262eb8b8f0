//! Any Java value, with what Java says of it: for generic calls, for fields whose class is not known, for exceptions.
//!
//! It never loses a type name, a class or an entry: what is read is written again as it was, but for objects that Java names twice.
//! The name of a class or field with U+0000 in it, which nothing in Java has, is read and not written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, EnumAccess, SeqAccess, VariantAccess, Visitor};
use serde::ser::{Serialize, SerializeTupleStruct, Serializer};

use crate::hessian2::{ABOVE, BETWEEN_NAMES, DATE, LIST, MAP, OBJECT, VALUE};

/// A value.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Value {
    /// Null.
    #[default]
    Null,
    /// boolean.
    Bool(bool),
    /// byte, short, int.
    Int(i32),
    /// long.
    Long(i64),
    /// float, double.
    Double(f64),
    /// `java.util.Date`: milliseconds since 1970.
    Date(i64),
    /// String, char.
    Text(String),
    /// `byte[]`.
    Bytes(Vec<u8>),
    /// A list, set or array.
    List {
        /// Its type, `[int`, `java.util.HashSet`; `None` is an `ArrayList`.
        name: Option<String>,
        /// Its values.
        items: Vec<Value>,
    },
    /// A map.
    Map {
        /// Its type, `java.util.TreeMap`; `None` is a `HashMap`.
        name: Option<String>,
        /// Keys and values in Java's order.
        entries: Vec<(Value, Value)>,
    },
    /// An object; the constants of enums are objects with a field `name`.
    Object {
        /// Its class.
        class: String,
        /// Its fields in Java's order.
        fields: Vec<(String, Value)>,
    },
    /// The list, map or object so many levels above this value: 0 is the one that it is a part of, as the `cause` of an exception that has
    /// none is the exception itself.
    Above(u64),
}

impl Value {
    /// What an object has in this field, or a map under this text.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object { fields, .. } => fields.iter().find(|(field, _)| field == name).map(|(_, value)| value),
            Self::Map { entries, .. } => {
                entries.iter().find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is a whole one.
    #[must_use]
    pub const fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number as i64),
            Self::Long(number) => Some(*number),
            _ => None,
        }
    }

    /// The class of an object, or the type of a list or map that says one.
    #[must_use]
    pub fn class(&self) -> Option<&str> {
        match self {
            Self::Object { class, .. } => Some(class),
            Self::List { name, .. } | Self::Map { name, .. } => name.as_deref(),
            _ => None,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => out.serialize_unit(),
            Self::Bool(value) => out.serialize_bool(*value),
            Self::Int(number) => out.serialize_i32(*number),
            Self::Long(number) => out.serialize_i64(*number),
            Self::Double(number) => out.serialize_f64(*number),
            Self::Date(millis) => out.serialize_newtype_struct(DATE, millis),
            Self::Text(text) => out.serialize_str(text),
            Self::Bytes(bytes) => out.serialize_bytes(bytes),
            Self::Above(levels) => out.serialize_newtype_struct(ABOVE, levels),
            Self::List { name, items } => {
                let mut parts = out.serialize_tuple_struct(LIST, 1 + items.len())?;
                parts.serialize_field(name)?;
                items.iter().try_for_each(|item| parts.serialize_field(item))?;
                parts.end()
            }
            Self::Map { name, entries } => {
                let mut parts = out.serialize_tuple_struct(MAP, 1 + 2 * entries.len())?;
                parts.serialize_field(name)?;
                for (key, value) in entries {
                    parts.serialize_field(key)?;
                    parts.serialize_field(value)?;
                }
                parts.end()
            }
            Self::Object { class, fields } => {
                let mut parts = out.serialize_tuple_struct(OBJECT, 1 + fields.len())?;
                let mut names = class.clone();
                for (name, _) in fields {
                    names.push(BETWEEN_NAMES);
                    names.push_str(name);
                }
                parts.serialize_field(&names)?;
                fields.iter().try_for_each(|(_, value)| parts.serialize_field(value))?;
                parts.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_enum(VALUE, &[LIST, MAP, OBJECT, DATE, ABOVE], Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i32<E>(self, number: i32) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Long(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Double(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(bytes.to_owned()))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Value, E> {
        Ok(Value::Bytes(bytes))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let (kind, parts) = access.variant::<String>()?;
        match &*kind {
            DATE => parts.newtype_variant().map(Value::Date),
            ABOVE => parts.newtype_variant().map(Value::Above),
            LIST => parts.tuple_variant(0, Parts(Kind::List)),
            MAP => parts.tuple_variant(0, Parts(Kind::Map)),
            _ => parts.tuple_variant(0, Parts(Kind::Object)),
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    List,
    Map,
    Object,
}

struct Parts(Kind);

impl<'de> Visitor<'de> for Parts {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the parts of a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Value, A::Error> {
        let name: Option<String> = parts.next_element()?.unwrap_or_default();
        match self.0 {
            Kind::List => {
                let mut items = Vec::new();
                while let Some(item) = parts.next_element()? {
                    items.push(item);
                }
                Ok(Value::List { name, items })
            }
            Kind::Map => {
                let mut entries = Vec::new();
                while let Some(key) = parts.next_element()? {
                    entries.push((key, parts.next_element()?.unwrap_or_default()));
                }
                Ok(Value::Map { name, entries })
            }
            Kind::Object => {
                let mut fields = Vec::new();
                while let Some(field) = parts.next_element()? {
                    fields.push((field, parts.next_element()?.unwrap_or_default()));
                }
                Ok(Value::Object { class: name.unwrap_or_default(), fields })
            }
        }
    }
}
