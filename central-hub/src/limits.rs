//! How much an island may send: calls a second and calls at once, counted across everything it sends. It never waits.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use chassis::metrics::tally::Tally;

use crate::policy::{Island, Policy};

/// Lines of refused calls that an island has in the audit each second; more are counted in the next.
const REFUSED_LINES: u32 = 100;
/// Questions of an island that are answered each second: people ask them.
const QUESTIONS: u32 = 20;

/// The limits of all islands; counts survive a change of policy.
#[derive(Debug, Default)]
pub struct Limits(RefCell<HashMap<String, Rc<Limit>>>);

/// The limit of one island.
#[derive(Debug)]
pub struct Limit {
    per_second: Cell<Option<u32>>,
    at_once: Cell<Option<u32>>,
    /// Calls in flight.
    open: Cell<u32>,
    /// The moment at which a bucket of one second's calls would be full again (the generic cell rate algorithm, ITU-T I.371).
    full_at: Cell<Option<Instant>>,
    /// The same for the audit's lines of refused calls.
    lines_at: Cell<Option<Instant>>,
    /// The same for questions.
    questions_at: Cell<Option<Instant>>,
    /// Refused calls that have no line yet.
    unwritten: Cell<u64>,
    /// What came of the calls that it sent.
    sent: Tally,
}

/// Which limit was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// So many calls a second.
    PerSecond(u32),
    /// So many calls at once.
    AtOnce(u32),
}

/// One call in flight; it ends with the drop.
#[derive(Debug)]
pub struct Open(Rc<Limit>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get().saturating_sub(1));
    }
}

impl Limits {
    /// Takes over the numbers of a policy.
    pub fn obey(&self, policy: &Policy) {
        let mut limits = self.0.borrow_mut();
        limits.retain(|id, limit| policy.island(id).is_some() || limit.open.get() > 0);
        for (id, island) in policy.islands() {
            let limit = limits.entry(id.to_owned()).or_insert_with(|| Rc::new(Limit::new()));
            limit.obey(island);
        }
    }

    /// The islands whose flood of refused calls is over at `now`, and how many calls of it got no line.
    pub fn take_unwritten(&self, now: Instant) -> Vec<(String, u64)> {
        let limits = self.0.borrow();
        let over = limits.iter().filter(|(_, limit)| limit.unwritten.get() > 0 && limit.lines_at.get() <= Some(now));
        over.map(|(island, limit)| (island.clone(), limit.unwritten.take())).collect()
    }

    /// The limit of an island, which a link keeps.
    pub fn of(&self, island: &str) -> Rc<Limit> {
        let mut limits = self.0.borrow_mut();
        if let Some(limit) = limits.get(island) {
            return limit.clone();
        }
        limits.entry(island.to_owned()).or_insert_with(|| Rc::new(Limit::new())).clone()
    }
}

impl Limit {
    fn new() -> Limit {
        Limit {
            per_second: Cell::new(None),
            at_once: Cell::new(None),
            open: Cell::new(0),
            full_at: Cell::new(None),
            lines_at: Cell::new(None),
            questions_at: Cell::new(None),
            unwritten: Cell::new(0),
            sent: Tally::default(),
        }
    }

    fn obey(&self, island: &Island) {
        self.per_second.set(island.calls_per_second);
        self.at_once.set(island.concurrent_calls);
    }

    /// Lets one more call in at `now`. A second's worth of calls may come at once.
    ///
    /// # Errors
    /// The limit that is met; nothing was counted.
    pub fn enter(self: &Rc<Self>, now: Instant) -> Result<Open, Exceeded> {
        let full_at = self.room(now)?;
        if full_at.is_some() {
            self.full_at.set(full_at);
        }
        self.open.set(self.open.get() + 1);
        Ok(Open(self.clone()))
    }

    /// Whether one more call would be let in at `now`: when the bucket would be full with it, where calls a second are limited.
    ///
    /// # Errors
    /// The limit that would be met.
    pub fn room(&self, now: Instant) -> Result<Option<Instant>, Exceeded> {
        if let Some(limit) = self.at_once.get()
            && self.open.get() >= limit
        {
            return Err(Exceeded::AtOnce(limit));
        }
        match self.per_second.get() {
            Some(limit) => full_with_one(&self.full_at, limit, now).map(Some).ok_or(Exceeded::PerSecond(limit)),
            None => Ok(None),
        }
    }

    /// What came of the calls that the island sent.
    pub fn sent(&self) -> &Tally {
        &self.sent
    }

    /// Whether a question at `now` is answered; it is counted.
    pub fn may_ask(&self, now: Instant) -> bool {
        takes_one(&self.questions_at, QUESTIONS, now)
    }

    /// Calls a second and calls at once, where they are limited, and calls that are open.
    pub fn numbers(&self) -> (Option<u32>, Option<u32>, u32) {
        (self.per_second.get(), self.at_once.get(), self.open.get())
    }

