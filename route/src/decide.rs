//! The decision: guards, caller, rules, catalogue, in this order; with or without writing down the steps.
//!
//! [`decide`] and [`explain`] are one function with two trails, so that an explanation cannot differ from what happens.
//! Steps are made only when somebody reads them: the path of a call formats nothing.

use wire::tunnel::catalogue::ServiceKey;

use crate::call::Call;
use crate::plan::{Choice, Plan, Reason, Target};
use crate::refusal::Refusal;
use crate::snapshot::{Health, Offer, Snapshot, View};
use crate::text::{listed, shown};
use crate::words::{Place, Said, said};

/// A stage of the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// What always applies.
    Guards,
    /// What the caller said.
    Caller,
    /// What the documents of rules say.
    Rules,
    /// Who offers the service.
    Catalogue,
}

/// One considered step, for people.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Step {
    /// Where in the line it stood.
    pub stage: Stage,
    /// What was found.
    pub found: String,
}

/// A decision with the steps that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The steps in their order.
    pub steps: Vec<Step>,
    /// What came of them; the same that [`decide`] returns.
    pub outcome: Result<Plan, Refusal>,
}

/// Chooses the island of a call.
///
/// # Errors
/// A [`Refusal`] with the sentence that the caller reads.
pub fn decide(call: &Call<'_>, snapshot: &Snapshot) -> Result<Plan, Refusal> {
    choose(call, snapshot, &mut Silent)
}

/// Chooses the island of a call and says how.
#[must_use]
pub fn explain(call: &Call<'_>, snapshot: &Snapshot) -> Explained {
    let mut steps = Vec::new();
    let outcome = choose(call, snapshot, &mut steps);
    Explained { steps, outcome }
}

/// Where steps are written down.
pub trait Trail {
    fn note(&mut self, stage: Stage, found: impl FnOnce() -> String);
}

struct Silent;

impl Trail for Silent {
    fn note(&mut self, _: Stage, _: impl FnOnce() -> String) {}
}

impl Trail for Vec<Step> {
    fn note(&mut self, stage: Stage, found: impl FnOnce() -> String) {
        self.push(Step { stage, found: found() });
    }
}

fn choose(call: &Call<'_>, snapshot: &Snapshot, trail: &mut impl Trail) -> Result<Plan, Refusal> {
    match (said(call, snapshot, trail)?, call.service) {
        (Some(said), service) => {
            let target = named(&said, service, snapshot, trail)?;
            Ok(Plan { reason: said.reason, choice: Choice::One(target) })
        }
        (None, Some(service)) => offered(service, snapshot, trail),
        (None, None) => {
            trail.note(Stage::Caller, || "the call cannot be read and its port belongs to no island".to_owned());
            Err(Refusal::Opaque)
        }
    }
}

/// The caller named a target: may the call go there?
fn named(
    said: &Said<'_>,
    service: Option<&ServiceKey>,
    snapshot: &Snapshot,
    trail: &mut impl Trail,
) -> Result<Target, Refusal> {
    let Place::Island(island) = said.place else { return local(said, service, snapshot, trail) };
    let offers = service.map_or(&[][..], |service| snapshot.offers(service));
    let offer = offers.iter().find(|offer| &*offer.island == island);
    trail.note(Stage::Catalogue, || match (service, offer) {
        (None, _) => "the call cannot be read, so no service is looked up".to_owned(),
        (Some(service), Some(offer)) => format!("island `{}` offers `{service}` ({:?})", offer.island, offer.health),
        (Some(service), None) => format!("island `{}` does not offer `{service}`", shown(island)),
    });
    match (service, offer) {
        (Some(service), Some(offer)) => {
            guard(island, service, snapshot, trail)?;
            Ok(Target::Island(offer.island.clone()))
        }
        (Some(service), None) => Err(missing(said, island, service, snapshot)),
        (None, _) => {
            if !snapshot.imports().import_any(island) {
                return Err(not_imported("anything", &[island], snapshot));
            }
            Ok(Target::Island(island.into()))
        }
    }
}

