//! An answer that comes later than the handler returns. Bound to its shard: it cannot be sent to another thread, but a
//! task of this thread can wait for one.
//!
//! ```
//! use highway_egress_gw::fallback::{Fallback, Handled, Request, Value};
//!
//! struct Slow;
//!
//! impl Fallback for Slow {
//!     fn name(&self) -> &str {
//!         "slow"
//!     }
//!
//!     fn handle<'a>(&self, request: Request<'a>) -> Handled<'a> {
//!         let (handled, later) = request.later();
//!         let (told, answer) = tokio::sync::oneshot::channel();
//!         // Some pool of threads; a real one is bounded.
//!         std::thread::spawn(move || told.send("what took so long".to_owned()));
//!         tokio::task::spawn_local(async move {
//!             match answer.await {
//!                 Ok(text) => later.answer(Value::Text(&text)),
//!                 Err(_) => later.throw("the thread gave it up"),
//!             }
//!         });
//!         handled
//!     }
//! }
//! ```
//!
//! It never answers twice, and never after the deadline.

use std::rc::{Rc, Weak};

use shard::Key;
use wire::dubbo::reply;
use wire::dubbo::value::Value;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};

use crate::core::Core;

/// The right to answer one call once. What comes after the deadline is dropped; dropping it answers in words.
#[must_use = "dropping it ends the call with a failure"]
pub struct Later {
    core: Weak<Core>,
    key: Option<Key>,
}

impl Later {
    pub(crate) fn new(core: &Rc<Core>, key: Option<Key>) -> Self {
        Self { core: Rc::downgrade(core), key }
    }

    /// Whether its consumer still waits: its time is not over, and its connection is there. Of a one-way call: whether
    /// its time is not over.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.key.zip(self.core.upgrade()).is_some_and(|(key, core)| core.calls.with(key, |_| ()).is_some())
    }

    /// As [`Request::answer`](crate::fallback::Request::answer).
    pub fn answer(mut self, value: Value<'_>) {
        if let Some((core, key)) = self.take() {
            core.answer_with(key, |out, asked| reply::put_value(out, asked, value));
        }
    }

    /// As [`Request::throw`](crate::fallback::Request::throw).
    pub fn throw(mut self, message: &str) {
        if let Some((core, key)) = self.take() {
            core.answer_with(key, |out, asked| reply::put_exception(out, asked, message));
        }
    }

    /// As [`Request::answer_frame`](crate::fallback::Request::answer_frame).
    pub fn answer_frame(mut self, frame: &[u8]) {
        if let Some((core, key)) = self.take() {
            core.answer(key, frame);
        }
    }

    /// As [`Request::fail`](crate::fallback::Request::fail).
    pub fn fail(mut self, failure: &Failure) {
        if let Some((core, key)) = self.take() {
            core.fail(key, failure);
        }
    }

    fn take(&mut self) -> Option<(Rc<Core>, Key)> {
        Some((self.core.upgrade()?, self.key.take()?))
    }
}

impl Drop for Later {
    fn drop(&mut self) {
        if let Some((core, key)) = self.take() {
            let text = "a handler of the egress gateway gave the call up without an answer; its log may say why";
            core.fail(key, &Failure::new(Stage::Route, Kind::Internal, Outcome::Unknown, text.to_owned()));
        }
    }
}
