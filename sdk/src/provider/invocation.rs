//! One call as its handler sees it: arguments, attachments, who calls, how long there is; and what shall go back beside the result.
//!
//! It holds the frame's body once and reads in it what is asked for; it never copies an argument that nobody takes.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use shard::Permit;
use wire::dubbo::attachments::AttachmentValue;
use wire::dubbo::call::{self, Call, Generic, HIGHWAY, Peeked};
use wire::dubbo::frame::{Codec, FrameKind, Header, Status};

use super::arguments;
use super::lookup::{Run, refuse};
use super::service::Service;
use super::token::TOKEN;
use super::{Answer, Thrown};
use crate::codec::error::DecodeError;
use crate::serialization::Decoder;

/// Where a call comes from, as the line says it.
const SOURCE_ISLAND: &str = "highway.source.island";
const SOURCE_APPLICATION: &str = "highway.source.application";
/// Attachments that are listed, and attachments of an answer, at most.
pub const ATTACHMENTS_MAX: usize = 1024;

/// A call.
pub struct Invocation {
    run: Run,
    header: Header,
    codec: Codec,
    body: Vec<u8>,
    arguments: Range<usize>,
    count: usize,
    knows: Knows,
    consumer: SocketAddr,
    arrived: Instant,
    timeout: Option<Duration>,
    reply: Reply,
    /// What the body takes of the provider's budget, for as long as it is here.
    _permit: Permit,
}

/// Which classes the consumer has of ours. Who has not all of them calls by `$invoke`, whose third argument is the list of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Knows {
    /// All of the interface.
    Classes,
    /// Those of results, but not of exceptions: `generic=raw.return`.
    Results,
    /// None: `generic=true`.
    Nothing,
}

/// What goes back beside the result.
pub(super) type Reply = Arc<Mutex<Vec<(String, String)>>>;

/// Whether a handler sees it, and may pass it on: not where its caller wanted it to go, nor what let it in.
fn is_for_the_service(key: &str) -> bool {
    key != TOKEN && (!key.starts_with(HIGHWAY) || [SOURCE_ISLAND, SOURCE_APPLICATION].contains(&key))
}

/// What is known of a call beside its body.
pub(super) struct Circumstances {
    pub(super) header: Header,
    pub(super) consumer: SocketAddr,
    pub(super) arrived: Instant,
    pub(super) permit: Permit,
}

impl Invocation {
    pub(super) fn new(run: Run, call: &Call<'_>, body: &[u8], of: Circumstances) -> Self {
        let begin = call.leading.end;
        Self {
            run,
            header: of.header,
            codec: call.codec,
            body: body.to_vec(),
            arguments: begin..begin + call.arguments().len(),
            count: call.leading.arg_count,
            knows: match call.generic {
                None => Knows::Classes,
                Some(Generic::RawReturn) => Knows::Results,
                Some(_) => Knows::Nothing,
            },
            consumer: of.consumer,
            arrived: of.arrived,
            timeout: call.timeout,
            reply: Reply::default(),
            _permit: of.permit,
        }
    }

    /// The arguments: a tuple of as many as there are, `()` for none.
    ///
    /// # Errors
    /// Their number or one of their types is another. By `?` in a handler the consumer reads which, with Dubbo's status for a request
    /// that cannot be read.
    pub fn args<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Thrown> {
        let mut read = 0;
        self.read(&mut read).map_err(|error| {
            let which = if read == 0 { "the arguments".to_owned() } else { format!("argument {read}") };
            refuse(Status::BAD_REQUEST, format!("{which} of {} of {}: {error}", self.method(), self.service().name()))
                .into()
        })
    }

    fn read<'a, T: Deserialize<'a>>(&'a self, read: &mut usize) -> Result<T, DecodeError> {
        loop {
            *read = 0;
            let mut decoder = self.decoder();
            let taken = self.take(&mut decoder, read);
            // Each time one more field of one more struct is known to be left out where it is zero.
            if taken.is_ok() || !decoder.has_learnt() {
                return taken;
            }
        }
    }

    fn take<'a, T: Deserialize<'a>>(&'a self, decoder: &mut Decoder<'a>, read: &mut usize) -> Result<T, DecodeError> {
        if self.knows == Knows::Classes {
            return arguments::behind_each_other(decoder, self.count, read);
        }
        decoder.take::<IgnoredAny>()?;
        decoder.take::<IgnoredAny>()?;
        arguments::in_a_list(decoder, read)
    }

