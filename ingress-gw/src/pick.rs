//! Who is asked: may this call be made here, and which providers are there for it. Decisions are remembered by the bytes
//! that they depend on, for as long as exports and provider list stay as they are.
//!
//! ```text
//!  verified call ─ decision key ─▶ known? ─ yes ─▶ Route
//!                                     └ no ─▶ exported? ─▶ terms? ─▶ candidates ─▶ Route, or the refusal, remembered alike
//! ```
//!
//! Nothing that no rule exports is ever called, whatever the hub let through. Until the registries were read once, what is
//! not known may be there all the same: such a call is told to come again.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use chassis::metrics::tally::{Tallied, Tally};
use client::{Candidates, Pool, State, TokenOf};
use foldhash::fast::RandomState;
use wire::dubbo::call::{Call, Generic, Peeked};
use wire::dubbo::frame::Serialization;
use wire::tunnel::question::{LISTED_MAX, Providers};
use wire::tunnel::{Failure, Head, Kind, Outcome, Stage};

use crate::edit::Target;
use crate::offers::{Exports, OPAQUE_KEY, Service};
use crate::verify::Verified;

/// Decisions remembered at most; then all are forgotten, since a caller may make up keys without end.
const REMEMBERED: usize = 8192;
/// All their keys together: with what was decided some megabytes, however long the names are that callers make up.
const KEYS_LEN: usize = 2 << 20;
/// A decision on a longer key is made anew each time: names of real services are far shorter.
const KEY_LEN: usize = 4096;

/// How much of the island is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The gateway has just started, and a registry was not read yet.
    InPart,
    /// Every registry was read once, or had its time for it.
    Whole,
}

/// Where calls of one kind go.
pub struct Route {
    /// `[group/]interface[:version]#method`, for sentences.
    pub label: Rc<str>,
    /// The service's key in the pool.
    pub service: Arc<str>,
    /// The method that runs.
    pub method: Rc<str>,
    /// What all frames for it have in common.
    pub target: Target,
    /// Who can be asked, as the list was then.
    pub candidates: Rc<Candidates>,
    /// What comes of calls to the service.
    pub tally: Rc<Tally>,
}

type Decision = Result<Rc<Route>, Rc<Failure>>;

/// The decisions of one shard.
pub struct Picker {
    exports: RefCell<Arc<Exports>>,
    extent: Cell<Extent>,
    generation: Cell<u64>,
    /// By names that callers make up, so with a seed that nobody outside can find collisions for.
    known: RefCell<HashMap<Box<[u8]>, Decision, RandomState>>,
    /// Length of all its keys.
    known_len: Cell<usize>,
    key: RefCell<Vec<u8>>,
    /// Of what is exported and was called.
    tallies: RefCell<BTreeMap<Arc<str>, Rc<Tally>>>,
}

impl Picker {
    /// Exports nothing yet.
    pub fn new() -> Self {
        Self {
            exports: RefCell::default(),
            extent: Cell::new(Extent::InPart),
            generation: Cell::new(0),
            known: RefCell::default(),
            known_len: Cell::new(0),
            key: RefCell::default(),
            tallies: RefCell::default(),
        }
    }

    /// What is exported from now on; the pool must have its provider list already.
    pub fn export(&self, exports: Arc<Exports>) {
        self.tallies.borrow_mut().retain(|key, _| exports.providers.services.contains_key(&**key));
        self.exports.replace(exports);
        self.forget();
    }

    /// From now on, what is not exported is not there.
    pub fn know_all(&self) {
        self.extent.set(Extent::Whole);
        self.forget();
    }

    /// What came of calls, by service.
    pub fn tallied(&self) -> Vec<(Arc<str>, Tallied)> {
        self.tallies.borrow().iter().map(|(key, tally)| (key.clone(), tally.get())).collect()
    }

    fn forget(&self) {
        self.known.borrow_mut().clear();
        self.known_len.set(0);
    }

    /// Where this call goes.
    ///
    /// # Errors
    /// Not sent, with the reason.
    pub fn decide(&self, pool: &Pool, head: &Head<'_>, verified: &Verified<'_>) -> Decision {
        let mut key = self.key.take();
        key.clear();
        match &verified.peeked {
            Peeked::Call(call) => call.decision_key(&mut key),
            Peeked::Opaque(serialization) => key.extend_from_slice(&[u8::MAX, serialization.id()]),
        }
        let decision = self.look_up(pool, head, verified, &key);
        self.key.replace(key);
        decision
    }

    /// Who may be asked for such a call, which nobody makes. Nothing is remembered.
    pub fn behind(&self, pool: &Pool, head: &Head<'_>) -> Providers {
        let exports = self.exports.borrow();
        let service = exports.service(head.service, head.group, head.version, &mut String::new());
        let found = service.and_then(|service| Some((service.terms, pool.candidates(&service.key, head.method)?)));
        let Some((terms, candidates)) = found else { return Providers::default() };
        let list = candidates.list();
        let so_many = |state| {
            let those = list.iter().filter(|candidate| candidate.provider.state() == state).count();
            u32::try_from(those).unwrap_or(u32::MAX)
        };
        let shown = if terms.show_addresses { list } else { &[] };
        Providers {
            listed: u32::try_from(list.len()).unwrap_or(u32::MAX),
            up: so_many(State::Up),
            ejected: so_many(State::Ejected),
            addresses: shown.iter().take(LISTED_MAX).map(|one| one.offer.endpoint.to_string()).collect(),
        }
    }

