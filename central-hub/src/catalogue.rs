//! What the islands offer, as their ingress gateways said it, and the part of it that each egress may see. It never looks
//! at a call.
//!
//! ```text
//!  ingress link ─ update ─▶ origin (island, gateway): entries, start, revision ─ policy ─▶ what an egress sees ─ difference ─▶ its link
//!                                │
//!                links gone ─▶ kept for the hold-down, then removed in words
//!                links of the believed start gone, others up ─▶ one of those tells all of it afresh
//! ```

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use wire::tunnel::Entries;
use wire::tunnel::catalogue::{Entry, Origin, ServiceKey, Update};

use crate::policy::Policy;

/// Services in one update that an egress is told: what is made for it at once stays small.
const TOLD_AT_ONCE: usize = 1000;

/// Everything that is offered.
#[derive(Debug)]
pub struct Catalogue {
    origins: HashMap<Who, Offer>,
    hold_down: Duration,
    began: Instant,
    /// Bytes of memory that the services of one gateway may take.
    limit: usize,
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

#[derive(Debug, Default)]
struct Offer {
    start: u64,
    /// The newest link that told of this start: another start is a later one if it comes over a later link, whatever the
    /// clock says that the starts were drawn from.
    link: u64,
    revision: u64,
    entries: Entries,
    /// Parts of one snapshot, of this start and revision, that wait for the last one.
    gathering: Option<(u64, u64, Entries)>,
    /// Whether something was left out already, and said.
    is_cut: bool,
    /// Its links that are up, each with the start of the process that has told something over it.
    links: HashMap<u64, Option<u64>>,
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

impl Shown {
    /// The islands of which something was told, some more than once.
    pub fn islands(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, told)| !told.entries.is_empty()).map(|(who, _)| who.island.as_str())
    }
}

#[derive(Debug, Default)]
struct Told {
    start: u64,
    revision: u64,
    entries: Entries,
}

impl Catalogue {
    /// Nothing is offered yet; the hub began at `began`. `limit`: bytes of memory that the services of one gateway may take.
    pub fn new(hold_down: Duration, limit: usize, began: Instant) -> Catalogue {
        Catalogue { origins: HashMap::new(), hold_down, limit, began }
    }

    /// Whether what nobody offers is absent: every ingress gateway of the policy has said what it offers, or had the hold-down to
    /// come.
    pub fn is_whole(&self, policy: &Policy, now: Instant) -> bool {
        now.duration_since(self.began) >= self.hold_down
            || policy
                .ingresses()
                .all(|(island, gateway)| self.is_known(&Who { island: island.to_owned(), gateway: gateway.to_owned() }))
    }

    /// The link of this number of this gateway is up.
    pub fn link_up(&mut self, who: Who, link: u64) {
        let offer = self.origins.entry(who).or_default();
        offer.links.insert(link, None);
        offer.gone_since = None;
    }

    /// The link of this number of this gateway is gone at `now`. Returns the link over which the gateway has to tell all of it
    /// afresh, if any: an earlier process that linked once more while it drained was believed, and is gone now.
    pub fn link_down(&mut self, who: &Who, link: u64, now: Instant) -> Option<u64> {
        let offer = self.origins.get_mut(who)?;
        let told = offer.links.remove(&link)?;
        if offer.links.is_empty() {
            offer.gone_since = Some(now);
        }
        let believed = Some(offer.start);
        if told != believed || offer.links.values().any(|told| *told == believed) {
            return None;
        }
        // Of one that has told nothing yet all is still to come.
        offer.links.iter().filter(|(_, told)| told.is_some()).map(|(link, _)| *link).max()
    }

    /// Takes what a gateway says of its own island's services, over the link of this number. The origin is the link's own,
    /// whatever the update claims.
    pub fn apply(&mut self, who: &Who, link: u64, update: Update) -> Applied {
        let offer = self.origins.entry(who.clone()).or_default();
        let applied = offer.apply(link, update, self.limit);
        if applied.1 == Fit::Cut && !std::mem::replace(&mut offer.is_cut, true) {
            let (island, gateway, limit) = (&who.island, &who.gateway, self.limit);
            tracing::warn!(
                island,
                gateway,
                limit,
                "a gateway offers more than limits.catalogue bytes; the rest is left out"
            );
        }
        applied.0
    }

    /// Forgets gateways whose links are gone for longer than the hold-down; says whether anything went.
    pub fn forget_gone(&mut self, now: Instant) -> bool {
        let before = self.origins.len();
        self.origins.retain(|_, offer| offer.gone_since.is_none_or(|since| now.duration_since(since) < self.hold_down));
        before != self.origins.len()
    }

    /// All that one gateway offers.
    pub fn entries(&self, who: &Who) -> impl Iterator<Item = &Entry> {
        self.origins.get(who).into_iter().flat_map(|offer| offer.entries.iter()).map(|entry| &**entry)
    }

