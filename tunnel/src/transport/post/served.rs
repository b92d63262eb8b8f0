//! The hub's end of streams of small POSTs: which there are, and what each request gets. It holds a window a direction and a handful of
//! requests for each stream, a handshake's worth while its gateway is a stranger, and nothing of a stream that nobody opened.
//!
//! ```text
//!  first request ─▶ stream, transport ─▶ handshake ─▶ link               unknown name, not a first request ─▶ Unknown
//!  further ones  ─▶ bytes into the inbox; bytes out of the outbox
//!  transport dropped ─▶ last words, for two seconds ─▶ forgotten
//! ```

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::{Duration, Instant};

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::boxes::{Inbox, Outbox};
use super::coming::{Coming, Cut};
use super::frame::{ASK_LEN, Ask, StreamId, TOLD_LEN, Told, Turn, Verdict};
use super::{ANSWER_LEN, STRANGERS_WINDOW, WINDOW};
use crate::Encoding;
use crate::transport::serve::{Arrived, Body, Context, Door, words};
use crate::transport::{Transport, ended};

/// Requests of one stream at once.
const REQUESTS: usize = 12;
/// Lanes of polls.
const LANES: usize = 3;
/// Nobody waits longer for bytes down, whatever he asks for.
const WAIT_LIMIT: Duration = Duration::from_secs(20);
/// The bytes of a request come without longer pauses.
const PAUSE: Duration = Duration::from_secs(10);
/// What a gateway has to fetch the last words of a stream.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// All streams of an acceptor.
#[derive(Default)]
pub(crate) struct Streams(RefCell<HashMap<StreamId, Rc<Stream>>>);

struct Stream {
    /// How its requests carry their bytes: as its first one did, on which its gateway was let in.
    encoding: Encoding,
    state: RefCell<State>,
    /// Told when there are bytes down, or none will come.
    down: Notify,
}

struct State {
    inbox: Inbox,
    outbox: Outbox,
    requests: usize,
    is_proven: bool,
    lanes: [Lane; LANES],
    /// No byte up follows.
    has_ended: bool,
    broken: Option<String>,
    /// Since when the link has left it.
    left: Option<Instant>,
    /// The link's task, when it waits until everything was fetched.
    giver: Option<Waker>,
}

/// The poll of the moment in a lane, and what it was given.
#[derive(Default)]
struct Lane {
    number: u32,
    given: Range<u64>,
}

/// A stream, as what carries a link.
struct Served(Rc<Stream>);

impl Streams {
    /// Forgets the streams whose time is over.
    pub(crate) fn tick(&self) {
        let mut streams = self.0.borrow_mut();
        if !streams.is_empty() {
            let now = Instant::now();
            streams.retain(|_, stream| {
                let state = stream.state.borrow();
                let is_done = |since: Instant| state.outbox.is_empty() || now.duration_since(since) > LAST_WORDS;
                !state.left.is_some_and(is_done)
            });
        }
    }

    fn find(&self, id: &StreamId) -> Option<Rc<Stream>> {
        self.0.borrow().get(id).cloned()
    }

    fn open(&self, id: StreamId, encoding: Encoding) -> Rc<Stream> {
        let state = State {
            inbox: Inbox::new(STRANGERS_WINDOW),
            outbox: Outbox::new(WINDOW),
            requests: 0,
            lanes: Default::default(),
            is_proven: false,
            has_ended: false,
            broken: None,
            left: None,
            giver: None,
        };
        let stream = Rc::new(Stream { encoding, state: RefCell::new(state), down: Notify::new() });
        self.0.borrow_mut().insert(id, stream.clone());
        stream
    }
}

