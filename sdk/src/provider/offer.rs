//! What a provider tells a registry of itself: each service that it serves, and where.
//!
//! It is the one place where served services become words for others; `registered.rs` tells them to registries.

use std::net::SocketAddr;

use super::service::Service;

/// A service at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The interface.
    pub interface: String,
    /// Its group, `None` for none.
    pub group: Option<String>,
    /// Its version, `None` for none.
    pub version: Option<String>,
    /// Its methods, each once, in alphabetical order as Dubbo's URLs have them.
    pub methods: Vec<String>,
    /// Where it listens, as it was bound: perhaps an address that stands for all of the machine's.
    pub address: SocketAddr,
}

impl Offer {
    pub(super) fn of(service: &Service, address: SocketAddr) -> Self {
        let mut methods: Vec<String> =
            service.handlers.iter().map(|handler| handler.method.name().to_owned()).collect();
        methods.sort();
        methods.dedup();
        let owned = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
        let (interface, group, version) =
            (service.interface.to_string(), owned(&service.group), owned(&service.version));
        Self { interface, group, version, methods, address }
    }
}
