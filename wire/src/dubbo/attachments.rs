//! The map of strings at the end of a request or a reply: where it stands and what is in it.
//!
//! ```text
//!   map                48 │ key value │ key value │ 5a      hessian2: 48, or 4d and a type
//!             len │     a6 │ key value │ key value │ a5      fastjson2: a6, perhaps 92 and a type before
//!                    start  first                   last end
//! ```
//!
//! It keeps offsets and reads entries when asked; it never copies the map and never follows a reference.
//!
//! Long because: both codecs write the same map, and one cursor reads it.

use std::borrow::Cow;
use std::ops::Range;

use thiserror::Error;

use super::fastjson2::{self, Fields};
use super::frame::Codec;
use super::hessian2;
use super::read::{ReadError, ascii_len};

mod plain;

pub use plain::mark;

/// A map of attachments inside a body. Offsets are into that body.
#[derive(Debug, Clone)]
pub struct Attachments<'a> {
    body: &'a [u8],
    /// At the first entry.
    cursor: Cursor<'a>,
    map: Range<usize>,
    entries: Range<usize>,
    is_null: bool,
    /// How far all of it is known to be ASCII, from the first entry on.
    ascii_end: usize,
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
    /// Another plain value: boolean, double, date, bytes, text that is not well-formed.
    Plain,
    /// A list, map, object or reference.
    Nested,
}

/// Why the end of a body is no map of attachments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MapError {
    /// The bytes cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The map is given as a reference. Providers follow it into the arguments.
    #[error("the attachments at byte {at} are a reference to an earlier value, wanted a map of their own")]
    Reference {
        /// Where.
        at: usize,
    },
    /// A key is no text.
    #[error("an attachment's key at byte {at} begins with {found:#04x}, wanted text")]
    Key {
        /// Where.
        at: usize,
        /// The first byte of the key.
        found: u8,
    },
}

/// What kind of value an entry has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Null,
    Plain,
    Nested,
}

/// A place among the entries of a map, in either codec.
#[derive(Debug, Clone)]
pub(super) enum Cursor<'a> {
    Hessian2(hessian2::Reader<'a>),
    Fastjson2(fastjson2::Reader<'a>),
}

/// An entry as it stands in the bytes.
#[derive(Debug, Clone)]
pub(super) struct RawEntry<'a> {
    pub(super) key: Cow<'a, str>,
    pub(super) kind: Kind,
    pub(super) at: usize,
    pub(super) value_at: usize,
    pub(super) end: usize,
    /// Bytes elsewhere in the stream may lean on this entry: it has a number or a symbol, or refers to one.
    pub(super) is_entangled: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn at(&self) -> usize {
        match self {
            Self::Hessian2(reader) => reader.at(),
            Self::Fastjson2(reader) => reader.at(),
        }
    }

    /// Goes on to an entry further on, over entries that define nothing; only in hessian2 is there ever such a one.
    fn set_at(&mut self, at: usize) {
        if let Self::Hessian2(reader) = self {
            reader.set_at(at);
        }
    }

    /// Short ASCII text, or nothing read. Almost every key and value is; that way is much faster than the general one.
    #[inline]
    pub(super) fn short_text(&mut self) -> Option<&'a str> {
        match self {
            Self::Hessian2(reader) => reader.short_ascii(),
            Self::Fastjson2(reader) => reader.short_ascii(),
        }
    }

    /// The next key, or `None` after the end marker.
    pub(super) fn key(&mut self, body: &[u8]) -> Result<Option<Cow<'a, str>>, MapError> {
        let at = self.at();
        let (ended, is_text) = match self {
            Self::Hessian2(reader) => (reader.end()?, reader.tag() == Some(hessian2::Tag::Text)),
            Self::Fastjson2(reader) => (
                reader.end()?,
                matches!(reader.tag(), Some(fastjson2::Tag::Text | fastjson2::Tag::Symbol))
                    && !reader.is_symbol_number(),
            ),
        };
        if ended {
            return Ok(None);
        }
        if !is_text {
            return Err(MapError::Key { at, found: body.get(at).copied().unwrap_or_default() });
        }
        match self {
            Self::Hessian2(reader) => Ok(Some(reader.text()?)),
            Self::Fastjson2(reader) => Ok(Some(reader.key()?)),
        }
    }

    /// The same, most keys by the fast way.
    #[inline]
    fn next_key(&mut self, body: &[u8]) -> Result<Option<Cow<'a, str>>, MapError> {
        match self.short_text() {
            Some(key) => Ok(Some(Cow::Borrowed(key))),
            None => self.key(body),
        }
    }

    /// The text that comes next, or the digits of the number; `None` where it is neither. It stays where it is.
    fn shown(&self) -> Option<Cow<'a, str>> {
        match self.kind() {
            Kind::Text => self.clone().text().ok(),
            Kind::Integer => self.clone().integer().ok().map(|number| Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Hessian2(reader) => match reader.tag() {
                Some(hessian2::Tag::Text) => Kind::Text,
                Some(hessian2::Tag::Integer) => Kind::Integer,
                Some(hessian2::Tag::Null) => Kind::Null,
                Some(hessian2::Tag::Map | hessian2::Tag::Reference | hessian2::Tag::Nested) => Kind::Nested,
                _ => Kind::Plain,
            },
            Self::Fastjson2(reader) => match reader.tag() {
                Some(fastjson2::Tag::Text) => Kind::Text,
                Some(fastjson2::Tag::Integer) => Kind::Integer,
                Some(fastjson2::Tag::Null) => Kind::Null,
                Some(fastjson2::Tag::Plain | fastjson2::Tag::End) | None => Kind::Plain,
                Some(_) => Kind::Nested,
            },
        }
    }

    pub(super) fn text(&mut self) -> Result<Cow<'a, str>, ReadError> {
        match self {
            Self::Hessian2(reader) => reader.text(),
            Self::Fastjson2(reader) => reader.text(),
        }
    }

    pub(super) fn integer(&mut self) -> Result<i64, ReadError> {
        match self {
            Self::Hessian2(reader) => reader.integer(),
            Self::Fastjson2(reader) => reader.integer(),
        }
    }

    pub(super) fn skip(&mut self) -> Result<(), ReadError> {
        match self {
            Self::Hessian2(reader) => reader.skip(),
            Self::Fastjson2(reader) => reader.skip(),
        }
    }

    /// The next entry with its value stepped over.
    pub(super) fn entry(&mut self, body: &[u8]) -> Result<Option<RawEntry<'a>>, MapError> {
        let at = self.at();
        let Some(key) = self.next_key(body)? else { return Ok(None) };
        let value_at = self.at();
        let kind = if self.short_text().is_some() {
            Kind::Text
        } else {
            let kind = self.kind();
            self.skip()?;
            kind
        };
        let is_symbol = matches!(self, Self::Fastjson2(_)) && body.get(at) == Some(&0x7f);
        let is_entangled = kind == Kind::Nested || is_symbol;
        Ok(Some(RawEntry { key, kind, at, value_at, end: self.at(), is_entangled }))
    }
}

