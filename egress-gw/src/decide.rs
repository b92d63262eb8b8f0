//! Where a call goes, as this gateway asks it: the facts of the frame and its port into `route`, the plan that comes back into
//! one encoded head a target, kept in the cache; and which of the targets one call takes.
//!
//! Nothing here sends anything; what is refused is refused with the sentence of `route`.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use chassis::metrics::tally::Tallied;
use route::{Choice, Entries, Lookup, Plan, Split, Target, Word};
use wire::dubbo::call::{Call, Generic, Peeked};
use wire::dubbo::frame::Serialization;
use wire::tunnel::catalogue::ServiceKey;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};
use wire::tunnel::head::{Flags, Head};

use crate::answer::Repeat;
use crate::cache::{Course, Decided, DecisionCache, KEY_MAX_LEN, Pick, Route, Way, Ways};
use crate::core::Core;
use crate::fallback::Request;
use crate::knowledge::{Caller, Knowledge, Made, Parameters};
use crate::local_pool::LocalRoute;
use crate::publish::registry_key;
use crate::tags::Tags;
use crate::tallies::{Pair, Tallies};
use crate::voices::{LastVoice, Voice};

/// The decisions of one shard: each made once for calls of one kind, and kept.
#[derive(Default)]
pub struct Decisions {
    tags: Tags,
    cache: RefCell<DecisionCache>,
    tallies: Tallies,
    /// A buffer for the keys of calls.
    key: Cell<Vec<u8>>,
}

impl Core {
    /// Where this call goes.
    pub fn decide(&self, request: &Request<'_>, knowledge: &Knowledge) -> Result<Course, Rc<Failure>> {
        self.decisions.decide(&Seen::of(request), knowledge)
    }
}

impl Decisions {
    /// No decision yet.
    #[must_use]
    pub fn new(tags: Tags) -> Self {
        Self { tags, ..Self::default() }
    }

    /// What came of calls by the decisions that led them.
    #[must_use]
    pub fn tallied(&self) -> Vec<(Pair, Tallied)> {
        self.tallies.counted()
    }

    /// How many are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.cache.borrow().entries()
    }

    /// Where a call goes. Where that was decided before, nothing is allocated but what a serialization makes of texts that rules or
    /// shares go by.
    ///
    /// # Errors
    /// Why it goes nowhere.
    pub fn decide(&self, seen: &Seen<'_>, knowledge: &Knowledge) -> Result<Course, Rc<Failure>> {
        let ways = self.ways(seen, knowledge)?;
        Ok(Course::new(ways, |split| share(seen, split, knowledge)))
    }

    /// Every way that such a call may go.
    ///
    /// # Errors
    /// Why there is none.
    pub fn ways(&self, seen: &Seen<'_>, knowledge: &Knowledge) -> Decided {
        let generation = knowledge.snapshot.generation();
        let mut key = self.key.take();
        key.clear();
        put_key(seen, knowledge, &mut key);
        let known = self.cache.borrow_mut().get(generation, &key);
        let decided: Decided = known.unwrap_or_else(|| {
            let decided = ways(seen, &self.tags, &self.tallies, knowledge).map(Rc::new).map_err(Rc::new);
            self.cache.borrow_mut().put(generation, &key, decided.clone());
            decided
        });
        if key.capacity() <= KEY_MAX_LEN {
            self.key.set(key);
        }
        decided
    }
}

/// Bytes that are equal only for calls that are decided alike.
fn put_key(seen: &Seen<'_>, knowledge: &Knowledge, key: &mut Vec<u8>) {
    match seen.peeked {
        Peeked::Call(call) => call.decision_key(key),
        Peeked::Opaque(serialization) => key.push(serialization.id()),
    }
    key.extend_from_slice(&seen.voice(knowledge).to_bytes());
    if let Some(island) = seen.island {
        key.extend_from_slice(island.as_bytes());
    }
    // No name holds this byte.
    key.push(0xff);
    let call = seen.call();
    let reads = knowledge.snapshot.rules().reads(call.map(|call| &*call.service));
    reads.put_key(&Attached(call), seen.consumer, key);
}

/// A call as it came in.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// What could be read of it.
    pub peeked: &'a Peeked<'a>,
    /// What its arguments are written in.
    pub serialization: Serialization,
    /// The consumer's address; `None` where nobody asks for real.
    pub consumer: Option<IpAddr>,
    /// The island to which the port is bound.
    pub island: Option<&'a Arc<str>>,
    /// Who called last on its connection, where that is at hand.
    pub last: Option<&'a LastVoice>,
}

impl<'a> Seen<'a> {
    fn of(request: &Request<'a>) -> Self {
        Self {
            peeked: request.peeked,
            serialization: request.header.serialization(),
            consumer: Some(request.consumer().ip()),
            island: request.origin.island,
            last: request.origin.last,
        }
    }

