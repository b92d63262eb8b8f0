//! Whether one target can take one call: it is offered or here, imported, and no switch stands against it. The same question
//! whoever named the target: caller, rule or catalogue.
//!
//! A target whose providers are down fits: what an island says of them lags, and calls wait there for a provider that comes
//! back. It is for those who have a choice to prefer one that is up.

use std::fmt;

use wire::tunnel::catalogue::ServiceKey;

use crate::call::Call;
use crate::plan::{LOCAL, Target};
use crate::rules::Stop;
use crate::snapshot::{Health, Offer, Snapshot};

/// How a target fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It has a provider up, or nobody can know.
    Up,
    /// None of its providers is up.
    Down,
}

/// Why a target does not fit.
#[derive(Debug, Clone, Copy)]
pub enum Unfit<'s> {
    /// The island does not offer the service.
    NotOffered,
    /// This island does not import it from there.
    NotImported,
    /// This island has no provider of it.
    NoProvider,
    /// A switch stops such calls to it.
    SwitchedOff(Stop<'s>),
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "offers the service, which is imported from there, and has a provider up",
            Self::Down => "offers the service, which is imported from there, and has no provider up",
        })
    }
}

impl fmt::Display for Unfit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOffered => f.write_str("does not offer the service"),
            Self::NotImported => f.write_str("offers the service, which is not imported from there"),
            Self::NoProvider => f.write_str("has no provider of the service registered"),
            Self::SwitchedOff(Stop { switch, .. }) => {
                write!(f, "is switched off by `{}`: {}", switch.name, switch.say)
            }
        }
    }
}

/// Whether `target` can take `call`.
pub fn fit<'s>(target: &Target, call: &Call<'_>, snapshot: &'s Snapshot) -> Result<Fit, Unfit<'s>> {
    let Target::Island(island) = target else {
        if !call.service.is_some_and(|service| snapshot.has_local(service)) {
            return Err(Unfit::NoProvider);
        }
        return switched_on(LOCAL, call, snapshot).map(|()| Fit::Up);
    };
    let Some(service) = call.service else {
        if !snapshot.imports().import_any(island) {
            return Err(Unfit::NotImported);
        }
        return switched_on(island, call, snapshot).map(|()| Fit::Up);
    };
    match snapshot.offers(service).iter().find(|offer| offer.island == *island) {
        Some(offer) => fit_offer(offer, call, service, snapshot),
        None => Err(Unfit::NotOffered),
    }
}

/// Whether the island of this offer can take `call`.
pub fn fit_offer<'s>(
    offer: &Offer,
    call: &Call<'_>,
    service: &ServiceKey,
    snapshot: &'s Snapshot,
) -> Result<Fit, Unfit<'s>> {
    if !snapshot.imports().import(&offer.island, service) {
        return Err(Unfit::NotImported);
    }
    switched_on(&offer.island, call, snapshot)?;
    Ok(if offer.health == Health::Healthy { Fit::Up } else { Fit::Down })
}

fn switched_on<'s>(target: &str, call: &Call<'_>, snapshot: &'s Snapshot) -> Result<(), Unfit<'s>> {
    // The own island has two names.
    let own = (target == LOCAL).then(|| snapshot.own_island());
    let names = |stop: &Stop<'_>| {
        let pattern = stop.switch.island.as_ref();
        pattern.is_some_and(|pattern| pattern.matches(target) || own.is_some_and(|own| pattern.matches(own)))
    };
    snapshot.rules().stopping(call).find(names).map_or(Ok(()), |stop| Err(Unfit::SwitchedOff(stop)))
}
