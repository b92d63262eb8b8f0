//! What is looked up and what came of it: the services that this process calls, the addresses that were given, the last views of the
//! registries and the rules in force, put together into a [`Directory`] whenever one of them changes.
//!
//! It is told by whoever makes a reference and by the thread of the registries; calls only read what comes of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use client::{Endpoint, TlsWith};
use route::rules::Rules;
use route::{Known, Returned, Snapshot};
use tokio::sync::watch;
use wire::tunnel::Keyed;
use zk_bridge::{ServiceKey, View};

use crate::directory::{Called, Directory, Names};
use crate::forms::Known as KnownForms;
use crate::rulings::{Ground, own_address, service_key};

/// The services that are called, and what is known of them.
#[derive(Debug)]
pub(crate) struct Listing {
    state: Mutex<State>,
    directory: watch::Sender<Arc<Directory>>,
    interfaces: watch::Sender<BTreeSet<String>>,
    services: watch::Sender<BTreeSet<ServiceKey>>,
}

#[derive(Debug, Default)]
struct State {
    /// With how many references have it.
    called: BTreeMap<Names, Called>,
    references: BTreeMap<Names, usize>,
    gateways: Vec<Endpoint>,
    views: Vec<Arc<View>>,
    /// Which of the providers there speak TLS.
    tls: TlsWith,
    island: Arc<str>,
    /// `None` while it is not known which there are.
    rules: Option<Arc<Rules>>,
    /// Services with a provider in this island.
    local: BTreeSet<String>,
    returned: Returned,
    /// When time alone makes another directory, since a provider has then been back for long enough.
    settles: Option<Instant>,
}

/// A service that is called for as long as this lives.
#[derive(Debug)]
pub(crate) struct Wanted {
    listing: Arc<Listing>,
    pub names: Names,
    /// What calls are written in.
    pub forms: Arc<KnownForms>,
}

impl Listing {
    /// Knows the addresses of gateways that were given, one view for each registry, the name of the own island where somebody said it, and
    /// the rules where they need not be read first; and with whom TLS is spoken.
    pub fn new(
        gateways: Vec<Endpoint>,
        views: Vec<Arc<View>>,
        island: Arc<str>,
        rules: Option<Arc<Rules>>,
        tls: TlsWith,
    ) -> Arc<Self> {
        let listing = Self {
            state: Mutex::new(State { gateways, views, island, rules, tls, ..State::default() }),
            directory: watch::Sender::new(Arc::default()),
            interfaces: watch::Sender::default(),
            services: watch::Sender::default(),
        };
        listing.change(|_| true);
        Arc::new(listing)
    }

    /// What is known, at once and whenever it changes.
    pub fn directory(&self) -> watch::Receiver<Arc<Directory>> {
        self.directory.subscribe()
    }

    /// What registries are to be read for, at once and whenever it changes.
    pub fn interfaces(&self) -> watch::Receiver<BTreeSet<String>> {
        self.interfaces.subscribe()
    }

    /// The services that are looked up, at once and whenever they change.
    pub fn services(&self) -> watch::Receiver<BTreeSet<ServiceKey>> {
        self.services.subscribe()
    }

    /// A service is called from now on, at these addresses or wherever it is offered.
    pub fn want(self: &Arc<Self>, service: Arc<ServiceKey>, direct: Vec<Endpoint>) -> Wanted {
        let names = Names::new(&service, &direct);
        let mut forms = Arc::default();
        self.change(|state| {
            let references = state.references.entry(names.clone()).or_default();
            *references += 1;
            let is_first = *references == 1;
            let new = || Called { service, direct: direct.into(), forms: Arc::default() };
            forms = state.called.entry(names.clone()).or_insert_with(new).forms.clone();
            is_first
        });
        Wanted { listing: self.clone(), names, forms }
    }

    /// Registry number `at` shows this.
    pub fn shows(&self, at: usize, view: Arc<View>) {
        self.change(|state| {
            let Some(shown) = state.views.get_mut(at) else { return false };
            *shown = view;
            true
        });
    }

    /// These rules are in force.
    pub fn obeys(&self, rules: Arc<Rules>) {
        self.change(|state| {
            state.rules = Some(rules);
            true
        });
    }

