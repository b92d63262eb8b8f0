//! What is known when a decision is made: who offers what, here and there, and what this island imports.
//!
//! Immutable; a change makes a new snapshot with a higher generation, so that cached decisions can be told from
//! outdated ones by one comparison.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use wire::tunnel::Keyed;
use wire::tunnel::catalogue::ServiceKey;

use crate::import::Imports;
use crate::rules::Rules;

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

/// What a snapshot is made of.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The island this is for.
    pub own_island: Arc<str>,
    /// Whether silence means absence.
    pub view: View,
    /// What this island imports.
    pub imports: Imports,
    /// What islands offer, in any order. Those of the own island are left out; of several from one island the healthiest
    /// counts.
    pub offers: Vec<(Keyed, Offer)>,
    /// Services that have a provider in this island which a call could be sent to.
    pub local: HashSet<Keyed>,
    /// Of those whose providers were all gone and came back: for how long they have been back when this is made.
    pub local_for: HashMap<Keyed, Duration>,
    /// The rules in force.
    pub rules: Arc<Rules>,
    /// How long a word to an island and back takes, as it was measured; those that were not are missing.
    pub round_trips: HashMap<Arc<str>, Duration>,
}

/// Everything a decision depends on, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    generation: u64,
    own_island: Arc<str>,
    view: View,
    services: HashMap<Keyed, Box<[Offer]>>,
    islands: BTreeSet<Arc<str>>,
    imports: Imports,
    local: HashSet<Keyed>,
    local_for: HashMap<Keyed, Duration>,
    rules: Arc<Rules>,
    round_trips: HashMap<Arc<str>, Duration>,
}

impl Snapshot {
    /// A snapshot of what is known; `generation` is higher than that of the one before.
    #[must_use]
    pub fn new(generation: u64, known: Known) -> Self {
        let Known { own_island, view, imports, mut offers, local, local_for, rules, round_trips } = known;
        offers.retain(|(_, offer)| offer.island != own_island);
        offers.sort_by(|(service, a), (other, b)| service.cmp(other).then_with(|| a.best_first(b)));
        offers.dedup_by(|(later, a), (kept, b)| later == kept && a.island == b.island);
        let mut islands = BTreeSet::new();
        let mut services = HashMap::new();
        for of_one in offers.chunk_by(|(service, _), (next, _)| service == next) {
            islands.extend(of_one.iter().map(|(_, offer)| offer.island.clone()));
            services.insert(of_one[0].0.clone(), of_one.iter().map(|(_, offer)| offer.clone()).collect());
        }
        Self { generation, own_island, view, services, islands, imports, local, local_for, rules, round_trips }
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

    /// Whether this island has a provider of `service`.
    #[must_use]
    pub fn has_local(&self, service: &ServiceKey) -> bool {
        self.local.contains(service)
    }

    /// The services that have a provider in this island, in no order.
    pub fn local_services(&self) -> impl Iterator<Item = &ServiceKey> {
        self.local.iter().map(Keyed::key)
    }

    /// For how long `service` has had a local provider again; `None` where it was never without one.
    #[must_use]
    pub fn local_for(&self, service: &ServiceKey) -> Option<Duration> {
        self.local_for.get(service).copied()
    }

    /// After how long a snapshot of the same facts decides otherwise, because some local provider has then been back for as
    /// long as a rule wants; `None` where time alone changes nothing of that kind. See also [`Rules::next_change`].
    #[must_use]
    pub fn settles_in(&self) -> Option<Duration> {
        let waits = |back: &Duration| {
            let wanted = self.rules.back_after().iter().find(|wanted| *wanted > back)?;
            Some(*wanted - *back)
        };
        self.local_for.values().filter_map(waits).min()
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How long a word to `island` and back takes, where that was measured.
    #[must_use]
    pub fn round_trip(&self, island: &str) -> Option<Duration> {
        self.round_trips.get(island).copied()
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
    use crate::testing::{offer, service, snapshot};

    #[test]
    fn of_several_gateways_of_one_island_the_healthiest_counts() {
        let greeter = service("com.acme.Greeter");
        let offers = [
            ("com.acme.Greeter", offer("shanghai", Health::Unhealthy)),
            ("com.acme.Greeter", offer("beijing", Health::Unhealthy)),
            ("com.acme.Greeter", offer("shanghai", Health::Healthy)),
        ];
        let snapshot = snapshot(Imports::default(), offers);
        assert_eq!(
            snapshot.offers(&greeter),
            [offer("beijing", Health::Unhealthy), offer("shanghai", Health::Healthy)]
        );
    }

    #[test]
    fn what_the_own_island_offers_is_left_out() {
        let greeter = service("com.acme.Greeter");
        let offers = [("com.acme.Greeter", offer("cloud", Health::Healthy))];
        let snapshot = snapshot(Imports::default(), offers);
        assert!(snapshot.offers(&greeter).is_empty());
        assert!(!snapshot.knows("cloud"));
    }
}
