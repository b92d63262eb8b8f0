//! One connection to a provider: frames in, frames out, and what both sides say about the connection itself.
//!
//! ```text
//!            ┌── R ──▶ readonly ── W ──┐
//!   open ────┤                         ├──▶ open … ──▶ ended: every call on it is told so, at once
//!            └── drain (no new calls) ─┴──▶ closes with the last answer, and with what is written by then or a heartbeat later
//!
//!   bytes ─▶ header ─▶ whole frame? ─▶ reply: its call │ event: answered here │ request: refused, callbacks are not carried
//!                 └──▶ too long, no room, nobody's: skipped as it comes, never held
//! ```
//!
//! It never looks for a frame behind a wrong magic or a length beyond reason, never waits for the rest of a frame that comes
//! too slowly, and never piles up words for a provider that does not read: then the connection ends.
//!
//! Long because: what a connection says, and how its calls end with it, hang on one state.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Instant;

use shard::{Begun, Close, Conn, NoRoom, Patience, Permit, Session, Taken};
use tokio::sync::Notify;
use wire::dubbo::frame::{BEYOND_REASON_LEN, Codec, Event, FrameKind, HEADER_LEN, Header, Status};
use wire::dubbo::{frame, reply};

use crate::calls::{Pending, Place};
use crate::core::Core;
use crate::ejection::{self, Probe};
use crate::provider::Provider;
use crate::{Answer, Lost};

/// A frame up to this long is gathered without asking the budget: the shard's scratch buffer holds it.
const UNCHARGED_LEN: usize = 64 * 1024;
/// What a provider that calls us is told.
const NO_CALLBACKS: &str = "this is a gateway that calls providers and serves nothing: callbacks are not carried";

pub(crate) struct Channel {
    core: Rc<Core>,
    provider: Weak<Provider>,
    conn: OnceCell<Rc<Conn>>,
    /// Bytes ever appended: where the next frame begins in the stream.
    appended: Cell<u64>,
    /// Bytes of a refused frame that are still to come.
    skip_len: Cell<usize>,
    /// Room for the frame that is being gathered.
    room: RefCell<Option<Permit>>,
    /// The frame of which the rest is still to come, gathered or skipped.
    begun: Cell<Option<Begun>>,
    in_flight: Cell<u32>,
    readonly_since: Cell<Option<Instant>>,
    draining: Cell<bool>,
    /// When the last one was sent, and how many since the provider was last heard.
    last_heartbeat: Cell<Option<(Instant, i64)>>,
    /// Whether its provider counts it among its connections.
    up: Cell<bool>,
    secured: Cell<bool>,
    ended: Cell<bool>,
    why_ended: RefCell<String>,
    /// Secured, draining, or ended.
    turned: Notify,
}

impl Channel {
    pub fn new(core: &Rc<Core>, provider: Weak<Provider>) -> Rc<Self> {
        Rc::new(Self {
            core: core.clone(),
            provider,
            conn: OnceCell::new(),
            appended: Cell::new(0),
            skip_len: Cell::new(0),
            room: RefCell::new(None),
            begun: Cell::new(None),
            in_flight: Cell::new(0),
            readonly_since: Cell::new(None),
            draining: Cell::new(false),
            last_heartbeat: Cell::new(None),
            up: Cell::new(false),
            secured: Cell::new(false),
            ended: Cell::new(false),
            why_ended: RefCell::default(),
            turned: Notify::new(),
        })
    }

    /// Gives the channel its connection, once. What its provider does not read takes room of the budget; where there is none the
    /// connection goes on, since calls that were sent are on it, and takes no more.
    pub fn attach(&self, conn: Rc<Conn>) {
        conn.charge_untaken(&self.core.budget, NoRoom::Told);
        let _ = self.conn.set(conn);
    }

    /// Whether a new call may go here.
    pub fn is_usable(&self) -> bool {
        self.readonly_since.get().is_none() && !self.draining.get() && self.is_open()
    }

    /// Whether so much waits to be written already that the provider must be slower than its callers, or that there is no room
    /// for more.
    pub fn is_clogged(&self) -> bool {
        self.is_unread() || !self.has_room()
    }

    fn is_unread(&self) -> bool {
        self.conn.get().is_some_and(|conn| conn.unwritten_len() > self.core.config.unwritten_limit_len)
    }

