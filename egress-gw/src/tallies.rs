//! What came of calls, by service and target, for `/status`: found when a decision is made, and counted without a look at any name.
//!
//! Bounded: a decision names what is offered or stands here, and of what no decision leads to any more the oldest names go. It never
//! counts calls that were refused before a way was found; these are in `/metrics` by their kind.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use chassis::metrics::tally::{Tallied, Tally};
use foldhash::fast::RandomState;

/// More pairs of service and target than this are counted together.
const PAIRS_MAX: usize = 16_384;
/// What these are called.
const OTHERS: &str = "(others)";

/// A service and the island, or `local`, to which calls of it go.
pub type Pair = (Box<str>, Box<str>);

/// The tallies of one shard.
#[derive(Debug, Default)]
pub struct Tallies(RefCell<HashMap<Pair, Rc<Tally>, RandomState>>);

impl Tallies {
    /// What is counted of calls to this service there.
    pub fn of(&self, service: &str, target: &str) -> Rc<Tally> {
        let mut all = self.0.borrow_mut();
        let pair = (service.into(), target.into());
        if let Some(tally) = all.get(&pair) {
            return tally.clone();
        }
        if all.len() >= PAIRS_MAX {
            // What is held by nobody else is led to by no decision.
            all.retain(|(service, _), tally| **service == *OTHERS || Rc::strong_count(tally) > 1);
        }
        let pair = if all.len() >= PAIRS_MAX { (OTHERS.into(), OTHERS.into()) } else { pair };
        all.entry(pair).or_default().clone()
    }

    /// Those of which calls came.
    pub fn counted(&self) -> Vec<(Pair, Tallied)> {
        let all = self.0.borrow();
        let each = all.iter().map(|(pair, tally)| (pair.clone(), tally.get()));
        each.filter(|(_, tallied)| tallied.calls > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_pairs_than_fit_are_counted_together_and_what_nobody_calls_makes_room() {
        let tallies = Tallies::default();
        let held: Vec<_> = (0..PAIRS_MAX).map(|number| tallies.of(&number.to_string(), "a")).collect();
        tallies.of("one more", "a").failed();
        tallies.of("and another", "b").failed();
        let others = tallies.counted();
        assert_eq!(others.len(), 1);
        assert_eq!((&*others[0].0.0, others[0].1.failed), (OTHERS, 2));
        held[7].failed();
        assert_eq!(tallies.of("7", "a").get().failed, 1);
        drop(held);
        tallies.of("one more", "a").failed();
        assert_eq!(tallies.counted().iter().filter(|(pair, _)| &*pair.0 == "one more").count(), 1);
    }
}
