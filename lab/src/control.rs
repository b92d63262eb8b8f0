//! What is said between `highway lab …` and the lab's keeper, over a socket that only its user reaches.
//!
//! ```text
//!   one line of JSON there            {"call": {"from": "shanghai", …}}
//!   lines of JSON back                {"say": "…"}   as often as there is news, then one of
//!                                     {"done": …}    what came of it
//!                                     {"no": "…"}    an answer nobody hoped for: exit code 3
//!                                     {"failed": "…"}
//! ```
//! A line there has at most 64 KiB, and at most eight are heard at once: the next one is told so.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::seat::Seat;
use crate::world::Fault;

/// The longest request.
const REQUEST_LEN: u64 = 64 << 10;
/// For a request to arrive, once somebody has connected.
const ASKING: Duration = Duration::from_secs(5);
/// The longest time in which the keeper says nothing; it says something every second or so where it works for long.
const SILENCE: Duration = Duration::from_secs(180);

/// What the keeper is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// To tell how it starts, until it has. If who asks goes before, the lab ends.
    Start,
    /// What there is.
    Status,
    /// One call.
    Call {
        /// Whose consumer.
        from: String,
        /// Whose provider.
        to: String,
        /// Of `GreetingService` or `InteropService`.
        method: String,
        /// What it gets.
        arguments: Vec<Value>,
        /// By whom.
        by: Speaker,
    },
    /// Breaks something, and looks what happens to calls.
    Break(Fault),
    /// Mends all that is broken, and looks what happens to calls.
    Heal,
    /// Calls for so long.
    Load {
        /// For how long, in milliseconds.
        for_ms: u64,
        /// Threads of each consumer towards each island.
        threads: u32,
    },
    /// To end all of it.
    Down,
}

/// Who calls whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Speaker {
    /// A Java consumer a Java provider.
    Java,
    /// A Rust program a Rust provider.
    Rust,
}

/// A line back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// News.
    Say(String),
    /// What came of it.
    Done(Value),
    /// An answer nobody hoped for.
    No(String),
    /// It could not be done.
    Failed(String),
}

/// What came of a request.
#[derive(Debug)]
pub enum Outcome {
    /// It was done.
    Done(Value),
    /// It was done, and the answer is no.
    No(String),
}

/// Sends one request and hands on what is said meanwhile.
///
/// # Errors
/// There is no keeper, it refuses, or it ends before it answers.
pub fn ask(seat: &Seat, request: &Request, say: impl FnMut(&str)) -> Result<Outcome> {
    let stream = UnixStream::connect(seat.control()).context("the lab's keeper does not answer")?;
    asked(&stream, request, say)
}

/// The same over a connection that somebody else may end.
pub(crate) fn asked(stream: &UnixStream, request: &Request, mut say: impl FnMut(&str)) -> Result<Outcome> {
    stream.set_read_timeout(Some(SILENCE))?;
    writeln!(&mut &*stream, "{}", serde_json::to_string(request)?)?;
    for line in BufReader::new(stream).lines() {
        match serde_json::from_str(&line.context("the lab's keeper fell silent")?)? {
            Reply::Say(words) => say(&words),
            Reply::Done(value) => return Ok(Outcome::Done(value)),
            Reply::No(words) => return Ok(Outcome::No(words)),
            Reply::Failed(words) => bail!("{words}"),
        }
    }
    bail!("the lab's keeper ended before it answered")
}

/// The keeper's end: what is asked.
pub(crate) fn hear(stream: &UnixStream) -> Result<Request> {
    stream.set_read_timeout(Some(ASKING))?;
    stream.set_write_timeout(Some(ASKING))?;
    let mut line = String::new();
    BufReader::new(stream.take(REQUEST_LEN)).read_line(&mut line).context("no request came")?;
    serde_json::from_str(&line).context("found no request that this lab knows; is the command of another release?")
}

/// The keeper's end: one line back. Who does not listen any more misses it.
pub(crate) fn tell(stream: &UnixStream, reply: &Reply) {
    if let Ok(line) = serde_json::to_string(reply) {
        let _ = writeln!(&mut &*stream, "{line}");
    }
}
