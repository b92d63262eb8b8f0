//! Calls whose bodies come in pieces, until the last one is there. Bytes are charged to the process's budget with the
//! first piece; what is not complete by its deadline is forgotten.

use std::cell::RefCell;
use std::time::Instant;

use rustc_hash::FxHashMap;
use shard::Budget;
use tunnel::{Assembly, AssemblyError, End, ExchangeId, Link};

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
        let arrival = Arrival { link: link.clone(), exchange, head: head.to_vec(), since, deadline, body };
        self.bodies.borrow_mut().insert((link.id(), exchange), arrival);
        Ok(())
    }

    /// The next piece.
    pub fn gather(&self, link: &Link, exchange: ExchangeId, piece: &[u8], end: End) -> Gathered {
        let key = (link.id(), exchange);
        let mut bodies = self.bodies.borrow_mut();
        let Some(arrival) = bodies.get_mut(&key) else { return Gathered::Waits };
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

    /// Takes out what is overdue at `now`.
    pub fn overdue(&self, now: Instant) -> Vec<Arrival> {
        let mut bodies = self.bodies.borrow_mut();
        let late: Vec<_> = bodies.iter().filter(|(_, arrival)| arrival.deadline <= now).map(|(key, _)| *key).collect();
        late.into_iter().filter_map(|key| bodies.remove(&key)).collect()
    }
}
