//! The connections of one shard to providers of its own island. There are none before the first call to `local`, and then only to the
//! providers of services that were called so.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use client::{Answers, CallKey, Candidates, Pool, PoolConfig, ProviderList, ProviderStatus};
use shard::{Budget, Shard};
use zk_bridge::ServiceKey;

use crate::local::Local;

/// How calls of one kind go to `local`.
pub struct LocalRoute {
    /// The service, by its interface.
    pub service: ServiceKey,
    /// The method that runs.
    pub method: Box<str>,
    /// Who can be asked, and under which list of the pool that was found.
    found: RefCell<Option<(u64, Option<Rc<Candidates>>)>>,
}

impl LocalRoute {
    /// Nobody was looked for yet.
    #[must_use]
    pub fn new(service: ServiceKey, method: &str) -> Self {
        Self { service, method: method.into(), found: RefCell::default() }
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
    /// What was called, with its name in the pool.
    called: BTreeMap<ServiceKey, Arc<str>>,
    list: Arc<ProviderList>,
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
        if let Some((generation, found)) = &*route.found.borrow()
            && *generation == pool.generation()
        {
            return found.clone();
        }
        let name = self.called(pool, &route.service)?;
        let found = pool.candidates(&name, &route.method);
        *route.found.borrow_mut() = Some((pool.generation(), found.clone()));
        found
    }

    /// The name of a service in the pool, which has its providers from now on; `None` where there are none.
    fn called(&self, pool: &Pool, service: &ServiceKey) -> Option<Arc<str>> {
        let mut fed = self.fed.borrow_mut();
        if let Some(name) = fed.called.get(service) {
            return Some(name.clone());
        }
        fed.local.service(service)?;
        let name: Arc<str> = service.to_string().into();
        fed.called.insert(service.clone(), name.clone());
        let list = fed.renewed();
        drop(fed);
        pool.update(list);
        Some(name)
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
        let before = fed.list.clone();
        let list = fed.renewed();
        drop(fed);
        if trusts_others {
            pool.trust(local.tls().trust.clone());
        }
        if *list != *before {
            pool.update(list);
        }
    }

    /// Another number whenever there may be somebody to ask who was not there before.
    pub fn changes(&self) -> u64 {
        self.pool.get().map_or(0, Pool::changes)
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
    fn renewed(&mut self) -> Arc<ProviderList> {
        let offers = self.called.iter().map(|(service, name)| (name.clone(), self.local.offers(service)));
        self.list = Arc::new(ProviderList { services: offers.collect() });
        self.list.clone()
    }
}
