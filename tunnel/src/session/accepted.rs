//! The exchanges that the peer has opened, by the slots of its ids. It never grows for an id alone: a page of slots is made when
//! an exchange of that page is opened, so that a peer pays for what it makes this end keep.
//!
//! ```text
//!   id = generation | slot | side          pages[slot / 64] ─▶ 64 × { last id of the slot, its exchange }
//! ```

use super::{Accepted, Violation, key_of};

/// Slots of a page.
const PAGE: usize = 64;

/// Exchanges by slot.
#[derive(Debug)]
pub(super) struct Table {
    pages: Vec<Option<Box<[Slot; PAGE]>>>,
    /// Pages that were made.
    made: usize,
    len: usize,
    limit: usize,
}

/// One slot of the peer's ids.
#[derive(Debug, Default)]
struct Slot {
    /// The last id that used it; ids of a slot only rise.
    id: u64,
    exchange: Option<Accepted>,
}

impl Table {
    /// Room for slots below `limit`.
    pub(super) fn new(limit: usize) -> Table {
        Table { pages: Vec::new(), made: 0, len: 0, limit }
    }

    /// Exchanges that are open.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Checks and remembers a new id; it is not open before [`Table::insert`].
    ///
    /// # Errors
    /// The peer must not use this id: its slot is over the limit, taken, or had a later id.
    pub(super) fn claim(&mut self, id: u64) -> Result<(), Violation> {
        let slot = key_of(id).slot();
        if slot >= self.limit {
            return Err(Violation::TooMany { slot, limit: self.limit });
        }
        let page = slot / PAGE;
        if page >= self.pages.len() {
            self.pages.resize_with(page + 1, || None);
        }
        let page = self.pages[page].get_or_insert_with(|| {
            self.made += 1;
            Box::new(std::array::from_fn(|_| Slot::default()))
        });
        let slot = &mut page[slot % PAGE];
        if slot.exchange.is_some() || slot.id >= id {
            return Err(Violation::WrongId(id));
        }
        slot.id = id;
        Ok(())
    }

    /// Opens an exchange whose id was claimed.
    pub(super) fn insert(&mut self, id: u64, exchange: Accepted) {
        if let Some(slot) = self.slot(id)
            && slot.exchange.replace(exchange).is_none()
        {
            self.len += 1;
        }
    }

    /// An open exchange.
    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Accepted> {
        self.slot(id)?.exchange.as_mut()
    }

    /// Ends an exchange; its slot is free for a later id.
    pub(super) fn remove(&mut self, id: u64) -> Option<Accepted> {
        let exchange = self.slot(id)?.exchange.take()?;
        self.len -= 1;
        Some(exchange)
    }

    /// Takes everything out: the ids that were open.
    pub(super) fn take_all(&mut self) -> Vec<u64> {
        (self.len, self.made) = (0, 0);
        let pages = std::mem::take(&mut self.pages);
        let slots = pages.iter().flatten().flat_map(|page| page.iter());
        slots.filter(|slot| slot.exchange.is_some()).map(|slot| slot.id).collect()
    }

    /// Bytes of memory for the pages there are.
    pub(super) fn kept_len(&self) -> usize {
        self.made * size_of::<[Slot; PAGE]>()
    }

    /// Slots for which there is memory.
    #[cfg(test)]
    pub(super) fn slots_len(&self) -> usize {
        self.pages.len() * size_of::<usize>() / size_of::<Slot>() + self.pages.iter().flatten().count() * PAGE
    }

    fn slot(&mut self, id: u64) -> Option<&mut Slot> {
        let slot = key_of(id).slot();
        let page = self.pages.get_mut(slot / PAGE)?.as_mut()?;
        Some(&mut page[slot % PAGE]).filter(|slot| slot.id == id)
    }
}
