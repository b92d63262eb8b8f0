//! What the hubs are told of the exports: the whole once a link is up, then differences. Pure: it keeps what was said and
//! never sends anything itself.
//!
//! ```text
//!  entries ─ publish ─▶ Catalogue { revision, entries } ─┬─ snapshot (base 0)            to a link that knows nothing
//!                             and the difference ────────┴─ difference (base revision-1) to a link that is up to date
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use wire::tunnel::catalogue::{Entry, Origin, ServiceKey, Update};

/// One state of the catalogue, immutable and shared by all shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    origin: Origin,
    revision: u64,
    entries: Arc<BTreeMap<ServiceKey, Entry>>,
    /// From the revision before to this one.
    difference: Arc<Update>,
}

impl Catalogue {
    /// The first state.
    #[must_use]
    pub fn first(origin: Origin, entries: BTreeMap<ServiceKey, Entry>) -> Self {
        let difference = Arc::new(snapshot(&origin, 1, &entries));
        Self { origin, revision: 1, entries: Arc::new(entries), difference }
    }

    /// The next state, `None` where nothing has changed.
    #[must_use]
    pub fn next(&self, entries: BTreeMap<ServiceKey, Entry>) -> Option<Self> {
        let added: Vec<Entry> =
            entries.values().filter(|entry| self.entries.get(&entry.key) != Some(entry)).cloned().collect();
        let removed: Vec<ServiceKey> = self.entries.keys().filter(|key| !entries.contains_key(*key)).cloned().collect();
        if added.is_empty() && removed.is_empty() {
            return None;
        }
        let revision = self.revision + 1;
        let difference =
            Update { origin: self.origin.clone(), revision, base: self.revision, added, removed, complete: true };
        Some(Self {
            origin: self.origin.clone(),
            revision,
            entries: Arc::new(entries),
            difference: Arc::new(difference),
        })
    }

    /// What a link has to be told that has been told up to `known`; 0 for nothing. `None` if it knows everything.
    #[must_use]
    pub fn update_from(&self, known: u64) -> Option<Arc<Update>> {
        match known {
            known if known == self.revision => None,
            known if known != 0 && known == self.difference.base => Some(self.difference.clone()),
            _ => Some(Arc::new(snapshot(&self.origin, self.revision, &self.entries))),
        }
    }

    /// The number of this state; never 0.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Services in it.
    #[must_use]
    pub fn entries(&self) -> &BTreeMap<ServiceKey, Entry> {
        &self.entries
    }
}

fn snapshot(origin: &Origin, revision: u64, entries: &BTreeMap<ServiceKey, Entry>) -> Update {
    Update {
        origin: origin.clone(),
        revision,
        base: 0,
        added: entries.values().cloned().collect(),
        removed: Vec::new(),
        complete: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(names: &[(&str, bool)]) -> BTreeMap<ServiceKey, Entry> {
        let entry = |&(name, healthy): &(&str, bool)| {
            let key = ServiceKey { interface: name.to_owned(), ..ServiceKey::default() };
            (key.clone(), Entry { key, healthy, ..Entry::default() })
        };
        names.iter().map(entry).collect()
    }

    fn origin() -> Origin {
        Origin { island: "shanghai".into(), gateway: "in-1".into(), start: 5 }
    }

    /// What somebody believes who applies updates to what was believed before.
    fn believe(before: &BTreeMap<ServiceKey, Entry>, update: &Update) -> BTreeMap<ServiceKey, Entry> {
        let mut after = if update.base == 0 { BTreeMap::new() } else { before.clone() };
        update.removed.iter().for_each(|key| drop(after.remove(key)));
        after.extend(update.added.iter().map(|entry| (entry.key.clone(), entry.clone())));
        after
    }

    #[test]
    fn a_new_link_is_told_everything_and_one_that_knows_nothing_new_nothing() {
        let first = Catalogue::first(origin(), entries(&[("a", true), ("b", true)]));
        let told = first.update_from(0).unwrap();
        assert_eq!((told.base, told.revision, told.complete, told.added.len()), (0, 1, true, 2));
        assert_eq!(first.update_from(1), None);
    }

    #[test]
    fn an_empty_catalogue_is_said_too() {
        let told = Catalogue::first(origin(), BTreeMap::new()).update_from(0).unwrap();
        assert!(told.complete && told.added.is_empty());
    }

    #[test]
    fn a_link_that_is_up_to_date_is_told_the_difference_alone() {
        let first = Catalogue::first(origin(), entries(&[("a", true), ("b", true), ("c", true)]));
        let second = first.next(entries(&[("b", false), ("c", true), ("d", true)])).unwrap();
        let told = second.update_from(first.revision()).unwrap();
        assert_eq!((told.base, told.revision), (1, 2));
        assert_eq!(told.added.iter().map(|entry| entry.key.interface.as_str()).collect::<Vec<_>>(), ["b", "d"]);
        assert_eq!(told.removed.iter().map(|key| key.interface.as_str()).collect::<Vec<_>>(), ["a"]);
        assert_eq!(believe(first.entries(), &told), *second.entries());
    }

    #[test]
    fn a_link_that_missed_a_state_is_told_everything() {
        let first = Catalogue::first(origin(), entries(&[("a", true)]));
        let third = first.next(entries(&[("b", true)])).unwrap().next(entries(&[("c", true)])).unwrap();
        let told = third.update_from(first.revision()).unwrap();
        assert_eq!(told.base, 0);
        assert_eq!(believe(first.entries(), &told), *third.entries());
    }

    #[test]
    fn the_same_again_is_no_new_state() {
        let first = Catalogue::first(origin(), entries(&[("a", true)]));
        assert_eq!(first.next(entries(&[("a", true)])), None);
    }
}
