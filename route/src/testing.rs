//! Builders for the tests of this crate.

use wire::tunnel::catalogue::ServiceKey;

use crate::import::{BesideLocal, ImportRule, Imports, Verdict};
use crate::snapshot::{Health, Known, Offer, Snapshot, View};

pub mod greeter;

/// A key from `[group/]interface[:version]`.
pub fn service(text: &str) -> ServiceKey {
    let (group, rest) = text.split_once('/').unwrap_or(("", text));
    let (interface, version) = rest.split_once(':').unwrap_or((rest, ""));
    ServiceKey { interface: interface.into(), group: group.into(), version: version.into() }
}

/// An offer of an island.
pub fn offer(island: &str, health: Health) -> Offer {
    Offer { island: island.into(), health }
}

/// Rules in their order.
pub fn imports(rules: &[(&str, &str, Verdict)]) -> Imports {
    let rule = |(island, service, verdict): &(&str, &str, Verdict)| ImportRule {
        island: island.parse().unwrap(),
        service: service.parse().unwrap(),
        verdict: *verdict,
        beside_local: BesideLocal::Never,
        idempotent: Vec::new(),
        plain: false,
    };
    Imports::new(rules.iter().map(rule).collect())
}

/// Island `cloud` knows everything: these offers, and local providers of none.
pub fn snapshot<'a>(imports: Imports, offers: impl IntoIterator<Item = (&'a str, Offer)>) -> Snapshot {
    Snapshot::new(1, known(imports, offers))
}

/// What such a snapshot is made of.
pub fn known<'a>(imports: Imports, offers: impl IntoIterator<Item = (&'a str, Offer)>) -> Known {
    let offers = offers.into_iter().map(|(key, offer)| (service(key).into(), offer)).collect();
    Known { own_island: "cloud".into(), view: View::Complete, imports, offers, ..Known::default() }
}
