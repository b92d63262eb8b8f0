//! The gateway's end of a stream of small POSTs: what the link's task and those who make requests share. It makes no request itself.

use std::cell::RefCell;
use std::io;
use std::ops::Range;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use shard::Shard;
use tokio::sync::Notify;

use super::boxes::{Inbox, Outbox};
use super::frame::{Ask, StreamId, Told, Turn, Verdict};
use super::pool::{Failed, Pool};
use super::{WINDOW, worker};
use crate::transport::Transport;
use crate::transport::connect::{Target, until};
use crate::{Encoding, random};

/// Lengths of bodies, as boxes are found to take them (design, middleboxes).
const BODY_LENS: [usize; 3] = [1_000_000, 256 * 1024, 48 * 1024];
/// Bytes for which a third request is made while two are under way.
const WORTH_IT: usize = 16 * 1024;
/// The longest wait of a poll, until a box is found that does not wait that long, and what it is never below.
const WAITS: Range<Duration> = Duration::from_millis(500)..Duration::from_secs(3);
/// A stream is broken that had no answer for so long, and several failures.
const GIVE_UP: Duration = Duration::from_secs(4);
/// The lane of the request that opens a stream; those of the polls are 0 and 1.
const OPENING: u8 = 2;
/// How long a hub without room is left alone.
const CROWDED: Duration = Duration::from_millis(20);
/// Failures in a row below which it is not.
const FAILURES: u32 = 3;

/// One stream of small POSTs.
pub(crate) struct Post {
    shared: Rc<Shared>,
    done: Rc<Notify>,
}

/// What the requests of a stream know.
pub(super) struct Shared {
    pub(super) pool: Pool,
    stream: StreamId,
    state: RefCell<State>,
    /// Told when there is something to push.
    pub(super) push: Notify,
    /// Told when polls may begin, and when all is over.
    pub(super) change: Notify,
}

struct State {
    inbox: Inbox,
    outbox: Outbox,
    /// Whether the hub has answered the first request.
    is_open: bool,
    pushes: usize,
    /// Requests that opened the stream: several where the first were lost.
    openings: u32,
    body_len: usize,
    wait: Duration,
    failures: u32,
    answered: Instant,
    broken: Option<String>,
    /// Whether the link has left it.
    is_left: bool,
    has_ended: bool,
    giver: Option<Waker>,
}

/// A request to make.
pub(super) struct Piece {
    pub(super) ask: Ask,
    pub(super) bytes: Vec<u8>,
}

impl Post {
    /// A stream to this hub; its first request goes with the first bytes.
    ///
    /// # Errors
    /// The system gives no randomness for its name.
    pub(crate) fn new(shard: &Shard, target: Target) -> io::Result<Post> {
        let state = State {
            inbox: Inbox::new(WINDOW),
            outbox: Outbox::new(WINDOW),
            is_open: false,
            pushes: 0,
            openings: 0,
            body_len: BODY_LENS[0],
            wait: WAITS.end,
            failures: 0,
            answered: Instant::now(),
            broken: None,
            is_left: false,
            has_ended: false,
            giver: None,
        };
        let shared = Rc::new(Shared {
            pool: Pool::new(shard, target),
            stream: random::bytes()?,
            state: RefCell::new(state),
            push: Notify::new(),
            change: Notify::new(),
        });
        let done = Rc::new(Notify::new());
        shard.run(until(worker::run(shared.clone()), done.clone()));
        Ok(Post { shared, done })
    }
}

impl State {
    fn is_over(&self) -> bool {
        self.broken.is_some() || self.has_ended
    }

    fn break_for(&mut self, why: String) {
        self.broken.get_or_insert(why);
        self.inbox.wake();
        if let Some(giver) = self.giver.take() {
            giver.wake();
        }
    }

    /// Whether one more push is worth it.
    fn can_push(&self) -> bool {
        match self.pushes {
            _ if self.broken.is_some() || !self.outbox.can_take() => false,
            0 => true,
            _ if !self.is_open => false,
            1 => true,
            _ => self.outbox.unsent_len() >= WORTH_IT,
        }
    }
}

impl Shared {
    /// Whether no request is needed any more.
    pub(super) fn is_over(&self) -> bool {
        self.state.borrow().is_over()
    }

    /// Whether the link has left.
    pub(super) fn is_left(&self) -> bool {
        let state = self.state.borrow();
        state.is_left || state.is_over()
    }

    /// Whether polls may begin.
    pub(super) fn is_open(&self) -> bool {
        self.state.borrow().is_open
    }

    fn ask(&self, state: &State) -> Ask {
        Ask { stream: self.stream, have: state.inbox.at(), ..Ask::default() }
    }

    /// The next bytes to push. The first of a stream waits for the hub's first, so that a handshake takes no more turns than elsewhere.
    pub(super) fn next_push(&self) -> Option<Piece> {
        let mut state = self.state.borrow_mut();
        if state.can_push() {
            let max = state.body_len;
            let (up, bytes) = state.outbox.take(max);
            state.pushes += 1;
            if state.can_push() {
                self.push.notify_one();
            }
            if state.outbox.unsent_len() == 0
                && let Some(giver) = state.giver.take()
            {
                giver.wake();
            }
            let mut ask = Ask { up, ..self.ask(&state) };
            if !state.is_open {
                state.openings += 1;
                let turn = Turn { lane: OPENING, number: state.openings };
                ask = Ask { polls: true, turn, again: turn.number > 1, wait: state.wait, ..ask };
            }
            return Some(Piece { ask, bytes });
        }
        // Its last word: nothing follows.
        if !state.is_left || state.is_over() || state.pushes > 0 || !state.is_open {
            return None;
        }
        state.pushes += 1;
        state.has_ended = true;
        let (up, bytes) = state.outbox.take(0);
        Some(Piece { ask: Ask { up, ends: true, ..self.ask(&state) }, bytes })
    }

