//! What a handler answers, as it goes into the frame: the value's bytes, or the exception's.
//!
//! It never knows who asked, but in which serialization.

use serde::Serialize;
use wire::dubbo::answer::AnswerType;
use wire::dubbo::frame::{Codec, Status};

use super::Thrown;
use super::thrown::Refusal;
use crate::fastjson2::FIELD_LEN;
use crate::serialization;

/// A value, written for Java: [`Invocation::answer`](super::Invocation::answer) makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    codec: Codec,
    /// As a body of its own.
    value: Vec<u8>,
}

impl Answer {
    /// This value in this serialization; `()` is what a `void` method answers.
    ///
    /// # Errors
    /// Something in it has no form in Java. The consumer reads which part, with Dubbo's status for a result that cannot be written.
    pub(super) fn of<T: Serialize + ?Sized>(codec: Codec, value: &T) -> Result<Self, Thrown> {
        serialization::to_vec(codec, value)
            .map(|value| Self { codec, value })
            .map_err(|error| Refusal { status: Status::BAD_RESPONSE, text: format!("the result: {error}") }.into())
    }

    /// The value as a body of its own, in this serialization.
    pub(super) fn bytes(&self) -> (Codec, &[u8]) {
        (self.codec, &self.value)
    }

    /// Null has a type of its own in a reply.
    pub(super) fn into_said(self) -> Said {
        match self.value == self.codec.null_body() {
            true => Said { kind: AnswerType::Null, codec: self.codec, value: Vec::new() },
            false => Said { kind: AnswerType::Value, codec: self.codec, value: self.value },
        }
    }
}

/// What an OK reply says.
pub(super) struct Said {
    pub(super) kind: AnswerType,
    pub(super) codec: Codec,
    /// As a body of its own.
    pub(super) value: Vec<u8>,
}

impl Said {
    /// The value alone: a reply has the length of a field from elsewhere.
    pub(super) fn bytes(&self) -> &[u8] {
        match self.codec {
            Codec::Hessian2 => &self.value,
            Codec::Fastjson2 => self.value.get(FIELD_LEN..).unwrap_or_default(),
        }
    }
}
