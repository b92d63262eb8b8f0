//! What a shard knows when a call comes in: immutable, replaced as a whole by the control thread.
//!
//! Never read from a socket or registry here; the path of a call only looks things up.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use route::{Snapshot, Word};
use wire::dubbo::call::Call;

use crate::deadline::Known;
use crate::islands::Islands;
use crate::local::Local;
use crate::places::Places;
use crate::reference::{Prefixes, Words, agreed};
use crate::voices::Voices;

/// Everything, at one moment.
#[derive(Debug, Default)]
pub struct Knowledge {
    /// Catalogue and imports.
    pub snapshot: Arc<Snapshot>,
    /// The names that mean islands.
    pub islands: Arc<Islands>,
    /// Which hubs show which island, by island.
    pub hubs: HashMap<String, Vec<String>>,
    /// The island's consumers as the registries know them.
    pub consumers: Consumers,
    /// Its own providers.
    pub local: Arc<Local>,
}

impl Knowledge {
    /// Whether `hub` shows `island`, or nobody says which hub does.
    #[must_use]
    pub fn leads_to(&self, hub: &str, island: &str) -> bool {
        self.hubs.get(island).is_none_or(|hubs| hubs.iter().any(|known| known == hub))
    }
}

/// References that are gone and still count, at most.
const GONE_MAX: usize = 10_000;

/// References of consumers by address and interface.
#[derive(Debug, Default)]
pub struct Consumers {
    places: Places,
    voices: Voices,
    alike: Alike,
}

/// What one reference says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reference {
    /// The application.
    pub application: Option<Arc<str>>,
    /// The group that it asks for: one, several with commas between, `*` for any, or none.
    pub group: Option<Arc<str>>,
    /// The version likewise.
    pub version: Option<Arc<str>>,
    /// What it says of its calls.
    pub said: Arc<Said>,
    /// `None` while its node is there; else the moment until which it still counts: a consumer whose session with the registry has
    /// ended goes on calling before it registers again.
    pub until: Option<Instant>,
    /// Its node, for what is heeded in it later.
    pub node: Option<Arc<zk_bridge::Consumer>>,
}

/// What a reference says of its calls.
#[derive(Debug, PartialEq, Eq, Hash, Default)]
pub struct Said {
    /// Its timeout.
    pub timeout: Option<Duration>,
    /// Timeouts of single methods.
    pub method_timeouts: BTreeMap<String, Duration>,
    /// Which islands it names.
    pub words: Option<Box<Words>>,
    /// The parameters of its node that rules look at.
    pub parameters: BTreeMap<String, String>,
}

/// What is heeded in the node of a consumer.
#[derive(Debug)]
pub struct Heeded<'a> {
    /// What parameters that name islands begin with.
    pub prefixes: &'a Prefixes,
    /// The parameters that rules look at.
    pub parameters: BTreeSet<&'a str>,
}

/// One of each of what many references say alike: a call then finds it where the call before it has found it, near the processor.
#[derive(Debug, Default)]
struct Alike {
    texts: HashSet<Arc<str>>,
    said: HashSet<Arc<Said>>,
}

/// What is seen of a caller in its call.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// Where it calls from.
    pub address: IpAddr,
    /// Its application, where it says one.
    pub application: Option<&'a str>,
    /// What it calls.
    pub interface: &'a str,
    /// In this group.
    pub group: Option<&'a str>,
    /// In this version.
    pub version: Option<&'a str>,
    /// By this method.
    pub method: &'a str,
}

impl<'a> Caller<'a> {
    /// Whoever makes this call from there.
    #[must_use]
    pub fn of(call: &'a Call<'_>, address: IpAddr) -> Self {
        Self {
            address,
            application: call.application.as_deref(),
            interface: call.interface.as_deref().unwrap_or(&call.service),
            group: call.group.as_deref(),
            version: call.version.as_deref(),
            method: &call.method,
        }
    }
}

impl Reference {
    /// What a node in the registry says.
    fn of(node: &Arc<zk_bridge::Consumer>, heeded: &Heeded<'_>) -> Self {
        let text = |text: &Option<String>| text.as_deref().map(Arc::from);
        let said = |key: &&str| Some(((*key).to_owned(), node.parameters.get(key)?.to_owned()));
        Self {
            application: text(&node.application),
            group: text(&node.group),
            version: text(&node.version),
            said: Arc::new(Said {
                timeout: node.parameters.timeout(None),
                method_timeouts: method_timeouts(&node.parameters),
                words: heeded.prefixes.read(&node.parameters.0),
                parameters: heeded.parameters.iter().filter_map(said).collect(),
            }),
            until: None,
            node: Some(node.clone()),
        }
    }

