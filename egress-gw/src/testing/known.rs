//! What gates know: islands that offer Greeter, rules, providers and consumers of the own island.

use std::collections::HashSet;
use std::sync::Arc;

use route::rules::Rules;
use route::{BesideLocal, Health, ImportRule, Imports, Known, Offer, Snapshot, Verdict, View};
use wire::tunnel::Keyed;
use wire::tunnel::catalogue::ServiceKey;

use super::providers::served;
use crate::islands::Islands;
use crate::knowledge::{Consumers, Heeded};
use crate::local::Local;
use crate::reference::Prefixes;

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

/// The same of no island, while no hub has told what there is.
pub fn snapshot_untold(generation: u64, rules: Rules, local: &Local) -> Snapshot {
    Snapshot::new(generation, Known { view: View::Partial, rules: Arc::new(rules), local: served(local), ..known(&[]) })
}

/// These islands were heard of.
pub fn heard_of(islands: &[&str]) -> Arc<Islands> {
    Arc::new(Islands::default().with(&Imports::default(), islands.iter().copied()).unwrap())
}

/// What these islands offer of this service.
pub fn offered(service: &str, islands: &[&str]) -> Vec<(Keyed, Offer)> {
    let key = ServiceKey { interface: service.to_owned(), ..ServiceKey::default() };
    let offer = |island: &&str| (key.clone().into(), Offer { island: (*island).into(), health: Health::Healthy });
    islands.iter().map(offer).collect()
}

/// Island `cloud`, which imports what these offer: Greeter.
pub fn known(islands: &[&str]) -> Known {
    let rule = ImportRule {
        island: "*".parse().unwrap(),
        service: "com.acme.*".parse().unwrap(),
        verdict: Verdict::Import,
        beside_local: BesideLocal::Never,
        idempotent: vec!["get*".parse().unwrap()],
        plain: false,
    };
    Known {
        own_island: "cloud".into(),
        view: View::Complete,
        imports: Imports::new(vec![rule]),
        offers: offered("com.acme.Greeter", islands),
        ..Known::default()
    }
}

/// What consumers at the tests' address say with their references to the greeter; rules look at their zone.
pub fn references(said: &[(&str, &[(&str, &str)])]) -> Consumers {
    let mut consumers = Consumers::default();
    let heeded = Heeded { prefixes: &Prefixes::default(), parameters: ["zone"].into() };
    for (application, parameters) in said {
        let parameters = zk_bridge::Parameters(parameters.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect());
        let node = zk_bridge::Consumer {
            application: Some((*application).to_owned()),
            host: "127.0.0.1".to_owned(),
            interface: "com.acme.Greeter".to_owned(),
            group: None,
            version: None,
            parameters,
        };
        consumers.add_node(&Arc::new(node), &heeded);
    }
    consumers
}
