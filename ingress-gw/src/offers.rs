//! What is exported right now: registries and static providers, seen through the export policy. Pure: the same input
//! makes the same snapshot, in the same order.
//!
//! ```text
//!  View of each registry ────────┐   (an incomplete view adds and changes, it never removes)
//!  static providers ─────────────┼─ policy ─▶ Exports ┬▶ ProviderList    for the pool of each shard
//!                                                     ├▶ services        what calls to them may do
//!                                                     └▶ entries         the catalogue
//! ```
//!
//! Nodes that a gateway wrote are never exported: a call that came over a link goes to a real provider or nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use client::{Endpoint, Offer, ProviderList};
use rustc_hash::FxHashMap;
use wire::tunnel::catalogue::{Entry, MethodSettings, ServiceKey};
use zk_bridge::Provider;

use crate::export::{Terms, Verdict};
use crate::listed::{Listed, StaticProvider};

/// Under this key the pool lists the providers of calls whose service nobody can read. No service has it.
pub const OPAQUE_KEY: &str = "";

/// A longer entry does not fit into a record of the catalogue with what stands around it.
const ENTRY_LEN: usize = wire::tunnel::catalogue::MAX_UPDATE_LEN - 1024;

/// What calls to one service may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `[group/]interface[:version]`.
    pub key: Arc<str>,
    /// The interface.
    pub interface: Arc<str>,
    /// What all of its providers allow.
    pub terms: Terms,
}

/// Everything that is exported, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exports {
    /// Who offers it.
    pub providers: Arc<ProviderList>,
    /// The catalogue.
    pub entries: BTreeMap<ServiceKey, Entry>,
    /// By `[group/]interface[:version]`, and by `[group/]path[:version]` where a provider has another path.
    services: FxHashMap<Arc<str>, Service>,
}

impl Exports {
    /// Whether calls go the same ways: only the catalogue may say something else.
    #[must_use]
    pub fn leads_as(&self, other: &Self) -> bool {
        self.providers == other.providers && self.services == other.services
    }

    /// The service that a call names by its effective path, group and version; `key` is scratch.
    #[must_use]
    pub fn service(&self, path: &str, group: &str, version: &str, key: &mut String) -> Option<&Service> {
        key.clear();
        write_key(path, group, version, key);
        self.services.get(key.as_str())
    }
}

/// `[group/]path[:version]`, as Dubbo writes it.
fn write_key(path: &str, group: &str, version: &str, key: &mut String) {
    if !group.is_empty() {
        key.push_str(group);
        key.push('/');
    }
    key.push_str(path);
    if !version.is_empty() {
        key.push(':');
        key.push_str(version);
    }
}

/// Looks at everything that is listed through the policy. `gateway` is this gateway's id, for the catalogue.
#[must_use]
pub fn exports(gateway: &str, listed: Listed<'_>) -> Exports {
    let Listed { policy, statics, registries, down, .. } = listed;
    let secured = listed.secured();
    let mut gathered: BTreeMap<ServiceKey, Gathered> = BTreeMap::new();
    // Where something is offered that is not exported.
    let mut closed: BTreeSet<Endpoint> = BTreeSet::new();
    for provider in statics {
        let endpoint = secured.endpoint(&provider.offer.endpoint.host, provider.offer.endpoint.port);
        match policy.verdict(&provider.key, &provider.application) {
            Verdict::Exported(terms) => {
                gathered.entry(provider.key.clone()).or_default().add(Said::of_static(provider, endpoint), terms);
            }
            Verdict::Denied(_) | Verdict::NoRule => drop(closed.insert(endpoint)),
        }
    }
    // A tagged provider is for callers that name its tag, and a tag that comes over a link names an island.
    for provider in registries.iter().flatten().filter(|provider| !provider.is_virtual()) {
        let endpoint = secured.endpoint(&provider.host, provider.port);
        if provider.tag().is_some() {
            closed.insert(endpoint);
            continue;
        }
        let key = service_key(provider);
        let application = provider.application.as_deref().unwrap_or_default();
        match policy.verdict(&key, application) {
            Verdict::Exported(terms) => {
                gathered.entry(key).or_default().add(Said::of_listed(provider, endpoint), terms)
            }
            Verdict::Denied(_) | Verdict::NoRule => drop(closed.insert(endpoint)),
        }
    }
    assemble(gateway, gathered, closed, down)
}

