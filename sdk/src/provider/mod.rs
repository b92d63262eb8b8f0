//! The other side of a call: Rust functions that Java, Go and Rust consumers call as a Dubbo service.
//!
//! ```
//! use highway_sdk::provider::{Invocation, Provider, Service};
//!
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! let greeter = Service::new("com.acme.Greeter").version("1.0.0").method("greet", |call: Invocation| async move {
//!     let (name,): (String,) = call.args()?;
//!     Ok(format!("hello {name}"))
//! });
//! let provider = Provider::builder().listen("127.0.0.1:0").serve(greeter).start().await?;
//! println!("consumers reach it at dubbo://{}", provider.address());
//!
//! provider.drain(std::time::Duration::from_secs(10)).await;
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(f())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Handlers** are closures over an [`Invocation`], or anything that implements [`Serve`]. They run on the runtime in which the provider
//! was started; what blocks belongs into `tokio::task::spawn_blocking`. A handler that panics answers with an exception, and nothing else is
//! harmed. Its future is dropped when the consumer goes away before it is done; that of a one-way call is not.
//!
//! **Results** are values by serde ([`hessian2`](crate::hessian2)), `()` for `void`, and go in the serialization of their call; [`Thrown`] is a Java exception, and by `?` every error
//! becomes one. Attachments go both ways. Generic calls of kind `true` get maps in place of objects, and
//! the name of an exception; `$echo` is answered.
//!
//! **Registries** ([`Builder::registry`]) show the provider at both levels while it runs, as they show Java's, so that consumers of every release
//! find it. It waits for none; [`Provider::registered`] does.
//!
//! **What comes from outside** is bounded, and refused with the statuses that Dubbo uses:
//!
//! | found | answered |
//! |---|---|
//! | a body over 8 MiB ([`Builder::payload`]), one that cannot be read, another serialization than hessian2 and fastjson2; a method or overload that is not there; arguments that are others than the handler takes | 40 |
//! | a service that is not here, in this group or version | 70 |
//! | no [`Builder::token`] of the provider's, or another | 70 |
//! | more than 1000 calls in hand ([`Builder::calls`]), or 256 MiB of calls and answers ([`Builder::held`]) | 100, at once |
//! | a result that cannot be written for Java, or is over 8 MiB | 50, 25 |
//! | bytes that are no Dubbo; a frame of 256 MiB | the connection is closed |
//! | a frame that does not come on, a connection without a heartbeat for 180 s, a consumer that does not read | the connection is closed |
//!
//! **Time** is what the consumer says: a call whose time is over before its handler could begin is not begun, and an answer that is late is not sent.
//! Java begins it, and sends what its consumer has no use for any more. One-way calls are begun whenever they come.
//!
//! It speaks no TLS: it is for services inside an island. It never closes a connection to say that a call failed.

mod answer;
mod arguments;
mod builder;
mod core;
mod generic;
mod invocation;
mod job;
mod lookup;
mod offer;
mod registered;
mod serve;
mod service;
mod session;
mod shard_thread;
mod signature;
mod thrown;
mod token;

pub use answer::Answer;
pub use builder::{Builder, Drained, Provider, StartError};
pub use invocation::{ATTACHMENTS_MAX, Invocation};
pub use offer::Offer;
pub use serve::{Outcome, Serve};
pub use service::Service;
pub use signature::Method;
pub use thrown::Thrown;

pub use crate::serialization::Decoder;
