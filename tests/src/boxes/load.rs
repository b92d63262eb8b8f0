//! Calls on an egress, so many in flight all the time, every answer checked: nothing is sent twice, none is forgotten, and a call that is
//! not answered right has failed, for whatever reason.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use wire::dubbo::answer::{self, AnswerType};
use wire::dubbo::frame::{Codec, Header, Status};
use wire::dubbo::request::{Arg, Request};

use super::echo::frame;
use lab::net::Place;

/// What the calls say that their consumer waits.
const TIMEOUT: Duration = Duration::from_secs(60);
/// A call without an answer so long has failed, whatever was promised.
const PATIENCE: Duration = Duration::from_secs(75);
/// Bytes of the argument, and so of the answer.
const ARGUMENT_LEN: usize = 300;
/// In flight on each connection.
const IN_FLIGHT: usize = 16;

/// Calls that go on until they are ended.
#[derive(Debug)]
pub struct Load {
    consumers: Vec<JoinHandle<Outcome>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    answered: AtomicU64,
    is_over: AtomicBool,
}

/// What came of calls.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Microseconds of each call that was answered right.
    pub took_us: Vec<u32>,
    /// The others, by what they were told, numbers left out.
    pub failed: BTreeMap<String, u64>,
}

impl Load {
    /// Begins to call the service of the provider behind this egress from a place, on so many connections.
    ///
    /// # Errors
    /// A connection cannot be made.
    pub fn start(place: &Place, egress: SocketAddr, service: &str, connections: usize) -> Result<Self> {
        Load::saying(argument, place, egress, service, connections)
    }

    /// As [`start`](Self::start), with other arguments: each has to be of its call alone.
    ///
    /// # Errors
    /// As there.
    pub fn saying(
        argument: fn(i64) -> String,
        place: &Place,
        egress: SocketAddr,
        service: &str,
        connections: usize,
    ) -> Result<Self> {
        let dial = || (0..connections).map(|_| TcpStream::connect(egress)).collect::<Result<Vec<_>, _>>();
        let streams = place.inside(dial)?.with_context(|| format!("cannot connect to the egress at {egress}"))?;
        let shared = Arc::new(Shared::default());
        let consumer = |stream: TcpStream| {
            let (shared, service) = (shared.clone(), service.to_owned());
            std::thread::spawn(move || Consumer::new(stream, service, argument).run(&shared))
        };
        Ok(Load { consumers: streams.into_iter().map(consumer).collect(), shared })
    }

    /// How many have been answered right so far.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Whether no connection has any call in flight any more: each has failed.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.consumers.iter().all(JoinHandle::is_finished)
    }

    /// Makes no new calls, waits for the answers to those in flight and tells what came of all.
    ///
    /// # Panics
    /// As a consumer did.
    #[must_use]
    pub fn finish(self) -> Outcome {
        self.shared.is_over.store(true, Ordering::Relaxed);
        let mut all = Outcome::default();
        for consumer in self.consumers {
            all.add(consumer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    }
}

/// Makes one call on a connection of its own.
///
/// # Errors
/// It was not answered right within the time; says how.
pub fn one_call(place: &Place, egress: SocketAddr, service: &str) -> Result<Duration> {
    let stream = place.inside(|| TcpStream::connect_timeout(&egress, TIMEOUT))??;
    let shared = Shared { is_over: AtomicBool::new(true), ..Shared::default() };
    let mut consumer = Consumer::new(stream, service.to_owned(), argument);
    consumer.in_flight = 1;
    let outcome = consumer.run(&shared);
    match (outcome.took_us.first(), outcome.failed.keys().next()) {
        (Some(&took), None) => Ok(Duration::from_micros(took.into())),
        (_, failed) => bail!("the call failed: {}", failed.map_or("no answer", String::as_str)),
    }
}

impl Outcome {
    /// Takes what came of other calls to it.
    pub fn add(&mut self, other: Outcome) {
        self.took_us.extend(other.took_us);
        for (why, count) in other.failed {
            *self.failed.entry(why).or_default() += count;
        }
    }

    /// Calls answered right.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.took_us.len() as u64
    }

    /// Within this time 99 of 100 were answered.
    #[must_use]
    pub fn p99(&self) -> Duration {
        let mut sorted = self.took_us.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * 99).div_ceil(100).saturating_sub(1);
        Duration::from_micros(sorted.get(at).copied().unwrap_or_default().into())
    }
}

/// One connection.
struct Consumer {
    stream: TcpStream,
    service: String,
    argument: fn(i64) -> String,
    in_flight: usize,
    next: i64,
    open: HashMap<i64, Instant>,
    out: Vec<u8>,
    outcome: Outcome,
}

impl Consumer {
    fn new(stream: TcpStream, service: String, argument: fn(i64) -> String) -> Self {
        let (open, out, outcome) = (HashMap::new(), Vec::new(), Outcome::default());
        Consumer { stream, service, argument, in_flight: IN_FLIGHT, next: 1, open, out, outcome }
    }

