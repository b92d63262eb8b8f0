//! The answer to a call, read in the thread of its caller: the value, what came beside it, or what it says went wrong.
//!
//! It never keeps the frame.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use wire::dubbo::answer::{self, AnswerType};
use wire::dubbo::attachments::AttachmentValue;
use wire::dubbo::frame::{Codec, HEADER_LEN, Header, Status};

use crate::error::{AnswerError, CallError, CallErrorKind, Outcome};
use crate::exception::JavaException;
use crate::hessian2;

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
}

/// What stands for the answer to a one-way `call`, as for that of a `void` method.
pub(crate) fn void<R: DeserializeOwned>(call: &str) -> Result<R, CallError> {
    hessian2::from_bytes(Codec::Hessian2.null_body())
        .map_err(|error| CallError::new(call, Outcome::Unknown, AnswerError::from(error)))
}

/// Reads the answer to `call`.
pub(crate) fn read<R: DeserializeOwned>(call: &str, frame: &[u8], from: String) -> Result<Reply<R>, CallError> {
    let executed = |error: AnswerError| CallError::new(call, Outcome::Executed, error);
    let header = match Header::decode(frame) {
        Ok(Some(header)) => header,
        _ => {
            return Err(CallError::new(
                call,
                Outcome::Unknown,
                CallErrorKind::Connection("the answer has no header".to_owned()),
            ));
        }
    };
    let body = frame.get(HEADER_LEN..).unwrap_or_default();
    if header.status() != Status::OK {
        return Err(refused(call, &header, body));
    }
    if header.serialization().codec() != Some(Codec::Hessian2) {
        return Err(executed(AnswerError::Serialization(header.serialization())));
    }
    let answer = match answer::peek(&header, body) {
        Ok(Some(answer)) => answer,
        Ok(None) => return Err(executed(AnswerError::Serialization(header.serialization()))),
        Err(error) => return Err(executed(error.into())),
    };
    let value = body.get(answer.value.clone()).unwrap_or_default();
    let value = match answer.kind {
        AnswerType::Null => hessian2::from_bytes(Codec::Hessian2.null_body()),
        AnswerType::Value => hessian2::from_bytes(value),
        AnswerType::Exception => {
            let thrown = hessian2::from_bytes(value).map_err(|error| executed(error.into()))?;
            return Err(thrown_by(call, JavaException::of(thrown)));
        }
    };
    let value = value.map_err(|error| executed(error.into()))?;
    let mut attachments = Attachments::new();
    for entry in answer.attachments.iter().flat_map(|map| map.iter()) {
        if let AttachmentValue::Text(value) = entry.value {
            attachments.insert(entry.key.into_owned(), value.into_owned());
        }
    }
    Ok(Reply { value, attachments, from })
}

/// Another status than OK.
fn refused(call: &str, header: &Header, body: &[u8]) -> CallError {
    let outcome = match header.status() {
        // Dispatch has failed, a limit was reached, or a gateway says so.
        Status::SERVER_ERROR | Status::OVERLOADED | Status::BAD_REQUEST | Status::SERVICE_NOT_FOUND => Outcome::NotSent,
        Status::BAD_RESPONSE | Status::SERIALIZATION_ERROR => Outcome::Executed,
        _ => Outcome::Unknown,
    };
    let text =
        answer::error_text(header, body).map_or_else(|| header.status().name().to_owned(), |text| text.into_owned());
    CallError::new(call, outcome, CallErrorKind::Status { status: header.status().0, text })
}

/// How a gateway begins what it says of a call that it could not carry.
const GATEWAY: &str = "highway: ";
/// How it ends, where the call was not executed, and where nobody knows.
const NOT_EXECUTED: &str = "(the call was not executed)";
const MAY_HAVE: &str = "(the call may have been executed";

/// An exception, of the application or in the words of a gateway.
fn thrown_by(call: &str, thrown: JavaException) -> CallError {
    let said = thrown.message.as_deref().filter(|said| said.starts_with(GATEWAY)).unwrap_or_default();
    let outcome = if said.contains(NOT_EXECUTED) {
        Outcome::NotSent
    } else if said.contains(MAY_HAVE) {
        Outcome::Unknown
    } else {
        Outcome::Executed
    };
    if outcome == Outcome::Executed {
        return CallError::new(call, outcome, thrown);
    }
    CallError::new(call, outcome, CallErrorKind::Gateway(said.to_owned()))
}