    /// This value as the answer, in the serialization of the call; `()` is what a `void` method answers.
    ///
    /// # Errors
    /// Something in it has no form in Java. By `?` in a handler the consumer reads which part, with Dubbo's status for a result that cannot
    /// be written.
    pub fn answer<T: Serialize + ?Sized>(&self, value: &T) -> Result<Answer, Thrown> {
        Answer::of(self.codec, value)
    }

    /// The serialization in which the call came and its answer goes.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// The stream of arguments as it came, from its first value on. That of a generic call is the method's name, the names of the types
    /// and the list of the values.
    #[must_use]
    pub fn decoder(&self) -> Decoder<'_> {
        Decoder::new(self.codec, self.body.get(self.arguments.clone()).unwrap_or_default())
    }

    /// The interface that is called.
    #[must_use]
    pub fn interface(&self) -> &str {
        &self.service().interface
    }

    /// Its group.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.service().group.as_deref()
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.service().version.as_deref()
    }

    /// The method that is called; of a generic call the one that it names.
    #[must_use]
    pub fn method(&self) -> &str {
        self.run.handler().method.name()
    }

    /// Whether the consumer has not the classes of the interface: objects come as maps, which structs are read from all the same.
    #[must_use]
    pub fn is_generic(&self) -> bool {
        self.knows != Knows::Classes
    }

    /// Whether nobody waits for the answer.
    #[must_use]
    pub fn is_one_way(&self) -> bool {
        self.header.kind() == FrameKind::OneWay
    }

    /// The address that the call came from: the consumer's, or a gateway's.
    #[must_use]
    pub fn consumer(&self) -> SocketAddr {
        self.consumer
    }

    /// The island that the call came from, where it came over the line: the ingress gateway's word, or that of whoever else calls here.
    #[must_use]
    pub fn source_island(&self) -> Option<String> {
        self.attachment(SOURCE_ISLAND)
    }

    /// The application that calls: what the line says of it, else what it says of itself.
    #[must_use]
    pub fn application(&self) -> Option<String> {
        [SOURCE_APPLICATION, "remote.application", "application"].into_iter().find_map(|key| self.attachment(key))
    }

    /// How long the consumer waits, if it says so: 2.7 does not, unless it is told to.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Until when an answer is of use: the timeout from when the call was here. Later answers are not sent.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.arrived.checked_add(self.timeout?)
    }

    /// The attachment of this key, if it is text or a whole number; of equal keys the last. None of what is not for the service: the
    /// provider's `token`, and `highway.*` but for the source that gateways write.
    #[must_use]
    pub fn attachment(&self, key: &str) -> Option<String> {
        if !is_for_the_service(key) {
            return None;
        }
        self.call(|call| call.attachments.get(key).map(Into::into)).flatten()
    }

    /// All that [`Invocation::attachment`] gives, the first [`ATTACHMENTS_MAX`] of them, in the consumer's order.
    #[must_use]
    pub fn attachments(&self) -> Vec<(String, String)> {
        let all = |call: &Call<'_>| {
            let ours = call.attachments.iter().filter(|entry| is_for_the_service(&entry.key));
            let shown = ours.filter_map(|entry| match entry.value {
                AttachmentValue::Text(text) => Some((entry.key.into_owned(), text.into_owned())),
                AttachmentValue::Integer(number) => Some((entry.key.into_owned(), number.to_string())),
                _ => None,
            });
            shown.take(ATTACHMENTS_MAX).collect()
        };
        self.call(all).unwrap_or_default()
    }

    /// Puts an attachment into the answer, for consumers that can read any: all but dubbox and those before 2.6.3. Over
    /// [`ATTACHMENTS_MAX`] of them it does nothing.
    pub fn reply_attachment(&self, key: impl Into<String>, value: impl Into<String>) {
        let mut reply = self.reply.lock().unwrap_or_else(PoisonError::into_inner);
        if reply.len() < ATTACHMENTS_MAX {
            reply.push((key.into(), value.into()));
        }
    }

    fn service(&self) -> &Service {
        &self.run.service
    }

    pub(super) const fn knows(&self) -> Knows {
        self.knows
    }

    pub(super) fn reply(&self) -> Reply {
        self.reply.clone()
    }

    /// The call as it stands in the body. It was read before, so it can be read again.
    fn call<R>(&self, read: impl FnOnce(&Call<'_>) -> R) -> Option<R> {
        match call::peek(&self.header, &self.body) {
            Ok(Peeked::Call(call)) => Some(read(&call)),
            _ => None,
        }
    }
}
