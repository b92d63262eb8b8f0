//! What a document expects of itself, run by the very decision.
//!
//! For `check` commands, never for a gateway: a gateway obeys what it reads.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::compiled::{Rules, TooMany};
use super::document::{Document, Expectation, Goes, shares};
use crate::call::Call;
use crate::decide::decide;
use crate::import::{BesideLocal, ImportRule, Imports, Verdict};
use crate::plan::{Choice, Plan};
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

/// The expectations of `document` that do not come out under the rules of `all`, which should hold this document and all others, at
/// `now`, or the moment that an expectation says. Islands that are `offered` are taken to be imported and up, with nothing measured.
///
/// # Errors
/// [`TooMany`].
pub fn check(document: &Document, all: &[Arc<Document>], now: SystemTime) -> Result<Vec<Unmet>, TooMany> {
    let rules_at = |at: SystemTime| Rules::new(all.iter().cloned(), at).map(Arc::new);
    let of_now = rules_at(now)?;
    // Of one moment at a time: there may be as many as expectations.
    let mut of_then = None;
    let mut unmet = Vec::new();
    for expected in &document.expectations {
        let rules = match (expected.at, &of_then) {
            (None, _) => of_now.clone(),
            (Some(at), Some((then, rules))) if at == *then => Arc::clone(rules),
            (Some(at), _) => of_then.insert((at, rules_at(at)?)).1.clone(),
        };
        let plan = decide(&expected.call(), &expected.snapshot(&rules));
        let found = match &plan {
            Ok(Plan { reason, choice }) => format!("goes {choice} by {reason}"),
            Err(refusal) => format!("refused ({refusal})"),
        };
        if !expected.goes.is(&plan) {
            unmet.push(Unmet { line: expected.line, wanted: expected.goes.to_string(), found });
        }
    }
    Ok(unmet)
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
    Imports::new(vec![ImportRule {
        island,
        service,
        verdict: Verdict::Import,
        beside_local,
        idempotent: Vec::new(),
        plain: false,
    }])
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
