//! Requests that we make ourselves: asking a provider for its metadata, probing it with `$echo`, the calls of the SDK.
//!
//! It writes strings, nulls and numbers as arguments, and what was written before; it never makes objects.

use std::iter;

use super::frame::{Codec, FrameKind, HEADER_LEN, Header};
use super::rewrite::FrameBuf;
use super::value::Value;

/// An argument.
pub type Arg<'e> = Value<'e>;

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'e> {
    /// How to write it.
    pub codec: Codec,
    /// The interface; also the path where none is said.
    pub service: &'e str,
    /// The version, `None` for none.
    pub version: Option<&'e str>,
    /// The group, `None` for none.
    pub group: Option<&'e str>,
    /// The method.
    pub method: &'e str,
    /// JVM descriptors of the parameters.
    pub types: &'e str,
    /// The arguments, one for each of `types`, or all of them as one [`Value::Written`], in fastjson2 with their lengths.
    pub args: &'e [Arg<'e>],
    /// Attachments beside `path`, `interface`, `version` and `group`.
    pub attachments: &'e [(&'e str, &'e str)],
}

/// The protocol version in field 1: what 2.6.3 and later and dubbo-go say.
const DUBBO_VERSION: &str = "2.0.2";
/// What stands in field 3 where there is no version.
pub const NO_VERSION: &str = "0.0.0";

impl Request<'_> {
    /// Appends the frame of a call to `out` and returns its length.
    pub fn append(&self, out: &mut impl FrameBuf, id: i64) -> usize {
        self.append_to(self.service, FrameKind::Call, iter::empty(), out, id)
    }

    /// As [`Request::append`], for a provider that exports the service under this path and gets `more` attachments; `kind` is `Call` or
    /// `OneWay`.
    pub fn append_to<'a>(
        &'a self,
        path: &'a str,
        kind: FrameKind,
        more: impl Iterator<Item = (&'a str, &'a str)>,
        out: &mut impl FrameBuf,
        id: i64,
    ) -> usize {
        let start = out.len();
        let header = match kind {
            FrameKind::OneWay => Header::one_way(self.codec.serialization(), id, 0),
            _ => Header::request(self.codec.serialization(), id, 0),
        };
        out.put_slice(&header.encode());
        match self.codec {
            Codec::Hessian2 => self.put_hessian2(self.map(path).chain(more), out),
            Codec::Fastjson2 => self.put_fastjson2(self.map(path).chain(more), out),
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

    fn map<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let own = [("path", path), ("interface", self.service), ("version", self.version.unwrap_or(NO_VERSION))];
        own.into_iter().chain(self.group.map(|group| ("group", group))).chain(self.attachments.iter().copied())
    }

    fn put_hessian2<'a>(&self, map: impl Iterator<Item = (&'a str, &'a str)>, out: &mut impl FrameBuf) {
        use super::hessian2::writer;
        for text in self.leading() {
            writer::put_text(out, text);
        }
        for arg in self.args {
            arg.put(out, Codec::Hessian2);
        }
        writer::put_text_map(out, map);
    }

    fn put_fastjson2<'a>(&self, map: impl Iterator<Item = (&'a str, &'a str)>, out: &mut impl FrameBuf) {
        use super::fastjson2::writer;
        for text in self.leading() {
            writer::put_field(out, |out| writer::put_text(out, text));
        }
        for arg in self.args {
            match arg {
                Value::Written(fields) => out.put_slice(fields),
                arg => writer::put_field(out, |out| arg.put(out, Codec::Fastjson2)),
            }
        }
        writer::put_field(out, |out| writer::put_text_map(out, map));
    }
}
