//! The process that a kept lab belongs to: it starts it, answers for it, and its end is the end of all of it.
//!
//! ```text
//!   highway lab up ──starts──▶ keeper ── owns ──▶ hub, ZooKeepers, gateways, Java
//!          │                     ▲ └──── tells ─▶ reaper, which ends what the keeper leaves, however it ends
//!          └──── Start, … ───────┘ control
//! ```
//! Until the lab is ready it belongs to whoever started it: if they go, it goes. It ends no process by itself; it ends, and the
//! reaper does the rest.

use std::fs;
use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::net::sockopt::socket_peercred;
use serde_json::json;

use crate::control::{Reply, Request, hear, tell};
use crate::reaper;
use crate::seat::Seat;
use crate::world::{Wish, World};

/// So many are heard at once.
const HEARD: usize = 8;
/// For a failure to be told before the end.
const FAREWELL: Duration = Duration::from_secs(1);
/// The longest load.
const LONGEST: Duration = Duration::from_secs(60);
/// Something is said at least this often while it starts.
const NEWS: Duration = Duration::from_secs(10);
/// Threads of each consumer towards each island, at most.
const THREADS: u32 = 16;

/// How far it is.
#[derive(Debug, Default)]
struct State {
    /// Steps of the start, a dozen.
    said: Vec<String>,
    world: Option<Arc<World>>,
    failed: Option<String>,
}

#[derive(Debug)]
struct Keeper {
    seat: Seat,
    state: Mutex<State>,
    changed: Condvar,
    heard: AtomicUsize,
    /// One load or fault at a time, by its name.
    busy: Mutex<Option<&'static str>>,
}

/// The keeper's whole life.
///
/// # Errors
/// Another keeper has the place, or the lab does not start.
pub fn keep(wish: Wish) -> Result<ExitCode> {
    // A terminal that is closed takes its session with it.
    let _ = rustix::process::setsid();
    let seat = Seat::of_this_user()?;
    let Some(mut lock) = seat.take()? else { bail!("another keeper has {}", seat.folder().display()) };
    lock.set_len(0)?;
    write!(lock, "{}", std::process::id())?;
    reaper::tell("hold", &seat.reaper().display().to_string())?;
    let _ = fs::remove_file(seat.control());
    let listener =
        UnixListener::bind(seat.control()).with_context(|| format!("cannot listen at {}", seat.control().display()))?;
    let keeper = Arc::new(Keeper {
        seat,
        state: Mutex::default(),
        changed: Condvar::new(),
        heard: AtomicUsize::new(0),
        busy: Mutex::new(None),
    });
    let starting = keeper.clone();
    std::thread::Builder::new().name("start".to_owned()).spawn(move || starting.start(wish))?;
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        keeper.clone().hear(stream);
    }
    Ok(ExitCode::FAILURE)
}

impl Keeper {
    fn start(&self, wish: Wish) {
        let world = World::start(wish, &|words| {
            self.state().said.push(words);
            self.changed.notify_all();
        });
        match world {
            Ok(world) => self.state().world = Some(Arc::new(world)),
            Err(error) => {
                eprintln!("highway-lab: {error:#}");
                self.state().failed = Some(format!("{error:#}"));
                self.changed.notify_all();
                // Whoever follows is told; nobody can do anything else with it.
                std::thread::sleep(FAREWELL);
                self.leave(1);
            }
        }
        self.changed.notify_all();
    }

