//! Documents in force: which rules and switches can be about a call, in the order in which they are asked.
//!
//! ```text
//!  order   priority, high first ▸ how exactly interface, group, version, application are said ▸ document's name ▸ place in it
//!  index   exact interface ─▶ rules about it      ┐
//!          everything else ─▶ rules with patterns ┴─▶ merged in that order; only these are looked at, and only what they
//!                                                     look at is read of a call
//! ```
//!
//! The order depends on what documents say and how they are named, never on the order in which they came. There is no clock:
//! whoever makes the rules says what time it is, and makes them anew at [`Rules::next_change`].

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustc_hash::FxHashMap;
use wire::pattern::NamePattern;
use wire::tunnel::catalogue::ServiceKey;

use super::document::{Act, Condition, Document, Rule, Scope, Switch, Validity};
use super::meant::is_method_meant;
use super::read::RULES_MAX;
use super::reads::{Looks, Reads};
use crate::call::Call;

/// All rules and switches that hold at one moment. The default has none.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Ordered<Rank>,
    switches: Ordered<()>,
    next_change: Option<SystemTime>,
    back_after: Box<[Duration]>,
}

/// More rules than are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "found {found} rules and switches in all documents, wanted at most {RULES_MAX}; remove some, or write patterns"
)]
pub struct TooMany {
    /// How many there are.
    pub found: usize,
}

/// How a rule stands to those of other documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    priority: Reverse<i32>,
    /// Of interface, group, version, application.
    exactness: Reverse<[Exactness; 4]>,
}

/// How exactly something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exactness {
    Unsaid,
    Pattern,
    Exact,
}

/// Places in documents in the order in which they are asked, found by interface.
#[derive(Debug, Clone)]
struct Ordered<R> {
    all: Box<[Placed<R>]>,
    /// Its keys are the rules' own; who only looks up cannot make them collide.
    by_interface: FxHashMap<Box<str>, Found>,
    /// With patterns.
    general: Found,
    /// Where nothing is looked at.
    blind: Arc<Looks>,
}

/// Some of them.
#[derive(Debug, Clone, Default)]
struct Found {
    /// Their places in the order.
    numbers: Box<[u32]>,
    /// What they look at; the same where that is alike.
    looks: Arc<Looks>,
}

#[derive(Debug, Clone)]
struct Placed<R> {
    document: Arc<Document>,
    at: u32,
    rank: R,
}

impl Placed<Rank> {
    fn rule(&self) -> &Rule {
        &self.document.rules[self.at as usize]
    }
}

impl<R> Default for Ordered<R> {
    fn default() -> Self {
        Self {
            all: Box::default(),
            by_interface: FxHashMap::default(),
            general: Found::default(),
            blind: Arc::default(),
        }
    }
}

/// A rule in the order in which all are asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing<'r> {
    pub document: &'r Document,
    pub rule: &'r Rule,
}

/// A switch that stops a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop<'r> {
    pub switch: &'r Switch,
    pub meant: Meant,
}

/// Whether a switch means a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meant {
    Surely,
    /// The call cannot be read.
    Perhaps,
}

/// A rule that is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'r> {
    pub document: &'r Document,
    pub rule: &'r Rule,
    pub rank: Rank,
}

