//! Which virtual providers shall stand in the island's registry: a pure function of what is offered, what is imported
//! and what is there already.
//!
//! ```text
//!                       on the default port                  on the port of an island
//!  who sees it          everybody                            who asks for the tag (everybody with `tag = false`)
//!  stands while         some imported island offers it       imported, also while its island is gone: then calls
//!                                                            are answered in words instead of locally
//!  beside local ones    only if the rule says so             tagged: yes; untagged: only if the rule says so
//! ```
//!
//! Never writes a node; never publishes what nobody imports.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use route::{BesideLocal, Imports};
use wire::tunnel::catalogue::{Entry, ServiceKey};
use zk_bridge::{ANY_ISLAND, Stand, VirtualProvider};

use crate::catalogue::Offered;
use crate::config::{Port, Tagging};

/// Where this gateway is reached, and how its nodes are marked.
#[derive(Debug, Clone)]
pub struct Face<'a> {
    /// The address that consumers are told.
    pub host: IpAddr,
    /// The ports, with their real numbers.
    pub ports: &'a [Port],
    /// Whether nodes on ports of islands carry a tag.
    pub tagging: Tagging,
}

/// Services of islands that have a port of their own, as they were last offered. An island that is gone keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Remembered(BTreeMap<String, Vec<Entry>>);

impl Remembered {
    /// Takes over what islands with a port of their own offer now, of what is imported; one that offers nothing keeps what it had.
    /// Says whether anything is different now.
    pub fn observe(&mut self, ports: &[Port], imports: &Imports, offered: &[Offered<'_>]) -> bool {
        let mut changed = false;
        let bound: BTreeSet<&str> = ports.iter().filter_map(|port| port.island.as_deref()).collect();
        let unbound = self.0.len();
        self.0.retain(|island, _| bound.contains(island.as_str()));
        changed |= self.0.len() != unbound;
        for island in bound {
            let mut of_it =
                offered.iter().filter(|offer| &**offer.island == island).map(|offer| &**offer.entry).peekable();
            if of_it.peek().is_none() {
                continue;
            }
            let mut entries: Vec<Entry> = of_it.filter(|entry| imports.import(island, &entry.key)).cloned().collect();
            entries.sort_by(|a, b| (&a.key, &a.gateway).cmp(&(&b.key, &b.gateway)));
            entries.dedup();
            if self.of(island) != entries {
                self.0.insert(island.to_owned(), entries);
                changed = true;
            }
        }
        changed
    }

    /// Every service of them, some more than once.
    pub fn services(&self) -> impl Iterator<Item = &ServiceKey> {
        self.0.values().flatten().map(|entry| &entry.key)
    }

    fn of(&self, island: &str) -> &[Entry] {
        self.0.get(island).map_or(&[], Vec::as_slice)
    }
}

/// The virtual providers that shall stand. `is_local`: whether this island serves the service itself, now or a while
/// ago; `wanted`: whether it is worth a node at all.
pub fn desired(
    face: &Face<'_>,
    imports: &Imports,
    offered: &[Offered<'_>],
    remembered: &Remembered,
    is_local: &dyn Fn(&ServiceKey) -> bool,
    wanted: &dyn Fn(&ServiceKey) -> bool,
) -> Vec<VirtualProvider> {
    let mut providers = Vec::new();
    for port in face.ports {
        let tag = port.island.as_deref().filter(|_| face.tagging == Tagging::ByIsland);
        let mut services: BTreeMap<&ServiceKey, Merged> = BTreeMap::new();
        let take = |island: &str, entry: &'_ Entry, merged: &mut dyn FnMut()| {
            let Some(rule) = imports.rule(island, &entry.key) else { return };
            let stands = tag.is_some() || rule.beside_local == BesideLocal::Allowed || !is_local(&entry.key);
            if stands && wanted(&entry.key) {
                merged();
            }
        };
        match port.island.as_deref() {
            None => {
                for Offered { island, entry } in offered {
                    take(island, entry, &mut || services.entry(&entry.key).or_default().add(entry));
                }
            }
            Some(bound) => {
                for entry in remembered.of(bound) {
                    take(bound, entry, &mut || services.entry(&entry.key).or_default().add(entry));
                }
            }
        }
        let island = port.island.as_deref().unwrap_or(ANY_ISLAND);
        let place = Place { host: face.host, port: port.number, island, tag };
        providers.extend(services.into_iter().map(|(key, merged)| merged.provider(key, &place)));
    }
    providers
}

/// Where programs find this gateway that look for one, whatever is imported: each of its ports.
#[must_use]
pub fn stands(face: &Face<'_>) -> Vec<Stand> {
    let stand = |port: &Port| Stand {
        island: port.island.as_deref().unwrap_or(ANY_ISLAND).to_owned(),
        host: face.host.to_string(),
        port: port.number,
    };
    face.ports.iter().map(stand).collect()
}

/// Whether a node of `gateway` that `view` shows would go with `desired`, for no other reason than that nobody offers
/// its service: one of a service that this island serves itself goes anyway.
#[must_use]
pub fn takes_away(
    view: &zk_bridge::View,
    gateway: &str,
    desired: &[VirtualProvider],
    is_served_here: &dyn Fn(&str) -> bool,
) -> bool {
    let stays: BTreeSet<(&zk_bridge::ServiceKey, Option<&str>)> =
        desired.iter().map(|node| (&node.key, node.tag.as_deref())).collect();
    let ours = view.providers().iter().filter(|node| node.highway.as_deref() == Some(gateway));
    let mut gone = ours.filter(|node| !stays.contains(&(&node.key, node.tag())));
    gone.any(|node| node.tag().is_some() || !is_served_here(&node.key.to_string()))
}

struct Place<'a> {
    host: IpAddr,
    port: u16,
    island: &'a str,
    tag: Option<&'a str>,
}