    fn look_up(&self, pool: &Pool, head: &Head<'_>, verified: &Verified<'_>, key: &[u8]) -> Decision {
        let mut known = self.known.borrow_mut();
        if self.generation.replace(pool.generation()) != pool.generation() {
            known.clear();
            self.known_len.set(0);
        }
        if let Some(decision) = known.get(key) {
            return decision.clone();
        }
        let decision = decide(&self.exports.borrow(), self.extent.get(), pool, head, &verified.peeked);
        let decision = decision.map(|mut route| {
            route.tally = self.tallies.borrow_mut().entry(route.service.clone()).or_default().clone();
            route
        });
        let decision = decision.map(Rc::new).map_err(Rc::new);
        if key.len() <= KEY_LEN {
            if known.len() >= REMEMBERED || self.known_len.get() + key.len() > KEYS_LEN {
                known.clear();
                self.known_len.set(0);
            }
            known.insert(key.into(), decision.clone());
            self.known_len.set(self.known_len.get() + key.len());
        }
        decision
    }
}

fn decide(
    exports: &Exports,
    extent: Extent,
    pool: &Pool,
    head: &Head<'_>,
    peeked: &Peeked<'_>,
) -> Result<Route, Failure> {
    let call = match peeked {
        Peeked::Call(call) => call,
        Peeked::Opaque(serialization) => return anywhere(exports, extent, pool, *serialization),
    };
    let mut key = String::new();
    let Some(service) = exports.service(&call.service, head.group, head.version, &mut key) else {
        if extent == Extent::InPart {
            return Err(too_early(&format!("service {key}")));
        }
        let text = format!(
            "service {key} is not exported by this island's ingress gateway: no provider is listed, or no [[export.rule]] allows it"
        );
        return Err(refuse(Kind::NotOffered, text));
    };
    allowed(service, call)?;
    let token = if service.terms.supply_token { TokenOf::Provider } else { TokenOf::Caller };
    route(service.key.clone(), Target { interface: service.interface.clone(), token }, head.method, pool)
}

/// An opaque call names no service that could be checked: it goes to the providers that export nothing that may not be
/// called so. Which these are shows only when all that they offer is known.
fn anywhere(exports: &Exports, extent: Extent, pool: &Pool, serialization: Serialization) -> Result<Route, Failure> {
    if extent == Extent::InPart {
        return Err(too_early(&format!("what may be called in serialization {serialization}")));
    }
    if !exports.providers.services.contains_key(OPAQUE_KEY) {
        let text = format!(
            "a call in serialization {serialization} cannot be read here, so its service is not known; an [[export.rule]] with `opaque = true` has to cover everything that one provider offers"
        );
        return Err(refuse(Kind::NotGranted, text));
    }
    route(OPAQUE_KEY.into(), Target { interface: "".into(), token: TokenOf::Caller }, "", pool)
}

/// Callers may come again: nothing was decided.
fn too_early(what: &str) -> Failure {
    let text = format!(
        "{what} is not known yet: this island's ingress gateway has just started and is reading its registry; try again"
    );
    refuse(Kind::NoLink, text)
}

fn allowed(service: &Service, call: &Call<'_>) -> Result<(), Failure> {
    // Java providers run the path, dubbo-go providers the interface.
    if let Some(interface) = call.interface.as_deref().filter(|interface| *interface != &*service.interface) {
        let text = format!(
            "the call's path means {}, but its attachment `interface` says {interface:?}; send one service",
            service.key
        );
        return Err(refuse(Kind::TargetRefused, text));
    }
    if call.reverse.is_some() {
        let text =
            format!("a call to {} wants to be called back, which no gateway carries; use a return value", service.key);
        return Err(refuse(Kind::NotGranted, text));
    }
    match call.generic {
        None | Some(Generic::True | Generic::RawReturn) => Ok(()),
        Some(_) if service.terms.any_generic => Ok(()),
        Some(generic) => {
            let text = format!(
                "{} is called with generic={}, its [[export.rule]] does not say `any_generic = true`; use generic=true",
                service.key,
                generic.name()
            );
            Err(refuse(Kind::NotGranted, text))
        }
    }
}

fn route(key: Arc<str>, target: Target, method: &str, pool: &Pool) -> Result<Route, Failure> {
    let candidates = pool
        .candidates(&key, method)
        .ok_or_else(|| refuse(Kind::NotOffered, format!("service {key} has no provider in this island any more")))?;
    Ok(Route {
        label: format!("{key}#{method}").into(),
        service: key,
        method: method.into(),
        target,
        candidates,
        tally: Rc::default(),
    })
}

fn refuse(kind: Kind, text: String) -> Failure {
    Failure::new(Stage::Pick, kind, Outcome::NotSent, text)
}

#[cfg(test)]
#[path = "pick_tests.rs"]
mod tests;
