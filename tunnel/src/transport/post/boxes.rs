//! The two boxes that each end of a `post` stream has: bytes that go until the other end has them, and bytes that came, put in order. They
//! know nothing of requests, and hold no more than their windows.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::Range;
use std::task::{Context, Poll, Waker};

/// Pieces that came before those in front of them. Requests under way are fewer.
const EARLY_PIECES: usize = 64;
/// A larger buffer is given back once it is empty.
const SPARE_LEN: usize = 64 * 1024;

/// Bytes that go.
#[derive(Debug)]
pub(super) struct Outbox {
    /// Place of the first byte that the other end may not have.
    base: u64,
    /// Place of the first byte that was not given to any request.
    next: u64,
    bytes: VecDeque<u8>,
    /// What requests had that failed.
    lost: Vec<Range<u64>>,
    window: usize,
}

impl Outbox {
    pub(super) fn new(window: usize) -> Outbox {
        Outbox { base: 0, next: 0, bytes: VecDeque::new(), lost: Vec::new(), window }
    }

    pub(super) fn push(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.bytes.extend(*part);
        }
    }

    fn end(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    /// Bytes that no request has, or whose request failed.
    pub(super) fn unsent_len(&self) -> usize {
        let lost: u64 = self.lost.iter().map(|range| range.end.saturating_sub(range.start.max(self.base))).sum();
        (self.end() - self.next + lost) as usize
    }

    /// Whether the other end has everything.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether a request would find bytes to take.
    pub(super) fn can_take(&self) -> bool {
        self.lost.iter().any(|range| range.end > self.base) || self.next < self.limit()
    }

    fn limit(&self) -> u64 {
        self.end().min(self.base + self.window as u64)
    }

    /// The next bytes for a request, at most `max`, and their place. Empty where there are none, or the window is full.
    pub(super) fn take(&mut self, max: usize) -> (u64, Vec<u8>) {
        let max = max as u64;
        while let Some(lost) = self.lost.pop() {
            let from = lost.start.max(self.base);
            let to = lost.end.min(from.saturating_add(max));
            if from < lost.end {
                if to < lost.end {
                    self.lost.push(to..lost.end);
                }
                return (from, self.copy(from..to));
            }
        }
        let from = self.next;
        self.next = self.limit().min(from + max).max(from);
        (from, self.copy(from..self.next))
    }

    fn copy(&self, range: Range<u64>) -> Vec<u8> {
        let at = |place: u64| (place - self.base) as usize;
        self.bytes.range(at(range.start)..at(range.end)).copied().collect()
    }

    /// What a request had did not get there.
    pub(super) fn lost(&mut self, from: u64, len: usize) {
        let range = from.max(self.base)..from + len as u64;
        if !range.is_empty() {
            self.lost.push(range);
        }
    }

    /// Bytes that were taken, as far as the other end may not have them.
    pub(super) fn taken(&self, range: &Range<u64>) -> (u64, Vec<u8>) {
        let from = range.start.max(self.base);
        (from, self.copy(from..range.end.max(from)))
    }

    /// The other end has this many bytes.
    ///
    /// # Errors
    /// It cannot have them: nobody gave them to it.
    pub(super) fn acknowledge(&mut self, count: u64) -> io::Result<()> {
        if count > self.end() {
            return Err(io::Error::other(format!("{} bytes were sent, and the other end has {count}", self.end())));
        }
        if count > self.base {
            self.bytes.drain(..(count - self.base) as usize);
            self.base = count;
            self.next = self.next.max(count);
            if self.bytes.is_empty() && self.bytes.capacity() > SPARE_LEN {
                self.bytes = VecDeque::new();
            }
        }
        Ok(())
    }
}

/// Bytes that came.
#[derive(Debug)]
pub(super) struct Inbox {
    /// Bytes that have come in order.
    at: u64,
    ready: VecDeque<u8>,
    early: BTreeMap<u64, Vec<u8>>,
    window: usize,
    reader: Option<Waker>,
}

impl Inbox {
    pub(super) fn new(window: usize) -> Inbox {
        Inbox { at: 0, ready: VecDeque::new(), early: BTreeMap::new(), window, reader: None }
    }

    /// Holds as much as this from now on.
    pub(super) fn widen(&mut self, window: usize) {
        self.window = window;
    }

    /// Bytes that have come in order.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Takes bytes that stand at `from`, some of which may have come before. False: there is no room for them.
    pub(super) fn take(&mut self, from: u64, bytes: &[u8]) -> bool {
        let Some(end) = from.checked_add(bytes.len() as u64) else { return false };
        if end <= self.at {
            return true;
        }
        if end - self.at + self.ready.len() as u64 > self.window as u64 {
            return false;
        }
        if from > self.at {
            return self.keep(from, bytes);
        }
        self.append(from, bytes);
        while let Some(entry) = self.early.first_entry() {
            if *entry.key() > self.at {
                break;
            }
            let (from, piece) = entry.remove_entry();
            self.append(from, &piece);
        }
        self.wake();
        true
    }

    fn append(&mut self, from: u64, bytes: &[u8]) {
        let known = usize::try_from(self.at - from).unwrap_or(usize::MAX);
        let new = bytes.get(known..).unwrap_or_default();
        self.ready.extend(new);
        self.at += new.len() as u64;
    }

