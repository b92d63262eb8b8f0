//! What a session says to its owner: what a record means, and why it cannot go on. It carries slices of the read buffer and keeps
//! nothing.

use thiserror::Error;
use wire::tunnel::record::RecordError;
use wire::tunnel::{Failure, RecordType};

use super::models::Unlike;
use super::packing::Unpackable;
use crate::{End, ExchangeId, Open, Reply};

/// What a record means to the owner of the session.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// Nothing.
    Nothing,
    /// [`crate::Handler::opened`].
    Opened(ExchangeId, Open<'a>),
    /// [`crate::Handler::data`].
    Data(ExchangeId, &'a [u8], End),
    /// [`crate::Handler::cancelled`].
    Cancelled(ExchangeId),
    /// [`crate::Handler::reply`].
    Reply(u64, Reply<'a>),
    /// [`crate::Handler::failed`].
    Failed(u64, Failure),
    /// A catalogue record.
    Catalogue(&'a [u8]),
    /// A notice record.
    Notice(&'a [u8]),
    /// A pong with its ping's stamp.
    Pong(u64, usize),
    /// The peer takes no new exchanges.
    Draining(String),
    /// The peer has ended the session, having received so many records.
    Over(u64, String),
}

/// Why a session cannot go on. The peer is told.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Violation {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("{kind:?} record of exchange {exchange:#x} that cannot be read: {why}")]
    Payload { kind: RecordType, exchange: u64, why: String },
    #[error(transparent)]
    Unlike(#[from] Unlike),
    #[error(transparent)]
    Unpackable(#[from] Unpackable),
    #[error("exchange id {0:#x} is not one that this end may use here")]
    WrongId(u64),
    #[error("exchange slot {slot} is over the limit of {limit} exchanges at once")]
    TooMany { slot: usize, limit: usize },
    #[error("{len} bytes arrived where credit was left for {available}")]
    Overdrawn { len: usize, available: usize },
    #[error("credit for more bytes than the window has")]
    TooMuchCredit,
    #[error("{count} records acknowledged of {written} written")]
    Acknowledged { count: u64, written: u64 },
    #[error("{0} bytes were never acknowledged")]
    Unacknowledged(usize),
}
