//! The connections of one shard to providers of its own island. There are none before the first call to `local`, and then only to the
//! providers of services that are called so.
//!
//! ```text
//!  called first ─▶ its providers are connected ◀─ listed anew: the difference
//!                     └ not called for ten minutes, or not listed any more ─▶ each connection closes with its last answer
//! ```
//!
//! A service that is called first costs what its own providers do, however many others are called.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Answers, CallKey, Candidates, Pool, PoolConfig, ProviderList, ProviderStatus};
use shard::{Budget, Shard};
use zk_bridge::ServiceKey;

use crate::local::Local;

/// The providers of a service that is not called for so long are given up.
pub const IDLE: Duration = Duration::from_secs(600);

/// How calls of one kind go to `local`.
pub struct LocalRoute {
    /// The service, by its interface.
    pub service: ServiceKey,
    /// The method that runs.
    pub method: Box<str>,
    found: RefCell<Option<Found>>,
}

/// Who can be asked.
struct Found {
    /// Under which list of the pool.
    generation: u64,
    /// The pool's: what is kept of a call that somebody made once holds no provider.
    candidates: Weak<Candidates>,
    called: Called,
}

impl LocalRoute {
    /// Nobody was looked for yet.
    #[must_use]
    pub fn new(service: ServiceKey, method: &str) -> Self {
        Self { service, method: method.into(), found: RefCell::default() }
    }

    /// Bytes of its names; who can be asked belongs to the pool.
    #[must_use]
    pub fn kept_len(&self) -> usize {
        let ServiceKey { interface, group, version } = &self.service;
        let named = |name: &Option<String>| name.as_ref().map_or(0, String::len);
        interface.len() + named(group) + named(version) + self.method.len()
    }
}

impl fmt::Debug for LocalRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.service, self.method)
    }
}

/// What the pool is made of, once there is a call for it.
pub struct Makings {
    pub shard: Shard,
    pub config: PoolConfig,
    pub budget: Budget,
    pub answers: Weak<dyn Answers>,
}

/// The connections.
pub struct LocalPool {
    makings: Makings,
    pool: OnceCell<Pool>,
    fed: RefCell<Fed>,
}

/// What the pool has been told.
#[derive(Default)]
struct Fed {
    local: Arc<Local>,
    called: BTreeMap<ServiceKey, Called>,
}

/// A service that is called.
#[derive(Clone)]
struct Called {
    /// Its name in the pool.
    name: Arc<str>,
    last: Rc<Cell<Instant>>,
}

impl LocalPool {
    pub fn new(makings: Makings) -> Self {
        Self { makings, pool: OnceCell::new(), fed: RefCell::default() }
    }

    /// Who can be asked for calls of this kind; `None` where nobody lists the service. Must not be called from inside the slab of calls:
    /// what waited for a provider that is gone comes back at once.
    pub fn candidates(&self, route: &LocalRoute, local: &Arc<Local>) -> Option<Rc<Candidates>> {
        let pool = self.pool.get_or_init(|| {
            let Makings { shard, config, budget, answers } = &self.makings;
            Pool::new(shard, config.clone(), budget.clone(), answers.clone())
        });
        self.follow(local);
        if let Some(Found { generation, candidates, called }) = &*route.found.borrow()
            && *generation == pool.generation()
            && let Some(candidates) = candidates.upgrade()
        {
            called.last.set(pool.now());
            return Some(candidates);
        }
        let called = self.called(pool, &route.service)?;
        let candidates = pool.candidates(&called.name, &route.method)?;
        *route.found.borrow_mut() =
            Some(Found { generation: pool.generation(), candidates: Rc::downgrade(&candidates), called });
        Some(candidates)
    }

    /// A service of the pool, which has its providers from now on; `None` where there are none.
    fn called(&self, pool: &Pool, service: &ServiceKey) -> Option<Called> {
        let mut fed = self.fed.borrow_mut();
        if let Some(called) = fed.called.get(service) {
            called.last.set(pool.now());
            return Some(called.clone());
        }
        fed.local.service(service)?;
        let called = Called { name: service.to_string().into(), last: Rc::new(Cell::new(pool.now())) };
        fed.called.insert(service.clone(), called.clone());
        pool.add(called.name.clone(), fed.local.offers(service));
        Some(called)
    }

    /// Takes over what is listed now, as far as it is called.
    pub fn follow(&self, local: &Arc<Local>) {
        let Some(pool) = self.pool.get() else { return };
        let mut fed = self.fed.borrow_mut();
        if Arc::ptr_eq(&fed.local, local) {
            return;
        }
        let trusts_others = fed.local.tls() != local.tls();
        fed.local = local.clone();
        fed.called.retain(|service, _| local.service(service).is_some());
        let list = fed.list();
        drop(fed);
        if trusts_others {
            pool.trust(local.tls().trust.clone());
        }
        if list != *pool.list() {
            pool.update(Arc::new(list));
        }
    }

    /// Gives up the providers of services that were not called for [`IDLE`] at `now`; with the next call they are connected anew.
    pub fn give_up_idle(&self, now: Instant) {
        let Some(pool) = self.pool.get() else { return };
        let mut fed = self.fed.borrow_mut();
        let before = fed.called.len();
        fed.called.retain(|_, called| now.saturating_duration_since(called.last.get()) < IDLE);
        if fed.called.len() == before {
            return;
        }
        let list = fed.list();
        drop(fed);
        pool.update(Arc::new(list));
    }

    /// Another number whenever there may be somebody to ask who was not there before.
    pub fn changes(&self) -> u64 {
        self.pool.get().map_or(0, Pool::changes)
    }

    /// Another number whenever it was listed anew who is called.
    #[cfg(test)]
    pub fn generation(&self) -> u64 {
        self.pool.get().map_or(0, Pool::generation)
    }

    /// Gives a call up.
    pub fn cancel(&self, call: CallKey) {
        if let Some(pool) = self.pool.get() {
            pool.cancel(call);
        }
    }

    /// How every provider stands that was called.
    pub fn status(&self) -> Vec<ProviderStatus> {
        self.pool.get().map(Pool::status).unwrap_or_default()
    }
}

impl Fed {
    /// The providers of all that is called.
    fn list(&self) -> ProviderList {
        let offers = self.called.iter().map(|(service, called)| (called.name.clone(), self.local.offers(service)));
        ProviderList { services: offers.collect() }
    }
}
