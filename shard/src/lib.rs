//! One core: a thread with its own runtime, its own sockets and one flush a turn. It never speaks a protocol,
//! never shares a connection with another shard and never locks on the path of a call.
//!
//! ```text
//!   socket ─read─▶ scratch ─slice─▶ Session::received ─append─▶ out-buffer of another socket ─▶ dirty list
//!                                                                                                  │
//!      after every reader that was ready in this turn has run:       Flusher ◀─────────────────────┘ one write each
//! ```
//!
//! The order needs no scheduler of ours: tokio's current-thread queue is first in, first out, readers are queued when
//! the poll returns, and the flusher queues itself behind them when the first of them marks something dirty.
//! Measured against a channel and a writer task this halves the CPU of a call on a busy link (ARCHITECTURE.md, speed).
//!
//! * [`Shard`], [`spawn`]: the threads; [`Remote`]: the rare message from outside.
//! * [`Conn`], [`Session`]: a TCP connection and what is done with its bytes; [`listen`], [`connect`].
//! * [`tls`]: what may lie between a connection and its socket.
//! * [`Flush`]: anything that wants one write a turn.
//! * [`Slots`]: pending calls by ids that are never reused; [`Wheel`]: their deadlines; [`Budget`]: bytes that are held;
//!   [`Begun`]: frames that are slow to arrive.

mod budget;
mod catch;
mod conn;
mod flush;
mod pace;
mod remote;
mod rest;
mod session;
mod slots;
mod socket;
pub mod tls;
mod untaken;
mod wheel;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;
use std::{io, thread};

pub use budget::{Budget, Permit};
pub use catch::{Panicked, catch};
pub use conn::Conn;
pub use flush::Flush;
pub use pace::{Begun, Patience, Progress};
pub use remote::Remote;
pub use session::{Close, Session, Taken};
pub use slots::{Key, Slots};
pub use socket::{Accepted, connect, listen};
pub use untaken::NoRoom;
pub use wheel::{TICK, Wheel};

use flush::Flusher;

/// Bytes one read can take. Large enough that a busy link brings hundreds of calls a read, small enough for the cache.
pub const SCRATCH_LEN: usize = 256 * 1024;

/// How many out-buffers a shard keeps for the next turn; more than this many sockets written in one turn allocate.
const SPARE_BUFFERS: usize = 256;
/// So many tasks run before it is looked for sockets that became ready: connections that always have something to read must
/// not hold up those that have just got it.
const TURN_TASKS: u32 = 16;
/// A larger out-buffer is given back to the allocator after its flush.
const SPARE_BUFFER_LEN: usize = 64 * 1024;

/// A handle on the shard that runs the current thread. Clones are one reference count; it cannot leave its thread.
#[derive(Clone)]
pub struct Shard(Rc<Inner>);

struct Inner {
    index: usize,
    flusher: Flusher,
    scratch: Cell<Vec<u8>>,
    sealed: Cell<Vec<u8>>,
    spare: RefCell<Vec<Vec<u8>>>,
    remote: Remote,
}

impl Shard {
    /// A shard on the current thread, which must run a [`tokio::runtime::LocalRuntime`]; tests use it directly, programs [`spawn`].
    pub fn on_this_thread(index: usize) -> Shard {
        let shard = Shard(Rc::new(Inner {
            index,
            flusher: Flusher::default(),
            scratch: Cell::new(Vec::new()),
            sealed: Cell::new(Vec::new()),
            spare: RefCell::new(Vec::new()),
            remote: Remote::new(),
        }));
        shard.run(flush::run(shard.clone()));
        shard.run(remote::run(shard.clone()));
        shard
    }

    /// The shard's number, from 0.
    pub fn index(&self) -> usize {
        self.0.index
    }

    /// A handle for other threads.
    pub fn remote(&self) -> Remote {
        self.0.remote.clone()
    }

    /// Runs a task on this shard until it ends or the shard does. A panic in it ends the task alone and is printed by the panic hook.
    pub fn run(&self, task: impl Future<Output = ()> + 'static) {
        drop(tokio::task::spawn_local(task));
    }

