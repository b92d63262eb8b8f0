//! The native echo provider: a Dubbo server that answers every call with its own argument.
//!
//! One thread, one poll, one scratch buffer; as light as a provider can be, so that it is not what is measured. Hosts
//! every service, keeps no state between calls, and never closes a connection by itself but for broken frames.

use crate::frames::{self, Frame};
use crate::stream::{Reader, Scratch, Stream, Turn};
use anyhow::{Context, Result};
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use std::collections::HashMap;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;

/// The listener's token; connections count up from one.
const LISTENER: Token = Token(0);

struct Provider;

impl Reader for Provider {
    fn frame(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) -> Result<()> {
        frames::append_answer(frame, out);
        Ok(())
    }
}

/// The provider, listening.
pub struct Echo {
    listener: TcpListener,
    poll: Poll,
    streams: HashMap<Token, Stream>,
    next: usize,
}

/// Listens on `address`, says so on stdout (`listening on <address>`), and serves until the process ends.
///
/// # Errors
/// When the address cannot be bound or the poll fails.
pub fn serve(address: SocketAddr) -> Result<()> {
    let echo = Echo::bind(address)?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "listening on {}", echo.address()?)?;
    stdout.flush()?;
    drop(stdout);
    echo.run()
}

impl Echo {
    /// Listens on `address`.
    ///
    /// # Errors
    /// When it cannot be bound.
    pub fn bind(address: SocketAddr) -> Result<Self> {
        let mut listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self { listener, poll, streams: HashMap::new(), next: LISTENER.0 })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves; returns only with an error.
    ///
    /// # Errors
    /// When the poll fails or a connection cannot be accepted.
    pub fn run(mut self) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut scratch = Scratch::default();
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
                _ => {}
            }
            for event in &events {
                if event.token() == LISTENER {
                    self.accept_all()?;
                } else if let Some(stream) = self.streams.get_mut(&event.token()) {
                    let turn = stream.turn(&mut scratch, &mut Provider);
                    if let Err(error) = &turn {
                        eprintln!("echo: connection given up: {error}");
                    }
                    if event.is_read_closed() || !matches!(turn, Ok(Turn::Waiting)) {
                        self.streams.remove(&event.token());
                    }
                }
            }
        }
    }

    /// Takes every connection that waits.
    fn accept_all(&mut self) -> Result<()> {
        loop {
            let mut socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("cannot accept"),
            };
            socket.set_nodelay(true)?;
            self.next += 1;
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut socket, Token(self.next), interest)?;
            self.streams.insert(Token(self.next), Stream::new(socket));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::Question;
    use crate::load::{self, Plan};
    use std::io::Read;
    use std::net::TcpStream;
    use std::time::Duration;

    fn started() -> SocketAddr {
        let echo = Echo::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = echo.address().unwrap();
        std::thread::spawn(|| echo.run());
        address
    }

    #[test]
    fn many_connections_with_many_calls_each_all_get_their_own_answers() {
        let plan = Plan {
            target: started(),
            connections: 16,
            in_flight: 64,
            payload: crate::frames::Payload::Filler,
            argument_len: 1_000,
            service: "a.B".to_owned(),
            warm_up: Duration::from_millis(20),
            measured: Duration::from_millis(100),
            watch: Vec::new(),
        };
        let outcome = load::run(&plan).unwrap();
        assert!(outcome.all_calls >= 16 * 64, "{outcome:?}");
    }

    #[test]
    fn a_call_that_arrives_byte_by_byte_is_answered_once() {
        let mut socket = TcpStream::connect(started()).unwrap();
        socket.set_nodelay(true).unwrap();
        let question = Question::new("a.B", "c", 16);
        let mut bytes = Vec::new();
        question.append(1, &mut bytes);
        for byte in &bytes {
            socket.write_all(&[*byte]).unwrap();
        }
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        let frame = frames::first_frame(&answer).unwrap().unwrap();
        assert!(question.is_answered_by(&frame, 1));
        assert_eq!(frame.total_len(), answer.len());
    }

    #[test]
    fn a_peer_that_does_not_read_is_answered_whole_when_it_does() {
        let mut socket = TcpStream::connect(started()).unwrap();
        let question = Question::new("a.B", "c", 1_000);
        let calls = 40_000;
        let mut bytes = Vec::new();
        (0..calls).for_each(|id| question.append(id, &mut bytes));
        socket.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
        let mut sent = 0;
        while sent < bytes.len() {
            let Ok(len) = socket.write(&bytes[sent..]) else { break };
            sent += len;
        }
        assert!(sent < bytes.len(), "the provider has taken everything: it keeps answers without bound");

        socket.set_write_timeout(None).unwrap();
        let mut writing = socket.try_clone().unwrap();
        let writer = std::thread::spawn(move || writing.write_all(&bytes[sent..]).unwrap());
        let mut received = Vec::new();
        let mut piece = vec![0; 64 * 1024];
        let mut answered = 0;
        while answered < calls {
            let len = socket.read(&mut piece).unwrap();
            assert!(len > 0, "closed after {answered} answers");
            received.extend_from_slice(&piece[..len]);
            let mut at = 0;
            while let Some(frame) = frames::first_frame(&received[at..]).unwrap() {
                assert!(question.is_answered_by(&frame, answered), "answer {answered}");
                answered += 1;
                at += frame.total_len();
            }
            received.drain(..at);
        }
        writer.join().unwrap();
    }

    #[test]
    fn bytes_that_are_no_frame_cost_their_connection_only() {
        let address = started();
        let mut broken = TcpStream::connect(address).unwrap();
        broken.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        assert_eq!(broken.read(&mut [0; 16]).unwrap_or(0), 0);
        let mut good = TcpStream::connect(address).unwrap();
        let mut bytes = Vec::new();
        Question::new("a.B", "c", 16).append(1, &mut bytes);
        good.write_all(&bytes).unwrap();
        assert!(good.read(&mut [0; 16]).unwrap() > 0);
    }
}
