//! The decision: guards, caller, catalogue, in this order; with or without writing down the steps.
//!
//! [`decide`] and [`explain`] are one function with two trails, so that an explanation cannot differ from what happens.
//! Steps are made only when somebody reads them: the path of a call formats nothing.

use std::fmt;
use std::sync::Arc;

use wire::tunnel::catalogue::ServiceKey;

use crate::call::Call;
use crate::refusal::Refusal;
use crate::snapshot::{Health, Offer, Snapshot, View};

/// An island id has at most 32 characters; a longer claimed name is cut to this many in texts.
const SHOWN_MAX_LEN: usize = 64;
/// At most so many islands are listed in a text.
const LISTED_MAX: usize = 12;

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The island.
    pub island: Arc<str>,
    /// Why.
    pub reason: Reason,
}

/// Why a call goes where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Attachment `highway.target` named it.
    Target,
    /// The tag of the call named it.
    Tag,
    /// The call came in on its port.
    Port,
    /// No other imported island offers the service.
    OnlyOffer,
    /// Of the imported islands that offer the service, only this one has a provider up.
    OnlyHealthyOffer,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Target => TARGET,
            Self::Tag => TAG,
            Self::Port => PORT,
            Self::OnlyOffer => "the only imported island that offers the service",
            Self::OnlyHealthyOffer => "the only imported island with a provider of the service up",
        })
    }
}

const TARGET: &str = "attachment highway.target";
const TAG: &str = "attachment dubbo.tag";
const PORT: &str = "the port of the call";

/// A stage of the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// What always applies.
    Guards,
    /// What the caller said.
    Caller,
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
    pub outcome: Result<Decision, Refusal>,
}

/// Chooses the island of a call.
///
/// # Errors
/// A [`Refusal`] with the sentence that the caller reads.
pub fn decide(call: &Call<'_>, snapshot: &Snapshot) -> Result<Decision, Refusal> {
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
trait Trail {
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

fn choose(call: &Call<'_>, snapshot: &Snapshot, trail: &mut impl Trail) -> Result<Decision, Refusal> {
    match (said(call, trail)?, call.service) {
        (Some(said), service) => named(said, service, snapshot, trail),
        (None, Some(service)) => offered(service, snapshot, trail),
        (None, None) => {
            trail.note(Stage::Caller, || "the call cannot be read and its port belongs to no island".to_owned());
            Err(Refusal::Opaque)
        }
    }
}

/// An island that the caller named.
#[derive(Clone, Copy)]
struct Said<'a> {
    island: &'a str,
    by: &'static str,
    reason: Reason,
}

/// What the caller said, if it agrees with itself.
fn said<'a>(call: &Call<'a>, trail: &mut impl Trail) -> Result<Option<Said<'a>>, Refusal> {
    let words =
        [(call.target, TARGET, Reason::Target), (call.tagged, TAG, Reason::Tag), (call.bound, PORT, Reason::Port)];
    let mut chosen: Option<Said<'a>> = None;
    for (word, by, reason) in words {
        let Some(island) = word else {
            trail.note(Stage::Caller, || format!("{by} names no island"));
            continue;
        };
        trail.note(Stage::Caller, || format!("{by} names island `{}`", shown(island)));
        match chosen {
            None => chosen = Some(Said { island, by, reason }),
            Some(first) if first.island == island => {}
            Some(first) => {
                return Err(Refusal::Contradiction {
                    first: first.by,
                    first_island: shown(first.island),
                    second: by,
                    second_island: shown(island),
                });
            }
        }
    }
    Ok(chosen)
}

/// The caller named an island: may the call go there?
fn named(
    said: Said<'_>,
    service: Option<&ServiceKey>,
    snapshot: &Snapshot,
    trail: &mut impl Trail,
) -> Result<Decision, Refusal> {
    if said.island == snapshot.own_island() || said.island == "local" {
        return Err(Refusal::OwnIsland { said: said.by, island: shown(said.island) });
    }
    let offers = service.map_or(&[][..], |service| snapshot.offers(service));
    let offer = offers.iter().find(|offer| &*offer.island == said.island);
    trail.note(Stage::Catalogue, || match (service, offer) {
        (None, _) => "the call cannot be read, so no service is looked up".to_owned(),
        (Some(service), Some(offer)) => format!("island `{}` offers `{service}` ({:?})", offer.island, offer.health),
        (Some(service), None) => format!("island `{}` does not offer `{service}`", shown(said.island)),
    });
    let island = match (service, offer) {
        (Some(service), Some(offer)) => {
            guard(said.island, service, snapshot, trail)?;
            offer.island.clone()
        }
        (Some(service), None) => return Err(missing(said, service, snapshot)),
        (None, _) => {
            if !snapshot.imports().import_any(said.island) {
                return Err(not_imported("anything", &[said.island], snapshot));
            }
            said.island.into()
        }
    };
    Ok(Decision { island, reason: said.reason })
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
fn missing(said: Said<'_>, service: &ServiceKey, snapshot: &Snapshot) -> Refusal {
    if snapshot.view() == View::Partial {
        return Refusal::NotYetKnown { service: service.to_string() };
    }
    if !snapshot.knows(said.island) {
        return Refusal::UnknownIsland {
            said: said.by,
            island: shown(said.island),
            known: listed(snapshot.islands().map(|island| &**island)),
        };
    }
    Refusal::NotOfferedThere {
        island: shown(said.island),
        service: service.to_string(),
        offered_by: listed(snapshot.offers(service).iter().map(|offer| &*offer.island)),
    }
}

/// The caller was silent: the only imported island that offers the service.
fn offered(service: &ServiceKey, snapshot: &Snapshot, trail: &mut impl Trail) -> Result<Decision, Refusal> {
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
    let decision = |offer: &Offer, reason| Ok(Decision { island: offer.island.clone(), reason });
    if imported().next().is_none() {
        let islands: Vec<&str> = offers.iter().map(|offer| &*offer.island).collect();
        return Err(not_imported(&service.to_string(), &islands, snapshot));
    }
    if let Some(offer) = only(imported()) {
        return decision(offer, Reason::OnlyOffer);
    }
    if let Some(offer) = only(imported().filter(|offer| offer.health == Health::Healthy)) {
        trail.note(Stage::Catalogue, || format!("only island `{}` has a provider up", offer.island));
        return decision(offer, Reason::OnlyHealthyOffer);
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

/// A claimed name as it may stand in a text: it came off the wire and may be anything.
fn shown(name: &str) -> String {
    let mut text: String = name.chars().take(SHOWN_MAX_LEN).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.len() < name.len() && name.chars().nth(SHOWN_MAX_LEN).is_some() {
        text.push('…');
    }
    text
}

fn listed<'a>(islands: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let mut more = 0;
    for (at, island) in islands.enumerate() {
        if at >= LISTED_MAX {
            more += 1;
            continue;
        }
        let separator = if at == 0 { "" } else { ", " };
        text.push_str(&format!("{separator}`{island}`"));
    }
    match (text.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (_, 0) => text,
        (_, more) => format!("{text} and {more} more"),
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
