//! Who offers what, for the services that this process calls, as registries and the configuration say at one moment.
//!
//! ```text
//!   name in the pool                   who
//!   com.acme.Greeter:1.0               who stands in the registry for calls without a target: real providers, gateways
//!   local com.acme.Greeter:1.0         real providers alone
//!   direct h1:20880 com.acme.Greeter   the addresses that were given for the service
//!   by gateway                         gateways of this island, for calls to any other
//!   by gateway shanghai                the same, and those of its own port
//! ```
//!
//! A tag is for callers that name it, so nobody with a tag stands for calls without a target. Immutable; nothing here knows whether
//! anybody can be reached.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use client::{Endpoint, Offer, ProviderList, Secured, TlsWith, is_enabled};
use rustc_hash::{FxHashMap, FxHashSet};
use wire::dubbo::frame::Codec;
use zk_bridge::{Provider, ServiceKey, View};

use crate::forms::{CurrentForms, Forms, Readers};
use crate::request::{Request, TARGET};
use crate::rulings::{Facts, Ground};

/// Gateways, for calls to any island. No interface has a blank in its name.
pub(crate) const GATEWAYS: &str = "by gateway";

/// How one service is named in the pool.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Names {
    /// For calls without a target.
    pub anybody: Arc<str>,
    /// For calls to `local`.
    pub local: Arc<str>,
}

impl Names {
    /// The names of a service; `direct`: the addresses that were given for it.
    pub fn new(service: &ServiceKey, direct: &[Endpoint]) -> Self {
        if direct.is_empty() {
            return Self { anybody: service.to_string().into(), local: format!("local {service}").into() };
        }
        let addresses: Vec<String> = direct.iter().map(Endpoint::to_string).collect();
        let name: Arc<str> = format!("direct {} {service}", addresses.join(",")).into();
        Self { anybody: name.clone(), local: name }
    }

    /// How its providers are found.
    pub fn way(&self) -> Way {
        if Arc::ptr_eq(&self.anybody, &self.local) { Way::Addresses } else { Way::Registry }
    }
}

/// How the providers of a service are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// They are looked up.
    Registry,
    /// Their addresses were given.
    Addresses,
}

/// A service that is called.
#[derive(Debug, Clone)]
pub(crate) struct Called {
    pub service: Arc<ServiceKey>,
    /// The addresses that were given for it; else it is looked up.
    pub direct: Arc<[Endpoint]>,
    /// What its calls are written in, told to whoever makes them.
    pub forms: Arc<CurrentForms>,
}

/// What is known.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub list: Arc<ProviderList>,
    /// Every registry was read: a gateway that is not listed is not there.
    pub is_complete: bool,
    /// Services that were looked for, and of which it is known who offers them.
    pub asked: FxHashSet<Arc<str>>,
    /// Whether there is a registry to look anything up in.
    pub has_registry: bool,
    /// What is decided by; `None` while it is not known which rules there are.
    pub ground: Option<Ground>,
    /// Whether it was waited for the rules for long enough.
    pub is_overdue: bool,
    /// What providers say of the time that calls may take, for services of which some say it.
    timeouts: FxHashMap<Arc<str>, Timeouts>,
    /// Services of which somebody reads fastjson2 alone.
    readers: FxHashMap<Arc<str>, Readers>,
    /// The tags of real providers, for services of which some have one.
    tags: FxHashMap<Arc<str>, FxHashSet<Box<str>>>,
}

/// The longest times that any provider of a service says.
#[derive(Debug, Default)]
struct Timeouts {
    /// Of methods that are not named.
    others: Option<Duration>,
    methods: FxHashMap<Box<str>, Duration>,
}

