//! Calls that wait in the pool for a connection of a provider of this island: they follow what changes meanwhile, as all that wait do.
//!
//! ```text
//!  handed over ┬ written ─▶ nothing is kept for this
//!              └ queued, its frame is kept ┬ another generation, or its provider is connected: the same ways ─▶ it keeps its place
//!                                          │                                   └ other ways, or refused ─▶ out of the pool, anew.rs
//!                                          └ its provider is connected ─▶ written
//! ```
//!
//! The pool tells before it writes what waited, so that nothing goes out by a decision of before. What is written is never taken back.

use client::CallKey;
use shard::Key;

use crate::core::{By, Core};
use crate::forward::{Held, Place};
use crate::held::Charge;
use crate::knowledge::Knowledge;

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

    /// Takes those out of the pool, unsent, that would go other ways by what is known now or be refused, and hands them to the chain.
    pub fn decide_queued_anew(&self, knowledge: &Knowledge) {
        if self.queued.borrow().is_empty() {
            return;
        }
        let mut stay = Vec::new();
        for key in self.queued.take() {
            let Some(call) = self.in_pool(key) else { continue };
            if self.leads_elsewhere(key, knowledge) {
                self.local.cancel(call);
                self.update(key, |carried| carried.place = Place::Waiting);
                self.handle_anew(key);
            } else {
                stay.push(key);
            }
        }
        // Those that were decided anew may wait there again, behind.
        stay.append(&mut self.queued.borrow_mut());
        self.queued.replace(stay);
    }

    /// Forgets those that have been sent or have ended, once they are many.
    pub fn forget_sent(&self) {
        let mut queued = self.queued.borrow_mut();
        if queued.len() > 2 * self.calls.len() + 64 {
            queued.retain(|key| self.in_pool(*key).is_some());
        }
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