    /// A poll. `again`: the answer before this one in its lane was lost.
    pub(super) fn next_poll(&self, turn: Turn, again: bool) -> Piece {
        let state = self.state.borrow();
        Piece { ask: Ask { polls: true, turn, again, wait: state.wait, ..self.ask(&state) }, bytes: Vec::new() }
    }

    /// A request was answered; says how long to wait before the next.
    pub(super) fn answered(&self, piece: &Piece, told: Told, bytes: &[u8]) -> Duration {
        let mut state = self.state.borrow_mut();
        state.failures = 0;
        state.answered = Instant::now();
        if !state.is_open {
            state.is_open = true;
            self.change.notify_waiters();
        }
        if told.verdict == Verdict::Full {
            state.outbox.lost(piece.ask.up, piece.bytes.len());
        }
        if let Err(error) = state.outbox.acknowledge(told.has) {
            state.break_for(error.to_string());
        }
        if !state.inbox.take(told.down, bytes) {
            // The hub gives no more than the window, and what it gives is read at once.
            state.break_for(format!(
                "the hub has given {} bytes from {} on, which nobody asked for",
                bytes.len(),
                told.down
            ));
        }
        match told.verdict {
            Verdict::Unknown => state.break_for(
                "requests of one link reach several hubs, or the hub was restarted; where a balancer stands in front of several hubs, ask for \
                 stickiness: what comes from one address goes to one of them"
                    .to_owned(),
            ),
            Verdict::Ended if bytes.is_empty() => state.break_for("the hub has ended the stream".to_owned()),
            _ => {}
        }
        if told.verdict == Verdict::Full {
            return CROWDED;
        }
        if state.can_push() {
            self.push.notify_one();
        }
        Duration::ZERO
    }

    /// A request was not; says how long to wait before the next. `took`: how long it was under way.
    pub(super) fn failed(&self, piece: &Piece, why: Failed, took: Duration) -> Duration {
        let mut state = self.state.borrow_mut();
        let len = piece.bytes.len();
        state.outbox.lost(piece.ask.up, len);
        let text = match why {
            Failed::TooLong(text) => {
                if let Some(shorter) = BODY_LENS.into_iter().find(|shorter| *shorter < len) {
                    state.body_len = state.body_len.min(shorter);
                    self.push.notify_one();
                    return Duration::ZERO;
                }
                text
            }
            Failed::Waited(text) => {
                // Only a box that did not wait says something of waiting: a hub that is away fails at once.
                if piece.ask.polls && took > WAITS.start && took < state.wait {
                    state.wait = (took / 2).max(WAITS.start);
                    return Duration::ZERO;
                }
                text
            }
            Failed::Other(text) => text,
        };
        state.failures += 1;
        let is_too_much = state.failures >= FAILURES && state.answered.elapsed() > GIVE_UP;
        if !state.is_open || is_too_much || state.is_left {
            state.break_for(text);
            self.change.notify_waiters();
            self.push.notify_waiters();
        }
        Duration::from_millis(25 << state.failures.min(5))
    }

    /// A push is over, one way or the other.
    pub(super) fn pushed(&self) {
        self.state.borrow_mut().pushes -= 1;
        self.push.notify_one();
    }
}

impl Transport for Post {
    fn poll_read(&mut self, cx: &mut Context<'_>, scratch: &mut [u8], kept: usize) -> Poll<io::Result<Range<usize>>> {
        let mut state = self.shared.state.borrow_mut();
        match state.inbox.poll_read(cx, scratch, kept) {
            Poll::Ready(range) => Poll::Ready(Ok(range)),
            Poll::Pending => match &state.broken {
                Some(why) => Poll::Ready(Err(io::Error::other(why.clone()))),
                None => Poll::Pending,
            },
        }
    }

    fn send(&mut self, parts: &[&[u8]]) {
        self.shared.state.borrow_mut().outbox.push(parts);
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.shared.state.borrow_mut();
        if let Some(why) = &state.broken {
            return Poll::Ready(Err(io::Error::other(why.clone())));
        }
        if state.can_push() {
            self.shared.push.notify_one();
        }
        if state.outbox.unsent_len() == 0 {
            return Poll::Ready(Ok(()));
        }
        state.giver = Some(cx.waker().clone());
        Poll::Pending
    }

    fn unwritten_len(&self) -> usize {
        self.shared.state.borrow().outbox.unsent_len()
    }

    fn name(&self) -> &'static str {
        "post"
    }

    fn encoding(&self) -> Encoding {
        self.shared.pool.encoding()
    }

    fn seals(&self) -> bool {
        true
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        self.shared.state.borrow_mut().is_left = true;
        self.shared.change.notify_waiters();
        self.shared.push.notify_waiters();
        self.done.notify_one();
    }
}
