//! Any Java value, with what Java says of it: for generic calls, for fields whose class is not known, for exceptions.
//!
//! It never loses a type name, a class or an entry: what is read is written again as it was, but for objects that Java names twice.
//! The name of a class or field with U+0000 in it, which nothing in Java has, is read and not written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, EnumAccess, SeqAccess, VariantAccess, Visitor};
use serde::ser::{Serialize, SerializeTupleStruct, Serializer};

use crate::codec::names::{ABOVE, DATE, LIST, MAP, OBJECT, TYPED, VALUE};
use crate::codec::parts::BETWEEN_NAMES;

/// A value.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Value {
    /// Null.
    #[default]
    Null,
    /// boolean.
    Bool(bool),
    /// int; over hessian2 also byte and short.
    Int(i32),
    /// byte, over fastjson2 only.
    Byte(i8),
    /// short, over fastjson2 only.
    Short(i16),
    /// long.
    Long(i64),
    /// double; over hessian2 also float.
    Double(f64),
    /// float, over fastjson2 only.
    Float(f32),
    /// char, over fastjson2 only.
    Char(char),
    /// `java.util.Date`: milliseconds since 1970.
    Date(i64),
    /// String; over hessian2 also char.
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
    /// An object; over hessian2 the constants of enums are objects with a field `name`.
    Object {
        /// Its class.
        class: String,
        /// Its fields in Java's order.
        fields: Vec<(String, Value)>,
    },
    /// A plain value of a class, over fastjson2 only: the constant of an enum is its name as text. Written over hessian2 it is an object
    /// with one field, `name` for text of a class that is not Java's own, else `value`.
    Typed {
        /// Its class.
        class: String,
        /// The value.
        value: Box<Value>,
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
            Self::Byte(number) => Some(*number as i64),
            Self::Short(number) => Some(*number as i64),
            Self::Int(number) => Some(*number as i64),
            Self::Long(number) => Some(*number),
            _ => None,
        }
    }

    /// The class of an object, or the type of a list or map that says one.
    #[must_use]
    pub fn class(&self) -> Option<&str> {
        match self {
            Self::Object { class, .. } | Self::Typed { class, .. } => Some(class),
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
            Self::Byte(number) => out.serialize_i8(*number),
            Self::Short(number) => out.serialize_i16(*number),
            Self::Int(number) => out.serialize_i32(*number),
            Self::Long(number) => out.serialize_i64(*number),
            Self::Float(number) => out.serialize_f32(*number),
            Self::Double(number) => out.serialize_f64(*number),
            Self::Char(letter) => out.serialize_char(*letter),
            Self::Date(millis) => out.serialize_newtype_struct(DATE, millis),
            Self::Text(text) => out.serialize_str(text),
            Self::Bytes(bytes) => out.serialize_bytes(bytes),
            Self::Above(levels) => out.serialize_newtype_struct(ABOVE, levels),
            Self::Typed { class, value } => {
                let mut parts = out.serialize_tuple_struct(TYPED, 2)?;
                parts.serialize_field(class)?;
                parts.serialize_field(value)?;
                parts.end()
            }
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
        from.deserialize_enum(VALUE, &[LIST, MAP, OBJECT, TYPED, DATE, ABOVE], Any)
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

    fn visit_i8<E>(self, number: i8) -> Result<Value, E> {
        Ok(Value::Byte(number))
    }

    fn visit_i16<E>(self, number: i16) -> Result<Value, E> {
        Ok(Value::Short(number))
    }

    fn visit_i32<E>(self, number: i32) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Long(number))
    }

    fn visit_f32<E>(self, number: f32) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_char<E>(self, letter: char) -> Result<Value, E> {
        Ok(Value::Char(letter))
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
            TYPED => parts.tuple_variant(0, Parts(Kind::Typed)),
            _ => parts.tuple_variant(0, Parts(Kind::Object)),
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    List,
    Map,
    Object,
    Typed,
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
            Kind::Typed => {
                let value = Box::new(parts.next_element()?.unwrap_or_default());
                Ok(Value::Typed { class: name.unwrap_or_default(), value })
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
