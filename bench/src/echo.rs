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

/// Listens on `address`, says so on stdout (`listening on <address>`), and serves until the process ends.
///
/// # Errors
/// When the address cannot be bound or the poll fails.
pub fn serve(address: SocketAddr) -> Result<()> {
    let mut listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "listening on {}", listener.local_addr()?)?;
    stdout.flush()?;

    let mut events = Events::with_capacity(1024);
    let mut scratch = Scratch::default();
    let mut streams: HashMap<Token, Stream> = HashMap::new();
    let mut next = LISTENER.0;
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            if event.token() == LISTENER {
                accept_all(&listener, &poll, &mut streams, &mut next)?;
            } else if let Some(stream) = streams.get_mut(&event.token()) {
                let turn = stream.turn(&mut scratch, &mut Provider);
                if let Err(error) = &turn {
                    eprintln!("echo: connection given up: {error}");
                }
                if event.is_read_closed() || !matches!(turn, Ok(Turn::Waiting)) {
                    streams.remove(&event.token());
                }
            }
        }
    }
}

/// Takes every connection that waits.
fn accept_all(
    listener: &TcpListener,
    poll: &Poll,
    streams: &mut HashMap<Token, Stream>,
    next: &mut usize,
) -> Result<()> {
    loop {
        let mut socket = match listener.accept() {
            Ok((socket, _)) => socket,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error).context("cannot accept"),
        };
        socket.set_nodelay(true)?;
        *next += 1;
        poll.registry().register(&mut socket, Token(*next), Interest::READABLE | Interest::WRITABLE)?;
        streams.insert(Token(*next), Stream::new(socket));
    }
}
