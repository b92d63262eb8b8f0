//! What happens to a call for a service that this server does not host, which is the normal case: an ordered chain of
//! handlers, each of which takes the call or passes it on. Public, so that other handlers can stand in front of
//! routing or in its place without touching the session; [`Routing`] itself is written against nothing else.
//!
//! ```text
//!  session ─ Request ─▶ first Fallback ─ pass ─▶ second ─ pass ─▶ … ─ pass ─▶ "not hosted here" (an exception)
//!                          │ answer, throw, answer_frame: the call is done     refuse, fail: it is done, with a failure
//!                          │ decide, carry: to where the rules send it (this is all that Routing does)
//!                          └ later: a Later that answers within the deadline, or passes the call on, from this shard
//! ```
//!
//! | what | how it is |
//! |---|---|
//! | order | that of the chain; the first handler that does not pass has the call, those behind it never see it |
//! | what comes here | every call, two-way or one-way, that is whole and within the limits; in a serialization that is not understood too ([`Request::call`] is then `None`). Heartbeats and other events never do. A call that was carried and was not sent comes again when rules or offers have changed so that they lead it elsewhere |
//! | threads | each shard makes a chain of its own on its own thread and calls it there, one call after the other. So a handler needs no lock and need not be `Send`; what all shards share comes in through the closure that makes the chain |
//! | time | a handler holds up every other call of its shard: it must not block, not on a lock, a file or a socket. What takes time goes into a task of this thread (`tokio::task::spawn_local`) or to another thread, with [`Request::later`] |
//! | bounds | the frame is at most `limits.frame` long, an answer at most `limits.reply` (a longer one becomes an exception that says so); calls that wait in a [`Later`] count on `limits.in_flight` and their frames, which are kept, on `limits.held` |
//! | deadline | set when the header came, from the call or the consumer's registry entry ([`Request::deadline`]); a call that is still waiting then ends in words, and what comes after it is dropped |
//! | one-way | nobody is answered, whatever the handler does; [`Request::wants_answer`] tells |
//! | a consumer that leaves | its waiting calls are forgotten ([`Later::is_wanted`] tells), what is answered then is dropped |
//! | drain | a gateway that ends serves on for `egress.serve_after_leaving`, then asks the chain nothing new while some service has no other address, and waits for what is in a [`Later`] as for calls on a link, until `drain.within` |
//! | panic | ends the connection that the call came on, and every call that waits on it; other connections go on |
//!
//! The types hold what must not go wrong: a [`Handled`] comes only from the request's own methods, so a handler cannot
//! forget a call; answering consumes the request, so nothing is answered twice; a [`Later`] that is dropped answers in
//! words; a [`Decision`] can be carried out for no other call than its own.
//!
//! ```
//! use highway_egress_gw::fallback::{Fallback, Handled, Request, Value};
//!
//! /// Answers one service itself, and says of another that it is gone.
//! struct OnHoliday;
//!
//! impl Fallback for OnHoliday {
//!     fn name(&self) -> &str {
//!         "on holiday"
//!     }
//!
//!     fn handle<'a>(&self, request: Request<'a>) -> Handled<'a> {
//!         match request.call() {
//!             Some(call) if call.service == "com.acme.Greeter" && call.method == "sayHello" => {
//!                 let name = call.texts().next().unwrap_or_default();
//!                 request.answer(Value::Text(&format!("Hello {name}, we are back on Monday")))
//!             }
//!             Some(call) if call.service == "com.acme.Fax" => request.refuse("the fax was retired, use com.acme.Mail"),
//!             _ => request.pass(),
//!         }
//!     }
//! }
//! ```
//!
//! And routing with a condition, which stands where [`Routing`] would:
//!
//! ```
//! use highway_egress_gw::fallback::{Fallback, Handled, Request};
//!
//! struct NotToBeijing;
//!
//! impl Fallback for NotToBeijing {
//!     fn name(&self) -> &str {
//!         "not to beijing"
//!     }
//!
//!     fn handle<'a>(&self, request: Request<'a>) -> Handled<'a> {
//!         match request.decide() {
//!             Ok(decision) if decision.targets().any(|target| target == "beijing") => request.refuse("beijing is closed today"),
//!             Ok(decision) => request.carry(decision),
//!             Err(failure) => request.fail(&failure),
//!         }
//!     }
//! }
//! ```
//!
//! A program with a chain of its own starts by [`EgressGateway::start_with`](crate::EgressGateway::start_with); a whole one,
//! with its configuration, `--check` and reloads, is `examples/answers-from-file`.
//!
//! Nothing here knows how a call is sent, and nothing a handler holds may leave its shard.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::Guard;
use shard::Conn;
use wire::dubbo::call::Peeked;
use wire::dubbo::frame::FrameKind;
use wire::dubbo::reply::{self, Asked};

use crate::cache::Course;
use crate::core::Core;
use crate::deadline::Patience;
use crate::held::Charge;
use crate::knowledge::Knowledge;
use crate::pending::Chain;
use crate::voices::LastVoice;

