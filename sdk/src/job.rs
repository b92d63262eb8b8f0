//! A call, or a question, between the thread that makes it and the shard that sends it, and what comes back.
//!
//! Nothing happens here.

use std::time::{Duration, Instant};

use client::{Candidates, Endpoint, ProviderStatus, SendError, Untaken};
use tokio::sync::oneshot;

use crate::desk::ready::Question;
use crate::request::{Request, Unwritten};
use crate::target::Target;

/// What the shard is given to do.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all are calls, which are not to be allocated one by one")]
pub(crate) enum Work {
    Call(Job),
    /// Somebody wants to know how providers stand.
    Standing(oneshot::Sender<Vec<ProviderStatus>>),
    /// Somebody waits until a service can be called.
    Ready(Question),
}

/// A call on its way.
#[derive(Debug)]
pub(crate) struct Job {
    pub request: Request,
    pub target: Option<Target>,
    pub began: Instant,
    /// How long it may take, where its caller says so.
    pub timeout: Option<Duration>,
    /// How often it may be made again when nobody knows whether it ran.
    pub repeats: u32,
    pub reply: oneshot::Sender<Ended>,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// A provider's answer: the whole frame.
    Answer { frame: Vec<u8>, from: Endpoint },
    /// A one-way call is on its connection.
    Sent,
    /// It has none.
    Failed(Failure),
    /// The last of several times; of one before nobody knows whether it ran.
    Repeated(Box<Ended>),
}

impl Ended {
    /// Who answered, where somebody did.
    pub fn answered_by(&self) -> Option<&Endpoint> {
        match self {
            Self::Answer { from, .. } => Some(from),
            Self::Repeated(last) => last.answered_by(),
            Self::Sent | Self::Failed(_) => None,
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    NoProvider(String),
    /// A rule or a switch forbids it.
    Refused(String),
    /// Nobody took it.
    NotReached(String),
    Busy(String),
    Unwritten(Unwritten),
    NeverSent(Duration),
    Unanswered(Duration),
    /// Its connection ended under it.
    Lost(String),
    AnswerTooLong {
        found_len: usize,
        limit_len: usize,
    },
    NoRoom {
        found_len: usize,
    },
}

impl Failure {
    /// Nobody of these took it.
    pub fn of(untaken: Untaken<Unwritten>, candidates: &Candidates) -> Self {
        match untaken {
            Untaken::Nobody => Self::NotReached(candidates.trouble()),
            Untaken::Refused { error: SendError::Busy(why), .. } => Self::Busy(why),
            Untaken::Refused { error: SendError::Down(why), .. } => Self::NotReached(why),
            Untaken::Refused { error: SendError::Write(unwritten), .. } => Self::Unwritten(unwritten),
        }
    }
}
