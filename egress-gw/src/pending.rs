//! The calls of one shard that wait for an answer: a slab whose keys are never reused, a wheel of their deadlines, and
//! for each consumer connection the chain of its own calls.
//!
//! ```text
//!  Slots<Pending>   key ─▶ Pending { whose, answer form, deadline, where it is, previous ⇄ next of the same consumer }
//! ```
//!
//! Ids of consumers never look anything up here: two calls with equal ids on one connection are two entries. Taking a
//! call out takes it out of all three, so that it is answered at most once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use shard::{Key, Slots, Wheel};

/// The calls of one consumer connection, as a chain through the slab.
#[derive(Debug, Default)]
pub struct Chain {
    first: Cell<Option<Key>>,
    len: Cell<usize>,
}

impl Chain {
    /// How many calls wait.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.len.get()
    }
}

#[derive(Debug)]
struct Entry<C> {
    call: C,
    chain: Rc<Chain>,
    previous: Option<Key>,
    next: Option<Key>,
}

/// Calls that wait for an answer.
#[derive(Debug)]
pub struct PendingCalls<C> {
    slots: RefCell<Slots<Entry<C>>>,
    wheel: RefCell<Wheel>,
}

impl<C> PendingCalls<C> {
    /// Room for `limit` calls at once.
    #[must_use]
    pub fn new(limit: usize, now: Instant) -> Self {
        Self { slots: RefCell::new(Slots::new(limit)), wheel: RefCell::new(Wheel::new(now)) }
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.borrow().len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.borrow().is_empty()
    }

    /// Puts a call in.
    ///
    /// # Errors
    /// The call, when the slab is full.
    pub fn insert(&self, call: C, chain: &Rc<Chain>, deadline: Instant) -> Result<Key, C> {
        let mut slots = self.slots.borrow_mut();
        let next = chain.first.get();
        let key = slots.insert(Entry { call, chain: chain.clone(), previous: None, next }).map_err(|full| full.call)?;
        if let Some(neighbour) = next.and_then(|next| slots.get_mut(next)) {
            neighbour.previous = Some(key);
        }
        chain.first.set(Some(key));
        chain.len.set(chain.len.get() + 1);
        self.wheel.borrow_mut().set(key.slot(), deadline);
        Ok(key)
    }

    /// Takes a call out; `None` when it was answered before.
    pub fn remove(&self, key: Key) -> Option<C> {
        self.take(key).map(|(call, _)| call)
    }

    /// The same, with the chain that it was on.
    pub fn take(&self, key: Key) -> Option<(C, Rc<Chain>)> {
        let mut slots = self.slots.borrow_mut();
        let Entry { call, chain, previous, next } = slots.remove(key)?;
        match previous.and_then(|previous| slots.get_mut(previous)) {
            Some(neighbour) => neighbour.next = next,
            None => chain.first.set(next),
        }
        if let Some(neighbour) = next.and_then(|next| slots.get_mut(next)) {
            neighbour.previous = previous;
        }
        chain.len.set(chain.len.get() - 1);
        self.wheel.borrow_mut().clear(key.slot());
        Some((call, chain))
    }

    /// Moves the deadline of a call that is in.
    pub fn set_deadline(&self, key: Key, deadline: Instant) {
        if self.slots.borrow().get(key).is_some() {
            self.wheel.borrow_mut().set(key.slot(), deadline);
        }
    }

    /// Looks at a call without taking it out. `look` must not call back into this slab.
    pub fn with<R>(&self, key: Key, look: impl FnOnce(&mut C) -> R) -> Option<R> {
        self.slots.borrow_mut().get_mut(key).map(|entry| look(&mut entry.call))
    }

    /// The calls of `chain` that wait, the last one first.
    #[must_use]
    pub fn of(&self, chain: &Chain) -> Vec<Key> {
        let slots = self.slots.borrow();
        std::iter::successors(chain.first.get(), |key| slots.get(*key)?.next).collect()
    }

    /// Pushes the keys of the calls whose deadline has passed at `now` to `due`; they are still in.
    pub fn due(&self, now: Instant, due: &mut Vec<Key>) {
        let mut slots = Vec::new();
        self.wheel.borrow_mut().expire(now, &mut slots);
        let calls = self.slots.borrow();
        due.extend(slots.into_iter().filter_map(|slot| calls.at(slot).map(|(key, _)| key)));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn setup() -> (PendingCalls<&'static str>, Rc<Chain>, Instant) {
        let now = Instant::now();
        (PendingCalls::new(8, now), Rc::new(Chain::default()), now)
    }

    #[test]
    fn a_call_is_taken_out_once() {
        let (calls, chain, now) = setup();
        let key = calls.insert("a", &chain, now + Duration::from_secs(1)).unwrap();
        assert_eq!(calls.remove(key), Some("a"));
        assert_eq!(calls.remove(key), None);
        assert!(chain.calls() == 0 && calls.is_empty());
    }

    #[test]
    fn the_calls_of_one_consumer_can_be_walked_whatever_was_taken_out() {
        let (calls, chain, now) = setup();
        let other = Rc::new(Chain::default());
        let later = now + Duration::from_secs(1);
        let keys: Vec<Key> = ["a", "b", "c", "d"].map(|call| calls.insert(call, &chain, later).unwrap()).to_vec();
        let foreign = calls.insert("other", &other, later).unwrap();
        calls.remove(keys[1]);
        calls.remove(keys[3]);
        assert_eq!(chain.calls(), 2);
        let mut left = Vec::new();
        for key in calls.of(&chain) {
            left.extend(calls.remove(key));
        }
        assert_eq!(left, ["c", "a"]);
        assert_eq!(chain.calls(), 0);
        assert_eq!(calls.remove(foreign), Some("other"));
    }

    #[test]
    fn a_full_slab_gives_the_call_back() {
        let (calls, chain, now) = setup();
        for _ in 0..8 {
            calls.insert("x", &chain, now).unwrap();
        }
        assert_eq!(calls.insert("ninth", &chain, now), Err("ninth"));
        assert_eq!(chain.calls(), 8);
    }

    #[test]
    fn only_calls_whose_deadline_has_passed_are_due() {
        let (calls, chain, now) = setup();
        let soon = calls.insert("soon", &chain, now + Duration::from_millis(50)).unwrap();
        let answered = calls.insert("answered", &chain, now + Duration::from_millis(50)).unwrap();
        calls.insert("later", &chain, now + Duration::from_secs(50)).unwrap();
        calls.remove(answered);
        let mut due = Vec::new();
        calls.due(now + Duration::from_millis(40), &mut due);
        assert!(due.is_empty());
        calls.due(now + Duration::from_millis(70), &mut due);
        assert_eq!(due, [soon]);
    }
}