    /// Answers one who has connected, on a thread of its own.
    fn hear(self: Arc<Self>, stream: UnixStream) {
        // The folder is the user's alone; this holds where somebody has opened it.
        let own = rustix::process::geteuid();
        if !socket_peercred(&stream).is_ok_and(|peer| peer.uid == own || peer.uid.is_root()) {
            return;
        }
        if self.heard.fetch_add(1, Ordering::Relaxed) >= HEARD {
            self.heard.fetch_sub(1, Ordering::Relaxed);
            return tell(&stream, &Reply::Failed(format!("{HEARD} others are asking the lab just now; try again")));
        }
        let answering = self.clone();
        let answer = move || {
            let reply = match hear(&stream) {
                Ok(Request::Down) => answering.down(&stream),
                Ok(Request::Start) => answering.follow(&stream),
                Ok(request) => answering.answer(request, &|words| tell(&stream, &Reply::Say(words))),
                Err(error) => Err(error),
            };
            tell(&stream, &reply.unwrap_or_else(|error| Reply::Failed(format!("{error:#}"))));
            answering.heard.fetch_sub(1, Ordering::Relaxed);
        };
        if std::thread::Builder::new().name("answer".to_owned()).spawn(answer).is_err() {
            self.heard.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Tells how the start goes until it has gone. Whoever started it and goes before ends it.
    fn follow(self: &Arc<Self>, stream: &UnixStream) -> Result<Reply> {
        let (watched, keeper) = (stream.try_clone()?, self.clone());
        watched.set_read_timeout(None)?;
        std::thread::Builder::new().name("starter".to_owned()).spawn(move || {
            // Nothing more is said on this connection: what is read is its end.
            let _ = std::io::Read::read(&mut &watched, &mut [0]);
            if keeper.state().world.is_none() {
                keeper.leave(1);
            }
        })?;
        let begun = Instant::now();
        let mut told = 0;
        let mut state = self.state();
        loop {
            let news: Vec<String> = state.said[told..].to_vec();
            told += news.len();
            let (is_ready, failed) = (state.world.is_some(), state.failed.clone());
            drop(state);
            news.into_iter().for_each(|words| tell(stream, &Reply::Say(words)));
            if is_ready {
                return self.answer(Request::Status, &|_| {});
            }
            if let Some(failed) = failed {
                return Ok(Reply::Failed(failed));
            }
            state = self.state();
            if state.said.len() == told && state.world.is_none() && state.failed.is_none() {
                let waited = self.changed.wait_timeout(state, NEWS).unwrap_or_else(PoisonError::into_inner);
                state = waited.0;
                if waited.1.timed_out() {
                    // What is fetched the first time takes minutes.
                    let at = state.said.last().cloned().unwrap_or_default();
                    drop(state);
                    tell(stream, &Reply::Say(format!("{at}: {} s", begun.elapsed().as_secs())));
                    state = self.state();
                }
            }
        }
    }

    fn answer(&self, request: Request, say: &dyn Fn(String)) -> Result<Reply> {
        let Some(world) = self.state().world.clone() else {
            return Ok(Reply::No("the lab is still starting".to_owned()));
        };
        let done = match request {
            Request::Status | Request::Start | Request::Down => json!(world.status()),
            Request::Call { from, to, method, arguments, by } => {
                json!(world.call(&from, &to, &method, &arguments, by)?)
            }
            Request::Break(fault) => json!(alone(&self.busy, "break", || world.break_down(fault, say))?),
            Request::Heal => json!(alone(&self.busy, "heal", || world.heal(say))?),
            Request::Load { for_ms, threads } => {
                let lasts = Duration::from_millis(for_ms);
                if lasts > LONGEST || lasts < Duration::from_secs(1) || !(1..=THREADS).contains(&threads) {
                    bail!("found {threads} threads for {lasts:?}, wanted 1 to {THREADS} for 1 s to {LONGEST:?}");
                }
                json!(alone(&self.busy, "load", || world.load(lasts, threads, say))?)
            }
        };
        Ok(Reply::Done(done))
    }

    fn down(&self, stream: &UnixStream) -> Result<Reply> {
        tell(stream, &Reply::Done(json!({})));
        self.leave(0)
    }

    /// The end; the reaper sees it and does the rest.
    fn leave(&self, code: i32) -> ! {
        let _ = fs::remove_file(self.seat.control());
        std::process::exit(code)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thing at a time that needs the consumers for itself. However it ends, a panic included, the next may come.
fn alone<R>(busy: &Mutex<Option<&'static str>>, what: &'static str, work: impl FnOnce() -> Result<R>) -> Result<R> {
    struct Free<'a>(&'a Mutex<Option<&'static str>>);
    impl Drop for Free<'_> {
        fn drop(&mut self) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
    let mut place = busy.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(other) = *place {
        bail!("the lab is busy with `{other}`; ask again when that has ended");
    }
    *place = Some(what);
    drop(place);
    let _free = Free(busy);
    work()
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn who_comes_while_something_goes_on_is_told_and_the_next_may_come_however_it_ended() {
        let busy = Mutex::default();
        let told = alone(&busy, "load", || Ok(alone(&busy, "break", || Ok(())).unwrap_err().to_string())).unwrap();
        assert!(told.contains("busy with `load`"), "{told}");
        assert!(catch_unwind(AssertUnwindSafe(|| alone::<()>(&busy, "heal", || panic!("as it may be")))).is_err());
        assert_eq!(alone(&busy, "break", || Ok(7)).unwrap(), 7);
    }
}
