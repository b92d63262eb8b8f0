//! What this island serves itself, over time: who can be called now, what was there in the last day, and what is back only just now.
//!
//! ```text
//!  views ─┬─▶ Local         who takes calls to `local` now
//!         │      └─▶ Returned    since when those are back that were gone   ─▶ decisions
//!         └─▶ LocalMemory   real providers of any kind, with the last day   ─▶ what is published beside them
//!                └─▶ Returned    since when those are back that were gone
//! ```
//!
//! A registry that is being read anew takes nothing away before it was read to the end. It reads no registry and publishes nothing.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use route::Returned;
use route::rules::Rules;
use wire::tunnel::Keyed;
use wire::tunnel::catalogue::ServiceKey;
use zk_bridge::View;

use crate::config::{Config, Port};
use crate::local::{Local, LocalTls, Own, answers_at};
use crate::local_memory::{LocalMemory, OnDisk};
use crate::own_names::OwnNames;
use crate::publish;

/// The services of this island.
pub struct OwnServices {
    host: Option<IpAddr>,
    listen: Vec<IpAddr>,
    ports: Vec<Port>,
    names: OwnNames,
    tls: LocalTls,
    local: Arc<Local>,
    memory: LocalMemory,
    /// Of those that take calls to `local`.
    callable_again: Returned,
    /// Of those with a real provider of any kind.
    listed_again: Returned,
}

/// What an observation found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Whether decisions may be others now.
    pub is_new: bool,
    /// Whether [`OwnServices::memory`] should be written again.
    pub on_disk: OnDisk,
}

impl OwnServices {
    /// Nothing seen yet but what `memory` says.
    #[must_use]
    pub fn new(config: &Config, ports: Vec<Port>, memory: LocalMemory) -> Self {
        Self {
            host: config.advertise,
            listen: config.listen.clone(),
            ports,
            names: OwnNames::read(|address| answers_at(config.advertise, &config.listen, address)),
            tls: config.local_tls.clone(),
            local: Arc::default(),
            memory,
            callable_again: Returned::default(),
            listed_again: Returned::default(),
        }
    }

    /// Takes over what a changed configuration says.
    pub fn configure(&mut self, keep: Duration, tls: LocalTls) {
        self.memory.set_keep(keep);
        self.tls = tls;
    }

    /// Takes in what the registries show: of each what is taken to be there, one view a registry.
    pub fn observe(&mut self, views: Vec<Arc<View>>, now: Instant, today: SystemTime) -> Found {
        let mut on_disk = OnDisk::Current;
        if !views.is_empty() {
            let real = views.iter().flat_map(|view| view.providers()).filter(|provider| !provider.is_virtual());
            let foreign = views.iter().flat_map(|view| view.foreign());
            let present: BTreeSet<String> =
                real.map(|real| &real.key).chain(foreign).map(ToString::to_string).collect();
            on_disk = self.memory.observe(today, present);
        }
        let mut is_new = self.listed_again.observe(now, self.memory.present());
        if !self.local.is_of(&views, &self.tls) {
            let own = Own { advertise: self.host, listen: &self.listen, ports: &self.ports, names: &self.names };
            let local = Arc::new(Local::of(views, own, self.tls.clone()));
            is_new |= !local.means_the_same(&self.local);
            self.local = local;
            let callable = self.local.services().map(ToString::to_string).collect();
            is_new |= self.callable_again.observe(now, &callable);
        }
        Found { is_new, on_disk }
    }

    /// Who can be called here now.
    pub fn local(&self) -> &Arc<Local> {
        &self.local
    }

    /// Which services were here in the last day.
    pub fn memory(&self) -> &LocalMemory {
        &self.memory
    }

    /// What a call to `local` may mean.
    pub fn keys(&self) -> impl Iterator<Item = Keyed> {
        self.local.services().map(|service| publish::catalogue_key(service).into())
    }

    /// For how long those have been back that were gone.
    #[must_use]
    pub fn back_for(&self, now: Instant) -> HashMap<Keyed, Duration> {
        let back = self.local.services().filter_map(|service| {
            let since = self.callable_again.for_how_long(&service.to_string(), now)?;
            Some((publish::catalogue_key(service).into(), since))
        });
        back.collect()
    }

    /// Whether local providers keep the calls of a service to themselves: those that are there or were in the last day; where a rule
    /// prefers them, those that are there and have not come back only just now.
    #[must_use]
    pub fn keep_their_calls(&self, service: &ServiceKey, rules: &Rules, now: Instant, today: SystemTime) -> bool {
        let name = service.to_string();
        match rules.local_first(service) {
            None => self.memory.is_local(&name, today),
            Some(back_after) => {
                self.memory.is_present(&name)
                    && self.listed_again.for_how_long(&name, now).is_none_or(|since| since >= back_after)
            }
        }
    }
}

#[cfg(test)]
#[path = "own_services_tests.rs"]
mod tests;
