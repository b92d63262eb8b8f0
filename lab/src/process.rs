//! A child process of the lab: started in its place, its words kept in a file, ended by its id.
//!
//! It never outlives its value, and by the [`reaper`] never the run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::reaper;

/// How often a condition is looked at again.
const LOOK: Duration = Duration::from_millis(10);

/// Where stdout goes; stderr always goes to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdout {
    /// To the log.
    Logged,
    /// Spoken with: stdin and stdout are pipes, see [`Process::take_pipes`].
    Piped,
}

/// A running child.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: Pid,
    child: Mutex<Child>,
    log: PathBuf,
}

impl Process {
    /// Starts it. The log `NAME.log` in the folder is appended to, so that a restarted process keeps its past.
    ///
    /// # Errors
    /// The program is not there or cannot be run.
    pub fn start(name: &str, folder: &Path, mut command: Command, stdout: Stdout) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log)?;
        command.stderr(file.try_clone()?);
        match stdout {
            Stdout::Logged => command.stdin(Stdio::null()).stdout(file),
            Stdout::Piped => command.stdin(Stdio::piped()).stdout(Stdio::piped()),
        };
        let mut child = command.spawn().with_context(|| format!("cannot start {name}: {command:?}"))?;
        let pid = Pid::from_child(&child);
        if let Err(error) = reaper::tell("pid", &child.id().to_string()) {
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
        Ok(Process { name: name.to_owned(), pid, child: Mutex::new(child), log })
    }

    /// Both pipes of a process that was started with [`Stdout::Piped`]; once.
    ///
    /// # Errors
    /// They were taken before, or there are none.
    pub fn take_pipes(&self) -> Result<(ChildStdin, ChildStdout)> {
        let mut child = self.child();
        let pipes = child.stdin.take().zip(child.stdout.take());
        pipes.with_context(|| format!("{} has no pipes", self.name))
    }

    /// The id of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Its id while it runs.
    #[must_use]
    pub fn running(&self) -> Option<u32> {
        self.ended().is_ok_and(|status| status.is_none()).then(|| self.id())
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// It has ended already.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        // Under the lock it has not been waited for, so the id is still its own.
        let mut child = self.child();
        if let Some(status) = child.try_wait()? {
            bail!("{} has ended by itself with {status}", self.name);
        }
        kill_process(self.pid, signal).with_context(|| format!("cannot signal {}", self.name))
    }

    /// Ends it without a word and waits for its end.
    pub fn kill(&self) {
        let mut child = self.child();
        // An error means that it is dead already, which is what is wanted.
        let _ = child.kill();
        let _ = child.wait();
        let _ = reaper::tell("gone", &child.id().to_string());
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// It did not end in time, and was killed.
    pub fn terminate(&self, within: Duration) -> Result<ExitStatus> {
        if self.ended()?.is_none() {
            self.signal(Signal::TERM)?;
        }
        self.wait(within)
    }

    /// Waits for it to end by itself.
    ///
    /// # Errors
    /// It did not end in time, and was killed.
    pub fn wait(&self, within: Duration) -> Result<ExitStatus> {
        let end = Instant::now() + within;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if Instant::now() >= end {
                self.kill();
                bail!("{} did not end within {within:?}", self.name);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn ended(&self) -> Result<Option<ExitStatus>> {
        let mut child = self.child();
        let status = child.try_wait()?;
        if status.is_some() {
            let _ = reaper::tell("gone", &child.id().to_string());
        }
        Ok(status)
    }

    /// All that it has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The last lines of it, with its name on top: for the report of a failed test.
    #[must_use]
    pub fn last_words(&self, lines: usize) -> String {
        let log = self.log();
        let all: Vec<&str> = log.lines().collect();
        let last = all[all.len().saturating_sub(lines)..].join("\n");
        format!("--- {} (process {})\n{last}\n", self.name, self.id())
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until a condition holds: `Some` is the answer, `None` means not yet.
///
/// # Errors
/// It does not hold within the time; `what` is then named.
pub fn until<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> Result<T> {
    let end = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if Instant::now() >= end {
            bail!("{what}: not within {within:?}");
        }
        std::thread::sleep(LOOK);
    }
}

/// Does something for each side by side; the results in their order.
///
/// # Errors
/// The first one that failed, after all have ended.
///
/// # Panics
/// As what was done for one of them.
pub fn together<T: Send, R: Send>(all: Vec<T>, each: impl Fn(T) -> Result<R> + Sync) -> Result<Vec<R>> {
    std::thread::scope(|scope| {
        let each = &each;
        let running: Vec<_> = all.into_iter().map(|one| scope.spawn(move || each(one))).collect();
        let ended: Vec<_> = running.into_iter().map(|one| one.join()).collect();
        ended.into_iter().map(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}
