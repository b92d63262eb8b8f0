//! How a process starts, reports and stops: config, listen, drain, tasks, admin, telemetry.
//!
//! ```text
//!  main ── run::<Program>() ── arguments ── config ──▶ Raw ── settle ──▶ Config ── start ──▶ running
//!                                              │                                    ▲          │
//!                                  exit 2: all mistakes          reload: SIGHUP or a changed   │
//!                                                                file; a bad one changes nothing
//!                                                                                              ▼
//!                           exit 0: nothing in flight, or the deadline ◀── drain ◀── SIGTERM, SIGINT
//!                           exit 1: a task failed or panicked
//! ```
//!
//! A program implements [`Program`] and its `main` is `highway_chassis::run::<TheProgram>()`. Nothing here knows what a
//! call, a link or an island is; nothing here runs on the path of a call, but for the counters of [`metrics`].

pub mod admin;
pub mod config;
pub mod drain;
mod inherited;
pub mod listen;
pub mod log;
pub mod metrics;
mod notify;
pub mod process;
pub mod run;
pub mod sources;
pub mod state;
pub mod tasks;

pub use config::{Mistakes, Secret, SecretFile, Size, Time};
pub use drain::{Drain, Hold};
pub use process::{Basics, Process, Program};
pub use run::run;
pub use sources::Sources;
pub use tasks::{Task, Tasks};
