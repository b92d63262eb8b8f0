//! What rules and switches say of the calls of this process: whom each begins with. They are the gateways' rules, and asked by the same code;
//! what leaves the island is left to a gateway.
//!
//! ```text
//!   no rules and no tag ──────────▶ as the target says
//!   else ─ a call of the same kind? ─ yes ─▶ what was said then
//!                                   └ no ──▶ route::near ─▶ kept until the next directory
//! ```
//!
//! Where no rule is in force a call without a tag costs nothing here.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, UdpSocket};

use client::Endpoint;
use route::{LOCAL, Near, Refusal, Snapshot, View};
use rustc_hash::FxHashMap;
use wire::tunnel::catalogue::ServiceKey;

use crate::directory::Way;
use crate::request::{APPLICATION, Request};

/// So many kinds of calls are kept.
const KINDS_MAX: usize = 4096;
/// What decisions stand on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ground {
    /// The rules, and the providers of the own island.
    pub snapshot: Snapshot,
    /// The own address as gateways see it, where rules ask for it and it is known.
    pub source: Option<IpAddr>,
}

impl Ground {
    /// Whether no rule and no switch is in force.
    pub fn is_silent(&self) -> bool {
        self.snapshot.rules().is_empty()
    }
}

/// What is decided by, for calls of one service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'f> {
    /// `None` while it is not known which rules there are, or, where they may ask, who offers the service.
    pub ground: Option<&'f Ground>,
    /// Whether calls that need no registry go without rules, since these have had their time to come.
    pub are_overdue: bool,
    /// Whether all providers of the service are known.
    pub providers: View,
    /// The island that the tag of the call names.
    pub tagged: Option<&'f str>,
}

/// What comes of a call.
type Ruled = Result<Near, Refusal>;

/// What came of each kind of call.
#[derive(Default)]
pub(crate) struct Rulings {
    kept: RefCell<FxHashMap<Box<[u8]>, Ruled>>,
    /// A buffer for the keys of calls.
    key: Cell<Vec<u8>>,
}

impl Rulings {
    /// Everything is asked anew.
    pub fn forget(&self) {
        self.kept.borrow_mut().clear();
    }

    /// Whom a call with this target begins with.
    ///
    /// # Errors
    /// It is forbidden, or [`Refusal::NotYetKnown`].
    pub fn begins(&self, request: &Request, way: Way, target: Option<&str>, facts: Facts<'_>) -> Ruled {
        match (facts.ground, way, target) {
            // Its caller has said where it goes, and only a switch stands above that.
            (Some(ground), Way::Addresses, None | Some(LOCAL)) => {
                match self.near(request, Some(LOCAL), ground, Facts { tagged: None, ..facts }) {
                    Err(stopped @ Refusal::SwitchedOff { .. }) => Err(stopped),
                    _ => Ok(as_said(target)),
                }
            }
            (Some(ground), _, _) => self.near(request, target, ground, facts),
            (None, Way::Addresses, None | Some(LOCAL)) if facts.are_overdue => Ok(as_said(target)),
            (None, _, None | Some(LOCAL)) => Err(Refusal::NotYetKnown { service: request.of.service.to_string() }),
            // Gateways know the rules.
            (None, _, _) => Ok(as_said(target)),
        }
    }

    fn near(&self, request: &Request, target: Option<&str>, ground: &Ground, facts: Facts<'_>) -> Ruled {
        if ground.is_silent() && facts.tagged.is_none() {
            return Ok(as_said(target));
        }
        let words = [target, facts.tagged];
        let mut key = self.key.take();
        key.clear();
        put_key(request, words, ground, &mut key);
        let known = self.kept.borrow().get(&*key).cloned();
        let near = known.unwrap_or_else(|| {
            let near = asked(request, words, ground, facts.providers);
            let mut kept = self.kept.borrow_mut();
            if kept.len() >= KINDS_MAX {
                kept.clear();
            }
            kept.insert(key.as_slice().into(), near.clone());
            near
        });
        self.key.set(key);
        near
    }
}

/// Where there are no rules.
fn as_said(target: Option<&str>) -> Near {
    match target {
        None => Near::Listed,
        Some(LOCAL) => Near::Local,
        Some(_) => Near::Gateway,
    }
}

/// What the caller named: by a target, by a tag.
type Words<'a> = [Option<&'a str>; 2];

/// Bytes that are equal only for calls that are decided alike.
fn put_key(request: &Request, words: Words<'_>, ground: &Ground, key: &mut Vec<u8>) {
    let zk_bridge::ServiceKey { interface, group, version } = &*request.of.service;
    let names = [Some(&**interface), group.as_deref(), version.as_deref(), Some(request.runs())];
    let application = request.attachment(APPLICATION);
    for part in names.into_iter().chain([application]).chain(words) {
        key.extend_from_slice(part.unwrap_or_default().as_bytes());
        key.push(0xff);
    }
    ground.snapshot.rules().reads(Some(interface)).put_key(request, ground.source, key);
}

fn asked(request: &Request, [target, tagged]: Words<'_>, ground: &Ground, providers: View) -> Ruled {
    let reads = ground.snapshot.rules().reads(Some(&request.of.service.interface));
    let call = route::Call {
        service: Some(&service_key(&request.of.service)),
        method: request.runs(),
        application: request.attachment(APPLICATION),
        target,
        tagged,
        source: ground.source,
        attachments: &reads.gathered(request),
        ..route::Call::default()
    };
    route::near(&call, &ground.snapshot, providers)
}

/// What rules know a service by.
pub(crate) fn service_key(service: &zk_bridge::ServiceKey) -> ServiceKey {
    let zk_bridge::ServiceKey { interface, group, version } = service;
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    ServiceKey { interface: interface.clone(), group: text(group), version: text(version) }
}

/// The address from which this process reaches all of these, if it is the same: nothing is sent to learn it.
pub(crate) fn own_address<'a>(towards: impl Iterator<Item = &'a Endpoint>) -> Option<IpAddr> {
    let own = towards.map(|endpoint| {
        let there: IpAddr = endpoint.host.parse().ok()?;
        let any: IpAddr = if there.is_ipv4() { [0; 4].into() } else { [0_u8; 16].into() };
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect((there, endpoint.port)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    });
    let mut own = own.collect::<Vec<_>>();
    own.dedup();
    match own[..] {
        [one] => one,
        _ => None,
    }
}

#[cfg(test)]
#[path = "rulings_tests.rs"]
mod tests;
