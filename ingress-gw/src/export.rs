//! What this island lets others call: an ordered list of rules, the first that fits decides, and nothing is exported
//! that no rule allows. Pure; it never knows who calls, which is the hub's business.

use wire::pattern::{NamePattern, ServicePattern};
use wire::tunnel::catalogue::ServiceKey;

/// What a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Others may call it, as far as the hub's grants go.
    Allow,
    /// Nobody may.
    Deny,
}

/// What calls to an exported service may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// The provider's own token is put into calls that come without a right to it.
    pub supply_token: bool,
    /// Calls in a serialization that nobody here can read, and so nobody can check, are let through.
    pub opaque: bool,
    /// Generic calls may use other encodings than plain maps (`nativejava`, `bean`, …).
    pub any_generic: bool,
    /// Callers' islands that ask where a call would go are told the addresses of its providers.
    pub show_addresses: bool,
}

impl Terms {
    /// What both allow.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            supply_token: self.supply_token && other.supply_token,
            opaque: self.opaque && other.opaque,
            any_generic: self.any_generic && other.any_generic,
            show_addresses: self.show_addresses && other.show_addresses,
        }
    }
}

/// One `[[export.rule]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRule {
    /// Which services.
    pub service: ServicePattern,
    /// Of which providing applications; `None` for all, also those that do not say.
    pub application: Option<NamePattern>,
    /// What about them.
    pub action: Action,
    /// On which terms.
    pub terms: Terms,
}

/// The rules in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportPolicy {
    /// The first that fits decides.
    pub rules: Vec<ExportRule>,
}

/// What the policy says of one service at one provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is exported.
    Exported(Terms),
    /// The rule with this number, from 0, denies it.
    Denied(usize),
    /// No rule fits.
    NoRule,
}

impl ExportPolicy {
    /// Looks a service of a providing application up; an application that is not said is the empty text.
    #[must_use]
    pub fn verdict(&self, key: &ServiceKey, application: &str) -> Verdict {
        let fits = |rule: &ExportRule| {
            rule.service.matches(&key.group, &key.interface, &key.version)
                && rule.application.as_ref().is_none_or(|pattern| pattern.matches(application))
        };
        match self.rules.iter().enumerate().find(|(_, rule)| fits(rule)) {
            Some((_, ExportRule { action: Action::Allow, terms, .. })) => Verdict::Exported(*terms),
            Some((number, _)) => Verdict::Denied(number),
            None => Verdict::NoRule,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(service: &str, application: Option<&str>, action: Action) -> ExportRule {
        ExportRule {
            service: service.parse().unwrap(),
            application: application.map(|pattern| pattern.parse().unwrap()),
            action,
            terms: Terms::default(),
        }
    }

    fn key(interface: &str, group: &str, version: &str) -> ServiceKey {
        ServiceKey { interface: interface.into(), group: group.into(), version: version.into() }
    }

    #[test]
    fn nothing_is_exported_that_no_rule_allows() {
        let policy = ExportPolicy::default();
        assert_eq!(policy.verdict(&key("com.acme.Greeter", "", ""), "shop"), Verdict::NoRule);
        let policy = ExportPolicy { rules: vec![rule("com.acme.*", None, Action::Allow)] };
        assert_eq!(policy.verdict(&key("org.acme.Greeter", "", ""), "shop"), Verdict::NoRule);
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = vec![rule("com.acme.secret.*", None, Action::Deny), rule("com.acme.*", None, Action::Allow)];
        let policy = ExportPolicy { rules: rules.clone() };
        assert_eq!(policy.verdict(&key("com.acme.secret.Keys", "", ""), ""), Verdict::Denied(0));
        assert_eq!(policy.verdict(&key("com.acme.Greeter", "", ""), ""), Verdict::Exported(Terms::default()));
        let turned = ExportPolicy { rules: rules.into_iter().rev().collect() };
        assert_eq!(turned.verdict(&key("com.acme.secret.Keys", "", ""), ""), Verdict::Exported(Terms::default()));
    }

    #[test]
    fn group_version_and_application_narrow_a_rule() {
        let policy = ExportPolicy { rules: vec![rule("g1/com.acme.*:1.*", Some("shop-*"), Action::Allow)] };
        assert_eq!(policy.verdict(&key("com.acme.A", "g1", "1.2"), "shop-a"), Verdict::Exported(Terms::default()));
        for (group, version, application) in [
            ("", "1.2", "shop-a"),
            ("g2", "1.2", "shop-a"),
            ("g1", "2.0", "shop-a"),
            ("g1", "", "shop-a"),
            ("g1", "1.2", "bank"),
            ("g1", "1.2", ""),
        ] {
            let verdict = policy.verdict(&key("com.acme.A", group, version), application);
            assert_eq!(verdict, Verdict::NoRule, "{group} {version} {application}");
        }
    }
}
