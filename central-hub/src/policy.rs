//! Who exists and who may call what: islands, their gateways' keys, grants. Default deny; an immutable snapshot, replaced
//! as a whole. It never counts and never looks at a link.
//!
//! ```toml
//! [[island]]
//! id = "shanghai"
//! calls_per_second = 5000                       # what this island may send; left out: no limit
//! concurrent_calls = 1000
//! multipart = true                              # its gateways may send small POSTs as forms; left out: they are refused
//!   [[island.gateway]]
//!   id = "shanghai-egress-1"
//!   role = "egress"                             # or "ingress"
//!   key = "highway-pub-1:…"
//!   revoked = true                              # stays listed, is refused, and its links are cut
//!
//! [[grant]]
//! id = "greetings"
//! from = ["shanghai"]                           # islands that call; `*` inside a name stands for anything
//! to = ["beijing"]
//! service = ["com.example.*"]                   # [group/]interface[:version]
//! method = ["sayHello"]                         # left out: every method
//! application = ["*"]                           # as the caller's island claims it; left out: every one
//! serialization = ["hessian2", "fastjson2"]     # left out: these two
//! generic = ["true", "raw.return"]              # kinds of generic invocation; left out: true, raw.return
//! callbacks = false                             # arguments that call back
//! opaque = false                                # calls whose body nobody on the way can read
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use chassis::Mistakes;
use serde::Deserialize;
use tunnel::key::PublicKey;
use wire::pattern::{NamePattern, ServicePattern};
use wire::tunnel::hello::Role;

/// One policy file as typed; several files are read as if they were one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawPolicy {
    /// `[[island]]`
    pub island: Vec<RawIsland>,
    /// `[[grant]]`
    pub grant: Vec<RawGrant>,
}

/// `[[island]]` as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawIsland {
    id: Option<String>,
    calls_per_second: Option<u32>,
    concurrent_calls: Option<u32>,
    multipart: bool,
    gateway: Vec<RawGateway>,
}

/// `[[island.gateway]]` as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawGateway {
    id: Option<String>,
    role: Option<Role>,
    key: Option<String>,
    revoked: Option<bool>,
}

/// `[[grant]]` as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawGrant {
    id: Option<String>,
    from: Vec<NamePattern>,
    to: Vec<NamePattern>,
    service: Vec<ServicePattern>,
    method: Option<Vec<NamePattern>>,
    application: Option<Vec<NamePattern>>,
    serialization: Option<Vec<Serialization>>,
    generic: Option<Vec<String>>,
    callbacks: Option<bool>,
    opaque: Option<bool>,
}

/// A serialization by its Dubbo name or, for those without a name here, its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Serialization {
    /// `"hessian2"` or `"fastjson2"`.
    Named(SerializationName),
    /// The five bits of the frame header.
    Number(u8),
}

/// Serializations whose calls the gateways can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SerializationName {
    /// Id 2.
    Hessian2,
    /// Id 23.
    Fastjson2,
}

impl Serialization {
    fn id(self) -> u8 {
        match self {
            Serialization::Named(SerializationName::Hessian2) => HESSIAN2,
            Serialization::Named(SerializationName::Fastjson2) => FASTJSON2,
            Serialization::Number(number) => number,
        }
    }
}

const HESSIAN2: u8 = 2;
const FASTJSON2: u8 = 23;

/// Whether the gateways can read calls in this serialization.
pub fn is_readable(serialization: u8) -> bool {
    matches!(serialization, HESSIAN2 | FASTJSON2)
}

/// Kinds of generic invocation that carry no code or foreign bytes; the others a grant has to name.
const GENERIC_BY_DEFAULT: [&str; 2] = ["true", "raw.return"];

/// The policy in force.
#[derive(Debug, Default)]
pub struct Policy {
    islands: HashMap<String, Island>,
    gateways: HashMap<PublicKey, Gateway>,
    grants: Vec<Grant>,
}

/// An island and what it may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Island {
    /// Calls a second, if limited.
    pub calls_per_second: Option<u32>,
    /// Calls at once, if limited.
    pub concurrent_calls: Option<u32>,
    /// Whether small POSTs of its gateways may be forms.
    pub multipart: bool,
}

/// Who a key belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Its island.
    pub island: String,
    /// Its own name.
    pub id: String,
    /// The one role it has.
    pub role: Role,
    /// Listed, but refused.
    pub revoked: bool,
}