impl Rules {
    /// The rules of these documents that hold at `now`, in whatever order the documents come.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn new(documents: impl IntoIterator<Item = Arc<Document>>, now: SystemTime) -> Result<Self, TooMany> {
        let mut documents: Vec<Arc<Document>> = documents.into_iter().collect();
        documents.sort_by(|a, b| a.name.cmp(&b.name));
        let found = documents.iter().map(|document| document.len()).sum();
        if found > RULES_MAX {
            return Err(TooMany { found });
        }
        let mut next_change = None;
        let (mut rules, mut switches) = (Vec::new(), Vec::new());
        for document in &documents {
            for (at, rule) in (0..).zip(&document.rules) {
                if rule.enabled && rule.validity.holds(now, &mut next_change) {
                    rules.push(Placed { document: document.clone(), at, rank: Rank::of(document, rule) });
                }
            }
            for (at, switch) in (0..).zip(&document.switches) {
                if switch.enabled && switch.validity.holds(now, &mut next_change) {
                    switches.push(Placed { document: document.clone(), at, rank: () });
                }
            }
        }
        // Stable, so that equals stay in the order of documents and of their texts.
        rules.sort_by_key(|placed| placed.rank);
        let acts = rules.iter().map(|placed| &placed.rule().act);
        let back_after: BTreeSet<Duration> = acts
            .filter_map(|act| match act {
                Act::LocalFirst { back_after, .. } => Some(*back_after),
                _ => None,
            })
            .collect();
        let mut rules = Ordered::new(rules, |document, at| &document.rules[at].when.scope);
        rules.look(|placed| &placed.rule().when);
        Ok(Self {
            rules,
            switches: Ordered::new(switches, |document, at| &document.switches[at].scope),
            next_change,
            back_after: back_after.into_iter().collect(),
        })
    }

    /// When time alone makes other rules of the same documents.
    #[must_use]
    pub fn next_change(&self) -> Option<SystemTime> {
        self.next_change
    }

    /// What those look at that can be about calls of this interface; `None`: of an opaque call.
    #[must_use]
    pub fn reads(&self, interface: Option<&str>) -> Reads<'_> {
        let own = interface.and_then(|interface| self.rules.by_interface.get(interface));
        Reads::new(&self.rules.general.looks, own.map_or(&self.rules.blind, |own| &own.looks))
    }

    /// The keys of parameters of consumers' nodes at which any rule looks; some more than once.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        let all = self.rules.by_interface.values().chain([&self.rules.general]);
        all.flat_map(|found| found.looks.parameters())
    }

    /// How many rules and switches hold.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.all.len() + self.switches.all.len()
    }

    /// Whether none holds.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The hold-downs of all rules that prefer local providers, ascending.
    pub(crate) fn back_after(&self) -> &[Duration] {
        &self.back_after
    }

    /// The hold-down of the rule, if there is one, by which all calls of `service` prefer local providers. A rule for some applications,
    /// methods or callers is none: who publishes a way out for consumers publishes it for all of them.
    #[must_use]
    pub fn local_first(&self, service: &ServiceKey) -> Option<Duration> {
        self.about(service).find_map(|asked| match &asked.rule.act {
            Act::LocalFirst { back_after, .. } if asked.is_about_all(service) => Some(*back_after),
            _ => None,
        })
    }

    /// Whether any rule goes by how far islands are.
    #[must_use]
    pub fn looks_at_distances(&self) -> bool {
        self.rules.all.iter().any(|placed| matches!(placed.rule().act, Act::Nearest(_)))
    }

    /// All rules that hold, in their order.
    pub(super) fn standing(&self) -> impl Iterator<Item = Standing<'_>> {
        self.rules.all.iter().map(|placed| Standing { document: &placed.document, rule: placed.rule() })
    }

    /// The rules that can be about calls of `service`, in their order.
    pub(crate) fn about(&self, service: &ServiceKey) -> impl Iterator<Item = Asked<'_>> {
        let rules = self.rules.about(Some(service));
        rules.map(|placed| Asked { document: &placed.document, rule: placed.rule(), rank: placed.rank })
    }

    /// The switches that are about this call, with their targets or without, in their order. Of an opaque call nobody knows whom and
    /// what it calls: whatever a switch stops, it may be that.
    pub(crate) fn stopping(&self, call: &Call<'_>) -> impl Iterator<Item = Stop<'_>> {
        let switches = self.switches.about(call.service);
        switches.filter_map(|placed| {
            let switch = &placed.document.switches[placed.at as usize];
            let scopes = [&placed.document.scope, &switch.scope];
            let meant = if call.service.is_none() {
                let all = scopes.iter().all(|scope| scope.is_all()) && switch.methods.is_empty();
                if all { Meant::Surely } else { Meant::Perhaps }
            } else {
                let meant = scopes.iter().all(|scope| scope.mismatch(call).is_none());
                (meant && is_method_meant(&switch.methods, call)).then_some(Meant::Surely)?
            };
            Some(Stop { switch, meant })
        })
    }
}

