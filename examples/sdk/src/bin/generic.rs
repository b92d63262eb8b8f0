//! A generic call: no trait, no class, all by names. For gateways, consoles and tests that learn what to call while they run.
//!
//! `generic zk1:2181` calls a provider of this island, `HIGHWAY_TARGET=beijing generic zk1:2181` one of island beijing. It never asks
//! whether there is such a method: the provider says so.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::error::Error;
use std::time::Duration;

use highway_sdk::{Highway, Value};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let registry = std::env::args().nth(1).ok_or("usage: generic REGISTRY")?;
    let highway =
        Highway::builder().application("rust-generic").registry(&registry).timeout(Duration::from_secs(10)).build()?;
    let interop = highway.service("com.example.InteropService").build()?;

    // ANCHOR: generic
    // The method, the Java types of its parameters, which choose among overloads, and the arguments.
    let sum: i64 = interop.generic("add", ["int", "long"], [7.into(), 35_i64.into()]).await?;
    println!("7 + 35 = {sum}");
    // ANCHOR_END: generic

    // An object goes and comes as a map with its class under `class`.
    let order = Value::from([
        ("class", "com.example.Order".into()),
        ("id", 7_i64.into()),
        ("state", "PAID".into()),
        ("items", vec![Value::from([("name", "pear".into()), ("count", 3.into())])].into()),
    ]);
    let back: Value = interop.generic("order", ["com.example.Order"], [order]).await?;
    println!("order {:?} is {:?}", back.get("id").and_then(Value::as_i64), back.get("state").and_then(Value::as_str));

    // What is wrong with a call is an error like any other; the provider has looked for the method and has run nothing.
    let nothing: Result<Value, _> = interop.generic("noSuchMethod", ["int"], [7.into()]).await;
    println!("{}", nothing.err().ok_or("there is such a method")?);
    Ok(())
}
