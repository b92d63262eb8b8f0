//! The ingress gateway: calls go out to providers here.
