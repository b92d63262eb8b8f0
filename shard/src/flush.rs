//! The dirty list and the task that empties it once a turn. It never reads and never waits for a socket.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use crate::{Shard, catch};

/// Something that gathers bytes during a turn and writes them at its end.
pub trait Flush {
    /// Writes what was gathered without waiting; what does not fit is the implementor's to write when its socket is writable again.
    fn flush(&self);

    /// [`Flush::flush`] has panicked: ends what it was to write. Nothing, where nothing can be left half done.
    fn panicked(&self) {}
}

#[derive(Default)]
pub(crate) struct Flusher {
    dirty: RefCell<Vec<Rc<dyn Flush>>>,
    waker: RefCell<Option<Waker>>,
}

impl Flusher {
    pub(crate) fn mark(&self, item: Rc<dyn Flush>) {
        let mut dirty = self.dirty.borrow_mut();
        dirty.push(item);
        if dirty.len() == 1
            && let Some(waker) = &*self.waker.borrow()
        {
            waker.wake_by_ref();
        }
    }
}

/// Runs for the life of the shard. Unconstrained: tokio's cooperative budget would make the 129th socket of a turn look blocked.
pub(crate) async fn run(shard: Shard) {
    let mut turn: Vec<Rc<dyn Flush>> = Vec::new();
    tokio::task::coop::unconstrained(poll_fn(|cx| {
        let flusher = &shard.0.flusher;
        if flusher.waker.borrow().as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            *flusher.waker.borrow_mut() = Some(cx.waker().clone());
        }
        loop {
            std::mem::swap(&mut turn, &mut *flusher.dirty.borrow_mut());
            if turn.is_empty() {
                return Poll::<()>::Pending;
            }
            for item in turn.drain(..) {
                if catch("a flush", || item.flush()).is_err() {
                    let _ = catch("the end of what could not be flushed", || item.panicked());
                }
            }
        }
    }))
    .await;
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[derive(Default)]
    struct Item {
        panics: bool,
        flushed: Cell<bool>,
        ended: Cell<bool>,
    }

    impl Flush for Item {
        fn flush(&self) {
            assert!(!self.panics, "as the test wants it");
            self.flushed.set(true);
        }

        fn panicked(&self) {
            self.ended.set(true);
        }
    }

    #[test]
    fn a_flush_that_panics_ends_its_own_and_everybody_else_is_flushed_still() {
        crate::runtime().unwrap().block_on(async {
            let shard = Shard::on_this_thread(0);
            let ticks = Rc::new(Cell::new(0));
            let ticked = ticks.clone();
            shard.every(std::time::Duration::from_millis(1), move || {
                ticked.set(ticked.get() + 1);
                assert!(ticked.get() != 1, "as the test wants it");
            });
            for _ in 0..2 {
                let (bad, good) = (Rc::new(Item { panics: true, ..Item::default() }), Rc::new(Item::default()));
                shard.mark(bad.clone());
                shard.mark(good.clone());
                while !good.flushed.get() {
                    tokio::task::yield_now().await;
                }
                assert!(bad.ended.get());
            }
            while ticks.get() < 3 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        });
    }
}
