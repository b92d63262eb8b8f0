//! The arguments of a call, for those who want to see them: their bytes, and what of them can be read without the
//! application's classes. Routing never does.

use std::borrow::Cow;

use super::super::fastjson2::{self, Fields};
use super::super::frame::Codec;
use super::super::hessian2;
use super::Call;

impl<'a> Call<'a> {
    /// The arguments as they stand in the body: values one behind the other in hessian2, fields with their lengths in
    /// fastjson2. Those of a generic call are the method's name, the names of the types, and an array of the values.
    #[must_use]
    pub fn arguments(&self) -> &'a [u8] {
        let len_len = match self.codec {
            Codec::Hessian2 => 0,
            Codec::Fastjson2 => 4,
        };
        let end = self.attachments.range().start.saturating_sub(len_len);
        self.attachments.body().get(self.leading.end..end).unwrap_or_default()
    }

    /// The arguments from the first on for as long as they are text. It ends at the first one that is something else,
    /// null included: what comes behind is not read. Of a generic call it is the method's name and nothing more.
    pub fn texts(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        let bytes = self.arguments();
        let mut next = match self.codec {
            Codec::Hessian2 => Next::Hessian2(hessian2::Reader::new(bytes)),
            Codec::Fastjson2 => Next::Fastjson2(Fields::new(bytes)),
        };
        std::iter::from_fn(move || next.text(bytes)).take(self.leading.arg_count).fuse()
    }
}

/// Before the next argument.
enum Next<'a> {
    Hessian2(hessian2::Reader<'a>),
    Fastjson2(Fields<'a>),
}

impl<'a> Next<'a> {
    fn text(&mut self, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
        match self {
            Self::Hessian2(reader) => (reader.tag() == Some(hessian2::Tag::Text)).then(|| reader.text().ok()).flatten(),
            Self::Fastjson2(fields) => {
                let mut reader = fastjson2::Reader::new(bytes, fields.field().ok()?);
                (reader.tag() == Some(fastjson2::Tag::Text)).then(|| reader.text().ok()).flatten()
            }
        }
    }
}
