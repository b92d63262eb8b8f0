//! How many bytes of bodies a process may hold at once. It never waits: what does not fit is refused at once.

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
}
