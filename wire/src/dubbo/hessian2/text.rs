//! Hessian text: a count of UTF-16 units, each unit written as one to three bytes (CESU-8).
//!
//! ```text
//!   U+1F600  =  d83d de00  =  ed a0 bd  ed b8 80     two units, six bytes; not valid UTF-8
//! ```
//!
//! Older dubbo-go writes four bytes of true UTF-8 for such a pair; that is read as the two units it stands for.
//! It never repairs text: what no writer makes (overlong forms, halves of pairs) is refused, or replaced where a
//! human reads it.

use super::super::read::{ReadError, ascii_len};

/// Steps over `units` UTF-16 units from `at` and returns where they end.
pub(super) fn skip(bytes: &[u8], mut at: usize, units: usize) -> Result<usize, ReadError> {
    let mut left = units;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let ascii = ascii_len(&rest[..left.min(rest.len())]);
        at += ascii;
        left -= ascii;
        if left == 0 {
            return Ok(at);
        }
        let Some(&lead) = bytes.get(at) else { return Err(ReadError::Ended { at, wanted: "more text" }) };
        let (len, counts) = match lead {
            0xc0..=0xdf => (2, 1),
            0xe0..=0xef => (3, 1),
            0xf0..=0xf7 => (4, 2),
            found => return Err(ReadError::Unexpected { at, found, wanted: "the first byte of a character" }),
        };
        if bytes.len() - at < len {
            return Err(ReadError::Ended { at: bytes.len(), wanted: "the rest of a character" });
        }
        at += len;
        left = left.saturating_sub(counts);
    }
}

/// The first `units` UTF-16 units of `bytes`, where they are the same in UTF-8: no surrogates, no four bytes, nothing irregular.
pub(super) fn plain(bytes: &[u8], units: usize) -> Option<&str> {
    // A unit takes a byte, and as many more as its first byte says.
    let (mut counted, mut end) = (ascii_len(bytes.get(..units)?), units);
    while counted < end {
        let more = more_bytes(bytes.get(counted..end)?)?;
        counted = end;
        end += more;
    }
    str::from_utf8(bytes.get(..end)?).ok()
}

/// By how many bytes the units that begin in `bytes` are longer than a byte each; `None` where one begins that counts twice.
pub(super) fn more_bytes(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut more = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        // Bit 7 of each byte: it begins two bytes or more, three or more, four or more.
        let two = word & word << 1;
        let three = two & word << 2;
        let four = three & word << 3;
        if four & (ONES << 7) != 0 {
            return None;
        }
        let each = (two >> 7 & ONES) + (three >> 7 & ONES);
        more += (each.wrapping_mul(ONES) >> 56) as usize;
    }
    for byte in rest {
        more += usize::from(*byte >= 0xc0) + usize::from(*byte >= 0xe0);
        if *byte >= 0xf0 {
            return None;
        }
    }
    Some(more)
}

/// Whether the first units of `bytes` are these ASCII characters to Java, which reads overlong forms as well.
pub(super) fn begins_with(mut bytes: &[u8], wanted: &[u8]) -> bool {
    wanted.iter().all(|&wanted| {
        let (found, rest) = match *bytes {
            [a, ref rest @ ..] if a < 0x80 => (u32::from(a), rest),
            [a, b, ref rest @ ..] if a & 0xe0 == 0xc0 => (u32::from(a & 0x1f) << 6 | u32::from(b & 0x3f), rest),
            [a, b, c, ref rest @ ..] if a & 0xf0 == 0xe0 => {
                (u32::from(a & 0x0f) << 12 | u32::from(b & 0x3f) << 6 | u32::from(c & 0x3f), rest)
            }
            _ => return false,
        };
        bytes = rest;
        found == u32::from(wanted)
    })
}

/// What to do with units that stand for no character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Irregular {
    /// Fail.
    Refuse,
    /// Put U+FFFD in their place.
    Replace,
}

/// Puts pieces of text together; pairs of surrogates may be cut between pieces.
#[derive(Debug)]
pub(super) struct Joiner {
    text: String,
    high: Option<u32>,
    irregular: Irregular,
}

impl Joiner {
    pub(super) fn new(irregular: Irregular, capacity: usize) -> Self {
        Self { text: String::with_capacity(capacity), high: None, irregular }
    }

    /// Adds a piece that [`skip`] has measured. `None`: something irregular, and it is to be refused.
    pub(super) fn piece(&mut self, piece: &[u8]) -> Option<()> {
        let mut rest = piece;
        while let [lead, ..] = *rest {
            let (unit, len) = unit(lead, rest, self.irregular)?;
            self.unit(unit)?;
            rest = &rest[len..];
        }
        Some(())
    }

    pub(super) fn finish(mut self) -> Option<String> {
        if self.high.take().is_some() {
            self.replace()?;
        }
        Some(self.text)
    }

    fn unit(&mut self, unit: u32) -> Option<()> {
        let high = self.high.take();
        match (high, unit) {
            (Some(high), 0xdc00..=0xdfff) => {
                let joined = 0x1_0000 + ((high - 0xd800) << 10) + (unit - 0xdc00);
                self.text.push(char::from_u32(joined)?);
                return Some(());
            }
            (Some(_), _) => self.replace()?,
            (None, _) => {}
        }
        match unit {
            0xd800..=0xdbff => self.high = Some(unit),
            _ => match char::from_u32(unit) {
                Some(character) => self.text.push(character),
                None => self.replace()?,
            },
        }
        Some(())
    }

    fn replace(&mut self) -> Option<()> {
        if self.irregular == Irregular::Refuse {
            return None;
        }
        self.text.push(char::REPLACEMENT_CHARACTER);
        Some(())
    }
}

/// The unit (or, of four bytes, the character) at the front of `rest`, and its length in bytes.
fn unit(lead: u8, rest: &[u8], irregular: Irregular) -> Option<(u32, usize)> {
    let (len, mut value, least) = match lead {
        0x00..=0x7f => return Some((u32::from(lead), 1)),
        0xc0..=0xdf => (2, u32::from(lead & 0x1f), 0x80),
        0xe0..=0xef => (3, u32::from(lead & 0x0f), 0x800),
        _ => (4, u32::from(lead & 0x07), 0x1_0000),
    };
    let mut regular = rest.len() >= len;
    for byte in rest.iter().take(len).skip(1) {
        regular &= byte & 0xc0 == 0x80;
        value = (value << 6) | u32::from(byte & 0x3f);
    }
    regular &= value >= least;
    match (regular, irregular) {
        (true, _) => Some((value, len)),
        (false, Irregular::Refuse) => None,
        (false, Irregular::Replace) => Some((u32::from(char::REPLACEMENT_CHARACTER), len.min(rest.len()))),
    }
}
