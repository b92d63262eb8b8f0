//! Calls whose bodies come in pieces, until the last one is there. Their bytes are charged with the first piece, to the
//! process's budget and to the share that their island has of it; what is not complete by its deadline, or comes too slowly for the
//! memory that it holds, by its link's time, is forgotten.

use std::cell::RefCell;
use std::time::Instant;

use rustc_hash::FxHashMap;
use shard::{Patience, Permit, Progress};
use thiserror::Error;
use tunnel::{Assembly, AssemblyError, End, ExchangeId, Link};

use crate::link_time::LinkTime;
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
    links: RefCell<FxHashMap<u64, OnLink>>,
}

/// The bodies that share a link.
struct OnLink {
    link: Link,
    time: LinkTime,
    bodies: FxHashMap<ExchangeId, Arrival>,
}

impl Arrivals {
    /// None yet.
    pub fn new(shares: Shares) -> Self {
        Self { shares: shares.of_shard(), links: RefCell::default() }
    }

    /// Bodies on their way.
    pub fn len(&self) -> usize {
        self.links.borrow().values().map(|on| on.bodies.len()).sum()
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
        let mut links = self.links.borrow_mut();
        let on = links.entry(link.id()).or_insert_with(|| OnLink {
            link: link.clone(),
            time: LinkTime::new(since),
            bodies: FxHashMap::default(),
        });
        let at = on.time.brought(on.bodies.len() + 1, since);
        let mut progress = Progress::new(at);
        progress.gained(piece.len(), at);
        let (link, head, held) = (link.clone(), head.to_vec(), (beside, share));
        let arrival = Arrival { link, exchange, head, since, deadline, progress, body, _held: held };
        on.bodies.insert(exchange, arrival);
        Ok(())
    }

    /// The next piece, at `now`.
    pub fn gather(&self, link: &Link, exchange: ExchangeId, (piece, end): (&[u8], End), now: Instant) -> Gathered {
        let mut links = self.links.borrow_mut();
        let Some(OnLink { time, bodies, .. }) = links.get_mut(&link.id()) else { return Gathered::Waits };
        let sharing = bodies.len();
        let Some(arrival) = bodies.get_mut(&exchange) else { return Gathered::Waits };
        let pushed = arrival.body.push(piece);
        if !piece.is_empty() {
            arrival.progress.gained(piece.len(), time.brought(sharing, now));
        }
        if pushed.is_ok() && end == End::No {
            return Gathered::Waits;
        }
        match (bodies.remove(&exchange), pushed) {
            (None, _) => Gathered::Waits,
            (Some(arrival), Ok(())) => Gathered::Complete(arrival),
            (Some(arrival), Err(error)) => Gathered::Broken(arrival, error),
        }
    }

    /// Forgets a body that is not wanted any more.
    pub fn forget(&self, link: &Link, exchange: ExchangeId) {
        if let Some(on) = self.links.borrow_mut().get_mut(&link.id()) {
            on.bodies.remove(&exchange);
        }
    }

    /// Takes out what is not waited for any longer at `now`.
    pub fn over(&self, now: Instant) -> Vec<(Arrival, Over)> {
        let patience = Patience::with(self.shares.budget());
        let mut links = self.links.borrow_mut();
        let mut over = Vec::new();
        for on in links.values_mut() {
            let at = on.time.look(on.link.heard(), now);
            let is_over = |arrival: &Arrival| match arrival.deadline <= now {
                true => Some(Over::Deadline),
                false => arrival.progress.trouble(at, patience).map(Over::TooSlow),
            };
            let ended: Vec<_> = on.bodies.iter().filter_map(|(id, arrival)| Some((*id, is_over(arrival)?))).collect();
            over.extend(ended.into_iter().filter_map(|(id, why)| Some((on.bodies.remove(&id)?, why))));
        }
        links.retain(|_, on| !on.bodies.is_empty());
        over
    }
}
