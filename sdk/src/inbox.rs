//! The way of calls from whatever thread makes them to the shard that sends them: what comes together is taken together.
//!
//! It holds a bounded number of calls; one more is given back to its caller at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::error::CallErrorKind;
use crate::job::Work;

/// Calls that the shard has not taken yet.
#[derive(Debug)]
pub(crate) struct Inbox {
    /// `None` once nobody takes any more.
    jobs: Mutex<Option<Vec<Work>>>,
    filled: Notify,
    limit: usize,
}

/// Closes the inbox however its reader ends: a call that nobody takes would wait for ever.
pub(crate) struct Reading(pub Arc<Inbox>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Why a call was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Ended,
}

impl From<Refused> for CallErrorKind {
    fn from(refused: Refused) -> Self {
        let full = "more calls come than are sent; make fewer at once, or raise `Builder::calls`";
        match refused {
            Refused::Ended => Self::Ended,
            Refused::Full => Self::Busy(full.to_owned()),
        }
    }
}

impl Inbox {
    pub fn new(limit: usize) -> Self {
        Self { jobs: Mutex::new(Some(Vec::new())), filled: Notify::new(), limit }
    }

    /// Puts a call or a question in.
    pub fn put(&self, work: Work) -> Result<(), Refused> {
        let mut jobs = self.jobs();
        let waiting = jobs.as_mut().ok_or(Refused::Ended)?;
        if waiting.len() >= self.limit {
            return Err(Refused::Full);
        }
        waiting.push(work);
        let is_first = waiting.len() == 1;
        drop(jobs);
        // Who is behind another is taken with it.
        if is_first {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// All that have come, once there are some; `None` after [`Inbox::close`]. Cancel safe. `spare` is filled next.
    pub async fn take(&self, spare: &mut Vec<Work>) -> Option<Vec<Work>> {
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

    fn jobs(&self) -> MutexGuard<'_, Option<Vec<Work>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use tokio::sync::oneshot;
    use zk_bridge::ServiceKey;

    use super::*;
    use crate::job::{Ended, Job};
    use crate::request::Request;

    fn job() -> (Work, oneshot::Receiver<Ended>) {
        let request = Request::bare(ServiceKey::new("com.acme.Greeter", None, None), "shop");
        let (reply, answer) = oneshot::channel();
        let job = Job { request, target: None, began: Instant::now(), timeout: None, repeats: 0, reply };
        (Work::Call(job), answer)
    }

    fn wait<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), future).await.unwrap() })
    }

    #[test]
    fn one_more_than_fit_is_given_back_and_fits_once_the_others_were_taken() {
        let inbox = Inbox::new(2);
        let put = || inbox.put(job().0);
        assert_eq!([put(), put(), put()], [Ok(()), Ok(()), Err(Refused::Full)]);
        assert_eq!(wait(inbox.take(&mut Vec::new())).unwrap().len(), 2);
        assert_eq!(put(), Ok(()));
    }

    #[test]
    fn what_comes_while_nobody_looks_is_taken_with_the_next_look() {
        let inbox = Inbox::new(10);
        wait(async {
            let mut spare = Vec::new();
            for _ in 0..3 {
                // A look that is given up takes no call with it, and no word that there is one.
                tokio::select! {
                    biased;
                    _ = inbox.take(&mut spare) => panic!("nothing came"),
                    () = tokio::task::yield_now() => {}
                }
                inbox.put(job().0).unwrap();
                inbox.put(job().0).unwrap();
                assert_eq!(inbox.take(&mut spare).await.unwrap().len(), 2);
            }
        });
    }

    #[test]
    fn no_call_of_many_threads_is_overlooked() {
        let inbox = Arc::new(Inbox::new(1 << 20));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let inbox = inbox.clone();
                std::thread::spawn(move || (0..5000).for_each(|_| inbox.put(job().0).unwrap()))
            })
            .collect();
        wait(async {
            let (mut spare, mut taken) = (Vec::new(), 0);
            while taken < 20_000 {
                let mut jobs = inbox.take(&mut spare).await.unwrap();
                taken += jobs.len();
                jobs.clear();
                spare = jobs;
            }
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }

    #[test]
    fn once_closed_it_takes_nothing_and_tells_those_who_wait() {
        let inbox = Inbox::new(10);
        let (waits, answer) = job();
        inbox.put(waits).unwrap();
        inbox.close();
        wait(async {
            assert!(answer.await.is_err());
            assert!(inbox.take(&mut Vec::new()).await.is_none());
        });
        assert_eq!(inbox.put(job().0), Err(Refused::Ended));
    }
}
