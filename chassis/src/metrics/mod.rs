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

mod family;
mod page;
pub mod tally;

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use family::{Buckets, Cell64, CellI64, Family};
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
