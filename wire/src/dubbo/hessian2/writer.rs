//! Writes Hessian values: the plain ones, the heads of lists, maps and objects, and the few whole ones that gateways send.
//!
//! It never writes the variable untyped list `57` (hessian-lite cannot read it) nor four-byte UTF-8.

use bytes::BufMut;

use super::super::read::ascii_len;
use super::text::more_bytes;

/// Units in one piece of long text; hessian-lite cuts at the same number.
const PIECE_UNITS: usize = 0x8000;
/// Bytes in one piece of a long binary.
const PIECE_BYTES: usize = 0x8000;

/// Null.
pub fn put_null(out: &mut impl BufMut) {
    out.put_u8(b'N');
}

/// A boolean.
pub fn put_bool(out: &mut impl BufMut, value: bool) {
    out.put_u8(if value { b'T' } else { b'F' });
}

/// An int in its shortest form.
pub fn put_int(out: &mut impl BufMut, value: i32) {
    match value {
        -16..=47 => out.put_u8((0x90 + value) as u8),
        -2048..=2047 => out.put_slice(&[(0xc8 + (value >> 8)) as u8, value as u8]),
        -0x4_0000..=0x3_ffff => out.put_slice(&[(0xd4 + (value >> 16)) as u8, (value >> 8) as u8, value as u8]),
        _ => put_tagged(out, b'I', value.to_be_bytes()),
    }
}

/// A byte that says what comes, and the bytes of it.
#[inline]
fn put_tagged<const N: usize>(out: &mut impl BufMut, tag: u8, bytes: [u8; N]) {
    let mut all = [tag; 9];
    all[1..=N].copy_from_slice(&bytes);
    out.put_slice(&all[..=N]);
}

/// A long in its shortest form.
pub fn put_long(out: &mut impl BufMut, value: i64) {
    match value {
        -8..=15 => out.put_u8((0xe0 + value) as u8),
        -2048..=2047 => out.put_slice(&[(0xf8 + (value >> 8)) as u8, value as u8]),
        -0x4_0000..=0x3_ffff => out.put_slice(&[(0x3c + (value >> 16)) as u8, (value >> 8) as u8, value as u8]),
        _ => match i32::try_from(value) {
            Ok(value) => put_tagged(out, 0x59, value.to_be_bytes()),
            Err(_) => put_tagged(out, b'L', value.to_be_bytes()),
        },
    }
}

/// Text: in UTF-16 units, in pieces of 32 768 that never cut a pair.
pub fn put_text(out: &mut impl BufMut, text: &str) {
    // Most text is like this: the fields of a call, the keys of its attachments.
    if text.len() <= 0x1f && text.is_ascii() {
        out.put_u8(text.len() as u8);
        return out.put_slice(text.as_bytes());
    }
    // Almost all other text is the same bytes in both.
    let bytes = text.as_bytes();
    if bytes.len() <= PIECE_UNITS
        && let Some(more) = more_bytes(&bytes[ascii_len(bytes)..])
    {
        put_piece_head(out, bytes.len() - more, Piece::Last);
        return out.put_slice(bytes);
    }
    let mut rest = text;
    while !rest.is_empty() {
        let (units, len) = piece(rest);
        put_piece_head(out, units, if len == rest.len() { Piece::Last } else { Piece::Other });
        put_units(out, &rest[..len]);
        rest = &rest[len..];
    }
}

/// Which piece of a text it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Last,
    Other,
}

/// The head of a piece of so many units.
fn put_piece_head(out: &mut impl BufMut, units: usize, piece: Piece) {
    match units {
        0..=0x1f if piece == Piece::Last => out.put_u8(units as u8),
        0x20..=0x3ff if piece == Piece::Last => out.put_slice(&[0x30 + (units >> 8) as u8, units as u8]),
        _ => {
            let tag = if piece == Piece::Last { b'S' } else { b'R' };
            out.put_slice(&[tag, (units >> 8) as u8, units as u8]);
        }
    }
}

/// Units and bytes of the next piece.
fn piece(text: &str) -> (usize, usize) {
    if text.is_ascii() {
        let len = text.len().min(PIECE_UNITS);
        return (len, len);
    }
    let mut units = 0;
    for (at, character) in text.char_indices() {
        if units + character.len_utf16() > PIECE_UNITS {
            return (units, at);
        }
        units += character.len_utf16();
    }
    (units, text.len())
}

fn put_units(out: &mut impl BufMut, text: &str) {
    if text.is_ascii() {
        return out.put_slice(text.as_bytes());
    }
    let mut plain = 0;
    for (at, character) in text.char_indices() {
        if character.len_utf8() < 4 {
            continue;
        }
        out.put_slice(&text.as_bytes()[plain..at]);
        plain = at + 4;
        for unit in character.encode_utf16(&mut [0; 2]) {
            let unit = *unit;
            out.put_slice(&[0xe0 | (unit >> 12) as u8, 0x80 | (unit >> 6 & 0x3f) as u8, 0x80 | (unit & 0x3f) as u8]);
        }
    }
    out.put_slice(&text.as_bytes()[plain..]);
}

/// A binary.
pub fn put_binary(out: &mut impl BufMut, bytes: &[u8]) {
    let mut rest = bytes;
    while rest.len() > PIECE_BYTES {
        let (piece, after) = rest.split_at(PIECE_BYTES);
        out.put_u8(b'A');
        out.put_u16(PIECE_BYTES as u16);
        out.put_slice(piece);
        rest = after;
    }
    match rest.len() {
        len @ 0..=0x0f => out.put_u8(0x20 + len as u8),
        len @ 0x10..=0x3ff => out.put_slice(&[0x34 + (len >> 8) as u8, len as u8]),
        len => {
            out.put_u8(b'B');
            out.put_u16(len as u16);
        }
    }
    out.put_slice(rest);
}