    /// Whether what is here of a gateway is at least this.
    pub fn is_at(&self, who: &Who, start: u64, revision: u64) -> bool {
        self.origins.get(who).is_some_and(|offer| offer.start == start && offer.revision >= revision)
    }

    /// Whether the gateway has said what it offers.
    pub fn is_known(&self, who: &Who) -> bool {
        self.origins.get(who).is_some_and(|offer| offer.revision > 0)
    }

    /// Everybody who offers something, with the number of services and whether a link is up.
    pub fn origins(&self) -> impl Iterator<Item = (&Who, usize, bool)> {
        self.origins.iter().map(|(who, offer)| (who, offer.entries.len(), !offer.links.is_empty()))
    }

    /// What the egress of island `viewer` has to be told so that it knows what it may see; `shown` remembers it. One update
    /// after another, each of which holds little.
    pub fn updates(&self, viewer: &str, policy: &Policy, shown: &mut Shown, mut tell: impl FnMut(Update)) {
        let gone: Vec<Who> = shown.0.keys().filter(|who| !self.origins.contains_key(*who)).cloned().collect();
        for who in gone {
            if let Some(mut told) = shown.0.remove(&who) {
                told.update(&who, told.start, Entries::default(), &mut tell);
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
            shown.0.entry(who.clone()).or_default().update(who, offer.start, visible, &mut tell);
        }
    }
}

/// Whether all of it had room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Whole,
    Cut,
}

impl Offer {
    fn apply(&mut self, link: u64, update: Update, limit: usize) -> (Applied, Fit) {
        if let Some(told) = self.links.get_mut(&link) {
            *told = Some(update.origin.start);
        }
        let same_start = update.origin.start == self.start;
        let is_old = if same_start { update.revision <= self.revision } else { link <= self.link };
        if same_start {
            self.link = self.link.max(link);
        }
        if is_old {
            return (Applied::Known, Fit::Whole);
        }
        let fit;
        if update.base == 0 {
            let of = (update.origin.start, update.revision);
            // Parts of a snapshot that never ended say nothing of the next one.
            let earlier = self.gathering.take().filter(|(start, revision, _)| (*start, *revision) == of);
            let mut gathered = earlier.map(|(.., entries)| entries).unwrap_or_default();
            fit = gather(&mut gathered, update.added, limit);
            if !update.complete {
                self.gathering = Some((of.0, of.1, gathered));
                return (Applied::Known, fit);
            }
            self.entries = gathered;
        } else if same_start && update.base == self.revision {
            for key in &update.removed {
                self.entries.remove(key);
            }
            fit = gather(&mut self.entries, update.added, limit);
        } else {
            return (Applied::Gap, Fit::Whole);
        }
        // Several links of one gateway bring the same parts: applying a part twice changes nothing.
        (self.start, self.link) = (update.origin.start, self.link.max(link));
        if update.complete {
            self.revision = update.revision;
        }
        (Applied::Changed, fit)
    }

    fn visible(&self, viewer: &str, island: &str, policy: &Policy) -> Entries {
        let sees = |key: &ServiceKey| policy.sees(viewer, island, &key.group, &key.interface, &key.version);
        self.entries.iter().filter(|entry| sees(&entry.key)).cloned().collect()
    }
}

fn gather(entries: &mut Entries, added: Vec<Entry>, limit: usize) -> Fit {
    let mut fit = Fit::Whole;
    for entry in added {
        if !entries.insert(Arc::new(entry), limit) {
            fit = Fit::Cut;
        }
    }
    fit
}

impl Told {
    /// Tells what leads from what was told to `entries`, if there is a difference.
    fn update(&mut self, who: &Who, start: u64, entries: Entries, tell: &mut impl FnMut(Update)) {
        let snapshot = self.revision == 0 || start != self.start;
        let before = if snapshot { Entries::default() } else { std::mem::take(&mut self.entries) };
        let added: Vec<&Arc<Entry>> = entries.iter().filter(|entry| !before.has(entry)).collect();
        let removed: Vec<&ServiceKey> =
            before.iter().map(|entry| &entry.key).filter(|key| !entries.has_key(key)).collect();
        if snapshot || !added.is_empty() || !removed.is_empty() {
            let base = if snapshot { 0 } else { self.revision };
            (self.start, self.revision) = (start, self.revision + 1);
            let origin = Origin { island: who.island.clone(), gateway: who.gateway.clone(), start };
            let (mut added, mut removed) = (added.into_iter(), removed.into_iter());
            loop {
                let update = Update {
                    origin: origin.clone(),
                    revision: self.revision,
                    base,
                    added: added.by_ref().take(TOLD_AT_ONCE).map(|entry| Entry::clone(entry)).collect(),
                    removed: removed.by_ref().take(TOLD_AT_ONCE).cloned().collect(),
                    complete: added.len() == 0 && removed.len() == 0,
                };
                let is_last = update.complete;
                tell(update);
                if is_last {
                    break;
                }
            }
        }
        self.entries = entries;
    }
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