/// A permission. What no grant allows is refused.
#[derive(Debug)]
pub struct Grant {
    id: Arc<str>,
    from: Vec<NamePattern>,
    to: Vec<NamePattern>,
    service: Vec<ServicePattern>,
    method: Option<Vec<NamePattern>>,
    application: Option<Vec<NamePattern>>,
    serialization: Vec<u8>,
    generic: Vec<String>,
    callbacks: bool,
    opaque: bool,
}

/// What a call says of itself, as far as grants ask.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Island it comes from: the link's own, not a claim.
    pub from: &'a str,
    /// Island it goes to.
    pub to: &'a str,
    /// Group, empty for none.
    pub group: &'a str,
    /// Service as providers look it up: the effective path.
    pub service: &'a str,
    /// Version, empty for none.
    pub version: &'a str,
    /// Effective method.
    pub method: &'a str,
    /// Calling application as claimed, `unknown` where nobody said.
    pub application: &'a str,
    /// Serialization id.
    pub serialization: u8,
    /// Kind of generic invocation, empty for an ordinary call.
    pub generic: &'a str,
    /// Whether the call carries callback arguments or stub events.
    pub callbacks: bool,
    /// Whether the body could not be read at the egress.
    pub opaque: bool,
}

impl Policy {
    /// Settles what was typed in `raw`; ids, keys and roles must be there and unique.
    pub fn settle(raw: RawPolicy, mistakes: &mut Mistakes) -> Option<Policy> {
        let mut policy = Policy::default();
        for (at, island) in raw.island.into_iter().enumerate() {
            policy.add_island(at, island, mistakes);
        }
        for (at, grant) in raw.grant.into_iter().enumerate() {
            policy.add_grant(at, grant, mistakes);
        }
        Some(policy)
    }

    fn add_island(&mut self, at: usize, raw: RawIsland, mistakes: &mut Mistakes) {
        let key = format!("island[{at}].id");
        let Some(id) = mistakes.require(&key, raw.id, "the island's id") else { return };
        if !is_island_id(&id) {
            mistakes.wrong(&key, &id, "1 to 32 of a-z, 0-9 and `-`");
        }
        for (nth, gateway) in raw.gateway.into_iter().enumerate() {
            self.add_gateway(&format!("island[{at}].gateway[{nth}]"), &id, gateway, mistakes);
        }
        let RawIsland { calls_per_second, concurrent_calls, multipart, .. } = raw;
        let island = Island { calls_per_second, concurrent_calls, multipart };
        if self.islands.insert(id.clone(), island).is_some() {
            mistakes.say(&key, format!("island `{id}` is listed twice; list it once with all its gateways"));
        }
    }

    fn add_gateway(&mut self, at: &str, island: &str, raw: RawGateway, mistakes: &mut Mistakes) {
        let id = mistakes.require(&format!("{at}.id"), raw.id, "the gateway's id");
        let role = mistakes.require(&format!("{at}.role"), raw.role, "`egress` or `ingress`");
        let key_at = format!("{at}.key");
        let key =
            mistakes.require(&key_at, raw.key, "the public half that `highway key new` printed").and_then(|text| {
                mistakes.parse::<PublicKey>(&key_at, &text, "`highway-pub-1:` and 43 or 44 characters of base64")
            });
        let (Some(id), Some(role), Some(key)) = (id, role, key) else { return };
        let gateway = Gateway { island: island.to_owned(), id, role, revoked: raw.revoked.unwrap_or(false) };
        if let Some(other) = self.gateways.insert(key, gateway) {
            mistakes.say(
                &key_at,
                format!(
                    "this key is already that of gateway `{}` of island `{}`; a key belongs to one gateway",
                    other.id, other.island
                ),
            );
        }
    }

    fn add_grant(&mut self, at: usize, raw: RawGrant, mistakes: &mut Mistakes) {
        let key = |name: &str| format!("grant[{at}].{name}");
        let id = mistakes.require(&key("id"), raw.id, "a name for the audit lines");
        for (name, empty) in
            [("from", raw.from.is_empty()), ("to", raw.to.is_empty()), ("service", raw.service.is_empty())]
        {
            if empty {
                mistakes.missing(&key(name), "at least one pattern; `*` for all");
            }
        }
        for number in raw.serialization.iter().flatten().filter(|one| one.id() > 31) {
            mistakes.wrong(
                &key("serialization"),
                number.id(),
                "a name or a number up to 31, as the frame header has five bits",
            );
        }
        let Some(id) = id else { return };
        if self.grants.iter().any(|grant| *grant.id == *id) {
            mistakes.say(&key("id"), format!("grant `{id}` is listed twice"));
        }
        self.grants.push(Grant {
            id: id.into(),
            from: raw.from,
            to: raw.to,
            service: raw.service,
            method: raw.method,
            application: raw.application,
            serialization: raw
                .serialization
                .map_or(vec![HESSIAN2, FASTJSON2], |list| list.into_iter().map(Serialization::id).collect()),
            generic: raw.generic.unwrap_or_else(|| GENERIC_BY_DEFAULT.map(str::to_owned).to_vec()),
            callbacks: raw.callbacks.unwrap_or(false),
            opaque: raw.opaque.unwrap_or(false),
        });
    }