/// A double in its shortest form, which Java chooses alike; it also writes `-0.0` as `0.0`, here it keeps its sign.
pub fn put_double(out: &mut impl BufMut, value: f64) {
    let whole = value as i32;
    let thousandths = (value * 1000.0) as i32;
    if f64::from(whole).to_bits() == value.to_bits() {
        match whole {
            0 => return out.put_u8(0x5b),
            1 => return out.put_u8(0x5c),
            -0x80..=0x7f => return out.put_slice(&[0x5d, whole as u8]),
            -0x8000..=0x7fff => return out.put_slice(&[0x5e, (whole >> 8) as u8, whole as u8]),
            _ => {}
        }
    }
    if (0.001 * f64::from(thousandths)).to_bits() == value.to_bits() {
        put_tagged(out, 0x5f, thousandths.to_be_bytes());
    } else {
        put_tagged(out, b'D', value.to_be_bytes());
    }
}

/// A date: milliseconds since 1970, in minutes where it is whole ones.
pub fn put_date(out: &mut impl BufMut, millis: i64) {
    match i32::try_from(millis / 60_000) {
        Ok(minutes) if millis % 60_000 == 0 => put_tagged(out, 0x4b, minutes.to_be_bytes()),
        _ => put_tagged(out, 0x4a, millis.to_be_bytes()),
    }
}

/// The name of a type in a list's or map's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeName<'n> {
    /// Named here for the first time in the stream; it gets the next number.
    New(&'n str),
    /// The number of a name before.
    Known(usize),
}

fn put_type(out: &mut impl BufMut, name: TypeName<'_>) {
    match name {
        TypeName::New(name) => put_text(out, name),
        TypeName::Known(number) => put_number(out, number),
    }
}

/// A count or an index; what is above Java's `int` is cut to it, and no stream has room for as many.
fn put_number(out: &mut impl BufMut, number: usize) {
    put_int(out, i32::try_from(number).unwrap_or(i32::MAX));
}

/// The head of a list of `len` values, which follow.
pub fn put_list_head(out: &mut impl BufMut, name: Option<TypeName<'_>>, len: usize) {
    match (name, len) {
        (None, 0..=7) => out.put_u8(0x78 + len as u8),
        (None, _) => {
            out.put_u8(0x58);
            put_number(out, len);
        }
        (Some(name), 0..=7) => {
            out.put_u8(0x70 + len as u8);
            put_type(out, name);
        }
        (Some(name), _) => {
            out.put_u8(b'V');
            put_type(out, name);
            put_number(out, len);
        }
    }
}

/// The head of a list whose number of values is not known yet: the last four bytes are an `i32` to be set to it.
pub fn put_long_list_head(out: &mut impl BufMut, name: Option<TypeName<'_>>) {
    match name {
        None => out.put_u8(0x58),
        Some(name) => {
            out.put_u8(b'V');
            put_type(out, name);
        }
    }
    out.put_u8(b'I');
    out.put_i32(0);
}

/// The head of a map; keys, values and [`put_end`] follow.
pub fn put_map_head(out: &mut impl BufMut, name: Option<TypeName<'_>>) {
    match name {
        None => out.put_u8(b'H'),
        Some(name) => {
            out.put_u8(b'M');
            put_type(out, name);
        }
    }
}

/// The end of a map.
pub fn put_end(out: &mut impl BufMut) {
    out.put_u8(b'Z');
}

/// A class with its fields; it gets the next number. An object of it, or another definition, follows.
pub fn put_class<'n>(out: &mut impl BufMut, name: &str, fields: impl ExactSizeIterator<Item = &'n str>) {
    out.put_u8(b'C');
    put_text(out, name);
    put_number(out, fields.len());
    for field in fields {
        put_text(out, field);
    }
}

/// The head of an object of the class of this number; the values of its fields follow.
pub fn put_object_head(out: &mut impl BufMut, class: usize) {
    match class {
        0..=0x0f => out.put_u8(0x60 + class as u8),
        _ => {
            out.put_u8(b'O');
            put_number(out, class);
        }
    }
}

/// The list, map or object of this number, which came before.
pub fn put_reference(out: &mut impl BufMut, number: usize) {
    out.put_u8(0x51);
    put_number(out, number);
}

/// An untyped map of text.
pub fn put_text_map<'e>(out: &mut impl BufMut, entries: impl IntoIterator<Item = (&'e str, &'e str)>) {
    put_map_head(out, None);
    for (key, value) in entries {
        put_text(out, key);
        put_text(out, value);
    }
    put_end(out);
}

/// An untyped list of text (`java.util.ArrayList`).
pub fn put_text_list(out: &mut impl BufMut, items: &[&str]) {
    put_list_head(out, None, items.len());
    for item in items.iter().take(i32::MAX as usize) {
        put_text(out, item);
    }
}

/// A `java.lang.RuntimeException` with this message and an empty trace, which every release and dubbo-go can read. It must
/// be the first object of its stream: it uses class number 0.
pub fn put_runtime_exception(out: &mut impl BufMut, message: &str) {
    put_class(out, "java.lang.RuntimeException", ["detailMessage", "stackTrace"].into_iter());
    put_object_head(out, 0);
    put_text(out, message);
    put_list_head(out, Some(TypeName::New("[java.lang.StackTraceElement")), 0);
}
