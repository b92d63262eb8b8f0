//! A question about a call that nobody makes: would it be let in, and who stands behind it? What its three notices carry.
//!
//! ```text
//!  egress ─ asked (number, call) ─▶ hub      its filters and limits, as for a call ─▶ judged (number, verdict)
//!                                    └ let in: asked (its own number) ─▶ each gateway that offers it ─▶ staffed (number, providers)
//! ```
//!
//! JSON in notices, so that a peer of an older release ignores it: whoever asks waits a while and says that nobody answered. The call is
//! told by what its head would say. Everything is bounded before it is passed on; nothing here decides anything.

use serde::{Deserialize, Serialize};

use super::head::{Flags, Head};

/// The longest names of a call that is asked about, together, in bytes. Those of real services are far shorter.
pub const NAMES_LEN: usize = 4096;
/// Gateways that one question goes to, and addresses that one of them tells, at most.
pub const LISTED_MAX: usize = 16;
/// The longest name or address in an answer, in bytes, and the longest sentence.
const NAME_LEN: usize = 256;
const SENTENCE_LEN: usize = 8 * 1024;
/// What remains of a call that nobody waits for: a question has a deadline of its own.
const REMAINING_MS: u32 = 1000;

/// A call as its head would tell it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AskedCall {
    /// The island it would go to.
    pub destination: String,
    /// The effective path.
    pub service: String,
    /// The interface, where it contradicts the path.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub interface: String,
    /// The group.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The effective method.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// The kind of generic invocation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub generic: String,
    /// The caller's application.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub application: String,
    /// The serialization's id.
    pub serialization: u8,
    /// The flags of its head.
    #[serde(default)]
    pub flags: u16,
}

impl AskedCall {
    /// The call that has this head; `None` where its names are longer than [`NAMES_LEN`].
    #[must_use]
    pub fn of(head: &Head<'_>) -> Option<Self> {
        let call = Self {
            destination: head.destination.to_owned(),
            service: head.service.to_owned(),
            interface: head.interface.to_owned(),
            group: head.group.to_owned(),
            version: head.version.to_owned(),
            method: head.method.to_owned(),
            generic: head.generic.to_owned(),
            application: head.application.to_owned(),
            serialization: head.serialization,
            flags: head.flags.0,
        };
        call.fits().then_some(call)
    }

    /// Whether its names are short enough to be looked at.
    #[must_use]
    pub fn fits(&self) -> bool {
        let Self { destination, service, interface, group, version, method, generic, application, .. } = self;
        let names = [destination, service, interface, group, version, method, generic, application];
        names.into_iter().map(String::len).sum::<usize>() <= NAMES_LEN
    }

    /// The head that such a call would have.
    #[must_use]
    pub fn head(&self) -> Head<'_> {
        Head {
            flags: Flags(self.flags),
            serialization: self.serialization,
            protocol: Head::DUBBO,
            remaining_ms: REMAINING_MS,
            destination: &self.destination,
            service: &self.service,
            interface: &self.interface,
            group: &self.group,
            version: &self.version,
            method: &self.method,
            generic: &self.generic,
            application: &self.application,
            ..Head::default()
        }
    }
}

/// What a hub would say to such a call now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Verdict {
    /// The grant that allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Why it would not go on, as its caller would read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What the asking island may send a second, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<u32>,
    /// What it may have open at once, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent_calls: Option<u32>,
    /// What it has open now.
    #[serde(default)]
    pub open_calls: u32,
    /// Gateways that offer it over a link that is up; each is asked for its providers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<String>,
}

impl Verdict {
    /// The same without what is too long.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        for text in [&mut self.grant, &mut self.refused].into_iter().flatten() {
            text.truncate(text.floor_char_boundary(SENTENCE_LEN));
        }
        bound(&mut self.gateways);
        self
    }
}

/// Who stands behind a service at one gateway.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Providers {
    /// Providers that a call of this method may go to.
    pub listed: u32,
    /// Of these, those that take calls.
    pub up: u32,
    /// Of these, those that are left out for a while, since they fail.
    pub ejected: u32,
    /// Where they are, where that island shows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
}

impl Providers {
    /// The same without what is too long.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        bound(&mut self.addresses);
        self
    }
}

fn bound(names: &mut Vec<String>) {
    names.retain(|name| name.len() <= NAME_LEN);
    names.truncate(LISTED_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_asked_about_by_its_head_and_back() {
        let head = Head {
            destination: "beijing",
            service: "com.acme.Greeter",
            interface: "com.acme.Other",
            group: "g",
            version: "1.0",
            method: "greet",
            generic: "true",
            application: "shop",
            serialization: 2,
            flags: Flags::CALLBACKS,
            protocol: Head::DUBBO,
            remaining_ms: REMAINING_MS,
            ..Head::default()
        };
        let call = AskedCall::of(&head).unwrap();
        assert_eq!(call.head(), head);
        let json = serde_json::to_string(&call).unwrap();
        assert_eq!(serde_json::from_str::<AskedCall>(&json).unwrap(), call);
    }

    #[test]
    fn what_is_too_long_is_neither_asked_nor_told() {
        let long = "x".repeat(NAMES_LEN);
        assert_eq!(AskedCall::of(&Head { service: &long, method: "m", ..Head::default() }), None);
        let addresses = (0..100).map(|at| "a".repeat(at * 8)).collect();
        let told = Providers { addresses, ..Providers::default() }.bounded().addresses;
        assert!(told.len() == LISTED_MAX && told.iter().all(|address| address.len() <= NAME_LEN));
        let told = Verdict { refused: Some("ä".repeat(SENTENCE_LEN)), ..Verdict::default() }.bounded();
        assert!(told.refused.unwrap().len() <= SENTENCE_LEN);
    }
}
