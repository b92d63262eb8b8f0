//! Whether a rule or a switch is about a call, and if not, why.
//!
//! Nothing here knows in which order they are asked, or what comes of it.

use wire::pattern::NamePattern;
use wire::tunnel::catalogue::ServiceKey;

use super::compiled::Asked;
use super::document::{Scope, Wanted};
use crate::call::{Call, Lookup};

/// Why a rule is not about a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mismatch<'r> {
    Application,
    Service,
    Method,
    Attachment(&'r str),
    Source,
    Parameter(&'r str),
}

impl std::fmt::Display for Mismatch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Application => f.write_str("it is about other applications"),
            Self::Service => f.write_str("it is about other services"),
            Self::Method => f.write_str("it is about other methods"),
            Self::Attachment(key) => write!(f, "attachment `{key}` is not what it wants"),
            Self::Source => f.write_str("it is about consumers at other addresses"),
            Self::Parameter(key) => write!(f, "the consumer's parameter `{key}` is not what it wants"),
        }
    }
}

impl Scope {
    pub fn exact_interface(&self) -> Option<&str> {
        self.service.as_ref().map(|service| service.interface()).filter(|name| name.is_exact()).map(NamePattern::as_str)
    }

    /// Whether it is about every call.
    pub(super) fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Why a call is outside. An application that nobody knows is meant only where none is named.
    pub(super) fn mismatch(&self, call: &Call<'_>) -> Option<Mismatch<'static>> {
        if let Some(wanted) = &self.application
            && !call.application.is_some_and(|application| wanted.matches(application))
        {
            return Some(Mismatch::Application);
        }
        match (&self.service, call.service) {
            (Some(wanted), Some(ServiceKey { interface, group, version })) => {
                (!wanted.matches(group, interface, version)).then_some(Mismatch::Service)
            }
            (Some(_), None) => Some(Mismatch::Service),
            (None, _) => None,
        }
    }
}

pub(super) fn is_method_meant(methods: &[NamePattern], call: &Call<'_>) -> bool {
    methods.is_empty() || methods.iter().any(|pattern| pattern.matches(call.method))
}

impl<'r> Asked<'r> {
    /// Whether the rule is about every call of `service`, whoever makes it.
    pub(super) fn is_about_all(&self, service: &ServiceKey) -> bool {
        let ServiceKey { interface, group, version } = service;
        let when = &self.rule.when;
        let is_of_all = |scope: &Scope| {
            scope.application.is_none()
                && scope.service.as_ref().is_none_or(|pattern| pattern.matches(group, interface, version))
        };
        is_of_all(&self.document.scope)
            && is_of_all(&when.scope)
            && when.methods.is_empty()
            && when.source.is_empty()
            && when.attachments.is_empty()
            && when.parameters.is_empty()
    }

    /// Whether nobody can say whether the rule is about this call who does not know the address of its caller.
    pub fn hangs_on_address(&self, call: &Call<'_>) -> bool {
        call.source.is_none() && matches!(self.mismatch(call), Some(Mismatch::Source))
    }

    /// Why the rule is not about this call; `None` where it is.
    pub fn mismatch(&self, call: &Call<'_>) -> Option<Mismatch<'r>> {
        let when = &self.rule.when;
        if let Some(outside) = self.document.scope.mismatch(call).or_else(|| when.scope.mismatch(call)) {
            return Some(outside);
        }
        if !is_method_meant(&when.methods, call) {
            return Some(Mismatch::Method);
        }
        if !when.source.is_empty()
            && !call.source.is_some_and(|address| when.source.iter().any(|network| network.contains(address)))
        {
            return Some(Mismatch::Source);
        }
        if let Some(key) = unmet(&when.attachments, call.attachments) {
            return Some(Mismatch::Attachment(key));
        }
        unmet(&when.parameters, call.parameters).map(Mismatch::Parameter)
    }
}

/// The first key whose text is not as wanted.
fn unmet<'r>(wanted: &'r [(Box<str>, Wanted)], texts: &dyn Lookup) -> Option<&'r str> {
    wanted.iter().find(|(key, wanted)| !wanted.is_met(texts.get(key).as_deref())).map(|(key, _)| &**key)
}
