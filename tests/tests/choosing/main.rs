//! Who says which island answers: real consumers of every line, and what each of them can say.
//!
//! ```text
//!   stage   island a: consumers on 2.6, 2.7, 3.1, 3.2, 3.3 and dubbo-go; a port each for b and c, with tags
//!           island d: two gateways with the same ports, without tags, and nobody until a test needs it
//!           islands b, c: a provider each of the same services
//! ```
//! Every cell of the table in `docs/choosing.md` names a test of this folder: `page` holds it to that.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod away;
mod bombs;
mod config_center;
mod documents;
mod explain;
mod far;
mod grants;
mod load;
mod page;
mod references;
mod rules;
mod said;
mod services;
mod soon;
mod stage;
mod sticky;
mod tags;
mod unsound;
mod waiting;
mod whom;
