//! The decision: guards, caller, rules, catalogue, in this order; with or without writing down the steps.
//!
//! [`decide`] and [`explain`] are one function with two trails, so that an explanation cannot differ from what happens.
//! Steps are made only when somebody reads them: the path of a call formats nothing.

use wire::tunnel::catalogue::ServiceKey;

use crate::call::Call;
use crate::fit::{Fit, Unfit, fit, fit_offer};
use crate::plan::{Choice, Plan, Reason, Target};
use crate::refusal::Refusal;
use crate::ruled::ruled;
use crate::rules::{Meant, Stop};
use crate::snapshot::{Offer, Snapshot, View};
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

pub struct Silent;

impl Trail for Silent {
    fn note(&mut self, _: Stage, _: impl FnOnce() -> String) {}
}

impl Trail for Vec<Step> {
    fn note(&mut self, stage: Stage, found: impl FnOnce() -> String) {
        self.push(Step { stage, found: found() });
    }
}

fn choose(call: &Call<'_>, snapshot: &Snapshot, trail: &mut impl Trail) -> Result<Plan, Refusal> {
    stopped(call, snapshot, trail)?;
    if let Some(said) = said(call, snapshot, trail)? {
        let target = named(&said, call, snapshot, trail)?;
        return Ok(Plan { reason: said.reason, choice: Choice::One(target) });
    }
    let Some(service) = call.service else {
        trail.note(Stage::Caller, || "the call cannot be read and its port belongs to no island".to_owned());
        return Err(Refusal::Opaque);
    };
    match ruled(call, service, snapshot, trail)? {
        Some(plan) => Ok(plan),
        None => offered(call, service, snapshot, trail),
    }
}

/// The switches that stop a call wherever it goes.
pub fn stopped(call: &Call<'_>, snapshot: &Snapshot, trail: &mut impl Trail) -> Result<(), Refusal> {
    match snapshot.rules().stopping(call).find(|stop| stop.switch.island.is_none()) {
        None => Ok(()),
        Some(stop) => {
            trail.note(Stage::Guards, || format!("switch `{}` {}", stop.switch.name, stop.switch));
            Err(switched_off(stop))
        }
    }
}

/// The caller named a target: may the call go there?
pub fn named(said: &Said<'_>, call: &Call<'_>, snapshot: &Snapshot, trail: &mut impl Trail) -> Result<Target, Refusal> {
    let by = said.reason.to_string();
    let target = match (said.place, call.service) {
        (Place::Local, None) => return Err(Refusal::LocalOpaque { said: by }),
        (Place::Local, Some(_)) => Target::Local,
        (Place::Island(island), _) => Target::Island(island.into()),
    };
    let fits = fit(&target, call, snapshot);
    trail.note(Stage::Catalogue, || match &fits {
        Ok(fits) => format!("`{target}` {fits}"),
        Err(unfit) => format!("`{target}` {unfit}"),
    });
    let service = || call.service.map_or_else(|| "anything".to_owned(), ServiceKey::to_string);
    Err(match fits {
        Ok(_) => return Ok(target),
        Err(Unfit::SwitchedOff(stop)) => switched_off(stop),
        Err(Unfit::NotImported) => not_imported(&service(), &[target.as_str()], snapshot),
        Err(Unfit::NoProvider) => {
            Refusal::NoLocalProvider { said: by, own: snapshot.own_island().to_owned(), service: service() }
        }
        Err(Unfit::NotOffered) if snapshot.view() == View::Partial => Refusal::NotYetKnown { service: service() },
        Err(Unfit::NotOffered) if !snapshot.knows(target.as_str()) => Refusal::UnknownIsland {
            said: by,
            island: shown(target.as_str()),
            known: listed(snapshot.islands().map(|island| &**island)),
        },
        Err(Unfit::NotOffered) => Refusal::NotOfferedThere {
            island: shown(target.as_str()),
            service: service(),
            offered_by: listed(call.service.map_or(&[][..], |key| snapshot.offers(key)).iter().map(|o| &*o.island)),
        },
    })
}

/// Caller and rules were silent: the only imported island that offers the service.
fn offered(
    call: &Call<'_>,
    service: &ServiceKey,
    snapshot: &Snapshot,
    trail: &mut impl Trail,
) -> Result<Plan, Refusal> {
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
    let mut off = None;
    let mut usable: Vec<(&Offer, Fit)> = Vec::new();
    for offer in offers {
        match fit_offer(offer, call, service, snapshot) {
            Ok(fit) => usable.push((offer, fit)),
            Err(unfit) => {
                trail.note(Stage::Guards, || format!("`{}` {unfit}", offer.island));
                if let Unfit::SwitchedOff(stop) = unfit {
                    off.get_or_insert(stop);
                }
            }
        }
    }
    let plan = |offer: &Offer, reason| {
        let target = Target::Island(offer.island.clone());
        Ok(Plan { reason, choice: Choice::One(target) })
    };
    if let Some((offer, _)) = only(usable.iter()) {
        return plan(offer, Reason::OnlyOffer);
    }
    if let Some((offer, _)) = only(usable.iter().filter(|(_, fit)| *fit == Fit::Up)) {
        trail.note(Stage::Catalogue, || format!("only island `{}` has a provider up", offer.island));
        return plan(offer, Reason::OnlyHealthyOffer);
    }
    if !usable.is_empty() {
        let islands = listed(usable.iter().map(|(offer, _)| &*offer.island));
        return Err(Refusal::Ambiguous { service: service.to_string(), islands });
    }
    match off {
        Some(stop) => Err(switched_off(stop)),
        None => {
            let islands: Vec<&str> = offers.iter().map(|offer| &*offer.island).collect();
            Err(not_imported(&service.to_string(), &islands, snapshot))
        }
    }
}

fn switched_off(Stop { switch, meant }: Stop<'_>) -> Refusal {
    let (switch, say) = (switch.name.to_string(), switch.say.to_string());
    match meant {
        Meant::Surely => Refusal::SwitchedOff { switch, say },
        Meant::Perhaps => Refusal::MayBeSwitchedOff { switch, say },
    }
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