    /// A piece that came before what is in front of it.
    fn keep(&mut self, from: u64, bytes: &[u8]) -> bool {
        let kept: usize = self.early.values().map(Vec::len).sum();
        if kept + bytes.len() > self.window {
            return false;
        }
        if let Some((start, piece)) = self.early.range_mut(..=from).next_back()
            && start + piece.len() as u64 == from
        {
            piece.extend_from_slice(bytes);
            return true;
        }
        if self.early.len() >= EARLY_PIECES && !self.early.contains_key(&from) {
            return false;
        }
        let piece = self.early.entry(from).or_default();
        if piece.len() < bytes.len() {
            *piece = bytes.to_vec();
        }
        true
    }

    /// Whoever reads looks again.
    pub(super) fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// See [`crate::transport::Transport::poll_read`].
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, scratch: &mut [u8], kept: usize) -> Poll<Range<usize>> {
        if self.ready.is_empty() {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let len = self.ready.len().min(scratch.len() - kept);
        let (front, back) = self.ready.as_slices();
        let (first, second) = scratch[kept..kept + len].split_at_mut(front.len().min(len));
        first.copy_from_slice(&front[..first.len()]);
        second.copy_from_slice(&back[..second.len()]);
        self.ready.drain(..len);
        if self.ready.is_empty() && self.ready.capacity() > SPARE_LEN {
            self.ready = VecDeque::new();
        }
        Poll::Ready(0..kept + len)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(inbox: &mut Inbox) -> Vec<u8> {
        let mut scratch = vec![0; 4096];
        let mut read = Vec::new();
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(range) = inbox.poll_read(&mut cx, &mut scratch, 0) {
            read.extend_from_slice(&scratch[range]);
        }
        read
    }

    proptest! {
        /// A way that loses, repeats and turns round requests: whatever it does, what is read is what was sent, once.
        #[test]
        fn bytes_arrive_once_and_in_order(fates in prop::collection::vec((0u8..4, 1usize..900), 1..200)) {
            let sent: Vec<u8> = (0..20_000u32).map(|at| (at * 7 + at / 251) as u8).collect();
            let (mut out, mut inbox) = (Outbox::new(3000), Inbox::new(3000));
            let mut fates = fates.into_iter();
            let mut under_way: Vec<(u64, Vec<u8>)> = Vec::new();
            let (mut given, mut heard) = (0, Vec::new());
            while heard.len() < sent.len() {
                let (fate, len) = fates.next().unwrap_or((0, 700));
                let more = &sent[given..sent.len().min(given + len)];
                out.push(&[more]);
                given += more.len();
                let (from, piece) = out.take(len);
                match fate {
                    1 => out.lost(from, piece.len()),
                    2 => under_way.push((from, piece)),
                    3 => {
                        inbox.take(from, &piece);
                        inbox.take(from, &piece);
                        // Its answer was lost.
                        out.lost(from, piece.len());
                    }
                    _ => {
                        if !inbox.take(from, &piece) {
                            out.lost(from, piece.len());
                        }
                        while let Some((from, piece)) = under_way.pop() {
                            if !inbox.take(from, &piece) {
                                out.lost(from, piece.len());
                            }
                        }
                        heard.extend(read(&mut inbox));
                        out.acknowledge(inbox.at()).unwrap();
                    }
                }
            }
            prop_assert!(heard == sent);
            prop_assert!(out.is_empty() && out.unsent_len() == 0 && !out.can_take());
        }
    }

    #[test]
    fn what_is_given_again_is_what_was_lost() {
        let mut out = Outbox::new(10);
        out.push(&[b"0123", b"456789abc"]);
        assert_eq!(out.take(4), (0, b"0123".to_vec()));
        assert_eq!(out.take(100), (4, b"456789".to_vec()), "the window is full");
        assert_eq!((out.take(100), out.unsent_len()), ((10, Vec::new()), 3));
        assert_eq!(out.taken(&(0..4)), (0, b"0123".to_vec()));
        out.lost(0, 4);
        out.acknowledge(2).unwrap();
        assert_eq!(out.unsent_len(), 5);
        assert_eq!((out.take(1), out.take(100)), ((2, b"2".to_vec()), (3, b"3".to_vec())));
        assert_eq!(out.take(100), (10, b"ab".to_vec()));
        out.acknowledge(5).unwrap();
        assert_eq!((out.taken(&(0..4)), out.taken(&(3..6))), ((5, Vec::new()), (5, b"5".to_vec())));
        out.acknowledge(4).unwrap();
        let error = out.acknowledge(14).unwrap_err();
        assert_eq!(error.to_string(), "13 bytes were sent, and the other end has 14");
    }

    #[test]
    fn a_flood_finds_the_window_full() {
        let mut inbox = Inbox::new(1000);
        assert!(!inbox.take(0, &[0; 1001]) && !inbox.take(990, &[0; 11]) && !inbox.take(u64::MAX, &[0; 2]));
        for at in 0..EARLY_PIECES as u64 {
            assert!(inbox.take(2 + at * 2, b"x"));
        }
        assert!(!inbox.take(999, b"x"), "there are too many pieces");
        for _ in 0..10 {
            assert!(inbox.take(2, b"x"), "the same again takes no more room");
        }
        assert!(inbox.take(0, &[1; 900]));
        assert!(!inbox.take(900, &[1; 101]), "nobody has read");
        assert_eq!(read(&mut inbox).len(), 900);
        assert!(inbox.take(900, &[1; 101]));
    }
}
