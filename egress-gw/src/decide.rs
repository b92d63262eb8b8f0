//! Which island a call goes to, as this gateway asks it: the facts of the frame and its port into `route`, the answer into
//! an encoded head, both kept in the cache.
//!
//! Nothing here sends anything; what is refused is refused with the sentence of `route`.

use std::rc::Rc;
use std::sync::Arc;

use wire::dubbo::call::{Call, Generic, Peeked};
use wire::dubbo::frame::Serialization;
use wire::tunnel::catalogue::ServiceKey;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};
use wire::tunnel::head::{Flags, Head};

use crate::answer::Repeat;
use crate::cache::{Decided, Route};
use crate::core::Core;
use crate::fallback::Request;
use crate::knowledge::Knowledge;

impl Core {
    /// Where calls like this one go, from the cache where that knows it.
    pub fn decide(&self, request: &Request<'_>, knowledge: &Knowledge) -> Decided {
        let generation = knowledge.snapshot.generation();
        let mut key = self.shard.buffer();
        let application = match request.peeked {
            Peeked::Call(call) => {
                call.decision_key(&mut key);
                // A nameless caller is who the registry knows at its address, if that is only one.
                let interface = call.interface.as_deref().unwrap_or(&call.service);
                call.application
                    .as_deref()
                    .or_else(|| knowledge.consumers.only_application(request.consumer().ip(), interface))
                    .unwrap_or_default()
            }
            Peeked::Opaque(serialization) => {
                key.push(serialization.id());
                ""
            }
        };
        for part in [application, request.island().unwrap_or_default()] {
            key.push(0xff);
            key.extend_from_slice(part.as_bytes());
        }
        let known = self.cache.borrow_mut().get(generation, &key);
        let decided = known.unwrap_or_else(|| {
            let decided = route(request, application, &self.tags, knowledge).map(Rc::new).map_err(Rc::new);
            self.cache.borrow_mut().put(generation, &key, decided.clone());
            decided
        });
        self.shard.recycle(key);
        decided
    }
}

/// Makes the decision and its head.
fn route(request: &Request<'_>, application: &str, tags: &[Arc<str>], knowledge: &Knowledge) -> Result<Route, Failure> {
    let snapshot = &knowledge.snapshot;
    let call = request.call();
    let service = call.map(service_key);
    let facts = route::Call {
        service: service.as_ref(),
        method: call.map_or("", |call| &call.method),
        application: Some(application).filter(|name| !name.is_empty()),
        target: call.and_then(|call| call.target.as_deref()),
        tagged: call.and_then(|call| call.tag.as_deref()).filter(|tag| tags.iter().any(|known| **known == **tag)),
        bound: request.island(),
    };
    let decision =
        route::decide(&facts, snapshot).map_err(|refusal| refused(&refusal, request.header.serialization()))?;
    let rule = service.as_ref().and_then(|service| snapshot.imports().rule(&decision.island, service));
    let repeat = match rule {
        Some(rule) if rule.is_idempotent(facts.method) => Repeat::Harmless,
        _ => Repeat::Harmful,
    };
    let mut flags = Flags::default();
    if repeat == Repeat::Harmless {
        flags |= Flags::IDEMPOTENT;
    }
    if call.is_none() {
        flags |= Flags::OPAQUE;
    }
    if call.is_some_and(|call| call.reverse.is_some()) {
        flags |= Flags::CALLBACKS;
    }
    let head = Head {
        flags,
        serialization: request.header.serialization().id(),
        protocol: Head::DUBBO,
        destination: &decision.island,
        service: call.map_or("", |call| &call.service),
        interface: call.and_then(Call::conflicting_interface).unwrap_or_default(),
        group: call.and_then(|call| call.group.as_deref()).unwrap_or_default(),
        version: call.and_then(|call| call.version.as_deref()).unwrap_or_default(),
        method: facts.method,
        generic: call.and_then(|call| call.generic).map_or("", Generic::name),
        application,
        ..Head::default()
    };
    let mut encoded = Vec::new();
    head.encode_into(&mut encoded).map_err(|error| {
        let text = format!("the call's names make its head too long ({error}); use shorter ones");
        Failure::new(Stage::Route, Kind::TargetRefused, Outcome::NotSent, text)
    })?;
    let label = match &service {
        Some(service) => format!("{service}#{}", facts.method),
        None => format!("a call in serialization {}", request.header.serialization()),
    };
    tracing::debug!(call = label, island = &*decision.island, reason = %decision.reason, "a new kind of call was routed");
    Ok(Route { island: decision.island, head: encoded.into(), repeat, label: label.into() })
}

/// What the catalogue knows the call's service by.
fn service_key(call: &Call<'_>) -> ServiceKey {
    ServiceKey {
        interface: call.service.clone().into_owned(),
        group: call.group.as_deref().unwrap_or_default().to_owned(),
        version: call.version.as_deref().unwrap_or_default().to_owned(),
    }
}

fn refused(refusal: &route::Refusal, serialization: Serialization) -> Failure {
    use route::Refusal;
    let kind = match refusal {
        Refusal::NotYetKnown { .. } => Kind::NotYetKnown,
        Refusal::NotOffered { .. } | Refusal::NotOfferedThere { .. } => Kind::NotOffered,
        Refusal::NotImported { .. } => Kind::NotGranted,
        Refusal::Contradiction { .. }
        | Refusal::OwnIsland { .. }
        | Refusal::UnknownIsland { .. }
        | Refusal::Ambiguous { .. }
        | Refusal::Opaque => Kind::TargetRefused,
    };
    let text = match refusal {
        // `route` knows no serializations; whoever reads this has to know which it was.
        Refusal::Opaque => format!("{refusal} (found serialization {serialization})"),
        _ => refusal.to_string(),
    };
    Failure::new(Stage::Route, kind, Outcome::NotSent, text)
}
