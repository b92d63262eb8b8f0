//! Steps through a stream of Hessian values with checked splits only.
//!
//! To step over a value it remembers one thing: how many fields each class definition has. Type numbers and object
//! numbers matter only to who decodes. It never resolves a reference and never recurses.
//!
//! Long because: one match over the tags of the format, in the order of their numbers.

use std::borrow::Cow;

use super::super::read::{Few, MAX_DEPTH, ReadError, Window};
use super::text::{self, Irregular, Joiner};

/// Class definitions in one stream. Java has no bound; a body of a Dubbo call has a definition for each class in it, and tables that
/// grow with the body would make a reader dear to clone.
const MAX_CLASSES: usize = 1024;

/// Levels of [`Reader::skip`]: below these, the number of values still to come.
const MAP_KEY: u32 = u32::MAX;
const MAP_VALUE: u32 = u32::MAX - 1;
const LIST: u32 = u32::MAX - 2;

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

/// What a value's first bytes open.
pub(super) enum Opened {
    Nothing,
    Values(u32),
    Map,
    List,
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

    /// Steps over one value, whatever is in it.
    ///
    /// # Errors
    /// [`ReadError`]; the place is then somewhere inside the value.
    pub fn skip(&mut self) -> Result<(), ReadError> {
        match self.open()? {
            Opened::Nothing => Ok(()),
            opened => self.skip_rest(opened),
        }
    }

    /// Steps over what is in a value whose own bytes are behind.
    fn skip_rest(&mut self, mut opened: Opened) -> Result<(), ReadError> {
        let mut levels = Few::default();
        loop {
            let level = match opened {
                Opened::Nothing | Opened::Values(0) => None,
                Opened::Values(count) => Some(count),
                Opened::Map => Some(MAP_KEY),
                Opened::List => Some(LIST),
            };
            if let Some(level) = level {
                if levels.len() == MAX_DEPTH {
                    return Err(ReadError::TooDeep { at: self.at });
                }
                levels.push(level);
            }
            if !self.next_in(&mut levels)? {
                return Ok(());
            }
            opened = self.open()?;
        }
    }

    /// Closes the levels that are complete; `false` when the outermost is.
    fn next_in(&mut self, levels: &mut Few) -> Result<bool, ReadError> {
        loop {
            let Some(level) = levels.last_mut() else { return Ok(false) };
            match *level {
                0 => levels.pop(),
                MAP_KEY | LIST if self.end()? => levels.pop(),
                LIST => return Ok(true),
                MAP_KEY => {
                    *level = MAP_VALUE;
                    self.came_by_path |= self.says_path();
                    return Ok(true);
                }
                MAP_VALUE => {
                    *level = MAP_KEY;
                    return Ok(true);
                }
                _ => {
                    *level -= 1;
                    return Ok(true);
                }
            }
        }
    }

    /// Takes the end marker if it is next.
    ///
    /// # Errors
    /// [`ReadError::Ended`] where there is no byte at all.
    pub fn end(&mut self) -> Result<bool, ReadError> {
        let end = self.peek("an end marker or a value")? == b'Z';
        self.at += usize::from(end);
        Ok(end)
    }

