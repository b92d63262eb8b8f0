//! How much of the budget the unfinished bodies of each island hold, in the whole process, and whether one more of an island
//! may begin. It charges no budget itself, and takes a lock only when a shard first hears of an island.
//!
//! ```text
//!  0 ─────────────────── half ──────────────── three quarters ──────────────── all that unfinished bodies may hold
//!  │ any body                                  │ an island's first body only
//!  │ those of one island │
//! ```
//!
//! So one island leaves half to the others, unless its only body is longer than that; and where several have taken all that they
//! may, a quarter is left for islands that have nothing yet, a body each. Nobody has to know how many islands there are.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use shard::Budget;
use thiserror::Error;

/// Islands that are told apart; a hub that names more has one share for the rest.
const ISLANDS: usize = 1024;

/// Bytes that one island's bodies hold.
type Account = Arc<AtomicUsize>;
type Accounts = BTreeMap<Box<str>, Account>;

/// The shares of all islands in a budget. Clones share them.
#[derive(Debug, Clone)]
pub struct Shares {
    budget: Budget,
    accounts: Arc<Mutex<Accounts>>,
}

/// The same, with the accounts that one shard has used.
#[derive(Debug)]
pub struct ShardShares {
    shares: Shares,
    known: RefCell<Accounts>,
}

/// Bytes of one island's share; dropping it gives them back.
#[derive(Debug)]
pub struct Share {
    account: Account,
    len: usize,
}

/// Beside an island's first body there is no room for a further one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "body of {body_len} bytes does not fit: bodies of island `{island}` that are still arriving hold {held} bytes, {free} are free; beside its first an island may hold {most} bytes, and leaves {reserve} free"
)]
pub struct ShareTaken {
    /// The whole body.
    pub body_len: usize,
    /// Whose it is.
    pub island: String,
    /// Bytes that its other bodies hold.
    pub held: usize,
    /// Bytes that are left for unfinished bodies.
    pub free: usize,
    /// Bytes that the bodies of one island may hold.
    pub most: usize,
    /// Bytes that are kept for first bodies.
    pub reserve: usize,
}

impl Shares {
    /// Nobody has anything of `budget` yet.
    pub fn of(budget: Budget) -> Self {
        Self { budget, accounts: Arc::default() }
    }

    /// The budget.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// For one shard.
    pub fn of_shard(self) -> ShardShares {
        ShardShares { shares: self, known: RefCell::default() }
    }

    fn account(&self, island: &str) -> Account {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let island = if accounts.contains_key(island) || accounts.len() < ISLANDS { island } else { "" };
        accounts.entry(island.into()).or_default().clone()
    }
}

impl ShardShares {
    /// The budget.
    pub fn budget(&self) -> &Budget {
        &self.shares.budget
    }

    /// Enters a body of `len` bytes into the share of `island`; the budget has still to be asked for them.
    ///
    /// # Errors
    /// The island has its share.
    pub fn enter(&self, island: &str, len: usize) -> Result<Share, ShareTaken> {
        let account = self.account(island);
        // First, so that two shards cannot both find room that is there once.
        let held = account.fetch_add(len, Ordering::Relaxed);
        let share = Share { account, len };
        let limit = self.budget().unfinished_limit();
        let (free, most, reserve) = (limit.saturating_sub(self.budget().held()), limit / 2, limit / 4);
        if held > 0 && (held.saturating_add(len) > most || free.saturating_sub(len) < reserve) {
            return Err(ShareTaken { body_len: len, island: island.to_owned(), held, free, most, reserve });
        }
        Ok(share)
    }

    fn account(&self, island: &str) -> Account {
        let mut known = self.known.borrow_mut();
        if let Some(account) = known.get(island) {
            return account.clone();
        }
        let account = self.shares.account(island);
        if known.len() < ISLANDS {
            known.insert(island.into(), account.clone());
        }
        account
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.account.fetch_sub(self.len, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Begins bodies of 10 bytes until no more may; how many.
    fn fill(shares: &ShardShares, island: &str, held: &mut Vec<(Share, shard::Permit)>) -> usize {
        let before = held.len();
        while let Ok(share) = shares.enter(island, 10) {
            let Some(permit) = shares.budget().take_unfinished(10) else { break };
            held.push((share, permit));
        }
        held.len() - before
    }

    #[test]
    fn an_island_takes_half_two_leave_a_quarter_and_newcomers_have_that() {
        let shares = Shares::of(Budget::new(320)).of_shard();
        let mut held = Vec::new();
        assert_eq!(fill(&shares, "beijing", &mut held), 12);
        assert_eq!(fill(&shares, "tianjin", &mut held), 6);
        let newcomers = (0..9).map(|number| fill(&shares, &format!("island-{number}"), &mut held));
        assert_eq!(newcomers.collect::<Vec<_>>(), [1, 1, 1, 1, 1, 1, 0, 0, 0]);
        held.clear();
        assert_eq!(fill(&shares, "tianjin", &mut held), 12, "what one has given back another may take");
    }

    #[test]
    fn a_quiet_islands_further_bodies_fit_beside_one_that_has_all_it_may() {
        let shares = Shares::of(Budget::new(320)).of_shard();
        let mut held = Vec::new();
        assert_eq!(fill(&shares, "beijing", &mut held), 12);
        assert_eq!(fill(&shares, "tianjin", &mut held), 6, "up to the quarter that is kept");
        assert_eq!(fill(&shares, "shenzhen", &mut held), 1);
        held.truncate(13);
        held.extend((0..2).map(|_| {
            let share = shares.enter("shenzhen", 10).unwrap();
            (share, shares.budget().take_unfinished(10).unwrap())
        }));
        let refused = shares.enter("beijing", 10).unwrap_err();
        assert_eq!((refused.held, refused.free, refused.most, refused.reserve), (120, 90, 120, 60));
    }

    #[test]
    fn the_shards_of_a_process_count_together() {
        let shares = Shares::of(Budget::new(320));
        let (one, two) = (shares.clone().of_shard(), shares.of_shard());
        let mut held = Vec::new();
        assert_eq!(fill(&one, "beijing", &mut held), 12);
        assert_eq!(fill(&two, "beijing", &mut held), 0);
    }

    #[test]
    fn a_single_body_may_be_as_long_as_the_budget_allows() {
        let shares = Shares::of(Budget::new(40)).of_shard();
        let share = shares.enter("beijing", 30).unwrap();
        let _permit = shares.budget().take_unfinished(30).unwrap();
        let refused = shares.enter("beijing", 1).unwrap_err();
        assert_eq!((refused.held, refused.free), (30, 0));
        drop(share);
        assert!(shares.enter("beijing", 1).is_ok());
    }

    #[test]
    fn made_up_islands_have_one_share_together() {
        let shares = Shares::of(Budget::new(1 << 20)).of_shard();
        for number in 0..2 * ISLANDS {
            drop(shares.enter(&format!("island-{number}"), 1));
        }
        assert!(shares.shares.accounts.lock().unwrap().len() <= ISLANDS + 1);
        let _share = shares.enter("island-9998", 1).unwrap();
        let _permit = shares.budget().take_unfinished(700_000).unwrap();
        assert!(shares.enter("island-9999", 100_000).is_err());
    }
}
