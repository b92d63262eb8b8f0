//! A caller that must not notice what a test does to the line beside it, and the memory that this may cost any program of ours.
//!
//! ```text
//!   Stage ── one a test binary: starts the line and the caller once, hands it to one test at a time
//!     └─ Beside ── one a test: at its end the caller went on, nothing failed or was slow, and memory stayed within its bound
//! ```
//! The caller is a Java consumer in island `a`; two of its threads call all the time. It breaks nothing itself.
#![allow(clippy::print_stdout, reason = "a test's figures go where the test's output goes")]

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::json;

use lab::install::Release;
use lab::line::{Line, Watched};
use lab::peer::{Application, Call, GREETING, Peer, Refer};
use lab::process::until;
use lab::program::Program;

/// No healthy call may take longer: far below its timeout, far above what a busy machine and a debug build need.
const SLOWEST: Duration = Duration::from_secs(6);
const TIMEOUT: Duration = Duration::from_secs(10);
/// So long the caller calls before it says what came of it.
const ROUND: Duration = Duration::from_millis(150);
/// What any program may have over what it had idle, in MiB.
const OVER_IDLE_MIB: u64 = 64;

/// What a test binary has beside the line.
pub trait World: Sized + Send + Sync + 'static {
    /// Starts everything; island `a` can call [`GREETING`] then.
    fn start() -> Self;
    /// The line in it.
    fn line(&self) -> &Line;
    /// What `sayHello("you")` returns.
    const ANSWER: &'static str;
}

/// The world of a test binary, for one test at a time.
pub struct Stage<W> {
    stands: OnceLock<Standing<W>>,
    one: Mutex<()>,
}

struct Standing<W> {
    world: W,
    seen: Mutex<Seen>,
    idle: Vec<u64>,
}

/// What the caller has seen so far.
#[derive(Debug, Default, Clone)]
struct Seen {
    rounds: u64,
    calls: u64,
    slowest: Duration,
    wrong: Vec<String>,
}

/// A test's time with the world; [`Beside::nobody_noticed`] ends it.
pub struct Beside<W: World> {
    /// What the test may break.
    pub world: &'static W,
    stands: &'static Standing<W>,
    seen: Seen,
    memory: Vec<u64>,
    watched: Watched<'static>,
    _mine: MutexGuard<'static, ()>,
}

impl<W: World> Stage<W> {
    /// One on which nothing stands yet.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "made in a constant")]
    pub const fn new() -> Self {
        Stage { stands: OnceLock::new(), one: Mutex::new(()) }
    }

    /// The world for the test that asks, once no other has it and the caller is well.
    pub fn beside_a_healthy_caller(&'static self) -> Beside<W> {
        let mine = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = self.stands.get().is_none();
        let stands = self.stands.get_or_init(|| {
            let world = W::start();
            let idle = memory(&programs(world.line()));
            Standing { world, seen: Mutex::default(), idle }
        });
        let line = stands.world.line();
        let watched = line.watched();
        if is_new {
            let consumer = consumer(line);
            thread::spawn(move || stands.call_for_ever(&consumer));
        }
        stands.rounds(2);
        stands.seen().slowest = Duration::ZERO;
        let seen = stands.seen().clone();
        Beside { world: &stands.world, stands, seen, memory: memory(&programs(line)), watched, _mine: mine }
    }
}

impl<W: World> Beside<W> {
    /// The caller went on all the time, nothing failed or was slow, and no program ever took more memory than it may.
    ///
    /// # Panics
    /// It is not so.
    pub fn nobody_noticed(self) {
        self.stands.rounds(2);
        let now = self.stands.seen().clone();
        let what = thread::current().name().unwrap_or("a test").to_owned();
        println!("{what}: {} healthy calls, slowest {:?}", now.calls - self.seen.calls, now.slowest);
        println!("  {:<16} {:>6} {:>6} {:>6} {:>6}  MiB", "program", "idle", "before", "peak", "after");
        let programs = programs(self.world.line());
        let after = memory(&programs);
        let mut over = Vec::new();
        for (at, program) in programs.iter().enumerate() {
            let (name, idle) = (program.name(), self.stands.idle[at]);
            let peak = mebibytes(program, program.peak_memory());
            println!("  {name:<16} {idle:>6} {:>6} {peak:>6} {:>6}", self.memory[at], after[at]);
            if peak > idle + OVER_IDLE_MIB {
                over.push(name);
            }
        }
        assert!(over.is_empty(), "{over:?} took more than {OVER_IDLE_MIB} MiB over idle in {what}");
        let wrong = &now.wrong[self.seen.wrong.len()..];
        assert!(wrong.is_empty(), "the healthy caller noticed: {:?}", &wrong[..wrong.len().min(20)]);
        assert!(now.calls > self.seen.calls, "the healthy caller does not call any more");
        assert!(now.slowest < SLOWEST, "a healthy call took {:?}", now.slowest);
        drop(self.watched);
    }
}

impl<W: World> Standing<W> {
    fn call_for_ever(&self, consumer: &Peer) {
        let calls = Call::new("greeting", "sayHello", [json!("you")]).lasting(2, ROUND, Duration::from_millis(2));
        let wanted = json!(W::ANSWER).to_string();
        loop {
            let tally = consumer.many(&calls);
            let mut seen = self.seen();
            match tally {
                Ok(tally) => {
                    seen.rounds += 1;
                    seen.calls += tally.ok + tally.failed;
                    seen.slowest = seen.slowest.max(tally.slowest());
                    seen.wrong.extend(tally.results.into_keys().filter(|result| *result != wanted));
                    seen.wrong.extend(tally.errors.into_keys());
                }
                Err(error) => return seen.wrong.push(format!("{error:#}")),
            }
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for so many rounds to end, or for the caller's: the first may have begun before.
    fn rounds(&self, count: u64) {
        let before = self.seen().clone();
        let enough = || {
            let seen = self.seen();
            (seen.rounds >= before.rounds + count || seen.wrong.len() > before.wrong.len()).then_some(())
        };
        let waited = until("rounds of the healthy caller", Duration::from_secs(60), enough);
        waited.unwrap_or_else(|error| panic!("{error:#}: {:?}", self.seen()));
    }
}

fn consumer(line: &Line) -> Peer {
    let application = Application::new("healthy-consumer", Release::V3_3_6);
    let consumer = line.application("a", application).and_then(|consumer| {
        consumer.refer(&Refer::new("greeting", GREETING).timeout(TIMEOUT).retries(0))?;
        Ok(consumer)
    });
    consumer.unwrap_or_else(|error| panic!("no healthy caller: {error:#}"))
}

/// The hub and the gateways of the two islands that it calls through.
fn programs(line: &Line) -> Vec<&Program> {
    let gateways = ["a", "b"].into_iter().flat_map(|island| line.island(island).gateways());
    [&line.hub].into_iter().chain(gateways).collect()
}

fn memory(programs: &[&Program]) -> Vec<u64> {
    programs.iter().map(|program| mebibytes(program, program.memory())).collect()
}

fn mebibytes(program: &Program, len: anyhow::Result<u64>) -> u64 {
    len.unwrap_or_else(|error| panic!("the memory of {} cannot be read: {error:#}", program.name())) >> 20
}
