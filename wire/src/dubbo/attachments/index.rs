//! Where the first entries of a hessian2 map stand and what their keys are like: who looks for one key after another reads only entries
//! that may have it, and goes over the map once.
//!
//! ```text
//!  mark │ mark │ …     a number below 64 for each key: by its length and first letter
//!  at   │ at   │ …     where the entry begins
//! ```
//!
//! Noted are entries of two ASCII texts of less than a thousand characters, as almost all are: their lengths are enough to step over them.
//! It ends at the first that is anything else, and there are others behind which only who reads them in turn can find.

use super::super::read::ascii_len;

/// Calls have about ten attachments.
const NOTED_MAX: usize = 16;

/// Some of the entries, from the first on without a gap.
#[derive(Debug, Clone)]
pub(super) struct Index {
    marks: [u8; NOTED_MAX],
    at: [u32; NOTED_MAX],
    len: usize,
    end: usize,
}

impl Index {
    /// Of the entries of `body` from `first` on; before `seen` all is known to be ASCII, and at `end` none begins.
    pub(super) fn of(body: &[u8], first: usize, seen: usize, end: usize) -> Self {
        let ascii_end = seen + body.get(seen..end).map_or(0, ascii_len);
        let ascii = body.get(..ascii_end).unwrap_or_default();
        let (mut marks, mut starts, mut len, mut next) = ([0; NOTED_MAX], [0; NOTED_MAX], 0, first);
        for (mark, start) in marks.iter_mut().zip(&mut starts) {
            let (Ok(at), Some((key, _, behind))) = (u32::try_from(next), entry(ascii, next)) else { break };
            (*mark, *start) = (bit(key), at);
            (len, next) = (len + 1, behind);
        }
        Self { marks, at: starts, len, end: next }
    }

    /// Key and text of those entries of `body` whose keys have one of these marks.
    #[inline]
    pub(super) fn marked<'a>(&self, body: &'a [u8], marks: u64) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let noted = self.marks.iter().zip(&self.at).take(self.len);
        let marked = noted.filter(move |(mark, _)| marks >> **mark & 1 != 0);
        marked.filter_map(move |(_, at)| entry(body, *at as usize)).map(|(key, text, _)| (key, text))
    }

    /// Behind the last entry that is noted.
    pub(super) const fn end(&self) -> usize {
        self.end
    }
}

/// The key and the text of the entry at `at`, and where the next one begins.
#[inline]
fn entry(bytes: &[u8], at: usize) -> Option<(&[u8], &[u8], usize)> {
    let (key, text_at) = text(bytes, at)?;
    let (text, next) = text(bytes, text_at)?;
    Some((key, text, next))
}

/// The text at `at`, and what comes behind it.
#[inline]
fn text(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let (start, len) = match *bytes.get(at)? {
        tag @ 0x00..=0x1f => (at + 1, usize::from(tag)),
        tag @ 0x30..=0x33 => (at + 2, usize::from(tag - 0x30) << 8 | usize::from(*bytes.get(at + 1)?)),
        _ => return None,
    };
    Some((bytes.get(start..start + len)?, start + len))
}

/// One bit of 64 by the length and the first letter of a key. Equal keys have equal marks; different ones seldom.
#[inline]
#[must_use]
pub fn mark(key: &[u8]) -> u64 {
    1 << bit(key)
}

#[inline]
fn bit(key: &[u8]) -> u8 {
    let first = key.first().copied().unwrap_or_default();
    (key.len() as u8).wrapping_add(first.wrapping_mul(5)) % 64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The entries one behind the other, with keys of this form.
    fn entries(keys: impl Iterator<Item = String>) -> Vec<u8> {
        let put = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
        keys.flat_map(|key| [put(&key), put("x")].concat()).collect()
    }

    #[test]
    fn entries_are_noted_while_they_are_plain_and_there_is_room() {
        let all = entries((0..2 * NOTED_MAX).map(|number| format!("k{number:02}")));
        let index = Index::of(&all, 0, 0, all.len());
        assert_eq!((index.marked(&all, u64::MAX).count(), index.end()), (NOTED_MAX, all.len() / 2));
        assert_eq!(index.marked(&all, !mark(b"k00")).count(), 0);
        // A list, and then what only who reads in turn may find.
        let odd = [
            entries(["env".to_owned()].into_iter()),
            vec![1, b'l', 0x57, 0x91, 0x5a],
            entries(["env".to_owned()].into_iter()),
        ];
        let (before, odd) = (odd[0].len(), odd.concat());
        let index = Index::of(&odd, 0, 0, odd.len());
        assert_eq!((index.marked(&odd, mark(b"env")).count(), index.end()), (1, before));
        // Lengths are of characters, so what is not ASCII ends it.
        let foreign = [entries(["env".to_owned()].into_iter()), vec![1, 0xc3, 0xb6, 1, b'x']].concat();
        assert_eq!(Index::of(&foreign, 0, before.min(3), foreign.len()).end(), before);
    }
}