    /// Steps over a value's own bytes, but not over the values in it.
    pub(super) fn open(&mut self) -> Result<Opened, ReadError> {
        loop {
            let start = self.at;
            let tag = self.byte("a value")?;
            match tag {
                0x00..=0x1f | 0x30..=0x33 | b'R' | b'S' => {
                    self.at = start;
                    self.skip_text()?;
                }
                0x20..=0x2f | 0x34..=0x37 | b'A' | b'B' => {
                    self.at = start;
                    self.skip_binary()?;
                }
                b'N' | b'T' | b'F' | 0x5b | 0x5c | 0x80..=0xbf | 0xd8..=0xef => {}
                0x5d | 0xc0..=0xcf | 0xf0..=0xff => self.advance(1)?,
                0x38..=0x3f | 0x5e | 0xd0..=0xd7 => self.advance(2)?,
                b'I' | 0x4b | 0x59 | 0x5f => self.advance(4)?,
                b'D' | 0x4a | b'L' => self.advance(8)?,
                0x51 => {
                    self.int()?;
                }
                b'C' => {
                    self.define()?;
                    continue;
                }
                b'O' => {
                    let index = self.int()?;
                    return self.fields(start, index);
                }
                0x60..=0x6f => return self.fields(start, i32::from(tag - 0x60)),
                b'H' => return Ok(Opened::Map),
                b'M' => {
                    self.skip_type()?;
                    return Ok(Opened::Map);
                }
                0x55 => {
                    self.skip_type()?;
                    return Ok(Opened::List);
                }
                0x57 => return Ok(Opened::List),
                b'V' => {
                    self.skip_type()?;
                    return Ok(Opened::Values(self.count()?));
                }
                0x58 => return Ok(Opened::Values(self.count()?)),
                0x70..=0x77 => {
                    self.skip_type()?;
                    return Ok(Opened::Values(u32::from(tag - 0x70)));
                }
                0x78..=0x7f => return Ok(Opened::Values(u32::from(tag - 0x78))),
                b'Z' | 0x40 | 0x45 | 0x47 | 0x50 => {
                    return Err(ReadError::Unexpected { at: start, found: tag, wanted: "a value" });
                }
            }
            return Ok(Opened::Nothing);
        }
    }

    fn fields(&self, at: usize, index: i32) -> Result<Opened, ReadError> {
        let count = usize::try_from(index).ok().and_then(|index| self.classes.get(index));
        match count {
            Some(count) => Ok(Opened::Values(count)),
            None => {
                Err(ReadError::Number { at, found: i64::from(index), wanted: "the number of a class defined before" })
            }
        }
    }

    /// The rest of a class definition, after its `C`; returns the number of its fields.
    pub(super) fn define(&mut self) -> Result<u32, ReadError> {
        if self.classes.len() == MAX_CLASSES {
            return Err(ReadError::TooMany { at: self.at, limit: MAX_CLASSES });
        }
        self.skip_text()?;
        let count = self.count()?;
        for _ in 0..count {
            self.came_by_path |= self.says_path();
            self.skip_text()?;
        }
        self.classes.push(count);
        Ok(count)
    }

    /// A reader at this place for text and numbers: it knows no classes, so it costs nothing to make.
    pub(super) fn ahead(&self) -> Self {
        Self { at: self.at, ..Self::new(self.bytes) }
    }

    /// The number of the class of which the next value is an object, if it is one.
    pub(super) fn class_ahead(&self) -> Result<Option<usize>, ReadError> {
        match self.peek_byte() {
            Some(tag @ 0x60..=0x6f) => Ok(Some(usize::from(tag - 0x60))),
            Some(b'O') => {
                let mut ahead = self.ahead();
                ahead.at += 1;
                Ok(usize::try_from(ahead.int()?).ok())
            }
            _ => Ok(None),
        }
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

    /// A count of values or names still to come, each at least one byte.
    pub(super) fn count(&mut self) -> Result<u32, ReadError> {
        let at = self.at;
        let found = self.int()?;
        u32::try_from(found)
            .ok()
            .filter(|count| *count as usize <= self.bytes.len() - self.at)
            .ok_or(ReadError::Number { at, found: i64::from(found), wanted: "a count that fits the bytes left" })
    }

    /// Steps over the type of a list or a map: a name or a number.
    fn skip_type(&mut self) -> Result<(), ReadError> {
        match self.tag() {
            Some(Tag::Text) => self.skip_text(),
            _ => self.int().map(drop),
        }
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

    /// Reads text for people: what is not well-formed becomes U+FFFD.
    ///
    /// # Errors
    /// [`ReadError`] where it is no text or breaks off.
    pub fn text_lossy(&mut self) -> Result<Cow<'a, str>, ReadError> {
        self.read_text(Irregular::Replace)
    }

    fn read_text(&mut self, irregular: Irregular) -> Result<Cow<'a, str>, ReadError> {
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
    pub fn null(&mut self) -> bool {
        let null = self.tag() == Some(Tag::Null);
        self.at += usize::from(null);
        null
    }

    pub(super) fn byte(&mut self, wanted: &'static str) -> Result<u8, ReadError> {
        let byte = self.peek(wanted)?;
        self.at += 1;
        Ok(byte)
    }

    pub(super) fn peek_byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

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