    /// Time passes.
    pub fn look(&self, now: Instant) {
        let is_due = self.state().settles.is_some_and(|at| at <= now);
        if is_due {
            self.change(|_| true);
        }
    }

    /// Lists what is there after a change, if `change` says that it was one.
    fn change(&self, change: impl FnOnce(&mut State) -> bool) {
        let mut state = self.state();
        if !change(&mut state) {
            return;
        }
        let looked_up = state.called.values().filter(|called| called.direct.is_empty());
        let services: BTreeSet<ServiceKey> = looked_up.map(|called| ServiceKey::clone(&called.service)).collect();
        say(&self.interfaces, services.iter().map(|service| service.interface.clone()).collect());
        say(&self.services, services);
        let mut directory = Directory::of(&state.called, &state.gateways, &state.views, state.tls);
        directory.ground = state.ground(&directory, Instant::now());
        state.called.iter().for_each(|(names, called)| called.forms.set(directory.forms(&names.anybody)));
        // Under the lock, so that an older one never comes behind.
        self.directory.send_replace(Arc::new(directory));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says what is so now, where that is something else than before.
fn say<T: PartialEq>(told: &watch::Sender<T>, now: T) {
    told.send_if_modified(|said| {
        let differs = *said != now;
        if differs {
            *said = now;
        }
        differs
    });
}

impl State {
    /// What is decided by at `now`.
    fn ground(&mut self, directory: &Directory, now: Instant) -> Option<Ground> {
        let looked_up = || self.called.iter().filter(|(_, called)| called.direct.is_empty());
        let is_local = |names: &Names| directory.list.services.contains_key(&names.local);
        if directory.is_complete {
            for (names, called) in looked_up() {
                match is_local(names) {
                    true => _ = self.local.insert(called.service.to_string()),
                    false => _ = self.local.remove(&called.service.to_string()),
                }
            }
            self.returned.observe(now, &self.local);
        }
        let rules = self.rules.clone()?;
        let (mut local, mut local_for) = (HashSet::new(), HashMap::new());
        for (_, called) in looked_up().filter(|(names, _)| is_local(names)) {
            let key = Keyed::from(service_key(&called.service));
            let back = self.returned.for_how_long(&called.service.to_string(), now);
            local_for.extend(back.map(|back| (key.clone(), back)));
            local.insert(key);
        }
        let looks_at_source = self.called.values().any(|called| rules.reads(Some(&called.service.interface)).source());
        let source = if looks_at_source { own_address(directory.gateways()) } else { None };
        let view = if directory.is_complete { route::View::Complete } else { route::View::Partial };
        let known = Known { own_island: self.island.clone(), view, local, local_for, rules, ..Known::default() };
        let snapshot = Snapshot::new(0, known);
        self.settles = snapshot.settles_in().map(|wait| now + wait);
        Some(Ground { snapshot, source })
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.listing.change(|state| {
            let Some(left) = state.references.get_mut(&self.names) else { return false };
            *left -= 1;
            let was_last = *left == 0;
            if was_last {
                state.references.remove(&self.names);
                state.called.remove(&self.names);
            }
            was_last
        });
    }
}

#[cfg(test)]
mod tests {
    use wire::dubbo::frame::Codec;

    use super::*;
    use crate::forms::Forms;

    #[test]
    fn a_call_is_written_once_as_soon_as_it_is_known_what_is_read() {
        let listing =
            Listing::new(Vec::new(), vec![Arc::new(View::unread())], "".into(), Some(Arc::default()), TlsWith::Marked);
        let service = Arc::new(ServiceKey::new("com.acme.Greeter", None, None));
        let (first, second) = (listing.want(service.clone(), Vec::new()), listing.want(service.clone(), Vec::new()));
        let given = listing.want(service, vec![Endpoint::new("10.0.0.1", 20880)]);
        let forms = || [&first, &second, &given].map(|wanted| wanted.forms.get());
        let hessian2 = Forms::One(Codec::Hessian2);
        assert_eq!(forms(), [Forms::Both, Forms::Both, hessian2]);
        listing.shows(0, Arc::new(View::of(1, Vec::new(), Vec::new())));
        assert_eq!(forms(), [hessian2; 3]);
    }
}
