//! Every difference between a call through Highway and a direct one that is meant to be, and why. A run fails on one that is not
//! here, and on one that is here and does not happen.

use serde_json::Value;

use super::cases::{ALL, Case};
use super::table::Cell;

/// Some cases of some pairs that differ, for one reason.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    /// Which cases; with none, every case that no difference before it speaks of.
    pub cases: &'static [&'static str],
    /// Of which consumers.
    pub consumers: Who,
    /// Of which providers.
    pub providers: Who,
    /// What the consumer sees through Highway, or what the provider received that way, says this.
    pub through: &'static str,
    /// Why, in a sentence.
    pub reason: &'static str,
}

/// As the cases of a difference.
pub(super) const EVERY_OTHER: &[&str] = &[];

/// Some members, by their names or by their releases: `3.3.6` is `3.3.6-simplified` as well.
#[derive(Debug, Clone, Copy)]
pub enum Who {
    /// Every one.
    All,
    /// These.
    Only(&'static [&'static str]),
    /// Every other one.
    Not(&'static [&'static str]),
}

impl Who {
    /// Whether it is one of them.
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        let is = |one: &&str| name.strip_prefix(one).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        match self {
            Who::All => true,
            Who::Only(these) => these.iter().any(is),
            Who::Not(others) => !others.iter().any(is),
        }
    }
}

impl Difference {
    /// Whether it speaks of this cell.
    #[must_use]
    pub fn covers(&self, cell: &Cell) -> bool {
        let case = self.cases.is_empty() || self.cases.contains(&cell.case.name);
        case && self.consumers.has(&cell.consumer) && self.providers.has(&cell.provider)
    }

    /// Whether the cell is what it speaks of.
    #[must_use]
    pub fn shows(&self, cell: &Cell) -> bool {
        let says = |seen: &Value| seen.to_string().contains(self.through);
        says(&cell.through.outcomes) || says(&cell.through.received)
    }
}

/// Cases that a member does not do.
#[derive(Debug)]
pub struct LeftOut {
    /// Who.
    pub members: Who,
    /// Which.
    pub cases: &'static [&'static str],
    /// Why, in a sentence.
    pub reason: &'static str,
}

pub(super) const REFUSED: &str = "this kind of generic call carries code or bytes of its own, so a grant at the hub has to name it; where a grant says \
                       nothing, `true` and `raw.return` cross";

pub(super) const ERRORS_IN_FASTJSON2: &str = "a 3.2 provider, and a 3.3 one that prefers fastjson2, tells its errors in fastjson2 even to consumers that do not have it, which then read \
     `Unrecognized serialize type from consumer: 23`; Highway writes them again as hessian2, so that they read what was wrong";
pub(super) const COMPLAINT_IN_FASTJSON2: &str = "the peer learns how long an answer may be from the provider's complaint about a longer one, which it cannot read directly (see the \
     difference before)";

/// Why a consumer reaches more through Highway than in its own island.
pub(super) const BOTH_LEVELS: &str = "a virtual provider is registered at both levels, so that through Highway a consumer reaches what it cannot find \
                           in its own island";

/// What there is to see of cases through Highway, in their order.
pub(super) type Shown = [(&'static str, &'static [&'static str])];

/// A difference for each, all for one reason.
pub(super) fn shown(cases: &Shown, consumers: Who, providers: Who, reason: &'static str) -> Vec<Difference> {
    cases.iter().map(|&(through, cases)| Difference { cases, consumers, providers, through, reason }).collect()
}

/// What there is to see of each case once a consumer has found its provider, both being Java.
pub(super) const FOUND: &Shown = &[
    ("arrived", &["one-way", "one-way.unsent"]),
    ("OutOfStockException", &["thrown.declared", "thrown.caused", "generic.thrown"]),
    ("IllegalStateException", &["thrown.runtime", "thrown.no-message"]),
    ("from a library", &["thrown.foreign"]),
    ("from a newer interface", &["thrown.unknown-class"]),
    ("timeout", &["timeout"]),
    ("nowhere", &["generic.unknown-method"]),
    ("no grant lets", &["generic.nativejava", "generic.bean", "generic.protobuf-json"]),
    ("the provider saw", &["attachments.request", "attachments.of-the-line", "attachments.object"]),
    ("the consumer saw", &["attachments.reply"]),
    ("is over Dubbo's limit", &["payload.request"]),
    ("too large", &["payload.request-over", "payload.reply-over"]),
    ("\"1000\"", &["callers"]),
    ("returned", EVERY_OTHER),
];

/// At default settings.
pub const KNOWN: [Difference; 8] = [
    Difference {
        cases: &["attachments.of-the-line"],
        consumers: Who::All,
        providers: Who::All,
        through: "highway.source.island",
        reason: "a provider sees from which island and application a call came (`highway.source.island`, \
                 `highway.source.application`), and may ignore it",
    },
    Difference {
        cases: &["generic.nativejava"],
        consumers: Who::All,
        providers: Who::All,
        through: "no grant lets",
        reason: REFUSED,
    },
    Difference {
        cases: &["generic.bean"],
        consumers: Who::Only(&["2.6.12", "2.7.23", "3.1.11"]),
        providers: Who::All,
        through: "no grant lets",
        reason: REFUSED,
    },
    Difference {
        // With other providers these consumers refuse to write the argument at all.
        cases: &["generic.bean"],
        consumers: Who::Only(&["3.2.16", "3.3.6"]),
        providers: Who::Only(&["3.2.16"]),
        through: "no grant lets",
        reason: REFUSED,
    },
    Difference {
        cases: &["generic.protobuf-json"],
        consumers: Who::All,
        providers: Who::All,
        through: "no grant lets",
        reason: REFUSED,
    },
    Difference {
        cases: &["generic.unknown-method", "payload.reply-over"],
        consumers: Who::Only(&["2.6.12", "2.7.23"]),
        providers: Who::Only(&["3.2.16"]),
        through: "",
        reason: ERRORS_IN_FASTJSON2,
    },
    Difference {
        cases: &["payload.reply"],
        consumers: Who::Only(&["2.6.12", "2.7.23"]),
        providers: Who::Only(&["3.2.16"]),
        through: "returned",
        reason: COMPLAINT_IN_FASTJSON2,
    },
    Difference {
        cases: &["payload.request"],
        // It sends no body as large as that.
        consumers: Who::Not(&["go"]),
        providers: Who::All,
        through: "with the calling island and the provider's path in it, is over Dubbo's limit",
        reason: "a provider must see from which island a call comes, which takes up to 56 bytes; a body that leaves no room for them is \
                 refused, with its length",
    },
];

/// What cannot be done at all.
pub const LEFT_OUT: [LeftOut; 1] = [LeftOut {
    members: Who::Only(&["2.6.12"]),
    cases: &["async.signature", "attachments.object", "generic.async", "generic.raw.return", "generic.protobuf-json"],
    reason: "came with Dubbo 2.7 or later",
}];

/// What a member leaves out without a reason on the list, and what the list says and it does.
pub(super) fn gaps(name: &str, list: &[LeftOut], does: impl Fn(&Case) -> bool) -> Vec<String> {
    let gap = |case: &Case| {
        let listed = list.iter().any(|left| left.members.has(name) && left.cases.contains(&case.name));
        match (does(case), listed) {
            (true, true) => Some(format!("{name} does {}, which is listed as left out\n", case.name)),
            (false, false) => Some(format!("{name} leaves out {} and nobody says why\n", case.name)),
            (true, false) | (false, true) => None,
        }
    };
    ALL.iter().filter_map(gap).collect()
}
