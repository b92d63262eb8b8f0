//! What a shard knows when a call comes in: immutable, replaced as a whole by the control thread.
//!
//! Never read from a socket or registry here; the path of a call only looks things up.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use route::{Snapshot, Word};
use wire::dubbo::call::Call;

use crate::deadline::Known;
use crate::local::Local;
use crate::reference::{Prefixes, Words, agreed};

/// Everything, at one moment.
#[derive(Debug, Default)]
pub struct Knowledge {
    /// Catalogue and imports.
    pub snapshot: Arc<Snapshot>,
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

/// Something by address and interface, looked up for each call.
type Places<T> = HashMap<IpAddr, HashMap<String, Vec<T>, RandomState>, RandomState>;

/// References of consumers by address and interface.
#[derive(Debug, Default)]
pub struct Consumers {
    by_address: Places<Reference>,
    /// Those whose nodes are gone, each with the moment until which its timeouts count: a consumer whose session with the registry
    /// has ended goes on calling before it registers again.
    gone: Places<(Instant, Reference)>,
    /// Whether any of them names an island.
    names_islands: bool,
}

/// What one reference says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reference {
    /// The application.
    pub application: Option<String>,
    /// The group that it asks for: one, several with commas between, `*` for any, or none.
    pub group: Option<String>,
    /// The version likewise.
    pub version: Option<String>,
    /// Its timeout.
    pub timeout: Option<Duration>,
    /// Timeouts of single methods.
    pub method_timeouts: HashMap<String, Duration>,
    /// Which islands it names.
    pub words: Option<Box<Words>>,
    /// Its node.
    pub node: Option<Arc<zk_bridge::Consumer>>,
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
    /// What a node in the registry says, whose parameters name islands behind these prefixes.
    fn of(node: &Arc<zk_bridge::Consumer>, prefixes: &Prefixes) -> Self {
        Self {
            application: node.application.clone(),
            group: node.group.clone(),
            version: node.version.clone(),
            timeout: node.parameters.timeout(None),
            method_timeouts: method_timeouts(&node.parameters),
            words: prefixes.read(&node.parameters.0),
            node: Some(node.clone()),
        }
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
            && asks(said(self.version.as_deref()), said(caller.version))
    }

    fn timeout(&self, method: &str) -> Option<Duration> {
        self.method_timeouts.get(method).copied().or(self.timeout)
    }
}

/// A version, where it is more than what Java writes if there is none.
fn said(version: Option<&str>) -> Option<&str> {
    version.filter(|version| *version != "0.0.0")
}

/// `<method>.timeout` of every method that has one.
fn method_timeouts(parameters: &zk_bridge::Parameters) -> HashMap<String, Duration> {
    let methods = parameters.0.keys().filter_map(|key| key.strip_suffix(".timeout"));
    let methods = methods.map(|method| method.strip_prefix("methods.").unwrap_or(method));
    let own = methods.filter(|method| !matches!(*method, "connect" | "default" | "heartbeat"));
    own.filter_map(|method| Some((method.to_owned(), parameters.timeout(Some(method))?))).collect()
}

impl Consumers {
    /// Adds the reference of a node in the registry, unless it says no address.
    pub fn add_node(&mut self, node: &Arc<zk_bridge::Consumer>, prefixes: &Prefixes) {
        if let Ok(address) = node.host.parse() {
            self.add(address, &node.interface, Reference::of(node, prefixes));
        }
    }

    /// Adds a reference to `interface` of a consumer at `address`.
    pub fn add(&mut self, address: IpAddr, interface: &str, reference: Reference) {
        self.names_islands |= reference.words.is_some();
        add(&mut self.by_address, address, interface, reference);
    }

    /// These, and for `keep` longer what `before` knew beside them. An application that has registered anew has said all.
    #[must_use]
    pub fn after(mut self, before: &Consumers, now: Instant, keep: Duration) -> Self {
        let just_gone = each(&before.by_address).map(|(place, reference)| (place, (now + keep, reference)));
        let gone_before = each(&before.gone).map(|(place, (until, reference))| (place, (*until, reference)));
        let mut gone = Places::default();
        let silent = gone_before.chain(just_gone).filter(|((address, interface), (until, reference))| {
            let present = self.references(*address, interface).unwrap_or_default();
            *until > now && !present.iter().any(|present| present.application == reference.application)
        });
        for ((address, interface), (until, reference)) in silent.take(GONE_MAX) {
            add(&mut gone, address, interface, (until, reference.clone()));
        }
        self.names_islands |= each(&gone).any(|(_, (_, reference))| reference.words.is_some());
        self.gone = gone;
        self
    }

