//! Asks a hub whether it would link with a gateway, and never makes the link: a handshake that ends with the hub's answer.
//!
//! ```text
//!   ClientHello, { ClientPayload }  ───▶ whose key? Directory::allow       as for a link, by the same code
//!   Welcome or Refusal              ◀───
//!                    (no "go")           so no session begins, none is resumed and none moves
//! ```
//!
//! A hub changes nothing for a gateway that has not said "go" (`accept.rs`), so asking leaves the gateway of this id alone, whether it
//! runs or not. It names no session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shard::Shard;
use thiserror::Error;
use tokio::time::timeout;
use wire::tunnel::hello::{ClientHello, ClientPayload, Role, Seal, VERSION};

use crate::handshake::{HANDSHAKE_LIMIT, HandshakeError, Initiator, initiate};
use crate::key::PrivateKey;
use crate::transport::connect::{Target, over};
use crate::{HubAddress, Transport, random};

/// As whom a link is asked for.
#[derive(Clone)]
pub struct Asker {
    /// The gateway's key.
    pub key: Arc<PrivateKey>,
    /// Which half it is.
    pub role: Role,
    /// Its island.
    pub island: String,
    /// Its id within the island.
    pub gateway: String,
    /// When records are sealed.
    pub seal: Seal,
}

/// What a hub says that would link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcomed {
    /// Its id.
    pub hub: String,
    /// The ids of all hubs.
    pub hubs: Vec<String>,
    /// Whether records would be sealed.
    pub sealed: bool,
    /// From the first byte to the answer.
    pub took: Duration,
}

/// Why there would be no link.
#[derive(Debug, Error)]
pub enum NoLink {
    /// A hub has answered, and this is its word.
    #[error("{0}")]
    OfTheHub(String),
    /// None has.
    #[error("{0}")]
    OnTheWay(String),
}

/// Asks whoever answers at `address`, over `transport`.
///
/// # Errors
/// [`NoLink`].
pub async fn ask(shard: &Shard, address: &HubAddress, transport: Transport, asker: &Asker) -> Result<Welcomed, NoLink> {
    let start = Instant::now();
    let work = async {
        let made = over(shard, Target::of(address)?, transport).await?;
        let mut transport = made.transport;
        let initiator = Initiator {
            key: &asker.key,
            hub_keys: &address.keys,
            hello: ClientHello {
                version_min: VERSION,
                version_max: VERSION,
                features: address.features(),
                role: asker.role,
                island: asker.island.clone(),
                gateway: asker.gateway.clone(),
                hub_key: String::new(),
            },
            payload: &|_| ClientPayload {
                seal: asker.seal,
                exporter: made.exporter.clone(),
                start: random::number().unwrap_or(0),
                exchanges: 1,
                resume: Vec::new(),
            },
        };
        let answered = initiate(&mut *transport, initiator).await?;
        let welcome = &answered.welcome;
        let (hub, hubs, sealed) = (welcome.hub.clone(), welcome.hubs.clone(), welcome.sealed);
        Ok(Welcomed { hub, hubs, sealed, took: start.elapsed() })
    };
    let ended = timeout(HANDSHAKE_LIMIT, work).await.unwrap_or(Err(HandshakeError::Timeout));
    ended.map_err(|error| match error {
        HandshakeError::Refused(_) | HandshakeError::WrongHub(_) | HandshakeError::Unsealed => {
            NoLink::OfTheHub(error.to_string())
        }
        _ => NoLink::OnTheWay(error.to_string()),
    })
}
