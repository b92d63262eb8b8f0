//! Services whose local providers were all gone and have come back: since when.
//!
//! A rule may leave their calls where they went meanwhile until a local provider has been there for a while. In memory alone: what is
//! there when the gateway starts counts as never gone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Services that are gone or came back, at most; further ones count as never gone.
const SERVICES_MAX: usize = 10_000;

/// What went and came back.
#[derive(Debug, Default)]
pub struct Returned {
    present: BTreeSet<String>,
    gone: BTreeSet<String>,
    back: BTreeMap<String, Instant>,
}

impl Returned {
    /// Takes in the services that have a local provider at `now`; whether any went or came back.
    pub fn observe(&mut self, now: Instant, present: &BTreeSet<String>) -> bool {
        if *present == self.present {
            return false;
        }
        for service in self.present.difference(present) {
            self.back.remove(service);
            if self.gone.len() < SERVICES_MAX {
                self.gone.insert(service.clone());
            }
        }
        for service in present.difference(&self.present) {
            if self.gone.remove(service) && self.back.len() < SERVICES_MAX {
                self.back.insert(service.clone(), now);
            }
        }
        self.present = present.clone();
        true
    }

    /// Forgets all services but these: what comes of another one is seen for the first time then.
    pub fn keep_only(&mut self, is_kept: impl Fn(&str) -> bool) {
        self.present.retain(|service| is_kept(service));
        self.gone.retain(|service| is_kept(service));
        self.back.retain(|service, _| is_kept(service));
    }

    /// For how long the service has had a local provider again at `now`; `None` where it was never without one.
    #[must_use]
    pub fn for_how_long(&self, service: &str, now: Instant) -> Option<Duration> {
        self.back.get(service).map(|since| now.saturating_duration_since(*since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_is_told_from_what_was_never_gone() {
        let mut returned = Returned::default();
        let (began, second) = (Instant::now(), Duration::from_secs(1));
        let services = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert!(returned.observe(began, &services(&["a", "b"])));
        assert!(!returned.observe(began, &services(&["a", "b"])), "nothing went");
        assert_eq!(returned.for_how_long("a", began), None);
        returned.observe(began, &services(&["b"]));
        assert_eq!(returned.for_how_long("a", began + second), None, "it is gone");
        returned.observe(began + second, &services(&["a", "b"]));
        assert_eq!(returned.for_how_long("a", began + 3 * second), Some(2 * second));
        assert_eq!(returned.for_how_long("b", began + 3 * second), None);
        returned.observe(began + 4 * second, &services(&["b"]));
        returned.observe(began + 5 * second, &services(&["a", "b"]));
        assert_eq!(returned.for_how_long("a", began + 6 * second), Some(second), "it counts anew");
    }

    #[test]
    fn what_is_forgotten_is_seen_for_the_first_time_when_it_comes() {
        let (mut returned, now) = (Returned::default(), Instant::now());
        let services = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        returned.observe(now, &services(&["a", "b", "c"]));
        returned.observe(now, &services(&["b", "c"]));
        returned.observe(now, &services(&["c"]));
        returned.observe(now, &services(&["b", "c"]));
        returned.keep_only(|_| false);
        returned.observe(now, &services(&["a", "b", "c"]));
        assert_eq!(["a", "b", "c"].map(|service| returned.for_how_long(service, now)), [None; 3]);
    }
}
