//! What is decided: one target, shares of several, or several in an order; and the choice among shares, call by call.
//!
//! A plan is made once for calls of one kind and kept; a call only picks from it. Nothing here draws a random number or
//! remembers a call: whoever picks brings both.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::call::Lookup;

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A provider of the caller's own island.
    Local,
    /// Another island.
    Island(Arc<str>),
}

/// Of longer texts of a call, in bytes, a rule knows only that they are there, and a sticky key is cut here.
pub const VALUE_MAX_LEN: usize = 4096;

/// How the own island is named wherever a target is written.
pub const LOCAL: &str = "local";

impl Target {
    /// The island, or [`LOCAL`].
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Local => LOCAL,
            Self::Island(island) => island,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where calls of one kind go, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Why.
    pub reason: Reason,
    /// Where.
    pub choice: Choice,
}

/// One target or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// All calls go there.
    One(Target),
    /// Each call goes to one of them.
    Split(Split),
    /// The first is taken; the others, in their order, for a call that was not sent to those before. Never empty.
    Ordered(Box<[Target]>),
}

impl Choice {
    /// All targets in their order.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        let (one, shares, ordered): (_, &[Share], &[Target]) = match self {
            Self::One(target) => (Some(target), &[], &[]),
            Self::Split(split) => (None, &split.shares, &[]),
            Self::Ordered(targets) => (None, &[], targets),
        };
        one.into_iter().chain(shares.iter().map(|share| &share.target)).chain(ordered)
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(target) => write!(f, "`{target}`"),
            Self::Split(split) => {
                let shares = split.shares().map(|(target, weight)| format!("{weight} to `{target}`"));
                write!(f, "split {}", shares.collect::<Vec<_>>().join(", "))
            }
            Self::Ordered(targets) => {
                let targets = targets.iter().map(|target| format!("`{target}`"));
                f.write_str(&targets.collect::<Vec<_>>().join(", else "))
            }
        }
    }
}

/// Why a call goes where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Attachment `highway.target` named it.
    Target,
    /// The tag of the call named it.
    Tag,
    /// The call came in on its port.
    Port,
    /// The parameters of the consumer's reference named it.
    Reference,
    /// This rule, `document/rule`.
    Rule(#[serde(serialize_with = "text")] Arc<str>),
    /// No other imported island offers the service.
    OnlyOffer,
    /// Of the imported islands that offer the service, only this one has a provider up.
    OnlyHealthyOffer,
}

fn text<S: serde::Serializer>(name: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name)
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Target => "attachment highway.target",
            Self::Tag => "attachment dubbo.tag",
            Self::Port => "the port of the call",
            Self::Reference => "the reference's parameter",
            Self::Rule(name) => return write!(f, "rule `{name}`"),
            Self::OnlyOffer => "the only imported island that offers the service",
            Self::OnlyHealthyOffer => "the only imported island with a provider of the service up",
        })
    }
}

/// Calls divided among targets by weight. Calls with a key go by rendezvous: the highest of one number a target, made of
/// rule, target and key. So equal keys go to one target at every gateway, and when a target goes or comes only the keys of
/// that target move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    shares: Box<[Share]>,
    sticky: Option<Sticky>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Share {
    target: Target,
    weight: u32,
    seed: u64,
}

/// What calls have in common that stay together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Sticky {
    /// The text of this attachment.
    Attachment(Arc<str>),
    /// The consumer's address.
    Source,
    /// The consumer's application.
    Application,
}

impl Split {
    /// Shares of the rule of this name; `None` where no weight is over zero. Shares of weight zero are left out.
    #[must_use]
    pub fn new(rule: &str, shares: impl IntoIterator<Item = (Target, u32)>, sticky: Option<Sticky>) -> Option<Self> {
        let rule = hash(FNV_BASIS, rule.as_bytes());
        let shares = shares.into_iter().filter(|(_, weight)| *weight > 0);
        let shares: Box<[Share]> = shares
            .map(|(target, weight)| {
                // No name holds a zero, so no two pairs of names look alike.
                let seed = hash(hash(rule, &[0]), target.as_str().as_bytes());
                Share { target, weight, seed }
            })
            .collect();
        (!shares.is_empty()).then_some(Self { shares, sticky })
    }

