//! What the doctor has seen at each step, as plain values; what it means stands in [`super::sentences`]. No secret is ever in one.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use crate::doctor::names::Names;

/// An address that was dialled.
#[derive(Debug, Clone)]
pub struct Connect {
    pub address: SocketAddr,
    pub ended: Result<Duration, String>,
}

/// What a proxy said to CONNECT; its refusal is a sentence of the tunnel's, which tells 407 from 403.
#[derive(Debug, Clone)]
pub struct Proxied {
    pub proxy: String,
    pub hub: String,
    pub refused: Option<String>,
}

/// A certificate, as far as people want to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub subject: String,
    pub issuer: String,
    /// RFC 3339.
    pub from: String,
    pub until: String,
    /// Whether `until` is over, or less than three weeks away.
    pub is_over: bool,
    pub ends_soon: bool,
    /// SHA-256, in hexadecimal.
    pub fingerprint: String,
}

/// A TLS handshake.
#[derive(Debug, Clone)]
pub struct Tls {
    pub name: String,
    pub version: String,
    pub has_h2: bool,
    pub certificate: Option<Certificate>,
    pub problem: Option<TlsProblem>,
}

/// Why it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsProblem {
    /// Nobody here trusts who has signed it.
    UnknownIssuer,
    /// It is for other names.
    OtherName,
    /// Its time is over, or has not begun.
    Time,
    /// Anything else, in the library's words.
    Other(String),
}

/// Who has answered a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A hub, in which version of HTTP it was asked.
    Hub,
    /// A hub that has no probes.
    OldHub,
    /// Something else.
    Other,
}

/// An answer, or why there is none.
#[derive(Debug, Clone)]
pub struct Heard {
    pub who: Who,
    pub status: u16,
    /// Header `Server`.
    pub server: Option<String>,
    pub location: Option<String>,
    pub is_html: bool,
    /// The version of HTTP in which the request reached the hub.
    pub reached: Option<String>,
    pub took: Duration,
    /// This machine's clock when the answer came, and header `Date`.
    pub here: SystemTime,
    pub date: Option<SystemTime>,
}

/// What became of a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upgrade {
    /// Bytes up to this many came back.
    Echoes {
        len: usize,
        took: Duration,
    },
    /// It was upgraded; whether frames pass nobody can say, for the hub has no probes.
    Upgraded,
    /// It was upgraded, and nothing came back.
    Silent,
    /// This status instead.
    Status(u16),
    Failed(String),
}

/// What became of a POST whose bodies stream at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stream {
    /// Each piece came back before the next was sent; the slowest took this long.
    Live {
        slowest: Duration,
    },
    /// Its answer has begun before it ended; more nobody can say, for the hub has no probes.
    Begins,
    /// The answer began only when the request had ended.
    RequestHeld,
    /// The answer began, and its pieces did not come.
    AnswerHeld,
    /// Nothing, even when the request had ended.
    Silent,
    Status(u16),
    Failed(String),
}

/// How pieces of a body come in that were sent 100 ms apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Live,
    Held,
}

/// The largest of a kind that passed, and what the next one met.
#[derive(Debug, Clone, Default)]
pub struct Largest {
    /// None of those that were tried.
    pub passed: Option<usize>,
    pub refused: Option<(usize, String)>,
}

/// Bodies that differ only in what they look like.
#[derive(Debug, Clone, Default)]
pub struct Inspection {
    /// Status of each; `None` for no answer. All of one length.
    pub binary: Option<u16>,
    pub json: Option<u16>,
    /// As `binary`, but for the names of Java classes in it.
    pub spelling: Option<u16>,
}

/// What time does to a connection (`--long`).
#[derive(Debug, Clone, Default)]
pub struct Times {
    /// The longest silence that was outlived.
    pub silence: Option<Duration>,
    /// The silence that was not, and how it ended.
    pub cut: Option<(Duration, Cut)>,
    /// What became of an answer that took this long: its status, or why there is none.
    pub wait: Option<(Duration, Result<u16, String>)>,
    /// How long a stream with data each second lasted, and whether it was ended by then.
    pub life: Option<(Duration, Option<String>)>,
}

/// How a silent connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// With a word: FIN or RST.
    Ended,
    /// Without one.
    Forgotten,
}

/// All of it; what was not tried is `None`.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub names: Option<Names>,
    pub connects: Vec<Connect>,
    pub proxied: Option<Proxied>,
    pub tls: Option<Tls>,
    /// Who answers; why nobody does.
    pub answer: Option<Result<Heard, String>>,
    pub upgrade: Option<Upgrade>,
    pub h2: Option<Stream>,
    pub h1: Option<Stream>,
    pub request_flow: Option<Flow>,
    pub answer_flow: Option<Flow>,
    pub inspection: Option<Inspection>,
    pub bodies: Option<Largest>,
    /// Whether a link's handshake passed by POSTs as forms, where the configuration has them so.
    pub passes_forms: Option<bool>,
    pub heads: Option<Largest>,
    pub times: Option<Times>,
}
