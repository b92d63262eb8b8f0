//! The load: C connections, each with D calls in flight, every answer checked.
//!
//!   warm-up ──▶ measured ──▶ drain
//!               `- counters of the watched processes are read at both ends of this window
//!
//!   call id = sequence << 10 | slot of its connection
//!
//! A closed loop on one thread: an answer is replaced by the next call at once. A wrong, failed or missing answer ends
//! the run with an error; nothing is sent twice and no sample is thrown away.
//!
//! Long because: the loop and what it checks are one, so that nothing between them is measured.

use crate::frames::{self, Calls, Frame, MAX_ARGUMENT_LEN, Payload};
use crate::statistics::Histogram;
use crate::stream::{Reader, Scratch, Stream, Turn};
use crate::usage::{self, Usage};
use anyhow::{Context, Result, bail, ensure};
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Bits of an id that name the slot of its connection.
const SLOT_BITS: u32 = 10;
/// Most calls that one connection may have in flight.
pub const MAX_IN_FLIGHT: usize = 1 << SLOT_BITS;
/// Silence after which a run is given up while calls are in flight.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the consumers connect to.
    pub target: SocketAddr,
    /// Connections, at least one.
    pub connections: usize,
    /// Calls in flight on each, 1..=[`MAX_IN_FLIGHT`].
    pub in_flight: usize,
    /// What the argument is.
    pub payload: Payload,
    /// Its length in bytes.
    pub argument_len: usize,
    /// The interface that is called.
    pub service: String,
    /// Time before anything counts.
    pub warm_up: Duration,
    /// Time that counts.
    pub measured: Duration,
    /// Processes whose counters are read at both ends of the measured time.
    pub watch: Vec<u32>,
}

/// What came out. Times in microseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// Calls answered within the measured time.
    pub calls: u64,
    /// Calls answered at all, warm-up and drain included.
    pub all_calls: u64,
    /// Length of the measured time as it really was.
    pub seconds: f64,
    /// Calls a second within it.
    pub calls_per_second: f64,
    /// Shortest, middle, 99th percentile and longest time from before the write to after the read.
    pub min_us: f64,
    /// Median.
    pub p50_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// Longest.
    pub max_us: f64,
    /// Of the watched processes, in their order.
    pub watched: Vec<Watched>,
    /// CPU of this process.
    pub own_cpu_us: f64,
    /// CPU of the whole machine, whoever used it.
    pub machine_cpu_us: f64,
}

/// What a watched process used within the measured time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Watched {
    /// Its id.
    pub pid: u32,
    /// Time on a CPU.
    pub cpu_us: f64,
    /// Times one of its threads went to sleep by itself.
    pub wake_ups: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Measured,
    Drain,
}

#[derive(Clone, Copy)]
struct Pending {
    id: u64,
    sent: Instant,
}

/// Everything that is not one connection's own.
struct Tally {
    calls: Calls,
    phase: Phase,
    sequence: u64,
    now: Instant,
    in_flight: usize,
    all_calls: u64,
    latencies: Histogram,
}

impl Tally {
    fn call(&mut self, slot: usize, out: &mut Vec<u8>) -> Pending {
        self.sequence += 1;
        let id = self.sequence << SLOT_BITS | slot as u64;
        self.calls.append(id, out);
        self.in_flight += 1;
        Pending { id, sent: self.now }
    }
}

/// One read of one connection.
struct Answers<'a> {
    tally: &'a mut Tally,
    slots: &'a mut [Option<Pending>],
}

impl Reader for Answers<'_> {
    fn woke(&mut self) {
        self.tally.now = Instant::now();
    }

    fn frame(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) -> Result<()> {
        if !frame.is_answer() {
            frames::append_answer(frame, out);
            return Ok(());
        }
        let slot = frame.id as usize & (MAX_IN_FLIGHT - 1);
        let pending = self.slots.get_mut(slot).and_then(Option::take).with_context(|| unasked(frame))?;
        ensure!(self.tally.calls.is_answered_by(frame, pending.id), wrong(frame, pending.id));
        self.tally.in_flight -= 1;
        self.tally.all_calls += 1;
        self.tally.latencies.record(self.tally.now.duration_since(pending.sent).as_nanos() as u64);
        if self.tally.phase != Phase::Drain {
            self.slots[slot] = Some(self.tally.call(slot, out));
        }
        Ok(())
    }
}

fn unasked(frame: &Frame<'_>) -> String {
    format!("found an answer with id {:#x}, no call with that id waits", frame.id)
}

fn wrong(frame: &Frame<'_>, id: u64) -> String {
    let text: String = String::from_utf8_lossy(frame.body).chars().filter(|c| !c.is_control()).take(300).collect();
    format!("call {id:#x} was answered wrongly: id {:#x}, status {}, body `{text}`", frame.id, frame.status)
}

