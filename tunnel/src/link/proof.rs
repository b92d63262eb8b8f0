//! Whether a connection carries what a link has: a handshake is small, and boxes exist that let small messages pass and hold or lose long
//! ones. A long ping has to come back as long. And how a connection was lost, for whoever chooses the next. It chooses nothing itself.

use std::time::{Duration, Instant};

use super::Link;
use crate::path::Break;

/// Bytes of the ping whose answer shows that a connection carries long messages both ways.
pub(super) const PROOF_LEN: usize = 64 * 1024;
/// Ping intervals in which that answer has to come: it may stand behind a burst of calls on a thin way.
const PROOF_PINGS: u32 = 2;

/// How a connection was lost.
pub(crate) struct Loss {
    pub(crate) how: Break,
    /// Whether it had brought a long message back.
    pub(crate) is_proven: bool,
    /// How silent it was before, and the longest silence that it had outlived.
    pub(crate) silence: Duration,
    pub(crate) outlived: Duration,
    pub(crate) why: String,
}

impl Link {
    /// Asks the connection of the moment for proof that it carries long messages; without it is given up.
    pub(crate) fn prove(&self) {
        let inner = &self.0;
        let mut carrier = inner.carrier.borrow_mut();
        let Some(carrier) = carrier.as_mut() else { return };
        let now = Instant::now();
        if let Some(stamp) = carrier.asked.ask(now) {
            carrier.proof = Some((stamp, now + inner.ping * PROOF_PINGS));
            inner.session.borrow_mut().ping(stamp, &[0; PROOF_LEN]);
            inner.touch();
        }
    }

    /// Whether the connection of the moment has given it.
    pub(crate) fn is_proven(&self) -> bool {
        self.0.carrier.borrow().as_ref().is_some_and(|carrier| carrier.is_proven)
    }

    /// How the last connection was lost, once.
    pub(crate) fn take_loss(&self) -> Option<Loss> {
        self.0.loss.borrow_mut().take()
    }
}
