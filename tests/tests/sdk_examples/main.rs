//! What a newcomer to the SDK copies: the programs of `examples/sdk`, run as they are, against released Java, in their own island and
//! across the hub.
//!
//! | file | what |
//! |---|---|
//! | `stage.rs` | two islands with a Java application each, for all of them |
//! | `consumers.rs` | programs that call and end |
//! | `web.rs` | the web server |
//! | `first.rs` | the first call of a process, while its registry is slow |
//! | `provider.rs` | the provider, called from both islands |
//! | `page.rs` | the newcomer's page, `docs/rust.md` |
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod consumers;
mod first;
mod page;
mod provider;
mod stage;
mod web;
