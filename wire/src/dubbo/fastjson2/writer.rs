//! Writes JSONB values in their shortest forms, and the length in front of a field.
//!
//! Who writes names, types and references keeps their numbers and paths. It never writes UTF-16 or GB18030 text.

use bytes::BufMut;

use super::super::rewrite::FrameBuf;
use super::pull::{Clock, Day};

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

/// A short that stays a short.
pub fn put_short(out: &mut impl BufMut, value: i16) {
    out.put_u8(0xbc);
    out.put_i16(value);
}

/// A UTF-16 unit that stays a char.
pub fn put_char(out: &mut impl BufMut, unit: u16) {
    out.put_u8(0x90);
    put_int(out, i32::from(unit));
}

/// A float. Java writes -0 without its sign; here it keeps it, which Java reads.
pub fn put_float(out: &mut impl BufMut, value: f32) {
    let whole = value as i32;
    if (-0x4_0000..=0x3_ffff).contains(&whole) && (whole as f32).to_bits() == value.to_bits() {
        out.put_u8(0xb6);
        return put_int(out, whole);
    }
    out.put_u8(0xb7);
    out.put_f32(value);
}

/// A double; for -0 see [`put_float`].
pub fn put_double(out: &mut impl BufMut, value: f64) {
    let whole = value as i32;
    let is_whole = f64::from(whole).to_bits() == value.to_bits();
    match whole {
        0 | 1 if is_whole => out.put_u8(0xb2 + whole as u8),
        _ if is_whole => {
            out.put_u8(0xb4);
            put_long(out, whole.into());
        }
        _ => {
            out.put_u8(0xb5);
            out.put_f64(value);
        }
    }
}

/// A `Date`: milliseconds since 1970.
pub fn put_date(out: &mut impl BufMut, millis: i64) {
    let short = |unit: i64| i32::try_from(millis / unit).ok().filter(|_| millis % unit == 0);
    match (short(1000), short(60_000)) {
        (Some(seconds), _) => {
            out.put_u8(0xac);
            out.put_i32(seconds);
        }
        (None, Some(minutes)) => {
            out.put_u8(0xad);
            out.put_i32(minutes);
        }
        (None, None) => {
            out.put_u8(0xab);
            out.put_i64(millis);
        }
    }
}

/// A `LocalDate`.
pub fn put_local_date(out: &mut impl BufMut, day: Day) {
    out.put_u8(0xa9);
    put_day(out, day);
}

/// A `LocalTime`.
pub fn put_local_time(out: &mut impl BufMut, clock: Clock) {
    out.put_u8(0xa7);
    put_clock(out, clock);
}

/// A `LocalDateTime`.
pub fn put_local_date_time(out: &mut impl BufMut, day: Day, clock: Clock) {
    out.put_u8(0xa8);
    put_day(out, day);
    put_clock(out, clock);
}

/// A `ZonedDateTime`: the local time and the name of its zone.
pub fn put_zoned(out: &mut impl BufMut, day: Day, clock: Clock, zone: &str) {
    out.put_u8(0xaa);
    put_day(out, day);
    put_clock(out, clock);
    put_text(out, zone);
}

/// An `Instant`: seconds since 1970 and the nanoseconds to add.
pub fn put_instant(out: &mut impl BufMut, seconds: i64, nanos: i32) {
    out.put_u8(0xae);
    put_long(out, seconds);
    put_int(out, nanos);
}

fn put_day(out: &mut impl BufMut, day: Day) {
    out.put_i16(day.year);
    out.put_slice(&[day.month, day.day]);
}

fn put_clock(out: &mut impl BufMut, clock: Clock) {
    out.put_slice(&[clock.hour, clock.minute, clock.second]);
    put_int(out, clock.nano);
}

/// A `BigInteger` from two's complement, the highest byte first.
pub fn put_big(out: &mut impl BufMut, bytes: &[u8]) {
    match long(bytes) {
        Some(number) => {
            out.put_u8(0xba);
            put_long(out, number);
        }
        None => {
            out.put_u8(0xbb);
            put_len(out, bytes.len());
            out.put_slice(bytes);
        }
    }
}

