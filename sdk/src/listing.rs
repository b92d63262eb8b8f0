//! What is looked up and what came of it: the services that this process calls, the addresses that were given, the last views of the
//! registries and the rules in force, put together into a [`Directory`] whenever one of them changes.
//!
//! It is told by whoever makes a reference and by the thread of the registries; calls only read what comes of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use client::{Endpoint, TlsWith};
use route::rules::Rules;
use route::{Known, Returned, Snapshot};
use tokio::sync::watch;
use wire::tunnel::Keyed;
use zk_bridge::{ServiceKey, View};

use crate::directory::{Called, Directory, Names};
use crate::forms::CurrentForms;
use crate::held::LOOKING;
use crate::rulings::{Ground, own_address, service_key};

/// After so long calls that need no registry go without rules, as long as none are known: a moment before the longest wait for a registry is over.
const RULES_WITHIN: Duration = LOOKING.saturating_sub(Duration::from_millis(750));

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
    /// Until when calls that need no registry wait for them; `None` when that is over.
    rules_until: Option<Instant>,
    /// Of the services that are looked up, those with a provider in this island. One that is not read at the moment stays what it was.
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
    pub forms: Arc<CurrentForms>,
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
        let rules_until = rules.is_none().then(|| Instant::now() + RULES_WITHIN);
        let listing = Self {
            state: Mutex::new(State { gateways, views, island, rules, rules_until, tls, ..State::default() }),
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
            state.rules_until = None;
            true
        });
    }

    /// Time passes.
    pub fn look(&self, now: Instant) {
        let is_over = |until: Option<Instant>| until.is_some_and(|at| at <= now);
        let (is_settled, is_overdue) = {
            let state = self.state();
            (is_over(state.settles), is_over(state.rules_until))
        };
        if is_settled || is_overdue {
            self.change(|state| {
                state.rules_until = state.rules_until.filter(|_| !is_overdue);
                true
            });
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
        let now = Instant::now();
        state.observe(&directory, now);
        directory.ground = state.ground(&directory, now);
        directory.is_overdue = state.rules_until.is_none();
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
    /// The services that are looked up, with their names.
    fn looked_up(&self) -> impl Iterator<Item = (&Names, String)> {
        let looked_up = self.called.iter().filter(|(_, called)| called.direct.is_empty());
        looked_up.map(|(names, called)| (names, called.service.to_string()))
    }

    /// Takes in who has a provider in this island now.
    fn observe(&mut self, directory: &Directory, now: Instant) {
        let mut local = self.local.clone();
        for (names, service) in self.looked_up() {
            // That nobody is there is known only once all was read.
            match (directory.has_local(names), directory.asked.contains(&names.anybody)) {
                (true, _) => _ = local.insert(service),
                (false, true) => _ = local.remove(&service),
                (false, false) => {}
            }
        }
        let called: BTreeSet<String> = self.looked_up().map(|(_, service)| service).collect();
        local.retain(|service| called.contains(service));
        self.returned.keep_only(|service| called.contains(service));
        self.returned.observe(now, &local);
        self.local = local;
    }

    /// What is decided by at `now`.
    fn ground(&mut self, directory: &Directory, now: Instant) -> Option<Ground> {
        let rules = self.rules.clone()?;
        let (mut local, mut local_for) = (HashSet::new(), HashMap::new());
        let looked_up = self.called.iter().filter(|(_, called)| called.direct.is_empty());
        for (_, called) in looked_up.filter(|(names, _)| directory.has_local(names)) {
            let key = Keyed::from(service_key(&called.service));
            let back = self.returned.for_how_long(&called.service.to_string(), now);
            local_for.extend(back.map(|back| (key.clone(), back)));
            local.insert(key);
        }
        let looks_at_source = self.called.values().any(|called| rules.reads(Some(&called.service.interface)).source());
        let source = if looks_at_source { own_address(directory.gateways()) } else { None };
        let known = Known { own_island: self.island.clone(), local, local_for, rules, ..Known::default() };
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
#[path = "listing_tests.rs"]
mod tests;