fn assemble(
    gateway: &str,
    gathered: BTreeMap<ServiceKey, Gathered>,
    closed: BTreeSet<Endpoint>,
    down: &BTreeSet<Endpoint>,
) -> Exports {
    let mut list = ProviderList::default();
    let mut services = FxHashMap::default();
    let mut paths = Vec::new();
    let mut entries = BTreeMap::new();
    for (key, mut found) in gathered {
        let name: Arc<str> = key.to_string().into();
        let service = Service { key: name.clone(), interface: key.interface.as_str().into(), terms: found.terms };
        for offer in &mut found.offers {
            if !found.terms.supply_token {
                offer.token = None;
            }
            if *offer.path != *key.interface {
                let mut path_key = String::new();
                write_key(&offer.path, &key.group, &key.version, &mut path_key);
                paths.push((Arc::from(path_key), service.clone()));
            }
        }
        entries.insert(key.clone(), found.entry(key, gateway, down));
        list.services.insert(name.clone(), found.offers);
        services.insert(name, service);
    }
    for (path_key, service) in paths {
        services.entry(path_key).or_insert(service);
    }
    let opaque = opaque(&list, &services, closed);
    if !opaque.is_empty() {
        list.services.insert(OPAQUE_KEY.into(), opaque);
    }
    Exports { providers: Arc::new(list), entries, services }
}

/// Providers all of whose services may be called in a serialization that nobody here can read: such a call may turn out
/// to be for any service of the provider that gets it.
fn opaque(list: &ProviderList, services: &FxHashMap<Arc<str>, Service>, mut closed: BTreeSet<Endpoint>) -> Vec<Offer> {
    let mut open: BTreeMap<&Endpoint, (usize, &Offer)> = BTreeMap::new();
    for (key, offers) in &list.services {
        let is_open = services.get(key).is_some_and(|service| service.terms.opaque);
        for offer in offers {
            if is_open {
                open.entry(&offer.endpoint).or_insert((0, offer)).0 += 1;
            } else {
                closed.insert(offer.endpoint.clone());
            }
        }
    }
    open.retain(|endpoint, _| !closed.contains(*endpoint));
    // Without the service's name only providers that offer the same are alike.
    let most = open.values().map(|(count, _)| *count).max().unwrap_or(0);
    let alike = open.values().all(|(count, _)| *count == most);
    if !alike {
        return Vec::new();
    }
    open.into_values().map(|(_, offer)| Offer { token: None, methods: Arc::from([]), ..offer.clone() }).collect()
}

fn service_key(provider: &Provider) -> ServiceKey {
    ServiceKey {
        interface: provider.key.interface.clone(),
        group: provider.key.group.clone().unwrap_or_default(),
        version: provider.key.version.clone().unwrap_or_default(),
    }
}

/// What one provider says of one service.
struct Said {
    offer: Offer,
    serializations: Vec<String>,
    timeout: Option<Duration>,
    retries: Option<u32>,
    per_method: BTreeMap<String, MethodSettings>,
    release: String,
    application: String,
}

impl Said {
    fn of_static(provider: &StaticProvider, endpoint: Endpoint) -> Self {
        Self {
            offer: Offer { endpoint, ..provider.offer.clone() },
            serializations: Vec::new(),
            timeout: provider.timeout,
            retries: None,
            per_method: BTreeMap::new(),
            release: String::new(),
            application: provider.application.clone(),
        }
    }

