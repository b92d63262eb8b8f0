//! The bytes of calls that this shard keeps for a second try or until a link is up, charged to the process's budget.
//!
//! A frame that had to be gathered brings the permit it got at its header. The small ones, which are the many, share
//! blocks: one atomic operation a block, not one a call. What does not fit is refused at once. Bodies whose rest is still
//! to come leave a part of the budget to those that are here as a whole.

use std::cell::RefCell;
use std::rc::Rc;

use shard::{Budget, Permit};

/// Frames up to this length are charged from shared blocks.
pub const SMALL_LEN: usize = 16 * 1024;
/// How much of the budget is taken at once for small frames.
const BLOCK_LEN: usize = 256 * 1024;

/// The budget as one shard sees it.
#[derive(Debug, Clone)]
pub struct Allowance(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    budget: Budget,
    small: RefCell<Small>,
}

#[derive(Debug, Default)]
struct Small {
    used: usize,
    blocks: Vec<Permit>,
}

/// How much of a frame is here when its header is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// A part; the peer has to send the rest.
    Begun,
}

/// Bytes that are charged; dropping it gives them back.
#[derive(Debug)]
pub struct Charge {
    _own: Option<Permit>,
    _small: Option<SmallCharge>,
}

impl Charge {
    fn own(permit: Permit) -> Self {
        Self { _own: Some(permit), _small: None }
    }
}

/// A part of a block.
#[derive(Debug)]
struct SmallCharge {
    from: Rc<Inner>,
    len: usize,
}

impl Allowance {
    /// This shard's view of `budget`.
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        Self(Rc::new(Inner { budget, small: RefCell::default() }))
    }

    /// Charges `len` bytes; `None` if the process holds too much already.
    #[must_use]
    pub fn charge(&self, len: usize, extent: Extent) -> Option<Charge> {
        if extent == Extent::Begun {
            return self.0.budget.take_unfinished(len).map(Charge::own);
        }
        if len > SMALL_LEN {
            return self.0.budget.take(len).map(Charge::own);
        }
        let mut small = self.0.small.borrow_mut();
        if small.used + len > small.blocks.len() * BLOCK_LEN {
            // A budget smaller than a block still lets small frames through, one permit each.
            match self.0.budget.take(BLOCK_LEN) {
                Some(block) => small.blocks.push(block),
                None => return self.0.budget.take(len).map(Charge::own),
            }
        }
        small.used += len;
        Some(Charge { _own: None, _small: Some(SmallCharge { from: self.0.clone(), len }) })
    }

    /// The budget of the process.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.0.budget
    }
}

impl Drop for SmallCharge {
    fn drop(&mut self) {
        let mut small = self.from.small.borrow_mut();
        small.used -= self.len;
        // One block stays, so that a shard at the edge of a block does not take and give it for each call.
        while small.blocks.len() > 1 && small.used + BLOCK_LEN < small.blocks.len() * BLOCK_LEN {
            small.blocks.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_frames_share_blocks_of_the_budget() {
        let budget = Budget::new(4 * BLOCK_LEN);
        let allowance = Allowance::new(budget.clone());
        let many: Vec<Charge> = (0..100).map(|_| allowance.charge(500, Extent::Whole).unwrap()).collect();
        assert_eq!(budget.held(), BLOCK_LEN);
        drop(many);
        assert_eq!(budget.held(), BLOCK_LEN);
        drop(allowance);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn blocks_go_back_when_what_they_held_is_gone() {
        let budget = Budget::new(8 * BLOCK_LEN);
        let allowance = Allowance::new(budget.clone());
        let many: Vec<Charge> = (0..64).map(|_| allowance.charge(SMALL_LEN, Extent::Whole).unwrap()).collect();
        assert_eq!(budget.held(), 4 * BLOCK_LEN);
        drop(many);
        assert_eq!(budget.held(), BLOCK_LEN);
    }

    #[test]
    fn a_large_frame_is_charged_alone_and_given_back() {
        let budget = Budget::new(1 << 20);
        let allowance = Allowance::new(budget.clone());
        let large = allowance.charge(SMALL_LEN + 1, Extent::Whole).unwrap();
        assert_eq!(budget.held(), SMALL_LEN + 1);
        drop(large);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn over_the_budget_nothing_is_charged() {
        let budget = Budget::new(BLOCK_LEN + 100);
        let allowance = Allowance::new(budget);
        let held = allowance.charge(BLOCK_LEN, Extent::Whole).unwrap();
        assert!(allowance.charge(101, Extent::Whole).is_none());
        let last = allowance.charge(100, Extent::Whole).unwrap();
        assert!(allowance.charge(1, Extent::Whole).is_none());
        drop((held, last));
        assert!(allowance.charge(BLOCK_LEN, Extent::Whole).is_some());
    }

    #[test]
    fn bodies_that_are_still_to_come_never_keep_out_a_whole_one() {
        let budget = Budget::new(8 * BLOCK_LEN);
        let allowance = Allowance::new(budget);
        let begun: Vec<Charge> = std::iter::from_fn(|| allowance.charge(1000, Extent::Begun)).collect();
        assert_eq!(begun.len(), 6 * BLOCK_LEN / 1000);
        assert!(allowance.charge(BLOCK_LEN, Extent::Begun).is_none());
        assert!(allowance.charge(BLOCK_LEN, Extent::Whole).is_some());
        assert!(allowance.charge(500, Extent::Whole).is_some());
    }
}
