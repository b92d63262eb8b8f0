//! The task of a link's connection: writes what was left over, reads, opens seals, and gives each record to the session and
//! what it means to the handler. It never holds a borrow of the link while it calls the handler.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use shard::{Flush, catch};
use wire::tunnel::catalogue::Update;
use wire::tunnel::record::Decoded;
use wire::tunnel::{Notice, Record};

use super::proof::PROOF_LEN;
use super::{Inner, Link, Loss, RoundTrip, SPARE_LEN};
use crate::path::Break;
use crate::session::{Event, Room};

impl Inner {
    /// One go of the connection's task.
    fn poll(&self, cx: &mut Context<'_>, number: u64, inbound: &mut Inbound) -> Poll<Lost> {
        if let Poll::Ready(lost) = self.poll_write(cx, number) {
            return Poll::Ready(lost);
        }
        let shard = self.shard.clone();
        match shard.with_scratch(|scratch| self.poll_read(cx, number, inbound, scratch)) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(Lost::Violation(why))) => self.end_for(&why),
            Poll::Ready(Err(lost)) => return Poll::Ready(lost),
            Poll::Ready(Ok(())) => {}
        }
        // One read brings thousands of calls: whoever sends that many waits for everybody else's turn before the next.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_write(&self, cx: &mut Context<'_>, number: u64) -> Poll<Lost> {
        let mut borrowed = self.carrier.borrow_mut();
        let Some(carrier) = borrowed.as_mut().filter(|carrier| carrier.number == number) else {
            return Poll::Ready(Lost::Replaced);
        };
        if carrier.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            let is_first = carrier.waker.replace(cx.waker().clone()).is_none();
            if is_first {
                carrier.write();
                self.touch();
            }
        }
        if let Some((how, why)) = carrier.broken.take() {
            return Poll::Ready(Lost::Broken(how, why));
        }
        if carrier.closing.is_some() {
            carrier.write();
            return Poll::Pending;
        }
        if carrier.is_blocked && !self.dirty.get() {
            carrier.write();
        }
        if !carrier.is_blocked && self.session.borrow().wants_more() {
            self.touch();
        }
        match carrier.broken.take() {
            Some((how, why)) => Poll::Ready(Lost::Broken(how, why)),
            None => Poll::Pending,
        }
    }

    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        number: u64,
        inbound: &mut Inbound,
        scratch: &mut [u8],
    ) -> Poll<Result<(), Lost>> {
        let mut borrowed = self.carrier.borrow_mut();
        let Some(carrier) = borrowed.as_mut().filter(|carrier| carrier.number == number) else {
            return Poll::Ready(Err(Lost::Replaced));
        };
        let kept = inbound.rest.len();
        scratch[..kept].copy_from_slice(&inbound.rest);
        let range = match inbound.early.take() {
            // What had come with the handshake: it is in the rest already.
            Some(()) if kept > 0 => 0..kept,
            _ => match carrier.transport.poll_read(cx, scratch, kept) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Lost::Broken(Break::Cut, error.to_string()))),
                Poll::Ready(Ok(range)) => range,
            },
        };
        if carrier.closing.is_some() {
            // Read on until the peer has closed: to close with bytes unread would take the last words back.
            return Poll::Ready(Ok(()));
        }
        let now = Instant::now();
        carrier.arrived(range.len() - kept.min(range.len()), now);
        self.now.set(now);
        let bytes = &scratch[range];
        let Some(seal) = &mut carrier.seal else {
            drop(borrowed);
            let used = self.receive(bytes, &mut inbound.room)?;
            self.understood(used, now);
            inbound.keep(&bytes[used..]);
            return Poll::Ready(Ok(()));
        };
        let used =
            seal.open(bytes, &mut inbound.plain).map_err(|broken| Lost::Broken(Break::Changed, broken.to_string()))?;
        drop(borrowed);
        inbound.keep(&bytes[used..]);
        let used = self.receive(&inbound.plain, &mut inbound.room)?;
        self.understood(used, now);
        inbound.plain.drain(..used);
        if inbound.plain.is_empty() && inbound.plain.capacity() > SPARE_LEN {
            inbound.plain = Vec::new();
        }
        Poll::Ready(Ok(()))
    }

    /// So many bytes were whole records.
    fn understood(&self, len: usize, now: Instant) {
        if len > 0
            && let Some(carrier) = &mut *self.carrier.borrow_mut()
        {
            carrier.understood(now);
        }
    }

    /// Takes all whole records at the front of `bytes`; returns how many bytes they had.
    fn receive(&self, bytes: &[u8], room: &mut Room) -> Result<usize, Lost> {
        let Some(link) = self.link() else { return Err(Lost::Replaced) };
        let mut used = 0;
        loop {
            let decoded = Record::decode(&bytes[used..]).map_err(|error| Lost::Violation(error.to_string()))?;
            let event = match decoded {
                Decoded::Incomplete(_) => break,
                Decoded::Skipped(len) => {
                    self.session.borrow_mut().skip(len);
                    used += len;
                    continue;
                }
                Decoded::Record(record, len) => {
                    used += len;
                    self.session
                        .borrow_mut()
                        .receive(record, room)
                        .map_err(|violation| Lost::Violation(violation.to_string()))?
                }
            };
            self.dispatch(&link, event)?;
            if self.session.borrow().is_over() {
                return Ok(bytes.len());
            }
        }
        room.shrink(SPARE_LEN);
        let session = self.session.borrow();
        if session.wants_flush() || session.owes_much() {
            self.touch();
        }
        Ok(used)
    }

    fn dispatch(&self, link: &Link, event: Event<'_>) -> Result<(), Lost> {
        match event {
            Event::Nothing => {}
            Event::Opened(id, open) => self.handler.opened(link, id, open),
            Event::Data(id, piece, end) => self.handler.data(link, id, piece, end),
            Event::Cancelled(id) => self.handler.cancelled(link, id),
            Event::Reply(token, reply) => self.handler.reply(link, token, reply),
            Event::Failed(token, failure) => self.handler.failed(link, token, failure),
            Event::Catalogue(json) => match Update::decode(json) {
                Ok(update) => self.handler.catalogue(link, update),
                Err(error) => return Err(Lost::Violation(error.to_string())),
            },
            Event::Notice(json) => self.handler.notice(link, Notice::decode(json)),
            Event::Pong(stamp, len) => {
                let mut carrier = self.carrier.borrow_mut();
                if let Some(carrier) = carrier.as_mut()
                    && carrier.proof.is_some_and(|(asked, _)| asked == stamp && len > PROOF_LEN)
                {
                    carrier.proof = None;
                    carrier.is_proven = true;
                }
                let carrier = carrier.as_mut();
                if let Some((carrier, took)) = carrier
                    .and_then(|carrier| carrier.asked.answered(stamp, self.now.get()).map(|took| (carrier, took)))
                {
                    self.decide_packing(&mut carrier.thinness, took);
                    let number = self.round_trip.get().map_or(1, |before| before.number + 1);
                    self.round_trip.set(Some(RoundTrip { number, took }));
                }
            }
            Event::Draining(reason) => {
                let failed = self.session.borrow_mut().give_up_unsent(&reason);
                for (token, failure) in failed {
                    self.handler.failed(link, token, failure);
                }
                self.handler.notice(link, Notice::GoingAway { reason });
            }
            Event::Over(received, reason) => {
                self.end(&format!("the peer has ended the link: {reason}"), Some(received));
                self.drop_carrier();
            }
        }
        Ok(())
    }

    /// The connection's task has ended.
    fn lost(&self, number: u64, lost: Lost) {
        let is_current = self.carrier.borrow().as_ref().is_some_and(|carrier| carrier.number == number);
        if !is_current {
            return;
        }
        let now = Instant::now();
        let Some(carrier) = self.carrier.borrow_mut().take() else { return };
        let (is_proven, silence, outlived) = (carrier.is_proven, carrier.silence(now), carrier.outlived);
        drop(carrier);
        if self.session.borrow().is_over() {
            return;
        }
        self.session.borrow_mut().disconnect(now);
        self.disconnected.set(now);
        if let Lost::Broken(how, why) = lost {
            tracing::info!(peer = %self.peer.name, session = %self.session_id, why, "link has lost its connection");
            *self.loss.borrow_mut() = Some(Loss { how, is_proven, silence, outlived, why });
        }
        self.lost.notify_waiters();
    }
}

