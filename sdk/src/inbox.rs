//! The way of calls from whatever thread makes them to the shard that sends them: what comes together is taken together.
//!
//! It holds a bounded number of calls; one more is given back to its caller at once.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::job::Job;

/// Calls that the shard has not taken yet.
#[derive(Debug)]
pub(crate) struct Inbox {
    /// `None` once nobody takes any more.
    jobs: Mutex<Option<Vec<Job>>>,
    filled: Notify,
    limit: usize,
}

/// Why a call was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Ended,
}

impl Inbox {
    pub fn new(limit: usize) -> Self {
        Self { jobs: Mutex::new(Some(Vec::new())), filled: Notify::new(), limit }
    }

    /// Puts a call in.
    pub fn put(&self, job: Job) -> Result<(), Refused> {
        let mut jobs = self.jobs();
        let waiting = jobs.as_mut().ok_or(Refused::Ended)?;
        if waiting.len() >= self.limit {
            return Err(Refused::Full);
        }
        waiting.push(job);
        let is_first = waiting.len() == 1;
        drop(jobs);
        // Who is behind another is taken with it.
        if is_first {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// All that have come, once there are some; `None` after [`Inbox::close`]. Cancel safe. `spare` is filled next.
    pub async fn take(&self, spare: &mut Vec<Job>) -> Option<Vec<Job>> {
        loop {
            match self.jobs().as_mut() {
                None => return None,
                Some(jobs) if !jobs.is_empty() => return Some(std::mem::replace(jobs, std::mem::take(spare))),
                Some(_) => {}
            }
            self.filled.notified().await;
        }
    }

    /// Nothing is taken any more: what waits is dropped, which its callers learn.
    pub fn close(&self) {
        let dropped = self.jobs().take();
        self.filled.notify_one();
        drop(dropped);
    }

    fn jobs(&self) -> MutexGuard<'_, Option<Vec<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
