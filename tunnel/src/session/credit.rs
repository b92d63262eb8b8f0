//! How many bytes may be under way. It never waits: who asks for more than is there is told so.

use std::time::Duration;

/// Bytes of all exchanges of a session that may be under way in one direction (design, decision 2).
pub(crate) const SESSION_WINDOW: usize = 4 * 1024 * 1024;
/// Bytes of one exchange that goes in pieces.
pub(crate) const EXCHANGE_WINDOW: usize = 256 * 1024;
/// The part of the session's window that pieces of long bodies, and one-way calls, leave to small calls that somebody waits for.
pub(crate) const SMALL_RESERVE: usize = 1024 * 1024;
/// Bytes of small records that may wait for credit or for a connection.
pub(crate) const WAITING_LEN: usize = 4 * 1024 * 1024;
/// A call waits no longer than this for credit, however much time it has left.
pub(crate) const WAITING_LIMIT: Duration = Duration::from_secs(1);
/// Bytes of long bodies that may be queued in one link.
pub(crate) const BULK_LEN: usize = 64 * 1024 * 1024;
/// Bytes of a catalogue that may wait in one link: a hub keeps less of one gateway, and tells one gateway's after another's.
pub(crate) const CATALOGUE_LEN: usize = 64 * 1024 * 1024;
/// Bytes of long bodies that are put in front of small records at most, in this process's buffers.
pub(crate) const BULK_ROOM: usize = 256 * 1024;
/// Bytes that a connection may hold unwritten before it is given more; what waits meanwhile waits once, in the session.
pub(crate) const UNWRITTEN_LEN: usize = 1024 * 1024;
/// Bytes received after which an acknowledgement does not wait for company.
pub(crate) const ACK_LEN: usize = 256 * 1024;
/// Bytes kept for an acknowledgement that does not come, over which a session ends: more than credit allows in calls, so
/// that only a peer that reads and never acknowledges gets there.
pub(crate) const RESEND_LEN: usize = 16 * 1024 * 1024;

/// The receiver's half of a window.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// Bytes the peer may still send.
    available: usize,
    /// Bytes that were taken on, and that the peer has not been told of.
    owed: usize,
    /// Bytes that arrived and were not taken on yet.
    unconsumed: usize,
    /// From how many owed bytes on it is worth telling.
    step: usize,
}

/// More bytes than there was credit for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overdrawn {
    pub(crate) len: usize,
    pub(crate) available: usize,
}

impl Incoming {
    pub(crate) fn new(window: usize) -> Incoming {
        Incoming { available: window, owed: 0, unconsumed: 0, step: window / 4 }
    }

    /// `len` bytes have arrived.
    ///
    /// # Errors
    /// The peer had no credit for them.
    pub(crate) fn arrived(&mut self, len: usize) -> Result<(), Overdrawn> {
        self.available = self.available.checked_sub(len).ok_or(Overdrawn { len, available: self.available })?;
        self.unconsumed += len;
        Ok(())
    }

    /// `len` of them were taken on; returns the credit to give, where it is worth a record.
    pub(crate) fn consumed(&mut self, len: usize) -> Option<u32> {
        let len = len.min(self.unconsumed);
        self.unconsumed -= len;
        self.owed += len;
        if self.owed < self.step {
            return None;
        }
        let owed = std::mem::take(&mut self.owed);
        self.available += owed;
        Some(owed as u32)
    }

    /// Bytes that arrived and were not taken on yet.
    pub(crate) fn unconsumed(&self) -> usize {
        self.unconsumed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_is_given_back_in_steps_and_never_more_than_arrived() {
        let mut window = Incoming::new(100);
        window.arrived(60).unwrap();
        assert_eq!(window.consumed(20), None);
        assert_eq!(window.consumed(20), Some(40));
        assert_eq!(window.consumed(1000), None);
        assert_eq!(window.unconsumed(), 0);
        assert_eq!(window.arrived(81), Err(Overdrawn { len: 81, available: 80 }));
        window.arrived(80).unwrap();
        assert_eq!(window.consumed(80), Some(100));
    }
}
