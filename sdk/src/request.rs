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

use crate::written::Written;

/// An attachment that names the island a call goes to.
pub(crate) const TARGET: &str = "highway.target";

/// The attachment that names who calls.
pub(crate) const APPLICATION: &str = "remote.application";

/// A call.
#[derive(Debug)]
pub(crate) struct Request {
    pub service: Arc<ServiceKey>,
    pub method: Arc<str>,
    /// The method that a generic call runs.
    pub meant: Option<Arc<str>>,
    /// Descriptors of the parameters.
    pub types: String,
    /// All arguments.
    pub args: Written,
    /// Beside those that every call has.
    pub attachments: Vec<(Cow<'static, str>, String)>,
    pub kind: FrameKind,
    /// The longest body.
    pub payload_len: usize,
}

/// A body that is longer than it may be.
#[derive(Debug, Clone, Copy, Error)]
#[error("the body has {found_len} bytes, wanted at most {limit_len}")]
pub(crate) struct TooLong {
    pub found_len: usize,
    pub limit_len: usize,
}

impl Request {
    /// What it says under this key, the last where it says it twice.
    pub fn attachment(&self, key: &str) -> Option<&str> {
        self.attachments.iter().rev().find(|(said, _)| said == key).map(|(_, text)| text.as_str())
    }

    /// The method that runs.
    pub fn runs(&self) -> &str {
        self.meant.as_deref().unwrap_or(&self.method)
    }

    /// Appends the frame for the provider that makes `offer`; `left` is what remains for it, `reads` is what it reads, asked where there
    /// is a choice.
    ///
    /// # Errors
    /// [`TooLong`]; nothing was appended.
    pub fn append(
        &self,
        offer: &Offer,
        reads: impl FnOnce() -> Codec,
        left: Duration,
        id: i64,
        out: &mut Vec<u8>,
    ) -> Result<(), TooLong> {
        let ServiceKey { interface, group, version } = &*self.service;
        let path = if offer.path.is_empty() { interface } else { &*offer.path };
        let timeout = left.as_millis().max(1).to_string();
        let own = [Some(("timeout", timeout.as_str())), offer.token.as_ref().map(|token| ("token", token.reveal()))];
        let said = self.attachments.iter().map(|(key, value)| (&**key, value.as_str()));
        let attachments: Vec<(&str, &str)> = own.into_iter().flatten().chain(said).collect();
        let (codec, args) = self.args.for_one(reads);
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
            attachments: &attachments,
        };
        let found_len = request.append_to(path, self.kind, out, id) - HEADER_LEN;
        if found_len > self.payload_len {
            out.truncate(start);
            return Err(TooLong { found_len, limit_len: self.payload_len });
        }
        Ok(())
    }
}

/// The attachments of a call, as its frame has them beside those that are the provider's (`token`) or the moment's (`timeout`).
impl Entries for Request {
    fn each(&self, _: u64, mut found: impl FnMut(&str, Option<&str>)) {
        let ServiceKey { interface, group, version } = &*self.service;
        for (key, text) in [("path", interface), ("interface", interface)] {
            found(key, Some(text));
        }
        found("version", Some(version.as_deref().unwrap_or(request::NO_VERSION)));
        if let Some(group) = group {
            found("group", Some(group));
        }
        self.attachments.iter().for_each(|(key, text)| found(key, Some(text)));
    }
}

/// A call, for people.
pub(crate) fn label(service: &ServiceKey, method: &str) -> String {
    format!("{service}#{method}")
}