impl Directory {
    /// What these views and addresses say of the services that are called.
    pub fn of(called: &BTreeMap<Names, Called>, gateways: &[Endpoint], views: &[Arc<View>], tls: TlsWith) -> Self {
        let secured = secured(called, gateways, views, tls);
        let mut services = FxHashMap::default();
        let mut timeouts = FxHashMap::default();
        let mut readers = FxHashMap::default();
        let mut asked = FxHashSet::default();
        let mut tags = FxHashMap::default();
        for (names, Called { service, direct, .. }) in called {
            if !direct.is_empty() || views.iter().all(|view| view.is_read(&service.interface)) {
                asked.insert(names.anybody.clone());
            }
            if !direct.is_empty() {
                let offers =
                    direct.iter().map(|at| Offer::new(secured.endpoint(&at.host, at.port), &service.interface));
                services.insert(names.anybody.clone(), offers.collect());
                continue;
            }
            let listed: Vec<&Provider> =
                views.iter().flat_map(|view| view.providers_of(service)).map(|provider| &**provider).collect();
            let taken = listed.iter().copied().filter(|it| enabled(it) && (it.is_virtual() || it.tag().is_none()));
            readers.extend(Readers::of(taken).map(|found| (names.anybody.clone(), found)));
            let tagged: FxHashSet<Box<str>> =
                listed.iter().filter(|it| !it.is_virtual()).filter_map(|it| it.tag()).map(Into::into).collect();
            if !tagged.is_empty() {
                tags.insert(names.anybody.clone(), tagged);
            }
            let open = listed.iter().copied().filter(|provider| provider.tag().is_none() && enabled(provider));
            let own = open.clone().filter(|provider| !provider.is_virtual());
            timeouts.extend(Timeouts::of(open.clone()).map(|said| (names.anybody.clone(), said)));
            timeouts.extend(Timeouts::of(own.clone()).map(|said| (names.local.clone(), said)));
            let offer = |provider: &Provider| offer(provider, &secured);
            let real: Vec<Offer> = own.map(offer).collect();
            let mut anybody: Vec<Offer> = open.map(offer).collect();
            if anybody.is_empty() && views.is_empty() {
                // Without a registry nobody but a gateway can know who offers it.
                anybody = gateways.iter().map(gateway).collect();
            }
            put(&mut services, &names.anybody, anybody);
            put(&mut services, &names.local, real);
        }
        let (mut for_any, mut bound) = (BTreeSet::new(), BTreeMap::<&str, BTreeSet<Endpoint>>::new());
        for gateway in views.iter().flat_map(|view| view.gateways()) {
            let endpoint = secured.endpoint(&gateway.host, gateway.port);
            match gateway.island.as_deref().or(gateway.tag.as_deref()) {
                None => for_any.insert(endpoint),
                Some(island) => bound.entry(island).or_default().insert(endpoint),
            };
        }
        for_any.extend(gateways.iter().map(|given| secured.endpoint(&given.host, given.port)));
        for (island, own) in bound {
            let takers = for_any.iter().chain(&own).map(gateway).collect();
            services.insert(format!("{GATEWAYS} {island}").into(), takers);
        }
        let for_any = for_any.iter().map(gateway).collect();
        put(&mut services, GATEWAYS, for_any);
        Self {
            list: Arc::new(ProviderList { services }),
            is_complete: views.iter().all(|view| view.is_complete()),
            asked,
            has_registry: !views.is_empty(),
            timeouts,
            readers,
            tags,
            ground: None,
            is_overdue: false,
        }
    }

    /// What is decided by for a call: of a service that is just being looked up nobody knows whether it is here, which rules may ask, and
    /// whose a tag is.
    pub fn facts<'f>(&'f self, request: &'f Request) -> Facts<'f> {
        let (ground, tag) = (self.ground.as_ref(), request.tag());
        let facts = Facts { ground, are_overdue: self.is_overdue, providers: route::View::Complete, tagged: None };
        if tag.is_none() && ground.is_none_or(Ground::is_silent) {
            return facts;
        }
        let service = &*request.of.names.anybody;
        let is_asked = self.asked.contains(service);
        let is_known = is_asked || self.list.services.contains_key(service);
        Facts {
            ground: ground.filter(|_| is_known),
            providers: if is_asked { route::View::Complete } else { route::View::Partial },
            tagged: tag.filter(|tag| self.may_be_island(tag, service)),
            ..facts
        }
    }

    /// Whether a tag may name an island. One that a provider of the service has is its team's own; so is every tag where no gateway stands
    /// that could know islands.
    fn may_be_island(&self, tag: &str, service: &str) -> bool {
        let is_of_a_provider = self.tags.get(service).is_some_and(|tags| tags.contains(tag));
        let may_have_gateway = || !self.is_complete || self.list.services.contains_key(&*self.gateways_for(tag));
        !is_of_a_provider && may_have_gateway()
    }

    /// Whether a provider of the service stands in this island.
    pub fn has_local(&self, names: &Names) -> bool {
        self.list.services.contains_key(&names.local)
    }

    /// The addresses of gateways that take calls to any island.
    pub fn gateways(&self) -> impl Iterator<Item = &Endpoint> {
        self.list.services.get(GATEWAYS).into_iter().flatten().map(|offer| &offer.endpoint)
    }

    /// The name of the gateways that take a call to this island.
    pub fn gateways_for(&self, island: &str) -> String {
        let own = format!("{GATEWAYS} {island}");
        if self.list.services.contains_key(own.as_str()) { own } else { GATEWAYS.to_owned() }
    }

    /// How long a call of this method may take, if a provider in this list says so.
    pub fn timeout(&self, name: &str, method: &str) -> Option<Duration> {
        let said = self.timeouts.get(name)?;
        said.methods.get(method).copied().or(said.others)
    }

