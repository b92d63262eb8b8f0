//! A long body on its way out: pieces of at most 64 KiB, one a turn of the ring. It never sends: the session does.

use wire::tunnel::End;

use super::Patience;
use super::credit::EXCHANGE_WINDOW;

/// The unsent rest of a body.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// What goes in front of the first piece (head of an open, or of a reply) until it has gone.
    pub(crate) front: Option<Vec<u8>>,
    bytes: Vec<u8>,
    at: usize,
    end: End,
    /// Bytes that may be sent before the peer has taken some.
    credit: usize,
    /// Whether the ring holds it.
    pub(crate) in_ring: bool,
    /// How long its beginning may wait.
    pub(super) patience: Option<Patience>,
    /// Whether its owner wants to know when bytes leave.
    pub(crate) report: Report,
}

/// Whether the owner of a body wants to know when its bytes leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    /// It handed the whole body over.
    No,
    /// It passes pieces on.
    Yes,
}

impl Outgoing {
    pub(crate) fn new(front: Vec<u8>, report: Report) -> Outgoing {
        Outgoing {
            front: Some(front),
            bytes: Vec::new(),
            at: 0,
            end: End::No,
            credit: EXCHANGE_WINDOW,
            in_ring: false,
            patience: None,
            report,
        }
    }

    /// Adds bytes behind what waits.
    pub(crate) fn push(&mut self, parts: &[&[u8]], end: End) {
        if self.at == self.bytes.len() {
            self.bytes.clear();
            self.at = 0;
        } else if self.at > self.bytes.len() / 2 {
            self.bytes.drain(..std::mem::take(&mut self.at));
        }
        self.bytes.reserve(parts.iter().map(|part| part.len()).sum());
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.end = end;
    }

    /// Bytes that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// How long the next piece may be, at most `limit`; `None` if nothing can go now.
    pub(crate) fn next_len(&self, limit: usize) -> Option<usize> {
        let len = self.waiting().min(self.credit).min(limit);
        let goes = len > 0 || (self.waiting() == 0 && (self.end == End::Yes || self.front.is_some()));
        goes.then_some(len)
    }

    /// Takes the next piece of `len` bytes; it says itself whether it is the last.
    pub(crate) fn take(&mut self, len: usize) -> (&[u8], End) {
        let from = self.at;
        self.at += len;
        self.credit -= len;
        let last = if self.at == self.bytes.len() { self.end } else { End::No };
        (&self.bytes[from..self.at], last)
    }

    /// Takes `len` bytes that were never put in: they go straight to the batch.
    pub(crate) fn spend(&mut self, len: usize) {
        self.credit -= len;
    }

    /// The peer has taken `len` bytes. False: more than it can have.
    pub(crate) fn give(&mut self, len: usize) -> bool {
        self.credit += len;
        self.credit <= EXCHANGE_WINDOW
    }

    /// Bytes that may be sent now.
    pub(crate) fn credit(&self) -> usize {
        self.credit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_leaves_in_pieces_as_far_as_credit_goes() {
        let mut body = Outgoing::new(vec![1], Report::No);
        body.push(&[&vec![7; EXCHANGE_WINDOW], b"tail"], End::Yes);
        let mut sent = 0;
        while let Some(len) = body.next_len(100_000) {
            let (piece, end) = body.take(len);
            assert_eq!((piece.len(), end), (len, End::No));
            sent += len;
        }
        assert_eq!((sent, body.waiting()), (EXCHANGE_WINDOW, 4));
        assert!(body.give(4));
        assert_eq!(body.take(4), (&b"tail"[..], End::Yes));
        assert!(!body.give(EXCHANGE_WINDOW + 1));
    }

    #[test]
    fn an_end_without_bytes_goes_too() {
        let mut body = Outgoing::new(Vec::new(), Report::Yes);
        body.front = None;
        assert_eq!(body.next_len(10), None);
        body.push(&[], End::Yes);
        assert_eq!(body.next_len(10), Some(0));
        assert_eq!(body.take(0), (&b""[..], End::Yes));
    }
}
