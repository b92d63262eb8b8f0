//! What a decision is made from: the facts of one call.
//!
//! Everything is borrowed; the caller of [`crate::decide()`] owns the frame it read them from. Nothing here has been
//! judged yet, and nothing here is a permission.

use wire::tunnel::catalogue::ServiceKey;

/// The facts of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// The service of the effective call; `None` for an opaque call, whose bytes nobody can read.
    pub service: Option<&'a ServiceKey>,
    /// The method of the effective call, for explanations; empty for an opaque call.
    pub method: &'a str,
    /// The application as the consumer claims it, for explanations.
    pub application: Option<&'a str>,
    /// Attachment `highway.target`.
    pub target: Option<&'a str>,
    /// The island whose tag the call carries in attachment `dubbo.tag`; `None` also for tags that mean no island.
    pub tagged: Option<&'a str>,
    /// The island to which the listener is bound that the call came in on.
    pub bound: Option<&'a str>,
}
