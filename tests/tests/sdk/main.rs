//! The SDK as Rust services use it, with providers on released Dubbo: what a call can carry, how it ends, and where it goes.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod carried;
mod consumers;
mod fastjson2;
mod generated;
mod islands;
mod made;
mod providers;
mod ready;
mod rules;
mod tls;
mod typed;
mod types;
