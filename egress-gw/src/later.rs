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
//! It never answers twice, and never after the deadline. [`Later::pass`] hands the call on to the next handler instead.

use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Instant;

use shard::Key;
use wire::dubbo::call::peek;
use wire::dubbo::frame::{HEADER_LEN, Header};
use wire::dubbo::reply;
use wire::dubbo::value::Value;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};

use crate::core::{By, Core, InFlight, Wants};
use crate::fallback::{Origin, Request};
use crate::held::Charge;

/// The right to answer one call once, or to pass it on. What comes after the deadline is dropped; dropping it answers in words.
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

    /// As [`Request::pass`](crate::fallback::Request::pass): the next handler of the chain has the call as it came, and what is left of its
    /// time. Where nobody waits any more it does nothing.
    ///
    /// ```
    /// use highway_egress_gw::fallback::{Fallback, Handled, Request};
    ///
    /// /// Lets calls go on once somebody else has said yes to them.
    /// struct AskFirst;
    ///
    /// async fn allowed(application: String) -> bool {
    ///     application != "batch"
    /// }
    ///
    /// impl Fallback for AskFirst {
    ///     fn name(&self) -> &str {
    ///         "ask first"
    ///     }
    ///
    ///     fn handle<'a>(&self, request: Request<'a>) -> Handled<'a> {
    ///         let application = request.call().and_then(|call| call.application.as_deref()).unwrap_or_default().to_owned();
    ///         let (handled, later) = request.later();
    ///         tokio::task::spawn_local(async move {
    ///             match allowed(application).await {
    ///                 true => later.pass(),
    ///                 false => later.throw("calls of batch jobs wait until the evening"),
    ///             }
    ///         });
    ///         handled
    ///     }
    /// }
    /// ```
    pub fn pass(mut self) {
        if let Some((core, key)) = self.take() {
            core.pass_on(key);
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

/// What is kept of a call that waits for a handler, so that it can still go on to the next one.
pub struct Kept {
    frame: Vec<u8>,
    header: Header,
    /// The number of its connection.
    number: usize,
    island: Option<Arc<str>>,
    unsent_until: Instant,
    /// The handler that has it.
    at: usize,
    charge: Option<Charge>,
}

impl Kept {
    /// The buffer of its frame, for the next one.
    pub fn into_frame(self) -> Vec<u8> {
        self.frame
    }
}

impl Core {
    /// Puts a call among those that wait for a handler; `None` as in [`Core::begin`].
    pub fn wait_for_handler(&self, request: Request<'_>) -> Option<Key> {
        let mut frame = self.shard.buffer();
        frame.extend_from_slice(request.frame);
        let asked = request.asked();
        let kept = Kept {
            frame,
            header: request.header,
            number: request.origin.number,
            island: request.origin.island.cloned(),
            unsent_until: request.unsent_until,
            at: request.at,
            charge: request.charge,
        };
        let call = InFlight {
            conn: request.origin.conn.clone(),
            asked,
            wants: Wants::of(&request.header),
            arrived: request.arrived,
            deadline: request.deadline,
            patience: request.patience,
            by: By::Handler(Box::new(kept)),
        };
        self.begin(call, request.origin.chain, request.deadline)
    }

    /// Hands a call that waited for a handler to the next one, as it came: its deadline stays. Nothing where nobody waits any more, or its
    /// time is over and the next tick says so.
    pub fn pass_on(self: &Rc<Self>, key: Key) {
        if self.calls.with(key, |call| Instant::now() >= call.deadline) == Some(true) {
            return;
        }
        let Some((call, chain)) = self.calls.take(key) else { return };
        self.count_in_flight();
        let InFlight { conn, asked, arrived, deadline, patience, by, .. } = call;
        let By::Handler(kept) = by else { return };
        let Kept { frame, header, number, island, unsent_until, at, charge } = *kept;
        match peek(&header, frame.get(HEADER_LEN..).unwrap_or_default()) {
            Ok(peeked) => {
                let island = island.as_ref();
                let origin = Origin { core: self, conn: &conn, chain: &chain, number, island, last: None };
                let request = Request {
                    origin: &origin,
                    header,
                    frame: &frame,
                    peeked: &peeked,
                    arrived,
                    // What remains is counted from here.
                    whole: Instant::now(),
                    deadline,
                    patience,
                    unsent_until,
                    charge,
                    at: at + 1,
                };
                self.ask_chain(request);
            }
            // It was read when it came.
            Err(error) => {
                let failure = Failure::new(Stage::Peek, Kind::Internal, Outcome::NotSent, error.to_string());
                self.fail_now(&conn, &header, &asked, &failure);
            }
        }
        self.shard.recycle(frame);
    }
}
