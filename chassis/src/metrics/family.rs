//! Cells of one metric: one a writer, added up by their labels when they are read.
//!
//! Reading takes a lock that no writer takes. What a dropped writer counted is folded into its labels' base, once.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::locked;

/// On a cache line of its own, so that two shards never write to one line.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Cell64(pub(super) AtomicU64);

#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct CellI64(pub(super) AtomicI64);

#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Buckets {
    /// One per bound, then one for what is over the last.
    pub(super) counts: Box<[AtomicU64]>,
    pub(super) sum_nanos: AtomicU64,
}

#[derive(Debug)]
pub(super) struct Family<C> {
    names: &'static [&'static str],
    cells: Mutex<Vec<Labelled<C>>>,
}

#[derive(Debug)]
struct Labelled<C> {
    values: Vec<String>,
    /// What dropped writers have left behind.
    base: Arc<C>,
    live: Vec<Arc<C>>,
}

impl<C> Family<C> {
    pub(super) fn new(names: &'static [&'static str]) -> Self {
        Self { names, cells: Mutex::default() }
    }

    pub(super) fn own(&self, values: &[&str], new: impl Fn() -> C) -> Arc<C> {
        debug_assert_eq!(values.len(), self.names.len(), "one value a label");
        let mut cells = locked(&self.cells);
        let at = cells.iter().position(|cell| cell.values == values).unwrap_or_else(|| {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            cells.push(Labelled { values, base: Arc::new(new()), live: Vec::new() });
            cells.len() - 1
        });
        let cell = Arc::new(new());
        cells[at].live.push(cell.clone());
        cell
    }
}

impl<C: Sum> Family<C> {
    /// Calls `line` for each set of labels with the sum of its cells; `retire` adds what a dropped writer left behind.
    pub(super) fn each(&self, retire: impl Fn(&C, &C), mut line: impl FnMut(&[(&str, &str)], &C)) {
        for labelled in locked(&self.cells).iter_mut() {
            let base = labelled.base.clone();
            labelled.live.retain_mut(|cell| match Arc::get_mut(cell) {
                // Nobody else has it, so its writer is gone and its last write is seen.
                Some(last) => {
                    retire(&base, last);
                    false
                }
                None => true,
            });
            let sum = C::zero(&base);
            C::add(&sum, &base);
            labelled.live.iter().for_each(|cell| C::add(&sum, cell));
            let pairs: Vec<_> = self.names.iter().copied().zip(labelled.values.iter().map(String::as_str)).collect();
            line(&pairs, &sum);
        }
    }
}

/// What can be summed cell by cell.
pub(super) trait Sum {
    fn zero(like: &Self) -> Self;
    fn add(sum: &Self, part: &Self);
}

impl Cell64 {
    pub(super) fn merge(base: &Self, cell: &Self) {
        Sum::add(base, cell);
    }
}

impl Sum for Cell64 {
    fn zero(_: &Self) -> Self {
        Self::default()
    }

    fn add(sum: &Self, part: &Self) {
        sum.0.fetch_add(part.0.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

impl Sum for CellI64 {
    fn zero(_: &Self) -> Self {
        Self::default()
    }

    fn add(sum: &Self, part: &Self) {
        sum.0.fetch_add(part.0.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

impl Buckets {
    pub(super) fn new(bounds_len: usize) -> Self {
        Self { counts: (0..=bounds_len).map(|_| AtomicU64::new(0)).collect(), sum_nanos: AtomicU64::new(0) }
    }

    pub(super) fn merge(base: &Self, cell: &Self) {
        Sum::add(base, cell);
    }

    pub(super) fn read(&self) -> (Vec<u64>, Duration) {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        (counts, Duration::from_nanos(self.sum_nanos.load(Ordering::Relaxed)))
    }
}

impl Sum for Buckets {
    fn zero(like: &Self) -> Self {
        Self::new(like.counts.len() - 1)
    }

    fn add(sum: &Self, part: &Self) {
        for (sum, part) in sum.counts.iter().zip(&part.counts) {
            sum.fetch_add(part.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        sum.sum_nanos.fetch_add(part.sum_nanos.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}
