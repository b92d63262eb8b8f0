//! Reads single values of a stream of Hessian values with checked splits only: text, numbers, binaries, the heads of maps.
//!
//! What it knows of the stream is where it stands and how many fields each class definition so far has; `step` goes over whole values by
//! that. It never resolves a reference and never recurses.

use std::borrow::Cow;

use super::super::read::{Few, ReadError, Window};
use super::text::{self, Irregular, Joiner};

mod step;

pub(super) use step::{MAX_CLASSES, Opened};

/// What kind of value comes next, by its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tag {
    /// `4e`.
    Null,
    /// A string.
    Text,
    /// An int or a long.
    Integer,
    /// A boolean, double, date or binary: nothing that a later value could refer to.
    Plain,
    /// A map, `48` or `4d`.
    Map,
    /// `51`: a reference to an earlier value.
    Reference,
    /// A list, an object or a class definition.
    Nested,
    /// The end marker `5a`.
    End,
    /// A byte that no value begins with.
    Unused,
}

impl Tag {
    /// The kind of value that begins with `byte`.
    #[must_use]
    pub const fn of(byte: u8) -> Self {
        match byte {
            b'N' => Self::Null,
            0x00..=0x1f | 0x30..=0x33 | b'R' | b'S' => Self::Text,
            0x38..=0x3f | b'I' | b'L' | 0x59 | 0x80..=0xff => Self::Integer,
            0x20..=0x2f | 0x34..=0x37 | b'A' | b'B' | b'D' | b'F' | b'T' | 0x4a | 0x4b | 0x5b..=0x5f => Self::Plain,
            b'H' | b'M' => Self::Map,
            0x51 => Self::Reference,
            b'C' | b'O' | 0x55..=0x58 | 0x60..=0x7f => Self::Nested,
            b'Z' => Self::End,
            0x40 | 0x45 | 0x47 | 0x50 => Self::Unused,
        }
    }
}

