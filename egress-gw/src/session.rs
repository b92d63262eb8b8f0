//! A consumer's connection: bytes become frames, frames become calls; events end here.
//!
//! ```text
//!            ┌─ wrong magic, length beyond reason ─▶ answered where there is an id, then closed
//!  header ───┼─ over a limit, budget or bound     ─▶ answered at once, body skipped, connection stays
//!            ├─ event                             ─▶ two-way heartbeat answered, all others ignored
//!            └─ call: gather the body, peek ──────▶ chain of fallbacks
//! ```
//!
//! The bounds are asked on the 16-byte header, before memory is reserved for the body. It holds no buffer while it is
//! idle, hosts no service, never looks for a frame behind a wrong magic and never closes a connection to say that a call
//! failed.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use shard::{Close, Conn, Key, NoRoom, Session, Taken};
use wire::dubbo::call::{self, Peeked};
use wire::dubbo::frame::{self, Event, FrameError, FrameKind, HEADER_LEN, Header};
use wire::dubbo::reply::Asked;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};

use crate::core::Core;
use crate::deadline::Allowed;
use crate::expire::came_too_slowly;
use crate::fallback::{Origin, Request};
use crate::held::{Charge, Extent};
use crate::pending::Chain;
use crate::voices::LastVoice;

/// One read of a consumer: some hundred ordinary calls, and few enough heartbeats that a flood of them holds up nobody.
const READ_LEN: usize = 64 * 1024;
/// Events are a null or a letter; providers refuse ones over 15 to 50 bytes.
const EVENT_MAX_LEN: usize = 64;

/// One consumer's connection.
pub struct Consumer {
    core: Rc<Core>,
    island: Option<Arc<str>>,
    chain: Rc<Chain>,
    /// Who called last.
    last: LastVoice,
    /// Its entry among the shard's consumers, once the first bytes have come.
    key: Cell<Option<Key>>,
    /// Bytes of a refused body that are still to come.
    skip: Cell<usize>,
    /// The call that is being gathered.
    admitted: RefCell<Option<Admitted>>,
    /// Its entry among those that are watched for bodies that stall.
    gathering: Cell<Option<Key>>,
}

/// A call whose body is awaited.
struct Admitted {
    header: Header,
    charge: Charge,
    /// When its header was here: the consumer's clock runs since then.
    arrived: Instant,
}

/// What becomes of a frame by its header.
enum Admission {
    /// Its body is wanted.
    Wanted,
    /// Its body is not read; what there was to say is said.
    Skipped,
}

impl Consumer {
    /// The session of a connection that came in on a port of `island`.
    pub fn new(core: Rc<Core>, island: Option<Arc<str>>) -> Self {
        core.counters.connections.add(1);
        Self {
            core,
            island,
            chain: Rc::default(),
            last: LastVoice::default(),
            key: Cell::new(None),
            skip: Cell::new(0),
            admitted: RefCell::default(),
            gathering: Cell::new(None),
        }
    }

    /// Takes whole frames from the front of `bytes`.
    fn frames(&self, conn: &Rc<Conn>, bytes: &[u8]) -> Result<Taken, Close> {
        let now = Instant::now();
        let mut used = self.skip_from(bytes.len());
        loop {
            let rest = &bytes[used..];
            let header = match Header::decode(rest) {
                Ok(Some(header)) => header,
                Ok(None) => return Ok(Taken { used, need: 0 }),
                Err(error) => return Err(self.unreadable(conn, rest, &error)),
            };
            let frame_len = header.frame_len();
            if frame_len > frame::BEYOND_REASON_LEN.max(self.core.limits.frame_len + HEADER_LEN) {
                return Err(self.beyond_reason(conn, &header));
            }
            if self.admitted.borrow().is_none() {
                let extent = if rest.len() < frame_len { Extent::Begun } else { Extent::Whole };
                match self.admit(conn, &header, extent, now) {
                    Admission::Wanted => {}
                    Admission::Skipped => {
                        self.skip.set(frame_len);
                        used += self.skip_from(rest.len());
                        continue;
                    }
                }
            }
            let Some(frame) = rest.get(..frame_len) else { return Ok(Taken { used, need: frame_len }) };
            let admitted = self.admitted.borrow_mut().take();
            self.forget_gathering();
            self.frame(conn, header, frame, now, admitted);
            used += frame_len;
        }
    }

    /// Has a body that holds budget watched while it is gathered.
    fn watch(&self, conn: &Rc<Conn>) {
        if let (Some(admitted), None) = (&*self.admitted.borrow(), self.gathering.get()) {
            self.gathering.set(self.core.consumers.gathers(conn, admitted.header, admitted.arrived));
        }
    }

    fn forget_gathering(&self) {
        if let Some(key) = self.gathering.take() {
            self.core.consumers.gathered(key);
        }
    }

    /// Counts off up to `available` bytes of a body that is skipped.
    fn skip_from(&self, available: usize) -> usize {
        let now = self.skip.get().min(available);
        self.skip.set(self.skip.get() - now);
        now
    }

