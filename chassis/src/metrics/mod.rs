//! Counters, gauges and histograms that are owned by the thread that writes them and summed when scraped.
//!
//! ```text
//!  Metrics ── family "highway_calls_total" {outcome} ── own(["ok"]) ──▶ Counter of shard 0   ┐ one cache line each,
//!                                                    └─ own(["ok"]) ──▶ Counter of shard 1   ┘ plain stores
//! ```
//!
//! A handle can move to a thread but not be shared ([`std::cell::Cell`] inside), so that a write is a relaxed load and
//! store without a locked instruction. Every `own` is a cell of its own; cells of equal labels are one line of the page.
//! Making a family or a cell takes a lock and belongs to start-up. Labels are bounded by whoever chooses them: never a
//! caller's text.

mod page;

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use page::Page;

/// All metrics of a process; clones are the same.
#[derive(Clone, Default)]
pub struct Metrics {
    inner: Arc<Mutex<Vec<Source>>>,
}

type Source = Box<dyn Fn(&mut Page) + Send + Sync>;

/// Counters of one name.
#[derive(Debug, Clone)]
pub struct Counters(Arc<Family<Cell64>>);

/// Gauges of one name.
#[derive(Debug, Clone)]
pub struct Gauges(Arc<Family<CellI64>>);

/// Histograms of one name, over durations.
#[derive(Debug, Clone)]
pub struct Histograms {
    family: Arc<Family<Buckets>>,
    bounds: &'static [Duration],
}

/// A number that only grows, written by one thread.
#[derive(Debug)]
pub struct Counter {
    cell: Arc<Cell64>,
    one_writer: PhantomData<Cell<()>>,
}

/// A number that goes up and down, written by one thread; gone from the sum when dropped.
#[derive(Debug)]
pub struct Gauge {
    cell: Arc<CellI64>,
    one_writer: PhantomData<Cell<()>>,
}

/// Durations counted by bucket, written by one thread.
#[derive(Debug)]
pub struct Histogram {
    cell: Arc<Buckets>,
    bounds: &'static [Duration],
    one_writer: PhantomData<Cell<()>>,
}

/// Bounds from 100 µs to 60 s that serve for calls.
pub const CALL_BOUNDS: &[Duration] = &[
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
];

/// On a cache line of its own, so that two shards never write to one line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Cell64(AtomicU64);

#[derive(Debug, Default)]
#[repr(align(64))]
struct CellI64(AtomicI64);

#[derive(Debug)]
#[repr(align(64))]
struct Buckets {
    /// One per bound, then one for what is over the last.
    counts: Box<[AtomicU64]>,
    sum_nanos: AtomicU64,
}

