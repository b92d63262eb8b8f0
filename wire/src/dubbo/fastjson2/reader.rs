//! Steps through one field's JSONB with checked splits only.
//!
//! ```text
//!   00-2f f0-ff int   30-48 int + 1,2,4   49-78 text, length in the tag   79-7e int, text   7f symbol
//!   90 char           91 int, bytes       92 type, value   93 reference   94-a3 array       a4 int, array
//!   a6 .. a5 object   a7-ae times         af null  b0 b1 booleans         b2-b9 doubles, floats, decimals
//!   ba bb big integers   bc bd int16, int8   be-ef longs
//! ```
//!
//! It never resolves a symbol or a reference and never recurses.
//! Source: the JSONB format of alibaba/fastjson2.
//!
//! Long because: one match over the tags of the format, in the order of their numbers.

use std::borrow::Cow;

use super::super::read::{Few, MAX_DEPTH, ReadError, Window};
use super::pull::{Clock, Day, Whole};
use super::text::{self, Encoding, Irregular};

/// Levels of [`Reader::skip`]: below these, the number of values still to come.
const KEY: u32 = u32::MAX;
const VALUE: u32 = u32::MAX - 1;

/// What kind of value comes next, by its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tag {
    /// `af`.
    Null,
    /// A string.
    Text,
    /// A symbol: text with a number that stands for it later, or such a number.
    Symbol,
    /// An int or a long.
    Integer,
    /// A boolean, character, time, number with a point, big number or binary.
    Plain,
    /// `a6`.
    Object,
    /// `92`: a type, then a value.
    Typed,
    /// `93`: the path of an earlier value.
    Reference,
    /// An array.
    Array,
    /// `a5`.
    End,
}

impl Tag {
    /// The kind of value that begins with `byte`.
    #[must_use]
    pub const fn of(byte: u8) -> Self {
        match byte {
            0x49..=0x7e => Self::Text,
            0x7f => Self::Symbol,
            0x00..=0x48 | 0xbc..=0xff => Self::Integer,
            0x92 => Self::Typed,
            0x93 => Self::Reference,
            0x94..=0xa4 => Self::Array,
            0xa5 => Self::End,
            0xa6 => Self::Object,
            0xaf => Self::Null,
            // 80-8f are unused; stepping over one is an error.
            0x80..=0x91 | 0xa7..=0xae | 0xb0..=0xbb => Self::Plain,
        }
    }
}

/// A place in one field. Offsets are those of the body.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    window: Window<'a>,
}

/// What a value's first bytes open.
enum Opened {
    Nothing,
    Values(u32),
    Object,
}

impl<'a> Reader<'a> {
    /// A reader of the field that stands at `field` in `body` (see [`Fields::field`](super::Fields::field)).
    #[must_use]
    pub fn new(body: &'a [u8], field: std::ops::Range<usize>) -> Self {
        let bytes = body.get(..field.end).unwrap_or(body);
        Self { bytes, at: field.start.min(bytes.len()), window: Window::default() }
    }

    /// The offset of the next byte.
    #[inline]
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Whether the field is read to its end.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The kind of the next value; `None` at the end of the field.
    #[inline]
    #[must_use]
    pub fn tag(&self) -> Option<Tag> {
        self.bytes.get(self.at).map(|byte| Tag::of(*byte))
    }

    /// Goes to another place of the field.
    pub(super) fn set_at(&mut self, at: usize) {
        self.at = at;
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
                Opened::Object => Some(KEY),
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
                KEY if self.end()? => levels.pop(),
                KEY => {
                    *level = VALUE;
                    self.skip_name()?;
                    return Ok(true);
                }
                VALUE => *level = KEY,
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
        let end = self.peek("an end marker or a value")? == 0xa5;
        self.at += usize::from(end);
        Ok(end)
    }

