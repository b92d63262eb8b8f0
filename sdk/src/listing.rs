//! What is looked up and what came of it: the services that this process calls, the addresses that were given, and the last views of the
//! registries, put together into a [`Directory`] whenever one of them changes.
//!
//! It is told by whoever makes a reference and by the thread of the registries; calls only read what comes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use client::Endpoint;
use tokio::sync::watch;
use zk_bridge::{ServiceKey, View};

use crate::directory::{Called, Directory, Names};

/// The services that are called, and what is known of them.
#[derive(Debug)]
pub(crate) struct Listing {
    state: Mutex<State>,
    directory: watch::Sender<Arc<Directory>>,
    interfaces: watch::Sender<BTreeSet<String>>,
}

#[derive(Debug, Default)]
struct State {
    /// With how many references have it.
    called: BTreeMap<Names, Called>,
    references: BTreeMap<Names, usize>,
    gateways: Vec<Endpoint>,
    views: Vec<Arc<View>>,
}

/// A service that is called for as long as this lives.
#[derive(Debug)]
pub(crate) struct Wanted {
    listing: Arc<Listing>,
    pub names: Names,
}

impl Listing {
    /// Knows the addresses of gateways that were given, and one view for each registry.
    pub fn new(gateways: Vec<Endpoint>, views: Vec<Arc<View>>) -> Arc<Self> {
        let listing = Self {
            state: Mutex::new(State { gateways, views, ..State::default() }),
            directory: watch::Sender::new(Arc::default()),
            interfaces: watch::Sender::default(),
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

    /// A service is called from now on, at these addresses or wherever it is offered.
    pub fn want(self: &Arc<Self>, service: Arc<ServiceKey>, direct: Vec<Endpoint>) -> Wanted {
        let names = Names::new(&service, &direct);
        self.change(|state| {
            let references = state.references.entry(names.clone()).or_default();
            *references += 1;
            let is_first = *references == 1;
            if is_first {
                state.called.insert(names.clone(), Called { service, direct: direct.into() });
            }
            is_first
        });
        Wanted { listing: self.clone(), names }
    }

    /// Registry number `at` shows this.
    pub fn shows(&self, at: usize, view: Arc<View>) {
        self.change(|state| {
            let Some(shown) = state.views.get_mut(at) else { return false };
            *shown = view;
            true
        });
    }

    /// Lists what is there after a change, if `change` says that it was one.
    fn change(&self, change: impl FnOnce(&mut State) -> bool) {
        let mut state = self.state();
        if !change(&mut state) {
            return;
        }
        let looked_up = state.called.values().filter(|called| called.direct.is_empty());
        let interfaces: BTreeSet<String> = looked_up.map(|called| called.service.interface.clone()).collect();
        self.interfaces.send_if_modified(|said| {
            let differs = *said != interfaces;
            if differs {
                *said = interfaces;
            }
            differs
        });
        let directory = Directory::of(&state.called, &state.gateways, &state.views);
        // Under the lock, so that an older one never comes behind.
        self.directory.send_replace(Arc::new(directory));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
