//! Calls that wait in the pool for a connection of a provider of this island: they follow what changes meanwhile, as all that wait do.
//!
//! ```text
//!  handed over ┬ written ─▶ nothing is kept for this
//!              └ queued, its frame is kept ┬ another generation, or its provider is connected: the same ways ─▶ it keeps its place
//!                                          │                                   └ else ─▶ out of the pool, as one that came back (again.rs)
//!                                          └ its provider is connected ─▶ written
//! ```
//!
//! The pool tells before it writes what waited, so that nothing goes out by a decision of before. What is written is never taken back.

use client::CallKey;
use shard::Key;

use crate::anew::Stands;
use crate::core::{By, Core};
use crate::forward::{Held, Place};
use crate::held::Charge;
use crate::knowledge::Knowledge;
use crate::local_call::not_reached;

/// Whether a call waits in the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stays {
    InPool,
    Elsewhere,
}

impl Core {
    /// Keeps the frame of a call that waits in the pool, however long it is: the pool has it only as its provider gets it.
    pub fn keep(&self, key: Key, frame: &[u8], charge: Option<Charge>) {
        self.update(key, |carried| {
            if carried.held.is_none() {
                let mut bytes = self.shard.buffer();
                bytes.extend_from_slice(frame);
                carried.held = Some(Held { bytes, head_len: 0, head_of: None, stamp: self.stamp(), _charge: charge });
            }
        });
    }

    /// Looks at all that wait there: some provider is connected and gets what waited for it.
    pub fn look_at_all_queued(&self, knowledge: &Knowledge) {
        let mut all = self.queued.take();
        all.retain(|key| self.look_at_queued(*key, knowledge) == Stays::InPool);
        // Those that were decided anew may wait there again, behind.
        all.append(&mut self.queued.borrow_mut());
        self.queued.replace(all);
    }

    /// Takes a call out of the pool, unsent, that does not go the same ways by what is known now: it is as one that came back.
    pub fn look_at_queued(&self, key: Key, knowledge: &Knowledge) -> Stays {
        let Some(call) = self.in_pool(key) else { return Stays::Elsewhere };
        if self.stands(key, knowledge) == Stands::AsDecided {
            return Stays::InPool;
        }
        self.local.cancel(call);
        let course = self.update(key, |carried| {
            carried.place = Place::Waiting;
            carried.course.clone()
        });
        if let Some(course) = course {
            self.failed_by(knowledge, key, not_reached(course.label()));
        }
        Stays::Elsewhere
    }

    /// Forgets those that have been sent or have ended.
    pub fn forget_sent(&self) {
        self.queued.borrow_mut().retain(|key| self.in_pool(*key).is_some());
    }

    /// What the pool knows a call by that waits there.
    fn in_pool(&self, key: Key) -> Option<CallKey> {
        self.calls.with(key, |call| match &call.by {
            By::Routing(carried) => match (carried.place, &carried.locally.asked) {
                (Place::AtProvider(call), Some(provider)) => provider.is_waiting(call).then_some(call),
                _ => None,
            },
            By::Handler(_) => None,
        })?
    }
}

#[cfg(test)]
#[path = "queued_tests.rs"]
mod tests;
