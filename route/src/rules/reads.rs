//! What rules look at in a call beside service, method and application, as a part of the key under which decisions are kept.
//!
//! ```text
//!  rules of an interface ┐ look at   the address                  one bit a network, inside or not           many: the address itself
//!  rules with patterns   ┘           attachments, as they come    number of the key, one bit a condition     many: the text itself
//! ```
//!
//! So a rule about one user in a million makes two kinds of calls and not a million, a call is read once whatever the number of keys
//! (once more where it says one of them twice), and only for keys that rules about its service ask. An attachment that meets what its absence would meet is not noted. What a sticky
//! split goes by is none of it: that is read for each call. Parameters of the caller's node are none of it either: they do not change from
//! call to call, and whoever keeps decisions knows a caller by all that its references say.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use wire::dubbo::attachments::mark;

use super::document::{Condition, Wanted};
use super::values::Network;
use crate::call::Entries;
use crate::plan::VALUE_MAX_LEN;

/// Beyond so many conditions asking each costs more than keeping a decision for each text.
const BITS_MAX: usize = 8;

/// What some rules look at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Looks {
    attachments: Box<[Key]>,
    /// The marks of those keys, so that nearly all other attachments are passed over unread.
    marks: u64,
    /// In their order.
    parameters: Box<[Box<str>]>,
    source: Box<[Network]>,
}

/// A key with the distinct conditions on its text, in the order of the keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    name: Box<str>,
    wanted: Box<[Wanted]>,
}

/// What the rules that can be about calls of one service look at.
#[derive(Debug, Clone, Copy)]
pub struct Reads<'r> {
    general: &'r Looks,
    own: &'r Looks,
}

impl Looks {
    pub(super) fn of<'r>(conditions: impl Iterator<Item = &'r Condition>) -> Self {
        let (mut attachments, mut parameters, mut source) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        for when in conditions {
            collect(&mut attachments, &when.attachments);
            parameters.extend(when.parameters.iter().map(|(key, _)| key.clone()));
            for network in &when.source {
                if source.len() <= BITS_MAX && !source.contains(network) {
                    source.push(*network);
                }
            }
        }
        let marks = attachments.keys().fold(0, |marks, name: &&str| marks | mark(name.as_bytes()));
        Self {
            attachments: keys(attachments),
            marks,
            parameters: parameters.into_iter().collect(),
            source: source.into(),
        }
    }

    /// The keys of parameters that are looked at.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|key| &**key)
    }

    #[inline]
    fn attachment(&self, name: &[u8]) -> Option<usize> {
        if self.marks & mark(name) == 0 {
            return None;
        }
        self.attachments.binary_search_by(|key| key.name.as_bytes().cmp(name)).ok()
    }
}

impl<'r> Reads<'r> {
    pub(super) fn new(general: &'r Looks, own: &'r Looks) -> Self {
        Self { general, own }
    }

    fn both(self) -> [&'r Looks; 2] {
        [self.general, self.own]
    }