/// Answers one POST.
pub(in crate::transport) async fn answer(
    request: Request<Incoming>,
    context: Context,
    door: &Rc<Door>,
) -> Response<Body> {
    let Some(mut body) = Coming::of(request) else {
        return words(
            StatusCode::BAD_REQUEST,
            "A POST of a Highway link is no form but one with a file; this is neither.\n",
        );
    };
    let Ok(Some((ask, first))) = timeout(PAUSE, front(&mut body)).await else {
        return words(StatusCode::BAD_REQUEST, "Here go the POSTs of a Highway link; this is none.\n");
    };
    let is_first = ask.up == 0 && ask.have == 0 && ask.polls && !first.is_empty();
    let stream = match door.posts.find(&ask.stream) {
        Some(stream) if stream.encoding != body.encoding() => {
            return words(StatusCode::BAD_REQUEST, "The POSTs of one link are all of them forms or none.\n");
        }
        Some(stream) => stream,
        None if is_first => {
            let stream = door.posts.open(ask.stream, body.encoding());
            (door.arrived)(Arrived {
                transport: Box::new(Served(stream.clone())),
                exporter: None,
                is_tls: context.is_tls,
                guard: context.guard.clone(),
            });
            stream
        }
        None => return respond(Told { verdict: Verdict::Unknown, has: 0, down: 0, len: 0 }, &[]),
    };
    let Some(stream) = Requested::begin(&stream) else {
        return respond(stream.told(Verdict::Full, 0, 0), &[]);
    };
    if stream.is_proven() {
        context.posting.note(door);
    }
    let verdict = match stream.take(&ask, &first, &mut body).await {
        Ok(verdict) => verdict,
        // The gateway sends it again.
        Err(Cut) => return words(StatusCode::BAD_REQUEST, "The request has ended before its bytes.\n"),
    };
    if !ask.polls {
        let verdict = if stream.state.borrow().is_over() { Verdict::Ended } else { verdict };
        return respond(stream.told(verdict, 0, 0), &[]);
    }
    let (down, bytes, is_over) = stream.give(&ask).await;
    let verdict = if is_over { Verdict::Ended } else { verdict };
    respond(stream.told(verdict, down, bytes.len()), &bytes)
}

/// Reads what stands in front of a request's bytes, and the first of them.
async fn front(body: &mut Coming) -> Option<(Ask, Bytes)> {
    let mut read = Bytes::new();
    while read.len() < ASK_LEN {
        let more = body.next().await?.ok()?;
        read = if read.is_empty() { more } else { Bytes::from([read, more].concat()) };
    }
    let ask = read.first_chunk().and_then(Ask::decode)?;
    Some((ask, read.split_off(ASK_LEN)))
}

fn respond(told: Told, bytes: &[u8]) -> Response<Body> {
    let mut body = Vec::with_capacity(TOLD_LEN + bytes.len());
    body.extend_from_slice(&told.encode());
    body.extend_from_slice(bytes);
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(body))));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// A request of a stream, counted as long as it is.
struct Requested(Rc<Stream>);

impl std::ops::Deref for Requested {
    type Target = Stream;

    fn deref(&self) -> &Stream {
        &self.0
    }
}

impl Requested {
    fn begin(stream: &Rc<Stream>) -> Option<Requested> {
        let mut state = stream.state.borrow_mut();
        if state.requests >= REQUESTS {
            return None;
        }
        state.requests += 1;
        Some(Requested(stream.clone()))
    }
}

impl Drop for Requested {
    fn drop(&mut self) {
        self.0.state.borrow_mut().requests -= 1;
    }
}

impl State {
    /// A poll takes its lane over: the one before it in there has its answer, or will never get it.
    fn enter(&mut self, ask: &Ask) {
        let State { lanes, outbox, .. } = self;
        if let Some(lane) = lanes.get_mut(usize::from(ask.turn.lane)).filter(|_| ask.polls)
            && ask.turn.number > lane.number
        {
            let before = std::mem::replace(lane, Lane { number: ask.turn.number, given: 0..0 });
            if ask.again {
                outbox.lost(before.given.start, (before.given.end - before.given.start) as usize);
            }
        }
    }

    /// Bytes for a poll, with their place: those that it was given already, if a box repeats it. `None`: it gets none any more.
    fn give(&mut self, turn: Turn) -> Option<(u64, Vec<u8>)> {
        let State { lanes, outbox, .. } = self;
        let lane = lanes.get_mut(usize::from(turn.lane)).filter(|lane| lane.number == turn.number)?;
        if !lane.given.is_empty() {
            return Some(outbox.taken(&lane.given)).filter(|(_, bytes)| !bytes.is_empty());
        }
        let (place, bytes) = outbox.take(ANSWER_LEN);
        lane.given = place..place + bytes.len() as u64;
        Some((place, bytes))
    }

