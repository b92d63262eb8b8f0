//! How many bytes of bodies a process may hold at once. It never waits: what does not fit is refused at once.
//!
//! ```text
//!  0 ───────────── limit/2 ──────── 3/4 limit ──────── limit
//!  │ anything                          │ whole bodies only │      unfinished: the rest is still to come, or nobody reads it
//!                     └ scarce: peers that are slow with their part are waited for less
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of bytes shared by all shards of a process. Clones share it.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit: usize,
    held: AtomicUsize,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Budget {
        Budget(Arc::new(Inner { limit, held: AtomicUsize::new(0) }))
    }

    /// Reserves `len` bytes until the permit is dropped; `None` if they do not fit.
    pub fn take(&self, len: usize) -> Option<Permit> {
        let fits = |held: usize| held.checked_add(len).filter(|sum| *sum <= self.0.limit);
        self.0.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
        Some(Permit { budget: self.clone(), len })
    }

    /// As [`Budget::take`], for bytes that are held because a peer has not done its part yet: a body whose rest is to
    /// come, an answer that is not read. The last quarter of the budget is not for these, so that slow peers, however
    /// many, never keep out what is here as a whole.
    pub fn take_unfinished(&self, len: usize) -> Option<Permit> {
        let mut permit = Permit { budget: self.clone(), len: 0 };
        permit.resize_unfinished(len).then_some(permit)
    }

    /// A permit for nothing yet, to be charged with what comes.
    pub fn open(&self) -> Permit {
        Permit { budget: self.clone(), len: 0 }
    }

    /// Whether so much is reserved that slow peers should be waited for less.
    pub fn is_scarce(&self) -> bool {
        self.held() > self.0.limit / 2
    }

    /// Bytes of unfinished bodies that may be reserved in all.
    pub fn unfinished_limit(&self) -> usize {
        self.0.limit - self.0.limit / 4
    }

    /// Bytes that are reserved now.
    pub fn held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }

    /// Bytes that may be reserved in all.
    pub fn limit(&self) -> usize {
        self.0.limit
    }
}

/// Bytes reserved from a [`Budget`]; dropping it gives them back.
#[derive(Debug)]
pub struct Permit {
    budget: Budget,
    len: usize,
}

impl Permit {
    /// The bytes reserved.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is reserved.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The budget it is of.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Adds `len` bytes, also over the limit: for what has a bound of its own and was let in before.
    pub fn charge(&mut self, len: usize) {
        self.budget.0.held.fetch_add(len, Ordering::Relaxed);
        self.len += len;
    }

    /// Gives `len` of its bytes back.
    pub fn shrink(&mut self, len: usize) {
        let len = len.min(self.len);
        self.budget.0.held.fetch_sub(len, Ordering::Relaxed);
        self.len -= len;
    }

    /// Makes it a permit for `len` bytes of something unfinished; `false`, and nothing changed, if more do not fit.
    pub fn resize_unfinished(&mut self, len: usize) -> bool {
        let budget = &*self.budget.0;
        match len.checked_sub(self.len) {
            None => {
                budget.held.fetch_sub(self.len - len, Ordering::Relaxed);
            }
            Some(0) => {}
            Some(more) => {
                let limit = self.budget.unfinished_limit();
                let fits = |held: usize| held.checked_add(more).filter(|sum| *sum <= limit);
                if budget.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_err() {
                    return false;
                }
            }
        }
        self.len = len;
        true
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.budget.0.held.fetch_sub(self.len, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_and_comes_back_with_the_permit() {
        let budget = Budget::new(10);
        let six = budget.take(6).unwrap();
        assert!(budget.take(5).is_none());
        assert!(budget.take(usize::MAX).is_none());
        let four = budget.take(4).unwrap();
        assert_eq!(budget.held(), 10);
        drop((six, four));
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn the_last_quarter_is_for_what_is_here_as_a_whole() {
        let budget = Budget::new(100);
        let mut unread = budget.take_unfinished(60).unwrap();
        assert!(budget.take_unfinished(16).is_none());
        assert!(unread.resize_unfinished(75) && !unread.resize_unfinished(76));
        assert_eq!((unread.len(), budget.held(), budget.is_scarce()), (75, 75, true));
        let whole = budget.take(25).unwrap();
        assert!(unread.resize_unfinished(0));
        assert_eq!((budget.held(), budget.is_scarce()), (25, false));
        drop((whole, unread));
        assert_eq!(budget.held(), 0);
    }
}
