//! Whether calls of a service could be made at once: it is known who offers it, and one of them is connected.
//!
//! It is looked at a few times a second for as long as somebody waits, and costs calls nothing. It never makes a call.

use std::rc::Weak;
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::State;
use tokio::sync::oneshot;

use super::Desk;
use crate::job::Failure;
use crate::request::Reference;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(20);

/// Somebody waits until calls of a service without a target could be made.
#[derive(Debug)]
pub(crate) struct Question {
    pub of: Arc<Reference>,
    pub until: Instant,
    pub reply: oneshot::Sender<Result<(), Failure>>,
}

/// Answers when they could, or when the time is over.
pub(super) async fn answer(desk: Weak<Desk>, question: Question) {
    let Question { of, until, reply } = question;
    while let Some(desk) = desk.upgrade() {
        let found = desk.could_call(&of);
        let now = Instant::now();
        if found.is_ok() || now >= until {
            // Whoever does not wait any more misses nothing.
            drop(reply.send(found));
            return;
        }
        if reply.is_closed() {
            return;
        }
        drop(desk);
        tokio::time::sleep(LOOK.min(until - now)).await;
    }
}

impl Desk {
    /// # Errors
    /// Why a call could not be made just now.
    fn could_call(&self, of: &Reference) -> Result<(), Failure> {
        let directory = self.directory.borrow().clone();
        let name = &of.names.anybody;
        let Some(candidates) = self.pool.candidates(name, "") else {
            return Err(Failure::NoProvider(match directory.has_looked_for(name, name) {
                true => directory.nobody(name, &of.service),
                false => super::UNREAD.to_owned(),
            }));
        };
        let is_up = candidates.list().iter().any(|one| one.provider.state() == State::Up);
        if is_up { Ok(()) } else { Err(Failure::NotReached(candidates.trouble())) }
    }
}
