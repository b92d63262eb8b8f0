//! Requests that a gateway makes itself: asking a provider for its metadata, probing it with `$echo`.
//!
//! It writes strings, nulls and numbers as arguments; it never makes objects.

use super::frame::{Codec, HEADER_LEN, Header};
use super::rewrite::FrameBuf;
use super::value::Value;

/// An argument.
pub type Arg<'e> = Value<'e>;

/// A two-way request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'e> {
    /// How to write it.
    pub codec: Codec,
    /// The interface; also the path.
    pub service: &'e str,
    /// The version, `None` for none.
    pub version: Option<&'e str>,
    /// The group, `None` for none.
    pub group: Option<&'e str>,
    /// The method.
    pub method: &'e str,
    /// JVM descriptors of the parameters, one for each of `args`.
    pub types: &'e str,
    /// The arguments.
    pub args: &'e [Arg<'e>],
    /// Attachments beside `path`, `interface`, `version` and `group`.
    pub attachments: &'e [(&'e str, &'e str)],
}

/// The protocol version in field 1: what 2.6.3 and later and dubbo-go say.
const DUBBO_VERSION: &str = "2.0.2";
/// What stands in field 3 where there is no version.
const NO_VERSION: &str = "0.0.0";

impl Request<'_> {
    /// Appends the frame to `out` and returns its length.
    pub fn append(&self, out: &mut impl FrameBuf, id: i64) -> usize {
        let start = out.len();
        out.put_slice(&Header::request(self.codec.serialization(), id, 0).encode());
        match self.codec {
            Codec::Hessian2 => self.put_hessian2(out),
            Codec::Fastjson2 => self.put_fastjson2(out),
        }
        let len = out.len() - start;
        if let Some(place) = out.get_mut(start + HEADER_LEN - 4..start + HEADER_LEN) {
            place.copy_from_slice(&((len - HEADER_LEN) as u32).to_be_bytes());
        }
        len
    }

    fn leading(&self) -> [&str; 5] {
        [DUBBO_VERSION, self.service, self.version.unwrap_or(NO_VERSION), self.method, self.types]
    }

    fn map(&self) -> impl Iterator<Item = (&str, &str)> {
        let own =
            [("path", self.service), ("interface", self.service), ("version", self.version.unwrap_or(NO_VERSION))];
        own.into_iter().chain(self.group.map(|group| ("group", group))).chain(self.attachments.iter().copied())
    }

    fn put_hessian2(&self, out: &mut impl FrameBuf) {
        use super::hessian2::writer;
        for text in self.leading() {
            writer::put_text(out, text);
        }
        for arg in self.args {
            arg.put(out, Codec::Hessian2);
        }
        writer::put_text_map(out, self.map());
    }

    fn put_fastjson2(&self, out: &mut impl FrameBuf) {
        use super::fastjson2::writer;
        for text in self.leading() {
            writer::put_field(out, |out| writer::put_text(out, text));
        }
        for arg in self.args {
            writer::put_field(out, |out| arg.put(out, Codec::Fastjson2));
        }
        writer::put_field(out, |out| writer::put_text_map(out, self.map()));
    }
}