    /// The call, where it could be read.
    #[must_use]
    pub fn call(&self) -> Option<&'a Call<'a>> {
        match self.peeked {
            Peeked::Call(call) => Some(call),
            Peeked::Opaque(_) => None,
        }
    }

    /// All that the references of its caller say.
    fn voice(&self, knowledge: &Knowledge) -> Voice {
        let Some((call, address)) = self.call().zip(self.consumer) else { return Voice::default() };
        let (voices, application) = (knowledge.consumers.voices(), call.application.as_deref());
        match self.last {
            Some(last) => last.of(voices, address, application),
            None => voices.of(address, application),
        }
    }

    /// The application that calls; empty where nobody knows. A nameless caller is who the registry knows at its address, if that is
    /// only one.
    fn application(&self, knowledge: &'a Knowledge) -> &'a str {
        let said = self.call().and_then(|call| call.application.as_deref());
        let known = || {
            let caller = Caller::of(self.call()?, self.consumer?);
            knowledge.consumers.only_application(caller.address, caller.interface)
        };
        said.or_else(known).unwrap_or_default()
    }

    /// What a decision is made from, for `then`: it is borrowed from all over.
    pub fn facts<R>(
        &self,
        asker: &Asker<'_>,
        tags: &Tags,
        knowledge: &Knowledge,
        then: impl FnOnce(&route::Call<'_>) -> R,
    ) -> R {
        let call = self.call();
        let reads = knowledge.snapshot.rules().reads(call.map(|call| &*call.service));
        let service = call.map(service_key);
        then(&route::Call {
            service: service.as_ref(),
            method: call.map_or("", |call| &call.method),
            application: Some(asker.application).filter(|name| !name.is_empty()),
            target: call.and_then(|call| call.target.as_deref()),
            tagged: call.and_then(|call| call.tag.as_deref()).filter(|tag| tags.mean(tag, &knowledge.islands)),
            bound: self.island.map(|island| &**island),
            source: self.consumer,
            reference: asker.reference,
            attachments: &reads.gathered(&Attached(call)),
            parameters: &Parameters(asker.made),
        })
    }
}

/// Who calls, as the call and the registry say together.
pub struct Asker<'a> {
    /// Its application; empty where nobody knows.
    pub application: &'a str,
    /// What the parameters of its reference say of this method.
    reference: Option<Word<'a>>,
    /// The references that may have made the call.
    made: Option<Made<'a>>,
}

impl<'a> Asker<'a> {
    /// Who makes this call.
    #[must_use]
    pub fn of(seen: &Seen<'a>, knowledge: &'a Knowledge) -> Self {
        let caller = seen.call().zip(seen.consumer).map(|(call, address)| Caller::of(call, address));
        let made = caller.map(|caller| knowledge.consumers.made(caller));
        Self { application: seen.application(knowledge), reference: made.as_ref().and_then(Made::word), made }
    }
}

/// The position of a call among the shares of a split: by its key where it has one.
fn share(seen: &Seen<'_>, split: &Split, knowledge: &Knowledge) -> usize {
    let random = fastrand::u64(..);
    let Some(sticky) = split.sticky() else { return split.position(None, random) };
    let application = Some(seen.application(knowledge)).filter(|name| !name.is_empty());
    sticky.with_key(&Attached(seen.call()), seen.consumer, application, |key| split.position(key, random))
}

/// The attachments of a call, where it could be read.
struct Attached<'a>(Option<&'a Call<'a>>);

impl Lookup for Attached<'_> {
    fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        self.0?.attachments.get(key)
    }
}

impl Entries for Attached<'_> {
    fn each(&self, marks: u64, mut found: impl FnMut(&str, Option<&str>)) {
        if let Some(call) = self.0 {
            call.attachments.each(marks, |key, text| found(key, text.as_deref()));
        }
    }
}

/// Makes the decision and a head for each target.
fn ways(seen: &Seen<'_>, tags: &Tags, tallies: &Tallies, knowledge: &Knowledge) -> Result<Ways, Failure> {
    seen.facts(&Asker::of(seen, knowledge), tags, knowledge, |facts| {
        let serialization = seen.serialization;
        let Plan { reason, choice } =
            route::decide(facts, &knowledge.snapshot).map_err(|refusal| refused(&refusal, serialization))?;
        let label = match facts.service {
            Some(service) => format!("{service}#{}", facts.method),
            None => format!("a call in serialization {serialization}"),
        };
        let way = |target: &Target| match target {
            Target::Local => local_route(seen.call(), &label, knowledge).map(Way::Local),
            Target::Island(island) => route(seen, facts, island, knowledge).map(Way::Island),
        };
        let ways = choice.targets().map(way).collect::<Result<Box<[Way]>, Failure>>()?;
        let service = facts.service.map_or_else(|| label.clone(), ToString::to_string);
        let tallies = choice.targets().map(|target| tallies.of(&service, &target.to_string())).collect();
        tracing::debug!(call = label, to = %choice, %reason, "a new kind of call was routed");
        let pick = match choice {
            Choice::One(_) | Choice::Ordered(_) => Pick::First,
            Choice::Split(split) => Pick::Shares(split),
        };
        let (generation, port) = (knowledge.snapshot.generation(), seen.island.cloned());
        Ok(Ways { label: label.into(), ways, tallies, pick, generation, port })
    })
}

