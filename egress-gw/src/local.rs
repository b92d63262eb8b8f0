//! The providers of this island that a call to `local` may go to, as its registries list them at one moment.
//!
//! ```text
//!  views ─ real, untagged, no gateway ─▶ offers(service): what the shards' pools are fed from, service by service
//!                                    └─▶ services: what `local` means anything for
//! ```
//!
//! Nodes that a gateway wrote are never among them, nor is any address at which a gateway listens: such a call would come back. Nothing
//! is copied from the views before a service is called.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use client::{Offer, Secured, TlsWith, Trust};
use rustc_hash::FxHashSet;
use zk_bridge::{Provider, ServiceKey, View};

use crate::config::Port;
use crate::own_names::OwnNames;

/// Hosts with ports.
#[derive(Debug, Default)]
struct Places(BTreeMap<String, BTreeSet<u16>>);

impl Places {
    fn of<'a>(providers: impl Iterator<Item = &'a Arc<Provider>>) -> Self {
        let mut places = Self::default();
        for provider in providers {
            if !places.has(provider) {
                places.0.entry(provider.host.clone()).or_default().insert(provider.port);
            }
        }
        places
    }

    fn has(&self, provider: &Provider) -> bool {
        self.0.get(&provider.host).is_some_and(|ports| ports.contains(&provider.port))
    }
}

/// Providers of this island.
#[derive(Debug, Default)]
pub struct Local {
    views: Vec<Arc<View>>,
    tls: LocalTls,
    /// Addresses of gateways.
    gateways: Places,
    /// Addresses where TLS is spoken.
    secured: Places,
    /// What is called by the path under which it is exported, where that is not its interface.
    paths: BTreeMap<ServiceKey, ServiceKey>,
    services: BTreeSet<ServiceKey>,
}

/// How providers of this island with TLS are known.
#[derive(Debug, Clone, Default)]
pub struct LocalTls {
    /// Whom to trust; `None`: who wants TLS is not called.
    pub trust: Option<Trust>,
    /// Which of those that a registry lists speak TLS.
    pub with: TlsWith,
}

impl PartialEq for LocalTls {
    fn eq(&self, other: &Self) -> bool {
        let made_of = |tls: &Self| tls.trust.as_ref().map(Trust::made_of);
        (made_of(self), self.with) == (made_of(other), other.with)
    }
}

/// Where this gateway itself listens.
#[derive(Debug, Clone, Copy)]
pub struct Own<'a> {
    /// The address that consumers are told.
    pub advertise: Option<IpAddr>,
    /// The addresses that are listened on.
    pub listen: &'a [IpAddr],
    /// The ports.
    pub ports: &'a [Port],
    /// What the machine is called.
    pub names: &'a OwnNames,
}

/// Whether a gateway that listens so and tells consumers that address answers at `address`.
pub fn answers_at(advertise: Option<IpAddr>, listen: &[IpAddr], address: IpAddr) -> bool {
    let listens = |on: &IpAddr| *on == address || (on.is_unspecified() && address.is_loopback());
    advertise == Some(address) || listen.iter().any(listens)
}

impl Own<'_> {
    /// Whether this gateway answers at an address that is written so.
    fn is(&self, host: &str, port: u16) -> bool {
        self.ports.iter().any(|own| own.number == port)
            && match host.parse() {
                Ok(address) => answers_at(self.advertise, self.listen, address),
                Err(_) => self.names.has(host),
            }
    }
}

impl Local {
    /// Looks at everything that is listed.
    #[must_use]
    pub fn of(views: Vec<Arc<View>>, own: Own<'_>, tls: LocalTls) -> Self {
        let all = || views.iter().flat_map(|view| view.providers());
        let is_gateway = |provider: &&Arc<Provider>| provider.is_virtual() || own.is(&provider.host, provider.port);
        let wants_tls = |provider: &&Arc<Provider>| tls.with == TlsWith::Everybody || provider.wants_tls();
        let (gateways, secured) = (Places::of(all().filter(is_gateway)), Places::of(all().filter(wants_tls)));
        let mut local = Self { gateways, secured, tls, ..Self::default() };
        let (mut services, mut paths) = (BTreeSet::new(), BTreeMap::new());
        for provider in all().filter(|provider| local.takes_calls(provider)) {
            if !services.contains(&provider.key) {
                services.insert(provider.key.clone());
            }
            if provider.path != provider.key.interface {
                paths.insert(
                    ServiceKey { interface: provider.path.clone(), ..provider.key.clone() },
                    provider.key.clone(),
                );
            }
        }
        (local.services, local.paths) = (services, paths);
        local.views = views;
        local
    }

    /// Whether it was made of these.
    #[must_use]
    pub fn is_of(&self, views: &[Arc<View>], tls: &LocalTls) -> bool {
        self.tls == *tls
            && self.views.len() == views.len()
            && self.views.iter().zip(views).all(|(own, other)| Arc::ptr_eq(own, other))
    }

    /// Whether a call without a tag may go to this provider.
    fn takes_calls(&self, provider: &Provider) -> bool {
        // What a gateway wrote stands at a gateway's address. A tag is for callers that name it, and a tag that a call names here is an
        // island's.
        provider.tag().is_none()
            && client::is_enabled(|key| provider.parameters.get(key))
            && !self.gateways.has(provider)
    }

    /// How those with TLS are known.
    pub fn tls(&self) -> &LocalTls {
        &self.tls
    }

    /// Everything that can be called here, by interface and, where that is another, by path.
    pub fn services(&self) -> impl Iterator<Item = &ServiceKey> {
        self.services.iter().chain(self.paths.keys())
    }

    /// The service that a call means, by its interface.
    #[must_use]
    pub fn service(&self, called: &ServiceKey) -> Option<&ServiceKey> {
        self.services.get(called).or_else(|| self.paths.get(called))
    }

    /// Whether every call means the same service as there.
    #[must_use]
    pub fn means_the_same(&self, other: &Self) -> bool {
        self.services == other.services && self.paths == other.paths
    }

    /// Who offers a service.
    #[must_use]
    pub fn offers(&self, service: &ServiceKey) -> Vec<Offer> {
        let mut secured = Secured::default();
        let listed = self.views.iter().flat_map(|view| view.providers_of(service));
        let (mut offers, mut seen) = (Vec::new(), FxHashSet::default());
        for provider in listed.filter(|provider| self.takes_calls(provider)) {
            if self.secured.has(provider) {
                secured.list(&provider.host, provider.port);
            }
            let endpoint = secured.endpoint(&provider.host, provider.port);
            // Of two registries that list one provider the first counts.
            if seen.insert(endpoint.clone()) {
                let says = |key: &str| provider.parameters.get(key);
                offers.push(Offer::listed(endpoint, &provider.path, provider.parameters.methods(), says));
            }
        }
        offers
    }
}

#[cfg(test)]
#[path = "local_tests.rs"]
mod tests;
