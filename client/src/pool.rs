//! All provider connections of one shard, and the choice among them.
//!
//! A new [`ProviderList`] is a difference: addresses that stay keep their connections, new ones are connected, those that
//! are gone drain. [`Candidates`] are made once a service and method that is listed, once for all methods that are not, and looked up by
//! the caller for as long as [`Pool::generation`] stays; a pick is then a walk over them. So names that callers make up take no memory.
//!
//! Of one turn's calls up to [`BATCH`] go to the same provider: what was read together is written together.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rustc_hash::{FxHashMap, FxHashSet};
use shard::{Budget, Shard};

use crate::calls::{CallKey, CallKind, Place};
use crate::choice::{Standing, choose};
use crate::core::Core;
use crate::ejection::{self, Verdict};
use crate::list::DEFAULT_WEIGHT;
use crate::{Answers, Counts, Endpoint, Offer, PoolConfig, Provider, ProviderList, ProviderStatus, State, Trust};

/// Calls of one turn that follow the first to its provider, at most: enough that writes are shared, few enough that a
/// burst still spreads.
const BATCH: u32 = 8;

/// Who can be asked for one service, as far as it was looked up.
#[derive(Default)]
struct Found {
    /// For each method that some provider lists.
    listed: FxHashMap<Box<str>, Rc<Candidates>>,
    /// For all other methods: they have the same providers.
    unlisted: Option<Rc<Candidates>>,
}

/// Provider connections of one shard. Dropping it closes them.
pub struct Pool {
    core: Rc<Core>,
    list: RefCell<Arc<ProviderList>>,
    found: RefCell<FxHashMap<Arc<str>, Found>>,
    providers: Rc<RefCell<FxHashMap<Endpoint, Rc<Provider>>>>,
    generation: Cell<u64>,
}

impl Pool {
    /// An empty pool. `budget` is charged for answers over 64 KiB while they arrive, for calls that wait, and for what providers do
    /// not read.
    pub fn new(shard: &Shard, config: PoolConfig, budget: Budget, answers: Weak<dyn Answers>) -> Self {
        let core = Core::new(shard, config, budget, answers);
        let providers = Rc::new(RefCell::default());
        shard.run(keep_alive(Rc::downgrade(&providers), core.config.heartbeat));
        let (list, found) = (RefCell::default(), RefCell::default());
        Self { core, list, found, providers, generation: Cell::new(1) }
    }

    /// Takes the current list of providers.
    pub fn update(&self, list: Arc<ProviderList>) {
        let listed: FxHashSet<&Endpoint> = list.services.values().flatten().map(|offer| &offer.endpoint).collect();
        let mut gone = Vec::new();
        self.providers.borrow_mut().retain(|endpoint, provider| {
            let stays = listed.contains(endpoint);
            if !stays {
                gone.push(provider.clone());
            }
            stays
        });
        listed.into_iter().for_each(|endpoint| self.start(endpoint));
        self.list.replace(list);
        self.found.take();
        self.generation.set(self.generation.get() + 1);
        // Last, because it hands waiting calls back, which then look at the new list.
        gone.iter().for_each(|provider| provider.unlist());
    }

    /// Takes one more service, which no [`Pool::update`] has listed: it costs what its own offers do, and what was looked up of others
    /// stays good.
    pub fn add(&self, service: Arc<str>, offers: Vec<Offer>) {
        offers.iter().for_each(|offer| self.start(&offer.endpoint));
        self.found.borrow_mut().remove(&service);
        Arc::make_mut(&mut self.list.borrow_mut()).services.insert(service, offers);
    }

    /// What is listed now.
    pub fn list(&self) -> Arc<ProviderList> {
        self.list.borrow().clone()
    }

    fn start(&self, endpoint: &Endpoint) {
        let known = self.providers.borrow().contains_key(endpoint);
        if !known {
            let provider = Provider::start(&self.core, endpoint);
            self.providers.borrow_mut().insert(endpoint.clone(), provider);
        }
    }

    /// How providers with TLS are known from now on; `None`: no such provider is called. A connection that was made before gets
    /// no new call, since the provider at its end may not be trusted any more, and closes with its last answer; another one
    /// is made at once. So only say what is different.
    pub fn trust(&self, trust: Option<Trust>) {
        self.core.trust.replace(trust);
        self.core.trust_changes.set(self.core.trust_changes.get() + 1);
        let all: Vec<_> = self.providers.borrow().values().cloned().collect();
        all.iter().for_each(|provider| provider.trust_changed());
    }

    /// Changes with every [`Pool::update`]; never 0.
    pub fn generation(&self) -> u64 {
        self.generation.get()
    }

    /// Another number whenever the list has changed or a provider can be called that could not before.
    pub fn changes(&self) -> u64 {
        self.generation.get() + self.core.came_up.get()
    }