    fn of_listed(provider: &Provider, endpoint: Endpoint) -> Self {
        let methods = provider.parameters.methods();
        let said = &provider.parameters;
        let offer = Offer::listed(endpoint, &provider.path, methods.iter().copied(), |key| said.get(key));
        let (timeout, retries) = (said.timeout(None), said.retries(None));
        let per_method = methods.iter().filter_map(|method| {
            let settings = MethodSettings {
                timeout_ms: said.timeout(Some(method)).filter(|own| Some(*own) != timeout).map(millis),
                retries: said.retries(Some(method)).filter(|own| Some(*own) != retries),
            };
            (settings != MethodSettings::default()).then(|| ((*method).to_owned(), settings))
        });
        Self {
            serializations: provider.serializations().into_iter().map(str::to_owned).collect(),
            timeout,
            retries,
            per_method: per_method.collect(),
            release: provider.release().unwrap_or_default().to_owned(),
            application: provider.application.clone().unwrap_or_default(),
            offer,
        }
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// One service, of all its providers.
#[derive(Default)]
struct Gathered {
    offers: Vec<Offer>,
    terms: Terms,
    methods: Vec<String>,
    /// What every provider takes, in the order of the first.
    serializations: Option<Vec<String>>,
    timeout: Option<Duration>,
    retries: Option<u32>,
    per_method: BTreeMap<String, MethodSettings>,
    release: String,
    application: String,
}

impl Gathered {
    /// Providers of different releases stand side by side during a rollout: the longest timeout and the fewest retries
    /// of them are safe with each.
    fn add(&mut self, said: Said, terms: Terms) {
        let first = self.offers.is_empty();
        // Also where the endpoint is known: another registry may name another application for it, and so another rule.
        self.terms = if first { terms } else { self.terms.and(terms) };
        if self.offers.iter().any(|offer| offer.endpoint == said.offer.endpoint) {
            return;
        }
        for method in said.offer.methods.iter() {
            if !self.methods.iter().any(|known| **known == **method) {
                self.methods.push(method.to_string());
            }
        }
        if !said.serializations.is_empty() {
            match &mut self.serializations {
                Some(all) => all.retain(|name| said.serializations.contains(name)),
                none => *none = Some(said.serializations),
            }
        }
        self.timeout = self.timeout.max(said.timeout);
        self.retries = fewest(self.retries, said.retries);
        for (method, settings) in said.per_method {
            let known = self.per_method.entry(method).or_default();
            known.timeout_ms = known.timeout_ms.max(settings.timeout_ms);
            known.retries = fewest(known.retries, settings.retries);
        }
        if first {
            (self.release, self.application) = (said.release, said.application);
        }
        self.offers.push(said.offer);
    }

    fn entry(&self, key: ServiceKey, gateway: &str, down: &BTreeSet<Endpoint>) -> Entry {
        let weighted = self.offers.iter().any(|offer| offer.enabled && offer.weight > 0);
        let takes_calls =
            |offer: &Offer| offer.enabled && (offer.weight > 0 || !weighted) && !down.contains(&offer.endpoint);
        let path = match &self.offers[..] {
            [first, rest @ ..]
                if *first.path != *key.interface && rest.iter().all(|offer| offer.path == first.path) =>
            {
                first.path.to_string()
            }
            _ => String::new(),
        };
        let mut methods = self.methods.clone();
        methods.sort_unstable();
        let mut entry = Entry {
            key,
            path,
            methods,
            serializations: self.serializations.clone().unwrap_or_default(),
            timeout_ms: self.timeout.map(millis),
            retries: self.retries,
            per_method: self.per_method.clone(),
            release: self.release.clone(),
            healthy: self.offers.iter().any(takes_calls),
            gateway: gateway.to_owned(),
            application: self.application.clone(),
        };
        // One service must not keep the others from the hub: without its methods it is known all the same.
        if serde_json::to_vec(&entry).map_or(usize::MAX, |json| json.len()) > ENTRY_LEN {
            tracing::warn!(service = %entry.key, "too many methods for the catalogue, they are left out");
            entry.methods.clear();
            entry.per_method.clear();
        }
        entry
    }
}

fn fewest(a: Option<u32>, b: Option<u32>) -> Option<u32> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
#[path = "offers_tests.rs"]
mod tests;
