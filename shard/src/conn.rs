//! One TCP connection of a shard: bytes in through the shared scratch buffer, bytes out once a turn. It never parses
//! and holds no buffer while it is idle.
//!
//! ```text
//!  read ─▶ scratch[left.. ] ─▶ Session::received(all) ─▶ Taken { used, need }
//!             ▲                                             │ what is left of a frame
//!             └──── left (small: copied in front; large: grows with what arrives until `need` bytes are there)
//! ```
//!
//! Where TLS lies between, the same holds of the opened bytes: [`crate::tls`].
//!
//! Long because: reading, writing and ending of a connection share its state, and nobody else may see it.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::rest::{COPIED_REST_LEN, Rest};
use crate::tls::Layer;
use crate::tls::session::{Cover, RECORD_LEN, SEALED_LEN, Tls};
use crate::untaken::Untaken;
use crate::{Budget, Close, Flush, NoRoom, SCRATCH_LEN, Session, Shard, socket, tls};

/// After this many full reads in one go other connections of the shard get their turn.
const READS_A_TURN: usize = 4;
/// A connection that has been read for so long gives the others their turn, whatever is still to be read: what it sends may
/// be small and dear.
const READING: Duration = Duration::from_micros(500);
/// With more than this waiting to be written the connection is not read, if its session says so.
const UNWRITTEN_LEN: usize = 1024 * 1024;

/// Both fit into the scratch buffer: the rest of a frame, and what one read of sealed bytes opens.
const _: () = assert!(COPIED_REST_LEN + SEALED_LEN + RECORD_LEN <= SCRATCH_LEN);

/// A TCP connection that lives on one shard.
pub struct Conn {
    me: Weak<Conn>,
    shard: Shard,
    peer: SocketAddr,
    local: SocketAddr,
    stream: RefCell<Option<TcpStream>>,
    cover: RefCell<Cover>,
    out: RefCell<Vec<u8>>,
    /// Bytes of `out` that are written already, or sealed to be written.
    written: Cell<usize>,
    dirty: Cell<bool>,
    /// Not read until what waits is written.
    paused: Cell<bool>,
    /// The connection's own task: woken for what only it can do.
    waker: RefCell<Option<Waker>>,
    close: RefCell<Option<Close>>,
    /// Why it closes once everything is written.
    finish: RefCell<Option<Close>>,
    last_read: Cell<Instant>,
    /// Bytes read in all.
    read_len: Cell<u64>,
    untaken: Untaken,
}

impl Conn {
    /// Serves a connected socket with `session` until either side closes it.
    ///
    /// # Errors
    /// The socket is gone already, or rustls does not take the layer's configuration.
    pub fn start(shard: &Shard, stream: TcpStream, layer: Layer, session: Rc<dyn Session>) -> io::Result<Rc<Conn>> {
        socket::tune(&stream)?;
        let cover = Cover::new(layer)?;
        let (peer, local) = (stream.peer_addr()?, stream.local_addr()?);
        let conn = Rc::new_cyclic(|me| Conn {
            me: me.clone(),
            shard: shard.clone(),
            peer,
            local,
            stream: RefCell::new(Some(stream)),
            cover: RefCell::new(cover),
            out: RefCell::new(Vec::new()),
            written: Cell::new(0),
            dirty: Cell::new(false),
            paused: Cell::new(false),
            waker: RefCell::new(None),
            close: RefCell::new(None),
            finish: RefCell::new(None),
            last_read: Cell::new(Instant::now()),
            read_len: Cell::new(0),
            untaken: Untaken::default(),
        });
        session.opened(&conn);
        shard.run(run(conn.clone(), session));
        Ok(conn)
    }

    /// The other end's address.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// This end's address: for an accepted connection the port it came in on.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// When bytes last arrived, or the connection began.
    pub fn last_read(&self) -> Instant {
        self.last_read.get()
    }

    /// Bytes that arrived so far.
    pub fn read_len(&self) -> u64 {
        self.read_len.get()
    }

    /// Charges bytes that the peer does not take, once its socket is full, to this budget, as something unfinished. Without a
    /// budget nothing is charged. The first one stays.
    pub fn charge_untaken(&self, budget: &Budget, no_room: NoRoom) {
        self.untaken.charge_to(budget, no_room);
    }