    /// Steps over a value's own bytes, but not over the values in it.
    fn open(&mut self) -> Result<Opened, ReadError> {
        loop {
            let at = self.at;
            let tag = self.byte("a value")?;
            match tag {
                0x00..=0x2f | 0xf0..=0xff | 0xd8..=0xef | 0xaf..=0xb3 => {}
                0x30..=0x3f | 0xc8..=0xd7 | 0xbd => self.advance(1)?,
                0x40..=0x47 | 0xc0..=0xc7 | 0xbc => self.advance(2)?,
                0x48 | 0xbf | 0xb7 | 0xac | 0xad => self.advance(4)?,
                0xb5 | 0xbe | 0xab => self.advance(8)?,
                0x49..=0x7e => {
                    self.at = at;
                    self.text_bytes()?;
                }
                0x7f => self.skip_symbol()?,
                0x90 | 0xb6 => self.int().map(drop)?,
                0x91 | 0xbb => self.bytes().map(drop)?,
                0x92 => {
                    self.skip_type()?;
                    continue;
                }
                0x93 => self.text_bytes().map(drop)?,
                0x94..=0xa3 => return Ok(Opened::Values(u32::from(tag - 0x94))),
                0xa4 => {
                    let count = self.len()?;
                    return Ok(Opened::Values(count as u32));
                }
                0xa6 => return Ok(Opened::Object),
                // hour, minute, second; nanoseconds
                0xa7 => self.advance(3).and_then(|()| self.int()).map(drop)?,
                // year, month, day, hour, minute, second; nanoseconds
                0xa8 => self.advance(7).and_then(|()| self.int()).map(drop)?,
                0xa9 => self.advance(4)?,
                0xaa => {
                    self.advance(7)?;
                    self.int()?;
                    self.text_bytes()?;
                }
                // seconds, nanoseconds
                0xae => {
                    self.integer()?;
                    self.int()?;
                }
                0xb4 | 0xb8 | 0xba => self.integer().map(drop)?,
                // scale, then the unscaled number
                0xb9 => {
                    self.int()?;
                    self.whole()?;
                }
                0x80..=0x8f | 0xa5 => {
                    return Err(ReadError::Unexpected { at, found: tag, wanted: "a value" });
                }
            }
            return Ok(Opened::Nothing);
        }
    }

    /// A key of an object: text, a symbol, or any other value that is no container.
    fn skip_name(&mut self) -> Result<(), ReadError> {
        let at = self.at;
        match self.open()? {
            Opened::Nothing => Ok(()),
            _ => Err(ReadError::Unexpected { at, found: self.bytes[at], wanted: "a key" }),
        }
    }

    /// After `7f`: text and the number that stands for it, or such a number.
    pub(super) fn skip_symbol(&mut self) -> Result<(), ReadError> {
        if self.tag() == Some(Tag::Text) {
            self.text_bytes()?;
        }
        self.int().map(drop)
    }

    /// After `92`: the name of a type and the number that stands for it, or such a number.
    fn skip_type(&mut self) -> Result<(), ReadError> {
        self.skip_symbol()
    }

    /// A length or count of things of at least one byte each.
    fn len(&mut self) -> Result<usize, ReadError> {
        let at = self.at;
        let found = self.int()?;
        let wanted = "a length that fits the bytes left";
        usize::try_from(found).ok().filter(|len| *len <= self.bytes.len() - self.at).ok_or(ReadError::Number {
            at,
            found: i64::from(found),
            wanted,
        })
    }