impl<R> Ordered<R> {
    fn new(all: Vec<Placed<R>>, scope: impl Fn(&Document, usize) -> &Scope) -> Self {
        let (mut by_interface, mut general) = (FxHashMap::<Box<str>, Vec<u32>>::default(), Vec::new());
        for (number, placed) in (0..).zip(&all) {
            let own = scope(&placed.document, placed.at as usize);
            match own.exact_interface().or(placed.document.scope.exact_interface()) {
                Some(interface) => by_interface.entry(interface.into()).or_default().push(number),
                None => general.push(number),
            }
        }
        let blind = Arc::<Looks>::default();
        let found = |numbers: Vec<u32>| Found { numbers: numbers.into(), looks: blind.clone() };
        let by_interface = by_interface.into_iter().map(|(interface, all)| (interface, found(all))).collect();
        Self { all: all.into(), by_interface, general: found(general), blind }
    }

    /// Finds out what they look at; the most of them look at the same.
    fn look(&mut self, when: impl Fn(&Placed<R>) -> &Condition) {
        let Self { all, by_interface, general, blind } = self;
        let mut alike = HashSet::from([blind.clone()]);
        for found in by_interface.values_mut().chain([general]) {
            let looks = Looks::of(found.numbers.iter().map(|number| when(&all[*number as usize])));
            found.looks = alike.get(&looks).cloned().unwrap_or_else(|| Arc::new(looks));
            alike.insert(found.looks.clone());
        }
    }

    /// What can be about calls of `service`; of an opaque call, whose service nobody knows, everything.
    fn about(&self, service: Option<&ServiceKey>) -> impl Iterator<Item = &Placed<R>> {
        let exact = service.and_then(|service| self.by_interface.get(service.interface.as_str()));
        let mut exact = exact.map_or(&[][..], |exact| &exact.numbers).iter().peekable();
        let mut general = self.general.numbers.iter().peekable();
        let mut all = if service.is_none() { self.all.iter() } else { [].iter() };
        std::iter::from_fn(move || {
            if service.is_none() {
                return all.next();
            }
            let next = match (exact.peek(), general.peek()) {
                (Some(a), Some(b)) if a < b => exact.next(),
                (_, Some(_)) => general.next(),
                _ => exact.next(),
            };
            next.map(|number| &self.all[*number as usize])
        })
    }
}

impl Rank {
    fn of(document: &Document, rule: &Rule) -> Self {
        let said = |scope: &Scope| {
            let service = scope.service.as_ref();
            let service =
                [service.map(|s| s.interface()), service.and_then(|s| s.group()), service.and_then(|s| s.version())];
            let [interface, group, version] = service.map(Exactness::of);
            [interface, group, version, Exactness::of(scope.application.as_ref())]
        };
        let (of_all, own) = (said(&document.scope), said(&rule.when.scope));
        let exactness = std::array::from_fn(|part| of_all[part].max(own[part]));
        Self { priority: Reverse(rule.priority), exactness: Reverse(exactness) }
    }
}

impl Exactness {
    fn of(pattern: Option<&NamePattern>) -> Self {
        match pattern {
            None => Self::Unsaid,
            Some(pattern) if pattern.is_all() => Self::Unsaid,
            Some(pattern) if pattern.is_exact() => Self::Exact,
            Some(_) => Self::Pattern,
        }
    }
}

impl Validity {
    /// Whether it holds at `now`; `next` becomes the earliest moment at which that is otherwise for anything.
    fn holds(&self, now: SystemTime, next: &mut Option<SystemTime>) -> bool {
        let coming = [self.from, self.until].into_iter().flatten().filter(|at| *at > now);
        *next = coming.chain(*next).min();
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}
