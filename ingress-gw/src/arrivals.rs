//! Calls whose bodies come in pieces, until the last one is there. Bytes are charged to the process's budget with the
//! first piece; what is not complete by its deadline, or gains nothing for [`STALLED`], is forgotten.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use shard::Budget;
use tunnel::{Assembly, AssemblyError, End, ExchangeId, Link};

/// A body must gain a byte within this time: it holds budget, and its deadline is as far away as its sender says. Links that
/// were cut come back within 30 s and send again what was lost.
const STALLED: Duration = Duration::from_secs(60);

/// A body that is on its way.
pub struct Arrival {
    /// The link it comes over.
    pub link: Link,
    /// Its exchange there.
    pub exchange: ExchangeId,
    /// Its encoded head.
    pub head: Vec<u8>,
    /// When its first piece came.
    pub since: Instant,
    /// When nobody waits any more.
    pub deadline: Instant,
    /// When its last piece so far came.
    last: Instant,
    body: Assembly,
}

impl Arrival {
    /// The whole body.
    ///
    /// # Errors
    /// It is shorter than was announced.
    pub fn body(&self) -> Result<&[u8], AssemblyError> {
        self.body.finish()
    }
}

/// Why a body is not waited for any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Its caller waits no more.
    Deadline,
    /// Nothing of it came for [`STALLED`].
    Stalled,
}

/// What a piece made of its body.
pub enum Gathered {
    /// More is to come, or nobody knows the exchange.
    Waits,
    /// It was the last one.
    Complete(Arrival),
    /// It does not fit.
    Broken(Arrival, AssemblyError),
}

/// The bodies of one shard.
pub struct Arrivals {
    budget: Budget,
    bodies: RefCell<FxHashMap<(u64, ExchangeId), Arrival>>,
}

impl Arrivals {
    /// None yet.
    pub fn new(budget: Budget) -> Self {
        Self { budget, bodies: RefCell::default() }
    }

    /// Bodies on their way.
    pub fn len(&self) -> usize {
        self.bodies.borrow().len()
    }

    /// The first piece of a body of `body_len` bytes.
    ///
    /// # Errors
    /// There is no room for it, or the piece is longer than the whole.
    pub fn begin(
        &self,
        link: &Link,
        exchange: ExchangeId,
        head: &[u8],
        (body_len, piece): (u32, &[u8]),
        (since, deadline): (Instant, Instant),
    ) -> Result<(), AssemblyError> {
        let body = Assembly::begin(body_len, piece, &self.budget)?;
        let arrival = Arrival { link: link.clone(), exchange, head: head.to_vec(), since, deadline, last: since, body };
        self.bodies.borrow_mut().insert((link.id(), exchange), arrival);
        Ok(())
    }

    /// The next piece, at `now`.
    pub fn gather(&self, link: &Link, exchange: ExchangeId, (piece, end): (&[u8], End), now: Instant) -> Gathered {
        let key = (link.id(), exchange);
        let mut bodies = self.bodies.borrow_mut();
        let Some(arrival) = bodies.get_mut(&key) else { return Gathered::Waits };
        arrival.last = now;
        let pushed = arrival.body.push(piece);
        if pushed.is_ok() && end == End::No {
            return Gathered::Waits;
        }
        match (bodies.remove(&key), pushed) {
            (None, _) => Gathered::Waits,
            (Some(arrival), Ok(())) => Gathered::Complete(arrival),
            (Some(arrival), Err(error)) => Gathered::Broken(arrival, error),
        }
    }

    /// Forgets a body that is not wanted any more.
    pub fn forget(&self, link: &Link, exchange: ExchangeId) {
        self.bodies.borrow_mut().remove(&(link.id(), exchange));
    }

    /// Takes out what is not waited for any longer at `now`.
    pub fn over(&self, now: Instant) -> Vec<(Arrival, Over)> {
        let mut bodies = self.bodies.borrow_mut();
        let is_over = |arrival: &Arrival| is_over(arrival.deadline, arrival.last, now);
        let over: Vec<_> = bodies.iter().filter_map(|(key, arrival)| Some((*key, is_over(arrival)?))).collect();
        over.into_iter().filter_map(|(key, over)| Some((bodies.remove(&key)?, over))).collect()
    }
}

fn is_over(deadline: Instant, last: Instant, now: Instant) -> Option<Over> {
    if deadline <= now {
        return Some(Over::Deadline);
    }
    (now.saturating_duration_since(last) >= STALLED).then_some(Over::Stalled)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head may say a day; half a body must not hold the budget of everybody for so long.
    #[test]
    fn a_body_that_stalls_does_not_hold_budget_until_a_far_deadline() {
        let began = Instant::now();
        let deadline = began + Duration::from_secs(24 * 3600);
        let at = |seconds| began + Duration::from_secs(seconds);
        assert_eq!(is_over(deadline, began, at(59)), None);
        assert_eq!(is_over(deadline, began, at(60)), Some(Over::Stalled));
        assert_eq!(is_over(deadline, at(50), at(60)), None);
        assert_eq!(is_over(at(10), at(9), at(10)), Some(Over::Deadline));
    }
}
