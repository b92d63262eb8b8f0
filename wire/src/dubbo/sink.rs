//! Where a rewritten frame goes: copied to the end of a buffer, or kept as slices of the old frame and a few new bytes.
//!
//! It never copies a kept byte twice.

use std::borrow::Cow;
use std::ops::DerefMut;

use bytes::{BufMut, BytesMut};

use super::frame::HEADER_LEN;
use super::rewrite::RewriteError;

/// A buffer that frames are appended to: `Vec<u8>`, `BytesMut`.
pub trait FrameBuf: BufMut + DerefMut<Target = [u8]> {
    /// Takes off everything behind the first `len` bytes.
    fn cut(&mut self, len: usize);
}

impl FrameBuf for Vec<u8> {
    fn cut(&mut self, len: usize) {
        self.truncate(len);
    }
}

impl FrameBuf for BytesMut {
    fn cut(&mut self, len: usize) {
        self.truncate(len);
    }
}

/// A rewritten frame as slices of the old one and of a few new bytes.
#[derive(Debug, Clone, Default)]
pub struct Parts<'a> {
    /// Never empty slices; those of the old frame are borrowed.
    parts: Vec<Cow<'a, [u8]>>,
    len: usize,
}

impl Parts<'_> {
    /// The slices in order, header first.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().map(|part| &**part)
    }

    /// The length of the whole frame.
    #[must_use]
    pub const fn frame_len(&self) -> usize {
        self.len
    }
}

/// Takes a frame piece by piece.
pub(super) trait Sink<'a> {
    /// Takes new bytes.
    type Fresh: FrameBuf;
    /// A piece of the old frame.
    fn keep(&mut self, bytes: &'a [u8]);
    /// Where new bytes are appended.
    fn fresh(&mut self) -> &mut Self::Fresh;
    /// The length of the frame so far.
    fn len(&self) -> usize;
    /// Replaces four new bytes that begin `at` bytes behind the frame's beginning and were put at once.
    fn patch(&mut self, at: usize, number: u32);
}

pub(super) struct Appended<'b, B> {
    out: &'b mut B,
    start: usize,
}

impl<'a, B: FrameBuf> Sink<'a> for Appended<'_, B> {
    type Fresh = B;

    fn keep(&mut self, bytes: &'a [u8]) {
        self.out.put_slice(bytes);
    }

    fn fresh(&mut self) -> &mut B {
        self.out
    }

    fn len(&self) -> usize {
        self.out.len() - self.start
    }

    fn patch(&mut self, at: usize, number: u32) {
        write_at(self.out, self.start + at, number);
    }
}

/// Collects [`Parts`]; new bytes gather in `fresh` until the next piece of the old frame.
#[derive(Default)]
pub(super) struct Sliced<'a> {
    parts: Vec<Cow<'a, [u8]>>,
    parts_len: usize,
    fresh: Vec<u8>,
}

impl Sliced<'_> {
    fn flush(&mut self) {
        if !self.fresh.is_empty() {
            self.parts_len += self.fresh.len();
            self.parts.push(Cow::Owned(std::mem::take(&mut self.fresh)));
        }
    }
}

impl<'a> Sink<'a> for Sliced<'a> {
    type Fresh = Vec<u8>;

    fn keep(&mut self, bytes: &'a [u8]) {
        if !bytes.is_empty() {
            self.flush();
            self.parts_len += bytes.len();
            self.parts.push(Cow::Borrowed(bytes));
        }
    }

    fn fresh(&mut self) -> &mut Vec<u8> {
        &mut self.fresh
    }

    fn len(&self) -> usize {
        self.parts_len + self.fresh.len()
    }

    fn patch(&mut self, at: usize, number: u32) {
        let mut part_at = 0;
        for part in &mut self.parts {
            if at < part_at + part.len() {
                if let Cow::Owned(part) = part {
                    write_at(part, at - part_at, number);
                }
                return;
            }
            part_at += part.len();
        }
        write_at(&mut self.fresh, at - part_at, number);
    }
}

fn write_at(bytes: &mut [u8], at: usize, number: u32) {
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&number.to_be_bytes());
    }
}

/// Lets `write` put a whole frame behind `out`, sets the length in its header, and takes everything back on an error.
pub(super) fn append<B: FrameBuf>(
    out: &mut B,
    write: impl FnOnce(&mut Appended<'_, B>) -> Result<(), RewriteError>,
) -> Result<usize, RewriteError> {
    let start = out.len();
    if let Err(error) = write(&mut Appended { out: &mut *out, start }) {
        out.cut(start);
        return Err(error);
    }
    let len = out.len() - start;
    write_at(out, start + HEADER_LEN - 4, len.saturating_sub(HEADER_LEN) as u32);
    Ok(len)
}

/// Lets `write` put a whole frame together as slices, and sets the length in its header.
pub(super) fn parts<'a>(
    write: impl FnOnce(&mut Sliced<'a>) -> Result<(), RewriteError>,
) -> Result<Parts<'a>, RewriteError> {
    let mut sink = Sliced::default();
    write(&mut sink)?;
    let len = sink.len();
    sink.patch(HEADER_LEN - 4, len.saturating_sub(HEADER_LEN) as u32);
    sink.flush();
    Ok(Parts { parts: sink.parts, len })
}
