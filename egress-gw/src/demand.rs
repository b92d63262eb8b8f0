//! Which services the consumers of one registry want: those they refer to now, and those they referred to a while ago.
//!
//! A reference is a consumer's node at interface level, the only trace that all releases leave: 2.x and 3.x by default, not 3.x
//! with `FORCE_APPLICATION`. In memory alone: after a restart of the gateway, what is referred to then counts. Bounded by what
//! is offered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use wire::tunnel::catalogue::ServiceKey;
use zk_bridge::Consumer;

/// Wanted services, with when somebody last referred to them.
#[derive(Debug, Default)]
pub struct Demand {
    last: BTreeMap<ServiceKey, Instant>,
    now: BTreeSet<ServiceKey>,
}

impl Demand {
    /// Takes in who refers to what of `offered` at `now`, and forgets what was wanted longer ago than `memory`.
    pub fn observe<'a>(
        &mut self,
        now: Instant,
        memory: Duration,
        consumers: impl IntoIterator<Item = &'a Consumer>,
        offered: impl IntoIterator<Item = &'a ServiceKey>,
    ) {
        let mut references: BTreeMap<&str, Vec<&Consumer>> = BTreeMap::new();
        for consumer in consumers {
            references.entry(&consumer.interface).or_default().push(consumer);
        }
        let wanted = |service: &&ServiceKey| {
            let of_it = references.get(service.interface.as_str()).map_or(&[][..], Vec::as_slice);
            of_it.iter().any(|reference| refers(reference, service))
        };
        let before = std::mem::replace(&mut self.now, offered.into_iter().filter(wanted).cloned().collect());
        for service in before.into_iter().chain(self.now.iter().cloned()) {
            self.last.insert(service, now);
        }
        self.last.retain(|service, at| self.now.contains(service) || now < *at + memory);
    }

    /// Whether somebody wants the service.
    #[must_use]
    pub fn wants(&self, service: &ServiceKey) -> bool {
        self.last.contains_key(service)
    }

    /// When the next service is forgotten, if nobody refers to it again.
    #[must_use]
    pub fn next_change(&self, memory: Duration) -> Option<Instant> {
        let gone = self.last.iter().filter(|(service, _)| !self.now.contains(*service));
        gone.map(|(_, at)| *at + memory).min()
    }
}

/// Whether a reference is to `service`: its group may be a list or `*`, its version `*`.
fn refers(reference: &Consumer, service: &ServiceKey) -> bool {
    let group = reference.group.as_deref().unwrap_or_default();
    let version = reference.version.as_deref().filter(|version| *version != "0.0.0").unwrap_or_default();
    let group_fits = group.split(',').map(str::trim).any(|one| one == "*" || one == service.group);
    group_fits && (version == "*" || version == service.version)
}

#[cfg(test)]
mod tests {
    use zk_bridge::Parameters;

    use super::*;

    const MEMORY: Duration = Duration::from_secs(600);

    fn service(group: &str, version: &str) -> ServiceKey {
        let (group, version) = (group.to_owned(), version.to_owned());
        ServiceKey { group, interface: "com.acme.Greeter".to_owned(), version }
    }

    fn reference(group: Option<&str>, version: Option<&str>) -> Consumer {
        Consumer {
            application: Some("shop".to_owned()),
            host: "10.0.0.7".to_owned(),
            interface: "com.acme.Greeter".to_owned(),
            group: group.map(str::to_owned),
            version: version.map(str::to_owned),
            parameters: Parameters::default(),
        }
    }

    #[test]
    fn a_service_is_wanted_for_a_while_after_its_last_consumer() {
        let (offered, consumer) = ([service("", ""), service("g", "")], reference(None, None));
        let mut demand = Demand::default();
        let began = Instant::now();
        demand.observe(began, MEMORY, [&consumer], &offered);
        assert!(demand.wants(&offered[0]) && !demand.wants(&offered[1]));
        assert_eq!(demand.next_change(MEMORY), None, "somebody refers to it");
        let gone = began + MEMORY * 3;
        demand.observe(gone, MEMORY, [], &offered);
        assert!(demand.wants(&offered[0]), "it was referred to until a moment ago");
        assert_eq!(demand.next_change(MEMORY), Some(gone + MEMORY));
        demand.observe(gone + MEMORY - Duration::from_secs(1), MEMORY, [], &offered);
        assert!(demand.wants(&offered[0]));
        demand.observe(gone + MEMORY, MEMORY, [], &offered);
        assert!(!demand.wants(&offered[0]));
        assert_eq!(demand.next_change(MEMORY), None);
    }

    #[test]
    fn what_is_wanted_before_it_is_offered_counts_once_it_is() {
        let consumer = reference(None, None);
        let mut demand = Demand::default();
        demand.observe(Instant::now(), MEMORY, [&consumer], []);
        assert!(!demand.wants(&service("", "")));
        demand.observe(Instant::now(), MEMORY, [&consumer], &[service("", "")]);
        assert!(demand.wants(&service("", "")));
    }

    #[test]
    fn a_reference_matches_as_dubbo_matches() {
        for (group, version, plain, full) in [
            (None, None, true, false),
            (None, Some("0.0.0"), true, false),
            (Some("g1"), Some("1.0.0"), false, true),
            (Some("g0, g1"), Some("*"), false, true),
            (Some("*"), Some("*"), true, true),
            (Some("g2"), Some("1.0.0"), false, false),
        ] {
            let reference = reference(group, version);
            assert_eq!(refers(&reference, &service("", "")), plain, "{group:?} {version:?}");
            assert_eq!(refers(&reference, &service("g1", "1.0.0")), full, "{group:?} {version:?}");
        }
    }
}