pub use crate::later::Later;
pub use crate::routing::Routing;
pub use wire::dubbo::call::Call;
pub use wire::dubbo::frame::Header;
pub use wire::dubbo::value::Value;
pub use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};

/// A handler of calls for services that are not hosted here.
pub trait Fallback {
    /// Its name in `/status`.
    fn name(&self) -> &str;

    /// Takes the call, or passes it on. Must not block and must not panic.
    fn handle<'a>(&self, request: Request<'a>) -> Handled<'a>;
}

/// What became of a request; made by its methods only.
#[must_use = "return it to the chain"]
pub struct Handled<'a>(Option<Request<'a>>);

impl<'a> Handled<'a> {
    pub(crate) fn passed(self) -> Option<Request<'a>> {
        self.0
    }
}

/// Where a call goes, as the rules and the catalogue have it now. Of one request and for it alone.
pub struct Decision<'a> {
    pub(crate) course: Course,
    /// What it was decided by.
    knowledge: Guard<Arc<Knowledge>>,
    of: PhantomData<Request<'a>>,
}

impl Decision<'_> {
    /// Where it goes first: an island, or `local` for a provider of this one.
    #[must_use]
    pub fn target(&self) -> &str {
        self.course.target()
    }

    /// Everywhere it may go: the others of a list take it where it was not sent to those before.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.course.targets()
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
    pub island: Option<&'a Arc<str>>,
    /// Who called last on it, where that is at hand.
    pub last: Option<&'a LastVoice>,
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
    /// The handler of the chain that has it.
    pub(crate) at: usize,
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

    /// The call: what a provider would run, its attachments, and of its arguments the bytes and the first texts
    /// ([`Call::arguments`], [`Call::texts`]); objects are not decoded. `None` in a serialization that is not understood.
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

    /// Where the rules send this call. Kept from call to call, so that asking costs one look-up; of a split, a share is drawn
    /// each time.
    ///
    /// # Errors
    /// Why it goes nowhere, for [`Request::fail`].
    pub fn decide(&self) -> Result<Decision<'a>, Rc<Failure>> {
        let knowledge = self.origin.core.knowledge.load();
        let course = self.origin.core.decide(self, &knowledge)?;
        Ok(Decision { course, knowledge, of: PhantomData })
    }

    /// Carries the call where it was decided, and the answer back to the consumer.
    pub fn carry(self, decision: Decision<'a>) -> Handled<'a> {
        self.origin.core.go(self, decision.course, &decision.knowledge);
        Handled(None)
    }

    /// Answers with a plain value, in the request's own serialization and in a form that its sender can read. Where the
    /// serialization is not understood the consumer is told so instead.
    pub fn answer(self, value: Value<'_>) -> Handled<'a> {
        self.answer_with(|out, asked| reply::put_value(out, asked, value))
    }

    /// Answers as a provider does whose method throws: with a `java.lang.RuntimeException` of this message, which no Dubbo
    /// repeats but dubbo-go. It counts as answered. An empty message is replaced, one over 64 KiB is cut.
    pub fn throw(self, message: &str) -> Handled<'a> {
        self.answer_with(|out, asked| reply::put_exception(out, asked, message))
    }

    fn answer_with(self, write: impl FnOnce(&mut Vec<u8>, &Asked)) -> Handled<'a> {
        let shard = &self.origin.core.shard;
        let mut frame = shard.buffer();
        write(&mut frame, &self.asked());
        let handled = self.answer_frame(&frame);
        shard.recycle(frame);
        handled
    }

    /// Answers with a whole Dubbo reply frame, such as another provider's; its id is replaced by the request's, its
    /// serialization must be the request's. A frame that is none is answered in words.
    pub fn answer_frame(self, frame: &[u8]) -> Handled<'a> {
        if self.wants_answer() {
            let asked = self.asked();
            let _ = self.origin.core.deliver(self.origin.conn, &asked, frame, self.arrived);
        }
        Handled(None)
    }

    /// Answers that the call is not carried out, with an exception that Java does not repeat. `text`: what was found, what
    /// was wanted, what to do. It counts as failed, and the consumer reads `highway: TEXT (the call was not executed)`.
    pub fn refuse(self, text: impl Into<String>) -> Handled<'a> {
        let failure = Failure::new(Stage::Route, Kind::TargetRefused, Outcome::NotSent, text.into());
        self.fail(&failure)
    }

    /// Answers with what the mapping table ([`crate::answer`]) makes of `failure`: a status that consumers repeat, or an
    /// exception.
    pub fn fail(self, failure: &Failure) -> Handled<'a> {
        self.origin.core.fail_now(self.origin.conn, &self.header, &self.asked(), failure);
        Handled(None)
    }

    /// Takes the call to answer it later, or to pass it on then ([`Later::pass`]); until then it counts as in flight, its frame is kept, and
    /// at its deadline the consumer is told.
    /// Where too many wait already, the consumer is told at once and the [`Later`] does nothing.
    pub fn later(self) -> (Handled<'a>, Later) {
        let core = self.origin.core.clone();
        let key = core.wait_for_handler(self);
        (Handled(None), Later::new(&core, key))
    }
}

#[cfg(test)]
#[path = "fallback_tests.rs"]
mod tests;