    /// What calls of this service are written in.
    pub fn forms(&self, service: &str) -> Forms {
        let may_leave = || self.list.services.keys().any(|name| name.starts_with(GATEWAYS));
        match self.asked.contains(service) {
            true => self.readers.get(service).map_or(Forms::One(Codec::Hessian2), |them| them.forms(may_leave())),
            false => Forms::Both,
        }
    }

    /// Who of these, which stand under `name`, cannot read this call: they stand back behind all who can.
    pub fn unfit<'a>(&self, request: &Request, name: &str, all: impl Iterator<Item = &'a Endpoint>) -> Vec<Endpoint> {
        if !request.args.is_choosy() || self.readers_of(request).is_none() {
            return Vec::new();
        }
        all.filter(|at| !request.args.is_for(self.reads(request, name, at))).cloned().collect()
    }

    fn readers_of(&self, request: &Request) -> Option<&Readers> {
        if self.readers.is_empty() { None } else { self.readers.get(&request.of.names.anybody) }
    }

    /// What is read of this call at this address, which stands under `name`.
    pub fn reads(&self, request: &Request, name: &str, endpoint: &Endpoint) -> Codec {
        let Some(readers) = self.readers_of(request) else { return Codec::Hessian2 };
        match name.starts_with(GATEWAYS) {
            true => readers.beyond(request.attachment(TARGET).or_else(|| request.tag()).unwrap_or_default()),
            false => readers.at(endpoint),
        }
    }

    /// Why nobody is there.
    pub fn nobody(&self, name: &str, service: &ServiceKey) -> String {
        if !self.has_registry {
            return "no registry and no gateway is configured that could know who offers it; set `Builder::registry` or `Builder::gateway`, or give the service its addresses"
                .to_owned();
        }
        if name.starts_with(GATEWAYS) {
            return "no egress gateway that takes it stands in this island's registry; see whether one runs, or set its address by `Builder::gateway`"
                .to_owned();
        }
        format!(
            "nobody offers `{service}` in this island's registry; check interface, group and version, and whether a provider runs"
        )
    }

    /// Whether it is known who stands under this name: `service` is the name under which the service itself was looked for.
    pub fn has_looked_for(&self, name: &str, service: &str) -> bool {
        if name.starts_with(GATEWAYS) { self.is_complete } else { self.asked.contains(service) }
    }
}

impl Timeouts {
    /// What these providers say; `None` where nobody says anything.
    fn of<'p>(providers: impl Iterator<Item = &'p Provider>) -> Option<Self> {
        let (mut said, mut named) = (Self::default(), BTreeSet::new());
        let mut speaking = Vec::new();
        for Provider { parameters, .. } in providers {
            // `greet.timeout`, and `methods.greet.timeout` as dubbo-go writes it.
            let own = parameters.0.keys().filter_map(|key| key.strip_suffix(".timeout"));
            named.extend(own.map(|key| key.strip_prefix("methods.").or(key.strip_prefix("default.")).unwrap_or(key)));
            said.others = said.others.max(parameters.timeout(None));
            speaking.push(parameters);
        }
        for method in named {
            let longest = speaking.iter().filter_map(|parameters| parameters.timeout(Some(method))).max();
            said.methods.extend(longest.map(|longest| (method.into(), longest)));
        }
        (said.others.is_some() || !said.methods.is_empty()).then_some(said)
    }
}

fn put(services: &mut FxHashMap<Arc<str>, Vec<Offer>>, name: &(impl AsRef<str> + ?Sized), offers: Vec<Offer>) {
    if !offers.is_empty() {
        services.insert(name.as_ref().into(), offers);
    }
}

fn enabled(provider: &Provider) -> bool {
    is_enabled(|key| provider.parameters.get(key))
}

/// Where TLS is spoken: as the addresses say that were given, else as registries do.
fn secured<'a>(
    called: &'a BTreeMap<Names, Called>,
    gateways: &'a [Endpoint],
    views: &'a [Arc<View>],
    tls: TlsWith,
) -> Secured<'a> {
    let mut secured = Secured::default();
    called.values().flat_map(|called| &*called.direct).chain(gateways).for_each(|given| secured.configure(given));
    for provider in views.iter().flat_map(|view| view.providers()) {
        if provider.wants_tls() || (tls == TlsWith::Everybody && !provider.is_virtual()) {
            secured.list(&provider.host, provider.port);
        }
    }
    secured
}

fn offer(provider: &Provider, secured: &Secured<'_>) -> Offer {
    let endpoint = secured.endpoint(&provider.host, provider.port);
    Offer::listed(endpoint, &provider.path, provider.parameters.methods(), |key| provider.parameters.get(key))
}

/// A gateway takes calls of every service, by the service's own name.
fn gateway(endpoint: &Endpoint) -> Offer {
    Offer::new(endpoint.clone(), "")
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
