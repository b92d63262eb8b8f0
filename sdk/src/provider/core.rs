//! What the provider's one shard holds: open connections and calls in hand, and how a call comes in and goes out again.
//!
//! ```text
//!  session.rs ─ header ─▶ admit ─ body ─▶ take ─▶ lookup.rs ─▶ job.rs, on the user's runtime or here
//!                           │ 40, 100            │ 40, 70            │
//!                           ▼                    ▼                   ▼ Done
//!                         connection ◀──────────────────────────── finish
//! ```
//!
//! Everything is `Rc` and `Cell`: nothing of it leaves the shard. It never waits.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use shard::{Begun, Budget, Close, Conn, Key, NoRoom, Patience, Permit, Slots};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use wire::dubbo::answer::AnswerType;
use wire::dubbo::call::{self, Call, Peeked};
use wire::dubbo::frame::{self, Codec, Event, FrameKind, Header, Status};
use wire::dubbo::reply::{self, Asked};

use super::invocation::{Circumstances, Invocation};
use super::job::{Done, Job, Unanswered};
use super::lookup::{Found, Services, refuse};
use super::thrown::Refusal;
use crate::fastjson2::FIELD_LEN;

/// Events are a null or a letter; providers refuse ones over 15 to 50 bytes.
const EVENT_MAX_LEN: usize = 64;
/// A connection on which nothing came for so long is closed: three of Dubbo's heartbeats, as its own servers do.
const SILENT_FOR: Duration = Duration::from_secs(180);

/// What is allowed at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Calls whose handler has not answered.
    pub(super) calls: usize,
    /// Bytes of a body, of requests and of answers.
    pub(super) payload_len: usize,
    /// Bytes of bodies and answers that are held.
    pub(super) held_len: usize,
    /// Connections.
    pub(super) connections: usize,
}

/// Where handlers run.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// On this runtime.
    Runtime(Handle),
    /// On the shard, between the sockets.
    Shard,
}

pub(super) struct Core {
    pub(super) limits: Limits,
    services: Services,
    place: Place,
    budget: Budget,
    open: RefCell<Slots<Open>>,
    calls: RefCell<Slots<InHand>>,
    done: mpsc::Sender<Done>,
    /// Since when consumers are told to go elsewhere.
    draining: Cell<bool>,
    /// When a call came last.
    last_call: Cell<Option<Instant>>,
}

/// A consumer's connection.
struct Open {
    conn: Rc<Conn>,
    /// The frame that is being gathered and holds budget.
    begun: Option<Begun>,
}

/// A call that a handler has.
struct InHand {
    conn: Rc<Conn>,
    of: Key,
    asked: Asked,
    kind: FrameKind,
    deadline: Option<Instant>,
    running: Option<AbortHandle>,
}

/// What becomes of a frame by its header.
pub(super) enum Admission {
    /// Its body is wanted, and charged for.
    Wanted(Permit),
    /// Its body is not read, and what there was to say is said.
    Skipped,
}

impl Core {
    pub(super) fn new(services: Services, place: Place, limits: Limits) -> (Rc<Self>, mpsc::Receiver<Done>) {
        let (done, finished) = mpsc::channel(limits.calls);
        let core = Rc::new(Self {
            limits,
            services,
            place,
            budget: Budget::new(limits.held_len),
            open: RefCell::new(Slots::new(limits.connections)),
            calls: RefCell::new(Slots::new(limits.calls)),
            done,
            draining: Cell::new(false),
            last_call: Cell::new(None),
        });
        (core, finished)
    }

    /// Whether there is room for one more connection.
    pub(super) fn may_begin(&self) -> bool {
        self.open.borrow().len() < self.limits.connections
    }

    /// A connection is there.
    pub(super) fn opened(&self, conn: &Rc<Conn>) -> Option<Key> {
        conn.charge_untaken(&self.budget, NoRoom::Ends);
        let key = self.open.borrow_mut().insert(Open { conn: conn.clone(), begun: None }).ok();
        if self.draining.get() {
            say_readonly(conn);
        }
        key
    }

    /// It is gone, and with it the calls whose answers it waited for.
    pub(super) fn closed(&self, key: Key) {
        self.open.borrow_mut().remove(key);
        let mut calls = self.calls.borrow_mut();
        let waits = |call: &InHand| call.of == key && call.kind == FrameKind::Call;
        let gone: Vec<Key> = calls.iter().filter(|(_, call)| waits(call)).map(|(key, _)| key).collect();
        for call in gone.into_iter().filter_map(|key| calls.remove(key)) {
            call.abandon();
        }
    }

