//! What a shard knows when a call comes in: immutable, replaced as a whole by the control thread.
//!
//! Never read from a socket or registry here; the path of a call only looks things up.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use route::Snapshot;

use crate::deadline::Known;
use crate::local::Local;

/// Everything, at one moment.
#[derive(Debug, Default)]
pub struct Knowledge {
    /// Catalogue and imports.
    pub snapshot: Arc<Snapshot>,
    /// Which hubs show which island, by island.
    pub hubs: HashMap<String, Vec<String>>,
    /// The island's consumers as the registries know them.
    pub consumers: Consumers,
    /// Its own providers.
    pub local: Arc<Local>,
}

impl Knowledge {
    /// Whether `hub` shows `island`, or nobody says which hub does.
    #[must_use]
    pub fn leads_to(&self, hub: &str, island: &str) -> bool {
        self.hubs.get(island).is_none_or(|hubs| hubs.iter().any(|known| known == hub))
    }
}

/// References that are gone and still count, at most.
const GONE_MAX: usize = 10_000;

/// Something by address and interface.
type Places<T> = HashMap<IpAddr, HashMap<String, Vec<T>>>;

/// References of consumers by address and interface.
#[derive(Debug, Default)]
pub struct Consumers {
    by_address: Places<Reference>,
    /// Those whose nodes are gone, each with the moment until which its timeouts count: a consumer whose session with the registry
    /// has ended goes on calling before it registers again.
    gone: Places<(Instant, Reference)>,
}

/// What one reference says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reference {
    /// The application.
    pub application: Option<String>,
    /// The group that it asks for: one, several with commas between, `*` for any, or none.
    pub group: Option<String>,
    /// The version likewise.
    pub version: Option<String>,
    /// Its timeout.
    pub timeout: Option<Duration>,
    /// Timeouts of single methods.
    pub method_timeouts: HashMap<String, Duration>,
}

/// What is seen of a caller in its call.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// Where it calls from.
    pub address: IpAddr,
    /// Its application, where it says one.
    pub application: Option<&'a str>,
    /// What it calls.
    pub interface: &'a str,
    /// In this group.
    pub group: Option<&'a str>,
    /// In this version.
    pub version: Option<&'a str>,
    /// By this method.
    pub method: &'a str,
}

impl Reference {
    /// Whether a call may come from it.
    fn may_make(&self, caller: &Caller<'_>) -> bool {
        let asks = |wanted: Option<&str>, called: Option<&str>| match wanted {
            Some("*") => true,
            Some(wanted) => wanted.split(',').any(|one| Some(one.trim()) == called),
            None => called.is_none(),
        };
        let application = match (caller.application, self.application.as_deref()) {
            (Some(caller), Some(known)) => caller == known,
            _ => true,
        };
        application
            && asks(self.group.as_deref(), caller.group)
            && asks(said(self.version.as_deref()), said(caller.version))
    }

    fn timeout(&self, method: &str) -> Option<Duration> {
        self.method_timeouts.get(method).copied().or(self.timeout)
    }
}

/// A version, where it is more than what Java writes if there is none.
fn said(version: Option<&str>) -> Option<&str> {
    version.filter(|version| *version != "0.0.0")
}

impl Consumers {
    /// Adds a reference to `interface` of a consumer at `address`.
    pub fn add(&mut self, address: IpAddr, interface: &str, reference: Reference) {
        add(&mut self.by_address, address, interface, reference);
    }

    /// These, and for `keep` longer what `before` knew beside them. An application that has registered anew has said all.
    #[must_use]
    pub fn after(mut self, before: &Consumers, now: Instant, keep: Duration) -> Self {
        let just_gone = each(&before.by_address).map(|(place, reference)| (place, (now + keep, reference)));
        let gone_before = each(&before.gone).map(|(place, (until, reference))| (place, (*until, reference)));
        let mut gone = Places::new();
        let silent = gone_before.chain(just_gone).filter(|((address, interface), (until, reference))| {
            let present = self.references(*address, interface).unwrap_or_default();
            *until > now && !present.iter().any(|present| present.application == reference.application)
        });
        for ((address, interface), (until, reference)) in silent.take(GONE_MAX) {
            add(&mut gone, address, interface, (until, reference.clone()));
        }
        self.gone = gone;
        self
    }

    /// The timeouts of the caller, if its references say one: those of its application, or of everybody at that address
    /// where it does not name one.
    #[must_use]
    pub fn timeout(&self, caller: &Caller<'_>) -> Option<Known> {
        let present = self.references(caller.address, caller.interface).unwrap_or_default();
        let gone = || at(&self.gone, caller.address, caller.interface).unwrap_or_default();
        longest_and_sure(present.iter(), caller)
            .or_else(|| longest_and_sure(gone().iter().map(|(_, reference)| reference), caller))
    }

    /// The only application that refers to `interface` from that address; `None` where there are none or several.
    #[must_use]
    pub fn only_application(&self, address: IpAddr, interface: &str) -> Option<&str> {
        let mut names = self.references(address, interface)?.iter().filter_map(|known| known.application.as_deref());
        let first = names.next()?;
        names.all(|name| name == first).then_some(first)
    }

    fn references(&self, address: IpAddr, interface: &str) -> Option<&[Reference]> {
        at(&self.by_address, address, interface)
    }
}

fn add<T>(places: &mut Places<T>, address: IpAddr, interface: &str, what: T) {
    places.entry(address).or_default().entry(interface.to_owned()).or_default().push(what);
}

fn at<'a, T>(places: &'a Places<T>, address: IpAddr, interface: &str) -> Option<&'a [T]> {
    Some(places.get(&address)?.get(interface)?)
}

