//! A small POST as a form with one file, for firewalls that take no other body of bytes. It is written and read in this one shape, which no
//! library for forms is needed for; anything else is no request of a link.
//!
//! ```text
//!  Content-Type: multipart/form-data; boundary=highway-0123…
//!
//!  --highway-0123…
//!  Content-Disposition: form-data; name="file"; filename="records"
//!  Content-Type: application/octet-stream
//!                                              an empty line, then the bytes of a request, whatever they are
//!  --highway-0123…--
//! ```
//!
//! The file ends where the body does: no byte of it is looked at, and the boundary, random in each request, ends it. Pure and total.

use bytes::{Bytes, BytesMut};
use http::HeaderValue;

/// What a body of this shape is called.
const KIND: &str = "multipart/form-data";
/// The longest boundary (RFC 2046, section 5.1.1).
const BOUNDARY_LEN: usize = 70;
/// The most bytes in front of the file.
const HEAD_LEN: usize = 1024;
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// A body, and what its header says of it.
pub(super) fn written(number: [u8; 16], content: &[&[u8]]) -> (HeaderValue, Bytes) {
    let boundary = format!("highway-{}", crate::random::hex(&number));
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"records\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    let end = end(&boundary);
    let len: usize = content.iter().map(|piece| piece.len()).sum();
    let mut body = BytesMut::with_capacity(head.len() + len + end.len());
    [head.as_bytes()].iter().chain(content).chain(&[&end[..]]).for_each(|piece| body.extend_from_slice(piece));
    let kind = HeaderValue::try_from(format!("{KIND}; boundary={boundary}"));
    // Letters, digits and dashes make a header.
    (kind.unwrap_or_else(|_| HeaderValue::from_static(KIND)), body.freeze())
}

fn end(boundary: &str) -> Vec<u8> {
    format!("\r\n--{boundary}--\r\n").into_bytes()
}

/// Why a body is not of this shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoPart;

/// Takes the file out of a body that comes in pieces.
#[derive(Debug)]
pub(super) struct Reader {
    boundary: String,
    /// What came of the head; empty behind it.
    head: Vec<u8>,
    is_behind: bool,
    /// The last bytes: no more than the end of the body has.
    last: Vec<u8>,
}

impl Reader {
    /// For a body that is said to be a form; `None` for any other.
    ///
    /// # Errors
    /// The boundary cannot be one.
    pub(super) fn of(kind: Option<&HeaderValue>) -> Result<Option<Reader>, NoPart> {
        let Some(kind) = kind.and_then(|kind| kind.to_str().ok()) else { return Ok(None) };
        let (name, parameters) = kind.split_once(';').unwrap_or((kind, ""));
        if !name.trim().eq_ignore_ascii_case(KIND) {
            return Ok(None);
        }
        let (_, boundary) = parameters
            .split(';')
            .filter_map(|parameter| parameter.trim().split_once('='))
            .find(|(name, _)| name.eq_ignore_ascii_case("boundary"))
            .ok_or(NoPart)?;
        let boundary = boundary.trim_matches('"');
        let is_one = (1..=BOUNDARY_LEN).contains(&boundary.len())
            && boundary.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_one {
            return Err(NoPart);
        }
        let (head, last) = Default::default();
        Ok(Some(Reader { boundary: boundary.to_owned(), head, is_behind: false, last }))
    }

    /// Takes the next bytes of the body; gives what is surely of the file.
    ///
    /// # Errors
    /// It does not begin as it should.
    pub(super) fn take(&mut self, piece: Bytes) -> Result<Bytes, NoPart> {
        if self.is_behind {
            return Ok(self.keep_last(&piece));
        }
        // The end of the head may stand across two pieces; no more of it than its bound is ever kept.
        let before = self.head.len();
        let room = HEAD_LEN - before;
        self.head.extend_from_slice(&piece[..piece.len().min(room)]);
        let from = before.saturating_sub(END_OF_HEAD.len() - 1);
        let found = self.head[from..].windows(END_OF_HEAD.len()).position(|four| four == END_OF_HEAD);
        let Some(at) = found else {
            return if self.head.len() < HEAD_LEN { Ok(Bytes::new()) } else { Err(NoPart) };
        };
        let len = from + at + END_OF_HEAD.len();
        if !self.is_ours(&self.head[..len]) {
            return Err(NoPart);
        }
        self.is_behind = true;
        self.head = Vec::new();
        Ok(self.keep_last(&piece[len - before..]))
    }