/// A `BigDecimal`: its digits as [`put_big`] takes them, and how many of them stand behind the point.
pub fn put_decimal(out: &mut impl BufMut, bytes: &[u8], scale: i32) {
    match (long(bytes), scale) {
        (Some(number), 0) => {
            out.put_u8(0xb8);
            put_long(out, number);
        }
        (number, _) => {
            out.put_u8(0xb9);
            put_int(out, scale);
            match number.map(|number| i32::try_from(number).map_err(|_| number)) {
                Some(Ok(number)) => put_int(out, number),
                Some(Err(number)) => put_long(out, number),
                None => put_big(out, bytes),
            }
        }
    }
}

/// The number that these bytes are in two's complement, if it fits.
fn long(bytes: &[u8]) -> Option<i64> {
    let negative = bytes.first().is_some_and(|byte| *byte >= 0x80);
    let mut number = [if negative { 0xff } else { 0 }; 8];
    number.get_mut(8usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    Some(i64::from_be_bytes(number))
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
        put_len(out, text.len());
        return out.put_slice(text.as_bytes());
    }
    match if text.is_ascii() { text.len() } else { text.chars().count() } {
        len @ 0..=47 => out.put_u8(0x49 + len as u8),
        len => {
            out.put_u8(0x79);
            put_len(out, len);
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
    put_len(out, bytes.len());
    out.put_slice(bytes);
}

/// A length.
fn put_len(out: &mut impl BufMut, len: usize) {
    put_int(out, i32::try_from(len).unwrap_or(i32::MAX));
}

/// A map of text.
pub fn put_text_map<'e>(out: &mut impl BufMut, entries: impl IntoIterator<Item = (&'e str, &'e str)>) {
    put_object_head(out);
    for (key, value) in entries {
        put_text(out, key);
        put_text(out, value);
    }
    put_end(out);
}

/// A list of text.
pub fn put_text_list(out: &mut impl BufMut, items: &[&str]) {
    put_list_head(out, items.len());
    for item in items {
        put_text(out, item);
    }
}

/// The head of an object or map, whose keys and values follow, then [`put_end`].
pub fn put_object_head(out: &mut impl BufMut) {
    out.put_u8(0xa6);
}

/// The end of an object or map.
pub fn put_end(out: &mut impl BufMut) {
    out.put_u8(0xa5);
}

/// The head of a list, set or array, whose values follow.
pub fn put_list_head(out: &mut impl BufMut, len: usize) {
    match len {
        0..=15 => out.put_u8(0x94 + len as u8),
        _ => {
            out.put_u8(0xa4);
            put_len(out, len);
        }
    }
}

/// The head of a list of unknown length, with the last four bytes left for it.
pub fn put_long_list_head(out: &mut impl BufMut) {
    out.put_slice(&[0xa4, 0x48, 0, 0, 0, 0]);
}

/// A type, in front of its value; `name` where it is told for the first time.
pub fn put_type(out: &mut impl BufMut, name: Option<&str>, number: usize) {
    put_named(out, 0x92, name, number);
}

/// The name of a field, in front of its value; `name` where it is told for the first time.
pub fn put_name(out: &mut impl BufMut, name: Option<&str>, number: usize) {
    put_named(out, 0x7f, name, number);
}

fn put_named(out: &mut impl BufMut, tag: u8, name: Option<&str>, number: usize) {
    out.put_u8(tag);
    if let Some(name) = name {
        put_text(out, name);
    }
    put_len(out, number);
}

/// A reference to the value at this path.
pub fn put_reference(out: &mut impl BufMut, path: &str) {
    out.put_u8(0x93);
    put_text(out, path);
}

/// A `java.lang.RuntimeException` with this message and an empty trace, in the form of 3.2 and 3.3 providers: fastjson2
/// knows the class by its short name.
pub fn put_runtime_exception(out: &mut impl BufMut, message: &str) {
    put_type(out, Some("RuntimeException"), 0);
    put_object_head(out);
    put_name(out, Some("detailMessage"), 1);
    put_text(out, message);
    put_name(out, Some("stackTrace"), 2);
    put_list_head(out, 0);
    put_end(out);
}
