//! Dubbo for Rust services, with the island as part of the call.
