//! What a handler answers, as it goes into the frame: the value's bytes, or the exception's.
//!
//! It never knows who asked.

use serde::Serialize;
use wire::dubbo::answer::AnswerType;
use wire::dubbo::frame::Status;

use super::Thrown;
use super::thrown::Refusal;
use crate::hessian2;

/// A value, written for Java.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    value: Vec<u8>,
}

impl Answer {
    /// This value; `()` is what a `void` method answers.
    ///
    /// # Errors
    /// Something in it has no form in Java. The consumer reads which part, with Dubbo's status for a result that cannot be written.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, Thrown> {
        hessian2::to_vec(value)
            .map(|value| Self { value })
            .map_err(|error| Refusal { status: Status::BAD_RESPONSE, text: format!("the result: {error}") }.into())
    }

    /// The stream of hessian2 that is the value.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.value
    }

    /// Null has a type of its own in a reply.
    pub(super) fn into_said(self) -> Said {
        match &*self.value {
            [0x4e] => Said { kind: AnswerType::Null, value: Vec::new() },
            _ => Said { kind: AnswerType::Value, value: self.value },
        }
    }
}

/// What an OK reply says.
pub(super) struct Said {
    pub(super) kind: AnswerType,
    pub(super) value: Vec<u8>,
}
