//! One provider address: its connections, and the calls that wait for one. It connects for as long as it is listed and
//! never drops a call without a word.
//!
//! ```text
//!   listed ─▶ connecting ──▶ up ◀── W ── readonly
//!                ▲   │        │  ── R ──▶
//!                │   └ failed: what waits comes back, not sent
//!                └── pause, with jitter ◀── connection ended: its calls end
//!   unlisted: no new calls; each connection closes with its last answer
//!   another trust: the same of every connection with TLS, while another is made
//! ```
//!
//! * [`connect`]: connecting, again and again.
//! * [`waiting`]: calls that wait for a connection.

mod connect;
mod waiting;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use shard::Key;
use thiserror::Error;
use tokio::sync::Notify;

use self::waiting::Waiting;
use crate::calls::{CallKey, CallKind, Pending, Place};
use crate::channel::Channel;
use crate::core::Core;
use crate::ejection::{Probe, Record, Verdict};
use crate::{Endpoint, ProviderStatus, Security};

/// Until when a call is of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// An answer that comes later is dropped.
    pub deadline: Instant,
    /// A call that is not sent by then is given up, so that the caller hears the reason in time.
    pub patience: Instant,
}

impl Times {
    /// A call that has `left` from `now` on: it may spend three quarters of that waiting for a connection.
    #[must_use]
    pub fn within(now: Instant, left: Duration) -> Self {
        Self { deadline: now + left, patience: now + left / 4 * 3 }
    }
}

/// How a provider stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// At least one connection takes calls.
    Up,
    /// The same, but it failed so often that it is left out for a while.
    Ejected,
    /// No connection, but one is hoped for: calls may wait.
    Connecting,
    /// It said that it takes no new calls.
    Readonly,
    /// No connection for longer than [`crate::PoolConfig::wait`].
    Down,
}

/// Why a call was not sent. Nothing is held of it.
#[derive(Debug, Error)]
pub enum SendError<E> {
    /// The pool's or the provider's limit is reached.
    #[error("{0}")]
    Busy(String),
    /// The provider has no connection and none is hoped for.
    #[error("{0}")]
    Down(String),
    /// The frame could not be written down.
    #[error("{0}")]
    Write(E),
}

/// One provider address of a [`crate::Pool`].
pub struct Provider {
    core: Rc<Core>,
    endpoint: Endpoint,
    channels: RefCell<Vec<Rc<Channel>>>,
    listed: Cell<bool>,
    /// Calls sent and waiting.
    outstanding: Cell<u32>,
    waiting: RefCell<VecDeque<Waiting>>,
    /// Since when there is no usable connection.
    down_since: Cell<Option<Instant>>,
    last_error: RefCell<String>,
    /// Whether its first attempt to connect has ended, well or not.
    attempted: Cell<bool>,
    record: Record,
    unlisted: Notify,
    nudged: Notify,
}

