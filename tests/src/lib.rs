//! The lab: islands on one machine that are really kept apart, with real ZooKeeper servers, real Java applications and our own
//! programs in them. The tests in `tests/`, the demo and the walk through the README all stand on it.
//!
//! ```text
//!   install    what is missing: packages, Maven artefacts, compiled Java      (once a machine, under target/lab)
//!   lab        one of these: tools, networks, a folder for what runs
//!   net        a network namespace an island, one for the hub, one between    (root; else one machine, said aloud)
//!   process    a child with a log, signals, deadlines and an end              (every process below is one)
//!   zookeeper  a real server inside an island
//!   tree       all that is in one, to be compared
//!   peer       a Java application on a released Dubbo, driven by JSON lines
//!   program    one of ours: its TOML, its ready page
//!   line       two islands, a hub and what belongs in them, put together
//!   differential   our reading of requests held against a released Dubbo's
//!   matrix     every release against every other, directly and through the line
//!   values     what Java makes of its values, of the types that are declared
//!   yardstick  how long this machine stood still
//!   healthy    a caller that must not notice what a test does beside it
//!   boxes      what stands between an island and the hub, and what it does to calls
//!   faults     what breaks under load, and what comes of it
//!   walk       what the README says, done word for word
//! ```
//!
//! A failed test says what every program, server and application said last; `HIGHWAY_LAB_LOG=debug` makes ours say more.
//!
//! Nothing here outlives the process that made it, however it ends: [`reaper`] sees to that. Nothing here waits without a
//! deadline, and nothing here is linked into the programs.

pub mod boxes;
pub mod differential;
pub mod faults;
pub mod healthy;
pub mod helper;
pub mod install;
pub mod lab;
pub mod line;
pub mod matrix;
pub mod net;
pub mod peer;
pub mod process;
pub mod program;
pub mod reaper;
pub mod tree;
pub mod values;
pub mod walk;
pub mod yardstick;
pub mod zookeeper;
