//! The stage of the rules: the first rule about the call acts, and nothing falls through behind it.
//!
//! ```text
//!  about the call, in order ─▶ first match ─ another document's, same rank, acts otherwise ─▶ refused, both named
//!                                  │
//!                                  ▼
//!  its targets ─ those that do not fit are passed over ─ of the rest those that are up, or all if none is ─▶ plan
//!                                                      └ none is left ─▶ refused with the rule's name
//! ```

use std::cmp::Reverse;
use std::time::Duration;

use wire::tunnel::catalogue::ServiceKey;

use crate::call::Call;
use crate::decide::{Stage, Trail};
use crate::fit::{Fit, Unfit, fit};
use crate::plan::{Choice, Plan, Reason, Split, Target};
use crate::refusal::Refusal;
use crate::rules::{Act, Rule, Rules};
use crate::snapshot::{Snapshot, View};
use crate::text::joined;

/// A list has so many targets at most, those in front: each is made ready and kept, and one word has a bit for each.
const TARGETS_MAX: usize = 64;
/// So many rules that are not about a call are explained one by one.
const PASSED_MAX: usize = 100;

/// What the rules say of a call; `None` where none is about it.
pub fn ruled(
    call: &Call<'_>,
    service: &ServiceKey,
    snapshot: &Snapshot,
    trail: &mut impl Trail,
) -> Result<Option<Plan>, Refusal> {
    let Some(rule) = first_about(call, service, snapshot.rules(), trail)? else { return Ok(None) };
    let choice = Acting { rule, call, service, snapshot }.choice(trail)?;
    Ok(Some(Plan { reason: Reason::Rule(rule.name.clone()), choice }))
}

/// The first rule that is about a call, if no other of its rank disagrees.
pub fn first_about<'r>(
    call: &Call<'_>,
    service: &ServiceKey,
    rules: &'r Rules,
    trail: &mut impl Trail,
) -> Result<Option<&'r Rule>, Refusal> {
    let mut about = rules.about(service);
    let mut passed = 0;
    let first = about.by_ref().find(|asked| {
        let Some(why) = asked.mismatch(call) else { return true };
        passed += 1;
        if passed <= PASSED_MAX {
            trail.note(Stage::Rules, || format!("rule `{}` is passed over: {why}", asked.rule.name));
        }
        false
    });
    if passed > PASSED_MAX {
        trail.note(Stage::Rules, || format!("{} more rules are passed over", passed - PASSED_MAX));
    }
    let Some(first) = first else {
        trail.note(Stage::Rules, || "no rule is about the call".to_owned());
        return Ok(None);
    };
    let Rule { name, line, when, act, .. } = first.rule;
    trail.note(Stage::Rules, || format!("rule `{name}` (line {line}) is about it ({when}): {act}"));
    // Equals stand document by document; of each only the first that is about the call speaks.
    let mut spoken = first.document.name();
    for other in about.take_while(|asked| asked.rank == first.rank) {
        if other.document.name() == spoken || other.mismatch(call).is_some() {
            continue;
        }
        spoken = other.document.name();
        if other.rule.act == *act {
            continue;
        }
        let (second, second_act) = (other.rule.name.to_string(), other.rule.act.to_string());
        return Err(Refusal::RulesDisagree { first: name.to_string(), first_act: act.to_string(), second, second_act });
    }
    Ok(Some(first.rule))
}

/// A rule that acts on a call.
pub struct Acting<'a> {
    pub rule: &'a Rule,
    pub call: &'a Call<'a>,
    pub service: &'a ServiceKey,
    pub snapshot: &'a Snapshot,
}

impl<'a> Acting<'a> {
    fn choice(&self, trail: &mut impl Trail) -> Result<Choice, Refusal> {
        let targets = self.targets(trail)?;
        let usable = self.usable(&targets, trail)?;
        let Act::Split { to, sticky } = &self.rule.act else { return Ok(ordered(usable)) };
        let to = self.shares_here(to);
        let shares = to.iter().filter(|(target, _)| usable.contains(target)).cloned();
        match (&usable[..], Split::new(&self.rule.name, shares, sticky.clone())) {
            (_, Some(split)) if usable.len() > 1 => Ok(Choice::Split(split)),
            _ => Ok(Choice::One(usable[0].clone())),
        }
    }