/// Runs the load to its end.
///
/// # Errors
/// When a connection cannot be made or breaks, when an answer is wrong, failed or does not come within 10 s.
pub fn run(plan: &Plan) -> Result<Outcome> {
    ensure!(plan.connections > 0, "found 0 connections, wanted at least one");
    ensure!(
        (1..=MAX_IN_FLIGHT).contains(&plan.in_flight),
        "found {} calls in flight, wanted 1 to {MAX_IN_FLIGHT}",
        plan.in_flight
    );
    ensure!(
        plan.payload != Payload::Filler || plan.argument_len <= MAX_ARGUMENT_LEN,
        "found a filler of {} bytes, wanted at most {MAX_ARGUMENT_LEN}",
        plan.argument_len
    );
    let mut load = Load::open(plan)?;
    load.first_calls()?;
    load.run_until(Instant::now() + plan.warm_up)?;

    let before = Reading::take(&plan.watch)?;
    load.tally.phase = Phase::Measured;
    load.tally.latencies = Histogram::default();
    load.run_until(before.at + plan.measured)?;
    let after = Reading::take(&plan.watch)?;
    let latencies = std::mem::take(&mut load.tally.latencies);

    load.tally.phase = Phase::Drain;
    load.drain()?;
    outcome(&latencies, load.tally.all_calls, &plan.watch, &before, &after)
}

/// All counters at one end of the measured time.
struct Reading {
    at: Instant,
    watched: Vec<Usage>,
    own: Usage,
    machine: Duration,
}

impl Reading {
    fn take(watch: &[u32]) -> Result<Self> {
        let watched = watch.iter().map(|&pid| usage::read(pid)).collect::<Result<_>>()?;
        let own = usage::read(std::process::id())?;
        Ok(Self { watched, own, machine: usage::machine_busy()?, at: Instant::now() })
    }
}

fn outcome(latencies: &Histogram, all_calls: u64, watch: &[u32], before: &Reading, after: &Reading) -> Result<Outcome> {
    let micros = |nanos: Option<u64>| nanos.map(|nanos| nanos as f64 / 1e3).context("no call was answered in time");
    let seconds = after.at.duration_since(before.at).as_secs_f64();
    let watched = watch.iter().zip(before.watched.iter().zip(&after.watched)).map(|(&pid, (before, after))| {
        let used = after.since(*before);
        Watched { pid, cpu_us: used.cpu.as_secs_f64() * 1e6, wake_ups: used.wake_ups }
    });
    Ok(Outcome {
        calls: latencies.total(),
        all_calls,
        seconds,
        calls_per_second: latencies.total() as f64 / seconds,
        min_us: micros(latencies.lowest())?,
        p50_us: micros(latencies.quantile(0.5))?,
        p99_us: micros(latencies.quantile(0.99))?,
        max_us: micros(latencies.highest())?,
        watched: watched.collect(),
        own_cpu_us: after.own.since(before.own).cpu.as_secs_f64() * 1e6,
        machine_cpu_us: after.machine.saturating_sub(before.machine).as_secs_f64() * 1e6,
    })
}

struct Consumer {
    stream: Stream,
    slots: Vec<Option<Pending>>,
}

struct Load {
    poll: Poll,
    events: Events,
    scratch: Scratch,
    consumers: Vec<Consumer>,
    tally: Tally,
}

impl Load {
    fn open(plan: &Plan) -> Result<Self> {
        let poll = Poll::new()?;
        let mut consumers = Vec::with_capacity(plan.connections);
        for number in 0..plan.connections {
            let socket = std::net::TcpStream::connect(plan.target)
                .with_context(|| format!("cannot make connection {number} to {}", plan.target))?;
            socket.set_nodelay(true)?;
            socket.set_nonblocking(true)?;
            let mut socket = mio::net::TcpStream::from_std(socket);
            poll.registry().register(&mut socket, Token(number), Interest::READABLE | Interest::WRITABLE)?;
            consumers.push(Consumer { stream: Stream::new(socket), slots: vec![None; plan.in_flight] });
        }
        let tally = Tally {
            calls: Calls::new(&plan.service, plan.payload.method(), plan.payload, plan.argument_len),
            phase: Phase::WarmUp,
            sequence: 0,
            now: Instant::now(),
            in_flight: 0,
            all_calls: 0,
            latencies: Histogram::default(),
        };
        Ok(Self { poll, events: Events::with_capacity(1024), scratch: Scratch::default(), consumers, tally })
    }

    /// Fills every slot, one write a connection.
    fn first_calls(&mut self) -> Result<()> {
        let mut out = Vec::new();
        self.tally.now = Instant::now();
        for consumer in &mut self.consumers {
            out.clear();
            for (slot, pending) in consumer.slots.iter_mut().enumerate() {
                *pending = Some(self.tally.call(slot, &mut out));
            }
            consumer.stream.send(&out)?;
        }
        Ok(())
    }

