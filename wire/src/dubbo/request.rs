//! Requests that a gateway makes itself: asking a provider for its metadata, probing it with `$echo`.
//!
//! It writes strings, nulls and numbers as arguments; it never makes objects.

use super::frame::Codec;
use super::rewrite::FrameBuf;

/// An argument.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arg<'e> {
    /// Null.
    Null,
    /// A string.
    Text(&'e str),
    /// An int.
    Int(i32),
    /// A long.
    Long(i64),
    /// A boolean.
    Bool(bool),
    /// A `byte[]`.
    Bytes(&'e [u8]),
}

/// A two-way request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'e> {
    /// How to write it.
    pub codec: Codec,
    /// The interface; also the path.
    pub service: &'e str,
    /// The version, `None` for none.
    pub version: Option<&'e str>,
    /// The group, `None` for none.
    pub group: Option<&'e str>,
    /// The method.
    pub method: &'e str,
    /// JVM descriptors of the parameters, one for each of `args`.
    pub types: &'e str,
    /// The arguments.
    pub args: &'e [Arg<'e>],
    /// Attachments beside `path`, `interface`, `version` and `group`.
    pub attachments: &'e [(&'e str, &'e str)],
}

impl Request<'_> {
    /// Appends the frame to `out` and returns its length.
    pub fn append(&self, _out: &mut impl FrameBuf, _id: i64) -> usize {
        0
    }
}
