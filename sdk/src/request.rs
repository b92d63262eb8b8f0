//! A call as it waits to be written for whichever provider gets it: the caller has written its arguments already.
//!
//! It never reads an argument again, and copies them once, to where they are sent from.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use client::Offer;
use route::Entries;
use thiserror::Error;
use wire::dubbo::frame::{Codec, FrameKind, HEADER_LEN};
use wire::dubbo::request;
use wire::dubbo::value::Value;
use zk_bridge::ServiceKey;

use crate::directory::Names;
use crate::serialization;
use crate::written::Written;

/// An attachment that names the island a call goes to.
pub(crate) const TARGET: &str = "highway.target";

/// The attachment by which a caller of Dubbo names an island, or asks for providers of a tag.
const TAG: &str = "dubbo.tag";

/// The attachment that names who calls.
pub(crate) const APPLICATION: &str = "remote.application";

/// What all calls of one reference have in common.
#[derive(Debug)]
pub(crate) struct Reference {
    pub service: Arc<ServiceKey>,
    /// Under which names its providers stand.
    pub names: Names,
    /// Who calls.
    pub application: String,
    /// The longest body.
    pub payload_len: usize,
}

/// A call.
#[derive(Debug)]
pub(crate) struct Request {
    pub of: Arc<Reference>,
    pub method: Arc<str>,
    /// The method that a generic call runs.
    pub meant: Option<Arc<str>>,
    /// Descriptors of the parameters.
    pub types: Cow<'static, str>,
    /// All arguments.
    pub args: Written,
    /// Beside those that every call has.
    pub attachments: Vec<(Cow<'static, str>, String)>,
    pub kind: FrameKind,
}

/// Why a call cannot be written for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Unwritten {
    /// A body that is longer than it may be.
    #[error("the body has {found_len} bytes, wanted at most {limit_len}")]
    TooLong { found_len: usize, limit_len: usize },
    /// The arguments have no form in the serialization that is read there.
    #[error("{by} reads {}: {why}", serialization::name(*.wanted))]
    Formless { wanted: Codec, by: String, why: String },
}

impl Request {
    /// What it says under this key, the last where it says it twice.
    pub fn attachment(&self, key: &str) -> Option<&str> {
        self.said().rev().find(|(said, _)| *said == key).map(|(_, text)| text)
    }

    /// Its tag, where that may be the name of an island.
    pub fn tag(&self) -> Option<&str> {
        self.attachment(TAG).filter(|tag| *tag != route::LOCAL && route::is_island_id(tag))
    }

    /// What it says besides what every call of the service does.
    fn said(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        let own = self.attachments.iter().map(|(key, text)| (&**key, text.as_str()));
        own.chain([(APPLICATION, self.of.application.as_str())])
    }

    /// The method that runs.
    pub fn runs(&self) -> &str {
        self.meant.as_deref().unwrap_or(&self.method)
    }

    /// Appends the frame for the provider that makes `offer`; `left` is what remains for it, `reads` is what it reads.
    ///
    /// # Errors
    /// [`Unwritten`]; nothing was appended.
    pub fn append(
        &self,
        offer: &Offer,
        reads: Codec,
        left: Duration,
        id: i64,
        out: &mut Vec<u8>,
    ) -> Result<(), Unwritten> {
        let Reference { service, payload_len: limit_len, .. } = &*self.of;
        let ServiceKey { interface, group, version } = &**service;
        let path = if offer.path.is_empty() { interface } else { &*offer.path };
        let mut digits = [0; 10];
        let timeout = decimal(u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1), &mut digits);
        let token = offer.token.as_ref().map(|token| ("token", token.reveal()));
        let attachments = [("timeout", timeout)].into_iter().chain(token).chain(self.said());
        let (codec, args) = self.args.for_one(reads).map_err(|missing| Unwritten::Formless {
            wanted: reads,
            by: offer.endpoint.to_string(),
            why: missing.to_string(),
        })?;
        let args = [Value::Written(args)];
        let start = out.len();
        let request = request::Request {
            codec,
            service: interface,
            version: version.as_deref(),
            group: group.as_deref(),
            method: &self.method,
            types: &self.types,
            args: &args,
            attachments: &[],
        };
        let found_len = request.append_to(path, self.kind, attachments, out, id) - HEADER_LEN;
        if found_len > *limit_len {
            out.truncate(start);
            return Err(Unwritten::TooLong { found_len, limit_len: *limit_len });
        }
        Ok(())
    }
}

#[cfg(test)]
impl Request {
    /// A call of `greet` without arguments and attachments.
    pub fn bare(service: ServiceKey, application: &str) -> Self {
        let service = Arc::new(service);
        let names = Names::new(&service, &[]);
        let of = Reference { service, names, application: application.to_owned(), payload_len: 1 << 20 };
        Self {
            of: Arc::new(of),
            method: "greet".into(),
            meant: None,
            types: Cow::Borrowed(""),
            args: Written::Said(Codec::Hessian2, Vec::new()),
            attachments: Vec::new(),
            kind: FrameKind::Call,
        }
    }
}

/// The attachments of a call, as its frame has them beside those that are the provider's (`token`) or the moment's (`timeout`).
impl Entries for Request {
    fn each(&self, _: u64, mut found: impl FnMut(&str, Option<&str>)) {
        let ServiceKey { interface, group, version } = &*self.of.service;
        for (key, text) in [("path", interface), ("interface", interface)] {
            found(key, Some(text));
        }
        found("version", Some(version.as_deref().unwrap_or(request::NO_VERSION)));
        if let Some(group) = group {
            found("group", Some(group));
        }
        self.said().for_each(|(key, text)| found(key, Some(text)));
    }
}

/// The digits of a number, which then stand at the end of this room.
fn decimal(mut number: u32, room: &mut [u8; 10]) -> &str {
    let mut first = room.len();
    for (at, place) in room.iter_mut().enumerate().rev() {
        (*place, first) = (b'0' + (number % 10) as u8, at);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    std::str::from_utf8(&room[first..]).unwrap_or_default()
}

/// A call, for people.
pub(crate) fn label(service: &ServiceKey, method: &str) -> String {
    format!("{service}#{method}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_everybody_writes_them() {
        for number in [0, 1, 9, 10, 1000, 9999, 2_147_483_647, u32::MAX] {
            assert_eq!(decimal(number, &mut [0; 10]), number.to_string());
        }
    }
}