/// One service as several gateways of one or more islands offer it.
#[derive(Debug, Default)]
struct Merged {
    seen: usize,
    methods: BTreeSet<String>,
    /// Some gateway does not know the methods, so none may be named.
    methods_unknown: bool,
    timeout_ms: Option<u32>,
    retries: Option<u32>,
    method_timeouts: BTreeMap<String, u32>,
    method_retries: BTreeMap<String, u32>,
    serializations: Vec<String>,
}

impl Merged {
    /// Adds what one gateway says: the longest timeout and the fewest retries count, and only serializations that all
    /// accept.
    fn add(&mut self, entry: &Entry) {
        self.methods_unknown |= entry.methods.is_empty();
        self.methods.extend(entry.methods.iter().cloned());
        self.timeout_ms = self.timeout_ms.max(entry.timeout_ms);
        self.retries = fewer(self.retries, entry.retries);
        for (method, settings) in &entry.per_method {
            if let Some(timeout) = settings.timeout_ms {
                let longest = self.method_timeouts.entry(method.clone()).or_default();
                *longest = timeout.max(*longest);
            }
            if let Some(retries) = settings.retries {
                let fewest = self.method_retries.entry(method.clone()).or_insert(retries);
                *fewest = retries.min(*fewest);
            }
        }
        let accepted: Vec<&str> = match entry.serializations.as_slice() {
            [] => vec!["hessian2"],
            said => said.iter().map(String::as_str).collect(),
        };
        if self.seen == 0 {
            self.serializations = accepted.iter().map(|name| (*name).to_owned()).collect();
        } else {
            self.serializations.retain(|name| accepted.contains(&name.as_str()));
        }
        self.seen += 1;
    }

    fn provider(self, key: &ServiceKey, place: &Place<'_>) -> VirtualProvider {
        let time = |millis: u32| Duration::from_millis(u64::from(millis));
        VirtualProvider {
            key: registry_key(key),
            island: place.island.to_owned(),
            host: place.host.to_string(),
            port: place.port,
            tag: place.tag.map(str::to_owned),
            methods: if self.methods_unknown { Vec::new() } else { self.methods.into_iter().collect() },
            timeout: self.timeout_ms.map(time),
            method_timeouts: self.method_timeouts.into_iter().map(|(method, millis)| (method, time(millis))).collect(),
            retries: self.retries,
            method_retries: self.method_retries,
            serializations: self.serializations,
        }
    }
}

fn fewer(a: Option<u32>, b: Option<u32>) -> Option<u32> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (known, None) | (None, known) => known,
    }
}

/// A service as registries name it.
#[must_use]
pub fn registry_key(key: &ServiceKey) -> zk_bridge::ServiceKey {
    zk_bridge::ServiceKey::new(key.interface.clone(), Some(&key.group), Some(&key.version))
}

/// The other way round.
pub fn catalogue_key(key: &zk_bridge::ServiceKey) -> ServiceKey {
    let zk_bridge::ServiceKey { interface, group, version } = key.clone();
    ServiceKey { interface, group: group.unwrap_or_default(), version: version.unwrap_or_default() }
}

#[cfg(test)]
#[path = "publish_tests.rs"]
mod tests;
