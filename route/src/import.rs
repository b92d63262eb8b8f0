//! Which services of which islands this island wants: an ordered list of rules, the first that speaks decides.
//!
//! Importing is the island's own choice and says nothing about permission: the hub still has to grant the call. Without
//! a rule nothing is imported. Never reads a file; never knows what is offered.

use wire::pattern::{NamePattern, ServicePattern};
use wire::tunnel::catalogue::ServiceKey;

/// One rule of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRule {
    /// The islands meant.
    pub island: NamePattern,
    /// The services meant.
    pub service: ServicePattern,
    /// What the rule says about them.
    pub verdict: Verdict,
    /// Whether they may be published where this island has providers of its own.
    pub beside_local: BesideLocal,
    /// Methods that may run twice without harm, says the operator: their calls get a status that consumers repeat.
    pub idempotent: Vec<NamePattern>,
    /// Whether links say their calls and answers as they are, so that lengths tell nothing of what else was said.
    pub plain: bool,
}

impl ImportRule {
    /// Whether `method` may run twice without harm.
    #[must_use]
    pub fn is_idempotent(&self, method: &str) -> bool {
        self.idempotent.iter().any(|pattern| pattern.matches(method))
    }
}

/// What an import rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Take it.
    Import,
    /// Leave it, whatever later rules say.
    Leave,
}

/// Whether a service of another island may stand beside local providers of it, so that consumers use both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BesideLocal {
    /// No: local providers, now or a while ago, keep their consumers.
    #[default]
    Never,
    /// Yes, because the operator said so.
    Allowed,
}

/// The ordered rules. The default imports nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imports {
    rules: Vec<ImportRule>,
}

impl Imports {
    /// The rules in the order in which they are asked.
    #[must_use]
    pub fn new(rules: Vec<ImportRule>) -> Self {
        Self { rules }
    }

    /// Whether `service` of `island` is imported.
    #[must_use]
    pub fn import(&self, island: &str, service: &ServiceKey) -> bool {
        self.rule(island, service).is_some()
    }

    /// The rule by which `service` of `island` is imported; `None` when it is not.
    #[must_use]
    pub fn rule(&self, island: &str, service: &ServiceKey) -> Option<&ImportRule> {
        let ServiceKey { interface, group, version } = service;
        let mut rules = self.rules.iter();
        let speaks =
            rules.find(|rule| rule.island.matches(island) && rule.service.matches(group, interface, version))?;
        (speaks.verdict == Verdict::Import).then_some(speaks)
    }

    /// Whether anything of `island` may be imported at all. An opaque call names no service, so this is all that can be
    /// asked for it.
    #[must_use]
    pub fn import_any(&self, island: &str) -> bool {
        self.rules.iter().any(|rule| rule.verdict == Verdict::Import && rule.island.matches(island))
    }

    /// Whether some service of `island` is to be said plainly, so that a call is that names none.
    #[must_use]
    pub fn has_plain(&self, island: &str) -> bool {
        self.rules.iter().any(|rule| rule.plain && rule.island.matches(island))
    }

    /// The islands that rules name exactly, whatever they say of them; some more than once.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().filter(|rule| rule.island.is_exact()).map(|rule| rule.island.as_str())
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule, so that nothing is imported.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{imports, service};

    #[test]
    fn without_a_rule_nothing_is_imported() {
        assert!(!Imports::default().import("shanghai", &service("com.acme.Greeter")));
        assert!(!Imports::default().import_any("shanghai"));
    }

    #[test]
    fn the_first_rule_that_speaks_decides() {
        let imports = imports(&[
            ("shanghai", "com.acme.internal.*", Verdict::Leave),
            ("shanghai", "com.acme.*", Verdict::Import),
            ("*", "com.acme.Greeter", Verdict::Import),
        ]);
        assert!(imports.import("shanghai", &service("com.acme.Greeter")));
        assert!(!imports.import("shanghai", &service("com.acme.internal.Ledger")));
        assert!(imports.import("beijing", &service("com.acme.Greeter")));
        assert!(!imports.import("beijing", &service("com.acme.Other")));
    }

    #[test]
    fn an_opaque_call_needs_some_import_of_its_island() {
        let imports = imports(&[("shanghai", "*", Verdict::Import), ("beijing", "*", Verdict::Leave)]);
        assert!(imports.import_any("shanghai"));
        assert!(!imports.import_any("beijing"));
    }

    #[test]
    fn a_call_that_names_no_service_is_plain_where_any_of_the_island_is() {
        let mut rules = imports(&[("shanghai", "com.acme.Login", Verdict::Import), ("*", "*", Verdict::Import)]).rules;
        rules[0].plain = true;
        let imports = Imports::new(rules);
        assert!(imports.has_plain("shanghai") && !imports.has_plain("beijing"));
        let plain = |name| imports.rule("shanghai", &service(name)).is_some_and(|rule| rule.plain);
        assert!(plain("com.acme.Login") && !plain("com.acme.Greeter"));
    }
}
