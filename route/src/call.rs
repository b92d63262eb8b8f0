//! What a decision is made from: the facts of one call.
//!
//! Everything is borrowed; the caller of [`crate::decide()`] owns the frame it read them from. Nothing here has been
//! judged yet, and nothing here is a permission.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use wire::tunnel::catalogue::ServiceKey;

/// The facts of one call. [`Call::default`] is an opaque call of nobody.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The service of the effective call; `None` for an opaque call, whose bytes nobody can read.
    pub service: Option<&'a ServiceKey>,
    /// The method of the effective call; empty for an opaque call.
    pub method: &'a str,
    /// The application as the consumer claims it.
    pub application: Option<&'a str>,
    /// Attachment `highway.target`.
    pub target: Option<&'a str>,
    /// The island whose tag the call carries in attachment `dubbo.tag`; `None` also for tags that mean no island.
    pub tagged: Option<&'a str>,
    /// The island to which the listener is bound that the call came in on.
    pub bound: Option<&'a str>,
    /// What the parameters of the consumer's reference say of this method.
    pub reference: Option<Word<'a>>,
    /// The consumer's address.
    pub source: Option<IpAddr>,
    /// The attachments of the call that rules look at, as `Reads::gathered` has them: each condition asks for one, and to find one
    /// in the frame is to read all of it.
    pub attachments: &'a BTreeMap<String, String>,
    /// The parameters of the consumer's node in the registry.
    pub parameters: &'a dyn Lookup,
}

const NONE: &BTreeMap<String, String> = &BTreeMap::new();

impl Default for Call<'_> {
    fn default() -> Self {
        Self {
            service: None,
            method: "",
            application: None,
            target: None,
            tagged: None,
            bound: None,
            reference: None,
            source: None,
            attachments: NONE,
            parameters: &(),
        }
    }
}

/// What references say with their parameters, as the gateway knows them from the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word<'a> {
    /// This method goes to this island.
    Island(&'a str),
    /// This method is not named, while others are: it stays with the providers of the own island.
    Local,
    /// References that cannot be told apart by what is on the wire say two things: islands, or `local`.
    Contradiction([&'a str; 2]),
}

/// Named texts of a call or of its consumer's node.
pub trait Lookup {
    /// The text under `key`.
    fn get(&self, key: &str) -> Option<Cow<'_, str>>;
}

/// The attachments of a call.
pub trait Entries {
    /// Hands over, in their order, what stands under each key that has one of these [`mark`]s, and perhaps under others; `None` where it is
    /// no text. A key may come again; of equal keys the last counts.
    ///
    /// [`mark`]: wire::dubbo::attachments::mark
    fn each(&self, marks: u64, found: impl FnMut(&str, Option<&str>));
}

/// No texts at all.
impl Lookup for () {
    fn get(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

impl Lookup for BTreeMap<String, String> {
    fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        self.get(key).map(|text| Cow::Borrowed(text.as_str()))
    }
}

impl Entries for BTreeMap<String, String> {
    fn each(&self, _: u64, mut found: impl FnMut(&str, Option<&str>)) {
        self.iter().for_each(|(key, text)| found(key, Some(text)));
    }
}
