//! Every difference between a call through Highway and a direct one that is meant to be, and why. A run fails on one that is not
//! here, and on one that is here and does not happen.

use super::table::Cell;

/// Some cases of some pairs that differ, for one reason.
#[derive(Debug)]
pub struct Difference {
    /// Which cases.
    pub cases: &'static [&'static str],
    /// Of which consumers.
    pub consumers: Who,
    /// Of which providers.
    pub providers: Who,
    /// What the consumer sees through Highway says this.
    pub through: &'static str,
    /// Why, in a sentence.
    pub reason: &'static str,
}

/// Some members.
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
        match self {
            Who::All => true,
            Who::Only(these) => these.contains(&name),
            Who::Not(others) => !others.contains(&name),
        }
    }
}

impl Difference {
    /// Whether it speaks of this cell.
    #[must_use]
    pub fn covers(&self, cell: &Cell) -> bool {
        self.cases.contains(&cell.case.name) && self.consumers.has(&cell.consumer) && self.providers.has(&cell.provider)
    }

    /// Whether the cell is what it speaks of.
    #[must_use]
    pub fn shows(&self, cell: &Cell) -> bool {
        cell.through.outcomes.to_string().contains(self.through)
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

const REFUSED: &str = "this kind of generic call carries code or bytes of its own, so a grant at the hub has to name it; where a grant says \
                       nothing, `true` and `raw.return` cross";

/// Why a consumer reaches more through Highway than in its own island.
pub(super) const BOTH_LEVELS: &str = "a virtual provider is registered at both levels, so that through Highway a consumer reaches what it \
                                      cannot find in its own island";

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
        reason: "a 3.2 provider tells its errors in fastjson2 even to consumers that do not have it, which then read `Unrecognized \
                 serialize type from consumer: 23`; Highway writes them again as hessian2, so that they read what was wrong",
    },
    Difference {
        cases: &["payload.reply"],
        consumers: Who::Only(&["2.6.12", "2.7.23"]),
        providers: Who::Only(&["3.2.16"]),
        through: "returned",
        reason: "the peer learns how long an answer may be from the provider's complaint about a longer one, which it cannot read \
                 directly (see the difference before)",
    },
    Difference {
        cases: &["payload.request"],
        consumers: Who::All,
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
