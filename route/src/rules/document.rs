//! A document as it was read: true as far as a text alone can be true. Nothing here is compiled or in force.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use wire::pattern::{NamePattern, ServicePattern, TextPattern};
use wire::tunnel::catalogue::ServiceKey;

use super::values::Network;
use crate::plan::{Sticky, Target};

/// One text of rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub(super) name: Arc<str>,
    /// All of it is only about calls of these.
    pub(super) scope: Scope,
    pub(super) switches: Box<[Switch]>,
    pub(super) rules: Box<[Rule]>,
    pub(super) expectations: Box<[Expectation]>,
}

/// Why a text is no document. Shown: every mistake with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The document's name.
    pub document: Arc<str>,
    /// What is wrong, in the order of the text; never empty.
    pub mistakes: Vec<Mistake>,
}

/// One mistake in a text.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Mistake {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1.
    pub column: usize,
    /// `found …, wanted …`.
    pub what: String,
}

impl std::error::Error for Broken {}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "document `{}` is not taken: ", self.document)?;
        for (at, mistake) in self.mistakes.iter().enumerate() {
            write!(f, "{}{mistake}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.what)
    }
}

/// Whom something is about; what is not said is everybody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Scope {
    pub application: Option<NamePattern>,
    pub service: Option<ServicePattern>,
}

/// When something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Validity {
    pub from: Option<SystemTime>,
    pub until: Option<SystemTime>,
}

/// A rule: what it is about, and where such calls go.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    /// `document/name`.
    pub name: Arc<str>,
    /// The line it begins in.
    pub line: usize,
    pub priority: i32,
    pub enabled: bool,
    pub validity: Validity,
    pub when: Condition,
    pub act: Act,
}

/// An emergency switch: what it stops, and what the caller reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Switch {
    /// `document/name`.
    pub name: Arc<str>,
    /// The line it begins in.
    pub line: usize,
    pub enabled: bool,
    pub validity: Validity,
    /// Only calls to these targets; `None`: to whatever target.
    pub island: Option<NamePattern>,
    pub scope: Scope,
    pub methods: Box<[NamePattern]>,
    pub say: Box<str>,
}

/// All of what is said must hold of a call.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Condition {
    pub scope: Scope,
    pub methods: Box<[NamePattern]>,
    pub attachments: Box<[(Box<str>, Wanted)]>,
    pub source: Box<[Network]>,
    pub parameters: Box<[(Box<str>, Wanted)]>,
}

/// What is wanted of a named text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Wanted {
    Text(TextPattern),
    Present,
    Absent,
}

/// Where calls go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    Island(Target),
    Split {
        to: Box<[(Target, u32)]>,
        sticky: Option<Sticky>,
    },
    Failover(Box<[Target]>),
    LocalFirst {
        then: Box<[Target]>,
        back_after: Duration,
    },
    /// Empty: every island that offers the service.
    Nearest(Box<[Target]>),
    Refuse(Box<str>),
}

/// What must come of a call, if the document is right.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expectation {
    pub line: usize,
    /// When it is called; `None`: now.
    pub at: Option<SystemTime>,
    pub service: ServiceKey,
    pub method: Box<str>,
    pub application: Option<Box<str>>,
    pub target: Option<Box<str>>,
    pub attachments: std::collections::BTreeMap<String, String>,
    pub parameters: std::collections::BTreeMap<String, String>,
    pub source: Option<IpAddr>,
    pub offered: Vec<Arc<str>>,
    pub local: bool,
    pub goes: Goes,
}

/// Where a call is expected to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Goes {
    To(Target),
    Split(Box<[(Target, u32)]>),
    Refused,
}

impl Document {
    /// The name under which it stands in the config center.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How many rules and switches it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len() + self.switches.len()
    }

    /// Whether it has neither rules nor switches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Act {
    /// The targets it names.
    pub fn targets(&self) -> Vec<&Target> {
        match self {
            Self::Island(target) => vec![target],
            Self::Split { to, .. } => to.iter().map(|(target, _)| target).collect(),
            Self::Failover(targets) | Self::Nearest(targets) | Self::LocalFirst { then: targets, .. } => {
                targets.iter().collect()
            }
            Self::Refuse(_) => Vec::new(),
        }
    }
}

/// The name inside its document.
pub(super) fn short(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, short)| short)
}

fn joined<T: fmt::Display>(of: impl IntoIterator<Item = T>, between: &str) -> String {
    of.into_iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(between)
}

pub(super) fn shares(to: &[(Target, u32)]) -> String {
    to.iter().map(|(target, weight)| format!("{weight} to `{target}`")).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Island(target) => write!(f, "to `{target}`"),
            Self::Split { to, sticky } => {
                write!(f, "split {}", shares(to))?;
                match sticky {
                    Some(Sticky::Attachment(key)) => write!(f, ", sticky by attachment `{key}`"),
                    Some(Sticky::Source) => f.write_str(", sticky by source"),
                    Some(Sticky::Application) => f.write_str(", sticky by application"),
                    None => Ok(()),
                }
            }
            Self::Failover(targets) => write!(f, "to {}", joined(&**targets, ", else ")),
            Self::LocalFirst { then, back_after } => {
                write!(f, "to `local`, else {}, back after {back_after:?}", joined(&**then, ", else "))
            }
            Self::Nearest(targets) if targets.is_empty() => f.write_str("to the nearest that offers it"),
            Self::Nearest(targets) => write!(f, "to the nearest of {}", joined(&**targets, ", ")),
            Self::Refuse(say) => write!(f, "refused with \"{say}\""),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.application, &self.service) {
            (None, None) => f.write_str("every call"),
            (Some(application), None) => write!(f, "application `{application}`"),
            (None, Some(service)) => write!(f, "service `{service}`"),
            (Some(application), Some(service)) => write!(f, "application `{application}`, service `{service}`"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.scope.fmt(f)?;
        if !self.methods.is_empty() {
            write!(f, ", methods {}", joined(&*self.methods, ", "))?;
        }
        for (key, wanted) in &*self.attachments {
            write!(f, ", attachment `{key}` {wanted}")?;
        }
        if !self.source.is_empty() {
            write!(f, ", source {}", joined(&*self.source, ", "))?;
        }
        for (key, wanted) in &*self.parameters {
            write!(f, ", parameter `{key}` {wanted}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(pattern) => write!(f, "`{pattern}`"),
            Self::Present => f.write_str("present"),
            Self::Absent => f.write_str("absent"),
        }
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.island {
            Some(island) => write!(f, "stops {} to `{island}`", self.scope)?,
            None => write!(f, "stops {}", self.scope)?,
        }
        if !self.methods.is_empty() {
            write!(f, ", methods {}", joined(&*self.methods, ", "))?;
        }
        write!(f, ", saying \"{}\"{}", self.say, self.validity)
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(from) = self.from {
            write!(f, ", from {}", humantime::format_rfc3339(from))?;
        }
        if let Some(until) = self.until {
            write!(f, ", until {}", humantime::format_rfc3339(until))?;
        }
        Ok(())
    }
}