    /// Whether the body of this frame may come, asked once a frame.
    fn admit(&self, conn: &Rc<Conn>, header: &Header, extent: Extent, now: Instant) -> Admission {
        if !header.is_request() || header.is_event() {
            let wanted = header.is_event() && header.body_len as usize <= EVENT_MAX_LEN;
            return if wanted { Admission::Wanted } else { Admission::Skipped };
        }
        let refused = match self.core.admit(header, extent, self.chain.calls()) {
            Ok(charge) => {
                *self.admitted.borrow_mut() = Some(Admitted { header: *header, charge, arrived: now });
                return Admission::Wanted;
            }
            Err(refused) => refused,
        };
        self.core.fail_now(conn, header, &Asked::unread(header), &refused);
        Admission::Skipped
    }

    fn frame(&self, conn: &Rc<Conn>, header: Header, frame: &[u8], now: Instant, admitted: Option<Admitted>) {
        self.core.counters.bytes_in.add(frame.len() as u64);
        let body = &frame[HEADER_LEN..];
        match header.kind() {
            FrameKind::Call | FrameKind::OneWay => self.call(conn, header, frame, now, admitted),
            FrameKind::EventCall => {
                if header.event(body) == Event::Heartbeat {
                    conn.append_with(|out| frame::put_heartbeat_reply(out, &header));
                }
            }
            // A consumer has nothing to announce, and nothing was asked of it.
            FrameKind::EventOneWay | FrameKind::EventReply | FrameKind::Reply => {}
        }
    }

    fn call(&self, conn: &Rc<Conn>, header: Header, frame: &[u8], whole: Instant, admitted: Option<Admitted>) {
        let peeked = match call::peek(&header, &frame[HEADER_LEN..]) {
            Ok(peeked) => peeked,
            Err(error) => {
                let failure = Failure::new(Stage::Peek, Kind::Unparsable, Outcome::NotSent, error.to_string());
                return self.core.fail_now(conn, &header, &Asked::unread(&header), &failure);
            }
        };
        let (charge, arrived) = match admitted {
            Some(admitted) => (Some(admitted.charge), admitted.arrived),
            None => (None, whole),
        };
        let Allowed { time, patience, unsent } = self.core.timeout(&peeked, conn.peer().ip());
        // Nobody waits for a one-way call: all of its time is there for carrying it.
        let since = if header.kind() == FrameKind::Call { arrived } else { whole };
        let (deadline, unsent_until) = (since + time, since + unsent);
        if whole >= deadline {
            let asked = match &peeked {
                Peeked::Call(call) => Asked::of(&header, call),
                Peeked::Opaque(_) => Asked::unread(&header),
            };
            return self.core.fail_now(conn, &header, &asked, &came_too_slowly(time));
        }
        let origin = Origin {
            core: &self.core,
            conn,
            chain: &self.chain,
            number: self.key.get().map_or(0, Key::slot),
            island: self.island.as_ref(),
            last: Some(&self.last),
        };
        let peeked = &peeked;
        self.core.handle(Request {
            origin: &origin,
            header,
            frame,
            peeked,
            arrived,
            whole,
            deadline,
            patience,
            unsent_until,
            charge,
            at: 0,
        });
    }

    /// The stream cannot be read further: says so where there is somebody to say it to.
    fn unreadable(&self, conn: &Rc<Conn>, rest: &[u8], error: &FrameError) -> Close {
        if let FrameError::NegativeLength { .. } = error
            && let Some(id) = rest.get(4..12).and_then(|id| id.try_into().ok()).map(i64::from_be_bytes)
        {
            let header = Header { flags: rest[2], status: 0, id, body_len: 0 };
            self.refuse_and_close(conn, &header, error.to_string());
        }
        let hint = match rest {
            [0x16, 0x03, ..] => {
                "; this looks like TLS, which this port does not speak: turn dubbo.ssl off towards it, or give the gateway a certificate in [egress.tls]"
            }
            _ => "",
        };
        Close::Ours(format!("{error}{hint}"))
    }

    fn beyond_reason(&self, conn: &Rc<Conn>, header: &Header) -> Close {
        let text = format!(
            "a frame says that its body has {} bytes, more than anybody sends on purpose (limits.frame is {} bytes); the connection is closed",
            header.body_len, self.core.limits.frame_len
        );
        self.refuse_and_close(conn, header, text.clone());
        Close::Ours(text)
    }

    fn refuse_and_close(&self, conn: &Rc<Conn>, header: &Header, text: String) {
        if header.kind() == FrameKind::Call {
            let failure = Failure::new(Stage::Session, Kind::Unparsable, Outcome::NotSent, text);
            self.core.fail_now(conn, header, &Asked::unread(header), &failure);
        }
    }
}

impl Session for Consumer {
    fn read_len(&self) -> usize {
        READ_LEN
    }

    fn received(&self, conn: &Rc<Conn>, bytes: &[u8]) -> Result<Taken, Close> {
        if self.key.get().is_none() {
            self.key.set(self.core.consumers.came(conn));
            conn.charge_untaken(self.core.allowance.budget(), NoRoom::Ends);
        }
        let taken = self.frames(conn, bytes)?;
        self.watch(conn);
        Ok(taken)
    }

    fn secured(&self, _: &Rc<Conn>) {
        self.core.counters.secured.add(1);
    }

    fn closed(&self, conn: &Rc<Conn>, why: &Close) {
        tracing::debug!(consumer = %conn.peer(), why = %why, waiting = self.chain.calls(), "a consumer's connection has ended");
        self.admitted.borrow_mut().take();
        self.forget_gathering();
        self.core.consumer_left(self.key.take(), &self.chain);
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.core.counters.connections.add(-1);
        self.core.consumers.ended();
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
