//! New frames from old ones: another id, other attachments, another path; arguments and values byte for byte.
//!
//! ```text
//!   old   | header | field 1 | 2 | 3 4 5 args ............ | map: a b c | rest |
//!   new   | header'| field 1 | 2'| the same bytes ........ | map: a   c  d  e | rest |
//! ```
//!
//! The frame is copied at most once, to where it is sent from. It never re-encodes what it does not change.

use std::ops::Range;

use bytes::BufMut;
use thiserror::Error;

use super::answer::Answer;
use super::attachments::{Attachments, Cursor, MapError};
use super::call::Call;
use super::fastjson2::{self, Fields};
use super::frame::{Codec, Header};
use super::hessian2;
use super::sink::{Sink, append, parts};

pub use super::sink::{FrameBuf, Parts};

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
        /// Its length, or more.
        found: usize,
    },
    /// An attachment of fastjson2 cannot be taken out, because a later one may refer to what is in it.
    #[error(
        "attachment `{key}` cannot be taken out: it holds more than plain text and so does one behind it; send strings"
    )]
    Entangled {
        /// Its key.
        key: String,
    },
    /// The attachments could be read before and cannot now: the call and the body are not the same frame.
    #[error("the attachments cannot be read again: {0}")]
    Map(#[from] MapError),
}

/// What stands in for a key whose value cannot be taken out of a Hessian map.
///
/// Lists, maps and objects of a Hessian stream are numbered in order of appearance, class definitions and type names
/// too. Taking one out renumbers what comes behind. Where nothing behind counts, the entry goes; where something does,
/// the value stays and only its key changes to this one, which nobody reads.
pub const RENAMED: &str = "removed";

impl RequestEdit<'_> {
    /// Appends the new frame to `out` and returns its length. `body` is what `call` was read from.
    ///
    /// # Errors
    /// [`RewriteError`]; `out` is as it was.
    pub fn append(
        &self,
        header: &Header,
        body: &[u8],
        call: &Call<'_>,
        out: &mut impl FrameBuf,
    ) -> Result<usize, RewriteError> {
        append(out, |sink| self.write(header, body, call, sink))
    }

    /// The new frame without copying the body, for bodies that are worth it.
    ///
    /// # Errors
    /// [`RewriteError`].
    pub fn parts<'a>(&self, header: &Header, body: &'a [u8], call: &Call<'_>) -> Result<Parts<'a>, RewriteError> {
        parts(|sink| self.write(header, body, call, sink))
    }

    fn write<'a, S: Sink<'a>>(
        &self,
        header: &Header,
        body: &'a [u8],
        call: &Call<'_>,
        sink: &mut S,
    ) -> Result<(), RewriteError> {
        check_len(body, self.set, self.service)?;
        put_header(sink, header, self.id);
        let mut kept = 0;
        if let Some(service) = self.service {
            let field = service_field(body, call.codec)?;
            sink.keep(&body[..field.start]);
            match call.codec {
                Codec::Hessian2 => hessian2::writer::put_text(sink.fresh(), service),
                Codec::Fastjson2 => {
                    fastjson2::writer::put_field(sink.fresh(), |out| fastjson2::writer::put_text(out, service))
                }
            }
            kept = field.end;
        }
        MapEdit { strip: self.strip, set: self.set }.write(body, kept, &call.attachments, sink)
    }
}

impl ReplyEdit<'_> {
    /// Appends the new frame to `out` and returns its length. `body` is what `answer` was read from.
    ///
    /// # Errors
    /// [`RewriteError`]; `out` is as it was.
    pub fn append(
        &self,
        header: &Header,
        body: &[u8],
        answer: &Answer<'_>,
        out: &mut impl FrameBuf,
    ) -> Result<usize, RewriteError> {
        append(out, |sink| self.write(header, body, answer, sink))
    }

    /// The new frame without copying the body, for bodies that are worth it.
    ///
    /// # Errors
    /// [`RewriteError`].
    pub fn parts<'a>(&self, header: &Header, body: &'a [u8], answer: &Answer<'_>) -> Result<Parts<'a>, RewriteError> {
        parts(|sink| self.write(header, body, answer, sink))
    }

    fn write<'a, S: Sink<'a>>(
        &self,
        header: &Header,
        body: &'a [u8],
        answer: &Answer<'_>,
        sink: &mut S,
    ) -> Result<(), RewriteError> {
        check_len(body, self.set, None)?;
        put_header(sink, header, self.id);
        match &answer.attachments {
            Some(attachments) => MapEdit { strip: self.strip, set: self.set }.write(body, 0, attachments, sink),
            None => {
                sink.keep(body);
                Ok(())
            }
        }
    }
}

/// An upper bound of the new length, so that nothing needs to be undone.
fn check_len(body: &[u8], set: &[(&str, &str)], service: Option<&str>) -> Result<(), RewriteError> {
    let texts = set.iter().flat_map(|(key, value)| [*key, *value]).chain(service);
    // A character of four bytes becomes six, a piece of text has three bytes in front.
    let found = texts.fold(body.len(), |len, text| len.saturating_add(text.len() * 2 + 8));
    if found > i32::MAX as usize {
        return Err(RewriteError::TooLong { found });
    }
    Ok(())
}

