//! Writes the few JSONB values that gateways send, and the length in front of a field.
//!
//! It never writes a reference, nor UTF-16 or GB18030 text.

use bytes::BufMut;

use super::super::rewrite::FrameBuf;

/// Appends a field: its length, then what `write` appends.
pub fn put_field<B: FrameBuf>(out: &mut B, write: impl FnOnce(&mut B)) {
    let at = out.len();
    out.put_i32(0);
    write(out);
    let len = out.len() - at - 4;
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&(len as u32).to_be_bytes());
    }
}

/// Null.
pub fn put_null(out: &mut impl BufMut) {
    out.put_u8(0xaf);
}

/// A boolean.
pub fn put_bool(out: &mut impl BufMut, value: bool) {
    out.put_u8(if value { 0xb1 } else { 0xb0 });
}

/// A byte that stays a byte: the type of a reply.
pub fn put_byte(out: &mut impl BufMut, value: i8) {
    out.put_slice(&[0xbd, value as u8]);
}

/// An int in its shortest form; also lengths.
pub fn put_int(out: &mut impl BufMut, value: i32) {
    match value {
        -16..=47 => out.put_u8(value as u8),
        -2048..=2047 => out.put_slice(&[(0x38 + (value >> 8)) as u8, value as u8]),
        -0x4_0000..=0x3_ffff => out.put_slice(&[(0x44 + (value >> 16)) as u8, (value >> 8) as u8, value as u8]),
        _ => {
            out.put_u8(0x48);
            out.put_i32(value);
        }
    }
}

/// A long in its shortest form.
pub fn put_long(out: &mut impl BufMut, value: i64) {
    match value {
        -8..=15 => out.put_u8((0xe0 + value) as u8),
        -2048..=2047 => out.put_slice(&[(0xd0 + (value >> 8)) as u8, value as u8]),
        -0x4_0000..=0x3_ffff => out.put_slice(&[(0xc4 + (value >> 16)) as u8, (value >> 8) as u8, value as u8]),
        _ => match i32::try_from(value) {
            Ok(value) => {
                out.put_u8(0xbf);
                out.put_i32(value);
            }
            Err(_) => {
                out.put_u8(0xbe);
                out.put_i64(value);
            }
        },
    }
}

/// Text: Latin-1 where that can hold it, else UTF-8. Java's writers do the same, and its reader relies on it: Latin-1 text in
/// UTF-8 becomes a string that equals no other.
pub fn put_text(out: &mut impl BufMut, text: &str) {
    if !text.chars().all(|character| character <= '\u{ff}') {
        out.put_u8(0x7a);
        put_int(out, i32::try_from(text.len()).unwrap_or(i32::MAX));
        return out.put_slice(text.as_bytes());
    }
    match if text.is_ascii() { text.len() } else { text.chars().count() } {
        len @ 0..=47 => out.put_u8(0x49 + len as u8),
        len => {
            out.put_u8(0x79);
            put_int(out, i32::try_from(len).unwrap_or(i32::MAX));
        }
    }
    if text.is_ascii() {
        return out.put_slice(text.as_bytes());
    }
    for character in text.chars() {
        out.put_u8(u32::from(character) as u8);
    }
}

/// A binary.
pub fn put_binary(out: &mut impl BufMut, bytes: &[u8]) {
    out.put_u8(0x91);
    put_int(out, i32::try_from(bytes.len()).unwrap_or(i32::MAX));
    out.put_slice(bytes);
}

/// A map of text.
pub fn put_text_map<'e>(out: &mut impl BufMut, entries: impl IntoIterator<Item = (&'e str, &'e str)>) {
    out.put_u8(0xa6);
    for (key, value) in entries {
        put_text(out, key);
        put_text(out, value);
    }
    out.put_u8(0xa5);
}

/// A list of text.
pub fn put_text_list(out: &mut impl BufMut, items: &[&str]) {
    match items.len() {
        len @ 0..=15 => out.put_u8(0x94 + len as u8),
        len => {
            out.put_u8(0xa4);
            put_int(out, i32::try_from(len).unwrap_or(i32::MAX));
        }
    }
    for item in items {
        put_text(out, item);
    }
}

/// A `java.lang.RuntimeException` with this message and an empty trace, in the form of 3.2 and 3.3 providers: fastjson2
/// knows the class by its short name.
pub fn put_runtime_exception(out: &mut impl BufMut, message: &str) {
    out.put_u8(0x92);
    put_text(out, "RuntimeException");
    put_int(out, 0);
    out.put_u8(0xa6);
    put_symbol(out, "detailMessage", 1);
    put_text(out, message);
    put_symbol(out, "stackTrace", 2);
    out.put_u8(0x94);
    out.put_u8(0xa5);
}

fn put_symbol(out: &mut impl BufMut, name: &str, number: i32) {
    out.put_u8(0x7f);
    put_text(out, name);
    put_int(out, number);
}
