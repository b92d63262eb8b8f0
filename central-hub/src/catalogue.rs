//! What the islands offer, as their ingress gateways said it, and the part of it that each egress may see. It never looks
//! at a call.
//!
//! ```text
//!  ingress link ─ update ─▶ origin (island, gateway): entries, start, revision ─ policy ─▶ what an egress sees ─ difference ─▶ its link
//!                                │
//!                links gone ─▶ kept for the hold-down, then removed in words
//! ```

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use wire::tunnel::catalogue::{Entry, Origin, ServiceKey, Update};

use crate::policy::Policy;

/// Most services one gateway may offer; an update that goes over is cut there and said in the log.
pub const ENTRIES_MAX: usize = 100_000;

/// Everything that is offered.
#[derive(Debug)]
pub struct Catalogue {
    origins: HashMap<Who, Offer>,
    hold_down: Duration,
}

/// A gateway by island and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Who {
    /// Its island.
    pub island: String,
    /// Its id.
    pub gateway: String,
}

impl Who {
    /// The gateway at the other end of a link, as its key proves.
    pub fn of(link: &tunnel::Link) -> Who {
        Who { island: link.peer().island.to_string(), gateway: link.peer().name.to_string() }
    }
}

#[derive(Debug)]
struct Offer {
    start: u64,
    revision: u64,
    entries: BTreeMap<ServiceKey, Entry>,
    /// Parts of one snapshot, of this start and revision, that wait for the last one.
    gathering: Option<(u64, u64, BTreeMap<ServiceKey, Entry>)>,
    links_len: usize,
    gone_since: Option<Instant>,
}

/// What became of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Something that an egress may see has changed.
    Changed,
    /// Nothing new.
    Known,
    /// The update builds on a revision that is not here; a snapshot is needed.
    Gap,
}

/// What one egress link has been told, by origin.
#[derive(Debug, Default)]
pub struct Shown(BTreeMap<Who, Told>);

#[derive(Debug)]
struct Told {
    start: u64,
    revision: u64,
    entries: BTreeMap<ServiceKey, Entry>,
}

impl Catalogue {
    /// Nothing is offered yet.
    pub fn new(hold_down: Duration) -> Catalogue {
        Catalogue { origins: HashMap::new(), hold_down }
    }

    /// A link of this gateway is up.
    pub fn link_up(&mut self, who: Who) {
        let offer = self.origins.entry(who).or_insert_with(Offer::new);
        offer.links_len += 1;
        offer.gone_since = None;
    }

    /// A link of this gateway is gone at `now`.
    pub fn link_down(&mut self, who: &Who, now: Instant) {
        if let Some(offer) = self.origins.get_mut(who) {
            offer.links_len = offer.links_len.saturating_sub(1);
            if offer.links_len == 0 {
                offer.gone_since = Some(now);
            }
        }
    }

    /// Takes what a gateway says of its own island's services. The origin is the link's own, whatever the update claims.
    pub fn apply(&mut self, who: &Who, update: Update) -> Applied {
        let offer = self.origins.entry(who.clone()).or_insert_with(Offer::new);
        offer.apply(update)
    }

    /// Forgets gateways whose links are gone for longer than the hold-down; says whether anything went.
    pub fn forget_gone(&mut self, now: Instant) -> bool {
        let before = self.origins.len();
        self.origins.retain(|_, offer| offer.gone_since.is_none_or(|since| now.duration_since(since) < self.hold_down));
        before != self.origins.len()
    }

    /// All that one gateway offers.
    pub fn entries(&self, who: &Who) -> impl Iterator<Item = &Entry> {
        self.origins.get(who).into_iter().flat_map(|offer| offer.entries.values())
    }

    /// Whether the gateway has said what it offers.
    pub fn is_known(&self, who: &Who) -> bool {
        self.origins.get(who).is_some_and(|offer| offer.revision > 0)
    }

    /// Everybody who offers something, with the number of services and whether a link is up.
    pub fn origins(&self) -> impl Iterator<Item = (&Who, usize, bool)> {
        self.origins.iter().map(|(who, offer)| (who, offer.entries.len(), offer.links_len > 0))
    }

