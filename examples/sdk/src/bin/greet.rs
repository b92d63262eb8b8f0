//! One call, and how long it took: what `highway lab call --rust` runs in an island.
//!
//! `greet zk1:2181 beijing bo` greets bo from island beijing, and prints microseconds and the answer. It never makes a call twice.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::error::Error;
use std::time::{Duration, Instant};

use highway_sdk::{CallError, Highway};

/// In the version that the Rust provider beside this program serves.
#[highway_sdk::service("com.example.GreetingService", version = "2.0.0")]
trait Greeting {
    async fn say_hello(&self, name: &str) -> Result<String, CallError>;
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [registry, target, name] = words.as_slice() else { return Err("usage: greet REGISTRY TARGET NAME".into()) };
    let highway =
        Highway::builder().application("rust-greet").registry(registry).timeout(Duration::from_secs(5)).build()?;
    let greeting = GreetingClient::new(&highway)?;
    // The first call waits until the registry is read; it is not what is measured. It wants a provider of the own island, as each of the lab has.
    greeting.say_hello("nobody").target("local").await?;
    let begun = Instant::now();
    let hello = greeting.say_hello(name).target(target).await?;
    println!("{} {hello}", begun.elapsed().as_micros());
    Ok(())
}
