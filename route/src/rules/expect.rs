//! What a document expects of itself, run by the very decision; and what looks odd about it beside what is known.
//!
//! For `check` commands, never for a gateway: a gateway obeys what it reads.

use std::fmt;
use std::sync::Arc;

use super::compiled::Rules;
use super::document::{Document, Expectation, Goes, shares};
use crate::call::Call;
use crate::decide::decide;
use crate::import::{BesideLocal, ImportRule, Imports, Verdict};
use crate::plan::{Choice, Plan, Target};
use crate::refusal::Refusal;
use crate::snapshot::{Health, Known, Offer, Snapshot, View};

/// An expectation that does not come out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The line of the expectation.
    pub line: usize,
    /// What it expects.
    pub wanted: String,
    /// What comes out instead, and why.
    pub found: String,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: found the call {}, wanted it {}", self.line, self.found, self.wanted)
    }
}

/// The expectations of `document` that do not come out under `rules`, which should hold this document and all others. Islands that
/// are `offered` are taken to be imported and up, with nothing measured.
#[must_use]
pub fn check(document: &Document, rules: &Arc<Rules>) -> Vec<Unmet> {
    let outcome = |expected: &Expectation| {
        let plan = decide(&expected.call(), &expected.snapshot(rules));
        let found = match &plan {
            Ok(Plan { reason, choice }) => format!("goes {choice} by {reason}"),
            Err(refusal) => format!("refused ({refusal})"),
        };
        (!expected.goes.is(&plan)).then(|| Unmet { line: expected.line, wanted: expected.goes.to_string(), found })
    };
    document.expectations.iter().filter_map(outcome).collect()
}

/// What looks odd about `document` beside what `snapshot` knows: a rule for a service that nobody offers, an island that nobody
/// knows. No mistakes, since both may come; a gateway takes such a document.
#[must_use]
pub fn warnings(document: &Document, snapshot: &Snapshot) -> Vec<String> {
    let mut said = Vec::new();
    let is_there = |interface: &str| {
        let mut services = snapshot.services().map(|(service, _)| service).chain(snapshot.local_services());
        services.any(|service| service.interface == interface)
    };
    for rule in &document.rules {
        let (name, line) = (&rule.name, rule.line);
        let interfaces = [&rule.when.scope, &document.scope].map(|scope| scope.exact_interface());
        if let Some(interface) = interfaces.into_iter().flatten().next()
            && !is_there(interface)
        {
            said.push(format!("line {line}: rule `{name}` is about `{interface}`, which nobody offers here"));
        }
        for target in rule.act.targets() {
            if let Target::Island(island) = target
                && !snapshot.knows(island)
                && **island != *snapshot.own_island()
            {
                said.push(format!("line {line}: rule `{name}` names island `{island}`, which is not known here"));
            }
        }
    }
    said
}

impl Expectation {
    fn call(&self) -> Call<'_> {
        Call {
            service: Some(&self.service),
            method: &self.method,
            application: self.application.as_deref(),
            target: self.target.as_deref(),
            source: self.source,
            attachments: &self.attachments,
            parameters: &self.parameters,
            ..Call::default()
        }
    }

    fn snapshot(&self, rules: &Arc<Rules>) -> Snapshot {
        let offer = |island: &Arc<str>| {
            (self.service.clone().into(), Offer { island: island.clone(), health: Health::Healthy })
        };
        let local = self.local.then(|| self.service.clone().into());
        Snapshot::new(
            1,
            Known {
                view: View::Complete,
                imports: everything(),
                offers: self.offered.iter().map(offer).collect(),
                local: local.into_iter().collect(),
                rules: rules.clone(),
                ..Known::default()
            },
        )
    }
}

fn everything() -> Imports {
    let all = ("*".parse(), "*".parse());
    let (Ok(island), Ok(service)) = all else { return Imports::default() };
    let beside_local = BesideLocal::Never;
    Imports::new(vec![ImportRule { island, service, verdict: Verdict::Import, beside_local, idempotent: Vec::new() }])
}

impl Goes {
    fn is(&self, plan: &Result<Plan, Refusal>) -> bool {
        match (self, plan) {
            (Self::Refused, Err(_)) => true,
            (Self::To(wanted), Ok(Plan { choice: Choice::One(target), .. })) => wanted == target,
            (Self::To(wanted), Ok(Plan { choice: Choice::Ordered(targets), .. })) => targets.first() == Some(wanted),
            (Self::Split(wanted), Ok(Plan { choice: Choice::Split(split), .. })) => {
                wanted.len() == split.shares().len()
                    && split.shares().all(|(target, weight)| wanted.contains(&(target.clone(), weight)))
            }
            _ => false,
        }
    }
}

impl fmt::Display for Goes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::To(target) => write!(f, "to go to `{target}`"),
            Self::Split(to) => write!(f, "split {}", shares(to)),
            Self::Refused => f.write_str("refused"),
        }
    }
}
