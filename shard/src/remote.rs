//! Messages to a shard from other threads: policy that changed, a drain that begins. Never calls.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::Shard;

type Job = Box<dyn FnOnce(&Shard) + Send>;

/// A handle that posts jobs to one shard. Clones share the mailbox.
#[derive(Clone)]
pub struct Remote(Arc<Mailbox>);

struct Mailbox {
    jobs: Mutex<Vec<Job>>,
    filled: Notify,
}

impl Remote {
    pub(crate) fn new() -> Remote {
        Remote(Arc::new(Mailbox { jobs: Mutex::new(Vec::new()), filled: Notify::new() }))
    }

    /// Runs `job` on the shard, after all jobs that were posted before. Jobs of a shard that has ended never run.
    pub fn post(&self, job: impl FnOnce(&Shard) + Send + 'static) {
        self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(job));
        self.0.filled.notify_one();
    }

    /// Runs `job` on the shard and brings its result; `None` if the shard has ended before it could run.
    pub async fn ask<T: Send + 'static>(&self, job: impl FnOnce(&Shard) -> T + Send + 'static) -> Option<T> {
        let (answer_in, answer) = tokio::sync::oneshot::channel();
        self.post(move |shard| drop(answer_in.send(job(shard))));
        answer.await.ok()
    }
}

struct Clear(Remote);

impl Drop for Clear {
    // Whoever asks an ended shard must learn it: the jobs go, and with them the answers' senders.
    fn drop(&mut self) {
        self.0.0.jobs.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

pub(crate) async fn run(shard: Shard) {
    let clear = Clear(shard.remote());
    loop {
        let jobs = std::mem::take(&mut *clear.0.0.jobs.lock().unwrap_or_else(PoisonError::into_inner));
        if jobs.is_empty() {
            clear.0.0.filled.notified().await;
        }
        for job in jobs {
            job(&shard);
        }
    }
}
