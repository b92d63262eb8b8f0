//! What a session has come to: records, bytes, exchanges, memory. It changes nothing.

use super::{Packs, Session, Told};

impl Session {
    /// Records received in all.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Records that the peer is known to have.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.out.acknowledged()
    }

    /// Records written in all.
    pub(crate) fn written(&self) -> u64 {
        self.out.written()
    }

    /// Bytes of numbered records that crossed: sent and received.
    pub(crate) fn crossed(&self) -> [u64; 2] {
        [self.out.written_len(), self.received_len]
    }

    /// Bytes that did not cross because of models: sent and received.
    pub(crate) fn saved(&self) -> [u64; 2] {
        let sent = self.out.models.as_ref().map_or(0, |models| models.saved_len);
        [sent, self.models.as_ref().map_or(0, |models| models.saved_len)]
    }

    /// Bytes that did not cross because calls and answers were packed: sent and received.
    pub(crate) fn packed(&self) -> [u64; 2] {
        let sent = self.out.packing.as_ref().map_or(0, |packing| packing.saved_len);
        [sent, self.unpacking.as_ref().map_or(0, |unpacking| unpacking.saved_len)]
    }

    /// Whether what this end sends is packed now.
    pub(crate) fn packs(&self) -> bool {
        self.out.packing.as_ref().is_some_and(|packing| packing.now == Packs::Calls)
    }

    /// Bytes that are kept for the peer's acknowledgement.
    pub(crate) fn held_len(&self) -> usize {
        self.out.held_len()
    }

    /// Bytes that are kept for the peer's sake: its acknowledgement, its ids, its credit. Bodies have the budget.
    pub(crate) fn kept_len(&self) -> usize {
        let models = self.models.as_ref().map_or(0, Told::kept_len);
        let keys = self.unpacking.as_ref().map_or(0, |unpacking| unpacking.kept_len());
        self.out.held_len() + self.accepted.kept_len() + self.waiting.len() + self.one_ways.len() + models + keys
    }

    /// Exchanges that are open, in either direction.
    pub(crate) fn exchanges(&self) -> usize {
        self.opened.len() + self.accepted.len()
    }
}
