//! The readers of a peer's bytes, for the fuzz targets. It never becomes part of a program.

use std::time::Instant;

use wire::tunnel::record::Decoded;
use wire::tunnel::{Head, Record};

use crate::session::{Credit, Session, Side};
use crate::transport::ws::framing::{Deframer, End};

/// Any bytes as what a peer sends over a session, behind one that says what both ends know: it is taken or the session ends, and nothing grows beyond what came.
pub fn session(bytes: &[u8]) {
    let Some((&features, bytes)) = bytes.split_first() else { return };
    let features = u64::from(features);
    let mut session =
        Session::new(Side::Acceptor, Credit::ByOwner, 64, 64, &shard::Budget::new(1 << 30)).with(features);
    let now = Instant::now();
    let _ = session.connect(now, 0, 0, |_| {});
    let mut head = Vec::new();
    if (Head { remaining_ms: 1000, ..Head::default() }).encode_into(&mut head).is_ok() {
        let _ = session.open(now, &head, &[b"small"], 1);
        let _ = session.open(now, &head, &[&[7; 300_000]], 2);
    }
    let _ = session.flush(now, 0, |_| {});
    let (mut rest, mut whole) = (bytes, Vec::new());
    while let Ok(decoded) = Record::decode(rest) {
        let used = match decoded {
            Decoded::Incomplete(_) => break,
            Decoded::Skipped(used) => {
                session.skip(used);
                used
            }
            Decoded::Record(record, used) => {
                if session.receive(record, &mut whole).is_err() || session.flush(now, 0, |_| {}).is_err() {
                    break;
                }
                used
            }
        };
        rest = &rest[used..];
    }
    session.end("fuzzed", None);
}

/// Any bytes as WebSocket messages, in reads of the length that the first byte says.
pub fn websocket(bytes: &[u8]) {
    let Some((&step, bytes)) = bytes.split_first() else { return };
    for end in [End::Client, End::Server] {
        let mut reader = Deframer::new(end);
        for read in bytes.chunks(usize::from(step).max(1)) {
            let mut scratch = vec![0; read.len() + 256];
            let held = reader.put_in_front(&mut scratch);
            scratch[held..held + read.len()].copy_from_slice(read);
            if reader.deframe(&mut scratch[..held + read.len()], 0).is_err() {
                break;
            }
        }
    }
}
