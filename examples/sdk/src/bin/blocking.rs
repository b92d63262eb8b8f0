//! Calls from plain threads: no async runtime, no `async fn main`. What a batch job or an old code base wants.
//!
//! `blocking zk1:2181` calls a provider of this island, `HIGHWAY_TARGET=beijing blocking zk1:2181` one of island beijing. It never makes a
//! call again of which nobody knows whether it ran.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::error::Error;
use std::thread;
use std::time::Duration;

use highway_sdk::{CallError, Highway, Outcome};

#[highway_sdk::service("com.example.GreetingService")]
trait Greeting {
    async fn say_hello(&self, name: &str) -> Result<String, CallError>;
}

#[highway_sdk::service("com.example.InteropService")]
trait Interop {
    async fn slow(&self, text: &str, millis: i32) -> Result<String, CallError>;
}

fn main() -> Result<(), Box<dyn Error>> {
    let registry = std::env::args().nth(1).ok_or("usage: blocking REGISTRY")?;
    let highway =
        Highway::builder().application("rust-blocking").registry(&registry).timeout(Duration::from_secs(10)).build()?;
    let greeting = GreetingClient::new(&highway)?;

    // `.wait()` in place of `.await`. All threads share one client and its connections.
    let hellos = thread::scope(|scope| {
        let threads = ["bo", "li", "wu"].map(|name| scope.spawn(|| greeting.say_hello(name).wait()));
        threads.map(|thread| thread.join().expect("a call does not panic"))
    });
    for hello in hellos {
        println!("{}", hello?);
    }

    // Each error says how far its call got, and so what may be done about it.
    let interop = InteropClient::new(&highway)?;
    tell(interop.slow("in time", 1).wait());
    tell(interop.slow("too late", 3_000).timeout(Duration::from_millis(300)).wait());
    tell(interop.slow("nowhere", 1).target("atlantis").wait());
    Ok(())
}

// ANCHOR: outcome
fn tell(result: Result<String, CallError>) {
    let error = match result {
        Ok(text) => return println!("answered: {text}"),
        Err(error) => error,
    };
    match error.outcome() {
        Outcome::NotSent => println!("not sent, may be made again: {error}"),
        Outcome::Unknown => println!("unknown, look before it is made again: {error}"),
        Outcome::Executed => println!("executed, must not be made again: {error}"),
    }
}
// ANCHOR_END: outcome
