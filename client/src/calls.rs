//! The calls that wait for an answer: a slab whose keys are the ids on the wire, and one wheel with their deadlines.
//!
//! ```text
//!  waiting for a connection ──connected──▶ sent on a channel ──answer──▶ gone
//!            │                                   │
//!            └──── patience over, refused        └──── deadline, connection lost, cancelled ──▶ gone
//! ```
//!
//! It tells nobody anything: whoever takes a call out says how it ended.

use std::rc::Rc;
use std::time::Instant;

use shard::{Key, Slots, Wheel};

use crate::channel::Channel;
use crate::ejection::Probe;
use crate::provider::Provider;

/// Whether anything is heard of a call once it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// It gets an answer.
    TwoWay,
    /// It gets none.
    OneWay,
}

/// Names a call of one pool, to cancel it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallKey(pub(crate) Key);

/// A call without an answer so far.
pub(crate) struct Pending {
    /// What the caller knows it by.
    pub token: u64,
    /// When it was appended to the channel, or began to wait.
    pub since: Instant,
    /// Until when it may stay where it is.
    pub deadline: Instant,
    pub place: Place,
    /// Whether it is to show that its provider is well again.
    pub probe: Option<Probe>,
}

impl Pending {
    /// Whether all but the last tenth of its time is over at `now`. Whoever gives a call up then does so because of its time, which ends
    /// there a moment earlier or later than here.
    pub fn is_all_but_over(&self, now: Instant) -> bool {
        now + self.deadline.saturating_duration_since(self.since) / 10 >= self.deadline
    }
}

pub(crate) enum Place {
    /// It waits in the queue of this provider.
    Waiting(Rc<Provider>),
    /// It stands in the stream of this channel, its last byte before `end`.
    Sent { channel: Rc<Channel>, end: u64, len: u32 },
}

/// All pending calls of a pool.
pub(crate) struct Calls {
    slots: Slots<Pending>,
    wheel: Wheel,
    due: Vec<usize>,
}

impl Calls {
    pub fn new(limit: usize) -> Self {
        Self { slots: Slots::new(limit), wheel: Wheel::new(Instant::now()), due: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn has_deadlines(&self) -> bool {
        !self.wheel.is_empty()
    }

    /// `None` at the limit.
    pub fn insert(&mut self, pending: Pending) -> Option<Key> {
        let deadline = pending.deadline;
        let key = self.slots.insert(pending).ok()?;
        self.wheel.set(key.slot(), deadline);
        Some(key)
    }

    /// What the caller knows a call by; `None` if it is gone.
    pub fn token(&self, key: Key) -> Option<u64> {
        self.slots.get(key).map(|pending| pending.token)
    }

    /// Whether a call waits for a connection.
    pub fn is_waiting(&self, key: Key) -> bool {
        self.slots.get(key).is_some_and(|pending| matches!(pending.place, Place::Waiting(_)))
    }

    /// Moves a call from one place to the next, with another deadline; `false` if it is gone.
    pub fn place(&mut self, key: Key, since: Instant, place: Place, deadline: Instant) -> bool {
        let Some(pending) = self.slots.get_mut(key) else { return false };
        (pending.since, pending.deadline, pending.place) = (since, deadline, place);
        self.wheel.set(key.slot(), deadline);
        true
    }

    /// Notes where a call ended in its channel's stream, and whether it is a probe.
    pub fn written(&mut self, key: Key, end_at: u64, frame_len: u32, of: Option<Probe>) {
        if let Some(Pending { place: Place::Sent { end, len, .. }, probe, .. }) = self.slots.get_mut(key) {
            *end = end_at;
            *len = frame_len;
            *probe = of;
        }
    }

    pub fn remove(&mut self, key: Key) -> Option<Pending> {
        let pending = self.slots.remove(key)?;
        self.wheel.clear(key.slot());
        Some(pending)
    }

    /// The call that this id names on this channel: an answer on another connection than the call's is nobody's.
    pub fn answered(&mut self, id: i64, channel: &Channel) -> Option<Pending> {
        let key = self.key_on(id, channel)?;
        self.remove(key)
    }

    pub fn key_on(&self, id: i64, channel: &Channel) -> Option<Key> {
        let key = Key::from_number(u64::try_from(id).ok()?);
        match &self.slots.get(key)?.place {
            Place::Sent { channel: own, .. } if std::ptr::eq(&**own, channel) => Some(key),
            _ => None,
        }
    }

    /// Takes out what is overdue at `now`.
    pub fn overdue(&mut self, now: Instant) -> Vec<(Key, Pending)> {
        let mut due = std::mem::take(&mut self.due);
        self.wheel.expire(now, &mut due);
        let keys: Vec<Key> = due.drain(..).filter_map(|slot| self.slots.at(slot)).map(|(key, _)| key).collect();
        self.due = due;
        keys.into_iter().filter_map(|key| Some((key, self.slots.remove(key)?))).collect()
    }

    /// Takes out every call of a channel that has ended, in the order they were sent.
    pub fn of_channel(&mut self, channel: &Channel) -> Vec<Pending> {
        let on_it = |pending: &Pending| match &pending.place {
            Place::Sent { channel: own, end, .. } if std::ptr::eq(&**own, channel) => Some(*end),
            _ => None,
        };
        let mut keys: Vec<(u64, Key)> =
            self.slots.iter().filter_map(|(key, pending)| Some((on_it(pending)?, key))).collect();
        keys.sort_unstable();
        keys.into_iter().filter_map(|(_, key)| self.remove(key)).collect()
    }
}
