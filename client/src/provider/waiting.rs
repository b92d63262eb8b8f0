//! Calls that wait for a connection of their provider: sent when there is one, given back when their patience or the hope is over.
//!
//! Each takes room of the budget. They go out in the order they came, and none is dropped without a word.

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Instant;

use shard::{Key, Permit};

use super::{Provider, SendError, Times, wire_id};
use crate::Lost;
use crate::calls::{CallKey, CallKind, Pending, Place};
use crate::channel::Channel;
use crate::edit::append_waited;

/// A call that waits.
pub(super) struct Waiting {
    key: Key,
    kind: CallKind,
    frame: Vec<u8>,
    deadline: Instant,
    _room: Permit,
}

impl Provider {
    pub(super) fn wait<E>(
        self: &Rc<Self>,
        kind: CallKind,
        token: u64,
        times: Times,
        write: impl FnOnce(i64, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<CallKey, SendError<E>> {
        let now = self.core.now();
        let until = times.patience.min(now + self.core.config.wait);
        let key = self.insert(Pending {
            token,
            since: now,
            deadline: until,
            place: Place::Waiting(self.clone()),
            probe: None,
        })?;
        let id = if kind == CallKind::TwoWay { wire_id(key) } else { 0 };
        let queued = self.queue(key, kind, times.deadline, |out| write(id, out));
        if let Err(error) = queued {
            self.core.calls.borrow_mut().remove(key);
            return Err(error);
        }
        self.outstanding.set(self.outstanding.get() + 1);
        self.core.tick();
        Ok(CallKey(key))
    }

    fn queue<E>(
        &self,
        key: Key,
        kind: CallKind,
        deadline: Instant,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), SendError<E>> {
        let limit = self.core.config.waiting_limit;
        if self.waiting.borrow().len() >= limit {
            return Err(SendError::Busy(format!("{limit} calls wait for a connection to {} already", self.trouble())));
        }
        let mut frame = Vec::new();
        write(&mut frame).map_err(SendError::Write)?;
        let room = self.core.budget.take_unfinished(frame.len()).ok_or_else(|| {
            SendError::Busy(format!("no room to hold {} bytes until {} is connected", frame.len(), self.trouble()))
        })?;
        self.core.counts.waited.add(1);
        self.waiting.borrow_mut().push_back(Waiting { key, kind, frame, deadline, _room: room });
        self.nudged.notify_waiters();
        Ok(())
    }

    /// A call has waited long enough; it is out of the slab already.
    pub(crate) fn patience_over(&self, key: Key, token: u64) {
        self.ended_one();
        let frame = self.take_waiting(key).map(|waiting| waiting.frame);
        self.core.counts.lost_unsent.add(1);
        self.core.lost(token, Lost::NotSent { why: self.trouble(), frame });
    }

    /// A waiting call is not wanted any more; it is out of the slab already.
    pub(crate) fn cancelled(&self, key: Key) {
        self.ended_one();
        drop(self.take_waiting(key));
    }

    /// Those that began to wait first, which are mostly meant, are found first.
    fn take_waiting(&self, key: Key) -> Option<Waiting> {
        let mut waiting = self.waiting.borrow_mut();
        let place = waiting.iter().position(|waiting| waiting.key == key)?;
        waiting.remove(place)
    }

    /// Whether nothing of a call was written, and it waits for a connection.
    pub fn is_waiting(&self, call: CallKey) -> bool {
        !self.waiting.borrow().is_empty() && self.core.calls.borrow().is_waiting(call.0)
    }

    pub(super) fn send_waiting(&self) {
        if self.waiting.borrow().is_empty() {
            return;
        }
        self.core.waiting_go();
        let now = Instant::now();
        for waiting in self.waiting.take() {
            match self.channel::<Infallible>() {
                Ok(Some(channel)) => self.send_waited(&channel, waiting, now),
                Ok(None) => self.refuse(waiting, &self.trouble()),
                Err(error) => self.refuse(waiting, &error.to_string()),
            }
        }
    }

    fn send_waited(&self, channel: &Rc<Channel>, waiting: Waiting, now: Instant) {
        let token = self.core.calls.borrow().token(waiting.key);
        // Cancelled while others of the queue were told how they ended.
        let Some(token) = token else { return };
        let left = waiting.deadline.saturating_duration_since(now);
        let sent = channel.append(|out| {
            append_waited(&waiting.frame, left, out);
            Ok::<(), Infallible>(())
        });
        let Ok(Some((end, len))) = sent else { return self.refuse(waiting, &self.trouble()) };
        self.core.counts.sent.add(1);
        self.core.counts.bytes_out.add(u64::from(len));
        if waiting.kind == CallKind::OneWay {
            self.core.calls.borrow_mut().remove(waiting.key);
            self.ended_one();
            return self.core.passed_on(token);
        }
        let place = Place::Sent { channel: channel.clone(), end, len };
        if self.core.calls.borrow_mut().place(waiting.key, now, place, waiting.deadline) {
            channel.began_one();
        }
    }

    /// Gives a call that waited back to its caller, who may know another provider.
    fn refuse(&self, waiting: Waiting, why: &str) {
        let pending = self.core.calls.borrow_mut().remove(waiting.key);
        if let Some(pending) = pending {
            self.ended_one();
            self.core.counts.lost_unsent.add(1);
            self.core.lost(pending.token, Lost::NotSent { why: why.to_owned(), frame: Some(waiting.frame) });
        }
    }

    /// Gives everything that waits back.
    pub(super) fn refuse_waiting(&self) {
        for waiting in self.waiting.take() {
            self.refuse(waiting, &self.trouble());
        }
    }
}