#[derive(Debug)]
struct Family<C> {
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

impl Metrics {
    /// No metrics yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A family of counters; by custom the name ends in `_total`. Labels are given by name here, by value in `own`.
    #[must_use]
    pub fn counters(&self, name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Counters {
        let family = Arc::new(Family::new(labels));
        let read = family.clone();
        self.source(move |page| {
            page.header(name, help, "counter");
            read.each(Cell64::merge, |pairs, cell| page.line(name, pairs, cell.0.load(Ordering::Relaxed)));
        });
        Counters(family)
    }

    /// A family of gauges.
    #[must_use]
    pub fn gauges(&self, name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Gauges {
        let family = Arc::new(Family::new(labels));
        let read = family.clone();
        self.source(move |page| {
            page.header(name, help, "gauge");
            // What a dropped gauge has left behind is forgotten: it has no history.
            read.each(|_, _| {}, |pairs, cell: &CellI64| page.line(name, pairs, cell.0.load(Ordering::Relaxed)));
        });
        Gauges(family)
    }

    /// A family of histograms over `bounds`, ascending; by custom the name ends in `_seconds`.
    #[must_use]
    pub fn histograms(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
        bounds: &'static [Duration],
    ) -> Histograms {
        let family = Arc::new(Family::new(labels));
        let read = family.clone();
        self.source(move |page| {
            page.header(name, help, "histogram");
            read.each(Buckets::merge, |pairs, cell| page.histogram(name, pairs, bounds, &cell.read()));
        });
        Histograms { family, bounds }
    }

    /// Anything else: `write` is called for each scrape, on the control thread, and must not block.
    pub fn source(&self, write: impl Fn(&mut Page) + Send + Sync + 'static) {
        locked(&self.inner).push(Box::new(write));
    }

    /// The page as Prometheus reads it (text format 0.0.4).
    #[must_use]
    pub fn scrape(&self) -> String {
        let mut page = Page::default();
        for source in locked(&self.inner).iter() {
            source(&mut page);
        }
        page.into_text()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("sources", &locked(&self.inner).len()).finish()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<C> Family<C> {
    fn new(names: &'static [&'static str]) -> Self {
        Self { names, cells: Mutex::default() }
    }

    fn own(&self, values: &[&str], new: impl Fn() -> C) -> Arc<C> {
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
    fn each(&self, retire: impl Fn(&C, &C), mut line: impl FnMut(&[(&str, &str)], &C)) {
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
trait Sum {
    fn zero(like: &Self) -> Self;
    fn add(sum: &Self, part: &Self);
}

impl Cell64 {
    fn merge(base: &Self, cell: &Self) {
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
    fn new(bounds_len: usize) -> Self {
        Self { counts: (0..=bounds_len).map(|_| AtomicU64::new(0)).collect(), sum_nanos: AtomicU64::new(0) }
    }

    fn merge(base: &Self, cell: &Self) {
        Sum::add(base, cell);
    }

    fn read(&self) -> (Vec<u64>, Duration) {
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

impl Counters {
    /// A cell for the caller alone, summed with others of the same label values.
    #[must_use]
    pub fn own(&self, values: &[&str]) -> Counter {
        Counter { cell: self.0.own(values, Cell64::default), one_writer: PhantomData }
    }
}

impl Gauges {
    /// A cell for the caller alone, summed with others of the same label values.
    #[must_use]
    pub fn own(&self, values: &[&str]) -> Gauge {
        Gauge { cell: self.0.own(values, CellI64::default), one_writer: PhantomData }
    }
}

impl Histograms {
    /// A cell for the caller alone, summed with others of the same label values.
    #[must_use]
    pub fn own(&self, values: &[&str]) -> Histogram {
        let cell = self.family.own(values, || Buckets::new(self.bounds.len()));
        Histogram { cell, bounds: self.bounds, one_writer: PhantomData }
    }
}

/// One writer: a load and a store, no locked instruction.
fn bump(cell: &AtomicU64, by: u64) {
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}

impl Counter {
    /// Adds `by`.
    pub fn add(&self, by: u64) {
        bump(&self.cell.0, by);
    }

    /// What this cell has counted.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.cell.0.load(Ordering::Relaxed)
    }
}

impl Gauge {
    /// Adds `by`, which may be negative.
    pub fn add(&self, by: i64) {
        self.set(self.get().wrapping_add(by));
    }

    /// Sets it.
    pub fn set(&self, to: i64) {
        self.cell.0.store(to, Ordering::Relaxed);
    }

    /// What this cell says.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.cell.0.load(Ordering::Relaxed)
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&self, took: Duration) {
        let at = self.bounds.partition_point(|bound| *bound < took);
        bump(&self.cell.counts[at], 1);
        bump(&self.cell.sum_nanos, u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_two_shards_are_one_line() {
        let metrics = Metrics::new();
        let calls = metrics.counters("calls_total", "Calls", &["outcome"]);
        let here = calls.own(&["ok"]);
        let there = calls.own(&["ok"]);
        let bad = calls.own(&["failed"]);
        std::thread::spawn(move || there.add(40)).join().unwrap();
        here.add(2);
        bad.add(1);
        let expected = "# HELP calls_total Calls\n# TYPE calls_total counter\n\
                        calls_total{outcome=\"ok\"} 42\ncalls_total{outcome=\"failed\"} 1\n";
        assert_eq!(metrics.scrape(), expected);
        assert_eq!(metrics.scrape(), expected, "what a dropped counter counted stays, and is not counted twice");
    }

    #[test]
    fn a_dropped_gauge_leaves_the_sum() {
        let metrics = Metrics::new();
        let open = metrics.gauges("open", "Open connections", &[]);
        let (here, there) = (open.own(&[]), open.own(&[]));
        here.set(3);
        there.add(2);
        there.add(-1);
        assert!(metrics.scrape().ends_with("open 4\n"));
        drop(there);
        assert!(metrics.scrape().ends_with("open 3\n"));
    }

    #[test]
    fn a_histogram_counts_up_to_and_including_its_bounds() {
        const BOUNDS: &[Duration] = &[Duration::from_millis(1), Duration::from_secs(2)];
        let metrics = Metrics::new();
        let took = metrics.histograms("took_seconds", "Time", &["hop"], BOUNDS);
        let (one, two) = (took.own(&["hub"]), took.own(&["hub"]));
        for millis in [0, 1, 2, 2_000] {
            one.record(Duration::from_millis(millis));
        }
        two.record(Duration::from_secs(3));
        drop(two);
        let expected = "# HELP took_seconds Time\n# TYPE took_seconds histogram\n\
                        took_seconds_bucket{hop=\"hub\",le=\"0.001\"} 2\n\
                        took_seconds_bucket{hop=\"hub\",le=\"2\"} 4\n\
                        took_seconds_bucket{hop=\"hub\",le=\"+Inf\"} 5\n\
                        took_seconds_sum{hop=\"hub\"} 5.003\n\
                        took_seconds_count{hop=\"hub\"} 5\n";
        assert_eq!(metrics.scrape(), expected);
        assert_eq!(metrics.scrape(), expected);
    }

    #[test]
    fn a_label_cannot_break_the_page() {
        let metrics = Metrics::new();
        metrics.source(|page| page.gauge("g", "h\nh", &[("l", "a\"b\\c\nd")], 0.5));
        assert_eq!(metrics.scrape(), "# HELP g h\\nh\n# TYPE g gauge\ng{l=\"a\\\"b\\\\c\\nd\"} 0.5\n");
    }
}