    /// The keys of attachments that are looked at.
    pub fn attachments(self) -> impl Iterator<Item = &'r str> {
        self.both().into_iter().flat_map(|looks| looks.attachments.iter().map(|key| &*key.name))
    }

    /// The keys of parameters of the consumer's node that are looked at.
    pub fn parameters(self) -> impl Iterator<Item = &'r str> {
        self.both().into_iter().flat_map(Looks::parameters)
    }

    /// Whether the consumer's address is looked at.
    #[must_use]
    pub fn source(self) -> bool {
        self.both().iter().any(|looks| !looks.source.is_empty())
    }

    /// Appends bytes that are equal only for calls of the service that no rule tells apart by these. Its own length is not in it: it
    /// belongs at the end of a key.
    pub fn put_key(self, attachments: &impl Entries, source: Option<IpAddr>, out: &mut Vec<u8>) {
        for looks in self.both() {
            put_source(&looks.source, source, out);
        }
        if self.both().iter().any(|looks| !looks.attachments.is_empty()) {
            self.put_attachments(attachments, out);
        }
    }

    /// One record an attachment, in the order in which they come. A call that says a key twice is read once more and gets no longer a
    /// key than one that says its last word alone.
    fn put_attachments(self, attachments: &impl Entries, out: &mut Vec<u8>) {
        let begin = out.len();
        // Which numbers have a record; those that share a bit pass for the same.
        let mut noted = [0_u64; 4];
        let mut is_said_twice = false;
        attachments.each(self.marks(), |name, text| {
            for (number, key) in self.named(name.as_bytes()) {
                let (word, mark) = (&mut noted[number / 64 % 4], 1 << (number % 64));
                if *word & mark != 0 {
                    is_said_twice = true;
                } else if !key.takes_for_absent(text) {
                    *word |= mark;
                    key.put_record(number, text, out);
                }
            }
        });
        if !is_said_twice {
            return;
        }
        out.truncate(begin);
        for (name, text) in &self.gathered(attachments) {
            for (number, key) in self.named(name.as_bytes()).filter(|(_, key)| !key.takes_for_absent(Some(text))) {
                key.put_record(number, Some(text), out);
            }
        }
    }

    /// The texts of a call under the keys that are looked at, of equal keys the last. The call is read once, however much is asked of
    /// them then.
    #[must_use]
    pub fn gathered(self, attachments: &impl Entries) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::<String, String>::new();
        if self.attachments().next().is_none() {
            return texts;
        }
        attachments.each(self.marks(), |name, text| match text {
            _ if self.named(name.as_bytes()).next().is_none() => {}
            Some(text) => match texts.get_mut(name) {
                Some(known) => text.clone_into(known),
                None => _ = texts.insert(name.to_owned(), text.to_owned()),
            },
            None => _ = texts.remove(name),
        });
        texts
    }

    /// The marks of the keys that are looked at.
    fn marks(self) -> u64 {
        self.general.marks | self.own.marks
    }

    /// The keys of that name, with their numbers.
    fn named(self, name: &[u8]) -> impl Iterator<Item = (usize, &'r Key)> + use<'r> {
        let Self { general, own } = self;
        let in_general = general.attachment(name).map(|at| (at, &general.attachments[at]));
        let in_own = own.attachment(name).map(|at| (general.attachments.len() + at, &own.attachments[at]));
        [in_general, in_own].into_iter().flatten()
    }
}

impl Key {
    /// Appends the number of the key and what is to be known of the text.
    fn put_record(&self, number: usize, text: Option<&str>, out: &mut Vec<u8>) {
        out.extend_from_slice(&(number as u32).to_be_bytes());
        self.put(text, out);
    }

    /// Appends what is to be known of the text; where it ends can be told.
    fn put(&self, text: Option<&str>, out: &mut Vec<u8>) {
        if self.wanted.len() <= BITS_MAX {
            return out.push(self.met(text));
        }
        // All texts beyond the bound are alike to every rule.
        let (len, text) = match text {
            None => (u32::MAX, ""),
            Some(text) if text.len() > VALUE_MAX_LEN => (u32::MAX - 1, ""),
            Some(text) => (text.len() as u32, text),
        };
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }

    fn takes_for_absent(&self, text: Option<&str>) -> bool {
        text.is_none() || (self.wanted.len() <= BITS_MAX && self.met(text) == self.met(None))
    }

    fn met(&self, text: Option<&str>) -> u8 {
        bits(self.wanted.iter().map(|wanted| wanted.is_met(text)))
    }
}

fn put_source(networks: &[Network], source: Option<IpAddr>, out: &mut Vec<u8>) {
    if networks.is_empty() {
        return;
    }
    if networks.len() <= BITS_MAX {
        let is_inside = |network: &Network| source.is_some_and(|address| network.contains(address));
        return out.push(bits(networks.iter().map(is_inside)));
    }
    match source.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => {
            out.push(4);
            out.extend_from_slice(&address.octets());
        }
        Some(IpAddr::V6(address)) => {
            out.push(6);
            out.extend_from_slice(&address.octets());
        }
        None => out.push(0),
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

fn keys(conditions: BTreeMap<&str, Vec<Wanted>>) -> Box<[Key]> {
    conditions.into_iter().map(|(name, wanted)| Key { name: name.into(), wanted: wanted.into() }).collect()
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