    /// What keeps calls together; `None` where each call goes by itself.
    #[must_use]
    pub fn sticky(&self) -> Option<&Sticky> {
        self.sticky.as_ref()
    }

    /// The targets with their weights, in the order in which [`Split::position`] counts.
    pub fn shares(&self) -> impl ExactSizeIterator<Item = (&Target, u32)> {
        self.shares.iter().map(|share| (&share.target, share.weight))
    }

    /// The target of a call with this key, or of one without a key for this random number.
    #[must_use]
    pub fn pick(&self, key: Option<&[u8]>, random: u64) -> &Target {
        &self.shares[self.position(key, random)].target
    }

    /// The position of that target among the [`Split::shares`].
    #[must_use]
    pub fn position(&self, key: Option<&[u8]>, random: u64) -> usize {
        match key {
            Some(key) => self.rendezvous(hash(FNV_BASIS, key)),
            None => self.drawn(random),
        }
    }

    fn drawn(&self, random: u64) -> usize {
        let total: u64 = self.shares.iter().map(|share| u64::from(share.weight)).sum();
        let mut left = (u128::from(random) * u128::from(total)) >> 64;
        for (at, share) in self.shares.iter().enumerate() {
            let weight = u128::from(share.weight);
            if left < weight {
                return at;
            }
            left -= weight;
        }
        self.shares.len() - 1
    }

    fn rendezvous(&self, key: u64) -> usize {
        let score = |share: &Share| f64::from(share.weight) / minus_ln(mixed(share.seed ^ mixed(key)));
        let mut best = (0, f64::MIN);
        for (at, share) in self.shares.iter().enumerate() {
            let score = score(share);
            if score > best.1 {
                best = (at, score);
            }
        }
        best.0
    }
}

impl Sticky {
    /// Hands the key of a call to `then`; `None` where the call has none.
    pub fn with_key<R>(
        &self,
        attachments: &dyn Lookup,
        source: Option<IpAddr>,
        application: Option<&str>,
        then: impl FnOnce(Option<&[u8]>) -> R,
    ) -> R {
        match self {
            Self::Attachment(key) => {
                let text: Option<Cow<'_, str>> = attachments.get(key).filter(|text| !text.is_empty());
                let key = text.as_deref().map(str::as_bytes);
                then(key.map(|key| &key[..key.len().min(VALUE_MAX_LEN)]))
            }
            Self::Source => match source.map(|address| address.to_canonical()) {
                Some(IpAddr::V4(address)) => then(Some(&address.octets())),
                Some(IpAddr::V6(address)) => then(Some(&address.octets())),
                None => then(None),
            },
            Self::Application => then(application.map(str::as_bytes)),
        }
    }
}

const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: the same on every machine and in every release, which the standard library's hashes do not promise.
fn hash(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, byte| (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The last step of splitmix64: every bit of the result depends on every bit of the number.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// `-ln` of a number between 0 and 1 that the bits stand for. Only sums, products and quotients, since the logarithm of one
/// system's library need not equal another's in the last bit.
fn minus_ln(bits: u64) -> f64 {
    const LN_2: f64 = std::f64::consts::LN_2;
    // 53 bits and a half: never 0, never 1.
    let unit = ((bits >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    let raw = unit.to_bits();
    let exponent = f64::from(((raw >> 52) & 0x7ff) as u32) - 1023.0;
    let mantissa = f64::from_bits((raw & ((1 << 52) - 1)) | (1023 << 52));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    // 2 (s + s³/3 + s⁵/5 + …); s is at most a third, so eleven terms give twelve digits.
    let series = (0..11).rev().fold(0.0, |sum, term| sum * square + 1.0 / f64::from(2 * term + 1));
    // A sum so near to 0 that it rounds to it belongs to a score that beats all others.
    (-(exponent * LN_2 + 2.0 * s * series)).max(f64::MIN_POSITIVE)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