    /// A call was refused at `now`. Whether it gets a line of its own in the audit, which takes some only where it `is_ready`, and how many
    /// before it got none.
    pub fn note_refused(&self, now: Instant, is_ready: bool) -> Option<u64> {
        if is_ready && takes_one(&self.lines_at, REFUSED_LINES, now) {
            return Some(self.unwritten.take());
        }
        self.unwritten.set(self.unwritten.get() + 1);
        None
    }
}

/// Takes one out of a bucket of one second's, if it is not empty.
fn takes_one(full_at: &Cell<Option<Instant>>, per_second: u32, now: Instant) -> bool {
    let then = full_with_one(full_at, per_second, now);
    if then.is_some() {
        full_at.set(then);
    }
    then.is_some()
}

/// When a bucket of one second's would be full again if one were taken out of it; `None` where it is empty.
fn full_with_one(full_at: &Cell<Option<Instant>>, per_second: u32, now: Instant) -> Option<Instant> {
    let then = full_at.get().map_or(now, |at| at.max(now)) + Duration::from_secs(1) / per_second.max(1);
    (per_second > 0 && then <= now + Duration::from_secs(1)).then_some(then)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(per_second: Option<u32>, at_once: Option<u32>) -> Rc<Limit> {
        let limit = Rc::new(Limit::new());
        limit.obey(&Island { calls_per_second: per_second, concurrent_calls: at_once, multipart: false });
        limit
    }

    #[test]
    fn calls_at_once_are_counted_until_they_end() {
        let (limit, now) = (limit(None, Some(2)), Instant::now());
        let first = limit.enter(now).unwrap();
        let _second = limit.enter(now).unwrap();
        assert_eq!(limit.enter(now).unwrap_err(), Exceeded::AtOnce(2));
        drop(first);
        assert!(limit.enter(now).is_ok());
    }

    #[test]
    fn a_seconds_calls_may_come_at_once_and_then_at_their_rate() {
        let (limit, start) = (limit(Some(100), None), Instant::now());
        let passed = (0..500).filter(|_| limit.enter(start).is_ok()).count();
        assert_eq!(passed, 100);
        let half_a_second_later = start + Duration::from_millis(500);
        let passed = (0..500).filter(|_| limit.enter(half_a_second_later).is_ok()).count();
        assert_eq!(passed, 50);
    }

    #[test]
    fn zero_a_second_means_none_and_no_limit_means_all() {
        let now = Instant::now();
        assert_eq!(limit(Some(0), None).enter(now).unwrap_err(), Exceeded::PerSecond(0));
        let free = limit(None, None);
        let open: Vec<_> = (0..10_000).map(|_| free.enter(now).unwrap()).collect();
        assert_eq!(free.open.get(), open.len() as u32);
    }

    #[test]
    fn looking_for_room_takes_none() {
        let (limit, now) = (limit(Some(1), Some(1)), Instant::now());
        assert!(limit.room(now).is_ok() && limit.room(now).is_ok());
        let open = limit.enter(now).unwrap();
        assert_eq!(limit.room(now), Err(Exceeded::AtOnce(1)));
        assert_eq!(limit.numbers(), (Some(1), Some(1), 1));
        drop(open);
        assert_eq!(limit.room(now), Err(Exceeded::PerSecond(1)));
    }

    #[test]
    fn so_many_questions_a_second_are_answered_and_calls_do_not_count() {
        let (limit, now) = (limit(Some(1), None), Instant::now());
        let _call = limit.enter(now).unwrap();
        assert_eq!((0..1000).filter(|_| limit.may_ask(now)).count(), QUESTIONS as usize);
        assert!(limit.may_ask(now + Duration::from_millis(60)));
    }

    #[test]
    fn a_flood_of_refused_calls_has_so_many_lines_and_the_rest_is_counted() {
        let (limits, start) = (Limits::default(), Instant::now());
        let limit = limits.of("a");
        let lines = (0..5000).filter(|_| limit.note_refused(start, true).is_some()).count();
        assert_eq!(lines, 100);
        assert_eq!(limits.take_unwritten(start), []);
        assert_eq!(limit.note_refused(start + Duration::from_millis(10), true), Some(4900));
        assert_eq!(limit.note_refused(start + Duration::from_millis(10), true), None);
        assert_eq!(limits.take_unwritten(start + Duration::from_secs(3)), [("a".to_owned(), 1)]);
        assert_eq!(limit.note_refused(start + Duration::from_secs(3), true), Some(0));
    }

    #[test]
    fn a_refused_call_is_not_counted() {
        let (limit, now) = (limit(Some(1), Some(5)), Instant::now());
        drop(limit.enter(now).unwrap());
        assert!(limit.enter(now).is_err());
        assert_eq!(limit.open.get(), 0);
    }
}
