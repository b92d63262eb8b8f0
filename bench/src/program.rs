//! A program that the benchmark starts: it ends with the benchmark, however that ends, and its words go to a file.
//!
//! Started through `bench under`, which asks the kernel for SIGTERM at the parent's death and becomes the program. Never
//! ends a process that it did not start.

use crate::place::Place;
use crate::usage;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Time that a program has to end by itself after SIGTERM; a gateway that drains would take longer, for nobody's good.
const GRACE: Duration = Duration::from_secs(1);
/// Time that a counter has to write its report when it is interrupted.
const REPORT_TIME: Duration = Duration::from_secs(10);
/// Pause between two looks at a condition.
pub const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A running program; dropping it ends it.
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts `program` with `arguments`; stdout and stderr go to `<dir>/<name>.log`.
    ///
    /// # Errors
    /// When the log cannot be made or the program cannot be started.
    pub fn start(name: &str, program: &Path, arguments: &[&str], dir: &Path) -> Result<Self> {
        let log = dir.join(format!("{name}.log"));
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let child = Self::command(program, arguments)?
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {name} ({})", program.display()))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// Starts this program's own `echo` on a free port and says where it listens.
    ///
    /// # Errors
    /// As [`Program::start`]; also when it ends before it listens.
    pub fn start_echo(dir: &Path) -> Result<(Self, SocketAddr)> {
        Self::start_echo_at(&Place::HERE, dir)
    }

    /// The same, in that place.
    ///
    /// # Errors
    /// As [`Program::start`]; also when it ends before it listens.
    pub fn start_echo_at(place: &Place, dir: &Path) -> Result<(Self, SocketAddr)> {
        let log = dir.join("echo.log");
        let (own, listen) = (own_path()?, place.port()?.to_string());
        let (program, arguments) = place.command(&own, &["echo", "--listen", &listen])?;
        let mut child =
            Self::command(&program, &arguments)?.stdout(Stdio::piped()).stderr(File::create(&log)?).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("echo has no stdout")?).read_line(&mut line)?;
        let program = Self { name: "echo".to_owned(), child, log };
        let address = line.trim().strip_prefix("listening on ").and_then(|address| address.parse().ok());
        let address = address.with_context(|| format!("echo said `{}`; {}", line.trim(), program.last_words()))?;
        Ok((program, address))
    }

    fn command(program: &Path, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(own_path()?);
        command.arg("under").arg(program).args(arguments).stdin(Stdio::null());
        Ok(command)
    }

    /// What it is called in reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process and all that it started, as of now.
    pub fn pids(&self) -> Vec<u32> {
        let pid = self.child.id();
        std::iter::once(pid).chain(usage::descendants(pid)).collect()
    }

    /// Its own process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// When it has ended: with its name, exit status and last lines.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended early with {status}; {}", self.name, self.last_words()),
        }
    }

    /// The end of its log, for error messages.
    pub fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let mut lines: Vec<&str> = text.lines().rev().take(8).collect();
        lines.reverse();
        format!("its log ends with:\n{}", lines.join("\n"))
    }

    /// Asks it to stop what it measures (strace, perf) and waits for it.
    ///
    /// # Errors
    /// When it does not end within 10 s.
    pub fn interrupt(mut self) -> Result<()> {
        self.signal(Signal::INT);
        if self.ended_within(REPORT_TIME) { Ok(()) } else { bail!("{} does not end when interrupted", self.name) }
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // The child has not been waited for, so its id cannot belong to another process.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    fn ended_within(&mut self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while Instant::now() < end {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(LOOK_AGAIN),
                _ => return true,
            }
        }
        false
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal(Signal::TERM);
            if !self.ended_within(GRACE) {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
    }
}

/// The program that runs now.
///
/// # Errors
/// When the system does not tell.
pub fn own_path() -> Result<PathBuf> {
    std::env::current_exe().context("cannot find the path of this program")
}

/// `N` different ports of the loopback address that nobody listened on a moment ago.
///
/// # Errors
/// When the system has none.
pub fn free_ports<const N: usize>() -> Result<[SocketAddr; N]> {
    let mut held = Vec::with_capacity(N);
    let mut found = [SocketAddr::from(([127, 0, 0, 1], 0)); N];
    for address in &mut found {
        let listener = TcpListener::bind(*address)?;
        *address = listener.local_addr()?;
        held.push(listener);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ() {
        let ports = free_ports::<8>().unwrap();
        let different: std::collections::HashSet<_> = ports.iter().map(SocketAddr::port).collect();
        assert_eq!(different.len(), 8);
        assert!(!different.contains(&0));
    }
}
