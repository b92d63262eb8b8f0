//! Quick ways to what a decoder expects: it asks for one kind of value, and takes it where that is next in an ordinary form.
//!
//! Each way gives what [`Pull::item`] would give, in a few instructions, or takes nothing: then another value comes, or it has another
//! form, or its bytes are not all there, and [`Pull::item`] says which. It never fails.

use std::borrow::Cow;

use super::Pull;

impl<'a> Pull<'a> {
    /// Takes a null, if it is next.
    #[inline]
    pub fn null(&mut self) -> bool {
        self.reader.null()
    }

    /// A boolean.
    #[inline]
    pub fn bool(&mut self) -> Option<bool> {
        let value = match *self.reader.rest() {
            [b'T', ..] => true,
            [b'F', ..] => false,
            _ => return None,
        };
        self.reader.step(1);
        Some(value)
    }

    /// An int.
    #[inline]
    pub fn int(&mut self) -> Option<i32> {
        let (number, len) = int(self.reader.rest())?;
        self.reader.step(len);
        Some(number)
    }

    /// A long; a number that is written as an int is none.
    #[inline]
    pub fn long(&mut self) -> Option<i64> {
        let (number, len) = match *self.reader.rest() {
            [tag @ 0xd8..=0xef, ..] => (i64::from(tag) - 0xe0, 1),
            [tag @ 0xf0..=0xff, low, ..] => (((i64::from(tag) - 0xf8) << 8) + i64::from(low), 2),
            [tag @ 0x38..=0x3f, high, low, ..] => {
                (((i64::from(tag) - 0x3c) << 16) + i64::from(u16::from_be_bytes([high, low])), 3)
            }
            [0x59, a, b, c, d, ..] => (i64::from(i32::from_be_bytes([a, b, c, d])), 5),
            [b'L', a, b, c, d, e, f, g, h, ..] => (i64::from_be_bytes([a, b, c, d, e, f, g, h]), 9),
            _ => return None,
        };
        self.reader.step(len);
        Some(number)
    }

    /// A double.
    #[inline]
    pub fn double(&mut self) -> Option<f64> {
        let (number, len) = match *self.reader.rest() {
            [b'D', a, b, c, d, e, f, g, h, ..] => (f64::from_be_bytes([a, b, c, d, e, f, g, h]), 9),
            [0x5b, ..] => (0.0, 1),
            [0x5c, ..] => (1.0, 1),
            [0x5d, low, ..] => (f64::from(low as i8), 2),
            [0x5e, high, low, ..] => (f64::from(i16::from_be_bytes([high, low])), 3),
            // As in `Pull::item`: multiplied.
            [0x5f, a, b, c, d, ..] => (0.001 * f64::from(i32::from_be_bytes([a, b, c, d])), 5),
            _ => return None,
        };
        self.reader.step(len);
        Some(number)
    }

    /// A date, milliseconds since 1970.
    #[inline]
    pub fn date(&mut self) -> Option<i64> {
        let (millis, len) = match *self.reader.rest() {
            [0x4a, a, b, c, d, e, f, g, h, ..] => (i64::from_be_bytes([a, b, c, d, e, f, g, h]), 9),
            [0x4b, a, b, c, d, ..] => (i64::from(i32::from_be_bytes([a, b, c, d])) * 60_000, 5),
            _ => return None,
        };
        self.reader.step(len);
        Some(millis)
    }

    /// Text in one piece that needs no other bytes in Rust.
    #[inline]
    pub fn text(&mut self) -> Option<&'a str> {
        match self.reader.short_ascii() {
            None => self.reader.whole_text(),
            text => text,
        }
    }

    /// A list without a type: its number and how many values follow.
    #[inline]
    pub fn list(&mut self) -> Option<(usize, u32)> {
        let at = self.reader.at();
        let rest = self.reader.rest();
        let (len, head_len) = match *rest {
            [tag @ 0x78..=0x7f, ..] => (u32::from(tag & 0x07), 1),
            [0x58, ref count @ ..] => {
                let (count, len) = int(count)?;
                let left = rest.len() - 1 - len;
                (u32::try_from(count).ok().filter(|count| *count as usize <= left)?, 1 + len)
            }
            _ => return None,
        };
        self.reader.step(head_len);
        Some((self.number(at), len))
    }

    /// A map without a type: its number.
    #[inline]
    pub fn map(&mut self) -> Option<usize> {
        let at = self.reader.at();
        let [b'H', ..] = *self.reader.rest() else { return None };
        self.reader.step(1);
        Some(self.number(at))
    }

    /// An object without a class definition in front: its number and that of its class.
    #[inline]
    pub fn object(&mut self) -> Option<(usize, usize)> {
        let at = self.reader.at();
        let (class, len) = match *self.reader.rest() {
            [tag @ 0x60..=0x6f, ..] => (usize::from(tag - 0x60), 1),
            [b'O', ref class @ ..] => {
                let (class, len) = int(class)?;
                (usize::try_from(class).ok()?, 1 + len)
            }
            _ => return None,
        };
        if class >= self.classes.len() {
            return None;
        }
        self.reader.step(len);
        Some((self.number(at), class))
    }
}

impl<'a> Pull<'a> {
    /// The name of a class's field by its number, where it stands in the stream as it is in Rust.
    #[inline]
    #[must_use]
    pub fn field(&self, class: usize, number: usize) -> Option<&'a str> {
        match self.classes.get(class)?.fields.get(number)? {
            Cow::Borrowed(name) => Some(name),
            Cow::Owned(_) => None,
        }
    }
}

/// The int at the front of `bytes`, and how many bytes it takes.
#[inline]
fn int(bytes: &[u8]) -> Option<(i32, usize)> {
    Some(match *bytes {
        [tag @ 0x80..=0xbf, ..] => (i32::from(tag) - 0x90, 1),
        [tag @ 0xc0..=0xcf, low, ..] => (((i32::from(tag) - 0xc8) << 8) + i32::from(low), 2),
        [tag @ 0xd0..=0xd7, high, low, ..] => {
            (((i32::from(tag) - 0xd4) << 16) + i32::from(u16::from_be_bytes([high, low])), 3)
        }
        [b'I', a, b, c, d, ..] => (i32::from_be_bytes([a, b, c, d]), 5),
        _ => return None,
    })
}
