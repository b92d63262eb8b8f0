//! One non-blocking connection: many frames a read, one write for all that they caused.
//!
//!   readable ──▶ read into the shared scratch ──▶ frames ──▶ Reader ──▶ out ──▶ one write
//!                 `- rest of a frame: kept by the connection    rest: kept, sent when writable
//!
//! For edge-triggered polls: a read that does not fill the scratch has drained the socket. Reading waits while the peer
//! does not take what is to be sent, so nothing grows without bound. Never blocks, never knows what the frames mean.

use crate::frames::{self, Frame};
use anyhow::Result;
use mio::net::TcpStream;
use std::io::{self, ErrorKind, Read, Write};

/// Bytes of the scratch at first: a few hundred frames.
const SCRATCH_LEN: usize = 256 * 1024;

/// Buffers that all connections of a thread share.
pub struct Scratch {
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { input: vec![0; SCRATCH_LEN], output: Vec::with_capacity(SCRATCH_LEN) }
    }
}

/// What is done with frames that arrive.
pub trait Reader {
    /// A read has returned bytes; its frames follow.
    fn woke(&mut self) {}

    /// One frame; what is appended to `out` is written after the last frame of this read.
    ///
    /// # Errors
    /// The connection is given up.
    fn frame(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) -> Result<()>;
}

/// How a turn ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// Everything there was has been read, or the peer must first take what is to be sent.
    Waiting,
    /// The peer has closed.
    Closed,
}

/// A connection with what is left over of reads and writes.
pub struct Stream {
    /// The socket, for registration.
    pub socket: TcpStream,
    left: Vec<u8>,
    unsent: Vec<u8>,
}

impl Stream {
    /// Takes over a connected, non-blocking socket.
    pub fn new(socket: TcpStream) -> Self {
        Self { socket, left: Vec::new(), unsent: Vec::new() }
    }

    /// Serves the connection after a poll said that it is readable or writable.
    ///
    /// # Errors
    /// Of the socket, of bytes that are no frame, and of `reader`.
    pub fn turn(&mut self, scratch: &mut Scratch, reader: &mut impl Reader) -> Result<Turn> {
        self.send(&[])?;
        while self.unsent.is_empty() {
            let kept = self.left.len();
            if scratch.input.len() < kept * 2 {
                scratch.input.resize(kept * 2, 0);
            }
            scratch.input[..kept].copy_from_slice(&self.left);
            let read_len = match self.socket.read(&mut scratch.input[kept..]) {
                Ok(0) => return Ok(Turn::Closed),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            reader.woke();
            let mut rest = &scratch.input[..kept + read_len];
            while let Some(frame) = frames::first_frame(rest)? {
                reader.frame(&frame, &mut scratch.output)?;
                rest = &rest[frame.total_len()..];
            }
            self.left.clear();
            self.left.extend_from_slice(rest);
            let sent = self.send(&scratch.output);
            scratch.output.clear();
            sent?;
            if kept + read_len < scratch.input.len() {
                break;
            }
        }
        Ok(Turn::Waiting)
    }

    /// Sends what is left over, then `bytes`; keeps what the socket does not take.
    ///
    /// # Errors
    /// Of the socket.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.unsent.is_empty() {
            let sent = write_some(&mut self.socket, &self.unsent)?;
            self.unsent.drain(..sent);
        }
        let sent = if self.unsent.is_empty() { write_some(&mut self.socket, bytes)? } else { 0 };
        self.unsent.extend_from_slice(&bytes[sent..]);
        Ok(())
    }
}

/// Writes until everything is taken or the socket is full; says how much was taken.
fn write_some(socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut sent = 0;
    while sent < bytes.len() {
        match socket.write(&bytes[sent..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(len) => sent += len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}
