//! Single calls over blocking sockets: is a chain ready, and what does an idle consumer connection cost.
//!
//!   resident memory ──▶ N × (connect, one call, keep) ──▶ wait ──▶ resident memory
//!
//! The calls are made one after the other, so no burst is behind the figure. Never keeps two calls in flight.

use crate::frames::{self, Question};
use crate::program::LOOK_AGAIN;
use crate::usage;
use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long one call may take.
const CALL_TIME: Duration = Duration::from_secs(5);
/// How long a chain may take to come up.
const START_TIME: Duration = Duration::from_secs(30);
/// New connections that must each get a right answer before a chain counts as ready; shards share a listener.
const PROBES: usize = 32;
/// Time between the last call and the second reading.
const SETTLE: Duration = Duration::from_secs(1);
/// Descriptors that a process needs besides idle connections.
const SPARE_FILES: u64 = 200;

/// Memory of idle connections at one process.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct IdleCost {
    /// Connections that were opened.
    pub connections: usize,
    /// Resident memory before, in KB.
    pub before_kb: f64,
    /// Resident memory after, in KB.
    pub after_kb: f64,
    /// Growth divided by the connections, in KB.
    pub kb_a_connection: f64,
}

/// Makes one call on `socket` and checks the answer.
///
/// # Errors
/// When the answer is wrong or does not come within 5 s.
fn call(socket: &mut TcpStream, question: &Question, id: u64) -> Result<()> {
    socket.set_read_timeout(Some(CALL_TIME))?;
    let mut bytes = Vec::new();
    question.append(id, &mut bytes);
    socket.write_all(&bytes)?;
    bytes.clear();
    let mut piece = [0; 4096];
    loop {
        let len = socket.read(&mut piece).context("no answer")?;
        ensure!(len > 0, "the connection was closed instead of an answer");
        bytes.extend_from_slice(&piece[..len]);
        if let Some(frame) = frames::first_frame(&bytes)? {
            if question.is_answered_by(&frame, id) {
                return Ok(());
            }
            let text = String::from_utf8_lossy(frame.body);
            bail!("found status {} and `{}`, wanted the echo", frame.status, text.escape_debug());
        }
    }
}

fn connect_and_call(target: SocketAddr, question: &Question, id: u64) -> Result<TcpStream> {
    let mut socket = TcpStream::connect_timeout(&target, CALL_TIME)?;
    socket.set_nodelay(true)?;
    call(&mut socket, question, id)?;
    Ok(socket)
}

/// Waits until `target` answers calls on fresh connections; `alive` is asked between attempts.
///
/// # Errors
/// What `alive` says, or the last failure after 30 s.
pub fn await_ready(target: SocketAddr, service: &str, mut alive: impl FnMut() -> Result<()>) -> Result<()> {
    let question = Question::new(service, "echo", frames::MIN_ARGUMENT_LEN);
    let end = Instant::now() + START_TIME;
    loop {
        alive()?;
        let probed = (1..=PROBES as u64).try_for_each(|id| connect_and_call(target, &question, id).map(drop));
        match probed {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() >= end => {
                return Err(error.context(format!("{target} does not answer after {START_TIME:?}")));
            }
            Err(_) => std::thread::sleep(LOOK_AGAIN * 5),
        }
    }
}

/// Opens `connections` consumers, lets each make one call, and reads by how much process `pid` has grown.
///
/// # Errors
/// When a connection or a call fails, or the process cannot be read.
pub fn measure(target: SocketAddr, service: &str, connections: usize, pid: u32) -> Result<IdleCost> {
    ensure!(connections > 0, "found 0 idle connections, wanted at least one");
    let question = Question::new(service, "echo", 300);
    // What only the first call of a process costs is no cost of a connection.
    drop(connect_and_call(target, &question, 1)?);
    std::thread::sleep(SETTLE);
    let before = usage::resident_len(pid)?;
    let sockets = (0..connections as u64)
        .map(|number| {
            let made = connect_and_call(target, &question, 2 + number);
            made.with_context(|| format!("idle connection {number} of {connections}"))
        })
        .collect::<Result<Vec<_>>>()?;
    std::thread::sleep(SETTLE);
    let after = usage::resident_len(pid)?;
    drop(sockets);
    Ok(cost(connections, before, after))
}

fn cost(connections: usize, before: u64, after: u64) -> IdleCost {
    let (before_kb, after_kb) = (before as f64 / 1024.0, after as f64 / 1024.0);
    IdleCost { connections, before_kb, after_kb, kb_a_connection: (after_kb - before_kb) / connections as f64 }
}

/// Raises the limit of open files, which programs started later inherit, and says how many idle connections fit.
///
/// A relay needs two descriptors for a connection it passes on.
///
/// # Errors
/// When the system refuses.
pub fn raise_file_limit() -> Result<usize> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok((limit.maximum.unwrap_or(u64::MAX).saturating_sub(SPARE_FILES) / 2) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_cost_is_the_growth_shared_by_the_connections() {
        let found = cost(2_000, 10 << 20, 14 << 20);
        assert_eq!(found.before_kb, 10_240.0);
        assert_eq!(found.kb_a_connection, 4_096.0 / 2_000.0);
    }

    #[test]
    fn a_chain_that_ends_while_it_starts_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = listener.local_addr().unwrap();
        drop(listener);
        let mut looks = 0;
        let error = await_ready(target, "a.B", || {
            looks += 1;
            ensure!(looks < 3, "hub ended early");
            Ok(())
        });
        assert_eq!(error.unwrap_err().to_string(), "hub ended early");
    }

    #[test]
    fn the_limit_of_files_ends_where_the_system_says() {
        raise_file_limit().unwrap();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
