//! The dirty list and the task that empties it once a turn. It never reads and never waits for a socket.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use crate::Shard;

/// Something that gathers bytes during a turn and writes them at its end.
pub trait Flush {
    /// Writes what was gathered without waiting; what does not fit is the implementor's to write when its socket is writable again.
    fn flush(&self);
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
                item.flush();
            }
        }
    }))
    .await;
}
