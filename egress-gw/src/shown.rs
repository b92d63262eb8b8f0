//! What `/status` shows people of the control loop: islands, services here and there, registries. Bounded, and never a
//! secret.

use std::collections::BTreeMap;

use route::rules::ShownDocument;
use route::{Health, Offer, Snapshot};
use serde::Serialize;
use wire::tunnel::catalogue::ServiceKey;
use zk_bridge::Registry;

/// So many services are named at most.
const SHOWN_SERVICES: usize = 1000;

/// What `/status` says of the whole.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Shown {
    pub island: String,
    pub gateway: String,
    /// Links to hubs that are up, over all shards.
    pub links: usize,
    /// Whether some hub has told everything.
    pub catalogue_complete: bool,
    /// Islands that offer something.
    pub islands: Vec<String>,
    /// Services of other islands.
    pub services: Vec<ShownService>,
    /// Services that were left out of the list.
    pub services_not_shown: usize,
    pub registries: Vec<ShownRegistry>,
    /// How far islands are, as hubs measured it, in microseconds.
    pub round_trips_us: BTreeMap<String, u64>,
    /// Documents of rules.
    pub rules: Vec<ShownDocument>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ShownService {
    pub service: String,
    /// Islands that offer it, with whether a provider is up and whether it is imported from there.
    pub islands: Vec<(String, bool, bool)>,
    /// Whether this island serves it itself, now or a while ago.
    pub local: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct ShownRegistry {
    pub name: String,
    pub connected: bool,
    pub providers: usize,
    pub consumers: usize,
    pub desired: usize,
    pub published: usize,
    pub published_as_instance: usize,
    /// Rule documents that are held of its config center.
    pub documents: usize,
    pub problems: Vec<String>,
}

impl Shown {
    /// The part that stands in a snapshot.
    pub fn of(snapshot: &Snapshot, is_local: &dyn Fn(&ServiceKey) -> bool) -> Self {
        let mut named: Vec<(&ServiceKey, &[Offer])> = snapshot.services().collect();
        let services_not_shown = named.len().saturating_sub(SHOWN_SERVICES);
        if services_not_shown > 0 {
            // Only those that are shown are sorted and written out: there may be very many, and this runs each second.
            named.select_nth_unstable_by_key(SHOWN_SERVICES, |(service, _)| *service);
            named.truncate(SHOWN_SERVICES);
        }
        named.sort_unstable_by_key(|(service, _)| *service);
        let services = named
            .into_iter()
            .map(|(service, offers)| ShownService {
                local: is_local(service),
                service: service.to_string(),
                islands: offers
                    .iter()
                    .map(|offer| {
                        let imported = snapshot.imports().import(&offer.island, service);
                        (offer.island.to_string(), offer.health == Health::Healthy, imported)
                    })
                    .collect(),
            })
            .collect();
        let islands = snapshot.islands().map(|island| island.to_string()).collect();
        Self { islands, services, services_not_shown, ..Self::default() }
    }
}

impl ShownRegistry {
    /// How a registry goes.
    pub fn of(registry: &dyn Registry) -> Self {
        let status = registry.status();
        Self {
            name: status.name,
            connected: status.connected,
            providers: status.providers,
            consumers: status.consumers,
            desired: status.desired,
            published: status.published,
            published_as_instance: status.published_as_instance,
            documents: status.documents,
            problems: status.problems,
        }
    }
}