    /// A frame that holds budget is being gathered, or no longer is.
    pub(super) fn gathers(&self, key: Key, begun: Option<Begun>) {
        if let Some(open) = self.open.borrow_mut().get_mut(key) {
            open.begun = begun;
        }
    }

    /// Whether the body behind this header may come, asked before any memory is reserved for it. `is_whole`: it is here already.
    pub(super) fn admit(&self, conn: &Conn, header: &Header, is_whole: bool) -> Admission {
        if !header.is_request() || header.is_event() {
            let is_wanted = header.is_event() && header.body_len as usize <= EVENT_MAX_LEN;
            return if is_wanted { Admission::Wanted(self.budget.open()) } else { Admission::Skipped };
        }
        let refusal = match self.room_for(header, is_whole) {
            Ok(permit) => return Admission::Wanted(permit),
            Err(refusal) => refusal,
        };
        tell(conn, header, &refusal);
        Admission::Skipped
    }

    fn room_for(&self, header: &Header, is_whole: bool) -> Result<Permit, Refusal> {
        let (body_len, limit) = (header.body_len as usize, self.limits.payload_len);
        if body_len > limit {
            let text =
                format!("the request body of {body_len} bytes is over the limit of {limit} bytes of this provider");
            return Err(refuse(Status::BAD_REQUEST, text));
        }
        if self.calls.borrow().len() >= self.limits.calls {
            return Err(self.full());
        }
        let len = header.frame_len();
        let permit = if is_whole { self.budget.take(len) } else { self.budget.take_unfinished(len) };
        permit.ok_or_else(|| {
            let (held, limit) = (self.budget.held(), self.budget.limit());
            let text = format!(
                "this provider holds {held} bytes of calls and answers, and {len} more are over what it may ({limit})"
            );
            refuse(Status::OVERLOADED, text)
        })
    }

    fn full(&self) -> Refusal {
        let limit = self.limits.calls;
        refuse(
            Status::OVERLOADED,
            format!("{limit} calls are in hand at this provider, which is all that it takes at once"),
        )
    }

    /// A whole frame.
    pub(super) fn frame(self: &Rc<Self>, conn: &Rc<Conn>, of: Key, header: Header, body: &[u8], permit: Permit) {
        match header.kind() {
            FrameKind::Call | FrameKind::OneWay => {
                if let Err(refusal) = self.take(conn, of, &header, body, permit) {
                    tell(conn, &header, &refusal);
                }
            }
            FrameKind::EventCall => {
                if header.event(body) == Event::Heartbeat {
                    conn.append_with(|out| frame::put_heartbeat_reply(out, &header));
                }
            }
            // A consumer has nothing to announce, and nothing was asked of it.
            FrameKind::EventOneWay | FrameKind::EventReply | FrameKind::Reply => {}
        }
    }

    fn take(&self, conn: &Rc<Conn>, of: Key, header: &Header, body: &[u8], permit: Permit) -> Result<(), Refusal> {
        let arrived = Instant::now();
        let call = match call::peek(header, body) {
            Ok(Peeked::Call(call)) => call,
            Ok(Peeked::Opaque(serialization)) => {
                let text = format!("this provider reads hessian2 and fastjson2, found serialization {serialization}");
                return Err(refuse(Status::BAD_REQUEST, text));
            }
            Err(error) => return Err(refuse(Status::BAD_REQUEST, error.to_string())),
        };
        self.last_call.set(Some(arrived));
        let run = match self.services.find(&call)? {
            Found::Echo => {
                echo(conn, header, &call);
                return Ok(());
            }
            Found::Run(run) => run,
        };
        let circumstances = Circumstances { header: *header, consumer: conn.peer(), arrived, permit };
        let invocation = Invocation::new(run.clone(), &call, body, circumstances);
        let in_hand = InHand {
            conn: conn.clone(),
            of,
            asked: Asked::of(header, &call),
            kind: header.kind(),
            deadline: invocation.deadline(),
            running: None,
        };
        let key = self.calls.borrow_mut().insert(in_hand).map_err(|_| self.full())?;
        let job = Job {
            run,
            call: invocation,
            unanswered: Unanswered::new(key, self.done.clone()),
            budget: self.budget.clone(),
            payload_len: self.limits.payload_len,
        };
        let running = match &self.place {
            Place::Runtime(runtime) => runtime.spawn(job.run()).abort_handle(),
            Place::Shard => tokio::task::spawn_local(job.run()).abort_handle(),
        };
        if let Some(call) = self.calls.borrow_mut().get_mut(key) {
            call.running = Some(running);
        }
        Ok(())
    }

