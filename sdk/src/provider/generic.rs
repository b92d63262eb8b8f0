//! Answers to generic calls: an object is a map that says its class, since the consumer has no class of ours.
//!
//! ```text
//!   com.acme.Order { id: 7 }   ─▶   { "class": "com.acme.Order", "id": 7 }
//! ```
//!
//! The constant of an enum is its name, as Java answers it, in fastjson2; in hessian2, where it looks like an object, such a map. It never
//! changes a list, a map or a plain value.
//! Source: `PojoUtils.generalize` of apache/dubbo.

use wire::dubbo::frame::Status;

use super::answer::Answer;
use super::lookup::refuse;
use super::thrown::Refusal;
use crate::{Value, serialization};

/// Classes that every JDK has, and every consumer of whatever kind.
const OF_THE_JDK: &str = "java.";

/// The same answer with maps in place of objects.
pub(super) fn without_classes(answer: Answer) -> Result<Answer, Refusal> {
    let (codec, bytes) = answer.bytes();
    let value: Value = serialization::from_bytes(codec, bytes)
        .map_err(|error| refuse(Status::BAD_RESPONSE, format!("the result of a generic call: {error}")))?;
    Answer::of(codec, &maps(value)).map_err(|thrown| refuse(Status::BAD_RESPONSE, thrown.to_string()))
}

fn maps(value: Value) -> Value {
    match value {
        Value::Object { class, fields } if !class.starts_with(OF_THE_JDK) => {
            let named = fields.into_iter().map(|(name, value)| (Value::Text(name), maps(value)));
            let class = (Value::Text("class".to_owned()), Value::Text(class));
            Value::Map { name: None, entries: std::iter::once(class).chain(named).collect() }
        }
        Value::List { name, items } => Value::List { name, items: items.into_iter().map(maps).collect() },
        Value::Map { name, entries } => {
            Value::Map { name, entries: entries.into_iter().map(|(key, value)| (key, maps(value))).collect() }
        }
        Value::Typed { class, value } if !class.starts_with(OF_THE_JDK) => *value,
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use wire::dubbo::frame::Codec;

    use super::*;

    #[test]
    fn objects_are_maps_with_their_class_and_the_jdks_stay() {
        #[derive(Serialize)]
        #[serde(rename = "com.acme.Order")]
        struct Order {
            id: i64,
            total: crate::java::Decimal,
            size: Size,
            parts: Vec<Order>,
        }
        #[derive(Clone, Copy, Serialize)]
        #[serde(rename = "com.acme.Size", rename_all = "UPPERCASE")]
        enum Size {
            Large,
        }
        for codec in [Codec::Hessian2, Codec::Fastjson2] {
            let order = |id, parts| Order { id, total: "1.5".into(), size: Size::Large, parts };
            let answer = Answer::of(codec, &order(7, vec![order(8, vec![])])).unwrap();
            let answer = without_classes(answer).unwrap();
            let value: Value = serialization::from_bytes(codec, answer.bytes().1).unwrap();
            assert_eq!(value.get("class").and_then(Value::as_str), Some("com.acme.Order"));
            assert_eq!(value.get("total").and_then(Value::class), Some("java.math.BigDecimal"));
            let size = value.get("size").unwrap();
            assert_eq!(size.as_str().or_else(|| size.get("name")?.as_str()), Some("LARGE"), "{size:?}");
            assert_eq!(size.class(), None, "{size:?}");
            let Some(Value::List { items, .. }) = value.get("parts") else { panic!("{value:?}") };
            assert_eq!(items[0].get("id"), Some(&Value::Long(8)));
        }
    }
}