    /// Whether there was room in the budget for what the peer does not take, when last something was written.
    pub fn has_room(&self) -> bool {
        self.untaken.has_room()
    }

    /// Bytes that wait to be written.
    pub fn unwritten_len(&self) -> usize {
        self.out.borrow().len() - self.written.get()
    }

    /// Takes the bytes that were never written out of a connection that has ended: of use in [`Session::closed`] alone,
    /// where it begins somewhere in what was appended last. Empty while the connection lives.
    pub fn take_unwritten(&self) -> Vec<u8> {
        if self.stream.borrow().is_some() {
            return Vec::new();
        }
        let mut out = std::mem::take(&mut *self.out.borrow_mut());
        out.drain(..self.written.replace(0));
        out
    }

    /// Whether bytes appended now may still be written.
    pub fn is_open(&self) -> bool {
        self.close.borrow().is_none()
    }

    /// Puts bytes behind what waits already; they are written once at the end of the turn. Does nothing after a close.
    pub fn append(&self, parts: &[&[u8]]) {
        self.append_with(|out| parts.iter().for_each(|part| out.extend_from_slice(part)));
    }

    /// As [`Conn::append`], for bytes that are made in place: `write` may only push behind what is there.
    pub fn append_with(&self, write: impl FnOnce(&mut Vec<u8>)) {
        if !self.is_open() {
            return;
        }
        let mut out = self.out.borrow_mut();
        if out.capacity() == 0 {
            *out = self.shard.buffer();
        }
        write(&mut out);
        drop(out);
        self.mark();
    }

    /// Asks for a flush at the end of this turn.
    fn mark(&self) {
        if !self.dirty.replace(true)
            && let Some(me) = self.me.upgrade()
        {
            self.shard.mark(me);
        }
    }

    /// Closes the connection after what was appended is written; a peer that does not read is not waited for.
    pub fn close(&self, why: Close) {
        self.flush();
        self.close.borrow_mut().get_or_insert(why);
        self.wake();
    }

    /// Closes the connection once everything is written, and after `within` in any case. The first one counts.
    pub fn finish(&self, why: Close, within: Duration) {
        if self.finish.borrow().is_some() {
            return;
        }
        self.flush();
        if !self.is_unwritten() {
            return self.close(why);
        }
        self.finish.replace(Some(why.clone()));
        let me = self.me.clone();
        self.shard.run(async move {
            tokio::time::sleep(within).await;
            if let Some(me) = me.upgrade() {
                me.close(why);
            }
        });
    }