    /// The same without its node, until then.
    fn gone(&self, until: Instant, heeded: &Heeded<'_>) -> Self {
        let reference = self.node.as_ref().map_or_else(|| self.clone(), |node| Self::of(node, heeded));
        Self { until: Some(until), ..reference }
    }

    /// Whether a call may come from it.
    fn may_make(&self, caller: &Caller<'_>) -> bool {
        let asks = |wanted: Option<&str>, called: Option<&str>| match wanted {
            Some("*") => true,
            // Nearly always: a list is split only where it is one.
            _ if wanted == called => true,
            Some(wanted) => wanted.split(',').any(|one| Some(one.trim()) == called),
            None => false,
        };
        let application = match (caller.application, self.application.as_deref()) {
            (Some(caller), Some(known)) => caller == known,
            _ => true,
        };
        application
            && asks(self.group.as_deref(), caller.group)
            && (self.version.as_deref() == caller.version || asks(said(self.version.as_deref()), said(caller.version)))
    }

    fn timeout(&self, method: &str) -> Option<Duration> {
        self.said.method_timeouts.get(method).copied().or(self.said.timeout)
    }
}

impl Alike {
    /// The same reference, made of what others have said before it.
    fn put(&mut self, reference: Reference) -> Reference {
        let Reference { application, group, version, said, .. } = reference;
        let [application, group, version] =
            [application, group, version].map(|text| text.map(|text| one_of(&mut self.texts, text)));
        Reference { application, group, version, said: one_of(&mut self.said, said), ..reference }
    }
}

fn one_of<T: ?Sized + Eq + Hash>(known: &mut HashSet<Arc<T>>, new: Arc<T>) -> Arc<T> {
    if let Some(known) = known.get(&new) {
        return known.clone();
    }
    known.insert(new.clone());
    new
}

/// A version, where it is more than what Java writes if there is none.
fn said(version: Option<&str>) -> Option<&str> {
    version.filter(|version| *version != "0.0.0")
}

/// `<method>.timeout` of every method that has one.
fn method_timeouts(parameters: &zk_bridge::Parameters) -> BTreeMap<String, Duration> {
    let methods = parameters.0.keys().filter_map(|key| key.strip_suffix(".timeout"));
    let methods = methods.map(|method| method.strip_prefix("methods.").unwrap_or(method));
    let own = methods.filter(|method| !matches!(*method, "connect" | "default" | "heartbeat"));
    own.filter_map(|method| Some((method.to_owned(), parameters.timeout(Some(method))?))).collect()
}

impl Consumers {
    /// Adds the reference of a node in the registry, unless it says no address, or its calls say all themselves: beside it, a consumer at
    /// that address whose calls name no application would be one of two.
    pub fn add_node(&mut self, node: &Arc<zk_bridge::Consumer>, heeded: &Heeded<'_>) {
        if node.is_sdk() {
            return;
        }
        if let Ok(address) = node.host.parse() {
            self.add(address, &node.interface, Reference::of(node, heeded));
        }
    }

    /// Adds a reference to `interface` of a consumer at `address`.
    pub fn add(&mut self, address: IpAddr, interface: &str, reference: Reference) {
        let reference = self.alike.put(reference);
        self.voices.add(address, interface, &reference);
        self.places.add(address, interface, reference);
    }

    /// These, and for `keep` longer what `before` knew beside them. An application that has registered anew has said all.
    #[must_use]
    pub fn after(mut self, before: &Consumers, now: Instant, keep: Duration, heeded: &Heeded<'_>) -> Self {
        let silent = before.places.each().filter_map(|((address, interface), reference)| {
            let until = reference.until.unwrap_or(now + keep);
            let said_anew = |present: &Reference| present.application == reference.application;
            let is_silent = until > now && !self.places.at(address, interface).iter().any(said_anew);
            is_silent.then(|| (address, interface, reference.gone(until, heeded)))
        });
        for (address, interface, reference) in silent.take(GONE_MAX).collect::<Vec<_>>() {
            self.add(address, interface, reference);
        }
        self
    }

