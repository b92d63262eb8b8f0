//! What rules look at in a call beside service, method and application, as a part of the key under which decisions are kept.
//!
//! ```text
//!  a key of attachments  few conditions: one bit each, met or not      many: the text itself
//!  the address           few networks: one bit each, inside or not     many: the address itself
//! ```
//!
//! So a rule about one user in a million makes two kinds of calls and not a million. What a sticky split goes by is none of
//! it: that is read for each call.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::document::{Rule, Wanted};
use super::values::Network;
use crate::call::Lookup;
use crate::plan::VALUE_MAX_LEN;

/// Beyond so many conditions asking each costs more than keeping a decision for each text.
const BITS_MAX: usize = 8;

/// What some rule looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    attachments: Conditions,
    parameters: Conditions,
    source: Box<[Network]>,
}

/// Distinct conditions by key.
type Conditions = Box<[(Box<str>, Box<[Wanted]>)]>;

impl Reads {
    pub(super) fn of<'r>(rules: impl Iterator<Item = &'r Rule>) -> Self {
        let (mut attachments, mut parameters, mut source) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for rule in rules {
            collect(&mut attachments, &rule.when.attachments);
            collect(&mut parameters, &rule.when.parameters);
            for network in &rule.when.source {
                if source.len() <= BITS_MAX && !source.contains(network) {
                    source.push(*network);
                }
            }
        }
        Self { attachments: boxed(attachments), parameters: boxed(parameters), source: source.into() }
    }

    /// The keys of attachments that are looked at.
    pub fn attachments(&self) -> impl Iterator<Item = &str> {
        self.attachments.iter().map(|(key, _)| &**key)
    }

    /// The keys of parameters of the consumer's node that are looked at.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|(key, _)| &**key)
    }

    /// Whether the consumer's address is looked at.
    #[must_use]
    pub fn source(&self) -> bool {
        !self.source.is_empty()
    }

    /// Appends bytes that are equal only for calls that no rule tells apart by these. Its own length is not in it: it belongs at
    /// the end of a key.
    pub fn put_key(
        &self,
        attachments: &dyn Lookup,
        parameters: &dyn Lookup,
        source: Option<IpAddr>,
        out: &mut Vec<u8>,
    ) {
        put_texts(&self.attachments, attachments, out);
        put_texts(&self.parameters, parameters, out);
        if self.source.len() <= BITS_MAX {
            if self.source() {
                out.push(bits(
                    self.source.iter().map(|network| source.is_some_and(|address| network.contains(address))),
                ));
            }
            return;
        }
        match source.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => out.extend_from_slice(&address.octets()),
            Some(IpAddr::V6(address)) => out.extend_from_slice(&address.octets()),
            None => {}
        }
    }
}

fn collect<'r>(into: &mut BTreeMap<&'r str, Vec<Wanted>>, conditions: &'r [(Box<str>, Wanted)]) {
    for (key, wanted) in conditions {
        let known = into.entry(key).or_default();
        // One more than are asked says that there are too many; no more are needed.
        if known.len() <= BITS_MAX && !known.contains(wanted) {
            known.push(wanted.clone());
        }
    }
}

fn boxed(conditions: BTreeMap<&str, Vec<Wanted>>) -> Conditions {
    conditions.into_iter().map(|(key, wanted)| (key.into(), wanted.into())).collect()
}

fn put_texts(conditions: &Conditions, texts: &dyn Lookup, out: &mut Vec<u8>) {
    for (key, wanted) in conditions {
        let text = texts.get(key);
        if wanted.len() <= BITS_MAX {
            out.push(bits(wanted.iter().map(|wanted| wanted.is_met(text.as_deref()))));
            continue;
        }
        // All texts beyond the bound are alike to every rule.
        let (len, text) = match text.as_deref() {
            None => (u32::MAX, ""),
            Some(text) if text.len() > VALUE_MAX_LEN => (u32::MAX - 1, ""),
            Some(text) => (text.len() as u32, text),
        };
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
}

fn bits(of: impl Iterator<Item = bool>) -> u8 {
    of.fold(0, |bits, is_met| bits << 1 | u8::from(is_met))
}

impl Wanted {
    /// Whether a text is as wanted; one of more than [`VALUE_MAX_LEN`] bytes is there and like no pattern.
    pub(super) fn is_met(&self, text: Option<&str>) -> bool {
        match self {
            Self::Present => text.is_some(),
            Self::Absent => text.is_none(),
            Self::Text(pattern) => text.is_some_and(|text| text.len() <= VALUE_MAX_LEN && pattern.matches(text)),
        }
    }
}
