//! Values of what Rust has: `7_i64.into()`, `Value::from([("id", 7.into())])`, for generic calls.
//!
//! It never guesses a type: an `i32` is Java's `int`, an `i64` its `long`; a number without a suffix is an `i32`.

use crate::Value;

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(is: bool) -> Self {
        Self::Bool(is)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(number)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Long(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}

/// An `ArrayList`.
impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List { name: None, items }
    }
}

/// A `HashMap` with texts for keys, which is what a generic call has in place of an object.
///
/// ```
/// use highway_sdk::Value;
///
/// let order = Value::from([("class", "com.acme.Order".into()), ("id", 7_i64.into()), ("note", Value::Null)]);
/// assert_eq!(order.get("id"), Some(&Value::Long(7)));
/// ```
impl<const N: usize> From<[(&str, Value); N]> for Value {
    fn from(entries: [(&str, Value); N]) -> Self {
        Self::Map { name: None, entries: entries.into_iter().map(|(key, value)| (key.into(), value)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hessian2::{from_slice, to_vec};

    #[test]
    fn each_is_what_java_has_of_its_type() {
        let all = Value::from([
            ("text", "x".into()),
            ("int", 7.into()),
            ("long", 7_i64.into()),
            ("double", 0.5.into()),
            ("is", true.into()),
            ("list", vec!["a".to_owned().into(), Value::Null].into()),
        ]);
        assert_eq!(all.get("int"), Some(&Value::Int(7)));
        assert_eq!(all.get("long"), Some(&Value::Long(7)));
        assert_eq!(from_slice::<Value>(&to_vec(&all).unwrap()).unwrap(), all);
    }
}
