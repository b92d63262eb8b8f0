//! The header and events: what decodes encodes to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::dubbo::answer;
use wire::dubbo::frame::{self, HEADER_LEN, Header};
use wire::fuzzing::{self, Dice};

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&fuzzing::request(&mut Dice::new(bytes)));
});

fn check(bytes: &[u8]) {
    let Ok(Some(header)) = Header::decode(bytes) else { return };
    assert_eq!(header.encode(), bytes[..HEADER_LEN]);
    let body = &bytes[HEADER_LEN..];
    let _ = (header.kind(), header.event(body), header.serialization().name(), header.status().name());
    let _ = answer::error_text(&header, body);
    let mut out = Vec::new();
    frame::put_heartbeat_reply(&mut out, &header);
    assert!(Header::decode(&out).is_ok_and(|reply| reply.is_some_and(|reply| reply.id == header.id)));
}
