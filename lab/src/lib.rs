//! Islands on one machine that are really kept apart, with real ZooKeeper servers, real Java applications and our own programs in
//! them. The tests, the demo and whoever only wants to try Highway stand on it.
//!
//! ```text
//!   install    what is missing: packages, Maven artefacts, compiled Java      (once a machine, under target/lab)
//!   ground     one lab: tools, networks, a folder for what runs
//!   net        a network namespace an island, one for the hub, one between    (root; else one machine, said aloud)
//!   process    a child with a log, signals, deadlines and an end              (every process below is one)
//!   zookeeper  a real server inside an island
//!   tree       all that is in one, to be compared
//!   peer       a Java application on a released Dubbo, driven by JSON lines
//!   program    one of ours: its TOML, its ready page
//!   line       islands, a hub and what belongs in them, put together
//!   boxes      what stands between an island and the hub
//!   helper     small errands inside an island, run by `highway-lab` itself
//!   reaper     ends what a run has started, however the run ends
//!
//!   command    `highway lab …`: what somebody types, and what is printed
//!   up         a lab that stays, from its start to its end; demo, a guided run of it
//!   control    what is said between these and the keeper
//!   seat       the folder in which a user's lab is known
//!   keeper     the process that a kept lab belongs to
//!   world      what it keeps: line and applications, calls, loads, faults
//! ```
//!
//! What our programs say more with is `HIGHWAY_LAB_LOG=debug`.
//!
//! Nothing here outlives the process that made it, however it ends: [`reaper`] sees to that. Nothing here waits without a
//! deadline, and nothing here is linked into gateways or hub.

pub mod boxes;
pub mod command;
pub mod control;
mod demo;
mod ground;
pub mod helper;
pub mod install;
mod keeper;
pub mod line;
pub mod net;
pub mod peer;
pub mod process;
pub mod program;
pub mod reaper;
pub mod seat;
pub mod tree;
mod up;
pub mod world;
pub mod zookeeper;

pub use ground::Lab;
