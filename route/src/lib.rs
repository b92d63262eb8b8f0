//! Which island a call goes to, and why; pure.
//!
//! ```text
//!  Call (what the frame, its port and its consumer's node say) ┐
//!  Snapshot (catalogue, local providers, imports, rules)       ┴─▶ decide ─▶ Plan { reason, choice } or a Refusal
//!                                                                            └ picked from, call by call
//!
//!  1 guards     always apply: emergency switches; only imported services
//!  2 caller     highway.target, tag, port of an island, parameters of the reference: they agree or the call is refused
//!  3 rules      speak where the caller was silent: the first that is about the call acts
//!  4 catalogue  speaks where no rule is about the call: the only island that offers the service
//! ```
//!
//! Who knows only his own island decides what can be decided there ([`near`]) and leaves the rest to a gateway, which asks the same rules.
//!
//! The same code explains: [`explain`] decides while writing down every [`Step`] it takes. Nothing here knows a socket,
//! a clock, Dubbo's bytes or a status; the egress gateway and the SDK turn what is said here into calls.

mod call;
mod decide;
mod fit;
mod import;
mod near;
mod plan;
mod refusal;
mod returned;
mod ruled;
pub mod rules;
mod snapshot;
#[cfg(test)]
mod testing;
mod text;
mod words;

pub use call::{Call, Entries, Lookup, Word};
pub use decide::{Explained, Stage, Step, decide, explain};
pub use import::{BesideLocal, ImportRule, Imports, Verdict};
pub use near::{Near, near};
pub use plan::{Choice, LOCAL, Plan, Reason, Split, Sticky, Target, VALUE_MAX_LEN};
pub use refusal::{Lasts, Refusal};
pub use returned::Returned;
pub use snapshot::{Health, Known, Offer, Snapshot, View};
pub use words::is_island_id;
