//! What both ends of a link say before anything else. It never holds a key's secret half.
//!
//! ```text
//!  gateway                                                          hub
//!    ─ ClientHello (JSON, in clear; bound by the Noise prologue) ─▶
//!    ─ Noise message 1: ClientPayload ────────────────────────────▶  key known? island, role, version?
//!    ◀──────────────────────────── Noise message 2: HubPayload ───   or Refusal in clear, if message 1 cannot be read
//!    ─ first sealed message: "go" ────────────────────────────────▶  only now anything changes at the hub
//! ```
//!
//! Each message is a frame of its own: length (u16), then the bytes; a hub's frame begins with one byte that says which
//! of the two it is ([`NOISE`], [`REFUSED`]).

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The record protocol's version.
pub const VERSION: u16 = 1;
/// First byte of a hub's frame: a Noise message follows.
pub const NOISE: u8 = 0;
/// First byte of a hub's frame: a [`Refusal`] in clear follows.
pub const REFUSED: u8 = 1;
/// The longest hello or payload, in bytes of JSON.
pub const MAX_HELLO_LEN: usize = 16 * 1024;
/// The most hubs that are named, and sessions that are asked for.
pub const MAX_HUBS: usize = 64;

/// What a link may do beyond the first release, as bits: a gateway names those it knows, and the hub those that both know.
pub mod feature {
    /// Calls and answers may be said by models. 0x01 said so of models that are shorter, which nobody keeps any more.
    pub const MODELS: u64 = 0x04;
    /// Calls and answers may be packed; named only where that is turned on.
    pub const PACKING: u64 = 0x02;
    /// All that this release knows.
    pub const KNOWN: u64 = MODELS | PACKING;
}

/// Which half a gateway is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Consumers come in there.
    Egress,
    /// Calls go out to providers there.
    Ingress,
    /// Calls are switched there; never said by a client.
    Hub,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Role::Egress => "egress",
            Role::Ingress => "ingress",
            Role::Hub => "hub",
        })
    }
}

/// What a gateway says of itself, in clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientHello {
    /// The oldest version it speaks.
    pub version_min: u16,
    /// The newest version it speaks.
    pub version_max: u16,
    /// The bits of [`feature`] that it knows.
    #[serde(default)]
    pub features: u64,
    /// Which half it is.
    pub role: Role,
    /// Its island.
    pub island: String,
    /// Its id within the island.
    pub gateway: String,
    /// The hub's public key that its first message is made for, in base64.
    pub hub_key: String,
}

/// When records are sealed by the handshake's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seal {
    /// Unless both ends see the same TLS session.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never, if the other end agrees; if it does not, as `Auto`.
    Off,
}

/// What a gateway says under the hub's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientPayload {
    /// When it wants records sealed.
    pub seal: Seal,
    /// What its TLS session exports, in hexadecimal, if it has one.
    #[serde(default)]
    pub exporter: Option<String>,
    /// The number its process drew when it started.
    pub start: u64,
    /// How many exchanges the hub may have open with it at once.
    pub exchanges: u32,
    /// The sessions it would go on with: whichever hub answers takes its own.
    #[serde(default)]
    pub resume: Vec<Resume>,
}

/// A session that a gateway would go on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// The hub it is with.
    pub hub: String,
    /// Its id.
    pub session: String,
    /// Records the gateway has received in it.
    pub received: u64,
}

/// What the hub answers under the gateway's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum HubPayload {
    /// Come in.
    Welcome(Welcome),
    /// No.
    Refused(Refusal),
}

/// The hub's side of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version both speak.
    pub version: u16,
    /// Those of them that the hub knows too: the session uses them from its first record to its last.
    #[serde(default)]
    pub features: u64,
    /// This hub.
    pub hub: String,
    /// All hubs, this one too.
    pub hubs: Vec<String>,
    /// The number this hub's process drew when it started.
    pub start: u64,
    /// The session: a new one, or the one that goes on.
    pub session: String,
    /// If the session goes on: records the hub has received in it.
    #[serde(default)]
    pub resumed: Option<u64>,
    /// If the gateway asked for a session that is over, but whose end this hub saw: records it had received in it.
    #[serde(default)]
    pub ended: Option<u64>,
    /// Whether records are sealed.
    pub sealed: bool,
    /// How many exchanges the gateway may have open with it at once.
    pub exchanges: u32,
}

