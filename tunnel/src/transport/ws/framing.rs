//! How messages of WebSocket lie in the bytes (RFC 6455): written one by one, taken apart wherever reads have cut them.
//!
//! ```text
//!  byte 0            1                2 ..                    payload
//!     | FIN | opcode | MASK | 7 bits | 16 or 64 bits of length | key (4, client to server only) | masked with the key |
//! ```
//!
//! Payloads are unmasked where they were read and moved together over the headers between them, so that a read of many
//! messages is one slice. It reads and writes no socket.

use std::io;
use std::ops::Range;

pub(super) const FIN: u8 = 0x80;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;
/// The longest payload of a control message (RFC 6455, section 5.5).
const MAX_CONTROL_LEN: usize = 125;
/// The longest header.
const MAX_HEADER_LEN: usize = 14;
/// Which end of the connection this is: clients mask, servers do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Client,
    Server,
}

/// Puts one message behind `out`.
pub(super) fn put_message(out: &mut Vec<u8>, opcode: u8, mask: Option<[u8; 4]>, parts: &[&[u8]]) {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    out.reserve(MAX_HEADER_LEN + len);
    out.push(FIN | opcode);
    let masked = if mask.is_some() { 0x80 } else { 0 };
    match len {
        0..=125 => out.push(masked | len as u8),
        126..=0xffff => {
            out.push(masked | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    if let Some(mask) = mask {
        out.extend_from_slice(&mask);
    }
    let from = out.len();
    for part in parts {
        out.extend_from_slice(part);
    }
    if let Some(mask) = mask {
        apply(mask, 0, &mut out[from..]);
    }
}

/// Masks or unmasks `bytes`, the first of which is the message's byte number `at`.
fn apply(mask: [u8; 4], at: usize, bytes: &mut [u8]) {
    let key = u64::from_ne_bytes(std::array::from_fn(|index| mask[(at + index) % 4]));
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ key).to_ne_bytes();
    }
    let key = key.to_ne_bytes();
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
    }
}

/// Masks that nobody who sees only payloads can foresee (xorshift64*, seeded from the system's randomness). What they guard
/// is caches on the way that take payload for HTTP; secrecy is not theirs.
pub(super) struct Masks(u64);

impl Masks {
    /// `seed`: any number that others cannot guess.
    pub(super) fn new(seed: u64) -> Masks {
        Masks(seed | 1)
    }

    pub(super) fn next(&mut self) -> [u8; 4] {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let [a, b, c, d, ..] = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes();
        [a, b, c, d]
    }
}

/// Takes messages apart wherever reads have cut them.
pub(crate) struct Deframer {
    end: End,
    /// Payload bytes of the current message that have not come yet, with its mask and how many have.
    left: u64,
    mask: [u8; 4],
    at: usize,
    /// A header, or a control message, of which a part has come.
    partial: Vec<u8>,
    /// Control messages since they were last taken: opcode and payload.
    pub(super) control: Vec<(u8, Vec<u8>)>,
}

struct Header {
    opcode: u8,
    len: u64,
    mask: [u8; 4],
    header_len: usize,
}

impl Deframer {
    pub(crate) fn new(end: End) -> Deframer {
        Deframer { end, left: 0, mask: [0; 4], at: 0, partial: Vec::new(), control: Vec::new() }
    }

    /// Puts the part of a header that came with the last read where the next read goes on. It is kept until there is one: a read may bring nothing.
    pub(crate) fn put_in_front(&self, scratch: &mut [u8]) -> usize {
        let len = self.partial.len();
        scratch[..len].copy_from_slice(&self.partial);
        len
    }

