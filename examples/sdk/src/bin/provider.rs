//! A provider: Rust functions that Java consumers find in their registry and call, from this island and, where its ingress gateway exports
//! the service, from others.
//!
//! `provider zk1:2181 10.20.0.5:20881` serves until SIGTERM, and then ends without losing a call. It never runs one twice.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::error::Error;
use std::time::Duration;

use highway_sdk::provider::{Invocation, Provider, Service, Thrown};
use tokio::signal::unix::{SignalKind, signal};

// ANCHOR: trait
/// With the word `serve`, whatever implements the trait can be served.
#[highway_sdk::service("com.example.GreetingService", version = "2.0.0", serve)]
trait Greeting {
    async fn say_hello(&self, name: &str) -> Result<String, Thrown>;
}

struct Polite;

impl Greeting for Polite {
    async fn say_hello(&self, name: &str) -> Result<String, Thrown> {
        if name.is_empty() {
            // The exception that the consumer catches. Any other error is one by `?`, as a `RuntimeException`.
            return Err(Thrown::of("java.lang.IllegalArgumentException", "who is it?"));
        }
        Ok(format!("Good day {name}, this is Rust"))
    }
}
// ANCHOR_END: trait

// ANCHOR: closure
/// Without a trait: closures, which see all of the call.
fn ledger() -> Service {
    Service::new("com.example.LedgerService").version("2.0.0").method("record", |call: Invocation| async move {
        let (key,): (String,) = call.args()?;
        let application = call.application().unwrap_or_else(|| "somebody".to_owned());
        let island = call.source_island().unwrap_or_else(|| "this island".to_owned());
        let tenant = call.attachment("tenant").unwrap_or_else(|| "no tenant".to_owned());
        Ok(format!("{key} by {application} of {island}, {tenant}"))
    })
}
// ANCHOR_END: closure

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(registry), Some(listen)) = (arguments.next(), arguments.next()) else {
        return Err("usage: provider REGISTRY ADDRESS:PORT".into());
    };
    let mut end = signal(SignalKind::terminate())?;
    // ANCHOR: serve
    // Consumers read the address in the registry: where it listens at 0.0.0.0, `.host(…)` says the one that they reach.
    let provider = Provider::builder()
        .application("rust-provider")
        .registry(&registry)
        .listen(&*listen)
        .serve(GreetingServer::service(Polite))
        .serve(ledger())
        .start()
        .await?;
    println!("dubbo://{}", provider.address());

    end.recv().await;
    // It goes out of the registry, tells its consumers, and answers what still comes.
    let drained = provider.drain(Duration::from_secs(10)).await;
    println!("{} calls were cut off", drained.cut_off);
    // ANCHOR_END: serve
    Ok(())
}
