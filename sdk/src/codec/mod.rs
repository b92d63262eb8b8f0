//! Java's values by serde, whatever their serialization: which Rust type is which class, and how that fails.
//!
//! ```text
//!   T::deserialize ◀── Reading ◀── Source ◀── hessian2 or fastjson2
//!   value.serialize ─▶ Writing ─▶ Sink ────▶ hessian2 or fastjson2
//! ```
//!
//! | file | for |
//! |---|---|
//! | `source`, `quick`, `sink` | what a serialization has to say and to take |
//! | `read`, `reading`, `access`, `structs`, `whole`, `key` | what serde asks for, against what comes |
//! | `write`, `parts`, `fields`, `name`, `refused` | what serde says, as what Java has |
//! | `names` | which names are Java's |
//! | `again`, `absent` | what is said once and meant often, and what is not said |
//! | `error` | how it fails |
//!
//! It never knows a byte of a serialization.

pub(crate) mod absent;
pub(crate) mod access;
pub(crate) mod again;
pub(crate) mod error;
pub(crate) mod fields;
pub(crate) mod key;
pub(crate) mod name;
pub(crate) mod names;
pub(crate) mod parts;
pub(crate) mod quick;
pub(crate) mod read;
pub(crate) mod reading;
pub(crate) mod refused;
pub(crate) mod sink;
pub(crate) mod source;
pub(crate) mod structs;
pub(crate) mod whole;
pub(crate) mod write;