    /// The timeouts of the caller, if its references say one: those of its application, or of everybody at that address
    /// where it does not name one.
    #[must_use]
    pub fn timeout(&self, caller: &Caller<'_>) -> Option<Known> {
        let present = self.references(caller.address, caller.interface).unwrap_or_default();
        let gone = || at(&self.gone, caller.address, caller.interface).unwrap_or_default();
        longest_and_sure(present.iter(), caller)
            .or_else(|| longest_and_sure(gone().iter().map(|(_, reference)| reference), caller))
    }

    /// What the parameters of the caller's references say of its call. References that may have made it and say nothing leave the word
    /// to those that do. Where the call does not name its application and several may have made it, nobody knows whose word counts: none.
    #[must_use]
    pub fn word<'a>(&'a self, caller: &Caller<'a>) -> Option<Word<'a>> {
        if !self.names_islands {
            return None;
        }
        if caller.application.is_none() {
            let mut names = self.of(caller).map(|reference| reference.application.as_deref());
            let first = names.next()?;
            if names.any(|name| name != first) {
                return None;
            }
        }
        let words = self.of(caller).filter_map(|reference| reference.words.as_deref());
        agreed(words.flat_map(|words| words.of(caller.method)))
    }

    /// The parameters of the caller's node; nothing is looked up before one is read.
    #[must_use]
    pub fn parameters<'a>(&'a self, caller: Option<Caller<'a>>) -> Parameters<'a> {
        Parameters { consumers: self, caller }
    }

    /// The references that may have made a call: those that are there, else those that are gone and still count.
    fn of<'a>(&'a self, caller: &Caller<'a>) -> impl Iterator<Item = &'a Reference> + use<'a> {
        let (address, interface, caller) = (caller.address, caller.interface, *caller);
        let made_it = move |reference: &&Reference| reference.may_make(&caller);
        let mut present = self.references(address, interface).unwrap_or_default().iter().filter(made_it).peekable();
        let gone = if present.peek().is_none() { at(&self.gone, address, interface) } else { None };
        present.chain(gone.unwrap_or_default().iter().map(|(_, reference)| reference).filter(made_it))
    }

    /// The only application that refers to `interface` from that address; `None` where there are none or several.
    #[must_use]
    pub fn only_application(&self, address: IpAddr, interface: &str) -> Option<&str> {
        let mut names = self.references(address, interface)?.iter().filter_map(|known| known.application.as_deref());
        let first = names.next()?;
        names.all(|name| name == first).then_some(first)
    }

    fn references(&self, address: IpAddr, interface: &str) -> Option<&[Reference]> {
        at(&self.by_address, address, interface)
    }
}

/// The parameters of a caller's node, for rules that read any. Where several references may have made the call, a parameter counts that
/// is the same in all of them: they cannot be told apart.
pub struct Parameters<'a> {
    consumers: &'a Consumers,
    caller: Option<Caller<'a>>,
}

impl route::Lookup for Parameters<'_> {
    fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        let mut said =
            self.consumers.of(self.caller.as_ref()?).map(|reference| reference.node.as_ref()?.parameters.get(key));
        let first = said.next()??;
        said.all(|other| other == Some(first)).then_some(Cow::Borrowed(first))
    }
}

fn add<T>(places: &mut Places<T>, address: IpAddr, interface: &str, what: T) {
    places.entry(address).or_default().entry(interface.to_owned()).or_default().push(what);
}

fn at<'a, T>(places: &'a Places<T>, address: IpAddr, interface: &str) -> Option<&'a [T]> {
    Some(places.get(&address)?.get(interface)?)
}

fn each<T>(places: &Places<T>) -> impl Iterator<Item = ((IpAddr, &str), &T)> {
    places.iter().flat_map(|(address, interfaces)| {
        interfaces.iter().flat_map(|(interface, all)| all.iter().map(|one| ((*address, interface.as_str()), one)))
    })
}

fn longest_and_sure<'a>(references: impl Iterator<Item = &'a Reference>, caller: &Caller<'_>) -> Option<Known> {
    let said =
        references.filter(|reference| reference.may_make(caller)).map(|reference| reference.timeout(caller.method));
    let (longest, surely) = said.fold((None, Some(Duration::MAX)), |(longest, surely), said| {
        (longest.max(said), surely.zip(said).map(|(a, b)| a.min(b)))
    });
    longest.map(|longest| Known { longest, surely })
}

#[cfg(test)]
#[path = "knowledge_tests.rs"]
mod tests;
