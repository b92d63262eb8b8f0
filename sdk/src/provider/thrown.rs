//! What a handler throws: a Java exception, with its class, its fields and its causes.
//!
//! ```text
//!   Err("no pears".into())  any error          java.lang.RuntimeException, its sources as causes
//!   Thrown::of(class, message)                  that class
//!   Thrown::declared(&OutOfStock { code: 42 })  the class of the struct, with its fields
//! ```
//!
//! A consumer that does not have the class reads an error of its own codec in place of the exception, as with a Java provider: throw
//! what the interface declares, or what every JDK has. It never carries a stack of Rust.

use std::fmt;

use serde::Serialize;
use wire::dubbo::frame::{Codec, Status};

use crate::{Value, hessian2, serialization};

/// What a message that nobody declared an exception for comes in.
const RUNTIME: &str = "java.lang.RuntimeException";
/// What every release throws for a generic call, 3.3 included.
const GENERIC: &str = "com.alibaba.dubbo.rpc.service.GenericException";
/// Fields of `Throwable`, which are this type's to write.
const OF_THROWABLE: [&str; 4] = ["detailMessage", "stackTrace", "cause", "suppressedExceptions"];
/// Causes behind each other at most; what is behind them is left out.
const CAUSES_MAX: usize = 16;

/// A Java exception, or the word that a call could not be run at all.
///
/// Every [`std::error::Error`] becomes one by `?`: a `RuntimeException` with its text, and its sources as causes.
#[derive(Debug, Clone, PartialEq)]
pub struct Thrown(Kind);

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Exception(Exception),
    Refused(Refusal),
}

#[derive(Debug, Clone, PartialEq)]
struct Exception {
    class: String,
    fields: Vec<(String, Value)>,
    message: Option<String>,
    cause: Option<Box<Exception>>,
}

/// A reply with another status than OK.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: Status,
    pub(super) text: String,
}

impl Thrown {
    /// A `java.lang.RuntimeException` with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self::of(RUNTIME, message)
    }

    /// An exception of this class, `java.lang.IllegalStateException`, without fields of its own.
    pub fn of(class: &str, message: impl Into<String>) -> Self {
        let message = Some(message.into());
        Self(Kind::Exception(Exception { class: class.to_owned(), fields: Vec::new(), message, cause: None }))
    }

    /// The exception that this struct stands for: its Java name is the class, its fields are those that the class adds to `Throwable`.
    ///
    /// ```
    /// use highway_sdk::provider::Thrown;
    /// use serde::Serialize;
    ///
    /// #[derive(Serialize)]
    /// #[serde(rename = "com.acme.OutOfStockException")]
    /// struct OutOfStock {
    ///     code: i32,
    /// }
    ///
    /// let thrown = Thrown::declared(&OutOfStock { code: 42 }).message("no pears");
    /// assert_eq!(thrown.to_string(), "com.acme.OutOfStockException: no pears");
    /// ```
    pub fn declared<T: Serialize + ?Sized>(exception: &T) -> Self {
        match hessian2::to_vec(exception).map(|bytes| hessian2::from_slice::<Value>(&bytes)) {
            Ok(Ok(Value::Object { class, mut fields })) => {
                fields.retain(|(name, _)| !OF_THROWABLE.contains(&&**name));
                Self(Kind::Exception(Exception { class, fields, message: None, cause: None }))
            }
            Ok(Ok(_)) => Self::new("the exception is no object of a Java class: give its struct a Java name by serde"),
            Ok(Err(error)) => Self::new(format!("the exception cannot be read again: {error}")),
            Err(error) => Self::new(format!("the exception: {error}")),
        }
    }

    /// With this message.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        match &mut self.0 {
            Kind::Exception(exception) => exception.message = Some(message.into()),
            Kind::Refused(refusal) => refusal.text = message.into(),
        }
        self
    }

    /// With this cause behind it, and behind the causes that it has.
    #[must_use]
    pub fn caused_by(mut self, cause: Thrown) -> Self {
        if let (Kind::Exception(exception), Kind::Exception(cause)) = (&mut self.0, cause.0) {
            let mut last = exception;
            while last.cause.is_some() {
                last = last.cause.as_mut().expect("it was there in the line above");
            }
            last.cause = Some(Box::new(cause));
        }
        self
    }

    /// What the reply says: the bytes of the exception in this serialization, or the status.
    pub(super) fn written(self, codec: Codec) -> Result<Vec<u8>, Refusal> {
        let exception = match self.0 {
            Kind::Exception(exception) => exception,
            Kind::Refused(refusal) => return Err(refusal),
        };
        serialization::to_vec(codec, &exception.value()).map_err(|error| Refusal {
            status: Status::BAD_RESPONSE,
            text: format!("{}: the exception: {error}", exception.class),
        })
    }

    /// The same for who has none of our classes: Dubbo's exception that says class and message of another.
    pub(super) fn by_name(self) -> Self {
        let exception = match self.0 {
            Kind::Exception(exception) => exception,
            Kind::Refused(_) => return self,
        };
        let said = exception.message.clone().map_or(Value::Null, Value::Text);
        let fields =
            vec![("exceptionClass".to_owned(), Value::Text(exception.class)), ("exceptionMessage".to_owned(), said)];
        let (class, message) = (GENERIC.to_owned(), exception.message);
        Self(Kind::Exception(Exception { class, fields, message, cause: None }))
    }
}

