//! JSONB of fastjson2 as Dubbo carries it: every field of a body has its length in front.
//!
//! ```text
//!   body    | len (i32) | JSONB | len | JSONB | ...        version, service, ..., each argument, the map
//! ```
//!
//! | file | for |
//! |---|---|
//! | [`Fields`] | taking a body apart without knowing JSONB |
//! | [`Reader`] | stepping over one field's JSONB exactly, reading text and numbers where they are wanted |
//! | [`Pull`] | one value after the other for decoders, with names by their numbers and what references lead to |
//! | [`writer`] | each value in its shortest form, a `RuntimeException` |
//!
//! It never recurses on a peer's word.
//! Source: `FastJson2ObjectInput`/`Output` of apache/dubbo, the JSONB format of alibaba/fastjson2, frames of 3.2 and 3.3.

mod fields;
mod path;
mod pull;
mod reader;
mod text;
pub mod writer;

pub use fields::Fields;
pub use path::path_of;
pub use pull::{Clock, Day, Item, Pull, Whole};
pub use reader::{Reader, Tag};