/// What such calls to this island have in common.
///
/// # Errors
/// Their names are too long for a head.
pub fn route(
    seen: &Seen<'_>,
    facts: &route::Call<'_>,
    island: &Arc<str>,
    knowledge: &Knowledge,
) -> Result<Route, Failure> {
    let call = seen.call();
    let rule = facts.service.and_then(|service| knowledge.snapshot.imports().rule(island, service));
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
    if rule.map_or_else(|| knowledge.snapshot.imports().has_plain(island), |rule| rule.plain) {
        flags |= Flags::PLAIN;
    }
    if call.is_some_and(|call| call.reverse.is_some()) {
        flags |= Flags::CALLBACKS;
    }
    let head = Head {
        flags,
        serialization: seen.serialization.id(),
        protocol: Head::DUBBO,
        destination: island,
        service: call.map_or("", |call| &call.service),
        interface: call.and_then(Call::conflicting_interface).unwrap_or_default(),
        group: call.and_then(|call| call.group.as_deref()).unwrap_or_default(),
        version: call.and_then(|call| call.version.as_deref()).unwrap_or_default(),
        method: facts.method,
        generic: call.and_then(|call| call.generic).map_or("", Generic::name),
        application: facts.application.unwrap_or_default(),
        ..Head::default()
    };
    let mut encoded = Vec::new();
    head.encode_into(&mut encoded).map_err(|error| {
        let text = format!("the call's names make its head too long ({error}); use shorter ones");
        Failure::new(Stage::Route, Kind::TargetRefused, Outcome::NotSent, text)
    })?;
    Ok(Route { island: island.clone(), head: encoded.into(), repeat })
}

/// What such calls to a provider of this island have in common.
fn local_route(call: Option<&Call<'_>>, label: &str, knowledge: &Knowledge) -> Result<LocalRoute, Failure> {
    let refused = |kind, text: String| Failure::new(Stage::Route, kind, Outcome::NotSent, text);
    let service = call.and_then(|call| knowledge.local.service(&registry_key(&service_key(call))));
    let (Some(call), Some(service)) = (call, service) else {
        let text =
            format!("`{label}` goes to `local`, and no provider of this island that a gateway may call lists it");
        return Err(refused(Kind::NotOffered, text));
    };
    // Java providers run the path, dubbo-go providers the interface.
    if let Some(interface) = call.interface.as_deref().filter(|interface| **interface != service.interface) {
        let text = format!(
            "the path of `{label}` means {service}, but its attachment `interface` says {interface:?}; send one service"
        );
        return Err(refused(Kind::TargetRefused, text));
    }
    if call.reverse.is_some() {
        let text = format!(
            "`{label}` wants to be called back, which no gateway carries, to `local` either; call the provider directly, or use a return value"
        );
        return Err(refused(Kind::TargetRefused, text));
    }
    Ok(LocalRoute::new(service.clone(), &call.method))
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
        Refusal::NotOffered { .. } | Refusal::NotOfferedThere { .. } | Refusal::NoLocalProvider { .. } => {
            Kind::NotOffered
        }
        Refusal::NotImported { .. } => Kind::NotGranted,
        Refusal::Contradiction { .. }
        | Refusal::References { .. }
        | Refusal::NotATarget { .. }
        | Refusal::LocalOpaque { .. }
        | Refusal::UnknownIsland { .. }
        | Refusal::Ambiguous { .. }
        | Refusal::SwitchedOff { .. }
        | Refusal::MayBeSwitchedOff { .. }
        | Refusal::RuleRefuses { .. }
        | Refusal::RulesDisagree { .. }
        | Refusal::NothingLeft { .. }
        | Refusal::Opaque => Kind::TargetRefused,
    };
    let text = match refusal {
        // `route` knows no serializations; whoever reads this has to know which it was.
        Refusal::Opaque => format!("{refusal} (found serialization {serialization})"),
        _ => refusal.to_string(),
    };
    Failure::new(Stage::Route, kind, Outcome::NotSent, text)
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
