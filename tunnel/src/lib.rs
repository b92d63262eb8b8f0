//! Links and transports, both halves.

pub mod key;
