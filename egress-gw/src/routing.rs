//! Routing, the built-in fallback: where the rules send a call, and there it goes. Written against [`crate::fallback`]
//! alone; how it is decided and carried is behind [`Request::decide`] and [`Request::carry`].
//!
//! It never passes a call on, so it stands last.

use crate::fallback::{Fallback, Handled, Request};

/// The fallback that carries calls where the rules send them. It takes every call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Routing;

impl Fallback for Routing {
    fn name(&self) -> &str {
        "routing"
    }

    fn handle<'a>(&self, request: Request<'a>) -> Handled<'a> {
        match request.decide() {
            Ok(decision) => request.carry(decision),
            Err(failure) => request.fail(&failure),
        }
    }
}