/// A place in a stream of values. Cloning it remembers the place.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    window: Window<'a>,
    /// Field counts of the class definitions so far.
    classes: Few,
    /// Whether a key of a map or a field of a class said `path`.
    came_by_path: bool,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of `bytes`, which must be the beginning of the stream: definitions count from there.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, window: Window::default(), classes: Few::default(), came_by_path: false }
    }

    /// The offset of the next byte.
    #[inline]
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Goes to another place of the same bytes.
    pub(in crate::dubbo) const fn set_at(&mut self, at: usize) {
        self.at = at;
    }

    /// The bytes from here on.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Goes over so many bytes of [`Reader::rest`].
    #[inline]
    pub(super) const fn step(&mut self, len: usize) {
        self.at += len;
    }

    /// The kind of the next value; `None` at the end of the bytes.
    #[inline]
    #[must_use]
    pub fn tag(&self) -> Option<Tag> {
        self.bytes.get(self.at).map(|byte| Tag::of(*byte))
    }

    /// Whether a map or an object that was stepped over has an entry `path`, as the attachments have.
    pub(in crate::dubbo) const fn came_by_path(&self) -> bool {
        self.came_by_path
    }

    /// Takes the end marker if it is next.
    ///
    /// # Errors
    /// [`ReadError::Ended`] where there is no byte at all.
    #[inline]
    pub fn end(&mut self) -> Result<bool, ReadError> {
        let end = self.peek("an end marker or a value")? == b'Z';
        self.at += usize::from(end);
        Ok(end)
    }

    /// A reader at this place for text and numbers: it knows no classes, so it costs nothing to make.
    pub(super) fn ahead(&self) -> Self {
        Self { at: self.at, ..Self::new(self.bytes) }
    }

    /// Whether the next value is the text `path` to Java, which takes overlong forms for what they stand for. Text in several
    /// pieces is taken for it: no writer cuts what is that short.
    #[inline]
    pub(super) fn says_path(&self) -> bool {
        let units = match *self.bytes.get(self.at..).unwrap_or_default() {
            [0x04, ref units @ ..] | [0x30, 0x04, ref units @ ..] | [b'S', 0, 0x04, ref units @ ..] => units,
            [b'R', ..] => return true,
            _ => return false,
        };
        text::begins_with(units, b"path")
    }

    /// Reads an int in any of its four forms.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn int(&mut self) -> Result<i32, ReadError> {
        let at = self.at;
        let tag = self.byte("an int")?;
        match tag {
            0x80..=0xbf => Ok(i32::from(tag) - 0x90),
            0xc0..=0xcf => Ok(((i32::from(tag) - 0xc8) << 8) + i32::from(self.byte("an int")?)),
            0xd0..=0xd7 => {
                let [high, low] = self.array("an int")?;
                Ok(((i32::from(tag) - 0xd4) << 16) + i32::from(u16::from_be_bytes([high, low])))
            }
            b'I' => Ok(i32::from_be_bytes(self.array("an int")?)),
            found => Err(ReadError::Unexpected { at, found, wanted: "an int" }),
        }
    }

    /// Reads an int or a long in any of its forms.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn integer(&mut self) -> Result<i64, ReadError> {
        let at = self.at;
        let tag = self.byte("an integer")?;
        match tag {
            0xd8..=0xef => Ok(i64::from(tag) - 0xe0),
            0xf0..=0xff => Ok(((i64::from(tag) - 0xf8) << 8) + i64::from(self.byte("a long")?)),
            0x38..=0x3f => {
                let [high, low] = self.array("a long")?;
                Ok(((i64::from(tag) - 0x3c) << 16) + i64::from(u16::from_be_bytes([high, low])))
            }
            0x59 => Ok(i64::from(i32::from_be_bytes(self.array("a long")?))),
            b'L' => Ok(i64::from_be_bytes(self.array("a long")?)),
            _ => {
                self.at = at;
                self.int().map(i64::from)
            }
        }
    }

    /// Reads text; borrowed unless it has surrogates or several pieces.
    ///
    /// # Errors
    /// [`ReadError`], also [`ReadError::Text`] for what no writer makes: overlong forms, halves of pairs.
    #[inline]
    pub fn text(&mut self) -> Result<Cow<'a, str>, ReadError> {
        match self.short_ascii() {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => self.read_text(Irregular::Refuse),
        }
    }

    /// Text of less than 32 ASCII characters, or nothing read: almost all text of a call, without the general way.
    #[inline]
    pub(in crate::dubbo) fn short_ascii(&mut self) -> Option<&'a str> {
        let len = self.peek_byte().filter(|tag| *tag <= 0x1f)?;
        let start = self.at + 1;
        let text = self.window.get(self.bytes, start..start + usize::from(len))?;
        self.at = start + text.len();
        Some(text)
    }

    /// Text in one piece that is the same in UTF-8, or nothing read.
    pub(super) fn whole_text(&mut self) -> Option<&'a str> {
        let (units, head_len) = match *self.rest() {
            [units @ 0x00..=0x1f, ..] => (usize::from(units), 1),
            [tag @ 0x30..=0x33, low, ..] => ((usize::from(tag - 0x30) << 8) + usize::from(low), 2),
            [b'S', high, low, ..] => (usize::from(u16::from_be_bytes([high, low])), 3),
            _ => return None,
        };
        let text = text::plain(&self.rest()[head_len..], units)?;
        self.step(head_len + text.len());
        Some(text)
    }

    /// Where the ASCII from `start` on ends, as far as it is known: that much of it was looked through by now.
    pub(in crate::dubbo) fn known_ascii_end(&self, start: usize) -> Option<usize> {
        self.window.end_from(start)
    }

    /// Reads text for people: what is not well-formed becomes U+FFFD.
    ///
    /// # Errors
    /// [`ReadError`] where it is no text or breaks off.
    pub fn text_lossy(&mut self) -> Result<Cow<'a, str>, ReadError> {
        self.read_text(Irregular::Replace)
    }

    fn read_text(&mut self, irregular: Irregular) -> Result<Cow<'a, str>, ReadError> {
        if let Some(text) = self.whole_text() {
            return Ok(Cow::Borrowed(text));
        }
        let start = self.at;
        let (mut piece, mut last) = self.text_piece()?;
        if last && let Ok(text) = str::from_utf8(piece) {
            return Ok(Cow::Borrowed(text));
        }
        let mut joiner = Joiner::new(irregular, piece.len());
        loop {
            joiner.piece(piece).ok_or(ReadError::Text { at: start })?;
            if last {
                return joiner.finish().map(Cow::Owned).ok_or(ReadError::Text { at: start });
            }
            (piece, last) = self.text_piece()?;
        }
    }

    fn skip_text(&mut self) -> Result<(), ReadError> {
        while !self.text_piece()?.1 {}
        Ok(())
    }

    /// One piece of text, and whether it is the last.
    fn text_piece(&mut self) -> Result<(&'a [u8], bool), ReadError> {
        let at = self.at;
        let tag = self.byte("text")?;
        let units = match tag {
            0x00..=0x1f => usize::from(tag),
            0x30..=0x33 => (usize::from(tag - 0x30) << 8) + usize::from(self.byte("the length of text")?),
            b'R' | b'S' => usize::from(u16::from_be_bytes(self.array("the length of text")?)),
            found => return Err(ReadError::Unexpected { at, found, wanted: "text" }),
        };
        let start = self.at;
        self.at = text::skip(self.bytes, start, units)?;
        Ok((&self.bytes[start..self.at], tag != b'R'))
    }

    fn skip_binary(&mut self) -> Result<(), ReadError> {
        while !self.binary_piece()?.1 {}
        Ok(())
    }

    /// Reads a binary; borrowed unless it has several pieces.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn binary(&mut self) -> Result<Cow<'a, [u8]>, ReadError> {
        let (piece, mut last) = self.binary_piece()?;
        if last {
            return Ok(Cow::Borrowed(piece));
        }
        let mut joined = piece.to_vec();
        while !last {
            let piece;
            (piece, last) = self.binary_piece()?;
            joined.extend_from_slice(piece);
        }
        Ok(Cow::Owned(joined))
    }

    fn binary_piece(&mut self) -> Result<(&'a [u8], bool), ReadError> {
        let at = self.at;
        let tag = self.byte("a binary")?;
        let len = match tag {
            0x20..=0x2f => usize::from(tag - 0x20),
            0x34..=0x37 => (usize::from(tag - 0x34) << 8) + usize::from(self.byte("the length of a binary")?),
            b'A' | b'B' => usize::from(u16::from_be_bytes(self.array("the length of a binary")?)),
            found => return Err(ReadError::Unexpected { at, found, wanted: "a binary" }),
        };
        let start = self.at;
        self.advance(len)?;
        Ok((&self.bytes[start..self.at], tag != b'A'))
    }

    /// Steps over the head of a map, its type included; the first key or the end marker comes next.
    ///
    /// # Errors
    /// [`ReadError`] where no map begins.
    pub fn open_map(&mut self) -> Result<(), ReadError> {
        let at = self.at;
        match self.byte("a map")? {
            b'H' => Ok(()),
            b'M' => self.skip_type(),
            found => Err(ReadError::Unexpected { at, found, wanted: "a map" }),
        }
    }

    /// The type of the map that comes next, if it says one; one that was named before and comes by its number is `#`.
    pub(in crate::dubbo) fn map_type(&self) -> Result<Option<Cow<'a, str>>, ReadError> {
        if self.peek_byte() != Some(b'M') {
            return Ok(None);
        }
        let mut ahead = self.ahead();
        ahead.at += 1;
        if ahead.tag() == Some(Tag::Text) { ahead.text().map(Some) } else { Ok(Some(Cow::Borrowed("#"))) }
    }

    /// Takes a null if it is next.
    #[inline]
    pub fn null(&mut self) -> bool {
        let null = self.peek_byte() == Some(b'N');
        self.at += usize::from(null);
        null
    }

    #[inline]
    pub(super) fn byte(&mut self, wanted: &'static str) -> Result<u8, ReadError> {
        let byte = self.peek(wanted)?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    pub(super) fn peek_byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn peek(&self, wanted: &'static str) -> Result<u8, ReadError> {
        self.peek_byte().ok_or(ReadError::Ended { at: self.at, wanted })
    }

    pub(super) fn array<const N: usize>(&mut self, wanted: &'static str) -> Result<[u8; N], ReadError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let array = rest.first_chunk::<N>().ok_or(ReadError::Ended { at: self.bytes.len(), wanted })?;
        self.at += N;
        Ok(*array)
    }

    fn advance(&mut self, len: usize) -> Result<(), ReadError> {
        if self.bytes.len() - self.at < len {
            return Err(ReadError::Ended { at: self.bytes.len(), wanted: "the rest of a value" });
        }
        self.at += len;
        Ok(())
    }
}
