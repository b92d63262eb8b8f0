//! What a Dubbo team sees beside its own providers: real consumers of every line, local providers of every kind, and virtual ones.
//!
//! ```text
//!   stage   island a: consumers on 2.6, 2.7, 3.1, 3.2, 3.3, local providers that come and go; a port each for b and c
//!           island b, island c: a provider each; c publishes on demand, and has consumers too
//!   pairs   island a: two egresses, two registries; island b: two ingresses
//! ```
//! Services are told apart by their group: each test has groups of its own, and what happens to one does not reach another.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod demand;
mod islands;
mod local;
mod pairs;
mod shown;
mod stage;
mod untouched;
