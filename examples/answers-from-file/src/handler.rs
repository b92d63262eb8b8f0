//! The handler: one look-up a call. It never waits and never touches a file.

use std::sync::Arc;

use arc_swap::ArcSwap;
use egress_gw::fallback::{Fallback, Handled, Request, Value};

use crate::answers::{Answer, Answers};

/// Answers the calls that stand in the file.
pub struct FromFile(Arc<ArcSwap<Answers>>);

impl FromFile {
    /// With the answers that the control thread keeps current.
    pub fn new(answers: Arc<ArcSwap<Answers>>) -> Self {
        Self(answers)
    }
}

// ANCHOR: handler
impl Fallback for FromFile {
    fn name(&self) -> &str {
        "answers from a file"
    }

    fn handle<'a>(&self, request: Request<'a>) -> Handled<'a> {
        let answers = self.0.load();
        match request.call().and_then(|call| answers.to(call)) {
            Some(Answer::Text(text)) => request.answer(Value::Text(text)),
            Some(Answer::Null) => request.answer(Value::Null),
            Some(Answer::Exception(message)) => request.throw(message),
            None => request.pass(),
        }
    }
}
// ANCHOR_END: handler
