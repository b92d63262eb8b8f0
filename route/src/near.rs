//! Where a call begins, for somebody who knows only his own island: its providers, and the rules. What leaves the island is a gateway's to
//! decide, by the same rules and with the same facts, so that shares and lists are never gone through twice.
//!
//! ```text
//!  call ─▶ switches ─▶ caller ─────▶ rules ───────────────────────────────────────▶ nothing is said
//!          │ stopped   │ `local`     │ only `local` ──────▶ a provider here           │
//!          ▼           │ an island   │ `local` in front ──▶ a provider here, and      ▼
//!          refused     ▼             │                      where none can, a gateway whoever stands in the registry
//!                      here, or      │ another in front ──▶ a gateway
//!                      a gateway     └ refuses ───────────▶ refused
//! ```
//!
//! What it cannot know (who consumers at an address are, what offers and imports there are) it leaves to a gateway, too.

use crate::call::Call;
use crate::decide::{Silent, named, stopped};
use crate::fit::{Unfit, fit};
use crate::plan::Target;
use crate::refusal::Refusal;
use crate::ruled::{Acting, first_about};
use crate::rules::Act;
use crate::snapshot::{Snapshot, View};
use crate::words::{Place, said};

/// Where a call begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Near {
    /// Neither caller nor rules say anything: at whoever the registry lists for the service.
    Listed,
    /// At a provider of the own island and nobody else.
    Local,
    /// At a provider of the own island, and where none of them takes it, at a gateway.
    LocalFirst,
    /// At a gateway, which decides.
    Gateway,
}

/// Where `call` begins. Of the snapshot only the own island counts: its name, where that is known, its local providers, and the rules.
/// `providers` is what is known of those of the service: where it is [`View::Partial`] one may still come.
///
/// # Errors
/// A [`Refusal`] with the sentence that the caller reads; [`Refusal::NotYetKnown`] where it depends on who is still unknown.
pub fn near(call: &Call<'_>, snapshot: &Snapshot, providers: View) -> Result<Near, Refusal> {
    stopped(call, snapshot, &mut Silent)?;
    let said = said(call, snapshot, &mut Silent)?;
    let Some(service) = call.service else { return Ok(Near::Gateway) };
    let here = fit(&Target::Local, call, snapshot);
    let may_come = providers == View::Partial && matches!(here, Err(Unfit::NoProvider));
    let if_here = |refusal| if may_come { Refusal::NotYetKnown { service: service.to_string() } } else { refusal };
    if let Some(said) = said {
        return match said.place {
            Place::Local => named(&said, call, snapshot, &mut Silent).map(|_| Near::Local).map_err(if_here),
            Place::Island(_) => Ok(Near::Gateway),
        };
    }
    let rules = snapshot.rules();
    let mut about = rules.about(service).take_while(|asked| asked.mismatch(call).is_some());
    if about.any(|asked| asked.hangs_on_address(call)) {
        return Ok(Near::Gateway);
    }
    let Some(rule) = first_about(call, service, rules, &mut Silent)? else {
        // Among those who are listed may be providers that a switch has put out.
        return Ok(if matches!(here, Err(Unfit::SwitchedOff(_))) { Near::Gateway } else { Near::Listed });
    };
    let acting = Acting { rule, call, service, snapshot };
    let targets = acting.targets(&mut Silent)?;
    if targets == [Target::Local] {
        return acting.usable(&targets, &mut Silent).map(|_| Near::Local).map_err(if_here);
    }
    let is_first = targets.first() == Some(&Target::Local) && !matches!(rule.act, Act::Split { .. });
    Ok(if is_first && here.is_ok() { Near::LocalFirst } else { Near::Gateway })
}

#[cfg(test)]
#[path = "near_tests.rs"]
mod tests;
