//! Rubbish at the two Dubbo sockets of the line, beside a healthy Java caller that must not notice.
//!
//! ```text
//!   island a                                                       island b
//!   healthy Java consumer ──▶ egress ══ hub ══ ingress ──▶ healthy Java provider
//!   this test, rubbish    ──▶                          ──▶ scripted providers, rubbish
//! ```
//! Each test has the line for itself, asserts the exact answer, and ends with the healthy caller's tally: nothing failed, nothing
//! slow; and the memory of every program, printed and bounded. What is answered stands for people in `docs/bad-input.md`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod bodies;
mod frames;
mod hostile;
mod registry;
mod scripted;
mod storms;
mod talker;
mod world;