/// Why a hub does not take a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
#[error("{text}")]
pub struct Refusal {
    /// For machines.
    pub reason: RefusalReason,
    /// A sentence: what was found, what was wanted, what to do. Never a secret.
    pub text: String,
    /// With [`RefusalReason::OtherKey`]: the hub's public key in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub_key: Option<String>,
}

impl Refusal {
    /// A refusal with its sentence.
    pub fn new(reason: RefusalReason, text: impl Into<String>) -> Refusal {
        Refusal { reason, text: text.into(), hub_key: None }
    }
}

/// Why a hub does not take a link, for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalReason {
    /// The first message was made for another hub's key.
    OtherKey,
    /// The first message cannot be read.
    Unreadable,
    /// No version that both speak.
    Version,
    /// The gateway's key is not listed.
    UnknownKey,
    /// The gateway's key was taken off the list.
    Revoked,
    /// The key belongs to another island.
    Island,
    /// The key belongs to another role or gateway.
    Role,
    /// The hub is full or stopping.
    Busy,
    /// What carries the link may not be encoded as it is.
    Encoding,
    /// One from the future.
    #[serde(other)]
    Other,
}

/// Bytes that are not the JSON they should be.
#[derive(Debug, Error)]
pub enum HelloError {
    /// Over the limit.
    #[error("hello of {0} bytes is over the limit of {MAX_HELLO_LEN} bytes")]
    TooLong(usize),
    /// Not JSON, or not of this shape.
    #[error("hello that cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// Reads one of the shapes above.
///
/// # Errors
/// Too long, or not of that shape.
pub fn decode<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, HelloError> {
    if bytes.len() > MAX_HELLO_LEN {
        return Err(HelloError::TooLong(bytes.len()));
    }
    Ok(serde_json::from_slice(bytes)?)
}

/// Writes one of the shapes above.
///
/// # Errors
/// Too long: too many hubs or sessions are named.
pub fn encode(value: &impl Serialize) -> Result<Vec<u8>, HelloError> {
    let bytes = serde_json::to_vec(value)?;
    if bytes.len() > MAX_HELLO_LEN {
        return Err(HelloError::TooLong(bytes.len()));
    }
    Ok(bytes)
}

impl ClientHello {
    /// The newest version that both this gateway and this build speak.
    pub fn agreed_version(&self) -> Option<u16> {
        (self.version_min <= VERSION && VERSION <= self.version_max).then_some(VERSION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> ClientHello {
        ClientHello {
            version_min: 1,
            version_max: 1,
            features: 0,
            role: Role::Egress,
            island: "beijing".into(),
            gateway: "out-1".into(),
            hub_key: "AAAA".into(),
        }
    }

    #[test]
    fn a_hello_from_a_newer_release_is_read_and_the_common_version_found() {
        let text =
            r#"{"version_min":1,"version_max":9,"role":"ingress","island":"a","gateway":"b","hub_key":"","new":{}}"#;
        let newer: ClientHello = decode(text.as_bytes()).unwrap();
        assert_eq!(newer.agreed_version(), Some(1));
        assert_eq!(ClientHello { version_min: 2, ..newer }.agreed_version(), None);
        assert_eq!(decode::<ClientHello>(&encode(&hello()).unwrap()).unwrap(), hello());
    }

    #[test]
    fn a_reason_from_the_future_is_still_a_refusal() {
        let read: HubPayload = decode(br#"{"answer":"refused","reason":"moon","text":"full moon"}"#).unwrap();
        assert_eq!(read, HubPayload::Refused(Refusal::new(RefusalReason::Other, "full moon")));
    }

    #[test]
    fn what_is_too_long_is_neither_read_nor_written() {
        let long = ClientHello { gateway: "x".repeat(MAX_HELLO_LEN), ..hello() };
        assert!(matches!(encode(&long), Err(HelloError::TooLong(_))));
        assert!(matches!(decode::<ClientHello>(&vec![b' '; MAX_HELLO_LEN + 1]), Err(HelloError::TooLong(_))));
    }
}