    fn run(mut self, shared: &Shared) -> Outcome {
        let ended = self.call_until_over(shared).err().map(|error| plain(&format!("{error:#}")));
        if !self.open.is_empty() {
            let why = ended.unwrap_or_else(|| "no answer".to_owned());
            *self.outcome.failed.entry(why).or_default() += self.open.len() as u64;
        }
        self.outcome
    }

    fn call_until_over(&mut self, shared: &Shared) -> Result<()> {
        self.stream.set_nodelay(true)?;
        self.stream.set_read_timeout(Some(PATIENCE))?;
        self.stream.set_write_timeout(Some(PATIENCE))?;
        (0..self.in_flight).for_each(|_| self.call());
        self.write()?;
        let (mut bytes, mut piece) = (Vec::new(), vec![0; 64 << 10]);
        while !self.open.is_empty() {
            let len = self.stream.read(&mut piece).context("no answer")?;
            if len == 0 {
                bail!("the egress closed the connection");
            }
            bytes.extend_from_slice(&piece[..len]);
            let mut at = 0;
            while let Some((header, body)) = frame(&bytes[at..])? {
                at += wire::dubbo::frame::HEADER_LEN + body.len();
                if header.is_event() {
                    continue;
                }
                self.answered(&header, body, shared)?;
                if !shared.is_over.load(Ordering::Relaxed) {
                    self.call();
                }
            }
            bytes.drain(..at);
            self.write()?;
        }
        Ok(())
    }

    fn call(&mut self) {
        let id = self.next;
        self.next += 1;
        let text = (self.argument)(id);
        let millis = TIMEOUT.as_millis().to_string();
        let request = Request {
            codec: Codec::Hessian2,
            service: &self.service,
            version: None,
            group: None,
            method: "echo",
            types: "Ljava/lang/String;",
            args: &[Arg::Text(&text)],
            attachments: &[("timeout", &millis), ("remote.application", "load")],
        };
        request.append(&mut self.out, id);
        self.open.insert(id, Instant::now());
    }

    fn write(&mut self) -> Result<()> {
        self.stream.write_all(&self.out).context("the egress does not read")?;
        self.out.clear();
        Ok(())
    }

    fn answered(&mut self, header: &Header, body: &[u8], shared: &Shared) -> Result<()> {
        let sent = self.open.remove(&header.id).context("an answer that nobody asked for")?;
        match said(header, body) {
            Ok(value) if value.ends_with((self.argument)(header.id).as_bytes()) => {
                self.outcome.took_us.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
                shared.answered.fetch_add(1, Ordering::Relaxed);
            }
            Ok(_) => *self.outcome.failed.entry("the answer to another call".to_owned()).or_default() += 1,
            Err(why) => *self.outcome.failed.entry(plain(&why)).or_default() += 1,
        }
        Ok(())
    }
}

/// The bytes of the value that was answered, or what was told instead.
fn said<'a>(header: &Header, body: &'a [u8]) -> Result<&'a [u8], String> {
    if header.status() != Status::OK {
        let text = answer::error_text(header, body).unwrap_or_default();
        return Err(format!("status {}: {text}", header.status().0));
    }
    match answer::peek(header, body) {
        Ok(Some(answer)) if answer.kind == AnswerType::Value => Ok(&body[answer.value]),
        Ok(Some(answer)) if answer.kind == AnswerType::Exception => {
            Err(String::from_utf8_lossy(&body[answer.value]).into_owned())
        }
        other => Err(format!("found {other:?}, wanted a value")),
    }
}

/// Its own for each call, so that no answer passes for another's.
fn argument(id: i64) -> String {
    let mut text: String = ('a'..='z').cycle().take(ARGUMENT_LEN - 16).collect();
    text.push_str(&format!("{id:016x}"));
    text
}

/// Without what differs from call to call.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars().filter(|letter| !letter.is_control()).take(300) {
        match letter {
            '0'..='9' if plain.ends_with('#') => {}
            '0'..='9' => plain.push('#'),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(took_us: &[u32]) -> Outcome {
        Outcome { took_us: took_us.to_vec(), ..Outcome::default() }
    }

    #[test]
    fn of_a_hundred_calls_one_may_take_longer_than_p99() {
        let mut took: Vec<u32> = (1..=100).rev().collect();
        assert_eq!(of(&took).p99(), Duration::from_micros(99));
        took.push(1_000);
        assert_eq!(of(&took).p99(), Duration::from_micros(100));
        assert_eq!((of(&[7]).p99(), of(&[]).p99()), (Duration::from_micros(7), Duration::ZERO));
    }

    #[test]
    fn failures_that_differ_in_numbers_are_one() {
        assert_eq!(plain("status 100: 17 of 16"), plain("status 31: 5 of 1"));
        assert_ne!(plain("no answer"), plain("no link"));
    }

    #[test]
    fn a_call_is_answered_by_its_own_argument_alone() {
        assert_eq!(argument(5).len(), ARGUMENT_LEN);
        assert!(!argument(5).ends_with(&argument(6)));
    }
}
