//! Starting a lab that stays, and ending it: what both say in every case that can be.
//!
//! ```text
//!              nothing there       starting          ready               killed
//!   up         starts it           says so, 1        says so, 1          clears up, starts it
//!   down       says so, 0          ends it           ends it             clears up
//!   Ctrl-C     -                   ends it, 130      (is not waited for)
//! ```

use std::fs::File;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::command::{Form, THERE, print, say};
use crate::control::{Outcome, Request, ask, asked};
use crate::helper;
use crate::process::until;
use crate::seat::Seat;
use crate::world::{Status, Wish};

/// How a command ends whose words are wrong.
const WRONG: u8 = 2;
/// How a command ends that somebody has stopped.
pub(crate) const INTERRUPTED: u8 = 130;

/// Starts a lab in the background and waits until it is ready.
pub(crate) fn up(seat: &Seat, wish: &Wish, form: Form) -> Result<ExitCode> {
    if let Err(error) = wish.kind().and(wish.rate()) {
        say(&format!("highway lab: {error:#}"));
        return Ok(ExitCode::from(WRONG));
    }
    let Some(value) = started(seat, wish)? else {
        say("highway lab: stopped; what had been started is gone again");
        return Ok(ExitCode::from(INTERRUPTED));
    };
    if form == Form::Json {
        print(&serde_json::to_string_pretty(&value)?)?;
    } else {
        let status: Status = serde_json::from_value(value)?;
        print(&status.text())?;
        print(
            "\ntry: highway lab call shanghai beijing\n     highway lab break hub, and highway lab heal\n     highway lab down",
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Starts it and gives its status; nothing if somebody has stopped that.
pub(crate) fn started(seat: &Seat, wish: &Wish) -> Result<Option<Value>> {
    if seat.is_kept()? {
        match ask(seat, &Request::Status, |_| {})? {
            Outcome::Done(_) => {
                bail!("there is a lab already; `highway lab status` shows it, `highway lab down` ends it")
            }
            Outcome::No(_) => bail!("a lab is just being started; wait for it, or end it with `highway lab down`"),
        }
    }
    if seat.cleared()? {
        say("cleared away what a lab had left that was killed");
    }
    let seat = &Seat::of_this_user()?;
    let log = File::create(seat.log()).with_context(|| format!("cannot write {}", seat.log().display()))?;
    let mut keeper = Command::new(helper::program()?)
        .args(["keep", &serde_json::to_string(wish)?])
        .current_dir("/")
        .env("HIGHWAY_LAB_DIR", seat.folder())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("cannot start the lab's keeper")?;
    let mut ended = false;
    let stream = until("the lab's keeper is there", THERE, || {
        ended = keeper.try_wait().is_ok_and(|status| status.is_some());
        if ended { Some(None) } else { UnixStream::connect(seat.control()).ok().map(Some) }
    });
    let stream = stream.inspect_err(|_| {
        // Nobody has told it to start, so it is nobody's.
        let _ = keeper.kill();
        let _ = keeper.wait();
    })?;
    let Some(stream) = stream else {
        bail!("the lab's keeper ended: {}", std::fs::read_to_string(seat.log()).unwrap_or_default().trim());
    };
    let stopped = Arc::new(AtomicBool::new(false));
    on_interrupt(stream.try_clone()?, stopped.clone())?;
    let came = asked(&stream, &Request::Start, say);
    let was_stopped = stopped.load(Ordering::Acquire);
    match came {
        Ok(Outcome::Done(status)) if !was_stopped => Ok(Some(status)),
        other => {
            // It ends since we are gone, or has ended by itself. Whoever listens for Ctrl-C holds the connection too.
            let _ = stream.shutdown(Shutdown::Both);
            let _ = keeper.wait();
            seat.cleared()?;
            if was_stopped {
                return Ok(None);
            }
            match other? {
                Outcome::Done(_) => Ok(None),
                Outcome::No(words) => bail!("{words}"),
            }
        }
    }
}

/// Ctrl-C ends the connection that the lab hangs on while it starts.
fn on_interrupt(stream: UnixStream, stopped: Arc<AtomicBool>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            stopped.store(true, Ordering::Release);
            say("stopping what has been started");
            let _ = stream.shutdown(Shutdown::Both);
        }
    })?;
    Ok(())
}

/// Ends whatever there is.
pub(crate) fn down(seat: &Seat, form: Form) -> Result<ExitCode> {
    let was_kept = seat.is_kept()?;
    if was_kept {
        ask(seat, &Request::Down, |_| {})?;
        until("the lab's keeper ends", THERE, || (!seat.is_kept().unwrap_or(true)).then_some(()))?;
    }
    let was_left = seat.cleared()?;
    let words = match (was_kept, was_left) {
        (true, _) => "the lab is gone; it has left nothing",
        (false, true) => "the lab's keeper had been killed; what it left is gone too",
        (false, false) => "there is no lab",
    };
    match form {
        Form::Json => print(&json!({ "ended": was_kept || was_left, "said": words }).to_string())?,
        Form::Text => print(words)?,
    }
    Ok(ExitCode::SUCCESS)
}
