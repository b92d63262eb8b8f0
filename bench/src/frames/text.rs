//! Strings and maps of hessian2, as far as the frames have them: plain text in one piece to write, any string to step over.

/// Longest text that is written: what one hessian2 string of the two-byte form holds.
pub const MAX_LEN: usize = 1023;

/// The offset after the hessian2 string that starts at `at`.
pub(super) fn skip_string(body: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let tag = *body.get(at)?;
        let (units, from, last) = match tag {
            0x00..=0x1f => (usize::from(tag), at + 1, true),
            0x30..=0x33 => (usize::from(tag - 0x30) << 8 | usize::from(*body.get(at + 1)?), at + 2, true),
            b'S' | b'R' => {
                let len = u16::from_be_bytes([*body.get(at + 1)?, *body.get(at + 2)?]);
                (usize::from(len), at + 3, tag == b'S')
            }
            _ => return None,
        };
        at = skip_units(body, from, units)?;
        if last {
            return Some(at);
        }
    }
}

/// The offset after `units` UTF-16 units, each of one to three bytes.
fn skip_units(body: &[u8], from: usize, units: usize) -> Option<usize> {
    if body.get(from..from + units)?.is_ascii() {
        return Some(from + units);
    }
    let mut at = from;
    for _ in 0..units {
        at += match body.get(at)? {
            0x00..=0x7f => 1,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            _ => return None,
        };
    }
    (at <= body.len()).then_some(at)
}

/// Appends ASCII text of at most 1 023 bytes as a hessian2 string.
pub(super) fn append_string(text: &[u8], out: &mut Vec<u8>) {
    debug_assert!(text.is_ascii() && text.len() <= MAX_LEN, "one chunk of plain text");
    match text.len() {
        len @ 0..=31 => out.push(len as u8),
        len => out.extend_from_slice(&[0x30 + (len >> 8) as u8, len as u8]),
    }
    out.extend_from_slice(text);
}

/// Appends a map of such strings.
pub(super) fn append_map(entries: &[(&str, &str)], out: &mut Vec<u8>) {
    out.push(b'H');
    for (key, value) in entries {
        append_string(key.as_bytes(), out);
        append_string(value.as_bytes(), out);
    }
    out.push(b'Z');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_of_long_characters_is_skipped_by_its_units() {
        let mut text = vec![0x03, 0x41, 0xc3, 0xa9, 0xe2, 0x82, 0xac, b'N'];
        assert_eq!(skip_string(&text, 0), Some(7));
        text.truncate(6);
        assert_eq!(skip_string(&text, 0), None);
        assert_eq!(skip_string(&[b'R', 0, 1, b'a', b'S', 0, 1, b'b', b'N'], 0), Some(8));
    }
}