fn each<T>(places: &Places<T>) -> impl Iterator<Item = ((IpAddr, &str), &T)> {
    places.iter().flat_map(|(address, interfaces)| {
        interfaces.iter().flat_map(|(interface, all)| all.iter().map(|one| ((*address, interface.as_str()), one)))
    })
}

fn longest_and_sure<'a>(references: impl Iterator<Item = &'a Reference>, caller: &Caller<'_>) -> Option<Known> {
    let said =
        references.filter(|reference| reference.may_make(caller)).map(|reference| reference.timeout(caller.method));
    let (longest, surely) = said.fold((None, Some(Duration::MAX)), |(longest, surely), said| {
        (longest.max(said), surely.zip(said).map(|(a, b)| a.min(b)))
    });
    longest.map(|longest| Known { longest, surely })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 7));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 8));

    const ANYBODY: Caller<'_> = Caller {
        address: HERE,
        application: None,
        interface: "com.acme.Greeter",
        group: None,
        version: None,
        method: "greet",
    };

    fn reference(application: &str, timeout: u64) -> Reference {
        Reference {
            application: Some(application.to_owned()),
            timeout: Some(Duration::from_millis(timeout)),
            ..Reference::default()
        }
    }

    #[test]
    fn a_callers_own_reference_says_its_timeout() {
        let mut consumers = Consumers::default();
        consumers.add(HERE, "com.acme.Greeter", reference("shop", 300));
        consumers.add(HERE, "com.acme.Greeter", reference("billing", 5000));
        let ask = |application| consumers.timeout(&Caller { application, ..ANYBODY });
        let known = |longest, surely| {
            let [longest, surely] = [longest, surely].map(Duration::from_millis);
            Some(Known { longest, surely: Some(surely) })
        };
        assert_eq!(ask(Some("shop")), known(300, 300));
        assert_eq!(ask(Some("unheard-of")), None);
        assert_eq!(ask(None), known(5000, 300));
        assert_eq!(consumers.timeout(&Caller { address: THERE, ..ANYBODY }), None);
        assert_eq!(consumers.timeout(&Caller { interface: "com.acme.Other", ..ANYBODY }), None);
    }

    #[test]
    fn a_methods_timeout_stands_over_the_references() {
        let mut consumers = Consumers::default();
        let mut known = reference("shop", 300);
        known.method_timeouts.insert("slow".to_owned(), Duration::from_secs(9));
        consumers.add(HERE, "com.acme.Greeter", known);
        let ask = |method| consumers.timeout(&Caller { application: Some("shop"), method, ..ANYBODY });
        assert_eq!(ask("slow").map(|known| known.longest), Some(Duration::from_secs(9)));
        assert_eq!(ask("greet").map(|known| known.longest), Some(Duration::from_millis(300)));
    }

    #[test]
    fn a_reference_without_a_timeout_makes_that_of_another_no_certainty() {
        let mut consumers = Consumers::default();
        consumers.add(HERE, "com.acme.Greeter", reference("shop", 5000));
        consumers.add(HERE, "com.acme.Greeter", Reference { timeout: None, ..reference("shop", 0) });
        let known = consumers.timeout(&ANYBODY);
        assert_eq!(known, Some(Known { longest: Duration::from_millis(5000), surely: None }));
    }

    #[test]
    fn a_reference_to_another_group_or_version_says_nothing_of_this_one() {
        let mut consumers = Consumers::default();
        let of = |group: Option<&str>, version: Option<&str>, timeout| Reference {
            group: group.map(str::to_owned),
            version: version.map(str::to_owned),
            ..reference("shop", timeout)
        };
        for reference in
            [of(None, None, 1), of(Some("g"), None, 2), of(Some("h, i"), Some("1.0.0"), 3), of(Some("j"), Some("*"), 4)]
        {
            consumers.add(HERE, "com.acme.Greeter", reference);
        }
        let ask = |group, version| {
            consumers.timeout(&Caller { group, version, ..ANYBODY }).map(|known| known.longest.as_millis())
        };
        assert_eq!([ask(None, None), ask(None, Some("0.0.0"))], [Some(1), Some(1)]);
        assert_eq!(
            [ask(Some("g"), None), ask(Some("i"), Some("1.0.0")), ask(Some("i"), None)],
            [Some(2), Some(3), None]
        );
        assert_eq!(ask(Some("j"), Some("7")), Some(4));
    }

    /// A registry was frozen until the consumers' sessions ended: until they registered again their calls waited for a link as if
    /// they had said no timeout, and were lost where it took a second.
    #[test]
    fn what_a_reference_said_counts_for_a_while_after_its_node_is_gone() {
        let (now, keep) = (Instant::now(), Duration::from_secs(30));
        let with = |timeouts: &[u64]| {
            let mut consumers = Consumers::default();
            timeouts.iter().for_each(|timeout| consumers.add(HERE, "com.acme.Greeter", reference("shop", *timeout)));
            consumers
        };
        let ask = |consumers: &Consumers| consumers.timeout(&ANYBODY).map(|known| known.longest.as_millis());
        let gone = with(&[]).after(&with(&[5000]), now, keep);
        assert_eq!((ask(&gone), gone.only_application(HERE, "com.acme.Greeter")), (Some(5000), None));
        let later = |after| with(&[]).after(&gone, now + after, keep);
        assert_eq!(ask(&later(keep / 2)), Some(5000));
        assert_eq!(ask(&later(keep)), None, "that it was looked at meanwhile makes it no longer");
        let back = with(&[700]).after(&gone, now, keep);
        assert_eq!(ask(&back), Some(700));
        assert_eq!(ask(&with(&[]).after(&back, now, keep)), Some(700), "what it said before is over");
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