/// The caller named its own island: does that have a provider?
fn local(
    said: &Said<'_>,
    service: Option<&ServiceKey>,
    snapshot: &Snapshot,
    trail: &mut impl Trail,
) -> Result<Target, Refusal> {
    let Some(service) = service else { return Err(Refusal::LocalOpaque { said: said.reason.to_string() }) };
    let has = snapshot.has_local(service);
    trail.note(Stage::Catalogue, || {
        format!("this island has {} of `{service}`", if has { "a provider" } else { "no provider" })
    });
    if has {
        return Ok(Target::Local);
    }
    Err(Refusal::NoLocalProvider {
        said: said.reason.to_string(),
        own: snapshot.own_island().to_owned(),
        service: service.to_string(),
    })
}

/// The guard that always applies: this island wants the service from there.
fn guard(island: &str, service: &ServiceKey, snapshot: &Snapshot, trail: &mut impl Trail) -> Result<(), Refusal> {
    let imported = snapshot.imports().import(island, service);
    trail.note(Stage::Guards, || {
        format!("`{service}` of island `{island}` is {}", if imported { "imported" } else { "not imported" })
    });
    if imported { Ok(()) } else { Err(not_imported(&service.to_string(), &[island], snapshot)) }
}

/// Why a named island is no answer for this service.
fn missing(said: &Said<'_>, island: &str, service: &ServiceKey, snapshot: &Snapshot) -> Refusal {
    if snapshot.view() == View::Partial {
        return Refusal::NotYetKnown { service: service.to_string() };
    }
    if !snapshot.knows(island) {
        return Refusal::UnknownIsland {
            said: said.reason.to_string(),
            island: shown(island),
            known: listed(snapshot.islands().map(|island| &**island)),
        };
    }
    Refusal::NotOfferedThere {
        island: shown(island),
        service: service.to_string(),
        offered_by: listed(snapshot.offers(service).iter().map(|offer| &*offer.island)),
    }
}

/// The caller was silent: the only imported island that offers the service.
fn offered(service: &ServiceKey, snapshot: &Snapshot, trail: &mut impl Trail) -> Result<Plan, Refusal> {
    let offers = snapshot.offers(service);
    trail.note(Stage::Catalogue, || {
        format!("`{service}` is offered by {}", listed(offers.iter().map(|offer| &*offer.island)))
    });
    if offers.is_empty() {
        return Err(match snapshot.view() {
            View::Partial => Refusal::NotYetKnown { service: service.to_string() },
            View::Complete => Refusal::NotOffered { service: service.to_string() },
        });
    }
    let imported = || offers.iter().filter(|offer| snapshot.imports().import(&offer.island, service));
    trail.note(Stage::Guards, || format!("imported from {}", listed(imported().map(|offer| &*offer.island))));
    let plan = |offer: &Offer, reason| Ok(Plan { reason, choice: Choice::One(Target::Island(offer.island.clone())) });
    if imported().next().is_none() {
        let islands: Vec<&str> = offers.iter().map(|offer| &*offer.island).collect();
        return Err(not_imported(&service.to_string(), &islands, snapshot));
    }
    if let Some(offer) = only(imported()) {
        return plan(offer, Reason::OnlyOffer);
    }
    if let Some(offer) = only(imported().filter(|offer| offer.health == Health::Healthy)) {
        trail.note(Stage::Catalogue, || format!("only island `{}` has a provider up", offer.island));
        return plan(offer, Reason::OnlyHealthyOffer);
    }
    Err(Refusal::Ambiguous { service: service.to_string(), islands: listed(imported().map(|offer| &*offer.island)) })
}

fn only<T>(mut of: impl Iterator<Item = T>) -> Option<T> {
    let first = of.next()?;
    of.next().is_none().then_some(first)
}

fn not_imported(service: &str, islands: &[&str], snapshot: &Snapshot) -> Refusal {
    Refusal::NotImported {
        service: service.to_owned(),
        islands: listed(islands.iter().copied()),
        own: snapshot.own_island().to_owned(),
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
