//! Java's values as Rust's, by serde, over Hessian 2 as Dubbo writes it.
//!
//! A type says which Java class it is by its serde name; a name is Java's where it has a dot in it or begins with `[`.
//!
//! ```
//! use highway_sdk::hessian2;
//! use highway_sdk::java::Decimal;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! #[serde(rename = "com.acme.Order", rename_all = "camelCase")]
//! struct Order {
//!     order_id: i64,
//!     total: Decimal,
//!     size: Size,
//!     note: Option<String>,
//! }
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! #[serde(rename = "com.acme.Size", rename_all = "UPPERCASE")]
//! enum Size {
//!     Small,
//!     Large,
//! }
//!
//! let order = Order { order_id: 7, total: "12.50".into(), size: Size::Large, note: None };
//! let bytes = hessian2::to_vec(&order)?;
//! assert_eq!(hessian2::from_slice::<Order>(&bytes)?, order);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | Rust | Java |
//! |---|---|
//! | `struct` with a Java name | an object of that class; another class is an error. Unknown fields are left out, missing ones are an error unless `Option` or `#[serde(default)]` |
//! | `struct` without | an object of any class, or a map; written as a `HashMap` |
//! | `enum` with a Java name, of unit variants | that enum |
//! | `enum` without, of unit variants | text |
//! | `enum` whose other variants have Java names | an object of one of these classes: how a field of a base class is said |
//! | newtype with a Java name over a list or map | a list, set, array or map of that type: `[int`, `java.util.TreeMap`. Read from any |
//! | newtype with a Java name over a plain value | an object with the one field `value`: `java.util.UUID`, `AtomicLong` |
//! | `Option` | null or the value; null for anything else is an error |
//! | `i8`, `i16`, `i32`, `u8`, `u16` | `int` (Java takes it for `byte` and `short` too) |
//! | `i64`, `u32`, `u64` up to `i64::MAX` | `long` |
//! | `f32`, `f64` | `double`; an `f32` by its digits, as Java does it |
//! | `bool`, `char`, `String` | `boolean`, `char`, `String` |
//! | [`java::Bytes`](crate::java::Bytes) | `byte[]`, which can also be read into a `Vec<u8>` |
//! | `Vec`, tuples, sets, slices | `ArrayList`; read from any list, set or array |
//! | maps | `HashMap`; read from any map, or from an object's fields |
//! | [`Value`](crate::Value) | anything |
//!
//! **Shared references and cycles.** A Rust value is a tree: an object that Java names twice is read twice, and written twice. An object that
//! contains itself has no typed form and is an error that says where; `Value` holds it as [`Value::Above`](crate::Value::Above). Fields
//! that are not asked for may be as tangled as they like.
//!
//! **Beside other implementations** (`tests/tests/sdk_values`, `tests/tests/sdk_others`). What hessian-lite, Caucho's Hessian and hessian.js write is read,
//! and what is written is the same to them; of the last in the same bytes too, but for the length of chunks. hessian.js itself has no dates beyond
//! 8.64e15 ms and no -0.0, makes an `Error` of an exception, leaves out the fields `this$0`, keeps one of two fields of one name, puts fields called by a
//! number first, and writes all objects of a class with the fields of the first.
//!
//! For a count that it has only been told it reserves what serde takes on trust, a megabyte at most. It never nests deeper than
//! [`MAX_NESTING`], and what is said once and meant often (values by references, names by number) comes to at most
//! [`MAX_AGAIN_LEN`] bytes, or [`VALUE_LEN`] for each byte of the stream where that is more: a few bytes cannot become a gigabyte.

mod decoder;
mod encoder;
mod sink;
mod source;

pub use decoder::Decoder;
pub use encoder::Encoder;

pub use crate::codec::again::{MAX_AGAIN_LEN, VALUE_LEN};
pub use crate::codec::error::{DecodeError, EncodeError, Place};
pub use crate::codec::reading::MAX_NESTING;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// One value as a stream of its own.
///
/// # Errors
/// [`EncodeError`]: something in it has no form in Java.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    Encoder::new(&mut bytes).put(value)?;
    Ok(bytes)
}

/// The value at the front of `bytes`, which must begin a stream; what follows it is not looked at.
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