    /// Whether nothing will come any more: the link has left, and its last words were fetched.
    fn is_over(&self) -> bool {
        self.left.is_some() && self.outbox.is_empty()
    }
}

impl Stream {
    fn is_proven(&self) -> bool {
        self.state.borrow().is_proven
    }

    fn told(&self, verdict: Verdict, down: u64, len: usize) -> Told {
        Told { verdict, has: self.state.borrow().inbox.at(), down, len }
    }

    /// Takes what a request says and brings, as it comes.
    async fn take(&self, ask: &Ask, first: &Bytes, body: &mut Coming) -> Result<Verdict, Cut> {
        {
            let mut state = self.state.borrow_mut();
            if let Err(error) = state.outbox.acknowledge(ask.have) {
                state.broken.get_or_insert(error.to_string());
                state.inbox.wake();
            }
            state.enter(ask);
            if state.is_over() {
                self.down.notify_waiters();
            }
        }
        let mut at = ask.up;
        let mut piece = first.clone();
        loop {
            if !self.state.borrow_mut().inbox.take(at, &piece) {
                return Ok(Verdict::Full);
            }
            at += piece.len() as u64;
            match timeout(PAUSE, body.next()).await {
                Ok(None) => break,
                Ok(Some(Ok(more))) => piece = more,
                Ok(Some(Err(_))) | Err(_) => return Err(Cut),
            }
        }
        if ask.ends {
            let mut state = self.state.borrow_mut();
            state.has_ended = true;
            state.inbox.wake();
        }
        Ok(Verdict::Taken)
    }

    /// Bytes down with their place, as soon as there are any; none after its wait, or when none will come: then it says so.
    async fn give(&self, ask: &Ask) -> (u64, Vec<u8>, bool) {
        let work = async {
            loop {
                let told = self.down.notified();
                {
                    let mut state = self.state.borrow_mut();
                    let given = state.give(ask.turn);
                    if state.outbox.unsent_len() == 0
                        && let Some(giver) = state.giver.take()
                    {
                        giver.wake();
                    }
                    let is_over = state.is_over();
                    if given.as_ref().is_none_or(|(_, bytes)| !bytes.is_empty() || is_over) {
                        // What woke this one may have been for another.
                        if state.outbox.can_take() {
                            self.down.notify_one();
                        }
                        let (place, bytes) = given.unwrap_or_default();
                        return (place, bytes, is_over);
                    }
                }
                told.await;
            }
        };
        timeout(ask.wait.min(WAIT_LIMIT), work).await.unwrap_or((0, Vec::new(), false))
    }
}

impl Transport for Served {
    fn poll_read(
        &mut self,
        cx: &mut TaskContext<'_>,
        scratch: &mut [u8],
        kept: usize,
    ) -> Poll<io::Result<Range<usize>>> {
        let mut state = self.0.state.borrow_mut();
        match state.inbox.poll_read(cx, scratch, kept) {
            Poll::Ready(range) => Poll::Ready(Ok(range)),
            Poll::Pending => match &state.broken {
                Some(why) => Poll::Ready(Err(io::Error::other(why.clone()))),
                None if state.has_ended => Poll::Ready(Err(ended("the gateway has ended the stream"))),
                None => Poll::Pending,
            },
        }
    }

    fn send(&mut self, parts: &[&[u8]]) {
        self.0.state.borrow_mut().outbox.push(parts);
    }

    fn poll_flush(&mut self, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.state.borrow_mut();
        if state.outbox.can_take() {
            self.0.down.notify_one();
        }
        if state.outbox.unsent_len() == 0 {
            return Poll::Ready(Ok(()));
        }
        state.giver = Some(cx.waker().clone());
        Poll::Pending
    }

    fn unwritten_len(&self) -> usize {
        self.0.state.borrow().outbox.unsent_len()
    }

    fn name(&self) -> &'static str {
        "post"
    }

    fn encoding(&self) -> Encoding {
        self.0.encoding
    }

    fn seals(&self) -> bool {
        true
    }

    fn proven(&mut self) {
        let mut state = self.0.state.borrow_mut();
        state.is_proven = true;
        state.inbox.widen(WINDOW);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.0.state.borrow_mut().left = Some(Instant::now());
        self.0.down.notify_waiters();
        self.0.down.notify_one();
    }
}
