//! Java's values as Rust's, by serde, over fastjson2's JSONB as Dubbo writes it (serialization 23).
//!
//! The types and their names are those of [`hessian2`](crate::hessian2), so that one Rust type goes over either: its page says which type is
//! which class. Each value is a field of a body with its length in front, as Dubbo 3.2 and 3.3 have it.
//!
//! ```
//! use highway_sdk::java::Decimal;
//! use highway_sdk::{fastjson2, hessian2};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! #[serde(rename = "com.acme.Order", rename_all = "camelCase")]
//! struct Order {
//!     order_id: i64,
//!     total: Decimal,
//!     note: Option<String>,
//! }
//!
//! let order = Order { order_id: 7, total: "12.50".into(), note: None };
//! let bytes = fastjson2::to_vec(&order)?;
//! assert_eq!(fastjson2::from_slice::<Order>(&bytes)?, order);
//! assert_eq!(hessian2::from_slice::<Order>(&hessian2::to_vec(&order)?)?, order);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is not as there:
//!
//! | Rust | Java |
//! |---|---|
//! | a field that is not there | Java leaves out numbers, booleans and chars that are zero: these are read as zero. Others that are not there are an error unless `Option` or `#[serde(default)]` |
//! | `struct` with a Java name | also an object that says no class, as fields of exactly their declared class do |
//! | `enum` with a Java name, of unit variants | also the number of the constant, as fields that are declared so have it: the variants stand in Java's order |
//! | `enum` whose variants are classes | the variant must say its class; Java leaves it out where the field is declared with exactly that class |
//! | `i8`, `i16`, `f32`, `char` | `byte`, `short`, `float`, `char`, told from `int`, `double` and text |
//! | newtype with a Java name over a plain value | a value of that class, or one that says none |
//! | [`Value`](crate::Value) | the constant of an enum is [`Value::Typed`](crate::Value::Typed), or its number alone where the field is declared so; an object that says no class is a map |
//!
//! Classes of Java's own for which fastjson2 has a form (`BigDecimal`, `BigInteger`, `UUID`, `java.time`) are written in that form, and read into a `Value`
//! as the objects of hessian2. A `java.sql.Timestamp` comes as a local date and time without a zone: read it as
//! [`LocalDateTime`](crate::java::LocalDateTime).
//!
//! **Refused**: GB18030 text and ASCII in a wider encoding, which nothing of Dubbo writes; half a surrogate pair; symbols of a table that
//! both sides would have to know; references to what is still to come; a `BigDecimal` of more than 1024 bytes and a `BigInteger` of more
//! than 65 536; a year beyond ±32 767, of which fastjson2 keeps 16 bits. The bounds are those of `hessian2`.

mod decoder;
mod digits;
mod duration;
mod encoder;
mod forms;
mod names;
mod sink;
mod source;
mod told;

pub use decoder::Decoder;
pub use encoder::Encoder;

pub use crate::codec::again::{MAX_AGAIN_LEN, VALUE_LEN};
pub use crate::codec::error::{DecodeError, EncodeError, Place};
pub use crate::codec::reading::MAX_NESTING;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The length in front of a field takes so many bytes.
pub(crate) const FIELD_LEN: usize = 4;

/// One value as a body of its own: its length, then the value.
///
/// # Errors
/// [`EncodeError`]: something in it has no form in Java.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    Encoder::new(&mut bytes).put(value)?;
    Ok(bytes)
}

/// The value of the first field of `bytes`; what follows it is not looked at.
///
/// # Errors
/// [`DecodeError`]: the bytes are no such value.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    Decoder::new(bytes).take()
}

/// As [`from_slice`], for bytes that do not live as long as the value.
///
/// # Errors
/// [`DecodeError`]: the bytes are no such value.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    Decoder::new(bytes).take()
}
