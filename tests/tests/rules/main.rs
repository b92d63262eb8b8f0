//! `highway rules …` against a real ZooKeeper, as an operator types it: what is applied, who is told that somebody was faster, and what
//! can be taken back.
#![allow(clippy::unwrap_used, reason = "a test")]

mod between;
mod changed;
mod foreign;
mod need;
mod operator;
mod refused;
mod together;