impl Exception {
    fn value(&self) -> Value {
        let mut exceptions: Vec<&Self> = vec![self];
        while let Some(cause) = exceptions.last().and_then(|last| last.cause.as_deref()) {
            if exceptions.len() > CAUSES_MAX {
                break;
            }
            exceptions.push(cause);
        }
        let from_the_root = exceptions.into_iter().rev();
        from_the_root.fold(None, |cause, exception| Some(exception.with_cause(cause))).unwrap_or_default()
    }

    fn with_cause(&self, cause: Option<Value>) -> Value {
        let mut fields = self.fields.clone();
        fields.push(("detailMessage".to_owned(), self.message.clone().map_or(Value::Null, Value::Text)));
        // A null for it would be a NullPointerException in whoever prints the trace.
        let trace = Value::List { name: Some("[java.lang.StackTraceElement".to_owned()), items: Vec::new() };
        fields.push(("stackTrace".to_owned(), trace));
        fields.extend(cause.map(|cause| ("cause".to_owned(), cause)));
        Value::Object { class: self.class.clone(), fields }
    }
}

impl fmt::Display for Thrown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Exception(Exception { class, message: Some(message), .. }) => write!(out, "{class}: {message}"),
            Kind::Exception(exception) => out.write_str(&exception.class),
            Kind::Refused(refusal) => out.write_str(&refusal.text),
        }
    }
}

impl From<Refusal> for Thrown {
    fn from(refusal: Refusal) -> Self {
        Self(Kind::Refused(refusal))
    }
}

// It is no `Error` itself, so that all errors can become one.
impl<E: std::error::Error> From<E> for Thrown {
    fn from(error: E) -> Self {
        let mut thrown = Self::new(error.to_string());
        let mut source = error.source();
        for _ in 0..CAUSES_MAX {
            let Some(cause) = source else { break };
            thrown = thrown.caused_by(Self::new(cause.to_string()));
            source = cause.source();
        }
        thrown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(thrown: Thrown) -> Value {
        hessian2::from_slice(&thrown.written(Codec::Hessian2).unwrap()).unwrap()
    }

    #[test]
    fn a_plain_error_is_the_runtime_exception_that_all_releases_read() {
        let mut wanted = Vec::new();
        wire::dubbo::hessian2::writer::put_runtime_exception(&mut wanted, "boom");
        assert_eq!(Thrown::new("boom").written(Codec::Hessian2).unwrap(), wanted);
    }

    #[test]
    fn a_declared_exception_has_its_fields_and_throwables() {
        #[derive(Serialize)]
        #[serde(rename = "com.acme.OutOfStockException", rename_all = "camelCase")]
        struct OutOfStock {
            code: i32,
            detail_message: String,
        }
        let exception = OutOfStock { code: 42, detail_message: "not this one".into() };
        let read = read(Thrown::declared(&exception).message("no pears"));
        assert_eq!(read.class(), Some("com.acme.OutOfStockException"));
        assert_eq!(read.get("code"), Some(&Value::Int(42)));
        assert_eq!(read.get("detailMessage").and_then(Value::as_str), Some("no pears"));
        assert_eq!(read.get("stackTrace").and_then(Value::class), Some("[java.lang.StackTraceElement"));
        assert_eq!(read.get("cause"), None);
        let nameless = Thrown::declared(&7).to_string();
        assert!(nameless.contains("no object of a Java class"), "{nameless}");
    }

    #[test]
    fn the_sources_of_an_error_are_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("the shelf is away")]
        struct Shelf(#[source] std::fmt::Error);
        let read = read(Shelf(std::fmt::Error).into());
        assert_eq!(read.get("detailMessage").and_then(Value::as_str), Some("the shelf is away"));
        let cause = read.get("cause").unwrap();
        assert_eq!(cause.class(), Some(RUNTIME));
        assert_eq!(cause.get("detailMessage").and_then(Value::as_str), Some(&*std::fmt::Error.to_string()));
    }

    #[test]
    fn causes_without_end_are_cut() {
        let deep = (0..1000).fold(Thrown::new("root"), |cause, at| Thrown::new(at.to_string()).caused_by(cause));
        let mut value = &read(deep);
        let mut levels = 0;
        while let Some(cause) = value.get("cause") {
            (value, levels) = (cause, levels + 1);
        }
        assert_eq!(levels, CAUSES_MAX);
    }
}
