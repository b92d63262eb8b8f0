//! Consumers that call without a pause while something is changed, and what became of their calls.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lab::peer::{Call, Tally};
use lab::process::until;

use super::stage::{FOLLOWED, Stage, island_in};

/// A consumer tells how it went so often.
const ROUND: Duration = Duration::from_millis(300);
/// Of each of its two threads, between two calls.
const PAUSE: Duration = Duration::from_millis(2);

/// What became of the calls of one consumer.
#[derive(Debug, Default)]
pub struct Called {
    /// By the island that answered.
    pub answers: BTreeMap<String, u64>,
    /// By what was thrown.
    pub failed: BTreeMap<String, u64>,
    pub slowest: Duration,
}

impl Called {
    fn add(&mut self, tally: Tally) {
        self.slowest = self.slowest.max(tally.slowest());
        for (text, count) in tally.results {
            *self.answers.entry(island_in(&text)).or_default() += count;
        }
        for (error, count) in tally.errors {
            *self.failed.entry(error).or_default() += count;
        }
    }
}

/// Calls that go on.
pub struct Load {
    is_over: AtomicBool,
    so_far: Mutex<BTreeMap<String, Called>>,
}

impl Load {
    /// Waits until every consumer has been answered by this island from now on.
    pub fn goes_to(&self, island: &str) {
        let answers = || -> Vec<u64> {
            self.so_far().values().map(|called| called.answers.get(island).copied().unwrap_or_default()).collect()
        };
        // What a consumer tells next may be of a moment ago.
        for _ in 0..2 {
            let before = answers();
            let all_grew = || answers().iter().zip(&before).all(|(now, before)| now > before).then_some(());
            until(&format!("every consumer is answered by {island}"), FOLLOWED, all_grew).unwrap();
        }
    }

    fn so_far(&self) -> MutexGuard<'_, BTreeMap<String, Called>> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the calls however the change ends.
struct Ends<'a>(&'a Load);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

/// Every consumer calls while something is done; gives what became of all calls of each.
pub fn while_all_call(stage: &Stage, call: &Call, does: impl FnOnce(&Load)) -> BTreeMap<String, Called> {
    let none = stage.consumers.iter().map(|(name, _)| (name.clone(), Called::default())).collect();
    let load = Load { is_over: AtomicBool::new(false), so_far: Mutex::new(none) };
    std::thread::scope(|scope| {
        let ends = Ends(&load);
        for (name, consumer) in &stage.consumers {
            let (load, round) = (&load, call.clone().lasting(2, ROUND, PAUSE));
            scope.spawn(move || {
                while !load.is_over.load(Ordering::Relaxed) {
                    let tally = consumer.many(&round).unwrap();
                    load.so_far().entry(name.clone()).or_default().add(tally);
                }
            });
        }
        does(&load);
        drop(ends);
    });
    load.so_far.into_inner().unwrap_or_else(PoisonError::into_inner)
}