    /// What the egress of island `viewer` has to be told so that it knows what it may see; `shown` remembers it.
    pub fn updates(&self, viewer: &str, policy: &Policy, shown: &mut Shown) -> Vec<Update> {
        let mut updates = Vec::new();
        let gone: Vec<Who> = shown.0.keys().filter(|who| !self.origins.contains_key(*who)).cloned().collect();
        for who in gone {
            if let Some(mut told) = shown.0.remove(&who) {
                updates.extend(told.update(&who, told.start, BTreeMap::new()));
            }
        }
        for (who, offer) in &self.origins {
            if who.island == viewer {
                continue;
            }
            let visible = offer.visible(viewer, &who.island, policy);
            if visible.is_empty() && !shown.0.contains_key(who) {
                continue;
            }
            let told = shown.0.entry(who.clone()).or_insert_with(|| Told {
                start: offer.start,
                revision: 0,
                entries: BTreeMap::new(),
            });
            updates.extend(told.update(who, offer.start, visible));
        }
        updates
    }
}

impl Offer {
    fn new() -> Offer {
        Offer { start: 0, revision: 0, entries: BTreeMap::new(), gathering: None, links_len: 0, gone_since: None }
    }

    fn apply(&mut self, update: Update) -> Applied {
        let same_start = update.origin.start == self.start;
        if update.origin.start < self.start || (same_start && update.revision <= self.revision) {
            return Applied::Known;
        }
        if update.base == 0 {
            let of = (update.origin.start, update.revision);
            // Parts of a snapshot that never ended say nothing of the next one.
            let earlier = self.gathering.take().filter(|(start, revision, _)| (*start, *revision) == of);
            let mut gathered = earlier.map(|(.., entries)| entries).unwrap_or_default();
            gather(&mut gathered, update.added);
            if !update.complete {
                self.gathering = Some((of.0, of.1, gathered));
                return Applied::Known;
            }
            self.entries = gathered;
        } else if same_start && update.base == self.revision {
            for key in &update.removed {
                self.entries.remove(key);
            }
            gather(&mut self.entries, update.added);
        } else {
            return Applied::Gap;
        }
        // Several links of one gateway bring the same parts: applying a part twice changes nothing.
        self.start = update.origin.start;
        if update.complete {
            self.revision = update.revision;
        }
        Applied::Changed
    }

    fn visible(&self, viewer: &str, island: &str, policy: &Policy) -> BTreeMap<ServiceKey, Entry> {
        let sees = |key: &ServiceKey| policy.sees(viewer, island, &key.group, &key.interface, &key.version);
        self.entries.iter().filter(|(key, _)| sees(key)).map(|(key, entry)| (key.clone(), entry.clone())).collect()
    }
}

fn gather(entries: &mut BTreeMap<ServiceKey, Entry>, added: Vec<Entry>) {
    for entry in added {
        if entries.len() >= ENTRIES_MAX && !entries.contains_key(&entry.key) {
            tracing::warn!(
                limit = ENTRIES_MAX,
                "a gateway offers more services than a hub keeps; the rest is left out"
            );
            return;
        }
        entries.insert(entry.key.clone(), entry);
    }
}

impl Told {
    /// The update that leads from what was told to `entries`, if there is a difference.
    fn update(&mut self, who: &Who, start: u64, entries: BTreeMap<ServiceKey, Entry>) -> Option<Update> {
        let snapshot = self.revision == 0 || start != self.start;
        let before = if snapshot { BTreeMap::new() } else { std::mem::take(&mut self.entries) };
        let added: Vec<Entry> = entries
            .iter()
            .filter(|(key, entry)| before.get(*key) != Some(*entry))
            .map(|(_, entry)| entry.clone())
            .collect();
        let removed: Vec<ServiceKey> = before.keys().filter(|key| !entries.contains_key(*key)).cloned().collect();
        self.entries = entries;
        if !snapshot && added.is_empty() && removed.is_empty() {
            return None;
        }
        let base = if snapshot { 0 } else { self.revision };
        (self.start, self.revision) = (start, self.revision + 1);
        let origin = Origin { island: who.island.clone(), gateway: who.gateway.clone(), start };
        Some(Update { origin, revision: self.revision, base, added, removed, complete: true })
    }
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
