//! What gates know: islands that offer Greeter, rules, providers of the own island.

use std::collections::HashSet;
use std::sync::Arc;

use route::rules::Rules;
use route::{BesideLocal, Health, ImportRule, Imports, Known, Offer, Snapshot, Verdict, View};
use wire::tunnel::Keyed;
use wire::tunnel::catalogue::ServiceKey;

use super::providers::served;
use crate::islands::Islands;
use crate::local::Local;

/// Island `cloud`; shanghai offers Greeter, which is imported.
pub fn snapshot(generation: u64) -> Snapshot {
    snapshot_with(generation, HashSet::new())
}

/// The same, where these services are also offered in the own island.
pub fn snapshot_with(generation: u64, local: HashSet<Keyed>) -> Snapshot {
    Snapshot::new(generation, Known { local, ..known(&["shanghai"]) })
}

/// The same of these islands, under these rules.
pub fn snapshot_ruled(generation: u64, islands: &[&str], rules: Rules) -> Snapshot {
    Snapshot::new(generation, Known { rules: Arc::new(rules), ..known(islands) })
}

/// The same where `local` are the providers of this island.
pub fn snapshot_ruled_beside(generation: u64, islands: &[&str], rules: Rules, local: &Local) -> Snapshot {
    Snapshot::new(generation, Known { rules: Arc::new(rules), local: served(local), ..known(islands) })
}

/// These islands were heard of.
pub fn heard_of(islands: &[&str]) -> Arc<Islands> {
    Arc::new(Islands::default().with(&Imports::default(), islands.iter().copied()).unwrap())
}

fn known(islands: &[&str]) -> Known {
    let key = ServiceKey { interface: "com.acme.Greeter".to_owned(), ..ServiceKey::default() };
    let offer = |island: &&str| (key.clone().into(), Offer { island: (*island).into(), health: Health::Healthy });
    let rule = ImportRule {
        island: "*".parse().unwrap(),
        service: "com.acme.*".parse().unwrap(),
        verdict: Verdict::Import,
        beside_local: BesideLocal::Never,
        idempotent: vec!["get*".parse().unwrap()],
    };
    Known {
        own_island: "cloud".into(),
        view: View::Complete,
        imports: Imports::new(vec![rule]),
        offers: islands.iter().map(offer).collect(),
        ..Known::default()
    }
}
