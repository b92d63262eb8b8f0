//! Any bytes for [`highway_tunnel::fuzzing::packed`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highway_tunnel::fuzzing::packed(bytes));
