//! Replies that a gateway makes itself: error statuses, and exceptions in an OK frame that Java does not repeat.
//!
//! A body is never empty and never null: either ends a dubbo-go session.
//! Source: `DubboCodec.encodeResponseData`, `ThrowableSerializer` of hessian-lite, and released consumers.

use super::call::{Call, ReplyForm};
use super::frame::{Header, Serialization, Status};
use super::rewrite::FrameBuf;

/// What must be kept of a request to answer it later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Asked {
    /// The id on the requester's connection.
    pub id: i64,
    /// The request's serialization: an OK reply must have the same.
    pub serialization: Serialization,
    /// Which types of OK reply the requester can read.
    pub form: ReplyForm,
}

impl Asked {
    /// For a request that was read.
    #[must_use]
    pub fn of(header: &Header, call: &Call<'_>) -> Self {
        Self { id: header.id, serialization: header.serialization(), form: call.reply_form() }
    }

    /// For a request that was not or cannot be read: the old form, which everybody understands.
    #[must_use]
    pub const fn unread(header: &Header) -> Self {
        Self { id: header.id, serialization: header.serialization(), form: ReplyForm::Plain }
    }
}

/// Appends a reply with another status than OK and `text` as a Hessian string, which every consumer can read.
/// An empty `text` becomes the status's name.
pub fn put_error(_out: &mut impl FrameBuf, _id: i64, _status: Status, _text: &str) {}

/// Appends an OK reply whose result is a `java.lang.RuntimeException` with `text` as its message, in the request's
/// serialization and form. Where the serialization is not understood: status 40 with the same text.
pub fn put_exception(_out: &mut impl FrameBuf, _asked: &Asked, _text: &str) {}

/// Appends an error reply in Hessian in place of one whose serialization differs from the request's; `false`, and nothing
/// appended, where the reply can go on as it is (an OK reply, an equal serialization, already Hessian).
pub fn reencode_error(_out: &mut impl FrameBuf, _header: &Header, _body: &[u8], _asked: Serialization) -> bool {
    false
}
