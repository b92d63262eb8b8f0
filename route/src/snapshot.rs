//! What is known when a decision is made: who offers what, and what this island imports.
//!
//! Immutable; a change makes a new snapshot with a higher generation, so that cached decisions can be told from
//! outdated ones by one comparison.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use wire::tunnel::Keyed;
use wire::tunnel::catalogue::ServiceKey;

use crate::import::Imports;

/// Whether an island could serve a call of the service right now, as its ingress gateways say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Health {
    /// At least one provider is up.
    Healthy,
    /// Offered, but no provider is up.
    Unhealthy,
}

/// One island that offers a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The island.
    pub island: Arc<str>,
    /// How its providers are.
    pub health: Health,
}

/// Whether silence means absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// Some hub has told everything that it lets this island see.
    Complete,
    /// No hub has told everything yet: what is missing may still come.
    #[default]
    Partial,
}

/// Catalogue and imports at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    generation: u64,
    own_island: Arc<str>,
    view: View,
    services: HashMap<Keyed, Box<[Offer]>>,
    islands: BTreeSet<Arc<str>>,
    imports: Imports,
}

impl Snapshot {
    /// A snapshot of these offers; offers of the own island are left out, of several from one island the healthiest
    /// counts.
    pub fn new<K: Into<Keyed>>(
        generation: u64,
        own_island: Arc<str>,
        view: View,
        imports: Imports,
        offers: impl IntoIterator<Item = (K, Offer)>,
    ) -> Self {
        let offers = offers.into_iter().filter(|(_, offer)| offer.island != own_island);
        let mut offers: Vec<(Keyed, Offer)> = offers.map(|(service, offer)| (service.into(), offer)).collect();
        offers.sort_by(|(service, a), (other, b)| service.cmp(other).then_with(|| a.best_first(b)));
        offers.dedup_by(|(later, a), (kept, b)| later == kept && a.island == b.island);
        let mut islands = BTreeSet::new();
        let mut services = HashMap::new();
        for of_one in offers.chunk_by(|(service, _), (next, _)| service == next) {
            islands.extend(of_one.iter().map(|(_, offer)| offer.island.clone()));
            services.insert(of_one[0].0.clone(), of_one.iter().map(|(_, offer)| offer.clone()).collect());
        }
        Self { generation, own_island, view, services, islands, imports }
    }

    /// Rises with every change.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The island this snapshot is for.
    #[must_use]
    pub fn own_island(&self) -> &str {
        &self.own_island
    }

    /// Whether silence means absence.
    #[must_use]
    pub fn view(&self) -> View {
        self.view
    }

    /// What this island imports.
    #[must_use]
    pub fn imports(&self) -> &Imports {
        &self.imports
    }

    /// Who offers `service`, one entry an island in the order of their names, imported or not.
    #[must_use]
    pub fn offers(&self, service: &ServiceKey) -> &[Offer] {
        self.services.get(service).map_or(&[], |offers| offers)
    }

    /// Every service with its offers, in no order.
    pub fn services(&self) -> impl Iterator<Item = (&ServiceKey, &[Offer])> {
        self.services.iter().map(|(service, offers)| (service.key(), &**offers))
    }

    /// Every island that offers anything, in the order of their names.
    pub fn islands(&self) -> impl Iterator<Item = &Arc<str>> {
        self.islands.iter()
    }

    /// Whether `island` offers anything.
    #[must_use]
    pub fn knows(&self, island: &str) -> bool {
        self.islands.contains(island)
    }
}

impl Offer {
    /// By island; of several from one island the healthiest comes first.
    fn best_first(&self, other: &Offer) -> Ordering {
        self.island.cmp(&other.island).then(self.health.cmp(&other.health))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{offer, service};

    #[test]
    fn of_several_gateways_of_one_island_the_healthiest_counts() {
        let greeter = service("com.acme.Greeter");
        let offers = [
            (greeter.clone(), offer("shanghai", Health::Unhealthy)),
            (greeter.clone(), offer("beijing", Health::Unhealthy)),
            (greeter.clone(), offer("shanghai", Health::Healthy)),
        ];
        let snapshot = Snapshot::new(1, "cloud".into(), View::Complete, Imports::default(), offers);
        assert_eq!(
            snapshot.offers(&greeter),
            [offer("beijing", Health::Unhealthy), offer("shanghai", Health::Healthy)]
        );
    }

    #[test]
    fn what_the_own_island_offers_is_left_out() {
        let greeter = service("com.acme.Greeter");
        let offers = [(greeter.clone(), offer("cloud", Health::Healthy))];
        let snapshot = Snapshot::new(1, "cloud".into(), View::Complete, Imports::default(), offers);
        assert!(snapshot.offers(&greeter).is_empty());
        assert!(!snapshot.knows("cloud"));
    }
}
