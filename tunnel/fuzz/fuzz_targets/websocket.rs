//! Any bytes for [`highway_tunnel::fuzzing::websocket`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highway_tunnel::fuzzing::websocket(bytes));