    /// Whether the budget has room for what the provider does not read.
    pub fn has_room(&self) -> bool {
        self.conn.get().is_none_or(|conn| conn.has_room())
    }

    pub fn is_open(&self) -> bool {
        !self.ended.get() && self.conn.get().is_some_and(|conn| conn.is_open())
    }

    pub fn in_flight(&self) -> u32 {
        self.in_flight.get()
    }

    pub fn readonly_since(&self) -> Option<Instant> {
        self.readonly_since.get()
    }

    /// When the provider was last heard.
    pub fn last_heard(&self) -> Option<Instant> {
        self.conn.get().map(|conn| conn.last_read())
    }

    /// Appends a frame; says where it ends in the stream and how long it is, `None` if the connection has ended.
    ///
    /// # Errors
    /// What `write` says; nothing was appended then.
    pub fn append<E>(&self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<Option<(u64, u32)>, E> {
        let Some(conn) = self.conn.get().filter(|conn| conn.is_open()) else { return Ok(None) };
        let mut result = Ok(());
        let mut len = 0;
        conn.append_with(|out| {
            let start = out.len();
            result = write(out);
            if result.is_err() {
                out.truncate(start);
            }
            len = out.len() - start;
        });
        result?;
        self.appended.set(self.appended.get() + len as u64);
        Ok(Some((self.appended.get(), u32::try_from(len).unwrap_or(u32::MAX))))
    }

    /// Something of our own, asked for or not. Nobody counts these, so that a provider that asks and does not read is left; and
    /// where there is no room it is not told.
    fn append_own(&self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.is_unread() {
            return self.close("the provider asks without end and does not read what it is told");
        }
        if !self.has_room() {
            return;
        }
        let _ = self.append(|out| {
            write(out);
            Ok::<(), std::convert::Infallible>(())
        });
    }

    pub fn began_one(&self) {
        self.in_flight.set(self.in_flight.get() + 1);
    }

    /// Nobody waits any more for the answer to a call of this channel, which says nothing of its provider.
    pub fn given_up(&self, probe: Option<Probe>) {
        self.ended_one_with(|provider| provider.given_up(probe));
    }

    /// A call of this channel has no answer at its deadline.
    pub fn unanswered(&self, Pending { since, probe, .. }: &Pending) {
        let is_silent = self.last_heard().is_some_and(|heard| heard <= *since) && since.elapsed() >= ejection::SILENCE;
        self.ended_one_with(|provider| {
            if is_silent {
                provider.failed(*probe, "nothing was heard of it until a call's deadline");
            }
        });
    }

    fn ended_one_with(&self, tell: impl FnOnce(&Provider)) {
        self.in_flight.set(self.in_flight.get().saturating_sub(1));
        if let Some(provider) = self.provider.upgrade() {
            provider.ended_one();
            tell(&provider);
        }
        self.close_if_drained();
    }

    /// No new calls; closes with the last answer. One-way calls have none: what of them is not written yet has the time of a
    /// heartbeat.
    pub fn drain(&self) {
        self.draining.set(true);
        self.turned.notify_waiters();
        self.close_if_drained();
    }

    fn close_if_drained(&self) {
        if let (true, 0, Some(conn)) = (self.draining.get(), self.in_flight.get(), self.conn.get()) {
            conn.finish(Close::Ours("nothing left in flight".to_owned()), self.core.config.heartbeat);
        }
    }

    pub fn close(&self, why: &str) {
        if let Some(conn) = self.conn.get() {
            conn.close(Close::Ours(why.to_owned()));
        }
    }

    /// Sends a heartbeat after each interval of silence and ends the connection after three, but not before two were left
    /// unanswered: where this process stood still, the answers may be there already.
    pub fn keep_alive(&self, now: Instant) {
        let Some(heard) = self.last_heard() else { return };
        let patience = Patience::with(&self.core.budget);
        let begun = self.begun.get().zip(self.conn.get());
        if let Some(why) = begun.and_then(|(begun, conn)| begun.trouble(conn, now, patience)) {
            return self.close(&format!("a frame comes too slowly to wait for it: {why}"));
        }
        let interval = self.core.config.heartbeat;
        let silence = now.saturating_duration_since(heard);
        let (last, unanswered) = self.last_heartbeat.get().filter(|(at, _)| *at >= heard).unwrap_or((heard, 0));
        if silence >= interval * 3 && unanswered >= 2 {
            return self.close(&format!("heard nothing for {silence:.1?}"));
        }
        if silence >= interval && now.saturating_duration_since(last) >= interval {
            self.last_heartbeat.set(Some((now, unanswered + 1)));
            // Below zero, where no call's id can be.
            let id = -(unanswered + 1);
            self.core.counts.heartbeats.add(1);
            self.append_own(|out| frame::put_heartbeat_request(out, id, Codec::Hessian2));
        }
    }

    /// Its provider counts it in from now on.
    pub fn began(&self) {
        self.up.set(true);
    }

    /// Resolves when another connection has to take its place: it has ended, or ends with its last answer.
    pub async fn until_left(&self) {
        while !self.ended.get() && !self.draining.get() {
            self.turned.notified().await;
        }
    }

    /// Resolves when the TLS handshake is done, or the connection has ended.
    pub async fn until_secured(&self) {
        while !self.secured.get() && !self.ended.get() {
            self.turned.notified().await;
        }
    }

    /// Why the connection has ended, if it has.
    pub fn why_ended(&self) -> Option<String> {
        self.ended.get().then(|| self.why_ended.borrow().clone())
    }

    fn frame(&self, conn: &Conn, header: &Header, frame: &[u8]) {
        match header.kind() {
            FrameKind::Reply => self.reply(conn, header, frame),
            FrameKind::EventReply => {}
            FrameKind::EventOneWay => self.event(header, frame),
            FrameKind::EventCall => {
                self.event(header, frame);
                self.append_own(|out| frame::put_heartbeat_reply(out, header));
            }
            FrameKind::OneWay => self.core.counts.reverse_calls.add(1),
            FrameKind::Call => {
                self.core.counts.reverse_calls.add(1);
                self.append_own(|out| reply::put_error(out, header.id, Status::BAD_REQUEST, NO_CALLBACKS));
            }
        }
    }

    fn reply(&self, conn: &Conn, header: &Header, frame: &[u8]) {
        let counts = &self.core.counts;
        counts.bytes_in.add(frame.len() as u64);
        let pending = self.core.calls.borrow_mut().answered(header.id, self);
        let Some(Pending { token, since, probe, .. }) = pending else { return counts.unknown_answers.add(1) };
        counts.answered.add(1);
        self.ended_one_with(|provider| match ejection::is_failure(header.status()) {
            true => provider.failed(probe, &format!("answered with {}", header.status())),
            false => provider.answered(),
        });
        if let Some(answers) = self.core.answers() {
            let took = conn.last_read().saturating_duration_since(since);
            answers.answer(token, Answer { header, frame, took });
        }
    }

    fn event(&self, header: &Header, frame: &[u8]) {
        let body = frame.get(HEADER_LEN..).unwrap_or_default();
        match header.event(body) {
            Event::Readonly if self.readonly_since.get().is_none() => {
                self.readonly_since.set(Some(Instant::now()));
                self.tell_provider();
            }
            Event::Writable if self.readonly_since.take().is_some() => self.tell_provider(),
            Event::Readonly | Event::Writable | Event::Heartbeat | Event::Other => {}
        }
    }

    fn tell_provider(&self) {
        if let Some(provider) = self.provider.upgrade() {
            provider.channels_changed("the provider said that it takes no new calls");
        }
    }

    /// What to do with a frame that is not all there: gather it, or skip it as it comes.
    fn may_gather(&self, header: &Header) -> bool {
        let frame_len = header.frame_len();
        if frame_len <= UNCHARGED_LEN || self.room.borrow().is_some() {
            return true;
        }
        if header.kind() == FrameKind::Reply && self.core.calls.borrow().key_on(header.id, self).is_none() {
            self.core.counts.unknown_answers.add(1);
            return false;
        }
        match self.core.budget.take_unfinished(frame_len) {
            Some(permit) => {
                *self.room.borrow_mut() = Some(permit);
                true
            }
            None => {
                self.refuse(header, Lost::NoRoom { found_len: frame_len });
                false
            }
        }
    }

    /// Ends the call whose answer is not going to be held.
    fn refuse(&self, header: &Header, lost: Lost) {
        self.core.counts.answers_skipped.add(1);
        if header.kind() != FrameKind::Reply {
            return;
        }
        let pending = self.core.calls.borrow_mut().answered(header.id, self);
        if let Some(pending) = pending {
            self.ended_one_with(Provider::answered);
            self.core.lost(pending.token, lost);
        }
    }

    /// Takes as much of a refused frame as is there.
    fn skip(&self, there: &[u8]) -> usize {
        let skipped = self.skip_len.get().min(there.len());
        self.skip_len.set(self.skip_len.get() - skipped);
        skipped
    }
}

impl Session for Channel {
    fn received(&self, conn: &Rc<Conn>, bytes: &[u8]) -> Result<Taken, Close> {
        let limit_len = self.core.config.frame_limit_len;
        let mut used = self.skip(bytes);
        if self.skip_len.get() > 0 {
            return Ok(Taken { used, need: 0 });
        }
        self.begun.take();
        let begins = || self.begun.set(Some(Begun::on(conn, conn.last_read())));
        loop {
            let rest = &bytes[used..];
            let header = Header::decode(rest).map_err(|error| Close::Ours(error.to_string()))?;
            let Some(header) = header else { return Ok(Taken { used, need: 0 }) };
            let found_len = header.frame_len();
            let too_long = found_len > limit_len;
            if too_long {
                self.refuse(&header, Lost::TooLong { found_len, limit_len });
            }
            if found_len > limit_len.max(BEYOND_REASON_LEN) {
                let why = format!(
                    "a frame says that its body has {} bytes, more than anybody sends on purpose",
                    header.body_len
                );
                return Err(Close::Ours(why));
            }
            match rest.get(..found_len) {
                Some(frame) if !too_long => {
                    self.frame(conn, &header, frame);
                    self.room.take();
                    used += found_len;
                }
                None if !too_long && self.may_gather(&header) => {
                    begins();
                    return Ok(Taken { used, need: found_len });
                }
                _ => {
                    self.skip_len.set(found_len);
                    used += self.skip(rest);
                    if self.skip_len.get() > 0 {
                        begins();
                    }
                }
            }
        }
    }