/// Why a connection is done with.
enum Lost {
    /// The session waits for the next.
    Broken(Break, String),
    /// The peer broke a rule.
    Violation(String),
    /// The session has another connection, or none is wanted.
    Replaced,
}

/// What has arrived and was not whole.
struct Inbound {
    rest: Vec<u8>,
    /// Of a sealed connection: what was opened and is no whole record.
    plain: Vec<u8>,
    /// For what is packed or said by a model.
    room: Room,
    early: Option<()>,
}

impl Inbound {
    fn keep(&mut self, rest: &[u8]) {
        self.rest.clear();
        self.rest.extend_from_slice(rest);
        if self.rest.is_empty() && self.rest.capacity() > SPARE_LEN {
            self.rest = Vec::new();
        }
    }
}

pub(super) async fn run(inner: Rc<Inner>, number: u64, rest: Vec<u8>) {
    let mut inbound = Inbound { rest, plain: Vec::new(), room: Room::default(), early: Some(()) };
    let poll = |cx: &mut Context<'_>| match catch("a link's connection", || inner.poll(cx, number, &mut inbound)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(lost)) => Poll::Ready(Ok(lost)),
        Err(panicked) => Poll::Ready(Err(panicked)),
    };
    match tokio::task::coop::unconstrained(poll_fn(poll)).await {
        Ok(lost) => inner.lost(number, lost),
        Err(_) => inner.panicked(),
    }
}
