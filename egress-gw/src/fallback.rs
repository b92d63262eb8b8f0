//! What happens to a call for a service that this server does not host, which is the normal case: an ordered chain of
//! handlers, each of which takes the call or passes it on. Public, so that other handlers can stand in front of or
//! behind routing without touching the session.
//!
//! ```text
//!  session ─ Request ─▶ first Fallback ─ pass ─▶ second ─ pass ─▶ … ─ pass ─▶ "not hosted here" (an exception)
//!                          │ answer_frame, refuse: at once
//!                          └ later: a Later that answers within the deadline, from this shard
//! ```
//!
//! The types hold what must not go wrong: a [`Handled`] comes only from the request's own methods, so a handler cannot
//! forget a call; answering consumes the request, so nothing is answered twice; a [`Later`] that is dropped answers in
//! words; what comes after the deadline is dropped; one-way calls are answered by nobody.
//!
//! A handler runs on the shard's thread for each call: it must not block, and nothing it holds may leave the shard.
//!
//! ```
//! use highway_egress_gw::fallback::{Fallback, Handled, Request};
//!
//! /// Answers calls of one service in words instead of carrying them.
//! struct Retired(&'static str);
//!
//! impl Fallback for Retired {
//!     fn name(&self) -> &str {
//!         "retired"
//!     }
//!
//!     fn handle<'a>(&self, request: Request<'a>) -> Handled<'a> {
//!         match request.call() {
//!             Some(call) if call.service == self.0 => request.refuse("this service was retired, use its successor"),
//!             _ => request.pass(),
//!         }
//!     }
//! }
//! ```

use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::time::Instant;

use shard::{Conn, Key};
use wire::dubbo::call::{Call, Peeked};
use wire::dubbo::frame::{FrameKind, Header};
use wire::dubbo::reply::Asked;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};

use crate::core::Core;
use crate::deadline::Patience;
use crate::held::Charge;
use crate::pending::Chain;

/// A handler of calls for services that are not hosted here.
pub trait Fallback {
    /// Its name in `/status` and logs.
    fn name(&self) -> &str;

    /// Takes the call, or passes it on.
    fn handle<'a>(&self, request: Request<'a>) -> Handled<'a>;
}

/// What became of a request; made by its methods only.
#[must_use = "return it to the chain"]
pub struct Handled<'a>(Option<Request<'a>>);

impl<'a> Handled<'a> {
    pub(crate) const TAKEN: Self = Self(None);

    pub(crate) fn passed(self) -> Option<Request<'a>> {
        self.0
    }
}

/// Where a request came from.
pub(crate) struct Origin<'a> {
    pub core: &'a Rc<Core>,
    pub conn: &'a Rc<Conn>,
    /// The waiting calls of this connection.
    pub chain: &'a Rc<Chain>,
    /// The number of this connection on its shard.
    pub number: usize,
    /// The island to which the port is bound.
    pub island: Option<&'a std::sync::Arc<str>>,
}

/// One call, whole and readable as far as its serialization is understood.
pub struct Request<'a> {
    pub(crate) origin: &'a Origin<'a>,
    pub(crate) header: Header,
    pub(crate) frame: &'a [u8],
    pub(crate) peeked: &'a Peeked<'a>,
    /// When its header was here.
    pub(crate) arrived: Instant,
    /// When all of it was.
    pub(crate) whole: Instant,
    pub(crate) deadline: Instant,
    /// Whether the deadline is the consumer's own.
    pub(crate) patience: Patience,
    /// Until when it may wait for a way to its island.
    pub(crate) unsent_until: Instant,
    pub(crate) charge: Option<Charge>,
}

impl<'a> Request<'a> {
    /// The frame's header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The whole frame, header included.
    #[must_use]
    pub fn frame(&self) -> &'a [u8] {
        self.frame
    }

    /// The call; `None` in a serialization that is not understood.
    #[must_use]
    pub fn call(&self) -> Option<&'a Call<'a>> {
        match self.peeked {
            Peeked::Call(call) => Some(call),
            Peeked::Opaque(_) => None,
        }
    }

    /// The consumer's address.
    #[must_use]
    pub fn consumer(&self) -> SocketAddr {
        self.origin.conn.peer()
    }

    /// The island to which the port of this connection is bound.
    #[must_use]
    pub fn island(&self) -> Option<&'a str> {
        self.origin.island.map(|island| &**island)
    }

    /// When an answer is worth nothing any more.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether an answer is wanted at all.
    #[must_use]
    pub fn wants_answer(&self) -> bool {
        self.header.kind() == FrameKind::Call
    }

    /// What must be kept of this request to answer it.
    pub(crate) fn asked(&self) -> Asked {
        match self.peeked {
            Peeked::Call(call) => Asked::of(&self.header, call),
            Peeked::Opaque(_) => Asked::unread(&self.header),
        }
    }

    /// Leaves the call to the next handler of the chain.
    pub fn pass(self) -> Handled<'a> {
        Handled(Some(self))
    }

    /// Answers with a whole Dubbo reply frame; its id is replaced by the request's. A frame that is none is answered in
    /// words.
    pub fn answer_frame(self, frame: &[u8]) -> Handled<'a> {
        if self.wants_answer() {
            let asked = self.asked();
            self.origin.core.deliver(self.origin.conn, &asked, frame, self.arrived);
        }
        Handled::TAKEN
    }

    /// Answers with an exception that Java does not repeat. `text`: what was found, what was wanted, what to do.
    pub fn refuse(self, text: impl Into<String>) -> Handled<'a> {
        let failure = Failure::new(Stage::Route, Kind::TargetRefused, Outcome::NotSent, text.into());
        self.fail(&failure)
    }

    /// Answers with what the mapping table makes of `failure`.
    pub fn fail(self, failure: &Failure) -> Handled<'a> {
        self.origin.core.fail_now(self.origin.conn, &self.header, &self.asked(), failure);
        Handled::TAKEN
    }

    /// Takes the call to answer it later; until then it counts as in flight, and at its deadline the consumer is told.
    pub fn later(self) -> (Handled<'a>, Later) {
        let key = self.origin.core.wait_for_handler(&self);
        (Handled::TAKEN, Later { core: Rc::downgrade(self.origin.core), key })
    }
}

/// The right to answer one call once. Bound to its shard; what comes after the deadline is dropped.
pub struct Later {
    core: Weak<Core>,
    key: Option<Key>,
}

impl Later {
    /// Answers with a whole Dubbo reply frame; its id is replaced by the request's.
    pub fn answer_frame(mut self, frame: &[u8]) {
        if let Some((core, key)) = self.take() {
            core.answer(key, frame);
        }
    }

    /// Answers with what the mapping table makes of `failure`.
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

#[cfg(test)]
#[path = "fallback_tests.rs"]
mod tests;
