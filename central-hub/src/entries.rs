//! The services of one gateway, shared by all who are told of them, and bounded in bytes of memory. It never decides who sees one.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use wire::tunnel::catalogue::{Entry, MethodSettings, ServiceKey};

/// What the allocator and a tree add to each thing that is kept, about.
const OVERHEAD_LEN: usize = 16;

/// Services by their keys.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    services: BTreeSet<Known>,
    held_len: usize,
}

/// An entry that stands under its key.
#[derive(Debug, Clone)]
struct Known(Arc<Entry>);

impl Borrow<ServiceKey> for Known {
    fn borrow(&self) -> &ServiceKey {
        &self.0.key
    }
}

impl Ord for Known {
    fn cmp(&self, other: &Known) -> Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

impl PartialOrd for Known {
    fn partial_cmp(&self, other: &Known) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Known {
    fn eq(&self, other: &Known) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for Known {}

impl Entries {
    /// Adds a service, in place of an earlier one of its key. False, and nothing changed: it does not fit into `limit` bytes.
    pub fn insert(&mut self, entry: Arc<Entry>, limit: usize) -> bool {
        let before = self.services.get(&entry.key).map_or(0, |known| held_len(&known.0));
        let held_len = self.held_len - before + held_len(&entry);
        if held_len > limit {
            return false;
        }
        self.held_len = held_len;
        self.services.replace(Known(entry));
        true
    }

    /// Takes a service out.
    pub fn remove(&mut self, key: &ServiceKey) {
        if let Some(known) = self.services.take(key) {
            self.held_len -= held_len(&known.0);
        }
    }

    /// Whether exactly this is listed under its key.
    pub fn has(&self, entry: &Arc<Entry>) -> bool {
        self.services.get(&entry.key).is_some_and(|known| Arc::ptr_eq(&known.0, entry) || known.0 == *entry)
    }

    /// Whether something is listed under this key.
    pub fn has_key(&self, key: &ServiceKey) -> bool {
        self.services.contains(key)
    }

    /// All of them, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.services.iter().map(|known| &known.0)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.services.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
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
