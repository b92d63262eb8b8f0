//! A slab whose keys are never reused: pending calls and open exchanges live here. It never hashes and never shrinks.
//!
//! ```text
//!  key   bit 62 ........ 24   23 .... 0
//!            generation         slot        never 0, never negative as i64
//! ```

/// Names one entry of a [`Slots`] for ever: positive as `i64` and never given out twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u64);

const SLOT_BITS: u32 = 24;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;
const GENERATION_MASK: u64 = (1 << (63 - SLOT_BITS)) - 1;

impl Key {
    /// The key as a number: 1 up to `i64::MAX`.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The key that has this number; a number that never was a key names nothing.
    pub fn from_number(number: u64) -> Key {
        Key(number)
    }

    /// The dense index, below the limit of its [`Slots`].
    pub fn slot(self) -> usize {
        (self.0 & SLOT_MASK) as usize
    }

    fn generation(self) -> u64 {
        self.0 >> SLOT_BITS
    }
}

/// Entries by [`Key`], at most as many at once as the limit says.
#[derive(Debug)]
pub struct Slots<T> {
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
    limit: usize,
    len: usize,
}

#[derive(Debug)]
struct Entry<T> {
    generation: u64,
    value: Option<T>,
}

impl<T> Slots<T> {
    /// Room for `limit` entries at once, at most 2^24.
    pub fn new(limit: usize) -> Slots<T> {
        Slots { entries: Vec::new(), free: Vec::new(), limit: limit.min(1 << SLOT_BITS), len: 0 }
    }

    /// Entries held now.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Stores a value under a new key.
    ///
    /// # Errors
    /// The value itself, if the limit is reached.
    pub fn insert(&mut self, value: T) -> Result<Key, T> {
        let slot = match self.free.pop() {
            Some(slot) => slot as usize,
            None if self.entries.len() < self.limit => {
                self.entries.push(Entry { generation: 0, value: None });
                self.entries.len() - 1
            }
            None => return Err(value),
        };
        let entry = &mut self.entries[slot];
        // 2^39 calls through one slot: at a million a second through this one slot alone, six days times a thousand.
        entry.generation = (entry.generation + 1) & GENERATION_MASK;
        if entry.generation == 0 {
            entry.generation = 1;
        }
        entry.value = Some(value);
        self.len += 1;
        Ok(Key(entry.generation << SLOT_BITS | slot as u64))
    }

    /// The entry of this key, if it is still there.
    pub fn get(&self, key: Key) -> Option<&T> {
        self.entries.get(key.slot()).filter(|entry| entry.generation == key.generation())?.value.as_ref()
    }

    /// The entry of this key, if it is still there.
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.entries.get_mut(key.slot()).filter(|entry| entry.generation == key.generation())?.value.as_mut()
    }

    /// Takes the entry of this key out.
    pub fn remove(&mut self, key: Key) -> Option<T> {
        let entry = self.entries.get_mut(key.slot()).filter(|entry| entry.generation == key.generation())?;
        let value = entry.value.take()?;
        self.free.push(key.slot() as u32);
        self.len -= 1;
        Some(value)
    }

    /// The key and value in this slot, as a [`crate::Wheel`] names them.
    pub fn at(&self, slot: usize) -> Option<(Key, &T)> {
        let entry = self.entries.get(slot)?;
        Some((Key(entry.generation << SLOT_BITS | slot as u64), entry.value.as_ref()?))
    }

    /// All entries, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        (0..self.entries.len()).filter_map(|slot| self.at(slot))
    }

    /// Takes everything out; the keys stay used.
    pub fn take_all(&mut self) -> Vec<(Key, T)> {
        let keys: Vec<Key> = self.iter().map(|(key, _)| key).collect();
        keys.into_iter().filter_map(|key| Some((key, self.remove(key)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_given_out_twice() {
        let mut slots = Slots::new(2);
        let first = slots.insert("a").unwrap();
        assert_eq!(slots.remove(first), Some("a"));
        let second = slots.insert("b").unwrap();
        assert_eq!(first.slot(), second.slot());
        assert_ne!(first, second);
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.remove(first), None);
        assert_eq!(slots.get(second), Some(&"b"));
    }

    #[test]
    fn the_limit_gives_the_value_back() {
        let mut slots = Slots::new(1);
        let key = slots.insert(1).unwrap();
        assert_eq!(slots.insert(2), Err(2));
        slots.remove(key);
        assert!(slots.insert(3).is_ok());
        assert_eq!(slots.len(), 1);
    }

    #[test]
    fn numbers_are_positive_and_a_made_up_one_names_nothing() {
        let mut slots = Slots::new(8);
        let key = slots.insert(()).unwrap();
        assert!(key.number() > 0 && i64::try_from(key.number()).is_ok());
        for number in [0, 1, u64::MAX, key.number() + 1, key.number() ^ 1 << 40] {
            assert_eq!(slots.get(Key::from_number(number)), None, "{number}");
        }
        assert_eq!(slots.take_all().len(), 1);
        assert!(slots.is_empty());
    }
}
