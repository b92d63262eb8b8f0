//! Which island a call goes to, and why; pure.
//!
//! ```text
//!  Call (what the frame and its port say) ┐
//!  Snapshot (catalogue, imports)          ┴─▶ decide ─▶ Decision { island, reason } or a Refusal with a sentence
//!
//!  1 guards     always apply: only imported services, never back to the own island
//!  2 caller     highway.target, tag, port of an island: they agree or the call is refused
//!  3 catalogue  speaks only where the caller was silent: the only island that offers the service
//! ```
//!
//! The same code explains: [`explain`] decides while writing down every [`Step`] it takes. Nothing here knows a socket,
//! a clock, Dubbo's bytes or a status; the egress gateway and the SDK turn what is said here into calls.

mod call;
mod decide;
mod import;
mod refusal;
mod snapshot;
#[cfg(test)]
mod testing;

pub use call::Call;
pub use decide::{Decision, Explained, Reason, Stage, Step, decide, explain};
pub use import::{BesideLocal, ImportRule, Imports, Verdict};
pub use refusal::{Lasts, Refusal};
pub use snapshot::{Health, Offer, Snapshot, View};
