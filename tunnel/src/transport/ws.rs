//! WebSocket binary messages (RFC 6455) as a transport, on a connection that was upgraded already. The upgrade is not made here, text
//! is not taken, and messages mean nothing: their payloads are one stream.
//!
//! Own code because a stream and a sink of message objects cost a copy, an allocation and two polls a message; the handshake is the
//! library's. How messages lie in the bytes says [`framing`].

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::ReadBuf;

use super::{Io, Transport, ended};

pub(crate) mod framing;

use framing::{BINARY, CLOSE, Deframer, End, Masks, PING, PONG, put_message};

/// A larger buffer is given back once it is empty.
const SPARE_LEN: usize = 64 * 1024;

/// A connection that speaks WebSocket.
pub(crate) struct Ws<T> {
    io: T,
    end: End,
    /// Bytes that were read with the upgrade.
    early: Vec<u8>,
    reader: Deframer,
    out: Vec<u8>,
    written: usize,
    masks: Masks,
    /// The peer has said that it closes: what came before that is still handed over.
    is_closed: bool,
}

impl<T: Io> Ws<T> {
    /// `early`: bytes that came behind the upgrade's head. `seed`: any number that others cannot guess.
    pub(crate) fn new(io: T, end: End, early: Vec<u8>, seed: u64) -> Ws<T> {
        Ws {
            io,
            end,
            early,
            reader: Deframer::new(end),
            out: Vec::new(),
            written: 0,
            masks: Masks::new(seed),
            is_closed: false,
        }
    }

    fn message(&mut self, opcode: u8, parts: &[&[u8]]) {
        let mask = (self.end == End::Client).then(|| self.masks.next());
        put_message(&mut self.out, opcode, mask, parts);
    }

    /// Only the last ping has to be answered (RFC 6455, section 5.5.3), and none while the peer does not read.
    fn answer_control(&mut self) {
        let mut ping = None;
        for (opcode, payload) in std::mem::take(&mut self.reader.control) {
            match opcode {
                PING => ping = Some(payload),
                CLOSE => self.is_closed = true,
                _ => {}
            }
        }
        if let Some(payload) = ping
            && self.unwritten_len() <= SPARE_LEN
        {
            self.message(PONG, &[&payload]);
        }
    }
}

impl<T: Io> Transport for Ws<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, scratch: &mut [u8], kept: usize) -> Poll<io::Result<Range<usize>>> {
        loop {
            if self.is_closed {
                return Poll::Ready(Err(ended("the peer has closed the WebSocket")));
            }
            let held = self.reader.put_in_front(&mut scratch[kept..]);
            let mut buf = ReadBuf::new(&mut scratch[kept + held..]);
            if self.early.is_empty() {
                match Pin::new(&mut self.io).poll_read(cx, &mut buf) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Ready(Ok(())) => {}
                }
            } else {
                let take = self.early.len().min(buf.remaining());
                buf.put_slice(&self.early[..take]);
                self.early.drain(..take);
            }
            let read = buf.filled().len();
            if read == 0 {
                return Poll::Ready(Err(ended("the connection has ended")));
            }
            let range = self.reader.deframe(&mut scratch[..kept + held + read], kept)?;
            if !self.reader.control.is_empty() {
                self.answer_control();
                // A connection that cannot be written is found out by the next batch; what was read counts still.
                let _ = self.poll_flush(cx);
            }
            if range.len() > kept {
                return Poll::Ready(Ok(range));
            }
            // Only a header, or a control message, has come; the kept bytes may have moved.
            scratch.copy_within(range, 0);
        }
    }

    fn send(&mut self, parts: &[&[u8]]) {
        self.message(BINARY, parts);
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.out.len() {
            match Pin::new(&mut self.io).poll_write(cx, &self.out[self.written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(len)) => self.written += len,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    if self.written > SPARE_LEN {
                        self.out.drain(..std::mem::take(&mut self.written));
                    }
                    return Poll::Pending;
                }
            }
        }
        self.out.clear();
        self.written = 0;
        if self.out.capacity() > SPARE_LEN {
            self.out = Vec::new();
        }
        // A TLS connection holds bytes of its own.
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn unwritten_len(&self) -> usize {
        self.out.len() - self.written
    }

    fn goodbye(&mut self) {
        self.message(CLOSE, &[&1000u16.to_be_bytes()]);
    }

    fn name(&self) -> &'static str {
        "ws"
    }
}

