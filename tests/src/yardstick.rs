//! How long this machine let a thread wait that could have run: a yardstick for tests that hold a promise in seconds on a machine that
//! others keep busy.
//!
//! ```text
//!  sleep 20 ms ─▶ woken after 20 ms: nothing ┊ woken after 500 ms: 480 ms in which this machine ran something else
//! ```
//! What took long while the yardstick was late is the machine's; what took long while it was on time is the program's. A wait below
//! [`TICK`] is not counted: that much is in every measurement. It never shortens what is measured otherwise.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long it sleeps each time.
pub const TICK: Duration = Duration::from_millis(20);

/// A thread that notes how late it is woken, until it is dropped.
#[derive(Debug)]
pub struct Yardstick {
    late: Arc<Late>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Late {
    /// When it should have been woken and when it was.
    spans: Mutex<Vec<(Instant, Instant)>>,
    is_over: AtomicBool,
}

impl Yardstick {
    /// Measures from now on.
    #[must_use]
    pub fn start() -> Self {
        let late = Arc::new(Late::default());
        let measured = late.clone();
        let thread = std::thread::spawn(move || {
            while !measured.is_over.load(Ordering::Relaxed) {
                let due = Instant::now() + TICK;
                std::thread::sleep(TICK);
                let woken = Instant::now();
                if woken.saturating_duration_since(due) > TICK {
                    measured.spans.lock().unwrap_or_else(PoisonError::into_inner).push((due, woken));
                }
            }
        });
        Self { late, thread: Some(thread) }
    }

    /// For how long the machine stood still between two moments.
    #[must_use]
    pub fn stalled(&self, from: Instant, until: Instant) -> Duration {
        let spans = self.late.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.iter().map(|(due, woken)| (*woken).min(until).saturating_duration_since((*due).max(from))).sum()
    }
}

impl Drop for Yardstick {
    fn drop(&mut self) {
        self.late.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_late_between_the_two_moments_counts() {
        let yardstick = Yardstick::start();
        let begun = Instant::now() + Duration::from_secs(3600);
        let at = |millis| begun + Duration::from_millis(millis);
        yardstick.late.spans.lock().unwrap().extend([(at(100), at(300)), (at(900), at(1500))]);
        assert_eq!(yardstick.stalled(at(0), at(1000)), Duration::from_millis(300));
        assert_eq!(yardstick.stalled(at(200), at(250)), Duration::from_millis(50));
        assert_eq!(yardstick.stalled(at(400), at(800)), Duration::ZERO);
    }
}
