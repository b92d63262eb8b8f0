//! What other islands offer, put together from what the hubs tell: the union over all links, with a hold-down.
//!
//! ```text
//!  link up ─▶ live: what this session has told        link down ─▶ stale: what it had told, for the hold-down
//!                    │                                                   │
//!  update ─ parts ─ complete ─▶ committed; the origin's stale part goes  ▼
//!                    └──────────────── union ◀──────────────────────── until
//! ```
//!
//! A link tells in order, and its hub knows which of a gateway's processes is the later one: what was told last counts,
//! whatever the number of the start. A link that told something impossible (a difference from nowhere, more than anybody
//! offers) is heard no further: what it had told before stays, and it has to begin anew. Absence in an incomplete view removes
//! nothing: an entry goes when a hub says so, or when the links that told of it have been gone, or back without it, for longer
//! than the hold-down. Pure: updates and times in, offers out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use wire::tunnel::Entries;
use wire::tunnel::catalogue::{Entry, Origin, ServiceKey, Update};

/// What one link may tell, services and gateways together, half-told ones included: all islands offer less.
const ENTRIES_MAX: usize = 200_000;

/// A gateway by its island and its name.
type Gateway = (Arc<str>, String);

/// Everything that is known of other islands.
#[derive(Debug)]
pub struct Catalogue {
    hold_down: Duration,
    entries_max: usize,
    links: BTreeMap<u64, LinkView>,
    /// What links had told that are over, by hub.
    stale: Vec<Stale>,
}

#[derive(Debug)]
struct LinkView {
    hub: String,
    /// Whether the hub has said that this is everything.
    extent: Extent,
    live: BTreeMap<Gateway, Told>,
    hearing: Hearing,
}

/// How much a link has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// There may be more: what it did not name is not known to be absent.
    Part,
    /// Everything, and since then every difference.
    Whole,
}

/// Whether a link is still listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hearing {
    Open,
    /// It has to begin anew.
    Ended,
}

#[derive(Debug)]
struct Told {
    start: u64,
    revision: u64,
    entries: Entries,
    building: Option<Building>,
}

#[derive(Debug)]
struct Building {
    start: u64,
    revision: u64,
    base: u64,
    entries: Entries,
}

/// An update about one gateway, its entries shared with what is kept.
struct Part {
    start: u64,
    revision: u64,
    base: u64,
    added: Vec<Arc<Entry>>,
    removed: Vec<ServiceKey>,
    complete: bool,
}

#[derive(Debug)]
struct Stale {
    hub: String,
    until: Instant,
    gateways: BTreeMap<Gateway, Entries>,
}

/// An entry with the island it is from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offered<'a> {
    /// The island.
    pub island: &'a Arc<str>,
    /// What its gateway says.
    pub entry: &'a Arc<Entry>,
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
    /// More than anybody offers: the link has to begin anew, as with a gap.
    TooMuch,
}

impl Catalogue {
    /// Nothing known.
    #[must_use]
    pub fn new(hold_down: Duration) -> Self {
        Self { hold_down, entries_max: ENTRIES_MAX, links: BTreeMap::new(), stale: Vec::new() }
    }

    /// Another hold-down from now on.
    pub fn set_hold_down(&mut self, hold_down: Duration) {
        self.hold_down = hold_down;
    }

