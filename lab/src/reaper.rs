//! Ends what a run has started, however the run itself ends: a return, a panic, Ctrl-C or `kill -9`.
//!
//! A small process of its own reads lines from a pipe whose other end only the run holds, and short commands that are just making something
//! for it. When the pipe closes, the run is over, and what is still on the list goes: processes first, then namespaces, then folders.
//!
//! ```text
//!   pid 4711        is running           net hw812-0-a     was made          dir /tmp/…     was made
//!   gone 4711       was waited for       unmade hw812-0-a  was removed       keep /tmp/…    is to stay
//!   hold /run/…     is to be locked until the end                                 (or a file)
//! ```
//!
//! It ends nothing that it was not told of.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::helper;

/// The run's end of the pipe; it lives as long as the process.
static PIPE: OnceLock<Option<Mutex<ChildStdin>>> = OnceLock::new();

/// Puts a line on the list, or takes one off.
///
/// # Errors
/// The reaper cannot be started, or has died.
pub(crate) fn tell(verb: &str, what: &str) -> Result<()> {
    writeln!(lock()?, "{verb} {what}").context("the lab's reaper is gone")
}

/// For the stdin of a short command that makes something: the reaper does not begin before it has ended. It must not read.
///
/// # Errors
/// As [`tell`].
pub(crate) fn awaited() -> Result<Stdio> {
    Ok(Stdio::from(lock()?.as_fd().try_clone_to_owned()?))
}

fn lock() -> Result<MutexGuard<'static, ChildStdin>> {
    let pipe = PIPE.get_or_init(|| start().inspect_err(|error| eprintln!("lab: no reaper: {error:#}")).ok());
    let pipe = pipe.as_ref().context("the lab's reaper did not start")?;
    Ok(pipe.lock().unwrap_or_else(PoisonError::into_inner))
}

fn start() -> Result<Mutex<ChildStdin>> {
    // A group of its own: Ctrl-C ends the run, and then the reaper does its work.
    let mut child = Command::new(helper::program()?)
        .arg("reap")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .context("cannot start the reaper")?;
    child.stdin.take().map(Mutex::new).context("the reaper has no stdin")
}

/// The reaper's own life: reads until the pipe closes, then clears up.
pub(crate) fn reap(lines: impl BufRead) {
    let (mut pids, mut nets, mut folders) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    // Kept to the end: who waits for the lock waits until all is cleared away.
    let mut held = Vec::new();
    for line in lines.lines().map_while(Result::ok) {
        let Some((verb, what)) = line.split_once(' ') else { continue };
        let what = what.to_owned();
        match verb {
            "pid" => pids.insert(what),
            "gone" => pids.remove(&what),
            "net" => nets.insert(what),
            "unmade" => nets.remove(&what),
            "dir" => folders.insert(what),
            "keep" => folders.remove(&what),
            "hold" => {
                held.extend(File::create(&what).and_then(|file| file.lock().map(|()| file)));
                true
            }
            _ => false,
        };
    }
    for pid in &pids {
        end(pid);
    }
    for net in &nets {
        remove_namespace(net);
    }
    for folder in &folders {
        // Best effort, by root where it was made by root.
        let _ = fs::remove_dir_all(folder).or_else(|_| fs::remove_file(folder));
    }
}

/// Ends every process inside a namespace of ours, then the namespace.
pub(crate) fn remove_namespace(name: &str) {
    let inside = Command::new("ip").args(["netns", "pids", name]).output();
    for pid in String::from_utf8_lossy(&inside.map(|output| output.stdout).unwrap_or_default()).lines() {
        end(pid);
    }
    let _ = Command::new("ip").args(["netns", "del", name]).stderr(Stdio::null()).status();
}

fn end(pid: &str) {
    if let Some(pid) = pid.trim().parse().ok().and_then(Pid::from_raw) {
        // It may have ended by itself in the meantime, which is just as well.
        let _ = kill_process(pid, Signal::KILL);
    }
}
