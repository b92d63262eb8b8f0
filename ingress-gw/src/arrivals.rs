//! Calls whose bodies come in pieces, until the last one is there. Their bytes are charged with the first piece, to the
//! process's budget and to the share that their island has of it; what is not complete by its deadline, or comes too slowly for the
//! memory that it holds, is forgotten.

use std::cell::RefCell;
use std::time::Instant;

use rustc_hash::FxHashMap;
use shard::{Patience, Permit, Progress};
use thiserror::Error;
use tunnel::{Assembly, AssemblyError, End, ExchangeId, Link};

use crate::shares::{ShardShares, Share, ShareTaken, Shares};

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
    progress: Progress,
    body: Assembly,
    /// Of the budget beside the body, and of its island's share.
    _held: (Permit, Share),
}

/// Why a body cannot be gathered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ArrivalError {
    /// Its island has its share.
    #[error(transparent)]
    Share(#[from] ShareTaken),
    /// It does not fit, or is not as long as was announced.
    #[error(transparent)]
    Assembly(#[from] AssemblyError),
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    /// Its caller waits no more.
    Deadline,
    /// It comes too slowly; what is wrong with its pace, in words.
    TooSlow(String),
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
    shares: ShardShares,
    bodies: RefCell<FxHashMap<(u64, ExchangeId), Arrival>>,
}

impl Arrivals {
    /// None yet.
    pub fn new(shares: Shares) -> Self {
        Self { shares: shares.of_shard(), bodies: RefCell::default() }
    }

    /// Bodies on their way.
    pub fn len(&self) -> usize {
        self.bodies.borrow().len()
    }

    /// The first piece of a body of `body_len` bytes, from `island`.
    ///
    /// # Errors
    /// There is no room for it, or the piece is longer than the whole.
    pub fn begin(
        &self,
        (link, exchange): (&Link, ExchangeId),
        (island, head): (&str, &[u8]),
        (body_len, piece): (u32, &[u8]),
        (since, deadline): (Instant, Instant),
    ) -> Result<(), ArrivalError> {
        // Bodies of no length hold memory, too.
        let beside_len = size_of::<Arrival>() + head.len();
        let budget = self.shares.budget();
        let share = self.shares.enter(island, body_len as usize + beside_len)?;
        let body = Assembly::begin(body_len, piece, budget)?;
        let beside = budget.take_unfinished(beside_len).ok_or_else(|| AssemblyError::NoBudget {
            body_len: body_len as usize,
            held: budget.held(),
            limit: budget.unfinished_limit(),
        })?;
        let mut progress = Progress::new(since);
        progress.gained(piece.len(), since);
        let (link, head, held) = (link.clone(), head.to_vec(), (beside, share));
        let arrival = Arrival { link, exchange, head, since, deadline, progress, body, _held: held };
        self.bodies.borrow_mut().insert((arrival.link.id(), exchange), arrival);
        Ok(())
    }

    /// The next piece, at `now`.
    pub fn gather(&self, link: &Link, exchange: ExchangeId, (piece, end): (&[u8], End), now: Instant) -> Gathered {
        let key = (link.id(), exchange);
        let mut bodies = self.bodies.borrow_mut();
        let Some(arrival) = bodies.get_mut(&key) else { return Gathered::Waits };
        let pushed = arrival.body.push(piece);
        arrival.progress.gained(piece.len(), now);
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
        let patience = Patience::with(self.shares.budget());
        let mut bodies = self.bodies.borrow_mut();
        let is_over = |arrival: &Arrival| match arrival.deadline <= now {
            true => Some(Over::Deadline),
            false => arrival.progress.trouble(now, patience).map(Over::TooSlow),
        };
        let over: Vec<_> = bodies.iter().filter_map(|(key, arrival)| Some((*key, is_over(arrival)?))).collect();
        over.into_iter().filter_map(|(key, over)| Some((bodies.remove(&key)?, over))).collect()
    }
}
