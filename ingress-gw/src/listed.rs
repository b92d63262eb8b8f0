//! What is listed: by registries as far as they can be read, and by the configuration. It asks no policy. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use client::{Endpoint, Offer, Secured, TlsWith};
use wire::tunnel::catalogue::ServiceKey;
use zk_bridge::Provider;

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
        let mut secured = Secured::default();
        self.statics.iter().for_each(|provider| secured.configure(&provider.offer.endpoint));
        let listed = self.registries.iter().flatten().filter(|provider| !provider.is_virtual());
        for provider in listed.filter(|provider| self.tls == TlsWith::Everybody || provider.wants_tls()) {
            secured.list(&provider.host, provider.port);
        }
        secured
    }
}
