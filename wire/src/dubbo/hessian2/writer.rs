//! Writes the few Hessian values that gateways send: text, numbers, maps and lists of text, a `RuntimeException`.
//!
//! It never writes the variable untyped list `57` (hessian-lite cannot read it) nor four-byte UTF-8.

use bytes::BufMut;

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
        _ => {
            out.put_u8(b'I');
            out.put_i32(value);
        }
    }
}

/// A long in its shortest form.
pub fn put_long(out: &mut impl BufMut, value: i64) {
    match value {
        -8..=15 => out.put_u8((0xe0 + value) as u8),
        -2048..=2047 => out.put_slice(&[(0xf8 + (value >> 8)) as u8, value as u8]),
        -0x4_0000..=0x3_ffff => out.put_slice(&[(0x3c + (value >> 16)) as u8, (value >> 8) as u8, value as u8]),
        _ => match i32::try_from(value) {
            Ok(value) => {
                out.put_u8(0x59);
                out.put_i32(value);
            }
            Err(_) => {
                out.put_u8(b'L');
                out.put_i64(value);
            }
        },
    }
}

/// Text: in UTF-16 units, in pieces of 32 768 that never cut a pair.
pub fn put_text(out: &mut impl BufMut, text: &str) {
    let mut rest = text;
    loop {
        let (units, len) = piece(rest);
        let last = len == rest.len();
        match units {
            0..=0x1f if last => out.put_u8(units as u8),
            0x20..=0x3ff if last => out.put_slice(&[0x30 + (units >> 8) as u8, units as u8]),
            _ => {
                out.put_u8(if last { b'S' } else { b'R' });
                out.put_u16(units as u16);
            }
        }
        put_units(out, &rest[..len]);
        if last {
            return;
        }
        rest = &rest[len..];
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

/// An untyped map of text.
pub fn put_text_map<'e>(out: &mut impl BufMut, entries: impl IntoIterator<Item = (&'e str, &'e str)>) {
    out.put_u8(b'H');
    for (key, value) in entries {
        put_text(out, key);
        put_text(out, value);
    }
    out.put_u8(b'Z');
}

/// An untyped list of text (`java.util.ArrayList`).
pub fn put_text_list(out: &mut impl BufMut, items: &[&str]) {
    match items.len() {
        len @ 0..=7 => out.put_u8(0x78 + len as u8),
        len => {
            out.put_u8(0x58);
            put_int(out, i32::try_from(len).unwrap_or(i32::MAX));
        }
    }
    for item in items.iter().take(i32::MAX as usize) {
        put_text(out, item);
    }
}

/// A `java.lang.RuntimeException` with this message and an empty trace, which every release and dubbo-go can read. It must
/// be the first object of its stream: it uses class number 0.
pub fn put_runtime_exception(out: &mut impl BufMut, message: &str) {
    out.put_u8(b'C');
    put_text(out, "java.lang.RuntimeException");
    put_int(out, 2);
    put_text(out, "detailMessage");
    put_text(out, "stackTrace");
    out.put_u8(0x60);
    put_text(out, message);
    out.put_u8(0x70);
    put_text(out, "[java.lang.StackTraceElement");
}
