//! Who says which island answers: real consumers of every line, and what each of them can say.
//!
//! ```text
//!   stage   island a: consumers on 2.6, 2.7, 3.1, 3.2, 3.3 and dubbo-go; a port each for b and c, with tags
//!           island d: the same ports without tags, and nobody until a test needs it
//!           islands b, c: a provider each of the same services
//! ```
//! Every cell of the table in `docs/choosing.md` names a test of this folder.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod config_center;
mod explain;
mod rules;
mod said;
mod stage;
mod unsound;
