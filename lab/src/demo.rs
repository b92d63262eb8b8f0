//! A guided run: starts a lab, calls both ways, breaks the hub and mends it, and ends the lab again.
//!
//! Everything in it is a command that somebody could type, and is shown as one.

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::command::{Form, print, say};
use crate::control::{Outcome, Request, Speaker, ask};
use crate::seat::Seat;
use crate::up::{INTERRUPTED, down, started};
use crate::world::{Called, Fault, Part, Status, Watched, Wish};

/// Consumers on Dubbo 2.7 and on 3.3, one towards the other.
const WAYS: [(&str, &str); 2] = [("shanghai", "beijing"), ("beijing", "shanghai")];
/// Calls each way; the first one carries the start of everything lazy.
const CALLS: u32 = 3;

pub(crate) fn run(keep: bool) -> Result<ExitCode> {
    let seat = Seat::of_this_user()?;
    print("$ highway lab up")?;
    let Some(status) = started(&seat, &Wish::default())? else { return Ok(ExitCode::from(INTERRUPTED)) };
    let status: Status = serde_json::from_value(status)?;
    print(&status.text())?;
    let ended = end_on_interrupt(Seat::of_this_user()?)?;
    let guided = guided(&seat);
    // Whoever is first ends it; the other waits for that.
    let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
    if *ended {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if keep && guided.is_ok() {
        print("\nleft running: `highway lab help` says what else there is, `highway lab down` ends it")?;
        return Ok(ExitCode::SUCCESS);
    }
    print("\n$ highway lab down")?;
    *ended = true;
    guided.and(down(&seat, Form::Text))
}

/// Ctrl-C ends the lab and this. What is given says whether somebody has begun to end it, and is held until he has.
fn end_on_interrupt(seat: Seat) -> Result<Arc<Mutex<bool>>> {
    let ended = Arc::new(Mutex::new(false));
    let by_us = ended.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            let mut ended = by_us.lock().unwrap_or_else(PoisonError::into_inner);
            if !std::mem::replace(&mut *ended, true)
                && let Err(error) = down(&seat, Form::Text)
            {
                say(&format!("highway lab: {error:#}; end it with `highway lab down`"));
            }
            std::process::exit(INTERRUPTED.into());
        }
    })?;
    Ok(ended)
}

fn guided(seat: &Seat) -> Result<()> {
    for (from, to) in WAYS {
        print(&format!("\n$ highway lab call {from} {to}"))?;
        for _ in 0..CALLS {
            let arguments = vec![Value::from(from)];
            let (from, to, method) = (from.to_owned(), to.to_owned(), "sayHello".to_owned());
            let request = Request::Call { from, to, method, arguments, by: Speaker::Java };
            let called: Called = asked(seat, &request)?;
            print(&called.text())?;
            ensure!(called.thrown.is_none(), "a call was not answered");
        }
    }
    print("\n$ highway lab break hub")?;
    let watched: Watched = asked(seat, &Request::Break(Fault { part: Part::Hub, island: "beijing".to_owned() }))?;
    print(&watched.text())?;
    print("$ highway lab heal")?;
    let watched: Watched = asked(seat, &Request::Heal)?;
    print(&watched.text())?;
    let status: Status = asked(seat, &Request::Status)?;
    if let Some((to_hub, between)) = status.packets {
        print(&format!("packets from the islands to the hub: {to_hub}, from one island into another: {between}"))?;
        ensure!(between == 0, "{between} packets went from one island into another, wanted none");
    }
    Ok(())
}

fn asked<T: serde::de::DeserializeOwned>(seat: &Seat, request: &Request) -> Result<T> {
    match ask(seat, request, say)? {
        Outcome::Done(value) => Ok(serde_json::from_value(value)?),
        Outcome::No(words) => anyhow::bail!("{words}"),
    }
}