    /// Joins what several files say.
    pub fn join(&mut self, other: Policy, mistakes: &mut Mistakes) {
        for (id, island) in other.islands {
            if self.islands.insert(id.clone(), island).is_some() {
                mistakes.say("policy.files", format!("island `{id}` is listed in two files"));
            }
        }
        for (key, gateway) in other.gateways {
            let id = gateway.id.clone();
            if self.gateways.insert(key, gateway).is_some() {
                mistakes.say("policy.files", format!("the key of gateway `{id}` is listed in two files"));
            }
        }
        for grant in other.grants {
            if self.grants.iter().any(|known| known.id == grant.id) {
                mistakes.say("policy.files", format!("grant `{}` is listed in two files", grant.id));
            }
            self.grants.push(grant);
        }
    }

    /// The gateway that has this key, revoked ones included.
    pub fn gateway(&self, key: &PublicKey) -> Option<&Gateway> {
        self.gateways.get(key)
    }

    /// Island and id of every ingress gateway that may come, one by one for each of its keys.
    pub fn ingresses(&self) -> impl Iterator<Item = (&str, &str)> {
        let welcome = self.gateways.values().filter(|gateway| gateway.role == Role::Ingress && !gateway.revoked);
        welcome.map(|gateway| (gateway.island.as_str(), gateway.id.as_str()))
    }

    /// Every gateway that is listed, in no order; one with several keys several times.
    pub fn gateways(&self) -> impl Iterator<Item = &Gateway> {
        self.gateways.values()
    }

    /// The island of this id.
    pub fn island(&self, id: &str) -> Option<&Island> {
        self.islands.get(id)
    }

    /// Whether small POSTs of this island's gateways may be forms.
    pub fn takes_forms(&self, island: &str) -> bool {
        self.island(island).is_some_and(|island| island.multipart)
    }

    /// All islands, in no order.
    pub fn islands(&self) -> impl Iterator<Item = (&str, &Island)> {
        self.islands.iter().map(|(id, island)| (id.as_str(), island))
    }

    /// How many grants there are.
    pub fn grants_len(&self) -> usize {
        self.grants.len()
    }

    /// The first grant that allows the call.
    pub fn grant(&self, asked: &Asked<'_>) -> Option<&Grant> {
        self.grants.iter().find(|grant| grant.allows(asked))
    }

    /// Whether any call of this service from `from` to `to` could be allowed: what is not granted is not even seen.
    pub fn sees(&self, from: &str, to: &str, group: &str, interface: &str, version: &str) -> bool {
        self.grants.iter().any(|grant| grant.is_between(from, to) && grant.is_for(group, interface, version))
    }
}

impl Grant {
    /// Its name, as the audit says it.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    fn is_between(&self, from: &str, to: &str) -> bool {
        self.from.iter().any(|one| one.matches(from)) && self.to.iter().any(|one| one.matches(to))
    }

    fn is_for(&self, group: &str, interface: &str, version: &str) -> bool {
        self.service.iter().any(|one| one.matches(group, interface, version))
    }

    fn allows(&self, asked: &Asked<'_>) -> bool {
        let listed = |list: &Option<Vec<NamePattern>>, name| {
            list.as_ref().is_none_or(|list| list.iter().any(|one| one.matches(name)))
        };
        self.is_between(asked.from, asked.to)
            && self.is_for(asked.group, asked.service, asked.version)
            && listed(&self.method, asked.method)
            && listed(&self.application, asked.application)
            && self.serialization.contains(&asked.serialization)
            && (asked.generic.is_empty() || self.generic.iter().any(|kind| kind == asked.generic))
            && (self.callbacks || !asked.callbacks)
            && (self.opaque || !asked.opaque)
    }
}

fn is_island_id(id: &str) -> bool {
    (1..=32).contains(&id.len()) && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
