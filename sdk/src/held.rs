//! A call in hand: what is to be sent, until when, and who was asked so far.
//!
//! It never sends anything.

use std::rc::Rc;
use std::time::{Duration, Instant};

use client::{CallKey, Endpoint, Provider};
use tokio::sync::oneshot;

use crate::directory::Directory;
use crate::job::{Ended, Job};
use crate::options::DEFAULT_TIMEOUT;
use crate::request::Request;
use crate::target::Target;

/// A longer time is this one: Java has milliseconds in an `int`.
const LONGEST_TIMEOUT: Duration = Duration::from_millis(i32::MAX as u64);
/// So long the registry may take to be read where the caller says no time: a session takes less. It is read once a process; while it is away
/// from the start each call waits so long.
pub(crate) const LOOKING: Duration = Duration::from_secs(5);

/// A call in hand.
pub(crate) struct Held {
    pub request: Rc<Request>,
    pub target: Option<Target>,
    /// When it was made, or made again.
    pub began: Instant,
    /// How long it may take, where its caller says so.
    said: Option<Duration>,
    pub timeout: Duration,
    pub deadline: Instant,
    pub repeats: u32,
    /// Whether it was made before, and nobody knows what became of that.
    pub is_again: bool,
    pub reply: oneshot::Sender<Ended>,
    /// How often it was offered since it was made, or made again.
    pub offers: usize,
    /// Until when it is seen to that it does not wait for a directory.
    pub watched_until: Option<Instant>,
    /// Who could not take it, or did not answer.
    pub tried: Vec<Endpoint>,
    /// Who has it, and under which name there.
    pub asked: Option<(Rc<Provider>, CallKey)>,
}

impl Held {
    /// A call that comes; its time is settled when it is first offered.
    pub fn of(job: Job) -> Self {
        let Job { request, target, began, timeout: said, repeats, reply } = job;
        Self {
            request: Rc::new(request),
            target,
            began,
            said,
            timeout: Duration::ZERO,
            deadline: began,
            repeats,
            is_again: false,
            reply,
            offers: 0,
            watched_until: None,
            tried: Vec::new(),
            asked: None,
        }
    }

    /// An answer, in the room that its arguments took: what one thread gives to another costs both more than what it keeps.
    pub fn answered_with(&mut self, answer: &[u8]) -> Vec<u8> {
        let mut frame = Rc::get_mut(&mut self.request).map(|request| request.args.take_room()).unwrap_or_default();
        frame.clear();
        frame.extend_from_slice(answer);
        frame
    }

    /// Tells its caller.
    pub fn end(self, ended: Ended) {
        let ended = if self.is_again { Ended::Repeated(Box::new(ended)) } else { ended };
        // Whoever does not wait any more misses nothing.
        drop(self.reply.send(ended));
    }

    /// How long it may take: as its caller says, else as its providers say of themselves, else Dubbo's own default. Where its caller says
    /// nothing, what it waited for a directory is not a part of that.
    pub fn settle(&mut self, directory: &Directory, now: Instant) {
        let of_providers = || {
            let names = &self.request.of.names;
            let is_local = self.target.as_ref().is_some_and(Target::is_local);
            let name = if is_local { &names.local } else { &names.anybody };
            directory.timeout(name, self.request.runs())
        };
        let timeout = self.said.or_else(of_providers).unwrap_or(DEFAULT_TIMEOUT);
        let from = if self.said.is_none() && self.watched_until.is_some() { now } else { self.began };
        self.timeout = timeout.min(LONGEST_TIMEOUT);
        self.deadline = from + self.timeout;
    }

    /// Until when it waits for a directory.
    pub fn waits_until(&mut self) -> Instant {
        if self.said.is_none() {
            self.timeout = LOOKING;
            self.deadline = self.began + LOOKING;
        }
        self.deadline
    }
}
