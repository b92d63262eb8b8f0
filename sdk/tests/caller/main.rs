//! The side of the caller against a provider in this process: waiting in threads, what is seen of calls, and what goes along with them.
#![allow(clippy::unwrap_used, reason = "a test")]

mod blocking;
#[cfg(feature = "metrics")]
mod figures;
mod greeter;
mod seen;
