//! Ending without cutting anybody off: tell by dropping, know by counting, with a deadline.
//!
//! [`Teller`] is dropped, every [`Drain`] hears it; each piece of work in flight carries a [`Hold`], and the drain is over
//! when the last hold is gone or the deadline has passed. Works across threads and runtimes; takes no lock on the path
//! (taking a hold is one atomic addition).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

#[derive(Debug, Default)]
struct Held {
    count: AtomicU64,
    none_left: Notify,
}

/// The one end that tells. Dropping it asks everybody to drain.
#[derive(Debug)]
pub struct Teller {
    asked: watch::Sender<()>,
    held: Arc<Held>,
}

/// The many ends that hear and hold.
#[derive(Debug, Clone)]
pub struct Drain {
    asked: watch::Receiver<()>,
    held: Arc<Held>,
}

/// One piece of work that a drain waits for.
#[derive(Debug)]
pub struct Hold {
    held: Arc<Held>,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Nothing was left in flight.
    Empty,
    /// The deadline passed with so many holds left.
    Left(u64),
}

/// A teller and the first of its drains.
#[must_use]
pub fn pair() -> (Teller, Drain) {
    let (asked, hears) = watch::channel(());
    let held = Arc::new(Held::default());
    (Teller { asked, held: held.clone() }, Drain { asked: hears, held })
}

impl Teller {
    /// Tells everybody, then waits until no hold is left, at most for `within`.
    pub async fn drain(self, within: Duration) -> Drained {
        let Self { asked, held } = self;
        drop(asked);
        match tokio::time::timeout(within, held.empty()).await {
            Ok(()) => Drained::Empty,
            Err(_) => Drained::Left(held.count.load(Ordering::Acquire)),
        }
    }
}

impl Held {
    async fn empty(&self) {
        loop {
            let woken = self.none_left.notified();
            if self.count.load(Ordering::Acquire) == 0 {
                return;
            }
            woken.await;
        }
    }
}

impl Drain {
    /// Resolves when the drain is asked for, at once if it already was. Cancel safe.
    pub async fn asked(&self) {
        let mut hears = self.asked.clone();
        // No value is ever sent: the only end of this wait is the teller's drop.
        while hears.changed().await.is_ok() {}
    }

    /// Whether the drain has been asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked.has_changed().is_err()
    }

    /// Makes the drain wait until the returned hold is dropped. Work that starts after the drain was asked for should be
    /// refused instead; whoever has to do something *because of* the drain takes its hold beforehand.
    #[must_use]
    pub fn hold(&self) -> Hold {
        self.held.count.fetch_add(1, Ordering::Relaxed);
        Hold { held: self.held.clone() }
    }

    /// How many holds there are.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held.count.load(Ordering::Relaxed)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.held.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.held.none_left.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn dropping_the_teller_tells_everybody() {
        let (teller, drain) = pair();
        let other = drain.clone();
        assert!(!other.is_asked());
        drop(teller);
        other.asked().await;
        assert!(drain.is_asked());
    }

    #[tokio::test]
    async fn a_drain_waits_for_the_last_hold() {
        let (teller, drain) = pair();
        let (first, second) = (drain.hold(), drain.hold());
        let waiting = tokio::spawn(teller.drain(Duration::from_secs(30)));
        drain.asked().await;
        drop(first);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(second);
        assert_eq!(waiting.await.unwrap(), Drained::Empty);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_ends_at_its_deadline_and_says_what_is_left() {
        let (teller, drain) = pair();
        let _held = drain.hold();
        assert_eq!(teller.drain(Duration::from_secs(5)).await, Drained::Left(1));
    }

    #[tokio::test]
    async fn a_hold_of_another_thread_counts() {
        let (teller, drain) = pair();
        let hold = drain.hold();
        let thread = std::thread::spawn(move || {
            while !drain.is_asked() {
                std::thread::yield_now();
            }
            drop(hold);
        });
        assert_eq!(teller.drain(Duration::from_secs(30)).await, Drained::Empty);
        thread.join().unwrap();
    }
}