    /// Tells a TLS peer that nothing follows, where everything else is written.
    fn say_end(&self) {
        if self.unwritten_len() > 0 {
            return;
        }
        match &mut *self.cover.borrow_mut() {
            Cover::Tls(tls) => tls.say_end(),
            Cover::Plain | Cover::Undecided(_) => return,
        }
        self.flush();
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// Writes what is there without waiting. `Pending`: something is left; the task of `cx` is woken when there is room, or
    /// by what it reads.
    fn poll_write(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut out = self.out.borrow_mut();
        let mut stream = self.stream.borrow_mut();
        let Some(stream) = stream.as_mut() else { return Poll::Ready(Ok(())) };
        let done = match &mut *self.cover.borrow_mut() {
            Cover::Tls(tls) => self.poll_write_sealed(cx, tls, stream, &out),
            Cover::Plain | Cover::Undecided(_) => self.poll_write_plain(cx, stream, &out),
        };
        match done {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => {
                // A slow reader's buffer must not keep every byte it was ever sent.
                if self.written.get() >= UNWRITTEN_LEN {
                    out.drain(..self.written.replace(0));
                }
                return match self.untaken.charge(out.len() - self.written.get()) {
                    Ok(()) => Poll::Pending,
                    Err(error) => Poll::Ready(Err(error)),
                };
            }
        }
        self.written.set(0);
        self.untaken.taken();
        self.shard.recycle(std::mem::take(&mut *out));
        if self.paused.replace(false) {
            self.wake();
        }
        if let Some(why) = &*self.finish.borrow() {
            self.close.borrow_mut().get_or_insert_with(|| why.clone());
            self.wake();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_plain(&self, cx: &mut Context<'_>, stream: &mut TcpStream, out: &[u8]) -> Poll<io::Result<()>> {
        while self.written.get() < out.len() {
            match ready!(Pin::new(&mut *stream).poll_write(cx, &out[self.written.get()..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                len => self.written.set(self.written.get() + len),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// A few records at a time: what is not sealed yet is provably unsent.
    fn poll_write_sealed(
        &self,
        cx: &mut Context<'_>,
        tls: &mut Tls,
        stream: &mut TcpStream,
        out: &[u8],
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(tls.poll_write(stream, cx))?;
            if self.written.get() >= out.len() {
                return Poll::Ready(Ok(()));
            }
            if tls.is_handshaking() {
                return Poll::Pending;
            }
            match tls.seal(&out[self.written.get()..])? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                len => self.written.set(self.written.get() + len),
            }
        }
    }

    /// Whether there is something to write, sealed or not.
    fn is_unwritten(&self) -> bool {
        self.unwritten_len() > 0 || matches!(&*self.cover.borrow(), Cover::Tls(tls) if tls.wants_write())
    }

    fn poll(&self, cx: &mut Context<'_>, me: &Rc<Conn>, session: &dyn Session, rest: &mut Rest) -> Poll<Close> {
        if self.waker.borrow().as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            *self.waker.borrow_mut() = Some(cx.waker().clone());
        }
        if let Some(why) = &*self.close.borrow() {
            return Poll::Ready(why.clone());
        }
        if !self.dirty.get()
            && self.is_unwritten()
            && let Poll::Ready(Err(error)) = self.poll_write(cx)
        {
            return Poll::Ready(Close::Io(error.to_string()));
        }
        let mut first = None;
        for _ in 0..READS_A_TURN {
            if session.may_pause() && self.unwritten_len() > UNWRITTEN_LEN {
                // Whoever writes the last of it wakes this task: the socket may have told of its bytes already.
                self.paused.set(true);
                return Poll::Pending;
            }
            match self.shard.clone().with_scratch(|scratch| self.poll_read(cx, me, session, rest, scratch)) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(why)) => return Poll::Ready(why),
                Poll::Pending => return Poll::Pending,
            }
            if let Some(why) = &*self.close.borrow() {
                return Poll::Ready(why.clone());
            }
            let read = self.last_read.get();
            if read.saturating_duration_since(*first.get_or_insert(read)) >= READING {
                break;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        me: &Rc<Conn>,
        session: &dyn Session,
        rest: &mut Rest,
        scratch: &mut [u8],
    ) -> Poll<Result<(), Close>> {
        let kept = rest.put_in_front(scratch);
        if !matches!(&*self.cover.borrow(), Cover::Plain) {
            ready!(self.poll_cover(cx))?;
            if !matches!(&*self.cover.borrow(), Cover::Plain) {
                return self.poll_read_sealed(cx, me, session, rest, (scratch, kept));
            }
        }
        let end = if rest.is_awaited() { scratch.len() } else { scratch.len().min(kept + session.read_len()) };
        let read = ready!(self.poll_read_socket(cx, &mut scratch[kept..end]))?;
        Poll::Ready(rest.hand_over(&scratch[..kept + read], kept, |bytes| session.received(me, bytes)))
    }

    fn poll_read_socket(&self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<Result<usize, Close>> {
        let mut buf = ReadBuf::new(into);
        let result = match self.stream.borrow_mut().as_mut() {
            Some(stream) => ready!(Pin::new(stream).poll_read(cx, &mut buf)),
            None => return Poll::Ready(Err(Close::Eof)),
        };
        Poll::Ready(match (result, buf.filled().len()) {
            (Err(error), _) => Err(Close::Io(error.to_string())),
            (Ok(()), 0) => Err(Close::Eof),
            (Ok(()), read) => {
                self.last_read.set(Instant::now());
                self.read_len.set(self.read_len.get() + read as u64);
                Ok(read)
            }
        })
    }

    /// Settles by the first byte, which stays unread, whether the peer speaks TLS.
    fn poll_cover(&self, cx: &mut Context<'_>) -> Poll<Result<(), Close>> {
        let mut cover = self.cover.borrow_mut();
        let Cover::Undecided(config) = &*cover else { return Poll::Ready(Ok(())) };
        let mut first = [0];
        let peeked = match self.stream.borrow_mut().as_mut() {
            Some(stream) => ready!(stream.poll_peek(cx, &mut ReadBuf::new(&mut first))),
            None => return Poll::Ready(Err(Close::Eof)),
        };
        let settled = match peeked {
            Ok(0) => return Poll::Ready(Err(Close::Eof)),
            Ok(_) if first[0] == tls::HANDSHAKE_BYTE => Cover::answer(config.clone()),
            Ok(_) => Ok(Cover::Plain),
            Err(error) => Err(error),
        };
        Poll::Ready(settled.map(|settled| *cover = settled).map_err(|error| Close::Io(error.to_string())))
    }

    fn poll_read_sealed(
        &self,
        cx: &mut Context<'_>,
        me: &Rc<Conn>,
        session: &dyn Session,
        rest: &mut Rest,
        (scratch, kept): (&mut [u8], usize),
    ) -> Poll<Result<(), Close>> {
        let opened: Poll<Result<_, Close>> = self.shard.with_sealed(|sealed| {
            let len = if rest.is_awaited() { SEALED_LEN } else { SEALED_LEN.min(session.read_len()) };
            let read = ready!(self.poll_read_socket(cx, &mut sealed[..len]))?;
            let mut cover = self.cover.borrow_mut();
            let Cover::Tls(tls) = &mut *cover else { return Poll::Ready(Err(Close::Eof)) };
            let was_handshaking = tls.is_handshaking();
            let opened = tls.open(&sealed[..read], &mut scratch[kept..]).map_err(Close::Ours)?;
            let is_secured = was_handshaking && !tls.is_handshaking();
            if is_secured || tls.wants_write() {
                self.mark();
            }
            Poll::Ready(Ok((opened, is_secured)))
        });
        let (opened, is_secured) = ready!(opened)?;
        if is_secured {
            session.secured(me);
        }
        if opened.len > 0 {
            rest.hand_over(&scratch[..kept + opened.len], kept, |bytes| session.received(me, bytes))?;
        }
        Poll::Ready(if opened.closed { Err(Close::Eof) } else { Ok(()) })
    }
}

impl Flush for Conn {
    fn flush(&self) {
        self.dirty.set(false);
        let waker = self.waker.borrow().clone();
        // Not polled yet: its first poll writes.
        let Some(waker) = waker else { return };
        if let Poll::Ready(Err(error)) = self.poll_write(&mut Context::from_waker(&waker)) {
            self.close.borrow_mut().get_or_insert(Close::Io(error.to_string()));
            waker.wake();
        }
    }

    fn panicked(&self) {
        self.close.borrow_mut().get_or_insert(Close::Ours("its flush panicked".to_owned()));
        self.wake();
    }
}

async fn run(conn: Rc<Conn>, session: Rc<dyn Session>) {
    let ended = Ended { conn, session, why: Close::Ours("its task panicked".to_owned()) };
    let mut ended = ended;
    let mut rest = Rest::default();
    let (conn, session) = (ended.conn.clone(), ended.session.clone());
    ended.why = tokio::task::coop::unconstrained(poll_fn(|cx| conn.poll(cx, &conn, &*session, &mut rest))).await;
}

/// Ends a connection however its task ends: what was appended is tried once more, the socket is closed, the session told.
struct Ended {
    conn: Rc<Conn>,
    session: Rc<dyn Session>,
    why: Close,
}

impl Drop for Ended {
    fn drop(&mut self) {
        // A peer that has closed reads no more: what it was not sent yet stays provably unsent.
        if matches!(self.why, Close::Ours(_)) {
            self.conn.flush();
            self.conn.say_end();
        }
        self.conn.close.borrow_mut().get_or_insert(self.why.clone());
        drop(self.conn.stream.borrow_mut().take());
        self.conn.untaken.taken();
        self.session.closed(&self.conn, &self.why);
        drop(self.conn.take_unwritten());
    }
}

#[cfg(test)]
#[path = "conn_tests.rs"]
mod tests;
