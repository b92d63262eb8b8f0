//! What other islands offer, put together from what the hubs tell: the union over all links, with a hold-down.
//!
//! ```text
//!  link up ─▶ live: what this session has told        link down ─▶ stale: what it had told, for the hold-down
//!                    │                                                   │
//!  update ─ parts ─ complete ─▶ committed; the origin's stale part goes  ▼
//!                    └──────────────── union ◀──────────────────────── until
//! ```
//!
//! Absence in an incomplete view removes nothing: an entry goes when a hub says so, or when the links that told of it
//! have been gone, or back without it, for longer than the hold-down. Pure: updates and times in, offers out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use wire::tunnel::catalogue::{Entry, Origin, ServiceKey, Update};

/// A new link is given this long to tell everything; until some link had it, absence proves nothing.
pub const SETTLES_WITHIN: Duration = Duration::from_secs(2);
/// No island offers more; what comes beyond it is not taken.
const ENTRIES_MAX: usize = 200_000;

/// A gateway of an island.
type Gateway = (String, String);

/// Everything that is known of other islands.
#[derive(Debug)]
pub struct Catalogue {
    hold_down: Duration,
    links: BTreeMap<u64, LinkView>,
    /// What links had told that are over, by hub.
    stale: Vec<Stale>,
}

#[derive(Debug)]
struct LinkView {
    hub: String,
    since: Instant,
    live: BTreeMap<Gateway, Told>,
}

#[derive(Debug, Clone)]
struct Told {
    start: u64,
    revision: u64,
    entries: BTreeMap<ServiceKey, Entry>,
    building: Option<Building>,
}

#[derive(Debug, Clone)]
struct Building {
    start: u64,
    revision: u64,
    base: u64,
    entries: BTreeMap<ServiceKey, Entry>,
}

#[derive(Debug)]
struct Stale {
    hub: String,
    until: Instant,
    gateways: BTreeMap<Gateway, BTreeMap<ServiceKey, Entry>>,
}

/// An entry with the island it is from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offered<'a> {
    /// The island.
    pub island: &'a str,
    /// What its gateway says.
    pub entry: &'a Entry,
}

/// What an update did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The offers may be others now.
    Changed,
    /// Nothing to see yet.
    Unchanged,
    /// It starts from a revision that this link never told: the link has to begin anew.
    Gap,
    /// More than anybody offers.
    TooMuch,
}

impl Catalogue {
    /// Nothing known.
    #[must_use]
    pub fn new(hold_down: Duration) -> Self {
        Self { hold_down, links: BTreeMap::new(), stale: Vec::new() }
    }

    /// Another hold-down from now on.
    pub fn set_hold_down(&mut self, hold_down: Duration) {
        self.hold_down = hold_down;
    }

    /// A session with `hub` has begun.
    pub fn up(&mut self, link: u64, hub: &str, now: Instant) {
        self.links.insert(link, LinkView { hub: hub.to_owned(), since: now, live: BTreeMap::new() });
        // The hub is back: it gets the hold-down to tell again what it had told.
        for stale in self.stale.iter_mut().filter(|stale| stale.hub == hub) {
            stale.until = now + self.hold_down;
        }
    }

    /// A session is over. What it had told is held for a while.
    pub fn down(&mut self, link: u64, now: Instant) {
        let Some(view) = self.links.remove(&link) else { return };
        let told = view.live.into_iter().map(|(gateway, told)| (gateway, told.entries));
        self.stale.push(Stale { hub: view.hub, until: now + self.hold_down, gateways: told.collect() });
    }

    /// A hub tells what an island offers.
    pub fn update(&mut self, link: u64, update: Update) -> Applied {
        let total: usize = self.links.values().flat_map(|view| view.live.values()).map(|told| told.entries.len()).sum();
        if total + update.added.len() > ENTRIES_MAX {
            return Applied::TooMuch;
        }
        let Some(view) = self.links.get_mut(&link) else { return Applied::Unchanged };
        let Update { origin: Origin { island, gateway, start }, revision, base, added, removed, complete } = update;
        let gateway = (island, gateway);
        let told = view.live.entry(gateway.clone()).or_insert_with(|| Told {
            start,
            revision: 0,
            entries: BTreeMap::new(),
            building: None,
        });
        if start < told.start {
            return Applied::Unchanged;
        }
        let goes_on = told.building.as_ref().is_some_and(|b| (b.start, b.revision, b.base) == (start, revision, base));
        if !goes_on {
            let entries = match base {
                0 => BTreeMap::new(),
                base if base == told.revision && start == told.start => told.entries.clone(),
                _ => return Applied::Gap,
            };
            told.building = Some(Building { start, revision, base, entries });
        }
        let Some(building) = &mut told.building else { return Applied::Unchanged };
        for key in &removed {
            building.entries.remove(key);
        }
        building.entries.extend(added.into_iter().map(|entry| (entry.key.clone(), entry)));
        if !complete {
            return Applied::Unchanged;
        }
        if let Some(built) = told.building.take() {
            (told.start, told.revision, told.entries) = (built.start, built.revision, built.entries);
        }
        let hub = view.hub.clone();
        for stale in self.stale.iter_mut().filter(|stale| stale.hub == hub) {
            stale.gateways.remove(&gateway);
        }
        Applied::Changed
    }

    /// Forgets what was held long enough; says whether that changed anything.
    pub fn expire(&mut self, now: Instant) -> Applied {
        let before = self.stale.len();
        self.stale.retain(|stale| stale.until > now && !stale.gateways.is_empty());
        if self.stale.len() == before { Applied::Unchanged } else { Applied::Changed }
    }

    /// Every entry that counts, some more than once.
    pub fn offered(&self) -> impl Iterator<Item = Offered<'_>> {
        let live = self.links.values().flat_map(|view| &view.live);
        let live =
            live.flat_map(|((island, _), told)| told.entries.values().map(move |entry| Offered { island, entry }));
        let stale = self.stale.iter().flat_map(|stale| &stale.gateways);
        let stale =
            stale.flat_map(|((island, _), entries)| entries.values().map(move |entry| Offered { island, entry }));
        live.chain(stale)
    }

    /// Which hubs show which island now.
    #[must_use]
    pub fn hubs(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut hubs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for view in self.links.values() {
            for ((island, _), told) in &view.live {
                if !told.entries.is_empty() {
                    hubs.entry(island.clone()).or_default().insert(view.hub.clone());
                }
            }
        }
        hubs
    }

    /// Whether some hub has told everything that it lets this island see.
    #[must_use]
    pub fn is_complete(&self, now: Instant) -> bool {
        let whole = |view: &LinkView| view.live.values().all(|told| told.building.is_none());
        self.links.values().any(|view| now >= view.since + SETTLES_WITHIN && whole(view))
    }

    /// How many links are up.
    #[must_use]
    pub fn links(&self) -> usize {
        self.links.len()
    }
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