#[cfg(test)]
mod tests {
    use super::framing::FIN;
    use super::framing::tests::masked;
    use super::*;

    #[test]
    fn what_was_said_before_a_close_is_heard_even_in_the_same_read() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (here, mut there) = tokio::io::duplex(1024);
            let bytes = [masked(&[b"last words"], BINARY), masked(&[b""], CLOSE)].concat();
            tokio::io::AsyncWriteExt::write_all(&mut there, &bytes).await.unwrap();
            let mut ws = Ws::new(here, End::Server, Vec::new(), 7);
            let mut scratch = [0; 256];
            let range = std::future::poll_fn(|cx| ws.poll_read(cx, &mut scratch, 0)).await.unwrap();
            assert_eq!(&scratch[range], b"last words");
            let error = std::future::poll_fn(|cx| ws.poll_read(cx, &mut scratch, 0)).await.unwrap_err();
            assert_eq!(error.to_string(), "the peer has closed the WebSocket");
        });
    }

    /// Where a segment ended within the header of a message, the part that had come was lost, and what followed was no message any more.
    #[test]
    fn a_header_that_came_in_part_is_whole_after_a_look_that_brought_nothing() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let bytes = masked(&[b"hello"], BINARY);
            for cut in 1..=6 {
                let (here, mut there) = tokio::io::duplex(1024);
                let mut ws = Ws::new(here, End::Server, Vec::new(), 7);
                let mut scratch = [0; 256];
                tokio::io::AsyncWriteExt::write_all(&mut there, &bytes[..cut]).await.unwrap();
                for _ in 0..2 {
                    let is_pending = |cx: &mut Context<'_>| Poll::Ready(ws.poll_read(cx, &mut scratch, 0).is_pending());
                    assert!(std::future::poll_fn(is_pending).await);
                    scratch.fill(0xee);
                }
                tokio::io::AsyncWriteExt::write_all(&mut there, &bytes[cut..]).await.unwrap();
                let range = std::future::poll_fn(|cx| ws.poll_read(cx, &mut scratch, 0)).await.unwrap();
                assert_eq!(&scratch[range], b"hello", "{cut}");
            }
        });
    }

    #[test]
    fn a_flood_of_pings_is_answered_once_a_read_and_not_at_all_while_nothing_is_read() {
        shard::runtime().unwrap().block_on(async {
            let (mut peer, io) = tokio::io::duplex(100);
            let mut ws = Ws::new(io, End::Server, Vec::new(), 1);
            let mut scratch = vec![0; 64 * 1024];
            let pings: Vec<u8> = (0..50u8).flat_map(|number| masked(&[&[number; 100]], PING)).collect();
            let mut held = 0;
            for _ in 0..2000 {
                ws.early.extend_from_slice(&pings);
                ws.early.extend(masked(&[b"x"], BINARY));
                std::future::poll_fn(|cx| ws.poll_read(cx, &mut scratch, 0)).await.unwrap();
                held = held.max(ws.unwritten_len());
            }
            assert!((SPARE_LEN..SPARE_LEN + 1000).contains(&held), "{held}");
            let mut first = [0; 102];
            tokio::io::AsyncReadExt::read_exact(&mut peer, &mut first[..100]).await.unwrap();
            assert_eq!((first[0], first[1], first[2]), (FIN | PONG, 100, 49));
        });
    }
}
