//! Any bytes as a head: a hop never makes an unreadable head of a readable one, and what it says of the source is its own word.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::tunnel::Head;
use wire::tunnel::head::{Hop, forward, glance, lower_remaining};
use wire::fuzzing::{self, Dice};

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&fuzzing::head(&mut Dice::new(bytes)));
});

fn check(bytes: &[u8]) {
    let _ = Head::split(bytes);
    let _ = glance(bytes);
    lower_remaining(&mut bytes.to_vec(), 1);
    let mut out = Vec::new();
    let forwarded = forward(bytes, Hop { source: "beijing", remaining_ms: 7 }, &mut out);
    let Ok(head) = Head::decode(bytes) else { return };
    let mut again = Vec::new();
    assert_eq!(head.encode_into(&mut again), Ok(()));
    assert_eq!(Head::decode(&again), Ok(head));
    if forwarded.is_ok() {
        let expected = Head { hops: head.hops.saturating_add(1), source: "beijing", remaining_ms: 7, ..head };
        assert_eq!(Head::decode(&out), Ok(expected));
    }
}