    /// `bytes` are `kept` bytes of the stream and then what was read. Returns where kept bytes and payloads now stand, side
    /// by side.
    pub(crate) fn deframe(&mut self, bytes: &mut [u8], kept: usize) -> io::Result<Range<usize>> {
        self.partial.clear();
        let mut start = 0;
        let mut to = kept;
        let mut at = kept;
        while at < bytes.len() {
            if self.left > 0 {
                let len = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len() - at);
                if self.end == End::Server {
                    apply(self.mask, self.at, &mut bytes[at..at + len]);
                }
                self.at = (self.at + len) % 4;
                self.left -= len as u64;
                if to == kept && start == 0 && at > kept {
                    // The first payload of a read: the few kept bytes move to it, not it to them.
                    start = at - kept;
                    bytes.copy_within(0..kept, start);
                    to = at;
                } else if to != at {
                    bytes.copy_within(at..at + len, to);
                }
                to += len;
                at += len;
                continue;
            }
            let Some(header) = self.header(&bytes[at..])? else {
                self.partial.extend_from_slice(&bytes[at..]);
                break;
            };
            if header.opcode >= CLOSE {
                let from = at + header.header_len;
                let Some(payload) = bytes.get_mut(from..from + header.len as usize) else {
                    self.partial.extend_from_slice(&bytes[at..]);
                    break;
                };
                apply(header.mask, 0, payload);
                self.control.push((header.opcode, payload.to_vec()));
                at = from + header.len as usize;
                if self.control.len() > 64 {
                    return Err(broken("more than 64 WebSocket control messages in one read"));
                }
                continue;
            }
            at += header.header_len;
            self.left = header.len;
            self.mask = header.mask;
            self.at = 0;
        }
        Ok(start..to)
    }

    fn header(&self, bytes: &[u8]) -> io::Result<Option<Header>> {
        let &[first, second, ..] = bytes else { return Ok(None) };
        let opcode = first & 0x0f;
        if first & 0x70 != 0 || !matches!(opcode, 0 | BINARY | CLOSE | PING | PONG) {
            return Err(broken(&format!("WebSocket message with first byte {first:#04x}, wanted binary or control")));
        }
        let masked = second & 0x80 != 0;
        if masked != (self.end == End::Server) {
            return Err(broken("WebSocket message masked by a server, or not masked by a client"));
        }
        let (len, mut header_len) = match second & 0x7f {
            126 => match bytes.get(2..4) {
                Some(len) => (be(len), 4),
                None => return Ok(None),
            },
            127 => match bytes.get(2..10) {
                Some(len) => (be(len), 10),
                None => return Ok(None),
            },
            len => (u64::from(len), 2),
        };
        if opcode >= CLOSE && (len > MAX_CONTROL_LEN as u64 || first & FIN == 0) {
            return Err(broken(&format!("WebSocket control message of {len} bytes, wanted one of at most 125")));
        }
        let mut mask = [0; 4];
        if masked {
            let Some(key) = bytes.get(header_len..header_len + 4) else { return Ok(None) };
            mask.copy_from_slice(key);
            header_len += 4;
        }
        Ok(Some(Header { opcode, len, mask, header_len }))
    }
}

fn be(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A message of a client.
    pub(crate) fn masked(parts: &[&[u8]], opcode: u8) -> Vec<u8> {
        let mut out = Vec::new();
        put_message(&mut out, opcode, Some([0x91, 2, 0xf3, 4]), parts);
        out
    }

    /// Control messages: opcode and payload.
    type Control = Vec<(u8, Vec<u8>)>;

    /// Feeds `bytes` in reads of `step`, each behind `kept` bytes that stay from the read before.
    fn fed(bytes: &[u8], step: usize, keep: usize) -> io::Result<(Vec<u8>, Control)> {
        let mut reader = Deframer::new(End::Server);
        let mut stream: Vec<u8> = Vec::new();
        let mut kept: Vec<u8> = Vec::new();
        let mut control = Vec::new();
        for read in bytes.chunks(step) {
            let mut scratch = vec![0; kept.len() + 32 + step];
            scratch[..kept.len()].copy_from_slice(&kept);
            let held = reader.put_in_front(&mut scratch[kept.len()..]);
            let end = kept.len() + held + read.len();
            scratch[kept.len() + held..end].copy_from_slice(read);
            let range = reader.deframe(&mut scratch[..end], kept.len())?;
            let got = &scratch[range];
            assert_eq!(&got[..kept.len()], kept);
            stream.extend_from_slice(&got[kept.len()..]);
            kept = got[got.len().saturating_sub(keep)..].to_vec();
            control.append(&mut reader.control);
        }
        Ok((stream, control))
    }

    #[test]
    fn payloads_are_one_stream_wherever_reads_cut_it() {
        let long = vec![0x5a; 70_000];
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for payload in [&b"a"[..], b"", &long, b"hello world", &long[..300]] {
            bytes.extend_from_slice(&masked(&[payload], BINARY));
            bytes.extend_from_slice(&masked(&[b"ping"], PING));
            expected.extend_from_slice(payload);
        }
        for step in [1, 2, 3, 5, 7, 64, 1000, 4096, 100_000] {
            for keep in [0, 1, 9] {
                let (stream, control) = fed(&bytes, step, keep).unwrap();
                assert!(stream == expected, "step {step} keep {keep}");
                assert_eq!(control, vec![(PING, b"ping".to_vec()); 5]);
            }
        }
    }

    #[test]
    fn masking_twice_is_nothing_and_masks_differ() {
        let mut masks = Masks(7);
        let (first, second) = (masks.next(), masks.next());
        assert_ne!(first, second);
        for at in 0..4 {
            let mut bytes: Vec<u8> = (0..50).collect();
            apply(first, at, &mut bytes);
            assert_eq!(bytes[0], first[at]);
            apply(first, at, &mut bytes);
            assert_eq!(bytes, (0..50).collect::<Vec<u8>>());
        }
    }

    #[test]
    fn what_is_no_binary_message_of_a_client_is_refused() {
        let mut unmasked = Vec::new();
        put_message(&mut unmasked, BINARY, None, &[b"x"]);
        let mut reserved = masked(&[b"x"], BINARY);
        reserved[0] |= 0x40;
        for bytes in [unmasked, reserved, masked(&[b"text"], 1), masked(&[&[0; 126]], PING)] {
            assert_eq!(fed(&bytes, 1000, 0).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }
}
