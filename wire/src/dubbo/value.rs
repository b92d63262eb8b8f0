//! The plain values that a gateway writes itself, as arguments of its own requests and as results of its own replies.
//!
//! It never makes objects, lists or maps: their classes are the application's. Whoever has some brings them written.

use super::fastjson2;
use super::frame::Codec;
use super::hessian2;
use super::rewrite::FrameBuf;

/// A value. On the wire it is of one Java type, and a consumer whose method returns another one cannot take it: an `Int`
/// for a `long` is a `ClassCastException`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'e> {
    /// Null; also what a `void` method returns.
    Null,
    /// A `String`.
    Text(&'e str),
    /// An `int` or `Integer`.
    Int(i32),
    /// A `long` or `Long`.
    Long(i64),
    /// A `boolean` or `Boolean`.
    Bool(bool),
    /// A `byte[]`.
    Bytes(&'e [u8]),
    /// What was written before in the codec that it goes into.
    Written(&'e [u8]),
}

impl Value<'_> {
    /// Appends the value, in fastjson2 without the length in front of it.
    pub(super) fn put(self, out: &mut impl FrameBuf, codec: Codec) {
        match codec {
            Codec::Hessian2 => match self {
                Self::Null => hessian2::writer::put_null(out),
                Self::Text(text) => hessian2::writer::put_text(out, text),
                Self::Int(number) => hessian2::writer::put_int(out, number),
                Self::Long(number) => hessian2::writer::put_long(out, number),
                Self::Bool(value) => hessian2::writer::put_bool(out, value),
                Self::Bytes(bytes) => hessian2::writer::put_binary(out, bytes),
                Self::Written(bytes) => out.put_slice(bytes),
            },
            Codec::Fastjson2 => match self {
                Self::Null => fastjson2::writer::put_null(out),
                Self::Text(text) => fastjson2::writer::put_text(out, text),
                Self::Int(number) => fastjson2::writer::put_int(out, number),
                Self::Long(number) => fastjson2::writer::put_long(out, number),
                Self::Bool(value) => fastjson2::writer::put_bool(out, value),
                Self::Bytes(bytes) => fastjson2::writer::put_binary(out, bytes),
                Self::Written(bytes) => out.put_slice(bytes),
            },
        }
    }
}