impl<'a> Attachments<'a> {
    /// The map that comes next in a Hessian stream; its entries are not read yet, see [`Attachments::close`].
    pub(super) fn open_hessian2(body: &'a [u8], mut reader: hessian2::Reader<'a>) -> Result<Self, MapError> {
        let start = reader.at();
        let is_null = match reader.tag() {
            Some(hessian2::Tag::Null) => reader.null(),
            Some(hessian2::Tag::Reference) => return Err(MapError::Reference { at: start }),
            _ => {
                reader.open_map()?;
                false
            }
        };
        Ok(Self::at(body, Cursor::Hessian2(reader), start, is_null))
    }

    /// The map in the next field of a fastjson2 body; its entries are not read yet, see [`Attachments::close`].
    pub(super) fn open_fastjson2(body: &'a [u8], fields: &mut Fields<'a>) -> Result<Self, MapError> {
        let field = fields.field()?;
        let start = field.start;
        let mut reader = fastjson2::Reader::new(body, field);
        let is_null = match reader.tag() {
            Some(fastjson2::Tag::Null) => reader.null(),
            Some(fastjson2::Tag::Reference) => return Err(MapError::Reference { at: start }),
            _ => {
                reader.open_map()?;
                false
            }
        };
        Ok(Self::at(body, Cursor::Fastjson2(reader), start, is_null))
    }

    fn at(body: &'a [u8], cursor: Cursor<'a>, start: usize, is_null: bool) -> Self {
        let first = cursor.at();
        Self { body, cursor, map: start..first, entries: first..first, is_null, ascii_end: first }
    }

