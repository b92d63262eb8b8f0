//! The island for whatever a thread or a task does, without a word at each call: deep code need not know of islands.
//!
//! `targets zk1:2181 local beijing` greets each target from a thread and from a task. It never sets a target for other threads or tasks.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::error::Error;
use std::thread;
use std::time::Duration;

use highway_sdk::{CallError, Highway, Target, carried, enter_target, with_target};
use tokio::runtime::Builder;

#[highway_sdk::service("com.example.GreetingService")]
trait Greeting {
    async fn say_hello(&self, name: &str) -> Result<String, CallError>;
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let registry = arguments.next().ok_or("usage: targets REGISTRY TARGET…")?;
    let targets = arguments.map(|name| Target::new(&name)).collect::<Result<Vec<_>, _>>()?;
    let highway =
        Highway::builder().application("rust-targets").registry(&registry).timeout(Duration::from_secs(10)).build()?;
    let greeting = GreetingClient::new(&highway)?;

    // Threads: the target holds until the guard is dropped, which sets back the one before.
    thread::scope(|scope| {
        let greeting = &greeting;
        for target in &targets {
            scope.spawn(move || {
                // ANCHOR: thread
                let _there = enter_target(target.clone());
                tell("a thread", target, greeting.say_hello("bo").wait());
                // ANCHOR_END: thread
            });
        }
    });
    let tasks = async {
        for target in targets {
            // ANCHOR: task
            with_target(target.clone(), in_a_task(&greeting, target)).await;
            // ANCHOR_END: task
        }
    };
    Builder::new_current_thread().enable_all().build()?.block_on(tasks);
    Ok(())
}

/// Tasks: the target follows the future through its awaits.
async fn in_a_task(greeting: &GreetingClient, target: Target) {
    tell("a task", &target, greeting.say_hello("li").await);

    // ANCHOR: spawned
    // What it spawns is another task, which has the target only where one says so.
    let there = greeting.clone();
    let spawned = tokio::spawn(carried(async move { there.say_hello("wu").await }));
    tell("a spawned task", &target, spawned.await.expect("a call does not panic"));
    // ANCHOR_END: spawned

    // ANCHOR: one-call
    // A nearer word counts: `local` is a provider of one's own island.
    tell("a call to local", &target, greeting.say_hello("an").target("local").await);
    // ANCHOR_END: one-call
}

fn tell(who: &str, target: &Target, result: Result<String, CallError>) {
    match result {
        Ok(hello) => println!("{who} with {target}: {hello}"),
        Err(error) => println!("{who} with {target}: {error}"),
    }
}