    /// The timeouts of the caller, if its references say one: those of its application, or of everybody at that address
    /// where it does not name one. Those that are gone are asked where none that is there says any.
    #[must_use]
    pub fn timeout(&self, caller: &Caller<'_>) -> Option<Known> {
        let all = self.places.at(caller.address, caller.interface).iter();
        let of =
            |is_there: bool| all.clone().filter(move |one| one.until.is_none() == is_there && one.may_make(caller));
        longest_and_sure(of(true), caller.method).or_else(|| longest_and_sure(of(false), caller.method))
    }

    /// The references that may have made a call: those that are there, else those that are gone and still count.
    #[must_use]
    pub fn made<'a>(&'a self, caller: Caller<'a>) -> Made<'a> {
        let all = self.places.at(caller.address, caller.interface);
        let first =
            |is_there: bool| all.iter().position(|one| one.until.is_none() == is_there && one.may_make(&caller));
        let Some(at) = first(true).or_else(|| first(false)) else { return Made { caller, first: None, rest: &[] } };
        Made { caller, first: all.get(at), rest: &all[at + 1..] }
    }

    /// All that the references of callers say, each caller's as a number.
    #[must_use]
    pub fn voices(&self) -> &Voices {
        &self.voices
    }

    /// The only application that refers to `interface` from that address; `None` where there are none or several.
    #[must_use]
    pub fn only_application(&self, address: IpAddr, interface: &str) -> Option<&str> {
        let present = self.places.at(address, interface).iter().filter(|known| known.until.is_none());
        let mut names = present.filter_map(|known| known.application.as_deref());
        let first = names.next()?;
        names.all(|name| name == first).then_some(first)
    }
}

/// The references that may have made one call.
#[derive(Clone, Copy)]
pub struct Made<'a> {
    caller: Caller<'a>,
    /// Nearly always the only one.
    first: Option<&'a Reference>,
    /// Of the same place behind it, of which some may have made it too.
    rest: &'a [Reference],
}

impl<'a> Made<'a> {
    fn iter(&self) -> impl Iterator<Item = &'a Reference> + use<'a> {
        let Self { caller, first, rest } = *self;
        let is_there = first.is_none_or(|first| first.until.is_none());
        let made_it = move |one: &&Reference| one.until.is_none() == is_there && one.may_make(&caller);
        first.into_iter().chain(rest.iter().filter(made_it))
    }

    /// What their parameters say of the call. References that say nothing leave the word to those that do. Where the call does not name
    /// its application and several may have made it, nobody knows whose word counts: none.
    #[must_use]
    pub fn word(&self) -> Option<Word<'a>> {
        if self.rest.is_empty() {
            return agreed(self.first?.said.words.as_deref()?.of(self.caller.method));
        }
        if self.caller.application.is_none() {
            let mut names = self.iter().map(|reference| reference.application.as_deref());
            let first = names.next()?;
            if names.any(|name| name != first) {
                return None;
            }
        }
        let words = self.iter().filter_map(|reference| reference.said.words.as_deref());
        agreed(words.flat_map(|words| words.of(self.caller.method)))
    }

    /// A parameter of their nodes that rules look at. It counts where all say the same: they cannot be told apart.
    fn parameter(&self, key: &str) -> Option<&'a str> {
        if self.rest.is_empty() {
            return self.first?.said.parameters.get(key).map(String::as_str);
        }
        let mut said = self.iter().map(|reference| reference.said.parameters.get(key).map(String::as_str));
        let first = said.next()??;
        said.all(|other| other == Some(first)).then_some(first)
    }
}

/// The parameters of a caller's node; of a caller whom nobody knows there are none.
pub struct Parameters<'a>(pub Option<Made<'a>>);

impl route::Lookup for Parameters<'_> {
    fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        self.0?.parameter(key).map(Cow::Borrowed)
    }
}

fn longest_and_sure<'a>(references: impl Iterator<Item = &'a Reference>, method: &str) -> Option<Known> {
    let said = references.map(|reference| reference.timeout(method));
    let (longest, surely) = said.fold((None, Some(Duration::MAX)), |(longest, surely), said| {
        (longest.max(said), surely.zip(said).map(|(a, b)| a.min(b)))
    });
    longest.map(|longest| Known { longest, surely })
}

#[cfg(test)]
#[path = "knowledge_tests.rs"]
mod tests;
