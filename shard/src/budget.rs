//! How many bytes of bodies a process may hold at once. It never waits: what does not fit is refused at once.
//!
//! ```text
//!  0 ───────────── limit/2 ──────── 3/4 limit ──────── limit
//!  │ anything                          │ whole bodies only │      unfinished: the rest is still to come, or nobody reads it
//!         └ limit/4: what peers do not read whose connections go on all the same
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
    /// What of it peers do not read.
    unread: AtomicUsize,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Budget {
        Budget(Arc::new(Inner { limit, held: AtomicUsize::new(0), unread: AtomicUsize::new(0) }))
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

    /// Bytes that may be reserved in all for peers that do not read and whose connections go on all the same: so little that such
    /// peers, however many, keep out no body and make nothing scarce.
    pub fn unread_limit(&self) -> usize {
        self.0.limit / 4
    }

    /// Nothing yet of what a peer does not read.
    pub(crate) fn unread(&self) -> Unread {
        Unread(self.open())
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

/// Bytes reserved for what one peer does not read: something unfinished, and counted with those of the others.
#[derive(Debug)]
pub(crate) struct Unread(Permit);

impl Unread {
    /// Makes it `len` bytes, of at most `most` for all such peers together; `false`, and nothing changed, if more do not fit.
    pub(crate) fn resize(&mut self, len: usize, most: usize) -> bool {
        let (budget, was_len) = (self.0.budget.clone(), self.0.len);
        let unread = &budget.0.unread;
        let more = len.saturating_sub(was_len);
        let fits = |sum: usize| sum.checked_add(more).filter(|sum| more == 0 || *sum <= most);
        if unread.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_err() {
            return false;
        }
        let fits = self.0.resize_unfinished(len);
        let less = if fits { was_len.saturating_sub(len) } else { more };
        unread.fetch_sub(less, Ordering::Relaxed);
        fits
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.0.budget.0.unread.fetch_sub(self.0.len, Ordering::Relaxed);
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
    fn what_peers_do_not_read_is_bounded_for_all_of_them_together() {
        let budget = Budget::new(100);
        let (mut one, mut other) = (budget.unread(), budget.unread());
        assert!(one.resize(20, 25) && !other.resize(6, 25) && other.resize(5, 25));
        assert!(!one.resize(21, 25) && one.resize(10, 25) && other.resize(15, 25));
        assert_eq!(budget.held(), 25);
        let others = budget.take_unfinished(50).unwrap();
        assert!(!one.resize(11, 100), "nor is it more than what is unfinished may be");
        drop((one, others));
        assert!(!other.resize(26, 25) && other.resize(25, 25));
        drop(other);
        assert_eq!((budget.held(), budget.unread().resize(25, 25)), (0, true));
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