    /// Calls `tick` every `period` for the life of the shard: one timer for all deadlines of a [`Wheel`]. A panic in it ends that
    /// one call.
    pub fn every(&self, period: Duration, mut tick: impl FnMut() + 'static) {
        self.run(async move {
            let mut ticks = tokio::time::interval(period);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let _ = catch("a tick of the shard", &mut tick);
            }
        });
    }

    /// Asks for one [`Flush::flush`] after all readers that are ready in this turn. The caller keeps a flag so that it asks once a turn.
    pub fn mark(&self, dirty: Rc<dyn Flush>) {
        self.0.flusher.mark(dirty);
    }

    /// Lends the shard's read buffer of [`SCRATCH_LEN`] bytes. A nested loan gets a fresh buffer.
    pub fn with_scratch<R>(&self, read: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut scratch = self.0.scratch.take();
        if scratch.len() != SCRATCH_LEN {
            scratch = vec![0; SCRATCH_LEN];
        }
        let result = read(&mut scratch);
        self.0.scratch.set(scratch);
        result
    }

    /// Lends the buffer for bytes that are still sealed; a shard without TLS never makes it.
    pub(crate) fn with_sealed<R>(&self, read: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut sealed = self.0.sealed.take();
        if sealed.is_empty() {
            sealed = vec![0; tls::session::SEALED_LEN];
        }
        let result = read(&mut sealed);
        self.0.sealed.set(sealed);
        result
    }

    /// An empty buffer, reused from an earlier turn where there is one.
    pub fn buffer(&self) -> Vec<u8> {
        self.0.spare.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes a buffer back for the next turn.
    pub fn recycle(&self, mut buffer: Vec<u8>) {
        let mut spare = self.0.spare.borrow_mut();
        if (1..=SPARE_BUFFER_LEN).contains(&buffer.capacity()) && spare.len() < SPARE_BUFFERS {
            buffer.clear();
            spare.push(buffer);
        }
    }
}

/// Threads made by [`spawn`]. Dropping it leaves them running; [`Shards::ended`] waits.
pub struct Shards {
    remotes: Vec<Remote>,
    ended: tokio::sync::mpsc::Receiver<Ended>,
    left: usize,
}

/// How one shard ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its future is complete.
    Done,
    /// Its main future panicked; the process should stop.
    Panicked,
}

impl Shards {
    /// Handles of all shards, in the order of their numbers.
    pub fn remotes(&self) -> &[Remote] {
        &self.remotes
    }

    /// Waits until a shard has ended; `None` when all have. Cancel safe.
    pub async fn ended(&mut self) -> Option<Ended> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        self.ended.recv().await
    }
}

/// Starts `count` shards; each runs `start(shard)` to its end on a thread of its own named `name-index`.
///
/// # Errors
/// A thread or a runtime cannot be made. Shards that were started before end with the process.
pub fn spawn<F, Fut>(count: usize, name: &str, start: F) -> io::Result<Shards>
where
    F: Fn(Shard) -> Fut + Send + Clone + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let (ended_in, ended) = tokio::sync::mpsc::channel(count.max(1));
    let mut remotes = Vec::with_capacity(count);
    for index in 0..count {
        let (start, ended_in) = (start.clone(), ended_in.clone());
        let (ready_in, ready) = std::sync::mpsc::sync_channel(1);
        thread::Builder::new().name(format!("{name}-{index}")).spawn(move || {
            let report = Report(ended_in, Ended::Panicked);
            let runtime = match runtime() {
                Ok(runtime) => runtime,
                Err(error) => return drop(ready_in.send(Err(error))),
            };
            runtime.block_on(async move {
                let shard = Shard::on_this_thread(index);
                let _ = ready_in.send(Ok(shard.remote()));
                start(shard).await;
            });
            report.done();
        })?;
        remotes.push(ready.recv().map_err(|_| io::Error::other("a shard's thread ended while it started"))??);
    }
    Ok(Shards { remotes, ended, left: count })
}

/// The runtime a shard runs on: one thread, `!Send` tasks, timers and sockets.
///
/// # Errors
/// The system refuses an event queue.
pub fn runtime() -> io::Result<tokio::runtime::LocalRuntime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .event_interval(TURN_TASKS)
        .build_local(Default::default())
}

struct Report(tokio::sync::mpsc::Sender<Ended>, Ended);

impl Report {
    fn done(mut self) {
        self.1 = Ended::Done;
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let _ = self.0.try_send(self.1);
    }
}

/// TCP keep-alive of every connection: the first probe after this much silence, so that a vanished peer frees its socket.
pub(crate) const KEEPALIVE: Duration = Duration::from_secs(60);
