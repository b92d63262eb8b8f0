//! The consumer against providers that do what none should: each call ends in an error that says how far it got, and the others go on.
//!
//! | file | what |
//! |---|---|
//! | `script.rs` | a provider on a real socket that does what a test says |
//! | `answers.rs` | answers that cannot be read, or are no answers |
//! | `connections.rs` | connections that break, stall, or never come about |
//! | `others.rs` | several providers, calls that are made again |
//! | `bounds.rs` | too many calls, calls and references that are dropped, many threads |
#![allow(clippy::unwrap_used, reason = "a test")]

mod answers;
mod bounds;
mod connections;
mod others;
mod script;
