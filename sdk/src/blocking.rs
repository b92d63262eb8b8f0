//! Waiting for a call in a thread that is not asynchronous: it is parked until the shard has the answer.
//!
//! It starts no runtime and no thread, and never stops one that runs tasks: there a call ends before it is made.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::Handle;
use tokio::task::coop::{has_budget_remaining, poll_proceed};

/// Whether this thread runs a task of tokio.
///
/// That there is a runtime says nothing: it is there in threads of `spawn_blocking` and `block_in_place`, too. But tokio lets each task
/// do so much at a time, and those as much as they want. How much is left nobody tells, so it is used up, and given back.
pub(crate) fn is_in_task() -> bool {
    if Handle::try_current().is_err() {
        return false;
    }
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(_gives_all_back) = poll_proceed(&mut context) else { return true };
    // Tokio counts in a `u8`.
    for _ in 0..=u8::MAX {
        if !has_budget_remaining() {
            return true;
        }
        if let Poll::Ready(used) = poll_proceed(&mut context) {
            used.made_progress();
        }
    }
    false
}

struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Parks this thread until the future has ended.
pub(crate) fn wait<F: Future + Unpin>(mut future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Parked(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = Pin::new(&mut future).poll(&mut context) {
            return output;
        }
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;
    use tokio::task;

    use super::*;

    #[test]
    fn a_task_is_told_from_a_thread_that_may_wait() {
        assert!(!is_in_task(), "a plain thread");
        let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let entered = runtime.enter();
        assert!(!is_in_task(), "a plain thread that knows a runtime");
        drop(entered);
        runtime.block_on(async {
            assert!(is_in_task(), "block_on");
            assert!(task::spawn(async { is_in_task() }).await.unwrap(), "a task");
            assert!(!task::spawn_blocking(is_in_task).await.unwrap(), "spawn_blocking");
            let in_place = task::spawn(async { (task::block_in_place(is_in_task), is_in_task()) });
            assert_eq!(in_place.await.unwrap(), (false, true), "block_in_place, and the task around it");
        });
        let one = Builder::new_current_thread().build().unwrap();
        one.block_on(async {
            assert!(is_in_task(), "block_on of one thread");
            assert!(!task::spawn_blocking(is_in_task).await.unwrap(), "spawn_blocking beside one thread");
        });
        task::LocalSet::new().block_on(&one, async {
            assert!(task::spawn_local(async { is_in_task() }).await.unwrap(), "a local task");
        });
    }

    #[tokio::test]
    async fn a_task_has_as_much_left_as_before_it_was_looked_at() {
        let left = || {
            let mut context = Context::from_waker(Waker::noop());
            let Poll::Ready(_gives_all_back) = poll_proceed(&mut context) else { return 0 };
            let mut left = 1;
            while has_budget_remaining() {
                if let Poll::Ready(used) = poll_proceed(&mut context) {
                    used.made_progress();
                }
                left += 1;
            }
            left
        };
        let before = left();
        assert!(before > 1 && is_in_task());
        assert_eq!(left(), before);
        // A task that has nothing left is one all the same.
        while has_budget_remaining() {
            let _ = poll_proceed(&mut Context::from_waker(Waker::noop())).map(|used| used.made_progress());
        }
        assert!(is_in_task());
    }
}
