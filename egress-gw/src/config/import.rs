//! `[import]`: what this island wants from others, and how its registry shows it.

use std::time::Duration;

use chassis::Mistakes;
use route::{BesideLocal, ImportRule, Imports, Verdict};
use wire::pattern::{NamePattern, ServicePattern};

use super::raw::{RawImport, RawPublish, RawRule};

/// An island's services stay published this long after it was last seen, so that nothing flaps.
const HOLD_DOWN: Duration = Duration::from_secs(30);
/// A service counts as local for a day after its last local provider.
const LOCAL_MEMORY: Duration = Duration::from_secs(24 * 3600);

/// A service is wanted for ten minutes after its last consumer: a consumer on 2.x that checks at its start fails before a node
/// could appear, and finds it when it is started again.
const DEMAND_MEMORY: Duration = Duration::from_secs(600);

/// When a virtual provider is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publish {
    /// As soon as it is imported and offered.
    Imported,
    /// Only while a consumer of this island subscribes, and for a while after.
    OnDemand {
        /// So long.
        memory: Duration,
    },
}

/// Section `[import]`, settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// When a virtual provider is written.
    pub publish: Publish,
    /// How long an island that is gone still counts.
    pub hold_down: Duration,
    /// How long a service counts as local after its last local provider went.
    pub local_memory: Duration,
    /// The rules.
    pub imports: Imports,
}

/// Checks the section.
pub fn settle(raw: RawImport, mistakes: &mut Mistakes) -> Import {
    let rules = raw.rule.into_iter().enumerate().filter_map(|(at, rule)| settle_rule(at, rule, mistakes)).collect();
    Import {
        publish: match raw.publish {
            None | Some(RawPublish::Imported) => Publish::Imported,
            Some(RawPublish::OnDemand) => {
                Publish::OnDemand { memory: raw.demand_memory.map_or(DEMAND_MEMORY, Duration::from) }
            }
        },
        hold_down: raw.hold_down.map_or(HOLD_DOWN, Duration::from),
        local_memory: raw.local_memory.map_or(LOCAL_MEMORY, Duration::from),
        imports: Imports::new(rules),
    }
}

fn settle_rule(at: usize, raw: RawRule, mistakes: &mut Mistakes) -> Option<ImportRule> {
    let key = |name: &str| format!("import.rule[{at}].{name}");
    let island = mistakes.require(&key("island"), raw.island, "an island, or a pattern such as \"*\"");
    let service = mistakes.require(&key("service"), raw.service, "a service pattern such as \"com.acme.*\"");
    let island: Option<NamePattern> =
        island.and_then(|text| said(text.parse::<NamePattern>(), &key("island"), mistakes));
    let service: Option<ServicePattern> =
        service.and_then(|text| said(text.parse::<ServicePattern>(), &key("service"), mistakes));
    let idempotent = raw.idempotent.iter().enumerate();
    let idempotent: Vec<NamePattern> = idempotent
        .filter_map(|(nth, text)| said(text.parse(), &format!("import.rule[{at}].idempotent[{nth}]"), mistakes))
        .collect();
    if raw.leave && raw.beside_local {
        mistakes.say(&key("beside_local"), "says how to publish what `leave` leaves, wanted one of the two");
    }
    if raw.leave && raw.plain {
        mistakes.say(&key("plain"), "says how links carry what `leave` leaves, wanted one of the two");
    }
    Some(ImportRule {
        island: island?,
        service: service?,
        verdict: if raw.leave { Verdict::Leave } else { Verdict::Import },
        beside_local: if raw.beside_local { BesideLocal::Allowed } else { BesideLocal::Never },
        idempotent,
        plain: raw.plain,
    })
}

fn said<T>(parsed: Result<T, wire::pattern::BadPattern>, key: &str, mistakes: &mut Mistakes) -> Option<T> {
    parsed.map_err(|error| mistakes.say(key, error.to_string())).ok()
}
