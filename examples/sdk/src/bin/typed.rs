//! A typed client: Rust traits with the names and types of Java interfaces, Rust structs for Java classes.
//!
//! `typed zk1:2181` calls a provider of this island, `HIGHWAY_TARGET=beijing typed zk1:2181` one of island beijing. It never catches what
//! it does not know: an unexpected error ends it with its sentence.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::error::Error;
use std::time::Duration;

use highway_sdk::java::Decimal;
use highway_sdk::{CallError, Highway};
use serde::{Deserialize, Serialize};

// ANCHOR: trait
/// Java: `String sayHello(String name)`.
#[highway_sdk::service("com.example.GreetingService")]
trait Greeting {
    async fn say_hello(&self, name: &str) -> Result<String, CallError>;
}
// ANCHOR_END: trait

/// Some methods of a larger interface: what nobody calls here need not be written down.
#[highway_sdk::service("com.example.InteropService")]
trait Interop {
    async fn order(&self, order: &Order) -> Result<Order, CallError>;

    async fn add(&self, a: i32, b: i64) -> Result<i64, CallError>;

    /// An overload: `String add(String a, String b)`.
    #[java("add")]
    async fn add_texts(&self, a: &str, b: &str) -> Result<String, CallError>;

    async fn declared(&self, why: &str) -> Result<String, CallError>;
}

// ANCHOR: class
/// `rename` says which class it is. Java's `null` needs an `Option`; fields of the class that are not listed are null there.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename = "com.example.Order")]
struct Order {
    id: i64,
    state: State,
    total: Decimal,
    items: Vec<Item>,
    note: Option<String>,
}
// ANCHOR_END: class

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename = "com.example.Order$State", rename_all = "UPPERCASE")]
enum State {
    Open,
    Paid,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename = "com.example.Order$Item")]
struct Item {
    name: String,
    count: i32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let registry = std::env::args().nth(1).ok_or("usage: typed REGISTRY")?;
    // ANCHOR: call
    // One for the whole process: it holds the connections. It waits for nobody; calls do, as long as their timeout.
    let highway =
        Highway::builder().application("rust-typed").registry(&registry).timeout(Duration::from_secs(10)).build()?;

    let greeting = GreetingClient::new(&highway)?;
    println!("{}", greeting.say_hello("bo").await?);
    // ANCHOR_END: call

    let interop = InteropClient::new(&highway)?;
    let pears = Item { name: "pear".to_owned(), count: 3 };
    let order = Order { id: 7, state: State::Paid, total: "12.50".into(), items: vec![pears], note: None };
    let back = interop.order(&order).await?;
    println!(
        "order {} is {:?}, {} pears for {}, note {:?}",
        back.id, back.state, back.items[0].count, back.total, back.note
    );
    println!("{} and {}", interop.add(7, 35).await?, interop.add_texts("7", "35").await?);

    // ANCHOR: exception
    // An exception of Java is an error with its class, its message and its fields.
    let error = interop.declared("no pears").await.err().ok_or("it throws whatever it is asked")?;
    let thrown = error.exception().ok_or("it throws an exception")?;
    let code = thrown.fields().get("code").and_then(highway_sdk::Value::as_i64);
    println!("{} with code {code:?}: {}", thrown.class, thrown.message.as_deref().unwrap_or_default());
    // ANCHOR_END: exception
    Ok(())
}
