//! Everything that runs has an owner, and a panic anywhere is an error of the process.
//!
//! A task or thread that returns an error or panics ends the process with exit code 1 and a line that names it; one that
//! returns `Ok` has simply ended. Restarting anything is the business of the task itself.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinHandle};

/// Owner of all tasks and threads of a process; clones are the same owner.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    failed: Arc<Failed>,
}

#[derive(Debug, Default)]
struct Failed {
    first: Mutex<Option<Failure>>,
    told: Notify,
}

/// The first task that failed.
#[derive(Debug, thiserror::Error)]
#[error("{task} failed: {why}")]
pub struct Failure {
    /// The name it was started under.
    pub task: String,
    /// Its error with all causes, or the message of its panic.
    pub why: String,
}

/// A running task. It ends when this is dropped; [`Task::keep`] leaves it to the process.
#[derive(Debug)]
#[must_use = "a dropped task is ended at once; `keep` leaves it to the process"]
pub struct Task {
    abort: Option<AbortHandle>,
}

impl Task {
    /// Lets the task run for as long as its runtime does.
    pub fn keep(mut self) {
        self.abort = None;
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.abort.as_ref().is_none_or(AbortHandle::is_finished)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(task) = &self.abort {
            task.abort();
        }
    }
}

impl Tasks {
    /// An owner of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `future` on the current runtime.
    pub fn spawn<F>(&self, name: impl Into<String>, future: F) -> Task
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let work = tokio::spawn(future);
        let abort = Some(work.abort_handle());
        tokio::spawn(watch(self.clone(), name.into(), work));
        Task { abort }
    }

    /// Runs `future` on the current thread; must be called inside a `LocalSet` (the control thread of
    /// [`crate::run()`] is one, a shard's thread has its own).
    pub fn spawn_local<F>(&self, name: impl Into<String>, future: F) -> Task
    where
        F: Future<Output = anyhow::Result<()>> + 'static,
    {
        let work = tokio::task::spawn_local(future);
        let abort = Some(work.abort_handle());
        tokio::task::spawn_local(watch(self.clone(), name.into(), work));
        Task { abort }
    }

    /// Runs `work` on a thread of its own (a shard, a blocking writer). The thread cannot be ended from outside: it
    /// listens to the drain, or ends with the process.
    ///
    /// # Errors
    /// The system refused the thread.
    pub fn thread<F>(&self, name: impl Into<String>, work: F) -> std::io::Result<()>
    where
        F: FnOnce() -> anyhow::Result<()> + Send + 'static,
    {
        let name = name.into();
        let tasks = self.clone();
        std::thread::Builder::new().name(name.clone()).spawn(move || {
            match std::panic::catch_unwind(AssertUnwindSafe(work)) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tasks.fail(name, format!("{error:#}")),
                Err(panic) => tasks.fail(name, panic_text(panic.as_ref())),
            }
        })?;
        Ok(())
    }

    /// Declares the process failed, from wherever the failure was noticed. The first failure counts.
    pub fn fail(&self, task: impl Into<String>, why: impl Into<String>) {
        let failure = Failure { task: task.into(), why: why.into() };
        tracing::error!(task = failure.task, why = failure.why, "a task failed");
        self.failed.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
        self.failed.told.notify_one();
    }

    /// Waits for the first failure; for ever if there is none. One waiter at a time. Cancel safe.
    pub async fn failed(&self) -> Failure {
        loop {
            if let Some(failure) = self.failed.first.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return failure;
            }
            self.failed.told.notified().await;
        }
    }
}

async fn watch(tasks: Tasks, name: String, work: JoinHandle<anyhow::Result<()>>) {
    match work.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tasks.fail(name, format!("{error:#}")),
        Err(ended) if ended.is_cancelled() => {}
        Err(ended) => tasks.fail(name, panic_text(ended.into_panic().as_ref())),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn first_failure(tasks: &Tasks) -> Failure {
        tokio::time::timeout(Duration::from_secs(20), tasks.failed()).await.expect("a failure")
    }

    #[tokio::test]
    async fn a_panic_in_a_task_is_a_failure_of_the_process() {
        let tasks = Tasks::new();
        tasks.spawn("the catalogue", async { panic!("no such revision") }).keep();
        let failure = first_failure(&tasks).await;
        assert_eq!(failure.to_string(), "the catalogue failed: it panicked: no such revision");
    }

    #[tokio::test]
    async fn a_panic_in_a_thread_is_a_failure_of_the_process() {
        let tasks = Tasks::new();
        tasks.thread("shard 0", || panic!("out of {}", "ids")).unwrap();
        assert_eq!(first_failure(&tasks).await.why, "it panicked: out of ids");
    }

    #[tokio::test]
    async fn an_error_is_told_with_its_causes() {
        let tasks = Tasks::new();
        let error = anyhow::anyhow!("connection refused").context("hub is out of reach");
        tasks.thread("link", move || Err(error)).unwrap();
        assert_eq!(first_failure(&tasks).await.why, "hub is out of reach: connection refused");
    }

    #[tokio::test]
    async fn a_dropped_task_ends_and_is_no_failure() {
        let tasks = Tasks::new();
        let (alive, gone) = tokio::sync::oneshot::channel::<()>();
        let task = tasks.spawn("idle", async move {
            let _alive = alive;
            std::future::pending().await
        });
        assert!(!task.is_finished());
        drop(task);
        tokio::time::timeout(Duration::from_secs(20), gone).await.expect("the end").unwrap_err();
        tasks.thread("second", || anyhow::bail!("real")).unwrap();
        assert_eq!(first_failure(&tasks).await.task, "second");
    }

    #[tokio::test]
    async fn a_kept_task_goes_on() {
        let tasks = Tasks::new();
        let (done, seen) = tokio::sync::oneshot::channel();
        tasks
            .spawn("worker", async move {
                tokio::task::yield_now().await;
                let _ = done.send(7);
                Ok(())
            })
            .keep();
        assert_eq!(seen.await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_local_task_may_hold_what_no_other_thread_may_see() {
        let tasks = Tasks::new();
        let set = tokio::task::LocalSet::new();
        set.run_until(async {
            let shared = std::rc::Rc::new(1);
            tasks.spawn_local("local", async move { anyhow::bail!("{shared}") }).keep();
            assert_eq!(first_failure(&tasks).await.why, "1");
        })
        .await;
    }
}
