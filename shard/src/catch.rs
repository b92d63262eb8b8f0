//! Keeps a panic from taking down more than what panicked: the flusher and the tickers of a shard serve everybody on it. It never
//! hides one: the panic hook prints it, and the log names what ended.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What ran has panicked; whatever it had begun is half done, and its owner ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panicked;

/// Runs `work`. `what` names it in the log.
///
/// # Errors
/// It panicked.
pub fn catch<T>(what: &'static str, work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        tracing::error!(what, "a panic was caught; what it belongs to is ended, everything else goes on");
        Panicked
    })
}