fn put_header<'a>(sink: &mut impl Sink<'a>, header: &Header, id: Option<i64>) {
    sink.fresh().put_slice(&Header { id: id.unwrap_or(header.id), ..*header }.encode());
}

/// Where field 2 stands; with its length in front in fastjson2.
fn service_field(body: &[u8], codec: Codec) -> Result<Range<usize>, RewriteError> {
    let range = match codec {
        Codec::Hessian2 => {
            let mut reader = hessian2::Reader::new(body);
            reader.skip().and_then(|()| {
                let start = reader.at();
                reader.skip().map(|()| start..reader.at())
            })
        }
        Codec::Fastjson2 => {
            let mut fields = Fields::new(body);
            fields.field().and_then(|first| fields.field().map(|second| first.end..second.end))
        }
    };
    range.map_err(|error| RewriteError::Map(error.into()))
}

/// What to change in a map of attachments.
struct MapEdit<'e> {
    strip: Strip<'e>,
    set: &'e [(&'e str, &'e str)],
}

impl MapEdit<'_> {
    /// Writes `body` from `kept` on, with its map changed.
    fn write<'a, S: Sink<'a>>(
        &self,
        body: &'a [u8],
        kept: usize,
        attachments: &Attachments<'_>,
        sink: &mut S,
    ) -> Result<(), RewriteError> {
        let (map, codec) = (attachments.range(), attachments.codec());
        let slice = |range: Range<usize>| body.get(range).unwrap_or_default();
        // The length in front of a fastjson2 map is written anew.
        let len_len = if codec == Codec::Fastjson2 { 4 } else { 0 };
        sink.keep(slice(kept..map.start - len_len));
        let len_at = sink.len();
        sink.fresh().put_slice(&[0; 4][..len_len]);
        if attachments.is_null() {
            self.write_null(codec, sink);
        } else {
            let entries = attachments.entries_range();
            let copied = self.write_entries(body, map.start, attachments, sink)?;
            sink.keep(slice(copied..entries.end));
            self.put_set(codec, sink);
            sink.keep(slice(entries.end..map.end));
        }
        if codec == Codec::Fastjson2 {
            sink.patch(len_at, (sink.len() - len_at - len_len) as u32);
        }
        sink.keep(slice(map.end..body.len()));
        Ok(())
    }

    fn write_null<'a>(&self, codec: Codec, sink: &mut impl Sink<'a>) {
        let set = self.set.iter().copied();
        match (codec, self.set.is_empty()) {
            (Codec::Hessian2, true) => hessian2::writer::put_null(sink.fresh()),
            (Codec::Fastjson2, true) => fastjson2::writer::put_null(sink.fresh()),
            (Codec::Hessian2, false) => hessian2::writer::put_text_map(sink.fresh(), set),
            (Codec::Fastjson2, false) => fastjson2::writer::put_text_map(sink.fresh(), set),
        }
    }

    fn put_set<'a>(&self, codec: Codec, sink: &mut impl Sink<'a>) {
        for text in self.set.iter().flat_map(|(key, value)| [*key, *value]) {
            match codec {
                Codec::Hessian2 => hessian2::writer::put_text(sink.fresh(), text),
                Codec::Fastjson2 => fastjson2::writer::put_text(sink.fresh(), text),
            }
        }
    }

    /// Copies the entries that stay, from `kept` on, and returns up to where the body has been dealt with.
    fn write_entries<'a>(
        &self,
        body: &'a [u8],
        mut kept: usize,
        attachments: &Attachments<'_>,
        sink: &mut impl Sink<'a>,
    ) -> Result<usize, RewriteError> {
        let slice = |range: Range<usize>| body.get(range).unwrap_or_default();
        let codec = attachments.codec();
        let mut cursor = attachments.cursor();
        let mut last_entangled = None;
        while let Some(entry) = cursor.entry(attachments.body())? {
            if !self.takes_out(&entry.key) {
                continue;
            }
            sink.keep(slice(kept..entry.at));
            kept = entry.end;
            if !entry.is_entangled {
                continue;
            }
            let last = match last_entangled {
                Some(last) => last,
                None => *last_entangled.insert(find_last_entangled(cursor.clone(), entry.at, attachments)?),
            };
            if entry.at < last {
                if codec == Codec::Fastjson2 {
                    return Err(RewriteError::Entangled { key: entry.key.into_owned() });
                }
                hessian2::writer::put_text(sink.fresh(), RENAMED);
                kept = entry.value_at;
            }
        }
        Ok(kept)
    }

    fn takes_out(&self, key: &str) -> bool {
        let Strip { keys, prefixes } = self.strip;
        keys.contains(&key)
            || prefixes.iter().any(|prefix| key.starts_with(prefix))
            || self.set.iter().any(|(set, _)| *set == key)
    }
}

/// Where the last entry stands that later bytes may lean on or that leans on earlier ones.
fn find_last_entangled(
    mut cursor: Cursor<'_>,
    from: usize,
    attachments: &Attachments<'_>,
) -> Result<usize, RewriteError> {
    let mut last = from;
    while let Some(entry) = cursor.entry(attachments.body())? {
        if entry.is_entangled {
            last = entry.at;
        }
    }
    Ok(last)
}