    /// The time of this turn: one look at the clock for all its calls.
    pub fn now(&self) -> Instant {
        self.core.now()
    }

    /// What the pool counts; to be read from any thread.
    pub fn counts(&self) -> Arc<Counts> {
        self.core.counts.clone()
    }

    /// Calls without an answer so far.
    pub fn pending(&self) -> usize {
        self.core.calls.borrow().len()
    }

    /// Who can be asked for this method of this service key; `None` where nobody lists the service. A provider that lists
    /// its methods without this one stands back while another lists it, one of weight 0 while another has a weight: dubbo-go
    /// registers its providers with weight 0 unless told otherwise, and Dubbo's own consumers call them.
    pub fn candidates(&self, service: &str, method: &str) -> Option<Rc<Candidates>> {
        let list = self.list.borrow();
        let (service, offers) = list.services.get_key_value(service)?;
        let mut found = self.found.borrow_mut();
        let found = found.entry(service.clone()).or_default();
        if let Some(known) = found.listed.get(method) {
            return Some(known.clone());
        }
        if offers.iter().any(|offer| offer.lists(method)) {
            let candidates = self.candidates_of(offers, Some(method));
            found.listed.insert(method.into(), candidates.clone());
            return Some(candidates);
        }
        Some(found.unlisted.get_or_insert_with(|| self.candidates_of(offers, None)).clone())
    }

    /// Of these offers those that can be asked for `listed`, or for any method that none of them lists.
    fn candidates_of(&self, offers: &[Offer], listed: Option<&str>) -> Rc<Candidates> {
        let weighted = offers.iter().any(|offer| offer.enabled && offer.weight > 0);
        let now = SystemTime::now();
        let mut seen = FxHashSet::default();
        let list = offers
            .iter()
            .filter(|offer| offer.enabled && (offer.weight > 0 || !weighted))
            .filter(|offer| listed.is_none_or(|method| offer.methods.is_empty() || offer.lists(method)))
            .filter(|offer| seen.insert(&offer.endpoint))
            .filter_map(|offer| {
                let mut offer = offer.clone();
                if !weighted {
                    offer.weight = DEFAULT_WEIGHT;
                    offer.warm_up = None;
                }
                Some(Candidate { provider: self.provider(&offer.endpoint)?, offer })
            })
            .collect();
        let warming = offers.iter().any(|offer| offer.weight_at(now) != offer.weight);
        Rc::new(Candidates {
            core: self.core.clone(),
            list,
            warming: Cell::new(warming),
            turn: Cell::new(0),
            kept: Cell::new(0),
            last: Cell::new(0),
        })
    }

    /// Gives a call up: its answer will be dropped and nobody told. At its deadline that says of its provider what the deadline would.
    pub fn cancel(&self, call: CallKey) {
        let pending = self.core.calls.borrow_mut().remove(call.0);
        let Some(pending) = pending else { return };
        match &pending.place {
            Place::Waiting(provider) => provider.cancelled(call.0),
            Place::Sent { channel, .. } if pending.is_all_but_over(Instant::now()) => channel.unanswered(&pending),
            Place::Sent { channel, .. } => channel.given_up(pending.probe),
        }
    }

    /// How every provider stands, by address.
    pub fn status(&self) -> Vec<ProviderStatus> {
        let mut all: Vec<_> = self.providers.borrow().values().map(|provider| provider.status()).collect();
        all.sort_by(|a, b| a.address.cmp(&b.address));
        all
    }

    /// Addresses to which no call gets through: without a connection for longer than [`PoolConfig::wait`], or readonly.
    pub fn down(&self) -> Vec<Endpoint> {
        let providers = self.providers.borrow();
        let down = providers.iter().filter(|(_, one)| matches!(one.state(), State::Down | State::Readonly));
        down.map(|(endpoint, _)| endpoint.clone()).collect()
    }

    fn provider(&self, endpoint: &Endpoint) -> Option<Rc<Provider>> {
        self.providers.borrow().get(endpoint).cloned()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for (_, provider) in self.providers.take() {
            provider.unlist();
            provider.close("this gateway is ending");
        }
    }
}

/// One service at one provider.
pub struct Candidate {
    /// What it offers.
    pub offer: Offer,
    /// Its connections.
    pub provider: Rc<Provider>,
}

/// All that can be asked for one method of one service.
pub struct Candidates {
    core: Rc<Core>,
    list: Vec<Candidate>,
    /// Whether weights still change with time.
    warming: Cell<bool>,
    turn: Cell<u64>,
    kept: Cell<u32>,
    last: Cell<usize>,
}

