//! One long POST whose two bodies stream at once. It never waits for a chunk to be asked for: what is sent is queued and
//! the HTTP connection's own task takes it. Nor does who dials wait for the answer's head: some boxes keep it until the first
//! bytes of the answer come, which a hub has only for who has said something.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use tokio::sync::Notify;

use super::{Transport, ended};

/// Quiet pings are padded to this: a box that wants 500 bytes a second of a request body gets them (design, middleboxes).
const PING_LEN: usize = 1200;

/// The two bodies.
pub(crate) struct Streaming {
    name: &'static str,
    incoming: Arriving,
    /// What of the last chunk did not fit.
    rest: Bytes,
    queue: Rc<RefCell<Queue>>,
    /// Tells the task of the HTTP connection to come to an end, where the connection is this transport's own.
    driver: Option<Rc<Notify>>,
    /// Held as long as this transport.
    guard: Option<Rc<dyn std::any::Any>>,
}

/// The body that comes in.
pub(crate) enum Arriving {
    /// The other end has yet to answer; fails where it does not as a hub would.
    Awaited(Pin<Box<dyn Future<Output = io::Result<Incoming>>>>),
    /// It is there.
    There(Incoming),
    /// It is not, and will not be.
    Refused,
}

#[derive(Default)]
struct Queue {
    chunks: VecDeque<Bytes>,
    len: usize,
    /// The HTTP connection's task, when it waits for chunks.
    taker: Option<Waker>,
    /// The link's task, when it waits for room.
    giver: Option<Waker>,
    closed: bool,
}

impl Arriving {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            match self {
                Self::There(body) => return Pin::new(body).poll_frame(cx).map_err(io::Error::other),
                Self::Refused => return Poll::Ready(None),
                Self::Awaited(answer) => match ready!(answer.as_mut().poll(cx)) {
                    Ok(body) => *self = Self::There(body),
                    Err(error) => {
                        *self = Self::Refused;
                        return Poll::Ready(Some(Err(error)));
                    }
                },
            }
        }
    }
}

/// The body that goes out.
pub(crate) struct Outgoing(Rc<RefCell<Queue>>);

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let mut queue = self.0.borrow_mut();
        let Some(chunk) = queue.chunks.pop_front() else {
            if queue.closed {
                return Poll::Ready(None);
            }
            queue.taker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        queue.len -= chunk.len();
        if queue.chunks.is_empty()
            && let Some(giver) = queue.giver.take()
        {
            giver.wake();
        }
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        let mut queue = self.0.borrow_mut();
        queue.closed = true;
        if let Some(giver) = queue.giver.take() {
            giver.wake();
        }
    }
}

/// The outgoing half before the incoming one is there.
pub(crate) struct Half(Rc<RefCell<Queue>>);

/// A body to give to the HTTP library, and the half that fills it.
pub(crate) fn outgoing() -> (Half, Outgoing) {
    let queue = Rc::new(RefCell::new(Queue::default()));
    (Half(queue.clone()), Outgoing(queue))
}

impl Half {
    /// Both halves, by the name for people. `driver`: notified when this transport is dropped, after `guard` was.
    pub(crate) fn with(
        self,
        name: &'static str,
        incoming: Arriving,
        driver: Option<Rc<Notify>>,
        guard: Option<Rc<dyn std::any::Any>>,
    ) -> Streaming {
        Streaming { name, incoming, rest: Bytes::new(), queue: self.0, driver, guard }
    }
}

impl Transport for Streaming {
    fn poll_read(&mut self, cx: &mut Context<'_>, scratch: &mut [u8], kept: usize) -> Poll<io::Result<Range<usize>>> {
        let mut end = kept;
        loop {
            let take = self.rest.len().min(scratch.len() - end);
            scratch[end..end + take].copy_from_slice(&self.rest.split_to(take));
            end += take;
            if end == scratch.len() {
                return Poll::Ready(Ok(0..end));
            }
            match self.incoming.poll_frame(cx) {
                Poll::Pending if end > kept => return Poll::Ready(Ok(0..end)),
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => self.rest = frame.into_data().unwrap_or_default(),
                // What came before the end is delivered first; the next call meets the end again.
                Poll::Ready(_) if end > kept => return Poll::Ready(Ok(0..end)),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => return Poll::Ready(Err(ended("the body has ended"))),
            }
        }
    }

    fn send(&mut self, parts: &[&[u8]]) {
        let mut queue = self.queue.borrow_mut();
        let chunk = Bytes::from(parts.concat());
        if queue.closed || chunk.is_empty() {
            return;
        }
        queue.len += chunk.len();
        queue.chunks.push_back(chunk);
        if let Some(taker) = queue.taker.take() {
            taker.wake();
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut queue = self.queue.borrow_mut();
        if queue.closed {
            return Poll::Ready(Err(ended("the HTTP connection has ended")));
        }
        if queue.chunks.is_empty() {
            return Poll::Ready(Ok(()));
        }
        queue.giver = Some(cx.waker().clone());
        Poll::Pending
    }

    fn unwritten_len(&self) -> usize {
        self.queue.borrow().len
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn ping_len(&self) -> usize {
        PING_LEN
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        let mut queue = self.queue.borrow_mut();
        queue.closed = true;
        if let Some(taker) = queue.taker.take() {
            taker.wake();
        }
        drop(queue);
        drop(self.guard.take());
        if let Some(driver) = self.driver.take() {
            driver.notify_one();
        }
    }
}
