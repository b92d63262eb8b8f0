//! An exception that a provider threw: its class, its message, where it was thrown and what caused it.
//!
//! It never interprets a class; who declared one reads its fields with [`JavaException::fields`].

use std::fmt;

use crate::Value;

/// Causes that are followed; one that is further down is left in the value.
const CAUSES_MAX: usize = 64;

/// An exception of Java.
#[derive(Debug, Clone, PartialEq)]
pub struct JavaException {
    /// The class: `com.acme.OutOfStockException`.
    pub class: String,
    /// What `getMessage()` says.
    pub message: Option<String>,
    /// Where it was thrown, innermost first; empty where the provider does not say.
    pub stack: Vec<StackFrame>,
    /// What caused it.
    pub cause: Option<Box<JavaException>>,
    fields: Value,
}

/// One line of a stack trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackFrame {
    /// The class.
    pub class: String,
    /// The method.
    pub method: String,
    /// The file, where it is known.
    pub file: Option<String>,
    /// The line, where it is known.
    pub line: Option<u32>,
}

impl JavaException {
    /// What stands in this value; something that is no object is an exception without a class.
    #[must_use]
    pub fn of(value: Value) -> Self {
        Self::at_depth(value, 0)
    }

    fn at_depth(mut value: Value, depth: usize) -> Self {
        let cause = if depth < CAUSES_MAX { take_cause(&mut value) } else { None };
        let cause = cause.map(|cause| Box::new(Self::at_depth(cause, depth + 1)));
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let stack = match value.get("stackTrace") {
            Some(Value::List { items, .. }) => items.iter().filter_map(StackFrame::of).collect(),
            _ => Vec::new(),
        };
        let class = value.class().unwrap_or_default().to_owned();
        Self { class, message: text("detailMessage"), stack, cause, fields: value }
    }

    /// The object itself, for fields that its class has beside those of every exception; without its cause, which is in
    /// [`JavaException::cause`].
    #[must_use]
    pub fn fields(&self) -> &Value {
        &self.fields
    }
}

/// The cause, of which null stays; an exception that is its own cause has none.
fn take_cause(value: &mut Value) -> Option<Value> {
    let Value::Object { fields, .. } = value else { return None };
    let (_, cause) =
        fields.iter_mut().find(|(name, cause)| name == "cause" && matches!(cause, Value::Object { .. }))?;
    Some(std::mem::take(cause))
}

impl StackFrame {
    fn of(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let line = value.get("lineNumber").and_then(Value::as_i64).and_then(|line| u32::try_from(line).ok());
        let class = text("declaringClass").or_else(|| text("className"));
        Some(Self { class: class?, method: text("methodName")?, file: text("fileName"), line })
    }
}

impl fmt::Display for JavaException {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.class.is_empty() { "an exception without a class" } else { &self.class })?;
        self.message.as_ref().map_or(Ok(()), |message| write!(out, ": {message}"))
    }
}

impl std::error::Error for JavaException {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

impl fmt::Display for StackFrame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.class, self.method)?;
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(out, "({file}:{line})"),
            (Some(file), None) => write!(out, "({file})"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(class: &str, fields: &[(&str, Value)]) -> Value {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Value::Object { class: class.to_owned(), fields }
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn class_message_stack_and_cause_are_read() {
        let frame = object(
            "java.lang.StackTraceElement",
            &[
                ("declaringClass", text("com.acme.Stock")),
                ("methodName", text("take")),
                ("fileName", text("Stock.java")),
                ("lineNumber", Value::Int(7)),
            ],
        );
        let cause = object("java.io.IOException", &[("detailMessage", text("disk")), ("cause", Value::Above(0))]);
        let stack = Value::List { name: Some("[java.lang.StackTraceElement".to_owned()), items: vec![frame] };
        let thrown = JavaException::of(object(
            "com.acme.OutOfStock",
            &[("detailMessage", text("none left")), ("stackTrace", stack), ("cause", cause), ("left", Value::Int(0))],
        ));
        assert_eq!(thrown.to_string(), "com.acme.OutOfStock: none left");
        assert_eq!(thrown.stack[0].to_string(), "com.acme.Stock.take(Stock.java:7)");
        let caused = thrown.cause.as_deref().unwrap();
        assert_eq!((caused.to_string().as_str(), &caused.cause), ("java.io.IOException: disk", &None));
        assert_eq!(thrown.fields().get("left"), Some(&Value::Int(0)));
    }

    #[test]
    fn what_is_no_exception_does_no_harm() {
        assert_eq!(JavaException::of(Value::Int(7)).to_string(), "an exception without a class");
        let mut deep = object("a.B", &[]);
        for _ in 0..1000 {
            deep = object("a.B", &[("cause", deep)]);
        }
        assert!(JavaException::of(deep).cause.is_some());
    }
}
