//! How a call fails: what was found, what was wanted, and how far the call got.
//!
//! ```text
//!   not sent   nobody can have run it: it may be made again
//!   unknown    it left and nobody knows whether it ran
//!   executed   it ran: an exception, or an answer that cannot be read
//! ```
//!
//! It never holds an argument or an answer.

use std::time::Duration;

use thiserror::Error;
use wire::dubbo::frame::Codec;

use crate::exception::JavaException;
use crate::hessian2::{DecodeError, EncodeError};
use crate::serialization;
use crate::target::NotATarget;

/// How far a call got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// No provider can have run it.
    NotSent,
    /// It left, and nobody knows whether it ran.
    Unknown,
    /// It ran.
    Executed,
}

/// Why a call has no result.
#[derive(Debug, Error)]
#[error("`{}` {}: {}", of.call, self.how_far(), of.kind)]
pub struct CallError {
    #[source]
    of: Box<Failed>,
}

/// What failed, and how.
#[derive(Debug, Error)]
#[error("{kind}")]
struct Failed {
    call: String,
    outcome: Outcome,
    #[source]
    kind: CallErrorKind,
}

/// What went wrong.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// The call names no target.
    #[error(transparent)]
    Target(#[from] NotATarget),
    /// An argument has no form in Java.
    #[error(transparent)]
    Argument(#[from] EncodeError),
    /// An argument has no form in the serialization that is read where the call goes to.
    #[error("found arguments without a form in {}, which {by} reads: {why}", serialization::name(*.wanted))]
    Serialization {
        /// What is read there.
        wanted: Codec,
        /// Who reads it: an address, or every provider.
        by: String,
        /// Which value, and why.
        why: String,
    },
    /// Nothing tells the Java type of an argument.
    #[error(
        "nothing tells the Java type of argument {at} (counted from 1); name the types of all with `.types([…])`, or that of a parameter in a trait with `#[java(\"…\")]`"
    )]
    UntoldType {
        /// Which.
        at: usize,
    },
    /// As many types were named as the call has no arguments.
    #[error("found {found} types for {wanted} arguments; name one for each")]
    Types {
        /// Types that were named.
        found: usize,
        /// Arguments.
        wanted: usize,
    },
    /// The request or the answer is longer than providers or this process take.
    #[error(
        "found {found_len} bytes, wanted at most {limit_len}; send or ask for less, or raise `Builder::payload` and that of the other side"
    )]
    TooLong {
        /// The whole body.
        found_len: usize,
        /// The limit.
        limit_len: usize,
    },
    /// Nobody offers the service here.
    #[error("{0}")]
    NoProvider(String),
    /// A rule or an emergency switch of the config center forbids it; this is what it says.
    #[error("{0}")]
    Refused(String),
    /// Whoever offers it cannot be reached, or its connection ended.
    #[error("{0}")]
    Connection(String),
    /// Too much is in hand already.
    #[error("{0}")]
    Busy(String),
    /// Its time is over.
    #[error("no answer within {0:?}; look at the provider, or give the call more time")]
    DeadlinePassed(Duration),
    /// The provider threw this.
    #[error("{0}")]
    Exception(Box<JavaException>),
    /// The egress gateway or the hub could not or would not carry it; this is what they say.
    #[error("{0}")]
    Gateway(String),
    /// A provider or gateway answered with another status than OK.
    #[error("{text} (status {status})")]
    Status {
        /// Its number: `Response` of apache/dubbo.
        status: u8,
        /// What it says.
        text: String,
    },
    /// The answer cannot be read, or is of another type than asked for.
    #[error("the answer cannot be read: {0}")]
    Answer(#[from] AnswerError),
    /// The process has given up its [`Highway`](crate::Highway).
    #[error("the Highway that this call belongs to has ended")]
    Ended,
    /// A blocking call inside of an asynchronous task would stop all tasks of its thread.
    #[error("a blocking call was made inside of an asynchronous task; await it, or make it in `spawn_blocking`")]
    BlockingInTask,
}

/// Why an answer cannot be read.
#[derive(Debug, Error)]
pub enum AnswerError {
    /// It is no reply at all.
    #[error(transparent)]
    Form(#[from] wire::dubbo::answer::AnswerError),
    /// Its value is another one than asked for.
    #[error(transparent)]
    Value(#[from] DecodeError),
    /// It is in a serialization that nobody here reads.
    #[error("found serialization {0}, wanted hessian2 or fastjson2")]
    Serialization(wire::dubbo::frame::Serialization),
}

impl CallError {
    pub(crate) fn new(call: impl Into<String>, outcome: Outcome, kind: impl Into<CallErrorKind>) -> Self {
        Self { of: Box::new(Failed { call: call.into(), outcome, kind: kind.into() }) }
    }

    pub(crate) fn not_sent(call: impl Into<String>, kind: impl Into<CallErrorKind>) -> Self {
        Self::new(call, Outcome::NotSent, kind)
    }

    /// The same of a call that was made before, and perhaps ran then.
    pub(crate) fn and_perhaps_before(mut self) -> Self {
        if self.of.outcome == Outcome::NotSent {
            self.of.outcome = Outcome::Unknown;
        }
        self
    }

    /// How far the call got. Only what was not sent can be made again without thinking.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.of.outcome
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &CallErrorKind {
        &self.of.kind
    }

    /// What the provider threw, if it did.
    #[must_use]
    pub fn exception(&self) -> Option<&JavaException> {
        match self.kind() {
            CallErrorKind::Exception(exception) => Some(exception),
            _ => None,
        }
    }

    /// The call: `com.acme.Greeter#greet`.
    #[must_use]
    pub fn call(&self) -> &str {
        &self.of.call
    }

    fn how_far(&self) -> &'static str {
        match (self.of.outcome, &self.of.kind) {
            (_, CallErrorKind::Exception(_)) => "threw",
            (Outcome::NotSent, _) => "was not sent",
            (Outcome::Unknown, _) => "has no answer and may have been executed",
            (Outcome::Executed, _) => "was executed",
        }
    }
}

impl From<JavaException> for CallErrorKind {
    fn from(exception: JavaException) -> Self {
        Self::Exception(Box::new(exception))
    }
}