    fn is_ours(&self, head: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(head) else { return false };
        let mut lines = text.split("\r\n");
        let is_first = lines.next().and_then(|line| line.strip_prefix("--")) == Some(&self.boundary);
        let is_file = |line: &str| {
            let line = line.to_ascii_lowercase();
            line.strip_prefix("content-disposition:").is_some_and(|said| said.contains("filename="))
        };
        is_first && lines.any(is_file)
    }

    /// Holds back what may be the end of the body.
    fn keep_last(&mut self, piece: &[u8]) -> Bytes {
        let end_len = end(&self.boundary).len();
        let mut all = BytesMut::with_capacity(self.last.len() + piece.len());
        all.extend_from_slice(&self.last);
        all.extend_from_slice(piece);
        let last = all.split_off(all.len().saturating_sub(end_len));
        self.last = last.to_vec();
        all.freeze()
    }

    /// The body is over.
    ///
    /// # Errors
    /// It does not end as it should: something of it is missing, or was added.
    pub(super) fn end(&self) -> Result<(), NoPart> {
        if self.is_behind && self.last == end(&self.boundary) { Ok(()) } else { Err(NoPart) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(kind: &HeaderValue, body: &[u8], cuts: &[usize]) -> Result<Vec<u8>, NoPart> {
        let mut reader = Reader::of(Some(kind))?.unwrap();
        let (mut file, mut rest) = (Vec::new(), body);
        let mut cuts = cuts.iter().copied().cycle();
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(cuts.next().unwrap_or(rest.len()).clamp(1, rest.len()));
            file.extend_from_slice(&reader.take(Bytes::copy_from_slice(piece))?);
            rest = more;
        }
        reader.end().map(|()| file)
    }

    proptest! {
        #[test]
        fn whatever_is_put_in_comes_out_however_it_is_cut(
            file in prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), any::<u8>()], 0..3000),
            cuts in prop::collection::vec(1usize..700, 1..9),
        ) {
            let (front, back) = file.split_at(file.len() / 2);
            let (kind, body) = written([7; 16], &[front, back]);
            prop_assert_eq!(read(&kind, &body, &cuts), Ok(file));
        }

        #[test]
        fn any_bytes_are_taken_or_refused_and_no_more_comes_out_than_went_in(
            body in prop::collection::vec(any::<u8>(), 0..3000), cuts in prop::collection::vec(1usize..700, 1..9),
        ) {
            let (kind, _) = written([7; 16], &[]);
            prop_assert!(read(&kind, &body, &cuts).is_err());
            let (kind, begun) = written([7; 16], &[&body]);
            let cut = &begun[..begun.len() - 1];
            prop_assert_eq!(read(&kind, cut, &cuts), Err(NoPart), "its end is missing");
        }
    }

    #[test]
    fn only_forms_with_one_file_are_read() {
        let of = |kind: &str| Reader::of(Some(&HeaderValue::from_str(kind).unwrap())).map(|reader| reader.is_some());
        assert_eq!((of("application/octet-stream"), Reader::of(None).map(|_| ())), (Ok(false), Ok(())));
        assert_eq!(of("Multipart/Form-Data; charset=utf-8; Boundary=\"a-b\""), Ok(true));
        for wrong in ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=a b"] {
            assert_eq!(of(wrong), Err(NoPart), "{wrong}");
        }
        assert_eq!(of(&format!("multipart/form-data; boundary={}", "x".repeat(71))), Err(NoPart));
        let kind = HeaderValue::from_static("multipart/form-data; boundary=b");
        let file = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n12\r\n--b--\r\n";
        assert_eq!(read(&kind, file.as_bytes(), &[9]), Ok(b"12".to_vec()));
        for wrong in [
            file.replace("; filename=\"x\"", ""),
            file.replacen("--b", "--c", 1),
            format!(" {file}"),
            format!("{file} "),
            file.replace("--b--", "--b"),
            format!("--b\r\nX: {}", "y".repeat(5000)),
        ] {
            assert_eq!(read(&kind, wrong.as_bytes(), &[700]), Err(NoPart), "{wrong}");
        }
    }
}
