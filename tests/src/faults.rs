//! Faults under load: every line of Dubbo calls steadily with keys of its own, something breaks, and what the callers saw is held
//! against what the providers wrote down.
//!
//! ```text
//!   island a: a consumer of each release ─▶ egress ─▶ hub ─▶ ingress ─▶ provider(s), each run a line in a ledger :island b
//!   fault     what breaks, and how it comes back
//!   stage     the line, the applications, one trial
//!   tally     calls and ledger into figures; pure
//!   table     figures for people
//!   verdict   what counts as good
//! ```
//!
//! What is counted, what the words mean and what is good enough stands in `docs/faults.md`.

mod fault;
mod stage;
mod table;
mod tally;
mod verdict;

pub use fault::{End, Fault, Gateways, Side};
pub use lab::peer::Failed as Kind;
pub use stage::{Stage, Trial};
pub use table::{document, lines, summary};
pub use tally::Figures;
