//! Replies that a gateway makes itself: error statuses, exceptions in an OK frame that Java does not repeat, and plain values.
//!
//! A body is never empty and never null: either ends a dubbo-go session.
//! Source: `DubboCodec.encodeResponseData`, `ThrowableSerializer` of hessian-lite, and released consumers.

use super::answer::{self, AnswerType};
use super::call::{Call, ReplyForm};
use super::frame::{Codec, HEADER_LEN, Header, Serialization, Status};
use super::rewrite::FrameBuf;
use super::value::Value;
use super::{fastjson2, hessian2};

/// Bytes of text in a reply of our own at most; longer text is cut. Provider traces are some kilobytes, and the smallest
/// limit of a consumer is 100 KB (dubbo-go before 3.3).
pub const MAX_TEXT_LEN: usize = 64 * 1024;

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
pub fn put_error(out: &mut impl FrameBuf, id: i64, status: Status, text: &str) {
    let text = if text.is_empty() { status.name() } else { text };
    put_frame(out, Serialization::HESSIAN2, status, id, |out| hessian2::writer::put_text(out, cut(text)));
}

/// Appends an OK reply whose result is a `java.lang.RuntimeException` with `text` as its message, in the request's
/// serialization and form. Where the serialization is not understood: status 40 with the same text.
pub fn put_exception(out: &mut impl FrameBuf, asked: &Asked, text: &str) {
    let text = cut(if text.is_empty() { "the gateway refused the call" } else { text });
    let Some(codec) = asked.serialization.codec() else {
        return put_error(out, asked.id, Status::BAD_REQUEST, text);
    };
    put_ok(out, asked, codec, AnswerType::Exception, [], |out| match codec {
        Codec::Hessian2 => hessian2::writer::put_runtime_exception(out, text),
        Codec::Fastjson2 => fastjson2::writer::put_runtime_exception(out, text),
    });
}

/// Appends an OK reply whose result is `value`, in the request's serialization and form. Where the serialization is not
/// understood: status 40 that says so.
pub fn put_value(out: &mut impl FrameBuf, asked: &Asked, value: Value<'_>) {
    let Some(codec) = asked.serialization.codec() else {
        let text = format!("an answer in serialization {} cannot be written here", asked.serialization);
        return put_error(out, asked.id, Status::BAD_REQUEST, &text);
    };
    let kind = if value == Value::Null { AnswerType::Null } else { AnswerType::Value };
    put_ok(out, asked, codec, kind, [], |out| value.put(out, codec));
}

/// Appends an OK reply: the type, what `value` writes unless that is null, and the attachments where the requester can read any.
/// `codec` is the request's.
pub fn put_ok<'e, B: FrameBuf>(
    out: &mut B,
    asked: &Asked,
    codec: Codec,
    kind: AnswerType,
    attachments: impl IntoIterator<Item = (&'e str, &'e str)>,
    value: impl FnOnce(&mut B),
) {
    let has_map = asked.form == ReplyForm::WithAttachments;
    let number = kind.number(asked.form);
    put_frame(out, asked.serialization, Status::OK, asked.id, |out| match codec {
        Codec::Hessian2 => {
            hessian2::writer::put_int(out, i32::from(number));
            if kind != AnswerType::Null {
                value(out);
            }
            if has_map {
                hessian2::writer::put_text_map(out, attachments);
            }
        }
        Codec::Fastjson2 => {
            fastjson2::writer::put_field(out, |out| fastjson2::writer::put_byte(out, number));
            if kind != AnswerType::Null {
                fastjson2::writer::put_field(out, value);
            }
            if has_map {
                fastjson2::writer::put_field(out, |out| fastjson2::writer::put_text_map(out, attachments));
            }
        }
    });
}

/// Appends an error reply in Hessian in place of one whose serialization differs from the request's; `false`, and nothing
/// appended, where the reply can go on as it is (an OK reply, an equal serialization, already Hessian).
pub fn reencode_error(out: &mut impl FrameBuf, header: &Header, body: &[u8], asked: Serialization) -> bool {
    let serialization = header.serialization();
    if header.status() == Status::OK || serialization == asked || serialization == Serialization::HESSIAN2 {
        return false;
    }
    let text = answer::error_text(header, body).unwrap_or_default();
    put_error(out, header.id, header.status(), &text);
    true
}

/// The beginning of `text`, so that no reply of our own is ever large.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_LEN)]
}

fn put_frame<B: FrameBuf>(
    out: &mut B,
    serialization: Serialization,
    status: Status,
    id: i64,
    body: impl FnOnce(&mut B),
) {
    let start = out.len();
    out.put_slice(&Header::reply(serialization, status, id, 0).encode());
    body(out);
    let len = out.len() - start - HEADER_LEN;
    if let Some(place) = out.get_mut(start + HEADER_LEN - 4..start + HEADER_LEN) {
        place.copy_from_slice(&(len as u32).to_be_bytes());
    }
}
