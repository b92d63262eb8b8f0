//! What rules and switches say of the calls of this process: whom each begins with. They are the gateways' rules, and asked by the same code;
//! what leaves the island is left to a gateway.
//!
//! ```text
//!   no rules ─────────────────────▶ as the target says
//!   else ─ a call of the same kind? ─ yes ─▶ what was said then
//!                                   └ no ──▶ route::near ─▶ kept until the next directory
//! ```
//!
//! Where no rule is in force a call costs nothing here.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, UdpSocket};

use client::Endpoint;
use route::{LOCAL, Near, Refusal, Snapshot};
use rustc_hash::FxHashMap;
use wire::tunnel::catalogue::ServiceKey;

use crate::directory::Way;
use crate::request::{APPLICATION, Request};

/// So many kinds of calls are kept.
const KINDS_MAX: usize = 4096;
/// The tag by which a caller of Dubbo names an island.
const TAG: &str = "dubbo.tag";

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

    /// Whom a call with this target begins with; `ground` is `None` while it is not known which rules there are.
    ///
    /// # Errors
    /// It is forbidden, or [`Refusal::NotYetKnown`].
    pub fn begins(&self, request: &Request, way: Way, target: Option<&str>, ground: Option<&Ground>) -> Ruled {
        match (ground, way, target) {
            // Its caller has said where it goes, and only a switch stands above that.
            (Some(ground), Way::Addresses, None | Some(LOCAL)) => match self.near(request, Some(LOCAL), ground) {
                Err(stopped @ Refusal::SwitchedOff { .. }) => Err(stopped),
                _ => Ok(as_said(target)),
            },
            (Some(ground), _, _) => self.near(request, target, ground),
            (None, Way::Registry, None | Some(LOCAL)) => {
                Err(Refusal::NotYetKnown { service: request.of.service.to_string() })
            }
            // Gateways know the rules.
            (None, _, _) => Ok(as_said(target)),
        }
    }

    fn near(&self, request: &Request, target: Option<&str>, ground: &Ground) -> Ruled {
        if ground.is_silent() {
            return Ok(as_said(target));
        }
        let mut key = self.key.take();
        key.clear();
        put_key(request, target, ground, &mut key);
        let known = self.kept.borrow().get(&*key).cloned();
        let near = known.unwrap_or_else(|| {
            let near = asked(request, target, ground);
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

/// What the caller named. A tag may be none of an island, which a gateway knows.
fn words<'a>(request: &'a Request, target: Option<&'a str>) -> [Option<&'a str>; 2] {
    [target, request.attachment(TAG).filter(|tag| route::is_island_id(tag))]
}

/// Bytes that are equal only for calls that are decided alike.
fn put_key(request: &Request, target: Option<&str>, ground: &Ground, key: &mut Vec<u8>) {
    let zk_bridge::ServiceKey { interface, group, version } = &*request.of.service;
    let names = [Some(&**interface), group.as_deref(), version.as_deref(), Some(request.runs())];
    let application = request.attachment(APPLICATION);
    for part in names.into_iter().chain([application]).chain(words(request, target)) {
        key.extend_from_slice(part.unwrap_or_default().as_bytes());
        key.push(0xff);
    }
    ground.snapshot.rules().reads(Some(interface)).put_key(request, ground.source, key);
}

fn asked(request: &Request, target: Option<&str>, ground: &Ground) -> Ruled {
    let reads = ground.snapshot.rules().reads(Some(&request.of.service.interface));
    let [target, tagged] = words(request, target);
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
    route::near(&call, &ground.snapshot)
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