    /// Reads an int in any of its forms.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn int(&mut self) -> Result<i32, ReadError> {
        let at = self.at;
        let tag = self.byte("an int")?;
        match tag {
            0x00..=0x2f => Ok(i32::from(tag)),
            0xf0..=0xff => Ok(i32::from(tag as i8)),
            0x30..=0x3f => Ok(((i32::from(tag) - 0x38) << 8) + i32::from(self.byte("an int")?)),
            0x40..=0x47 => {
                let [high, low] = self.array("an int")?;
                Ok(((i32::from(tag) - 0x44) << 16) + i32::from(u16::from_be_bytes([high, low])))
            }
            0x48 => Ok(i32::from_be_bytes(self.array("an int")?)),
            found => Err(ReadError::Unexpected { at, found, wanted: "an int" }),
        }
    }

    /// Reads a byte, short, int or long in any of its forms.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn integer(&mut self) -> Result<i64, ReadError> {
        let at = self.at;
        let tag = self.byte("an integer")?;
        match tag {
            0xd8..=0xef => Ok(i64::from(tag) - 0xe0),
            0xc8..=0xd7 => Ok(((i64::from(tag) - 0xd0) << 8) + i64::from(self.byte("a long")?)),
            0xc0..=0xc7 => {
                let [high, low] = self.array("a long")?;
                Ok(((i64::from(tag) - 0xc4) << 16) + i64::from(u16::from_be_bytes([high, low])))
            }
            0xbf => Ok(i64::from(i32::from_be_bytes(self.array("a long")?))),
            0xbe => Ok(i64::from_be_bytes(self.array("a long")?)),
            0xbd => Ok(i64::from(i8::from_be_bytes(self.array("a byte")?))),
            0xbc => Ok(i64::from(i16::from_be_bytes(self.array("a short")?))),
            _ => {
                self.at = at;
                self.int().map(i64::from)
            }
        }
    }

    /// Steps over the head of a list; returns how many values follow.
    pub(super) fn list(&mut self) -> Result<u32, ReadError> {
        let at = self.at;
        match self.byte("a list")? {
            tag @ 0x94..=0xa3 => Ok(u32::from(tag - 0x94)),
            0xa4 => self.len().map(|len| len as u32),
            found => Err(ReadError::Unexpected { at, found, wanted: "a list" }),
        }
    }

    /// Behind the tag of a binary or a big integer: its length and bytes.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], ReadError> {
        let len = self.len()?;
        let start = self.at;
        self.advance(len)?;
        Ok(&self.bytes[start..self.at])
    }

    /// The unscaled part of a decimal.
    pub(super) fn whole(&mut self) -> Result<Whole<'a>, ReadError> {
        match self.peek("a number")? {
            0xba => {
                self.at += 1;
                self.integer().map(Whole::Long)
            }
            0xbb => {
                self.at += 1;
                self.bytes().map(Whole::Bytes)
            }
            _ => self.integer().map(Whole::Long),
        }
    }

    pub(super) fn day(&mut self) -> Result<Day, ReadError> {
        let [high, low, month, day] = self.array("a day")?;
        Ok(Day { year: i16::from_be_bytes([high, low]), month, day })
    }

    pub(super) fn clock(&mut self) -> Result<Clock, ReadError> {
        let [hour, minute, second] = self.array("a time")?;
        Ok(Clock { hour, minute, second, nano: self.int()? })
    }

    /// Reads text; borrowed for ASCII and UTF-8.
    ///
    /// # Errors
    /// [`ReadError`], also [`ReadError::Text`] for bytes that stand for no character, for ASCII in a wider encoding, of which Java
    /// makes a string that equals no other, and for GB18030.
    #[inline]
    pub fn text(&mut self) -> Result<Cow<'a, str>, ReadError> {
        match self.short_ascii() {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => self.read_text(Irregular::Refuse),
        }
    }

    /// Text of less than 48 ASCII characters, or nothing read: almost all text of a call, without the general way.
    #[inline]
    pub(in crate::dubbo) fn short_ascii(&mut self) -> Option<&'a str> {
        let len = self.bytes.get(self.at)?.checked_sub(0x49).filter(|len| *len <= 0x2f)?;
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
        let at = self.at;
        let (bytes, encoding) = self.text_bytes()?;
        text::decode(bytes, encoding, irregular).ok_or(ReadError::Text { at })
    }

    fn text_bytes(&mut self) -> Result<(&'a [u8], Encoding), ReadError> {
        let at = self.at;
        let tag = self.byte("text")?;
        let encoding = match tag {
            0x49..=0x79 => Encoding::Latin1,
            0x7a => Encoding::Utf8,
            0x7b => Encoding::Utf16,
            0x7c => Encoding::Utf16Le,
            0x7d => Encoding::Utf16Be,
            0x7e => Encoding::Gb18030,
            found => return Err(ReadError::Unexpected { at, found, wanted: "text" }),
        };
        let len = match tag {
            0x49..=0x78 => usize::from(tag - 0x49),
            _ => self.len()?,
        };
        let start = self.at;
        self.advance(len)?;
        Ok((&self.bytes[start..self.at], encoding))
    }

    /// Steps over the head of a map, its type included; the first key or the end marker comes next.
    ///
    /// # Errors
    /// [`ReadError`] where no map begins.
    pub fn open_map(&mut self) -> Result<(), ReadError> {
        if self.tag() == Some(Tag::Typed) {
            self.at += 1;
            self.skip_type()?;
        }
        let at = self.at;
        match self.byte("a map")? {
            0xa6 => Ok(()),
            found => Err(ReadError::Unexpected { at, found, wanted: "a map" }),
        }
    }

    /// The type of the value that comes next, if it says one; one that was named before and comes by its number is `#`.
    pub(in crate::dubbo) fn type_ahead(&self) -> Result<Option<Cow<'a, str>>, ReadError> {
        if self.tag() != Some(Tag::Typed) {
            return Ok(None);
        }
        let mut ahead = self.clone();
        ahead.at += 1;
        if ahead.tag() == Some(Tag::Text) { ahead.text().map(Some) } else { Ok(Some(Cow::Borrowed("#"))) }
    }

    /// Reads a key that is given with its text, be it plain or as a symbol that is named here.
    ///
    /// # Errors
    /// [`ReadError`]; also for the number of a symbol that was named before.
    pub fn key(&mut self) -> Result<Cow<'a, str>, ReadError> {
        if self.tag() != Some(Tag::Symbol) {
            return self.text();
        }
        self.at += 1;
        let key = self.text()?;
        self.int()?;
        Ok(key)
    }

    /// Whether a symbol comes next by its number alone, its text having been given before.
    #[must_use]
    pub fn is_symbol_number(&self) -> bool {
        self.tag() == Some(Tag::Symbol) && self.bytes.get(self.at + 1).map(|byte| Tag::of(*byte)) != Some(Tag::Text)
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

    pub(super) fn peek(&self, wanted: &'static str) -> Result<u8, ReadError> {
        self.bytes.get(self.at).copied().ok_or(ReadError::Ended { at: self.at, wanted })
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