    /// The whole body that the map stands in.
    pub(super) const fn body(&self) -> &'a [u8] {
        self.body
    }

    pub(super) fn cursor(&self) -> Cursor<'a> {
        self.cursor.clone()
    }

    /// Says where the entries end, by a cursor that has passed the end marker (or a null).
    pub(super) fn close(&mut self, cursor: &Cursor<'a>) -> Result<(), MapError> {
        let end = cursor.at();
        self.map.end = end;
        self.entries.end = if self.is_null { end } else { end - 1 };
        if let Cursor::Hessian2(reader) = cursor
            && let Some(seen) = reader.known_ascii_end(self.entries.start)
        {
            self.ascii_end = seen.min(self.entries.end);
        }
        match cursor {
            Cursor::Fastjson2(reader) if !reader.is_done() => {
                let found = self.body.get(end).copied().unwrap_or_default();
                Err(ReadError::Unexpected { at: end, found, wanted: "the end of the attachments' field" }.into())
            }
            _ => Ok(()),
        }
    }

    /// Reads all entries once and closes the map.
    pub(super) fn walk(mut self) -> Result<Self, MapError> {
        let mut cursor = self.cursor();
        if !self.is_null {
            while cursor.entry(self.body)?.is_some() {}
        }
        self.close(&cursor)?;
        Ok(self)
    }

    /// How it is written.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        match self.cursor {
            Cursor::Hessian2(_) => Codec::Hessian2,
            Cursor::Fastjson2(_) => Codec::Fastjson2,
        }
    }

    /// Whether the map is a null.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        self.is_null
    }

    /// Where the map stands, its type and end marker included; a fastjson2 length stands in the four bytes before.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.map.clone()
    }

    /// Where its entries stand: strings can be spliced in at the end of this range.
    #[must_use]
    pub fn entries_range(&self) -> Range<usize> {
        self.entries.clone()
    }

    /// The entries in the order of the wire.
    pub fn iter(&self) -> impl Iterator<Item = Attachment<'a>> + use<'a> {
        let (body, mut cursor, is_null) = (self.body, self.cursor.clone(), self.is_null);
        std::iter::from_fn(move || {
            if is_null {
                return None;
            }
            let before = cursor.clone();
            // The whole map was read before, so an error cannot come.
            let entry = cursor.entry(body).ok().flatten()?;
            let value = Self::value(before, body, &entry);
            Some(Attachment { key: entry.key, value, at: entry.at..entry.end })
        })
    }

    fn value(mut cursor: Cursor<'a>, body: &[u8], entry: &RawEntry<'a>) -> AttachmentValue<'a> {
        if cursor.key(body).is_err() {
            return AttachmentValue::Plain;
        }
        match entry.kind {
            Kind::Text => cursor.text().map_or(AttachmentValue::Plain, AttachmentValue::Text),
            Kind::Integer => cursor.integer().map_or(AttachmentValue::Plain, AttachmentValue::Integer),
            Kind::Null => AttachmentValue::Null,
            Kind::Plain => AttachmentValue::Plain,
            Kind::Nested => AttachmentValue::Nested,
        }
    }

    /// Hands over what stands under each key that has one of these [`mark`]s, in the order of the wire: the text, or the digits of the
    /// number; `None` where it is neither. A key may come again, and of equal keys providers read the last.
    pub fn each(&self, marks: u64, mut found: impl FnMut(&str, Option<Cow<'a, str>>)) {
        if self.is_null {
            return;
        }
        let first = self.entries.start;
        let end = match self.codec() {
            Codec::Hessian2 => self.entries.end,
            // Its texts begin otherwise.
            Codec::Fastjson2 => first,
        };
        let seen = self.ascii_end.min(end);
        let ascii_end = seen + self.body.get(seen..end).map_or(0, ascii_len);
        let ascii = self.body.get(..ascii_end).unwrap_or_default();
        let behind = plain::each(ascii, first, marks, |key, text| {
            if let (Ok(key), Ok(text)) = (str::from_utf8(key), str::from_utf8(text)) {
                found(key, Some(Cow::Borrowed(text)));
            }
        });
        if behind < self.entries.end {
            let mut cursor = self.cursor();
            cursor.set_at(behind);
            self.each_behind(marks, cursor, found);
        }
    }

    /// The same of the entries from the cursor on. To show a value is not cheap, and there may be millions.
    #[cold]
    fn each_behind(&self, marks: u64, mut cursor: Cursor<'a>, mut found: impl FnMut(&str, Option<Cow<'a, str>>)) {
        while let Ok(Some(key)) = cursor.next_key(self.body) {
            let short = cursor.short_text();
            if marks & mark(key.as_bytes()) != 0 {
                found(&key, short.map_or_else(|| cursor.shown(), |text| Some(Cow::Borrowed(text))));
            }
            if short.is_none() && cursor.skip().is_err() {
                return;
            }
        }
    }

    /// The text under `key`, or the digits of the number that is; of equal keys the last, as providers read it. `None` where it is neither.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Cow<'a, str>> {
        let mut last = None;
        self.each(mark(key.as_bytes()), |other, text| {
            if other == key {
                last = text;
            }
        });
        last
    }
}
