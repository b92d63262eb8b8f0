//! What a provider's reply is: value, exception or null, with or without attachments; or an error text.
//!
//! It never decodes the value: it steps over it to reach the attachments.
//! Source: `DecodeableRpcResult` of apache/dubbo.

use std::borrow::Cow;
use std::ops::Range;

use thiserror::Error;

use super::attachments::Attachments;
use super::frame::Header;

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

/// An OK reply. Offsets are into the body.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// Exception, value or null.
    pub kind: AnswerType,
    /// Where the value or the exception stands; empty for null.
    pub value: Range<usize>,
    /// The map of types 3 to 5; `None` for types 0 to 2.
    pub attachments: Option<Attachments<'a>>,
}

/// Why an OK reply cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AnswerError {
    /// The bytes are no reply in their serialization.
    #[error("the reply body cannot be read at byte {at}: {what}")]
    Malformed {
        /// Offset in the body.
        at: usize,
        /// What was found and what was wanted.
        what: &'static str,
    },
}

/// Reads an OK reply's body; `None` in a serialization that is not understood.
///
/// # Errors
/// [`AnswerError`]: the reply can still be passed on as it is, but not be edited.
pub fn peek<'a>(_header: &Header, _body: &'a [u8]) -> Result<Option<Answer<'a>>, AnswerError> {
    Ok(None)
}

/// The text of a reply with another status than OK; `None` where it is no text or cannot be read.
#[must_use]
pub fn error_text<'a>(_header: &Header, _body: &'a [u8]) -> Option<Cow<'a, str>> {
    None
}
