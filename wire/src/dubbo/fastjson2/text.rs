//! The text encodings of JSONB, chosen by the writer for each string.
//!
//! ASCII means Latin-1 to fastjson2. Where its writers would have used that, a wider encoding is irregular: Java makes a string
//! of it that looks the same and equals no other, so that an attachment `group` is there and yet not found.
//! GB18030 is read for people only: nothing that Dubbo writes by itself is.
//! It never repairs text where [`Irregular::Refuse`] is asked for.

use std::borrow::Cow;

/// How a string is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Latin1,
    Utf8,
    /// With a byte order mark, else big-endian.
    Utf16,
    Utf16Le,
    Utf16Be,
    Gb18030,
}

/// What to do with bytes that stand for no character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Irregular {
    /// Fail.
    Refuse,
    /// Put U+FFFD in their place.
    Replace,
}

/// The text that `bytes` stand for; borrowed for ASCII and UTF-8. `None`: something irregular, and it is to be refused.
pub(super) fn decode(bytes: &[u8], encoding: Encoding, irregular: Irregular) -> Option<Cow<'_, str>> {
    let text = decode_any(bytes, encoding, irregular)?;
    let is_needlessly_wide = encoding != Encoding::Latin1 && text.is_ascii();
    (irregular == Irregular::Replace || !is_needlessly_wide).then_some(text)
}

fn decode_any(bytes: &[u8], encoding: Encoding, irregular: Irregular) -> Option<Cow<'_, str>> {
    match encoding {
        Encoding::Utf8 => utf8(bytes, irregular),
        Encoding::Latin1 if bytes.is_ascii() => str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Encoding::Latin1 => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
        Encoding::Gb18030 if irregular == Irregular::Replace => utf8(bytes, irregular),
        Encoding::Gb18030 => None,
        Encoding::Utf16Le => utf16(bytes, u16::from_le_bytes, irregular),
        Encoding::Utf16Be => utf16(bytes, u16::from_be_bytes, irregular),
        Encoding::Utf16 => match bytes {
            [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes, irregular),
            [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes, irregular),
            _ => utf16(bytes, u16::from_be_bytes, irregular),
        },
    }
}

fn utf8(bytes: &[u8], irregular: Irregular) -> Option<Cow<'_, str>> {
    match irregular {
        Irregular::Refuse => str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Irregular::Replace => Some(String::from_utf8_lossy(bytes)),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, irregular: Irregular) -> Option<Cow<'static, str>> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let refuse = irregular == Irregular::Refuse;
    if refuse && !odd.is_empty() {
        return None;
    }
    let characters = char::decode_utf16(units).map(|unit| match unit {
        Ok(character) => Some(character),
        Err(_) if refuse => None,
        Err(_) => Some(char::REPLACEMENT_CHARACTER),
    });
    characters.collect::<Option<String>>().map(Cow::Owned)
}