    fn secured(&self, _: &Rc<Conn>) {
        self.secured.set(true);
        self.turned.notify_waiters();
    }

    fn closed(&self, conn: &Rc<Conn>, why: &Close) {
        self.ended.set(true);
        self.room.take();
        let why = why.to_string();
        self.why_ended.replace(why.clone());
        if self.up.get() {
            self.core.counts.disconnected.add(1);
        }
        if let Some(provider) = self.provider.upgrade().filter(|_| self.up.get()) {
            provider.channel_ended(self, &why);
        }
        self.turned.notify_waiters();
        let unwritten = conn.take_unwritten();
        let written = self.appended.get() - unwritten.len() as u64;
        let lost = self.core.calls.borrow_mut().of_channel(self);
        if let (false, Some(provider)) = (lost.is_empty(), self.provider.upgrade()) {
            let probe = lost.iter().filter_map(|pending| pending.probe).max();
            match self.draining.get() {
                true => provider.given_up(probe),
                false => provider.failed(probe, &format!("a connection with calls on it ended: {why}")),
            }
        }
        for pending in lost {
            let Place::Sent { end, len, .. } = pending.place else { continue };
            if let Some(provider) = self.provider.upgrade() {
                provider.ended_one();
            }
            self.core.lost(pending.token, self.how_far(end, len, written, &unwritten, &why));
        }
    }

    /// A provider that writes while we do must never wait for us.
    fn may_pause(&self) -> bool {
        false
    }
}

impl Channel {
    /// What became of a frame of `len` bytes up to `end`, of a stream of which `written` bytes went out.
    fn how_far(&self, end: u64, len: u32, written: u64, unwritten: &[u8], why: &str) -> Lost {
        if end <= written {
            self.core.counts.lost_unknown.add(1);
            return Lost::Unknown { why: why.to_owned() };
        }
        self.core.counts.lost_unsent.add(1);
        let frame = (end - u64::from(len)).checked_sub(written).and_then(|start| {
            let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end - written).ok()?);
            Some(unwritten.get(start..end)?.to_vec())
        });
        Lost::NotSent { why: why.to_owned(), frame }
    }
}
