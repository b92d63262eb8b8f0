//! Why a call goes nowhere, in words for the developer whose call it is.
//!
//! Each text says what was found, what was wanted and what to do. The variants never carry a body or a secret, and no
//! status: how a refusal reaches the consumer is the gateway's mapping table.

/// Why a call goes nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The caller named two different islands.
    #[error(
        "{first} names island `{first_island}` but {second} names island `{second_island}`: one call goes to one island, set one of them or make them agree"
    )]
    Contradiction {
        /// Where the first name stood.
        first: String,
        /// The first name.
        first_island: String,
        /// Where the second name stood.
        second: String,
        /// The second name.
        second_island: String,
    },
    /// References of one process say two things of calls that cannot be told apart.
    #[error(
        "the parameters of two references contradict each other: calls of `{call}` go to `{first}` by one and to `{second}` by the other, and calls of the two cannot be told apart; make them agree, or set attachment highway.target or the tag of an island for each call instead"
    )]
    References {
        /// `service#method`.
        call: String,
        /// The first target.
        first: String,
        /// The second.
        second: String,
    },
    /// What the caller named is no island's name.
    #[error("{said} names `{name}`, which is no target; wanted an island's id (1 to 32 of a-z, 0-9 and -) or `local`")]
    NotATarget {
        /// Where the name stood.
        said: String,
        /// The name, shortened and without control characters.
        name: String,
    },
    /// The own island was named and has no provider.
    #[error(
        "{said} names `local`, but island `{own}` has no provider of `{service}` registered; start one, check group and version, or name another island"
    )]
    NoLocalProvider {
        /// Where it was named.
        said: String,
        /// The island of the caller.
        own: String,
        /// The service.
        service: String,
    },
    /// A call that cannot be read was to go to the own island.
    #[error(
        "{said} names `local`, but the call is in a serialization that this gateway cannot read, so no provider can be chosen; use hessian2"
    )]
    LocalOpaque {
        /// Where it was named.
        said: String,
    },
    /// The caller named an island that offers nothing here.
    #[error(
        "{said} names island `{island}`, which is not known here; known islands: {known}; check the name, and that the hub lets this island see it"
    )]
    UnknownIsland {
        /// Where the name stood.
        said: String,
        /// The name, shortened where it is too long for an island's.
        island: String,
        /// Those that are known.
        known: String,
    },
    /// The caller named an island that does not offer the service.
    #[error(
        "island `{island}` does not offer `{service}` to this island; islands that do: {offered_by}; check group and version, the export there and the grant at the hub"
    )]
    NotOfferedThere {
        /// The island.
        island: String,
        /// The service.
        service: String,
        /// The islands that offer it.
        offered_by: String,
    },
    /// Nobody offers the service.
    #[error(
        "no island offers `{service}` to this island; check group and version, the export at the providing island and the grant at the hub"
    )]
    NotOffered {
        /// The service.
        service: String,
    },
    /// Offered, but the island did not import it.
    #[error(
        "`{service}` of island {islands} is not imported by island `{own}`; add a rule to [import] of this egress gateway"
    )]
    NotImported {
        /// The service, or `anything` for an opaque call.
        service: String,
        /// The islands it would come from.
        islands: String,
        /// The island of the caller.
        own: String,
    },
    /// Several islands offer the service and the caller named none.
    #[error(
        "`{service}` is offered by {islands} and the call names none of them; set attachment highway.target, use an island's port, or import it from one island only"
    )]
    Ambiguous {
        /// The service.
        service: String,
        /// The islands.
        islands: String,
    },
    /// An emergency switch stops the call.
    #[error("stopped by switch `{switch}`: {say}")]
    SwitchedOff {
        /// `document/switch`.
        switch: String,
        /// What its author wants callers to read.
        say: String,
    },
    /// An emergency switch stops calls of which this may be one: it is opaque.
    #[error(
        "the call is in a serialization that this gateway cannot read, so switch `{switch}` may mean it: {say}; use hessian2 or fastjson2"
    )]
    MayBeSwitchedOff {
        /// `document/switch`.
        switch: String,
        /// What its author wants callers to read.
        say: String,
    },
    /// A rule refuses the call.
    #[error("refused by rule `{rule}`: {say}")]
    RuleRefuses {
        /// `document/rule`.
        rule: String,
        /// What its author wants callers to read.
        say: String,
    },
    /// Two documents say two things of one call.
    #[error(
        "rule `{first}` says {first_act} and rule `{second}` says {second_act}, and neither stands above the other; give one of them a higher priority"
    )]
    RulesDisagree {
        /// `document/rule`.
        first: String,
        /// What it says.
        first_act: String,
        /// `document/rule`.
        second: String,
        /// What it says.
        second_act: String,
    },
    /// A rule is about the call, and none of its targets can take it.
    #[error("rule `{rule}` leaves no target for `{service}`: {passed}; change the rule, or what it says of them")]
    NothingLeft {
        /// `document/rule`.
        rule: String,
        /// The service.
        service: String,
        /// Each target with why it cannot.
        passed: String,
    },
    /// The bytes cannot be read and no port says where they go.
    #[error(
        "the call is in a serialization that this gateway cannot read and came in on a port that belongs to no island; use hessian2, or the port of an island"
    )]
    Opaque,
    /// No hub has told what there is.
    #[error(
        "no hub has told this gateway yet which islands offer `{service}`; try again, and look at the links of this gateway if it lasts"
    )]
    NotYetKnown {
        /// The service.
        service: String,
    },
}

/// Whether the same call could succeed a moment later without anybody changing anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    /// No: a repeat gets the same answer.
    Lasting,
    /// Yes: the gateway is still learning.
    Passing,
}

impl Refusal {
    /// Whether a repeat is worth it.
    #[must_use]
    pub fn lasts(&self) -> Lasts {
        match self {
            Self::NotYetKnown { .. } => Lasts::Passing,
            _ => Lasts::Lasting,
        }
    }
}