impl Provider {
    pub(crate) fn start(core: &Rc<Core>, endpoint: &Endpoint) -> Rc<Self> {
        let provider = Rc::new(Self {
            core: core.clone(),
            endpoint: endpoint.clone(),
            channels: RefCell::default(),
            listed: Cell::new(true),
            outstanding: Cell::new(0),
            waiting: RefCell::default(),
            down_since: Cell::new(Some(Instant::now())),
            last_error: RefCell::new("no connection was made yet".to_owned()),
            attempted: Cell::new(false),
            record: Record::default(),
            unlisted: Notify::new(),
            nudged: Notify::new(),
        });
        for _ in 0..core.config.connections.max(1) {
            core.shard.run(connect::keep_connected(provider.clone()));
        }
        provider
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Calls it has not answered yet, with those that wait for a connection.
    pub fn outstanding(&self) -> u32 {
        self.outstanding.get()
    }

    /// How it stands.
    pub fn state(&self) -> State {
        let Some(since) = self.down_since.get() else {
            let is_in = self.record.verdict(Instant::now()) == Verdict::In;
            return if is_in { State::Up } else { State::Ejected };
        };
        if self.channels.borrow().iter().any(|channel| channel.readonly_since().is_some()) {
            return State::Readonly;
        }
        if since.elapsed() < self.core.config.wait { State::Connecting } else { State::Down }
    }

    /// Whether a call would be sent at once.
    pub(crate) fn is_usable(&self) -> bool {
        self.down_since.get().is_none()
    }

    /// Whether it is worth a call that could go elsewhere: it has a connection, or its first one is still being made.
    pub(crate) fn is_promising(&self) -> bool {
        self.is_usable() || (self.listed.get() && !self.attempted.get())
    }

    /// Whether a call may wait here.
    pub(crate) fn is_hoped_for(&self) -> bool {
        self.listed.get() && self.down_since.get().is_none_or(|since| since.elapsed() < self.core.config.wait)
    }

    /// Whether its record lets it be chosen.
    pub(crate) fn verdict(&self, now: Instant) -> Verdict {
        self.record.verdict(now)
    }

    /// It has answered a call in a way that tells nothing against it.
    pub(crate) fn answered(&self) {
        if self.record.answered() {
            self.core.ejected.set(self.core.ejected.get().saturating_sub(1));
            self.core.counts.readmitted.add(1);
            tracing::info!(provider = %self.endpoint, "a provider that was left out answers again");
        }
    }

    /// It, or the network to it, has failed a call, which was perhaps a `probe`.
    pub(crate) fn failed(&self, probe: Option<Probe>, why: &str) {
        if !self.listed.get() {
            return;
        }
        let was_in = self.record.verdict(Instant::now()) == Verdict::In;
        let ejection = &self.core.config.ejection;
        let out = self.record.failed(probe, Instant::now(), ejection, |time| self.core.jitter(time));
        let Some(time) = out else { return };
        self.core.ejected.set(self.core.ejected.get() + u32::from(was_in));
        self.core.counts.ejected.add(1);
        let failures = self.record.failures();
        tracing::warn!(provider = %self.endpoint, failures, ?time, why, "a provider is left out for a while where others are there");
    }

    /// A call is given up that was perhaps a `probe`.
    pub(crate) fn given_up(&self, probe: Option<Probe>) {
        self.record.given_up(probe, Instant::now(), &self.core.config.ejection);
    }

    /// What is wrong with it, in words.
    pub fn trouble(&self) -> String {
        format!("{}: {}", self.endpoint, self.last_error.borrow())
    }

    /// Sends a call or lets it wait for a connection. `write` appends the frame and puts the id that it is given into
    /// the header; it is called exactly once if this is no [`SendError::Busy`] or [`SendError::Down`].
    ///
    /// # Errors
    /// [`SendError`]; the call is not held then and [`crate::Answers`] is not told of it.
    pub fn send<E>(
        self: &Rc<Self>,
        token: u64,
        times: Times,
        write: impl FnOnce(i64, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<CallKey, SendError<E>> {
        let Some(channel) = self.channel()? else { return self.wait(CallKind::TwoWay, token, times, write) };
        let core = &*self.core;
        let since = core.now();
        let place = Place::Sent { channel: channel.clone(), end: u64::MAX, len: 0 };
        let key = self.insert(Pending { token, since, deadline: times.deadline, place, probe: None })?;
        match channel.append(|out| write(wire_id(key), out)) {
            Ok(Some((end, len))) => {
                let left = times.deadline.saturating_duration_since(since);
                let probe = self.record.asked(since, left, &core.config.ejection);
                core.counts.probes.add(u64::from(probe.is_some()));
                core.calls.borrow_mut().written(key, end, len, probe);
                core.counts.sent.add(1);
                core.counts.bytes_out.add(u64::from(len));
                channel.began_one();
                self.outstanding.set(self.outstanding.get() + 1);
                core.tick();
                Ok(CallKey(key))
            }
            Ok(None) => {
                core.calls.borrow_mut().remove(key);
                Err(SendError::Down(self.trouble()))
            }
            Err(error) => {
                core.calls.borrow_mut().remove(key);
                Err(SendError::Write(error))
            }
        }
    }

    /// Sends a one-way call: `None`, and nothing is heard of it again. Or lets it wait: [`crate::Answers`] is then told under `token`
    /// whether it was passed on or lost.
    ///
    /// # Errors
    /// As [`Provider::send`].
    pub fn send_one_way<E>(
        self: &Rc<Self>,
        token: u64,
        times: Times,
        write: impl FnOnce(i64, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<Option<CallKey>, SendError<E>> {
        let Some(channel) = self.channel()? else {
            return self.wait(CallKind::OneWay, token, times, write).map(Some);
        };
        match channel.append(|out| write(0, out)) {
            Ok(Some((_, len))) => {
                self.core.counts.sent.add(1);
                self.core.counts.bytes_out.add(u64::from(len));
                Ok(None)
            }
            Ok(None) => Err(SendError::Down(self.trouble())),
            Err(error) => Err(SendError::Write(error)),
        }
    }

    /// The usable connection with the fewest calls, `None` if the call has to wait.
    fn channel<E>(&self) -> Result<Option<Rc<Channel>>, SendError<E>> {
        let channels = self.channels.borrow();
        let usable = channels.iter().filter(|channel| channel.is_usable());
        let Some(channel) = usable.min_by_key(|channel| (channel.is_clogged(), channel.in_flight())) else {
            return if self.is_hoped_for() { Ok(None) } else { Err(SendError::Down(self.trouble())) };
        };
        if !channel.has_room() {
            let endpoint = &self.endpoint;
            return Err(SendError::Busy(format!(
                "no room to hold more for {endpoint}, which does not read what it was sent"
            )));
        }
        if channel.is_clogged() {
            return Err(SendError::Busy(format!(
                "{} reads slower than it is written to: over {} bytes wait",
                self.endpoint, self.core.config.unwritten_limit_len
            )));
        }
        Ok(Some(channel.clone()))
    }

    fn insert<E>(&self, pending: Pending) -> Result<Key, SendError<E>> {
        self.core.calls.borrow_mut().insert(pending).ok_or_else(|| {
            SendError::Busy(format!("{} calls to providers are pending already", self.core.config.pending_limit))
        })
    }

    /// A call of this provider has ended, however.
    pub(crate) fn ended_one(&self) {
        self.outstanding.set(self.outstanding.get().saturating_sub(1));
    }

    /// A connection became usable or stopped being so.
    pub(crate) fn channels_changed(&self, why: &str) {
        let usable = self.channels.borrow().iter().any(|channel| channel.is_usable());
        match (usable, self.down_since.get()) {
            (true, down) => {
                self.down_since.set(None);
                self.core.came_up.set(self.core.came_up.get() + u64::from(down.is_some()));
                self.send_waiting();
            }
            (false, None) => {
                self.down_since.set(Some(Instant::now()));
                *self.last_error.borrow_mut() = why.to_owned();
            }
            (false, Some(_)) => *self.last_error.borrow_mut() = why.to_owned(),
        }
    }

    pub(crate) fn channel_ended(&self, ended: &Channel, why: &str) {
        tracing::debug!(provider = %self.endpoint, why, "a provider's connection ended");
        self.channels.borrow_mut().retain(|channel| !std::ptr::eq(&**channel, ended));
        self.channels_changed(why);
    }

    /// Whom to trust has changed: where it matters, connections of before get no new calls.
    pub(crate) fn trust_changed(&self) {
        if self.endpoint.security == Security::Plain {
            return;
        }
        let channels = self.channels.borrow().clone();
        channels.iter().for_each(|channel| channel.drain());
        self.channels_changed("whom to trust has changed since it was connected");
    }

    /// The registry does not list it any more, or the pool ends.
    pub(crate) fn unlist(&self) {
        self.listed.set(false);
        if self.record.forget() {
            self.core.ejected.set(self.core.ejected.get().saturating_sub(1));
        }
        self.unlisted.notify_waiters();
        let channels = self.channels.borrow().clone();
        channels.iter().for_each(|channel| channel.drain());
        self.down_since.set(self.down_since.get().or_else(|| Some(Instant::now())));
        *self.last_error.borrow_mut() = "it is not listed any more".to_owned();
        self.refuse_waiting();
    }

    /// Closes every connection now; their calls are lost.
    pub(crate) fn close(&self, why: &str) {
        let channels = self.channels.borrow().clone();
        channels.iter().for_each(|channel| channel.close(why));
    }

    /// Heartbeats, and an end to connections that have said `R` for too long without closing.
    pub(crate) fn keep_alive(&self, now: Instant) {
        let channels = self.channels.borrow().clone();
        for channel in channels {
            let heartbeat = self.core.config.heartbeat;
            let stuck = |since: Instant| channel.in_flight() == 0 && now.saturating_duration_since(since) >= heartbeat;
            if channel.readonly_since().is_some_and(stuck) {
                channel.close("it takes no new calls and does not close either");
            } else {
                channel.keep_alive(now);
            }
        }
    }

    pub(crate) fn status(&self) -> ProviderStatus {
        let channels = self.channels.borrow();
        ProviderStatus {
            address: self.endpoint.to_string(),
            state: self.state(),
            connections: channels.iter().filter(|channel| channel.is_open()).count(),
            outstanding: self.outstanding.get(),
            waiting: self.waiting.borrow().len(),
            failures: self.record.failures(),
            ejected_for_seconds: self.record.out_for(Instant::now()).map(|time| time.as_secs()),
            trouble: self.down_since.get().map(|_| self.last_error.borrow().clone()),
        }
    }
}

/// The id on the wire: positive, never 0.
fn wire_id(key: Key) -> i64 {
    i64::try_from(key.number()).unwrap_or(i64::MAX)
}
