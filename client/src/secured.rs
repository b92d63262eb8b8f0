//! Where TLS is spoken. That is a matter of the port, not of the service (`ssl-enabled` is a setting of Dubbo's protocol): an address
//! that is listed with it once has it, so that no provider is taken for two. Pure.

use std::collections::BTreeMap;

use crate::{Endpoint, Security};

/// Which of the providers that a registry lists speak TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TlsWith {
    /// Those whose URL says `ssl-enabled=true`.
    #[default]
    Marked,
    /// All: Dubbo 3 with an `SslConfig` speaks TLS whatever its URL says.
    Everybody,
}

/// Addresses, and what is spoken there.
#[derive(Debug, Default)]
pub struct Secured<'a>(BTreeMap<(&'a str, u16), Security>);

impl<'a> Secured<'a> {
    /// The operator's own word on an address. Whatever a registry says of it later counts for nothing: whoever writes there cannot cut
    /// the operator's providers off.
    pub fn configure(&mut self, endpoint: &'a Endpoint) {
        let known = self.0.entry((&*endpoint.host, endpoint.port)).or_insert(endpoint.security);
        *known = (*known).max(endpoint.security);
    }

    /// A registry lists an address with TLS.
    pub fn list(&mut self, host: &'a str, port: u16) {
        self.0.entry((host, port)).or_insert(Security::Tls);
    }

    /// An address, and what is spoken there.
    #[must_use]
    pub fn endpoint(&self, host: &str, port: u16) -> Endpoint {
        let security = self.0.get(&(host, port)).copied().unwrap_or(Security::Plain);
        Endpoint { security, ..Endpoint::new(host, port) }
    }
}
