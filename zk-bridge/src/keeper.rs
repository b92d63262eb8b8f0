//! The thread on which sessions are kept alive, so that they are while a gateway computes.
//!
//! A session ends when nothing is said for a few seconds. The thread of a program's control loop may be busy for longer
//! than that: with 10 000 services, every change is a plan over all of them. So the client crate's task, which pings,
//! lives here and does nothing else. It never computes anything of ours.
//!
//! Nor does it ever end a session because the control loop is late. How long that may compute has no bound that holds on every
//! machine, and meanwhile the shards, threads of their own, carry calls by the last state: without the session consumers would lose what
//! works. A control thread that never turns again is for whoever restarts processes to see, at `/livez`.

use std::future::Future;
use std::time::Duration;

use tokio::runtime;
use tokio::sync::oneshot;

/// A session that is dropped is closed by its task; for so long it has the time to.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);

/// The thread; it ends a moment after this is dropped.
pub(crate) struct Keeper {
    runtime: runtime::Handle,
    _alive: oneshot::Sender<()>,
}

impl Keeper {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives no thread, or no means to wait in it.
    pub(crate) fn start() -> std::io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (alive, mut ended) = oneshot::channel::<()>();
        std::thread::Builder::new().name("zookeeper".into()).spawn(move || {
            runtime.block_on(async {
                // An error is the end of the sender, which is what is waited for.
                let _ = (&mut ended).await;
                tokio::time::sleep(CLOSED_WITHIN).await;
            });
        })?;
        Ok(Self { runtime: handle, _alive: alive })
    }

    /// Runs `work` on the thread, with whatever it spawns. It ends with the caller's interest in it.
    ///
    /// # Errors
    /// It panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, String> {
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn_on(work, &self.runtime);
        match tasks.join_next().await {
            Some(Ok(done)) => Ok(done),
            Some(Err(error)) => Err(format!("the attempt ended by itself: {error}")),
            None => Err("the attempt never began".into()),
        }
    }
}
