//! Links and transports, both halves.
