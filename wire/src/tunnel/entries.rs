//! The services of one gateway as a program keeps them: shared by all who tell or are told of them, and bounded in bytes of memory. It
//! never decides who sees one.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::catalogue::{Entry, MethodSettings, ServiceKey};

/// What the allocator and a tree add to each thing that is kept, about.
const OVERHEAD_LEN: usize = 16;

/// Services by their keys.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    services: BTreeSet<Keyed>,
    held_len: usize,
}

/// An entry that stands under its key: equal, ordered and hashed as that is, so that a map needs no second copy of it.
#[derive(Debug, Clone)]
pub struct Keyed(Arc<Entry>);

impl Keyed {
    /// What it is known by.
    #[must_use]
    pub fn key(&self) -> &ServiceKey {
        &self.0.key
    }
}

impl From<Arc<Entry>> for Keyed {
    fn from(entry: Arc<Entry>) -> Self {
        Keyed(entry)
    }
}

/// An entry that says nothing but its key.
impl From<ServiceKey> for Keyed {
    fn from(key: ServiceKey) -> Self {
        Keyed(Arc::new(Entry { key, ..Entry::default() }))
    }
}

impl Borrow<ServiceKey> for Keyed {
    fn borrow(&self) -> &ServiceKey {
        self.key()
    }
}

impl Ord for Keyed {
    fn cmp(&self, other: &Keyed) -> Ordering {
        self.key().cmp(other.key())
    }
}

impl PartialOrd for Keyed {
    fn partial_cmp(&self, other: &Keyed) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Keyed {
    fn eq(&self, other: &Keyed) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Keyed {}

impl Hash for Keyed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl Entries {
    /// Adds a service, in place of an earlier one of its key. False, and nothing changed: it does not fit into `limit` bytes.
    pub fn insert(&mut self, entry: Arc<Entry>, limit: usize) -> bool {
        let before = self.services.get(&entry.key).map_or(0, |known| held_len(&known.0));
        let held_len = self.held_len - before + held_len(&entry);
        if held_len > limit {
            return false;
        }
        self.held_len = held_len;
        self.services.replace(Keyed(entry));
        true
    }

    /// What is listed under this key.
    #[must_use]
    pub fn get(&self, key: &ServiceKey) -> Option<&Arc<Entry>> {
        self.services.get(key).map(|known| &known.0)
    }

    /// Takes a service out.
    pub fn remove(&mut self, key: &ServiceKey) {
        if let Some(known) = self.services.take(key) {
            self.held_len -= held_len(&known.0);
        }
    }

    /// Whether exactly this is listed under its key.
    #[must_use]
    pub fn has(&self, entry: &Arc<Entry>) -> bool {
        self.get(&entry.key).is_some_and(|known| Arc::ptr_eq(known, entry) || known == entry)
    }

    /// Whether something is listed under this key.
    #[must_use]
    pub fn has_key(&self, key: &ServiceKey) -> bool {
        self.services.contains(key)
    }

    /// All of them, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.services.iter().map(|known| &known.0)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.services.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }
}

impl PartialEq for Entries {
    fn eq(&self, other: &Entries) -> bool {
        self.len() == other.len() && self.iter().all(|entry| other.has(entry))
    }
}

impl FromIterator<Arc<Entry>> for Entries {
    fn from_iter<I: IntoIterator<Item = Arc<Entry>>>(all: I) -> Entries {
        let mut entries = Entries::default();
        for entry in all {
            entries.insert(entry, usize::MAX);
        }
        entries
    }
}

/// Bytes of memory that an entry takes, about.
fn held_len(entry: &Entry) -> usize {
    let text = |text: &String| if text.is_empty() { 0 } else { text.len() + OVERHEAD_LEN };
    let listed = |text: &String| size_of::<String>() + text.len() + OVERHEAD_LEN;
    let Entry { key, path, methods, serializations, per_method, release, gateway, application, .. } = entry;
    let texts = [&key.interface, &key.group, &key.version, path, release, gateway, application];
    size_of::<Entry>()
        + 3 * OVERHEAD_LEN
        + texts.into_iter().map(text).sum::<usize>()
        + methods.iter().chain(serializations).map(listed).sum::<usize>()
        + per_method.keys().map(|name| listed(name) + size_of::<MethodSettings>()).sum::<usize>()
}
