//! Messages to a shard from other threads: policy that changed, a drain that begins. Never calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::Shard;

type Job = Box<dyn FnOnce(&Shard) + Send>;

/// A handle that posts jobs to one shard. Clones share the mailbox.
#[derive(Clone)]
pub struct Remote(Arc<Mailbox>);

/// Jobs that may wait for a shard: one that takes none for so long hangs, and what is posted to it goes nowhere.
const JOBS_MAX: usize = 4096;

struct Mailbox {
    /// `None` once the shard has ended.
    jobs: Mutex<Option<Vec<Job>>>,
    filled: Notify,
}

impl Mailbox {
    fn jobs(&self) -> MutexGuard<'_, Option<Vec<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remote {
    pub(crate) fn new() -> Remote {
        Remote(Arc::new(Mailbox { jobs: Mutex::new(Some(Vec::new())), filled: Notify::new() }))
    }

    /// Runs `job` on the shard, after all jobs that were posted before. A shard that has ended, or takes no jobs, never runs it.
    pub fn post(&self, job: impl FnOnce(&Shard) + Send + 'static) {
        if let Some(jobs) = self.0.jobs().as_mut().filter(|jobs| jobs.len() < JOBS_MAX) {
            jobs.push(Box::new(job));
        }
        self.0.filled.notify_one();
    }

    /// Runs `job` on the shard and brings its result; `None` if the shard has ended before it could run.
    pub async fn ask<T: Send + 'static>(&self, job: impl FnOnce(&Shard) -> T + Send + 'static) -> Option<T> {
        let (answer_in, answer) = tokio::sync::oneshot::channel();
        self.post(move |shard| drop(answer_in.send(job(shard))));
        answer.await.ok()
    }
}

struct End(Remote);

impl Drop for End {
    // Whoever asks an ended shard must learn it: the jobs go, and with them the answers' senders.
    fn drop(&mut self) {
        let jobs = self.0.0.jobs().take();
        drop(jobs);
    }
}

/// Runs what is posted, until it is dropped; that is the shard's end, also where it was never polled.
pub(crate) fn run(shard: Shard) -> impl Future<Output = ()> {
    let end = End(shard.remote());
    async move {
        loop {
            let jobs = end.0.0.jobs().as_mut().map(std::mem::take).unwrap_or_default();
            if jobs.is_empty() {
                end.0.0.filled.notified().await;
            }
            for job in jobs {
                job(&shard);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(remote: &Remote) -> Option<usize> {
        let within = std::time::Duration::from_secs(10);
        let answer = async { tokio::time::timeout(within, remote.ask(|_| 1)).await };
        crate::runtime().unwrap().block_on(answer).expect("an answer, or the word that there is none")
    }

    /// Such a job once stayed in the mailbox together with the sender of its answer, and was waited for without end.
    #[test]
    fn a_shard_that_has_ended_answers_nobody_also_who_asks_later() {
        let remote = crate::runtime().unwrap().block_on(async { Shard::on_this_thread(3).remote() });
        assert_eq!(asked(&remote), None);
    }

    #[test]
    fn what_is_posted_to_a_shard_that_takes_nothing_is_bounded() {
        let remote = Remote::new();
        let held = Arc::new(());
        for _ in 0..2 * JOBS_MAX {
            let held = held.clone();
            remote.post(move |_| drop(held));
        }
        assert_eq!(Arc::strong_count(&held), JOBS_MAX + 1);
        drop(End(remote.clone()));
        assert_eq!((Arc::strong_count(&held), asked(&remote)), (1, None));
    }
}