    /// A handler is done.
    pub(super) fn finish(&self, done: Done) {
        let Some(call) = self.calls.borrow_mut().remove(done.key) else { return };
        if call.kind != FrameKind::Call {
            return;
        }
        if call.deadline.is_some_and(|deadline| deadline < Instant::now()) {
            tracing::debug!(consumer = %call.conn.peer(), "an answer came after its consumer had given up; it is not sent");
            return;
        }
        match done.told {
            Ok(told) => {
                let attachments = told.attachments.iter().map(|(key, value)| (&**key, &**value));
                let said = &told.said;
                call.conn.append_with(|out| {
                    reply::put_ok(out, &call.asked, said.codec, said.kind, attachments, |out| {
                        out.extend_from_slice(said.bytes());
                    });
                });
            }
            Err(refusal) => {
                call.conn.append_with(|out| reply::put_error(out, call.asked.id, refusal.status, &refusal.text));
            }
        }
    }

    /// Ends connections whose frame does not come on, and those on which nothing comes at all.
    pub(super) fn give_up_slow(&self, now: Instant) {
        let patience = Patience::with(&self.budget);
        let slow = |open: &Open| {
            let trouble = open.begun.and_then(|begun| begun.trouble(&open.conn, now, patience));
            let silent = now.saturating_duration_since(open.conn.last_read());
            trouble.map(|trouble| format!("a request does not come on: {trouble}")).or_else(|| {
                (silent > SILENT_FOR).then(|| format!("nothing came for {silent:.0?}, not even a heartbeat"))
            })
        };
        let open = self.open.borrow();
        let ended: Vec<_> = open.iter().filter_map(|(_, open)| Some((open.conn.clone(), slow(open)?))).collect();
        drop(open);
        for (conn, why) in ended {
            conn.close(Close::Ours(why));
        }
    }

    /// Tells consumers to go elsewhere, those that come from now on too.
    pub(super) fn say_readonly(&self) {
        self.draining.set(true);
        self.open.borrow().iter().for_each(|(_, open)| say_readonly(&open.conn));
    }

    /// Calls that handlers have.
    pub(super) fn in_hand(&self) -> usize {
        self.calls.borrow().len()
    }

    /// For how long no call has come.
    pub(super) fn quiet_for(&self, now: Instant) -> Duration {
        self.last_call.get().map_or(Duration::MAX, |last| now.saturating_duration_since(last))
    }

    /// Gives up the calls in hand and closes all connections, those that do not read after `within`.
    pub(super) fn close(&self, why: &str, within: Duration) {
        let calls: Vec<Key> = self.calls.borrow().iter().map(|(key, _)| key).collect();
        for key in calls {
            if let Some(call) = self.calls.borrow_mut().remove(key) {
                call.abandon();
            }
        }
        let all: Vec<Rc<Conn>> = self.open.borrow().iter().map(|(_, open)| open.conn.clone()).collect();
        for conn in all {
            conn.finish(Close::Ours(why.to_owned()), within);
        }
    }

    /// Whether a connection is left.
    pub(super) fn has_consumers(&self) -> bool {
        !self.open.borrow().is_empty()
    }
}

impl InHand {
    fn abandon(self) {
        if let Some(running) = self.running {
            running.abort();
        }
    }
}

fn echo(conn: &Conn, header: &Header, call: &Call<'_>) {
    if header.kind() == FrameKind::Call {
        let kind = if call.arguments() == call.codec.null_body() { AnswerType::Null } else { AnswerType::Value };
        let value = match call.codec {
            Codec::Hessian2 => call.arguments(),
            // The length in front is written again.
            Codec::Fastjson2 => call.arguments().get(FIELD_LEN..).unwrap_or_default(),
        };
        conn.append_with(|out| {
            reply::put_ok(out, &Asked::of(header, call), call.codec, kind, [], |out| out.extend_from_slice(value));
        });
    }
}

fn say_readonly(conn: &Conn) {
    conn.append_with(|out| frame::put_event_notice(out, 0, Codec::Hessian2, Event::Readonly));
}

/// Says why a request is not run, where somebody waits for it.
pub(super) fn tell(conn: &Conn, header: &Header, refusal: &Refusal) {
    let Refusal { status, text } = refusal;
    tracing::debug!(consumer = %conn.peer(), %status, text, "a call is refused");
    if header.kind() == FrameKind::Call {
        conn.append_with(|out| reply::put_error(out, header.id, *status, text));
    }
}
