//! The readers of a peer's bytes, for the fuzz targets. It never becomes part of a program.

use std::time::Instant;

use wire::tunnel::hello::feature;
use wire::tunnel::record::Decoded;
use wire::tunnel::{Head, Record};

use crate::session::{Credit, Event, Room, Session, Side};
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
    let (mut rest, mut room) = (bytes, Room::default());
    while let Ok(decoded) = Record::decode(rest) {
        let used = match decoded {
            Decoded::Incomplete(_) => break,
            Decoded::Skipped(used) => {
                session.skip(used);
                used
            }
            Decoded::Record(record, used) => {
                if session.receive(record, &mut room).is_err() || session.flush(now, 0, |_| {}).is_err() {
                    break;
                }
                used
            }
        };
        rest = &rest[used..];
    }
    session.end("fuzzed", None);
}

/// Calls of which these bytes are the bodies, packed by one session and taken by another: as they were, or, where a byte of what crosses is changed,
/// taken or refused.
pub fn packed(bytes: &[u8]) {
    let Some((&[features, change, high, low], bodies)) = bytes.split_first_chunk() else { return };
    let features = feature::PACKING | u64::from(features) & feature::MODELS;
    let now = Instant::now();
    let [mut from, mut to] =
        [(Side::Dialler, Credit::Automatic), (Side::Acceptor, Credit::ByOwner)].map(|(side, credit)| {
            let mut session = Session::new(side, credit, 64, 64, &shard::Budget::new(1 << 30)).with(features);
            let _ = session.connect(now, 0, 0, |_| {});
            session
        });
    let mut head = Vec::new();
    if (Head { remaining_ms: 1000, ..Head::default() }).encode_into(&mut head).is_err() {
        return;
    }
    // Each stands a few times in its frame, so that most can be packed.
    let frame = |body: &[u8]| [&[0xda, 0xbb, 0xc2, 0][..], &[7; 12], &body.repeat(1 + body.len() % 4)].concat();
    let sent: Vec<Vec<u8>> = bodies.chunks(200).take(32).map(frame).collect();
    for (token, frame) in sent.iter().enumerate() {
        let _ = from.open(now, &head, &[frame], token as u64);
    }
    let mut crossing = Vec::new();
    let _ = from.flush(now, 0, |parts| crossing.extend(parts.concat()));
    let at = usize::from(u16::from_be_bytes([high, low]));
    let changed = crossing.get_mut(at).map_or(0, |byte| {
        *byte ^= change;
        change
    });
    let (mut rest, mut room, mut taken) = (&crossing[..], Room::default(), 0);
    while let Ok(Decoded::Record(record, used)) = Record::decode(rest) {
        match to.receive(record, &mut room) {
            Ok(Event::Opened(_, open)) if changed == 0 => {
                assert_eq!((open.head, open.piece), (&head[..], &sent[taken][..]));
                taken += 1;
            }
            Ok(_) => {}
            Err(why) => {
                assert_ne!(changed, 0, "{why}");
                break;
            }
        }
        rest = &rest[used..];
    }
    assert!(changed != 0 || taken == sent.len(), "{taken} of {}", sent.len());
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