impl Candidates {
    /// The provider for the next call, which is of this `kind`: one that is up, else one that a call may wait for. `tried` stand
    /// back, unless they are the only ones to wait for. `None`: see [`Candidates::trouble`].
    pub fn pick(&self, kind: CallKind, tried: &[Endpoint]) -> Option<&Candidate> {
        // One provider, as most services have: nothing to weigh.
        if let [only] = &self.list[..] {
            return Some(only).filter(|only| only.provider.is_hoped_for());
        }
        if tried.is_empty()
            && let Some(kept) = self.kept()
        {
            return Some(kept);
        }
        let now = self.core.now();
        let verdict = |candidate: &Candidate| candidate.provider.verdict(now).of(kind);
        let honoured = self.honoured(verdict);
        let untried = |candidate: &Candidate| !tried.contains(candidate.provider.endpoint());
        let usable = |candidate: &Candidate| candidate.provider.is_usable() && untried(candidate);
        let is_out = |at: usize, candidate: &Candidate| at < honoured && verdict(candidate) == Verdict::Out;
        let mut index = self.choose(|at, candidate| usable(candidate) && !is_out(at, candidate));
        if honoured > 0 {
            index = index.or_else(|| self.choose(|_, candidate| usable(candidate)));
        }
        // Whose first connection is being made is waited for rather than one that failed, or that takes no new calls.
        let promising = |candidate: &Candidate| candidate.provider.is_promising() && untried(candidate);
        let hoped_for = |candidate: &Candidate| candidate.provider.is_hoped_for();
        let index = index
            .or_else(|| self.choose(|_, candidate| promising(candidate)))
            .or_else(|| self.choose(|_, candidate| hoped_for(candidate) && untried(candidate)))
            .or_else(|| self.choose(|_, candidate| hoped_for(candidate)))?;
        let chosen = self.list.get(index)?;
        self.turn.set(self.core.turn());
        self.kept.set(1);
        if honoured > 0 && verdict(chosen) == Verdict::HalfOpen {
            // The others of this turn wait to see what becomes of it.
            self.kept.set(BATCH);
        }
        self.last.set(index);
        Some(chosen)
    }

    /// Candidates before this index are left out if they are ejected; 0 as long as nobody is.
    fn honoured(&self, verdict: impl Fn(&Candidate) -> Verdict) -> usize {
        if self.core.ejected.get() == 0 {
            return 0;
        }
        ejection::honoured(self.list.iter().map(verdict), &self.core.config.ejection)
    }

    /// Whether a call that could go elsewhere had better come here: some provider has a connection, or its first one is being made.
    pub fn is_promising(&self) -> bool {
        self.list.iter().any(|candidate| candidate.provider.is_promising())
    }

    /// Why [`Candidates::pick`] found nobody, in words.
    pub fn trouble(&self) -> String {
        if self.list.is_empty() {
            return "every provider is disabled".to_owned();
        }
        let some: Vec<String> = self.list.iter().take(3).map(|candidate| candidate.provider.trouble()).collect();
        let more = if self.list.len() > 3 { format!("; and {} more", self.list.len() - 3) } else { String::new() };
        format!("{}{more}", some.join("; "))
    }

    /// The candidates.
    pub fn list(&self) -> &[Candidate] {
        &self.list
    }

    fn kept(&self) -> Option<&Candidate> {
        self.core.now();
        if self.turn.get() != self.core.turn() || self.kept.get() >= BATCH {
            return None;
        }
        self.kept.set(self.kept.get() + 1);
        self.list.get(self.last.get()).filter(|candidate| candidate.provider.is_usable())
    }

    fn choose(&self, fits: impl Fn(usize, &Candidate) -> bool + Clone) -> Option<usize> {
        let now = self.warming.get().then(SystemTime::now);
        if let Some(now) = now
            && self.list.iter().all(|candidate| candidate.offer.weight_at(now) == candidate.offer.weight)
        {
            self.warming.set(false);
        }
        let standings = self.list.iter().enumerate().map(move |(at, candidate)| Standing {
            weight: match (fits(at, candidate), now) {
                (false, _) => 0,
                (true, None) => candidate.offer.weight,
                (true, Some(now)) => candidate.offer.weight_at(now),
            },
            outstanding: candidate.provider.outstanding(),
        });
        choose(standings, self.core.draws.next())
    }
}

/// Looks after idle connections until the pool is gone.
async fn keep_alive(providers: Weak<RefCell<FxHashMap<Endpoint, Rc<Provider>>>>, heartbeat: Duration) {
    let every = (heartbeat / 12).clamp(Duration::from_millis(5), Duration::from_secs(5));
    loop {
        tokio::time::sleep(every).await;
        let Some(providers) = providers.upgrade() else { return };
        let all: Vec<_> = providers.borrow().values().cloned().collect();
        let now = Instant::now();
        all.iter().for_each(|provider| provider.keep_alive(now));
    }
}
