//! What a shard knows when a call comes in: immutable, replaced as a whole by the control thread.
//!
//! Never read from a socket or registry here; the path of a call only looks things up.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use route::Snapshot;

/// Everything, at one moment.
#[derive(Debug, Default)]
pub struct Knowledge {
    /// Catalogue and imports.
    pub snapshot: Arc<Snapshot>,
    /// Which hubs show which island, by island.
    pub hubs: HashMap<String, Vec<String>>,
    /// The island's consumers as the registries know them.
    pub consumers: Consumers,
}

impl Knowledge {
    /// Whether `hub` shows `island`, or nobody says which hub does.
    #[must_use]
    pub fn leads_to(&self, hub: &str, island: &str) -> bool {
        self.hubs.get(island).is_none_or(|hubs| hubs.iter().any(|known| known == hub))
    }
}

/// References of consumers by address and interface.
#[derive(Debug, Default)]
pub struct Consumers {
    by_address: HashMap<IpAddr, HashMap<String, Vec<Reference>>>,
}

/// What one reference says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reference {
    /// The application.
    pub application: Option<String>,
    /// Its timeout.
    pub timeout: Option<Duration>,
    /// Timeouts of single methods.
    pub method_timeouts: HashMap<String, Duration>,
}

impl Consumers {
    /// Adds a reference to `interface` of a consumer at `address`.
    pub fn add(&mut self, address: IpAddr, interface: &str, reference: Reference) {
        self.by_address.entry(address).or_default().entry(interface.to_owned()).or_default().push(reference);
    }

    /// The timeout of the caller, if its references say one: those of its application, or of everybody at that address
    /// where it does not name one. Of several the longest, so that nobody is cut short.
    #[must_use]
    pub fn timeout(
        &self,
        address: IpAddr,
        interface: &str,
        application: Option<&str>,
        method: &str,
    ) -> Option<Duration> {
        let references = self.references(address, interface)?;
        let own = references.iter().filter(|reference| match (application, reference.application.as_deref()) {
            (Some(caller), Some(known)) => caller == known,
            _ => true,
        });
        own.filter_map(|reference| reference.method_timeouts.get(method).copied().or(reference.timeout)).max()
    }

    /// The only application that refers to `interface` from that address; `None` where there are none or several.
    #[must_use]
    pub fn only_application(&self, address: IpAddr, interface: &str) -> Option<&str> {
        let mut names = self.references(address, interface)?.iter().filter_map(|known| known.application.as_deref());
        let first = names.next()?;
        names.all(|name| name == first).then_some(first)
    }

    fn references(&self, address: IpAddr, interface: &str) -> Option<&[Reference]> {
        Some(self.by_address.get(&address)?.get(interface)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 7));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 8));

    fn reference(application: &str, timeout: u64) -> Reference {
        Reference {
            application: Some(application.to_owned()),
            timeout: Some(Duration::from_millis(timeout)),
            method_timeouts: HashMap::new(),
        }
    }

    #[test]
    fn a_callers_own_reference_says_its_timeout() {
        let mut consumers = Consumers::default();
        consumers.add(HERE, "com.acme.Greeter", reference("shop", 300));
        consumers.add(HERE, "com.acme.Greeter", reference("billing", 5000));
        let ask = |application| consumers.timeout(HERE, "com.acme.Greeter", application, "greet");
        assert_eq!(ask(Some("shop")), Some(Duration::from_millis(300)));
        assert_eq!(ask(Some("unheard-of")), None);
        assert_eq!(ask(None), Some(Duration::from_millis(5000)));
        assert_eq!(consumers.timeout(THERE, "com.acme.Greeter", None, "greet"), None);
        assert_eq!(consumers.timeout(HERE, "com.acme.Other", None, "greet"), None);
    }

    #[test]
    fn a_methods_timeout_stands_over_the_references() {
        let mut consumers = Consumers::default();
        let mut known = reference("shop", 300);
        known.method_timeouts.insert("slow".to_owned(), Duration::from_secs(9));
        consumers.add(HERE, "com.acme.Greeter", known);
        let ask = |method| consumers.timeout(HERE, "com.acme.Greeter", Some("shop"), method);
        assert_eq!(ask("slow"), Some(Duration::from_secs(9)));
        assert_eq!(ask("greet"), Some(Duration::from_millis(300)));
    }

    #[test]
    fn an_application_is_known_only_where_it_is_the_only_one() {
        let mut consumers = Consumers::default();
        consumers.add(HERE, "com.acme.Greeter", reference("shop", 300));
        consumers.add(HERE, "com.acme.Greeter", reference("shop", 400));
        assert_eq!(consumers.only_application(HERE, "com.acme.Greeter"), Some("shop"));
        consumers.add(HERE, "com.acme.Greeter", reference("billing", 400));
        assert_eq!(consumers.only_application(HERE, "com.acme.Greeter"), None);
        assert_eq!(consumers.only_application(THERE, "com.acme.Greeter"), None);
    }

    #[test]
    fn a_hub_leads_to_an_island_that_it_shows_or_that_nobody_shows() {
        let mut knowledge = Knowledge::default();
        assert!(knowledge.leads_to("hub-1", "shanghai"));
        knowledge.hubs.insert("shanghai".to_owned(), vec!["hub-2".to_owned()]);
        assert!(!knowledge.leads_to("hub-1", "shanghai"));
        assert!(knowledge.leads_to("hub-2", "shanghai"));
    }
}
