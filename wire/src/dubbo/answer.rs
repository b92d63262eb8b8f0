//! What a provider's reply is: value, exception or null, with or without attachments; or an error text.
//!
//! ```text
//!   OK       type 0 exception   1 value   2 null            plain form
//!                 3 exception   4 value   5 null, then map   with attachments
//!   other    one text
//! ```
//!
//! It never decodes the value: it steps over it to reach the attachments. Bytes behind the last field (dubbo-go writes a
//! null there) belong to nobody and are left alone.
//! Source: `DecodeableRpcResult` of apache/dubbo.

use std::borrow::Cow;
use std::ops::Range;

use thiserror::Error;

use super::attachments::{Attachments, MapError};
use super::call::ReplyForm;
use super::fastjson2::{self, Fields};
use super::frame::{Codec, Header};
use super::hessian2;
use super::read::ReadError;

/// The first field of an OK reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnswerType {
    /// 0 and 3: an exception of the application.
    Exception,
    /// 1 and 4: a value.
    Value,
    /// 2 and 5: null.
    Null,
}

impl AnswerType {
    /// The number on the wire, in a form that the requester can read.
    pub(super) const fn number(self, form: ReplyForm) -> i8 {
        let plain = match self {
            Self::Exception => 0,
            Self::Value => 1,
            Self::Null => 2,
        };
        match form {
            ReplyForm::Plain => plain,
            ReplyForm::WithAttachments => plain + 3,
        }
    }
}

/// An OK reply. Offsets are into the body.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// Exception, value or null.
    pub kind: AnswerType,
    /// Where the value or the exception stands, without a length in front; empty for null.
    pub value: Range<usize>,
    /// The map of types 3 to 5; `None` for types 0 to 2.
    pub attachments: Option<Attachments<'a>>,
}

/// Why an OK reply cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AnswerError {
    /// The bytes are no reply in their serialization.
    #[error("the reply body cannot be read: {0}")]
    Malformed(#[from] ReadError),
    /// The map cannot be read, or is given as a reference.
    #[error("the reply body cannot be read: {0}")]
    Map(#[from] MapError),
    /// The first field is no type of reply.
    #[error("the reply body begins with type {found}, wanted 0 to 5")]
    Type {
        /// The number.
        found: i64,
    },
}

/// Reads an OK reply's body; `None` in a serialization that is not understood.
///
/// # Errors
/// [`AnswerError`]: the reply can still be passed on as it is, but not be edited.
pub fn peek<'a>(header: &Header, body: &'a [u8]) -> Result<Option<Answer<'a>>, AnswerError> {
    match header.serialization().codec() {
        Some(Codec::Hessian2) => hessian2(body).map(Some),
        Some(Codec::Fastjson2) => fastjson2(body).map(Some),
        None => Ok(None),
    }
}

fn hessian2(body: &[u8]) -> Result<Answer<'_>, AnswerError> {
    let mut reader = hessian2::Reader::new(body);
    let (kind, has_map) = kind(i64::from(reader.int()?))?;
    let start = reader.at();
    if kind != AnswerType::Null {
        reader.skip()?;
    }
    let value = start..reader.at();
    let attachments = if has_map { Some(Attachments::open_hessian2(body, reader)?.walk()?) } else { None };
    Ok(Answer { kind, value, attachments })
}

fn fastjson2(body: &[u8]) -> Result<Answer<'_>, AnswerError> {
    let mut fields = Fields::new(body);
    let mut reader = fastjson2::Reader::new(body, fields.field()?);
    let (kind, has_map) = kind(reader.integer()?)?;
    let value = if kind == AnswerType::Null { fields.at()..fields.at() } else { fields.field()? };
    let attachments = if has_map { Some(Attachments::open_fastjson2(body, &mut fields)?.walk()?) } else { None };
    Ok(Answer { kind, value, attachments })
}

fn kind(found: i64) -> Result<(AnswerType, bool), AnswerError> {
    match found {
        0 => Ok((AnswerType::Exception, false)),
        1 => Ok((AnswerType::Value, false)),
        2 => Ok((AnswerType::Null, false)),
        3 => Ok((AnswerType::Exception, true)),
        4 => Ok((AnswerType::Value, true)),
        5 => Ok((AnswerType::Null, true)),
        _ => Err(AnswerError::Type { found }),
    }
}

/// The text of a reply with another status than OK; `None` where it is no text or cannot be read.
#[must_use]
pub fn error_text<'a>(header: &Header, body: &'a [u8]) -> Option<Cow<'a, str>> {
    match header.serialization().codec()? {
        Codec::Hessian2 => hessian2::Reader::new(body).text_lossy().ok(),
        Codec::Fastjson2 => {
            let field = Fields::new(body).field().ok()?;
            fastjson2::Reader::new(body, field).text_lossy().ok()
        }
    }
}
