//! Dubbo for Rust services, with the island as part of the call.
//!
//! ```no_run
//! use highway_sdk::Highway;
//!
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! let highway = Highway::builder().application("shop").registry("zk1:2181,zk2:2181").build()?;
//! let greeter = highway.service("com.example.GreetingService").build()?;
//! let answer: String = greeter.call("sayHello", ("bo",)).await?;
//! let there: String = greeter.call("sayHello", ("bo",)).target("shanghai").await?;
//! # Ok(()) }
//! ```
//!
//! ```text
//!   Highway (a process) ─▶ Service (a reference) ─▶ Call ─ await ─▶ Result<R, CallError>
//!                                                    │ arguments and answer: serde, in the thread of the caller
//!                                                    ▼
//!                          shard "highway-sdk": all connections, one flush a turn
//! ```
//!
//! **Where a call goes.** The nearest word counts: of the call ([`Call::target`]), of its task or thread ([`with_target`],
//! [`enter_target`]), of its method or service ([`ServiceBuilder`]), of the process ([`Builder::options`], variable [`TARGET_VARIABLE`]).
//!
//! * An island: the call goes to an egress gateway of the own island, with attachment `highway.target`, and nowhere else.
//! * `local`: to a provider of the own island, past any gateway.
//! * A rule in the config center says, where all of these are silent, and an emergency switch above them: as it does at the gateways, whose
//!   rules these are. The process itself obeys what concerns the providers of its own island, and leaves the rest to a gateway.
//! * Nobody says: to whoever stands in the registry for the service, as a Java consumer would: its own providers, or a gateway, which
//!   decides by its rules.
//!
//! So it needs no key, no link and no grant of its own, and works beside Java consumers that know nothing of it.
//!
//! **With a trait.** [`service`](macro@service) makes a client of a trait, with the method names and types of the Java interface.
//!
//! **How it fails.** [`CallError`] says how far the call got. What was not sent goes to another provider by itself, within its time; what
//! may have run is made again only where its caller said so ([`Call::repeats`]).
//!
//! **Values** are serde's types: [`hessian2`] says which is which class of Java, [`java`] has Java's own, [`Value`] is any. The same types go
//! over [`fastjson2`].
//!
//! **In which serialization.** A call is written in hessian2, which every release reads, or as its caller says
//! ([`CallOptions::serialization`]). Where nobody says it, whoever stands in the registry and reads fastjson2 and no hessian2, as
//! its node has it, gets fastjson2; behind a gateway that is what the gateway's node says of all islands that offer the service, so where these read
//! nothing in common, say it. Arguments are written before it is known who gets them: in both, for the first calls until the registry was
//! read, and for a service whose nodes differ. Where an address was given, or there is no registry, it is hessian2. An answer is read in
//! whatever it comes.
//!
//! **In threads.** [`Call::wait`] is for code that is not asynchronous.
//!
//! **What one sees.** Each call is a span of `tracing` (target `highway_sdk`, level debug) with its service, method, target, outcome and who
//! answered, in the names of OpenTelemetry. W3C trace context goes with a call as attachment `traceparent`, which gateways write into their
//! audits and providers read: put there by [`Builder::outgoing`], [`with_attachments`], [`Call::attachment`] or the layer of feature `tower`.
//! [`Highway::providers`] says how providers and gateways stand.
//!
//! **What others see.** Registries show each service that is looked up as a reference of this process, as they show Java's, until [`Highway::close`] or the
//! last client of it; [`Builder::without_consumer_nodes`] leaves that out.
//!
//! **TLS.** Providers that say `ssl-enabled=true` are called over TLS, by whom [`Builder::tls`] trusts.
//!
//! **Features**; `macros` alone is on unless it is left out:
//!
//! | feature | what it gives |
//! |---|---|
//! | `macros` | `#[highway_sdk::service("…")] trait …`: typed clients |
//! | `tower` | `highway_sdk::tower`: calls as a `Service` of tower, and a `Layer` that takes target and trace context of HTTP requests |
//! | `metrics` | calls in hand, and their durations by service, method and outcome, to the recorder of crate `metrics` |
//!
//! It wants Rust 1.92 and no C library but the C compiler that `ring` is built with.
//!
//! [`provider`] is the other side: Rust functions that Java, Go and Rust consumers call.
//!
//! From `cargo new` on, step by step, it is shown in `docs/rust.md` of the repository; programs to copy lie in its `examples/sdk`.
//!
//! It never dials a hub, never decides permissions, waits for nobody when it starts, and keeps nothing that outlives the process.

mod args;
mod blocking;
mod builder;
mod call;
mod codec;
mod descriptor;
mod desk;
mod directory;
mod epoch;
mod error;
mod exception;
pub mod fastjson2;
#[cfg(feature = "metrics")]
mod figures;
mod forms;
mod generic;
mod heed;
mod held;
pub mod hessian2;
mod highway;
mod inbox;
pub mod java;
mod java_type;
mod job;
mod listing;
mod observed;
mod options;
pub mod provider;
mod references;
mod registries;
mod reply;
mod request;
mod rulings;
mod scope;
mod serialization;
mod service;
mod target;
mod tls;
#[cfg(feature = "tower")]
pub mod tower;
#[cfg(feature = "tower")]
mod trace_context;
#[cfg(feature = "macros")]
mod typed;
mod value;
mod value_from;
mod written;

pub use args::Args;
pub use builder::{BuildError, Builder, TARGET_VARIABLE};
pub use call::{Call, Calling};
pub use client::{ProviderStatus, State as ProviderState};
pub use error::{AnswerError, CallError, CallErrorKind, Outcome};
pub use exception::{JavaException, StackFrame};
pub use generic::Generic;
pub use highway::Highway;
pub use options::CallOptions;
pub use reply::{Attachments, Reply};
pub use scope::{TargetGuard, carried, current_target, enter_target, with_attachments, with_target};
pub use service::{Service, ServiceBuilder};
pub use target::{NotATarget, Target};
pub use tls::Tls;
#[cfg(feature = "macros")]
pub use typed::service;
pub use value::Value;
pub use wire::dubbo::ReadError;
pub use wire::dubbo::answer::AnswerError as FormError;
pub use wire::dubbo::frame::{Codec, Serialization};
pub use zk_bridge::{AclChoice, RegistryConfig, RegistryFailure, RegistryMistake, RegistrySettings};

/// The page that one reads first is held to what the crate does.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
