//! Hessian 2 as Dubbo speaks it: a bare stream of values without the header and envelopes of the published draft.
//!
//! | file | for |
//! |---|---|
//! | [`Reader`] | stepping over values exactly, reading text and numbers where they are wanted |
//! | [`Pull`] | one value after the other with its class, type and number: for decoders |
//! | [`Document`] | one value with everything in it, references included: metadata, results in tests |
//! | [`writer`] | each kind of value; maps and lists of strings; a `RuntimeException` |
//!
//! It knows hessian-lite's dialect (`5f` is thousandths) and CESU-8 text. It never recurses on a peer's word when
//! stepping, and never reserves memory for a count that it has only been told.
//! Source: `Hessian2Input` and `Hessian2Output` of apache/dubbo-hessian-lite.

mod document;
mod inner;
mod pull;
mod reader;
mod text;
pub mod writer;

pub(in crate::dubbo) use inner::find_path;

pub use document::{Document, MAX_NESTING, MAX_VALUES, Shape, Value};
pub use pull::{Class, Item, Pull};
pub use reader::{Reader, Tag};
