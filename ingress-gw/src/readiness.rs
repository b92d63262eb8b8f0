//! What `/readyz` waits for: a link to some hub, and every registry read once.

use std::sync::atomic::{AtomicUsize, Ordering};

use chassis::admin::{Condition, Ready};

/// Links of all shards.
pub struct LinksUp {
    count: AtomicUsize,
    condition: Condition,
}

impl LinksUp {
    /// None is up yet.
    pub fn new(ready: &Ready) -> Self {
        let condition = ready.condition("hub");
        condition.unmet("no link to a hub is up yet");
        Self { count: AtomicUsize::new(0), condition }
    }

    /// One more.
    pub fn up(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.condition.met();
    }

    /// One less.
    pub fn down(&self) {
        if self.count.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.condition.unmet("no link to a hub is up");
            // Another shard's link may have come up between the two lines.
            if self.count.load(Ordering::SeqCst) > 0 {
                self.condition.met();
            }
        }
    }
}
