//! The answer to a call, read in the thread of its caller: the value, what came beside it, or what it says went wrong.
//!
//! It never keeps the frame.

use std::collections::BTreeMap;

use client::Endpoint;
use serde::de::DeserializeOwned;
use wire::dubbo::answer::{self, AnswerType};
use wire::dubbo::attachments::AttachmentValue;
use wire::dubbo::frame::{Codec, HEADER_LEN, Header, Status};

use crate::error::{AnswerError, CallError, CallErrorKind, Outcome};
use crate::exception::JavaException;
use crate::fastjson2::FIELD_LEN;
use crate::{hessian2, serialization};

/// The attachments of a call or an answer.
pub type Attachments = BTreeMap<String, String>;

/// What a provider answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply<R> {
    /// The result.
    pub value: R,
    /// What came beside it: texts alone.
    pub attachments: Attachments,
    /// Who answered, `host:port`: a provider, or the gateway in front of it.
    pub from: String,
    /// The serialization that it came in, which is that of the call.
    pub codec: Codec,
}

/// An answer that is no value: how far its call got, and what is wrong.
#[derive(Debug)]
pub(crate) struct Unread(Outcome, CallErrorKind);

impl Unread {
    /// The error of `call`.
    pub fn of(self, call: String) -> CallError {
        CallError::new(call, self.0, self.1)
    }

    fn executed(error: impl Into<AnswerError>) -> Self {
        Self(Outcome::Executed, error.into().into())
    }
}

/// What stands for the answer to a one-way call, as for that of a `void` method.
pub(crate) fn void<R: DeserializeOwned>() -> Result<R, Unread> {
    let null = hessian2::from_bytes(Codec::Hessian2.null_body());
    null.map_err(|error| Unread(Outcome::Unknown, AnswerError::from(error).into()))
}

/// The value of an answer: what comes beside it is not looked at.
pub(crate) fn value<R: DeserializeOwned>(frame: &[u8]) -> Result<R, Unread> {
    let (_, codec, body) = ok(frame)?;
    // One byte says what follows: Hessian 2 writes each of these numbers so. What is no such value is looked at more closely.
    match body.split_first() {
        Some((&(VALUE | VALUE_BESIDE), value)) if codec == Codec::Hessian2 => {
            hessian2::from_bytes(value).or_else(|_| Ok(read_body(frame)?.0))
        }
        _ => Ok(read_body(frame)?.0),
    }
}

/// Reads an answer from there with what comes beside its value.
pub(crate) fn read<R: DeserializeOwned>(frame: &[u8], from: &Endpoint) -> Result<Reply<R>, Unread> {
    let (value, attachments, codec) = read_body(frame)?;
    Ok(Reply { value, attachments, from: from.to_string(), codec })
}

/// `RESPONSE_VALUE` and `RESPONSE_VALUE_WITH_ATTACHMENTS` of apache/dubbo, as Hessian 2 writes 1 and 4.
const VALUE: u8 = 0x91;
const VALUE_BESIDE: u8 = 0x94;

/// The header and the body of an answer with status OK in a serialization that is read here.
fn ok(frame: &[u8]) -> Result<(Header, Codec, &[u8]), Unread> {
    let Ok(Some(header)) = Header::decode(frame) else {
        return Err(Unread(Outcome::Unknown, CallErrorKind::Connection("the answer has no header".to_owned())));
    };
    let body = frame.get(HEADER_LEN..).unwrap_or_default();
    if header.status() != Status::OK {
        return Err(refused(&header, body));
    }
    match header.serialization().codec() {
        Some(codec) => Ok((header, codec, body)),
        None => Err(Unread::executed(AnswerError::Serialization(header.serialization()))),
    }
}

fn read_body<R: DeserializeOwned>(frame: &[u8]) -> Result<(R, Attachments, Codec), Unread> {
    let (header, codec, body) = ok(frame)?;
    let answer = match answer::peek(&header, body) {
        Ok(Some(answer)) => answer,
        Ok(None) => return Err(Unread::executed(AnswerError::Serialization(header.serialization()))),
        Err(error) => return Err(Unread::executed(error)),
    };
    // Its length stands in front of it in fastjson2.
    let start = answer.value.start.saturating_sub(if codec == Codec::Fastjson2 { FIELD_LEN } else { 0 });
    let value = body.get(start..answer.value.end).unwrap_or_default();
    let value = match answer.kind {
        AnswerType::Null => serialization::from_bytes(codec, codec.null_body()),
        AnswerType::Value => serialization::from_bytes(codec, value),
        AnswerType::Exception => {
            let thrown = serialization::from_bytes(codec, value).map_err(Unread::executed)?;
            return Err(thrown_by(JavaException::of(thrown)));
        }
    };
    let value = value.map_err(Unread::executed)?;
    let mut attachments = Attachments::new();
    for entry in answer.attachments.iter().flat_map(|map| map.iter()) {
        if let AttachmentValue::Text(value) = entry.value {
            attachments.insert(entry.key.into_owned(), value.into_owned());
        }
    }
    Ok((value, attachments, codec))
}

/// Another status than OK.
fn refused(header: &Header, body: &[u8]) -> Unread {
    let outcome = match header.status() {
        // Dispatch has failed, a limit was reached, or a gateway says so.
        Status::SERVER_ERROR | Status::OVERLOADED | Status::BAD_REQUEST | Status::SERVICE_NOT_FOUND => Outcome::NotSent,
        Status::BAD_RESPONSE | Status::SERIALIZATION_ERROR => Outcome::Executed,
        _ => Outcome::Unknown,
    };
    let text =
        answer::error_text(header, body).map_or_else(|| header.status().name().to_owned(), |text| text.into_owned());
    Unread(outcome, CallErrorKind::Status { status: header.status().0, text })
}

/// How a gateway begins what it says of a call that it could not carry.
const GATEWAY: &str = "highway: ";
/// How it ends, where the call was not executed, and where nobody knows.
const NOT_EXECUTED: &str = "(the call was not executed)";
const MAY_HAVE: &str = "(the call may have been executed";

/// An exception, of the application or in the words of a gateway.
fn thrown_by(thrown: JavaException) -> Unread {
    let said = thrown.message.as_deref().filter(|said| said.starts_with(GATEWAY)).unwrap_or_default();
    let outcome = if said.contains(NOT_EXECUTED) {
        Outcome::NotSent
    } else if said.contains(MAY_HAVE) {
        Outcome::Unknown
    } else {
        Outcome::Executed
    };
    let kind = match outcome {
        Outcome::Executed => thrown.into(),
        _ => CallErrorKind::Gateway(said.to_owned()),
    };
    Unread(outcome, kind)
}
