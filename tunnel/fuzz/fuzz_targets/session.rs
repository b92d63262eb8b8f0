//! Any bytes for [`highway_tunnel::fuzzing::session`], and the sequence of records that is made of them.

#![no_main]

use highway_tunnel::fuzzing::session;
use wire::fuzzing::{self, Dice};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    session(bytes);
    // The first byte says what both ends know.
    session(&[&[0xff][..], &fuzzing::records(&mut Dice::new(bytes))].concat());
});
