//! Looks for keys among the first entries of a hessian2 map, by little more than lengths: nearly all that a call says is passed over unread.
//!
//! ```text
//!  len │ key │ len │ text │ len │ key │ …     the mark of a key is made of its length and first letter
//! ```
//!
//! It goes over entries of two ASCII texts of less than a thousand characters, as almost all are: their lengths are enough to step over
//! them. It ends at the first that is anything else, and there are others behind which only who reads them in turn can find.

use std::ops::Range;

/// Hands over key and text of each entry whose key has one of these marks, from `first` on. All of `ascii` must be; nothing begins at its
/// end. Where it has ended an entry begins of another kind, or none.
#[inline]
pub(super) fn each<'a>(ascii: &'a [u8], first: usize, marks: u64, mut found: impl FnMut(&'a [u8], &'a [u8])) -> usize {
    let mut at = first;
    while let Some(key) = text(ascii, at)
        && let Some(text) = text(ascii, key.end)
        && text.end <= ascii.len()
    {
        at = text.end;
        let letter = if key.is_empty() { 0 } else { ascii[key.start] };
        if marks >> bit(key.len(), letter) & 1 != 0 {
            found(&ascii[key], &ascii[text]);
        }
    }
    at
}

/// Where the text is that begins at `at`, by what it says of its length.
#[inline]
fn text(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let (start, len) = match *bytes.get(at)? {
        tag @ 0x00..=0x1f => (at + 1, usize::from(tag)),
        tag @ 0x30..=0x33 => (at + 2, usize::from(tag - 0x30) << 8 | usize::from(*bytes.get(at + 1)?)),
        _ => return None,
    };
    Some(start..start + len)
}

/// One bit of 64 by the length and the first letter of a key. Equal keys have equal marks; different ones seldom.
#[inline]
#[must_use]
pub fn mark(key: &[u8]) -> u64 {
    1 << bit(key.len(), key.first().copied().unwrap_or_default())
}

#[inline]
fn bit(len: usize, first: u8) -> u8 {
    (len as u8).wrapping_add(first.wrapping_mul(5)) % 64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys that are found in these bytes, and where that ended.
    fn keys(ascii: &[u8], marks: u64) -> (Vec<&str>, usize) {
        let mut keys = Vec::new();
        let end = each(ascii, 0, marks, |key, _| keys.push(str::from_utf8(key).unwrap()));
        (keys, end)
    }

    #[test]
    fn entries_are_found_by_their_marks_until_one_is_no_plain_text() {
        let all = b"\x03env\x04blue\x00\x01x\x30\x04zone\x30\x01a\x03env\x00";
        assert_eq!(keys(all, u64::MAX), (vec!["env", "", "zone", "env"], all.len()));
        assert_eq!(keys(all, mark(b"env")), (vec!["env", "env"], all.len()));
        assert_eq!(keys(all, mark(b"")), (vec![""], all.len()));
        assert_eq!(keys(all, 0), (vec![], all.len()));
        // A list, and then what only who reads in turn may find.
        assert_eq!(keys(b"\x03env\x01x\x01l\x57\x91\x5a\x03env\x01y", u64::MAX), (vec!["env"], 6));
    }

    #[test]
    fn an_entry_that_reaches_beyond_what_is_known_to_be_ascii_ends_it() {
        let all = b"\x03env\x04blue\x04zone\x01a";
        for len in 0..all.len() {
            let (found, end) = keys(&all[..len], u64::MAX);
            assert_eq!((found.len(), end), if len < 9 { (0, 0) } else { (1, 9) }, "{len}");
        }
    }
}
