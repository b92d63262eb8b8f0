//! What looks odd about a document: rules that can never act, and names that nobody knows.
//!
//! ```text
//!  shadowed          the rules alone: all that an earlier one demands of a call, this one demands too, or more
//!  Surroundings      beside what a gateway knows: a service that nobody offers, an island that is not there
//! ```
//!
//! No mistakes: a gateway takes such a document, since services and islands come and go.

use std::collections::HashSet;

use wire::pattern::{NamePattern, ServicePattern};

use super::compiled::{Rules, Standing};
use super::document::{Condition, Document, Rule, Scope, Wanted};
use super::values::Network;
use crate::plan::Target;
use crate::snapshot::{Snapshot, View};

/// What looks odd about a document.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Warning {
    /// The line of the rule or switch, counted from 1.
    pub line: usize,
    /// A sentence.
    pub what: String,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// Rules of `document` that no call comes to, because a rule that is asked before them takes all of their calls.
#[must_use]
pub fn shadowed(document: &Document, rules: &Rules) -> Vec<Warning> {
    let standing: Vec<Standing<'_>> = rules.standing().collect();
    let mut said = Vec::new();
    for (at, Standing { document: of, rule }) in standing.iter().enumerate() {
        if of.name != document.name {
            continue;
        }
        // Of those with the same rank in other documents a call is told instead.
        let before = standing[..at].iter().find(|other| {
            let is_own = other.document.name == of.name;
            (is_own || other.rule.priority > rule.priority)
                && lasts_as_long(other.rule, rule)
                && covers(other.document, other.rule, of, rule)
        });
        if let Some(Standing { rule: before, .. }) = before {
            let what = format!(
                "rule `{}` never acts: `{}` is asked before it, and is about all its calls",
                rule.name, before.name
            );
            said.push(Warning { line: rule.line, what });
        }
    }
    said.sort_by_key(|warning| warning.line);
    said
}

/// What a gateway knows, for looking at many documents.
#[derive(Debug)]
pub struct Surroundings<'s> {
    snapshot: &'s Snapshot,
    interfaces: HashSet<&'s str>,
}

impl<'s> Surroundings<'s> {
    /// What `snapshot` knows.
    #[must_use]
    pub fn of(snapshot: &'s Snapshot) -> Self {
        let services = snapshot.services().map(|(service, _)| service).chain(snapshot.local_services());
        Self { snapshot, interfaces: services.map(|service| service.interface.as_str()).collect() }
    }

    /// A service that nobody offers, an island that nobody knows, in the rules and switches of `document`. Nothing while not all of it is known.
    #[must_use]
    pub fn nobody_offers(&self, document: &Document) -> Vec<Warning> {
        let mut said = Vec::new();
        if self.snapshot.view() != View::Complete {
            return said;
        }
        let mut about = |kind: &str, name: &str, line: usize, scope: &Scope| {
            let interfaces = [scope, &document.scope].map(|scope| scope.exact_interface());
            if let Some(interface) = interfaces.into_iter().flatten().next()
                && !self.interfaces.contains(interface)
            {
                let what = format!("{kind} `{name}` is about `{interface}`, which nobody offers here");
                said.push(Warning { line, what });
            }
        };
        for switch in &document.switches {
            about("switch", &switch.name, switch.line, &switch.scope);
        }
        for rule in &document.rules {
            about("rule", &rule.name, rule.line, &rule.when.scope);
        }
        for rule in &document.rules {
            let unknown = rule.act.targets().into_iter().filter_map(|target| match target {
                Target::Island(island) => Some(island).filter(|island| !self.is_known(island)),
                Target::Local => None,
            });
            said.extend(unknown.map(|island| {
                let what = format!("rule `{}` names island `{island}`, which is not known here", rule.name);
                Warning { line: rule.line, what }
            }));
        }
        said.sort_by_key(|warning| warning.line);
        said
    }

    fn is_known(&self, island: &str) -> bool {
        self.snapshot.knows(island) || *island == *self.snapshot.own_island()
    }
}

/// Whether `other` holds whenever `rule` does.
fn lasts_as_long(other: &Rule, rule: &Rule) -> bool {
    let (other, own) = (&other.validity, &rule.validity);
    other.from.is_none_or(|from| own.from.is_some_and(|own| from <= own))
        && other.until.is_none_or(|until| own.until.is_some_and(|own| own <= until))
}

/// Whether every call that `rule` is about, `other` is about too: of all that it demands the rule demands as much or more.
fn covers(of_other: &Document, other: &Rule, of_rule: &Document, rule: &Rule) -> bool {
    let scopes = [&of_rule.scope, &rule.when.scope];
    let is_demanded = |scope: &Scope| {
        let application =
            |wide: &NamePattern| scopes.iter().filter_map(|own| own.application.as_ref()).any(|own| wide.covers(own));
        let service =
            |wide: &ServicePattern| scopes.iter().filter_map(|own| own.service.as_ref()).any(|own| wide.covers(own));
        scope.application.as_ref().is_none_or(application) && scope.service.as_ref().is_none_or(service)
    };
    is_demanded(&of_other.scope) && is_demanded(&other.when.scope) && is_wider(&other.when, &rule.when)
}

/// The same of what is not the scope.
fn is_wider(other: &Condition, own: &Condition) -> bool {
    one_of(&other.methods, &own.methods, NamePattern::covers)
        && one_of(&other.source, &own.source, Network::covers)
        && all_of(&other.attachments, &own.attachments)
        && all_of(&other.parameters, &own.parameters)
}

/// Of lists of which one has to hold, and none where nothing is said: each of `own` is within one of `other`.
fn one_of<T>(other: &[T], own: &[T], covers: fn(&T, &T) -> bool) -> bool {
    other.is_empty() || (!own.is_empty() && own.iter().all(|own| other.iter().any(|other| covers(other, own))))
}

/// Of lists of which all have to hold: each of `other` is met by what one of `own` wants.
fn all_of(other: &[(Box<str>, Wanted)], own: &[(Box<str>, Wanted)]) -> bool {
    other.iter().all(|(key, other)| own.iter().any(|(own_key, own)| own_key == key && other.covers(own)))
}

impl Wanted {
    /// Whether every text that is as `other` wants it is as this one does. A text beyond [`VALUE_MAX_LEN`](crate::plan::VALUE_MAX_LEN) is
    /// there and like no pattern, so `*` does not cover what only has to be there.
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(own), Self::Text(other)) => own.covers(other),
            (Self::Present, Self::Text(_) | Self::Present) | (Self::Absent, Self::Absent) => true,
            _ => false,
        }
    }
}