    /// A session with `hub` has begun.
    pub fn up(&mut self, link: u64, hub: &str, now: Instant) {
        let (live, hearing) = (BTreeMap::new(), Hearing::Open);
        let view = LinkView { hub: hub.to_owned(), extent: Extent::Part, live, hearing };
        self.links.insert(link, view);
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

    /// The hub has told everything there is now.
    pub fn told(&mut self, link: u64) {
        if let Some(view) = self.links.get_mut(&link) {
            view.extent = Extent::Whole;
        }
    }

    /// A hub tells what an island offers.
    pub fn update(&mut self, link: u64, update: Update) -> Applied {
        let Update { origin: Origin { island, gateway, start }, revision, base, added, removed, complete } = update;
        let gateway = (island.into(), gateway);
        let added = added.into_iter().map(|entry| self.known(&gateway, entry)).collect();
        let Some(view) = self.links.get_mut(&link).filter(|view| view.hearing == Hearing::Open) else {
            return Applied::Unchanged;
        };
        let part = Part { start, revision, base, added, removed, complete };
        let applied = view.hear(&gateway, part, self.entries_max);
        if matches!(applied, Applied::Gap | Applied::TooMuch) {
            view.end_hearing();
        }
        let hub = view.hub.clone();
        let committed = view.live.get(&gateway).filter(|told| told.building.is_none());
        let Some(told) = committed.filter(|_| view.hearing == Hearing::Open) else { return applied };
        let mut applied = applied;
        for stale in self.stale.iter_mut().filter(|stale| stale.hub == hub) {
            if stale.gateways.remove(&gateway).is_some_and(|entries| entries != told.entries) {
                applied = Applied::Changed;
            }
        }
        applied
    }

    /// The entry, or the equal one that is kept already: every shard has a link, and all of them tell the same.
    fn known(&self, gateway: &Gateway, entry: Entry) -> Arc<Entry> {
        let told = self.links.values().filter_map(|view| view.live.get(gateway));
        let live =
            told.flat_map(|told| [Some(&told.entries), told.building.as_ref().map(|building| &building.entries)]);
        let stale = self.stale.iter().map(|stale| stale.gateways.get(gateway));
        let mut same = live.chain(stale).flatten().filter_map(|entries| entries.get(&entry.key));
        same.find(|same| ***same == entry).cloned().unwrap_or_else(|| Arc::new(entry))
    }

    /// Forgets what was held long enough; says whether that changed anything.
    pub fn expire(&mut self, now: Instant) -> Applied {
        let mut applied = Applied::Unchanged;
        self.stale.retain(|stale| {
            let holds = stale.gateways.values().any(|entries| !entries.is_empty());
            if holds && stale.until <= now {
                applied = Applied::Changed;
            }
            holds && stale.until > now
        });
        applied
    }

    /// Every entry that counts, some more than once.
    pub fn offered(&self) -> impl Iterator<Item = Offered<'_>> {
        let live = self.links.values().flat_map(|view| &view.live);
        let live = live.flat_map(|((island, _), told)| told.entries.iter().map(move |entry| Offered { island, entry }));
        let stale = self.stale.iter().flat_map(|stale| &stale.gateways);
        let stale = stale.flat_map(|((island, _), entries)| entries.iter().map(move |entry| Offered { island, entry }));
        live.chain(stale)
    }

    /// Which hubs show which island now.
    #[must_use]
    pub fn hubs(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut hubs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for view in self.links.values() {
            for ((island, _), told) in &view.live {
                if !told.entries.is_empty() {
                    hubs.entry(island.to_string()).or_default().insert(view.hub.clone());
                }
            }
        }
        hubs
    }

    /// Whether some hub has told everything that it lets this island see, so that what is not offered is known to be gone.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.links.values().any(|view| view.extent == Extent::Whole && view.hearing == Hearing::Open)
    }

    /// How many links are up.
    #[must_use]
    pub fn links(&self) -> usize {
        self.links.len()
    }
}

impl LinkView {
    /// Takes in what the link tells of one gateway.
    fn hear(&mut self, gateway: &Gateway, part: Part, entries_max: usize) -> Applied {
        let Part { start, revision, base, added, removed, complete } = part;
        let others = self.live.iter().filter(|(known, _)| *known != gateway);
        let room = entries_max.saturating_sub(others.map(|(_, told)| told.counted()).sum());
        let told = self.live.entry(gateway.clone()).or_insert_with(|| Told {
            start,
            revision: 0,
            entries: Entries::default(),
            building: None,
        });
        let goes_on = told.building.as_ref().is_some_and(|b| (b.start, b.revision, b.base) == (start, revision, base));
        if !goes_on {
            let entries = match base {
                0 => Entries::default(),
                base if base == told.revision && start == told.start => told.entries.clone(),
                _ => return Applied::Gap,
            };
            told.building = Some(Building { start, revision, base, entries });
        }
        let Some(building) = &mut told.building else { return Applied::Unchanged };
        for key in &removed {
            building.entries.remove(key);
        }
        for entry in added {
            building.entries.insert(entry, usize::MAX);
        }
        // What it will replace is not counted beside it.
        if 1 + building.entries.len() > room {
            return Applied::TooMuch;
        }
        if !complete {
            return Applied::Unchanged;
        }
        let Some(built) = told.building.take() else { return Applied::Unchanged };
        let applied = if built.entries == told.entries { Applied::Unchanged } else { Applied::Changed };
        (told.start, told.revision, told.entries) = (built.start, built.revision, built.entries);
        applied
    }

    /// Listens no further, and drops what was told by half.
    fn end_hearing(&mut self) {
        self.hearing = Hearing::Ended;
        for told in self.live.values_mut() {
            told.building = None;
        }
    }
}

impl Told {
    /// What it counts for in the bound of its link: the gateway and the longer of what counts and what is to replace it.
    fn counted(&self) -> usize {
        let building = self.building.as_ref().map_or(0, |building| building.entries.len());
        1 + self.entries.len().max(building)
    }
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