    /// Each target that it names, once, in the order in which they are asked; whether they can take the call is another question.
    pub fn targets(&self, trail: &mut impl Trail) -> Result<Vec<Target>, Refusal> {
        match &self.rule.act {
            Act::Refuse(say) => Err(Refusal::RuleRefuses { rule: self.rule.name.to_string(), say: say.to_string() }),
            Act::Island(target) => Ok(vec![self.here(target)]),
            Act::Split { to, .. } => Ok(self.shares_here(to).into_iter().map(|(target, _)| target).collect()),
            Act::Failover(targets) => Ok(self.all_here(targets)),
            Act::LocalFirst { then, back_after } => Ok(self.local_first(then, *back_after, trail)),
            Act::Nearest(targets) => {
                let offers = self.snapshot.offers(self.service).iter();
                let mut targets: Vec<Target> = match &targets[..] {
                    [] => offers.map(|offer| Target::Island(offer.island.clone())).collect(),
                    named => self.all_here(named),
                };
                // What was never measured comes last; equals in the order of the rule, or of their names.
                targets.sort_by_key(|target: &Target| match target {
                    Target::Local => Duration::ZERO,
                    Target::Island(island) => self.snapshot.round_trip(island).unwrap_or(Duration::MAX),
                });
                Ok(targets)
            }
        }
    }

    /// One document may be for all islands: where it names this one, that is `local`.
    fn here(&self, target: &Target) -> Target {
        if target.as_str() == self.snapshot.own_island() { Target::Local } else { target.clone() }
    }

    /// Each once: the own island's name and `local` are one.
    fn all_here(&self, targets: &[Target]) -> Vec<Target> {
        let mut all: Vec<Target> = Vec::with_capacity(targets.len());
        for target in targets.iter().map(|target| self.here(target)) {
            if !all.contains(&target) {
                all.push(target);
            }
        }
        all
    }

    /// The same with weights, which add up.
    fn shares_here(&self, shares: &[(Target, u32)]) -> Vec<(Target, u32)> {
        let mut all: Vec<(Target, u32)> = Vec::with_capacity(shares.len());
        for (target, weight) in shares.iter().map(|(target, weight)| (self.here(target), *weight)) {
            match all.iter_mut().find(|(known, _)| *known == target) {
                Some((_, known)) => *known += weight,
                None => all.push((target, weight)),
            }
        }
        all
    }

    /// Local before the others, or behind them for as long as it came back only just now.
    fn local_first(&self, then: &[Target], back_after: Duration, trail: &mut impl Trail) -> Vec<Target> {
        let is_back = self.snapshot.local_for(self.service).is_none_or(|since| since >= back_after);
        let mut targets = self.all_here(then);
        targets.retain(|target| *target != Target::Local);
        if !is_back {
            trail.note(Stage::Rules, || format!("`local` has come back less than {back_after:?} ago, so it is last"));
        }
        targets.insert(if is_back { 0 } else { targets.len() }, Target::Local);
        targets
    }

    /// Of these, in their order, those that can take the call: those that are up, or all that fit if none is.
    pub fn usable(&self, targets: &[Target], trail: &mut impl Trail) -> Result<Vec<Target>, Refusal> {
        let mut usable: Vec<(&Target, Fit)> = Vec::with_capacity(targets.len());
        let mut passed: Vec<(&Target, Unfit<'a>)> = Vec::new();
        for target in targets {
            match fit(target, self.call, self.snapshot) {
                Ok(fit) => usable.push((target, fit)),
                Err(unfit) => {
                    trail.note(Stage::Rules, || format!("`{target}` is passed over: it {unfit}"));
                    passed.push((target, unfit));
                }
            }
        }
        usable.sort_by_key(|(_, fit)| Reverse(*fit == Fit::Up));
        let up = usable.iter().filter(|(_, fit)| *fit == Fit::Up).count();
        if up > 0 {
            for (target, _) in usable.drain(up..) {
                trail.note(Stage::Rules, || {
                    format!("`{target}` is passed over: it has no provider up, and another has")
                });
            }
        }
        if usable.is_empty() {
            return Err(self.nothing_left(&passed));
        }
        Ok(usable.into_iter().map(|(target, _)| target.clone()).collect())
    }

    fn nothing_left(&self, passed: &[(&Target, Unfit<'_>)]) -> Refusal {
        let may_come = passed.is_empty() || passed.iter().any(|(_, unfit)| matches!(unfit, Unfit::NotOffered));
        if self.snapshot.view() == View::Partial && may_come {
            return Refusal::NotYetKnown { service: self.service.to_string() };
        }
        let why = |(target, unfit): &(&Target, Unfit<'_>)| match unfit {
            Unfit::NotOffered if !self.snapshot.knows(target.as_str()) => {
                format!("island `{target}` is not known here")
            }
            _ => format!("`{target}` {unfit}"),
        };
        let passed = joined(passed.iter().map(why), "; ");
        Refusal::NothingLeft {
            rule: self.rule.name.to_string(),
            service: self.service.to_string(),
            passed: passed.unwrap_or_else(|| "no island offers it".to_owned()),
        }
    }
}

/// One target is no order, and one that is behind many others is none of it.
fn ordered(mut targets: Vec<Target>) -> Choice {
    targets.truncate(TARGETS_MAX);
    match targets.len() {
        1 => Choice::One(targets.swap_remove(0)),
        _ => Choice::Ordered(targets.into()),
    }
}

#[cfg(test)]
#[path = "ruled_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "acts_tests.rs"]
mod acts_tests;
