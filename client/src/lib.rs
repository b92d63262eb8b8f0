//! Connections to Dubbo providers, of one shard: few of them, shared by all callers, kept alive both ways.
//!
//! ```text
//!  ProviderList ─update─▶ Pool ── candidates(service, method) ─▶ Candidates ── pick ─▶ Candidate { offer, provider }
//!                          │                                                                   │ send: own id, one copy
//!                          │ one Provider an address: connects while listed, with backoff      ▼
//!                          └────────────────────────────────────────────── Channel: one connection, its Session
//!                                                                                              │
//!  Answers::answer(token, frame) ◀── id ▶ pending call ◀───────────────────────────────────────┤ a reply
//!  Answers::lost(token, why)     ◀── its deadline, a lost connection, an answer that is too long┘
//! ```
//!
//! A call is held as one entry of a slab whose key is the request id on the wire, so ids are this process's own, never
//! reused, and equal ids of two consumers cannot meet. Each call ends exactly once: by its answer, or lost with a word on
//! how far it got ([`Outcome`]); a call that was not sent comes back with its frame, so that it can be sent elsewhere.
//! A late answer finds no entry and is dropped.
//!
//! It never repeats a call by itself, changes nothing in a body but what addresses it ([`edit`]), and knows nothing of islands, links or
//! registries.

mod calls;
mod channel;
mod choice;
mod core;
mod counts;
pub mod edit;
mod ejection;
mod list;
mod pool;
mod provider;
mod secured;
mod send;
mod status;
mod trust;

pub use calls::{CallKey, CallKind};
pub use choice::{Standing, choose};
pub use counts::{Count, Counts};
pub use edit::{EditError, ForProvider, TokenOf};
pub use ejection::Ejection;
pub use list::{DEFAULT_WARM_UP, DEFAULT_WEIGHT, Endpoint, Offer, ProviderList, Security, Token, WarmUp, is_enabled};
pub use pool::{Candidate, Candidates, Pool};
pub use provider::{Provider, SendError, State, Times};
pub use secured::{Secured, TlsWith};
pub use send::{MORE_PROVIDERS, Untaken};
pub use status::ProviderStatus;
pub use trust::{Trust, TrustError};

use std::time::Duration;

use wire::dubbo::frame::Header;

/// How a [`Pool`] treats its providers. The defaults are what Java's own consumers do, or better.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// Connections to one provider address, of this shard.
    pub connections: usize,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// The shortest and the longest pause between two attempts to connect; a fifth is added or taken at random.
    pub backoff: (Duration, Duration),
    /// After this much silence from the provider it is sent a heartbeat; after three times as much the connection ends.
    pub heartbeat: Duration,
    /// How long a call may wait for a provider that has no connection, and for how long a provider without one is hoped for.
    pub wait: Duration,
    /// Calls that may wait so, for each provider.
    pub waiting_limit: usize,
    /// Calls that may be pending on this shard.
    pub pending_limit: usize,
    /// When a provider that fails is left out for a while.
    pub ejection: Ejection,
    /// Bytes that may wait to be written to one provider that does not read; they take room of the budget as well.
    pub unwritten_limit_len: usize,
    /// Longest answer, header included; a longer one is skipped and its call is lost as [`Lost::TooLong`].
    pub frame_limit_len: usize,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            connections: 1,
            connect_timeout: Duration::from_secs(3),
            backoff: (Duration::from_secs(1), Duration::from_secs(10)),
            heartbeat: Duration::from_secs(60),
            wait: Duration::from_secs(5),
            waiting_limit: 1024,
            ejection: Ejection::default(),
            pending_limit: 1 << 17,
            unwritten_limit_len: 16 * 1024 * 1024,
            frame_limit_len: 8 * 1024 * 1024 + wire::dubbo::frame::HEADER_LEN,
        }
    }
}

/// Who is told how a call ended. Called on the shard; must not block. It may send further calls at once.
pub trait Answers: 'static {
    /// The provider's answer to the call that was sent with `token`.
    fn answer(&self, token: u64, answer: Answer<'_>);

    /// The call that was sent with `token` gets no answer.
    fn lost(&self, token: u64, lost: Lost);

    /// The one-way call that had to wait under `token` was written to its provider: nothing more is heard of it.
    fn passed_on(&self, _token: u64) {}

    /// A provider is connected and gets the calls that waited for it next: the last moment to [`Pool::cancel`] those that shall not run.
    fn waiting_go(&self) {}
}

/// A provider's answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The header as it came: its id is this pool's, not the caller's.
    pub header: &'a Header,
    /// The whole frame, header included, in the read buffer.
    pub frame: &'a [u8],
    /// From the moment the call was appended to the connection to the read that brought the answer.
    pub took: Duration,
}

/// How far a call got that has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The provider cannot have seen all of it.
    NotSent,
    /// It was written; whether it ran nobody knows.
    Unknown,
    /// It ran: the answer could not be kept.
    Executed,
}

/// Why a call has no answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Lost {
    /// The deadline passed after the call was written.
    DeadlinePassed,
    /// No connection came about while the call waited, or the connection ended before the call was written. The frame is
    /// as it was sent, for another provider; `None` where a part of it was already written.
    NotSent {
        /// What became of the connection.
        why: String,
        /// The frame, with this pool's id in it.
        frame: Option<Vec<u8>>,
    },
    /// The connection ended with the call written and unanswered.
    Unknown {
        /// Why it ended.
        why: String,
    },
    /// The answer is longer than [`PoolConfig::frame_limit_len`]; it was skipped.
    TooLong {
        /// Its length, header included.
        found_len: usize,
        /// The limit.
        limit_len: usize,
    },
    /// There was no room in the budget for the answer; it was skipped.
    NoRoom {
        /// Its length, header included.
        found_len: usize,
    },
}

impl Lost {
    /// How far the call got.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Lost::NotSent { .. } => Outcome::NotSent,
            Lost::DeadlinePassed | Lost::Unknown { .. } => Outcome::Unknown,
            Lost::TooLong { .. } | Lost::NoRoom { .. } => Outcome::Executed,
        }
    }
}
