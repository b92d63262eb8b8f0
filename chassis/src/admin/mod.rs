//! The admin listener: what a process says about itself, on a port of its own.
//!
//! | path | answer |
//! |---|---|
//! | `/livez` | 200 as long as the control thread turns |
//! | `/readyz` | 200 when every named condition is met and no drain was asked for, else 503; one line a condition |
//! | `/metrics` | Prometheus text |
//! | `/status` | one JSON object, a field a source |
//!
//! A program may add routes. Loopback by default; another address only with a token, and then everything but `/livez`
//! wants `Authorization: Bearer TOKEN`, compared in constant time. Never on the path of a call, never changes anything
//! by itself.

mod ready;
mod server;
mod status;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

pub use axum;

use crate::config::Secret;

pub use ready::{Condition, Ready};
pub use server::{Server, serve};
pub use status::Status;

/// The settled section `[admin]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Where to listen; empty for no admin listener.
    pub listen: Vec<SocketAddr>,
    /// What opens everything but `/livez`; `None` only where all addresses are loopback.
    pub token: Option<Secret>,
}

/// Routes that a program adds to its admin listener; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Routes {
    extra: Arc<Mutex<axum::Router>>,
}

impl Routes {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `router` beside what is there. They stand behind the token like everything else. Panics if a path is
    /// already taken, as axum does: paths are fixed in the program.
    pub fn add(&self, router: axum::Router) {
        let mut extra = self.extra.lock().unwrap_or_else(PoisonError::into_inner);
        *extra = std::mem::take(&mut *extra).merge(router);
    }

    fn get(&self) -> axum::Router {
        self.extra.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
