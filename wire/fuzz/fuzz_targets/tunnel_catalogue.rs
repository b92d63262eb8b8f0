//! Any bytes as a catalogue update or a hello: what is read can be written and read again, in parts that fit.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::tunnel::catalogue::{MAX_UPDATE_LEN, Update};
use wire::tunnel::hello::{self, ClientHello, ClientPayload, HubPayload, Refusal};
use wire::fuzzing::{self, Dice};

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&fuzzing::update(&mut Dice::new(bytes)));
});

fn check(bytes: &[u8]) {
    let _ = hello::decode::<ClientHello>(bytes);
    let _ = hello::decode::<ClientPayload>(bytes);
    let _ = hello::decode::<HubPayload>(bytes);
    let _ = hello::decode::<Refusal>(bytes);
    let Ok(update) = Update::decode(bytes) else { return };
    let Ok(encoded) = update.encode() else { return };
    let mut added = Vec::new();
    for part in &encoded.parts {
        assert!(part.len() <= MAX_UPDATE_LEN);
        added.extend(Update::decode(part).expect("an own part is readable").added);
    }
    if encoded.left_out.is_empty() {
        assert_eq!(added, update.added);
    }
}