    fn run_until(&mut self, end: Instant) -> Result<()> {
        while self.tally.now < end {
            self.turn(end.saturating_duration_since(self.tally.now))?;
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<()> {
        while self.tally.in_flight > 0 {
            self.turn(PATIENCE)?;
        }
        Ok(())
    }

    /// Waits for something to happen, at most `at_most`, and serves it.
    fn turn(&mut self, at_most: Duration) -> Result<()> {
        let asleep = self.tally.now;
        match self.poll.poll(&mut self.events, Some(at_most.min(PATIENCE))) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        if self.events.is_empty() {
            self.tally.now = Instant::now();
            let silence = self.tally.now.duration_since(asleep);
            ensure!(silence < PATIENCE, "{} calls have had no answer for {silence:.0?}", self.tally.in_flight);
        }
        for event in &self.events {
            let Token(number) = event.token();
            let Consumer { stream, slots } = &mut self.consumers[number];
            let mut answers = Answers { tally: &mut self.tally, slots };
            let turn = stream.turn(&mut self.scratch, &mut answers).with_context(|| format!("connection {number}"))?;
            if turn == Turn::Closed || event.is_read_closed() {
                bail!("connection {number} was closed by the peer, {} calls were in flight", self.tally.in_flight);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;
    use std::thread;

    /// A provider that hands each request to `answer` and sends what that returns.
    fn provider(answer: impl Fn(&Frame<'_>) -> Vec<u8> + Send + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut bytes = Vec::new();
            let mut piece = [0; 4096];
            loop {
                let len = std::io::Read::read(&mut socket, &mut piece).unwrap_or(0);
                if len == 0 {
                    return;
                }
                bytes.extend_from_slice(&piece[..len]);
                while let Some(frame) = frames::first_frame(&bytes).unwrap() {
                    let taken = frame.total_len();
                    let _ = socket.write_all(&answer(&frame));
                    bytes.drain(..taken);
                }
            }
        });
        address
    }

    fn right(frame: &Frame<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        frames::append_answer(frame, &mut out);
        out
    }

    fn plan(target: SocketAddr) -> Plan {
        Plan {
            target,
            connections: 1,
            in_flight: 4,
            payload: Payload::Filler,
            argument_len: 300,
            service: "a.B".into(),
            warm_up: Duration::from_millis(20),
            measured: Duration::from_millis(60),
            watch: vec![std::process::id()],
        }
    }

    fn failure(answer: impl Fn(&Frame<'_>) -> Vec<u8> + Send + 'static) -> String {
        format!("{:#}", run(&plan(provider(answer))).unwrap_err())
    }

    #[test]
    fn a_right_provider_is_measured() {
        let outcome = run(&plan(provider(right))).unwrap();
        assert!(outcome.calls > 0 && outcome.all_calls > outcome.calls, "{outcome:?}");
        assert!(outcome.min_us <= outcome.p50_us && outcome.p50_us <= outcome.p99_us, "{outcome:?}");
        assert!(outcome.p99_us <= outcome.max_us, "{outcome:?}");
        let rate = outcome.calls as f64 / outcome.seconds;
        assert!((outcome.calls_per_second - rate).abs() < 1.0);
        assert!(outcome.watched[0].cpu_us > 0.0);
    }

    #[test]
    fn a_failed_call_ends_the_run_with_the_providers_words() {
        let text = failure(|frame| {
            let mut bytes = vec![0xda, 0xbb, 2, 80];
            bytes.extend_from_slice(&frame.id.to_be_bytes());
            bytes.extend_from_slice(&[0, 0, 0, 5, 4]);
            bytes.extend_from_slice(b"down");
            bytes
        });
        assert!(text.contains("status 80") && text.contains("down"), "{text}");
    }

    #[test]
    fn an_answer_nobody_asked_for_ends_the_run() {
        let text = failure(|frame| {
            let mut bytes = right(frame);
            bytes[11] |= 0x80;
            bytes
        });
        assert!(text.contains("no call with that id waits"), "{text}");
    }

    #[test]
    fn an_answer_given_twice_ends_the_run() {
        let text = failure(|frame| [right(frame), right(frame)].concat());
        assert!(text.contains("answered wrongly"), "{text}");
    }

    #[test]
    fn a_closed_connection_ends_the_run() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || drop(listener.accept()));
        let text = format!("{:#}", run(&plan(address)).unwrap_err());
        assert!(text.contains("closed by the peer") || text.contains("reset by peer"), "{text}");
    }

    #[test]
    fn a_plan_without_calls_is_refused() {
        let plan = Plan { in_flight: 0, ..plan("127.0.0.1:1".parse().unwrap()) };
        assert!(run(&plan).unwrap_err().to_string().contains("0 calls in flight"));
    }
}
