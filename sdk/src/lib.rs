//! What Rust services will link: a Dubbo consumer to whom the island is a part of the call.
//!
//! What is here: Java's values as Rust's ([`hessian2`], [`java`], [`Value`]). The calls themselves are still a plan, drawn here so that
//! what they need of `wire`, `route` and `client` is built there with them in mind.
//!
//! ```text
//!   Highway::builder().registry(…).application("shop").build()        once a process
//!        │
//!        ├─ reference("com.acme.Greeter").group("g1").version("1.0.0")     a service
//!        │       │
//!        │       └─ call("greet").arg("bo").timeout(…).send().await ─▶ Result<Value, CallError>
//!        │
//!        └─ where it goes, the nearest word counts; words that contradict each other are an error that names both
//!             1 the call        .island("shanghai")
//!             2 the task        highway::on_island("shanghai", async { … }).await
//!             3 the method      reference.route_method("greet", "shanghai")
//!             4 the reference   parameters highway.<island>=ALL|method,…
//!             5 nobody said     local providers, else the catalogue, as the egress gateway decides
//! ```
//!
//! * A call to another island leaves as an ordinary Dubbo call with attachment `highway.target`, to the island's egress
//!   gateways as the registry lists them; a call that stays goes to a local provider through `client`. So the SDK needs no
//!   key, no link and no grant of its own, and works beside Java consumers that know nothing of it.
//! * Which island and why is `route`, the same code that the gateway runs; `reference.explain("greet")` shows its steps.
//! * `CallError` says what the gateway says: not sent, outcome unknown, executed. The SDK repeats only *not sent*, within
//!   the deadline.
//! * Values are `serde` types over Hessian 2; an interface is a trait with an attribute that derives names and descriptors.
//!
//! * [`provider`] is the other side: Rust functions that Java, Go and Rust consumers call.
//!
//! It never dials a hub, never decides permissions, and keeps no state that outlives the process.

pub mod hessian2;
pub mod java;
pub mod provider;
mod value;

pub use value::Value;

/// The page that one reads first is held to what the crate does.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
