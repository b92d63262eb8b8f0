//! What is listed: by registries as far as they can be read, and by the configuration. It asks no policy. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use client::{Endpoint, Offer, Security};
use wire::tunnel::catalogue::ServiceKey;
use zk_bridge::{Provider, View};

use crate::config::TlsWith;
use crate::export::ExportPolicy;

/// A provider of the configuration, without a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticProvider {
    /// What it offers.
    pub key: ServiceKey,
    /// Where, under which path, with which methods and weight.
    pub offer: Offer,
    /// Its timeout for callers that say none.
    pub timeout: Option<Duration>,
    /// Its application, for the rules.
    pub application: String,
}

/// Everything that is listed, and how it is to be seen.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    /// What others may call.
    pub policy: &'a ExportPolicy,
    /// Providers of the configuration.
    pub statics: &'a [StaticProvider],
    /// Providers of each registry.
    pub registries: &'a [Vec<Arc<Provider>>],
    /// Which of these speak TLS.
    pub tls: TlsWith,
    /// Addresses to which no call gets through just now.
    pub down: &'a BTreeSet<Endpoint>,
}

impl<'a> Listed<'a> {
    /// Where TLS is spoken.
    pub fn secured(&self) -> Secured<'a> {
        let mut at = BTreeMap::new();
        for Endpoint { host, port, security } in self.statics.iter().map(|provider| &provider.offer.endpoint) {
            let known = at.entry((&**host, *port)).or_insert(*security);
            *known = (*known).max(*security);
        }
        let listed = self.registries.iter().flatten().filter(|provider| !provider.is_virtual());
        for provider in listed.filter(|provider| self.tls == TlsWith::Everybody || provider.wants_tls()) {
            at.entry((&*provider.host, provider.port)).or_insert(Security::Tls);
        }
        Secured(at)
    }
}

/// The providers of one registry after it showed `view`: what it lists now and, while it was not read to the end, what it
/// listed before.
#[must_use]
pub fn keep(before: &[Arc<Provider>], view: &View) -> Vec<Arc<Provider>> {
    let mut providers = view.providers().to_vec();
    if !view.is_complete() {
        let place = |provider: &Provider| (provider.key.clone(), provider.host.clone(), provider.port);
        let listed: BTreeSet<_> = providers.iter().map(|provider| place(provider)).collect();
        providers.extend(before.iter().filter(|provider| !listed.contains(&place(provider))).cloned());
    }
    providers
}

/// Where TLS is spoken. That is a matter of the port, not of the service (`ssl-enabled` is a setting of Dubbo's protocol): an address
/// that is listed with it once has it, so that no provider is taken for two. Of an address that the configuration names only the
/// configuration says it: whoever writes to a registry cannot cut the operator's providers off.
pub struct Secured<'a>(BTreeMap<(&'a str, u16), Security>);

impl Secured<'_> {
    /// An address, and what is spoken there.
    pub fn endpoint(&self, host: &str, port: u16) -> Endpoint {
        let security = self.0.get(&(host, port)).copied().unwrap_or(Security::Plain);
        Endpoint { security, ..Endpoint::new(host, port) }
    }
}
